// SPDX-License-Identifier: GPL-2.0-only OR MIT
// System calls that failed because something ran out, and how long it takes to make processes and threads.
#include "syscalls.h"

#define ENOMEM 12
#define EAGAIN 11
#define ENFILE 23
#define EMFILE 24
#define ENOSPC 28
#define EADDRNOTAVAIL 99
#define EDQUOT 122
// include/linux/errno.h, ERESTARTSYS and others end here; system calls return no larger error.
#define MAX_ERRNO 4095

struct errno_key {
	u32 pid;
	u32 number;
	u32 error;
	u32 reserved;
};

struct errno_count {
	u64 count;
	u64 cgroup_id;
	char comm[COMM];
};

struct fork_process {
	u64 sum_ns;
	u64 count;
	u64 max_ns;
	u64 thread_sum_ns;
	u64 thread_count;
	u64 thread_max_ns;
	u64 failed;
	u64 cgroup_id;
	char comm[COMM];
};

TABLE(errno, MAP_LRU_HASH, 2048, struct errno_key, struct errno_count);
TABLE(fork_hist, MAP_PERCPU_ARRAY, 2, u32, struct hist);
TABLE(fork_process, MAP_LRU_HASH, 2048, u32, struct fork_process);
TASK_STATE(w_fork, u64);

u64 lost_errno;
u64 lost_fork_process;

static __attribute__((noinline)) int fork_failed(struct task_struct *task)
{
	struct fork_process *process;
	u32 pid = pid_of(task);

	process = at(&fork_process, &pid, &(struct fork_process){}, &lost_fork_process);
	if (!process)
		return 0;
	add(&process->failed, 1);
	process->cgroup_id = cgroup_of(task);
	copy_comm(process->comm, task->comm);
	return 0;
}

static __attribute__((noinline)) int failed(struct pt_regs *regs, u32 error)
{
	struct task_struct *task = current_task();
	struct errno_key key = {};
	struct errno_count *row;
	u32 number = number_of(regs);

	if (compat(task))
		return 0;
	if (is_fork(number))
		fork_failed(task);
	else if (error == EAGAIN)
		return 0;
	if (error == EADDRNOTAVAIL && !takes_address(number))
		return 0;
	if (error == ENOMEM && maps_huge_pages(regs))
		return 0;
	if (error != ENOMEM && error != EAGAIN && error != ENFILE && error != EMFILE && error != ENOSPC &&
	    error != EADDRNOTAVAIL && error != EDQUOT)
		return 0;
	key.pid = pid_of(task);
	key.number = number;
	key.error = error;
	row = at(&errno, &key, &(struct errno_count){}, &lost_errno);
	if (!row)
		return 0;
	add(&row->count, 1);
	row->cgroup_id = cgroup_of(task);
	copy_comm(row->comm, task->comm);
	return 0;
}

// Runs for every system call of the host: nearly all leave at the first comparison.
// TP_PROTO(struct pt_regs *regs, long ret)
SEC("tp_btf/sys_exit")
int sys_exit(u64 *ctx)
{
	s64 result = ctx[1];

	if (result >= 0 || result < -MAX_ERRNO)
		return 0;
	return failed((void *)ctx[0], -result);
}

// TP_PROTO(struct pt_regs *regs, long id)
SEC("tp_btf/sys_enter")
int sys_enter(u64 *ctx)
{
	struct task_struct *task;
	u64 *start;

	if (!is_fork(ctx[1]))
		return 0;
	task = current_task();
	if (compat(task))
		return 0;
	start = task_storage(&w_fork, task, NULL, STORAGE_CREATE);
	if (start)
		*start = ktime_ns();
	else
		add(&lost_fork_process, 1);
	return 0;
}

// TP_PROTO(struct task_struct *parent, struct task_struct *child): the child is complete and about to be woken.
SEC("tp_btf/sched_process_fork")
int forked(u64 *ctx)
{
	struct task_struct *child = (void *)ctx[1];
	struct task_struct *task = current_task();
	u64 *start = task_storage(&w_fork, task, NULL, 0);
	u32 thread = child->tgid == task->tgid;
	struct fork_process *process;
	struct hist *hist;
	u64 took;
	u32 pid;

	if (!start || !*start)
		return 0;
	took = ktime_ns() - *start;
	*start = 0;
	hist = map_lookup(&fork_hist, &thread);
	if (hist)
		hist_add(hist, took);
	pid = pid_of(task);
	process = at(&fork_process, &pid, &(struct fork_process){}, &lost_fork_process);
	if (!process)
		return 0;
	if (thread) {
		add(&process->thread_sum_ns, took);
		add(&process->thread_count, 1);
		raise(&process->thread_max_ns, took);
	} else {
		add(&process->sum_ns, took);
		add(&process->count, 1);
		raise(&process->max_ns, took);
	}
	process->cgroup_id = cgroup_of(task);
	copy_comm(process->comm, task->comm);
	return 0;
}
