// SPDX-License-Identifier: GPL-2.0-only OR MIT
// All time that threads of programs spend asleep, each wait with what it was for, so that the states of a thread add up:
//
//      runs          blocked                queued           runs
//   ----------|---------------------|-------------------|-----------
//        since_ns              last_queued             now
//
// `sched` keeps the long waits of the whole host and leaves out the short ones. Here none is left out: the system call, and
// whether the kernel waited for storage or memory, are known for nothing. The stack, which costs, is taken of each long
// wait, and of a short one now and then; the short ones in between are taken to be like the last that was looked at.
//
// A thread that sleeps from before the start to after the end never switches: the iterator tells of the waits that are not
// over yet, and its first run notes when they were first seen.
#include "iter.h"
#include "stacks.h"
#include "syscalls.h"

// Each wait of at least this length has its stack taken.
const volatile u64 waits_stack_ns = 1000000;
// Of shorter ones that are alike, one in so many.
const volatile u32 waits_sample = 64;

// Of whoever is asleep for storage, and of whoever is short of memory (include/linux/psi_types.h).
#define TSK_IOWAIT 1
#define TSK_MEMSTALL 2

#define FLAG_IO 1
#define FLAG_MEMORY 2
// Not a system call: the thread is in a page fault or another exception.
#define NO_CALL (-1)

static struct pt_regs *(*const task_registers)(struct task_struct *task) = (void *)175;

struct task_struct___psi {
	unsigned int psi_flags;
} CORE;

struct wait_key {
	u32 pid;
	u32 tid;
	u32 state;
	s32 call;
	u32 flags;
	u32 reserved;
	u64 kernel_stack;
};

// Mirrored by perfuse-format's bpf/waits.rs, behind its key.
struct wait_time {
	u64 blocked_ns;
	u64 runq_ns;
	u64 count;
	u64 max_ns;
	u64 cgroup_id;
	char comm[COMM];
};

// A wait that is not over: what the iterator writes.
struct open_row {
	struct wait_key key;
	struct wait_time time;
};

_Static_assert(sizeof(struct open_row) == 88, "perfuse-format reads 88 bytes");

struct wake_key {
	u32 pid;
	u32 tid;
	u32 waker_pid;
	u32 waker_tid;
	s32 call;
	u32 reserved;
};

struct wake_time {
	u64 sum_ns;
	u64 count;
	char comm[COMM];
};

// Waits that are alike but for their length.
struct alike {
	u32 tid;
	s32 call;
	u32 flags;
	u32 state;
};

struct like {
	u64 kernel_stack;
	u32 left;
	u32 reserved;
};

struct asleep {
	u64 since_ns;
	u64 run_delay_ns;
	u32 state;
	u32 flags;
	u32 waker_pid;
	u32 waker_tid;
	char waker[COMM];
};

TABLE(wait_time, MAP_LRU_HASH, 8192, struct wait_key, struct wait_time);
TABLE(wake_time, MAP_LRU_HASH, 8192, struct wake_key, struct wake_time);
TABLE(w_alike, MAP_LRU_HASH, 8192, struct alike, struct like);
TASK_STATE(w_asleep, struct asleep);

// Whether this CPU runs the function of a timer: of a high-resolution one, of an ordinary one. Whoever is woken there was
// not woken by the program that the interrupt came upon.
#define HRTIMER 0
#define TIMER 1

TABLE(w_timer, MAP_PERCPU_ARRAY, 2, u32, u64);

u64 lost_wait_time;
u64 lost_wake_time;

INLINE s32 call_of(struct task_struct *task)
{
	struct pt_regs *regs = task_registers(task);

	return regs ? (s32)number_of(view(struct pt_regs, regs)) : NO_CALL;
}

// What the kernel itself says of a thread that is going to sleep.
INLINE u32 flags_of(struct task_struct *task)
{
	struct task_struct___psi *psi = (void *)task;
	u32 flags = 0;

	if (!field_exists(psi->psi_flags))
		return 0;
	if (psi->psi_flags & TSK_IOWAIT)
		flags |= FLAG_IO;
	if (psi->psi_flags & TSK_MEMSTALL)
		flags |= FLAG_MEMORY;
	return flags;
}

