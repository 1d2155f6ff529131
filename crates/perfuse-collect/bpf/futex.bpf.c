// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Waiting for user-space locks and conditions: for which address, at which place in the program, and who ended it.
#include "stacks.h"
#include "syscalls.h"

// Waits shorter than this are not kept.
const volatile u64 futex_min_ns = 10000;

#define FUTEX_WAIT 0
#define FUTEX_LOCK_PI 6
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_LOCK_PI2 13
#define FUTEX_COMMAND 0x7f
#define ETIMEDOUT 110

// The register of the third argument, which only this program reads.
struct pt_regs___third {
	unsigned long dx;
} CORE;

struct pt_regs___riscv_third {
	unsigned long a2;
} CORE;

struct futex_key {
	u32 pid;
	u32 tid;
	u64 address;
	u64 user_stack;
};

struct futex_wait {
	u64 sum_ns;
	u64 count;
	u64 max_ns;
	u64 timeouts;
	u64 cgroup_id;
	char comm[COMM];
	u32 waker_pid;
	u32 waker_tid;
	char waker_comm[COMM];
	// Operation and expected value of the last of these waits.
	u32 operation;
	u32 value;
};

struct futex_waker_key {
	u32 pid;
	u32 waker_tid;
	u64 address;
};

struct futex_waker {
	u64 sum_ns;
	u64 count;
	char comm[COMM];
	u32 waker_pid;
	u32 reserved;
};

// A wait that goes on.
struct wait {
	u64 since_ns;
	u64 address;
	u32 operation;
	u32 value;
	u32 waker_pid;
	u32 waker_tid;
	char waker_comm[COMM];
};

TABLE(futex_wait, MAP_LRU_HASH, 4096, struct futex_key, struct futex_wait);
TABLE(futex_waker, MAP_LRU_HASH, 4096, struct futex_waker_key, struct futex_waker);
TASK_STATE(w_wait, struct wait);

u64 lost_futex_wait;
u64 lost_futex_waker;

INLINE int waits(u32 command)
{
	return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI ||
	       command == FUTEX_LOCK_PI2 || command == FUTEX_WAIT_REQUEUE_PI;
}

INLINE u64 third_of(struct pt_regs *regs)
{
	if (x86())
		return ((struct pt_regs___third *)regs)->dx;
	if (arm64())
		return ((struct pt_regs___arm64 *)regs)->regs[2];
	return ((struct pt_regs___riscv_third *)regs)->a2;
}

// TP_PROTO(struct pt_regs *regs, long id)
SEC("tp_btf/sys_enter")
int futex_enter(u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];
	struct task_struct *task;
	struct wait *wait;

	if (!is_futex(ctx[1]) || !waits(second_of(regs) & FUTEX_COMMAND))
		return 0;
	task = current_task();
	if (compat(task))
		return 0;
	wait = task_storage(&w_wait, task, NULL, STORAGE_CREATE);
	if (!wait) {
		add(&lost_futex_wait, 1);
		return 0;
	}
	wait->address = first_of(regs);
	wait->operation = second_of(regs);
	wait->value = third_of(regs);
	wait->waker_tid = 0;
	wait->waker_pid = 0;
	wait->since_ns = ktime_ns();
	return 0;
}

// Runs in the thread that wakes. Whatever wakes a thread that waits for a futex last before it returns, ends its wait.
SEC("tp_btf/sched_waking")
int futex_waking(u64 *ctx)
{
	struct task_struct *woken = (void *)ctx[0];
	struct wait *wait = task_storage(&w_wait, woken, NULL, 0);
	struct task_struct *waker;

	if (!wait || !wait->since_ns)
		return 0;
	waker = current_task();
	wait->waker_pid = pid_of(waker);
	wait->waker_tid = tid_of(waker);
	copy_comm(wait->waker_comm, waker->comm);
	return 0;
}

INLINE void woken_by(struct wait *wait, u32 pid, u64 took)
{
	struct futex_waker_key key = { pid, wait->waker_tid, wait->address };
	struct futex_waker *waker = at(&futex_waker, &key, &(struct futex_waker){}, &lost_futex_waker);

	if (!waker)
		return;
	add(&waker->sum_ns, took);
	add(&waker->count, 1);
	waker->waker_pid = wait->waker_pid;
	copy_comm(waker->comm, wait->waker_comm);
}

// TP_PROTO(struct pt_regs *regs, long ret)
SEC("tp_btf/sys_exit")
int futex_exit(u64 *ctx)
{
	struct task_struct *task;
	struct futex_key key = {};
	struct futex_wait *row;
	s64 result = ctx[1];
	struct wait *wait;
	u64 took;

	if (!is_futex(number_of((void *)ctx[0])))
		return 0;
	task = current_task();
	wait = task_storage(&w_wait, task, NULL, 0);
	if (!wait || !wait->since_ns)
		return 0;
	took = ktime_ns() - wait->since_ns;
	wait->since_ns = 0;
	if (took < futex_min_ns)
		return 0;
	key.pid = pid_of(task);
	key.tid = tid_of(task);
	key.address = wait->address;
	key.user_stack = current_stack(ctx, STACK_USER);
	row = at(&futex_wait, &key, &(struct futex_wait){}, &lost_futex_wait);
	if (!row)
		return 0;
	add(&row->sum_ns, took);
	add(&row->count, 1);
	raise(&row->max_ns, took);
	if (result == -ETIMEDOUT)
		add(&row->timeouts, 1);
	row->cgroup_id = cgroup_of(task);
	row->operation = wait->operation;
	row->value = wait->value;
	copy_comm(row->comm, task->comm);
	// After a timeout or a signal the one who woke it is a timer or the sender.
	if (result || !wait->waker_tid)
		return 0;
	row->waker_pid = wait->waker_pid;
	row->waker_tid = wait->waker_tid;
	copy_comm(row->waker_comm, wait->waker_comm);
	woken_by(wait, key.pid, took);
	return 0;
}
