// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Waiting for the kernel's own locks, from the tracepoints that only contended locks reach (Linux 5.19 and later).
#include "stacks.h"

// Waits shorter than this are counted in lock_hist only.
const volatile u64 lock_min_ns = 1000;

#define FLAG_MUTEX 32

// Waiter: a task, or a CPU for the idle task and what interrupts it.
struct waiting_key {
	u64 waiter;
	u64 lock;
};

struct waiting {
	u64 since_ns;
	u32 flags;
	u32 reserved;
};

struct lock_key {
	u64 kernel_stack;
	u32 pid;
	u32 flags;
};

struct lock_wait {
	u64 sum_ns;
	u64 count;
	u64 max_ns;
	u64 lock;
	u64 cgroup_id;
	char comm[COMM];
};

TABLE(lock_hist, MAP_PERCPU_HASH, 32, u32, struct hist);
TABLE(lock_wait, MAP_LRU_HASH, 4096, struct lock_key, struct lock_wait);
TABLE(w_waiting, MAP_LRU_HASH, 8192, struct waiting_key, struct waiting);
// The value of a new row of lock_hist: too large for the stack.
TABLE(w_zero_hist, MAP_ARRAY, 1, u32, struct hist);

u64 lost_lock_hist;
u64 lost_lock_wait;

INLINE u64 waiter(struct task_struct *task)
{
	return task->pid ? (u64)task : (u64)this_cpu();
}

INLINE void count(u32 flags, u64 took)
{
	struct hist *hist = map_lookup(&lock_hist, &flags);
	u32 zero = 0;

	if (!hist) {
		struct hist *fresh = map_lookup(&w_zero_hist, &zero);

		if (fresh)
			map_update(&lock_hist, &flags, fresh, UPDATE_NEW);
		hist = map_lookup(&lock_hist, &flags);
	}
	if (hist)
		hist_add(hist, took);
	else
		add(&lost_lock_hist, 1);
}

// TP_PROTO(void *lock, unsigned int flags)
SEC("tp_btf/contention_begin")
int contention_begin(u64 *ctx)
{
	struct waiting_key key = { waiter(current_task()), ctx[0] };
	struct waiting waiting = { ktime_ns(), ctx[1], 0 };
	struct waiting *begun;

	// A mutex says so again each time it goes from spinning to sleeping and back: the first one counts.
	if (waiting.flags & FLAG_MUTEX) {
		begun = map_lookup(&w_waiting, &key);
		if (begun) {
			begun->flags = waiting.flags;
			return 0;
		}
	}
	map_update(&w_waiting, &key, &waiting, UPDATE_ANY);
	return 0;
}

// TP_PROTO(void *lock, int ret)
SEC("tp_btf/contention_end")
int contention_end(u64 *ctx)
{
	struct task_struct *task = current_task();
	struct waiting_key begun = { waiter(task), ctx[0] };
	struct waiting *waiting = map_lookup(&w_waiting, &begun);
	struct lock_key key = {};
	struct lock_wait *row;
	u64 took;

	if (!waiting)
		return 0;
	took = ktime_ns() - waiting->since_ns;
	key.flags = waiting->flags;
	map_delete(&w_waiting, &begun);
	// Whether the wait for a mutex ended spinning or sleeping does not matter to its sum.
	if (key.flags & FLAG_MUTEX)
		key.flags = FLAG_MUTEX;
	count(key.flags, took);
	if (took < lock_min_ns)
		return 0;
	key.pid = pid_of(task);
	key.kernel_stack = current_stack(ctx, 0);
	row = at(&lock_wait, &key, &(struct lock_wait){}, &lost_lock_wait);
	if (!row)
		return 0;
	add(&row->sum_ns, took);
	add(&row->count, 1);
	raise(&row->max_ns, took);
	row->lock = ctx[0];
	row->cgroup_id = cgroup_of(task);
	copy_comm(row->comm, task->comm);
	return 0;
}
