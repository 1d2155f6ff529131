// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Waiting for a CPU and waiting for anything else, in one program at the context switch.
//
//      runs          blocked                queued           runs
//   ----------|---------------------|-------------------|-----------
//        since_ns              last_queued             now          all three on the clock of the run queue
//
// The kernel itself notes when a thread is queued (sched_info.last_queued, the basis of /proc/PID/schedstat), so no
// program at the wake-up is needed, and the clock of the run queue has just been read by the scheduler. A thread that
// is moved to another CPU while it waits is queued anew; what it had waited by then is in sched_info.run_delay.
#include "stacks.h"

// Waits too short for the second slot of a small histogram are handed on to the tables of processes and cgroups this many
// at a time: on a large host all CPUs write the same few rows. A thread that ends takes its last few with it.
const volatile u32 runq_batch = 32;
// Off-CPU times shorter than this are not kept.
const volatile u64 offcpu_min_ns = 1000000;
// Whether user stacks are taken, of threads whose last wait was long.
const volatile u32 offcpu_user_stacks = 0;

struct runq_process {
	u64 sum_ns;
	u64 count;
	u64 max_ns;
	u64 cgroup_id;
	u32 slots[SMALL_SLOTS];
	char comm[COMM];
};

struct runq_cgroup {
	u64 sum_ns;
	u64 count;
	u64 max_ns;
	u32 slots[SMALL_SLOTS];
};

struct offcpu_key {
	u32 pid;
	u32 tid;
	u64 kernel_stack;
	u64 user_stack;
	u32 state;
	u32 reserved;
};

struct offcpu {
	u64 blocked_ns;
	u64 runq_ns;
	u64 count;
	u64 max_ns;
	u64 cgroup_id;
	char comm[COMM];
};

// Since when and in which state a thread is off the CPU.
struct off {
	u64 since_ns;
	u64 user_stack;
	// What the kernel had summed up of the thread's run-queue waits when it last began to run.
	u64 run_delay_ns;
	// Short waits that are not in the tables yet.
	u64 pending_ns;
	u32 pending;
	u32 state;
	// Above 0 after a long wait: the next few are worth their user stack.
	u32 slow;
	u32 reserved;
};

#define WORTH 4

TABLE(runq_hist, MAP_PERCPU_ARRAY, 1, u32, struct hist);
TABLE(runq_process, MAP_LRU_HASH, 4096, u32, struct runq_process);
TABLE(runq_cgroup, MAP_LRU_HASH, 1024, u64, struct runq_cgroup);
TABLE(offcpu, MAP_LRU_HASH, 4096, struct offcpu_key, struct offcpu);
TASK_STATE(w_off, struct off);

u64 lost_runq_process;
u64 lost_runq_cgroup;
u64 lost_offcpu;

// Below this a wait falls into the first slot of a small histogram.
#define SHORT_NS (2ULL << SMALL_FIRST)

// Adds one wait of `delay` and `more` short ones.
INLINE void add_waits(u64 *sum_ns, u64 *count, u64 *max_ns, u32 *slots, u64 delay, u64 more_ns, u32 more)
{
	add(sum_ns, delay + more_ns);
	add(count, 1 + more);
	raise(max_ns, delay);
	small_add(slots, delay);
	if (more)
		__sync_fetch_and_add(&slots[0], more);
}

static __attribute__((noinline)) int queued(struct task_struct *next, struct off *off, u64 delay)
{
	struct task_struct *task = view(struct task_struct, next);
	u64 cgroup_id = cgroup_of(task);
	struct runq_process *process;
	struct runq_cgroup *cgroup;
	u32 pid = pid_of(task);
	u64 more_ns = 0;
	u32 more = 0;

	if (off) {
		more_ns = off->pending_ns;
		more = off->pending;
		off->pending_ns = 0;
		off->pending = 0;
	}
	process = at(&runq_process, &pid, &(struct runq_process){}, &lost_runq_process);
	if (process) {
		add_waits(&process->sum_ns, &process->count, &process->max_ns, process->slots, delay, more_ns, more);
		process->cgroup_id = cgroup_id;
		copy_comm(process->comm, task->group_leader->comm);
	}
	cgroup = at(&runq_cgroup, &cgroup_id, &(struct runq_cgroup){}, &lost_runq_cgroup);
	if (cgroup)
		add_waits(&cgroup->sum_ns, &cgroup->count, &cgroup->max_ns, cgroup->slots, delay, more_ns, more);
	return 0;
}