INLINE u64 stack_of(struct task_struct *task)
{
	struct frames *frames = frames_buffer();

	return frames ? keep_stack(frames, get_task_stack(task, frames, sizeof(*frames), 0)) : 0;
}

// The stack of a wait of `total`, or of one that was alike.
static __attribute__((noinline)) u64 reason(struct task_struct *next, struct wait_key *key, u64 total)
{
	struct alike alike = {};
	struct like fresh = {};
	struct like *like;

	if (total >= waits_stack_ns)
		return stack_of(next);
	alike.tid = key->tid;
	alike.call = key->call;
	alike.flags = key->flags;
	alike.state = key->state;
	like = map_lookup(&w_alike, &alike);
	if (like && like->left) {
		like->left--;
		return like->kernel_stack;
	}
	fresh.kernel_stack = stack_of(next);
	fresh.left = waits_sample;
	map_update(&w_alike, &alike, &fresh, UPDATE_ANY);
	return fresh.kernel_stack;
}

INLINE void woken(struct wait_key *wait, struct asleep *asleep, u64 blocked)
{
	struct wake_key key = {};
	struct wake_time *row;

	if (!asleep->waker_tid)
		return;
	key.pid = wait->pid;
	key.tid = wait->tid;
	key.waker_pid = asleep->waker_pid;
	key.waker_tid = asleep->waker_tid;
	key.call = wait->call;
	row = at(&wake_time, &key, &(struct wake_time){}, &lost_wake_time);
	if (!row)
		return;
	add(&row->sum_ns, blocked);
	add(&row->count, 1);
	copy_comm(row->comm, asleep->waker);
}

static __attribute__((noinline)) int slept(struct task_struct *next, struct asleep *asleep, u64 total, u64 delay)
{
	struct task_struct *task = view(struct task_struct, next);
	struct wait_key key = {};
	struct wait_time *row;

	key.pid = pid_of(task);
	key.tid = tid_of(task);
	key.state = asleep->state;
	key.flags = asleep->flags;
	key.call = call_of(next);
	key.kernel_stack = reason(next, &key, total);
	row = at(&wait_time, &key, &(struct wait_time){}, &lost_wait_time);
	if (row) {
		add(&row->blocked_ns, total - delay);
		add(&row->runq_ns, delay);
		add(&row->count, 1);
		raise(&row->max_ns, total);
		row->cgroup_id = cgroup_of(task);
		copy_comm(row->comm, task->comm);
	}
	woken(&key, asleep, total - delay);
	return 0;
}

INLINE void leaves(struct task_struct *prev, u64 now)
{
	struct task_struct *task = view(struct task_struct, prev);
	u32 state = state_of(task);
	struct asleep *asleep;

	// Runnable: it was preempted. Kernel threads wait for work; whoever waits for them has a stack that tells.
	if (!state || state & TASK_NOLOAD || task->flags & PF_KTHREAD)
		return;
	asleep = task_storage(&w_asleep, prev, NULL, STORAGE_CREATE);
	if (!asleep) {
		add(&lost_wait_time, 1);
		return;
	}
	asleep->since_ns = now;
	asleep->state = state;
	asleep->flags = flags_of(task);
	asleep->waker_tid = 0;
}

// Its wait for a CPU after it was woken; the kernel's own sum, so that a move to another CPU in between is in it.
INLINE u64 queued(struct task_struct *task, struct asleep *asleep)
{
	u64 queued_ns = task->sched_info.last_queued;
	u64 summed = task->sched_info.run_delay;
	u64 clock = task->se.cfs_rq->rq->clock;
	u64 delay = queued_ns && clock > queued_ns ? clock - queued_ns : 0;
	u64 all = delay;

	if (asleep->run_delay_ns && summed > asleep->run_delay_ns)
		all += summed - asleep->run_delay_ns;
	// The kernel adds this right after.
	asleep->run_delay_ns = summed + delay;
	return all;
}

INLINE void arrives(struct task_struct *next, u64 now)
{
	struct asleep *asleep = task_storage(&w_asleep, next, NULL, 0);
	u64 total, delay;

	if (!asleep)
		return;
	delay = queued(view(struct task_struct, next), asleep);
	if (!asleep->since_ns)
		return;
	total = now > asleep->since_ns ? now - asleep->since_ns : 0;
	asleep->since_ns = 0;
	slept(next, asleep, total, delay < total ? delay : total);
}

// TP_PROTO(bool preempt, struct task_struct *prev, struct task_struct *next, ...)
SEC("tp_btf/sched_switch")
int waits_switch(u64 *ctx)
{
	int preempt = (u8)ctx[0];
	struct task_struct *prev = (void *)ctx[1];
	struct task_struct *next = (void *)ctx[2];
	u64 now = ktime_ns();

	if (!preempt && prev->pid)
		leaves(prev, now);
	if (next->pid)
		arrives(next, now);
	return 0;
}

INLINE int in_timer(u32 kind)
{
	u64 *on = map_lookup(&w_timer, &kind);

	return on && *on;
}

INLINE void set_timer(u32 kind, u64 value)
{
	u64 *on = map_lookup(&w_timer, &kind);

	if (on)
		*on = value;
}

SEC("tp_btf/hrtimer_expire_entry")
int waits_hrtimer_entry(u64 *ctx)
{
	(void)ctx;
	set_timer(HRTIMER, 1);
	return 0;
}

SEC("tp_btf/hrtimer_expire_exit")
int waits_hrtimer_exit(u64 *ctx)
{
	(void)ctx;
	set_timer(HRTIMER, 0);
	return 0;
}

SEC("tp_btf/timer_expire_entry")
int waits_timer_entry(u64 *ctx)
{
	(void)ctx;
	set_timer(TIMER, 1);
	return 0;
}

SEC("tp_btf/timer_expire_exit")
int waits_timer_exit(u64 *ctx)
{
	(void)ctx;
	set_timer(TIMER, 0);
	return 0;
}

// TP_PROTO(struct task_struct *p): called by whoever wakes; in an interrupt, by whoever it came upon.
SEC("tp_btf/sched_waking")
int waits_waking(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct asleep *asleep = task_storage(&w_asleep, task, NULL, 0);
	struct task_struct *waker;

	if (!asleep || !asleep->since_ns)
		return 0;
	if (in_timer(HRTIMER) || in_timer(TIMER))
		return 0;
	waker = view(struct task_struct, current_task());
	asleep->waker_pid = pid_of(waker);
	asleep->waker_tid = tid_of(waker);
	copy_comm(asleep->waker, waker->comm);
	return 0;
}

SEC("iter/task")
int waits_open(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *trusted = ctx->task;
	struct task_struct *task;
	struct open_row row = {};
	struct asleep *asleep;
	u64 now;

	if (!trusted)
		return 0;
	task = view(struct task_struct, trusted);
	row.key.state = state_of(task);
	if (!row.key.state || row.key.state & TASK_NOLOAD || task->flags & PF_KTHREAD || task->exit_state)
		return 0;
	asleep = task_storage(&w_asleep, trusted, NULL, STORAGE_CREATE);
	if (!asleep)
		return 0;
	now = ktime_ns();
	// Asleep since before we looked: it counts from now on.
	if (!asleep->since_ns) {
		asleep->state = row.key.state;
		asleep->flags = flags_of(task);
		asleep->run_delay_ns = task->sched_info.run_delay;
		asleep->since_ns = now;
	}
	row.key.pid = pid_of(task);
	row.key.tid = tid_of(task);
	row.key.call = call_of(trusted);
	row.key.flags = asleep->flags;
	row.key.kernel_stack = stack_of(trusted);
	row.time.blocked_ns = now > asleep->since_ns ? now - asleep->since_ns : 0;
	row.time.count = 1;
	row.time.max_ns = row.time.blocked_ns;
	row.time.cgroup_id = cgroup_of(task);
	copy_comm(row.time.comm, task->comm);
	seq_write(seq, &row, sizeof(row));
	return 0;
}