static __attribute__((noinline)) int slept(struct task_struct *next, struct off *off, u64 total, u64 delay)
{
	struct task_struct *task = view(struct task_struct, next);
	struct offcpu_key key = {};
	struct frames *frames;
	struct offcpu *row;

	key.pid = pid_of(task);
	key.tid = tid_of(task);
	key.state = off->state;
	key.user_stack = off->user_stack;
	frames = frames_buffer();
	if (frames)
		key.kernel_stack = keep_stack(frames, get_task_stack(next, frames, sizeof(*frames), 0));
	row = at(&offcpu, &key, &(struct offcpu){}, &lost_offcpu);
	if (!row)
		return 0;
	add(&row->blocked_ns, total - delay);
	add(&row->runq_ns, delay);
	add(&row->count, 1);
	raise(&row->max_ns, total);
	row->cgroup_id = cgroup_of(task);
	copy_comm(row->comm, task->comm);
	return 0;
}

INLINE void leaves(void *ctx, struct task_struct *prev, u64 now)
{
	u32 state = state_of(prev);
	struct off *off;

	// Runnable: it was preempted and is queued already. Idle kernel threads wait for nothing.
	if (!state || state & TASK_NOLOAD)
		return;
	off = task_storage(&w_off, prev, NULL, STORAGE_CREATE);
	if (!off) {
		add(&lost_offcpu, 1);
		return;
	}
	off->since_ns = now;
	off->state = state;
	off->user_stack = offcpu_user_stacks && off->slow ? current_stack(ctx, STACK_USER) : 0;
}

// How long `next` waited for a CPU in all; nothing is counted for one that was never queued.
INLINE u64 waited(struct task_struct *next, struct off *off, u64 now)
{
	u64 queued_ns = next->sched_info.last_queued;
	u64 summed = next->sched_info.run_delay;
	u64 delay, all;

	if (!queued_ns)
		return 0;
	delay = now > queued_ns ? now - queued_ns : 0;
	all = delay;
	if (off) {
		if (off->run_delay_ns && summed > off->run_delay_ns)
			all += summed - off->run_delay_ns;
		// The kernel adds this right after.
		off->run_delay_ns = summed + delay;
	}
	return all;
}

INLINE void arrives(struct task_struct *next, u64 now)
{
	struct off *off = task_storage(&w_off, next, NULL, STORAGE_CREATE);
	u64 delay = waited(next, off, now);
	u64 total;
	u32 zero = 0;

	if (next->sched_info.last_queued) {
		struct hist *hist = map_lookup(&runq_hist, &zero);

		if (hist)
			hist_add(hist, delay);
		if (off && delay < SHORT_NS && off->pending < runq_batch) {
			off->pending++;
			off->pending_ns += delay;
		} else {
			queued(next, off, delay);
		}
	}
	if (!off) {
		add(&lost_offcpu, 1);
		return;
	}
	if (!off->since_ns)
		return;
	total = now > off->since_ns ? now - off->since_ns : 0;
	off->since_ns = 0;
	if (total >= offcpu_min_ns) {
		off->slow = WORTH;
		slept(next, off, total, delay < total ? delay : total);
	} else if (off->slow) {
		off->slow--;
	}
}

// TP_PROTO(bool preempt, struct task_struct *prev, struct task_struct *next, ...)
SEC("tp_btf/sched_switch")
int sched_switch(u64 *ctx)
{
	int preempt = (u8)ctx[0];
	struct task_struct *prev = (void *)ctx[1];
	struct task_struct *next = (void *)ctx[2];
	u64 now = view(struct task_struct, next)->se.cfs_rq->rq->clock;

	if (!preempt && prev->pid)
		leaves(ctx, prev, now);
	if (next->pid)
		arrives(next, now);
	return 0;
}
