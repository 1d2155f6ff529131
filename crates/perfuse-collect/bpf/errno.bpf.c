// SPDX-License-Identifier: GPL-2.0-only OR MIT
// System calls that failed because something ran out, and how long it takes to make processes and threads.
#include "perfuse.h"

struct pt_regs {
	unsigned long orig_ax;
} CORE;

struct pt_regs___arm64 {
	s32 syscallno;
} CORE;

#define ENOMEM 12
#define EAGAIN 11
#define ENFILE 23
#define EMFILE 24
#define ENOSPC 28
#define EADDRNOTAVAIL 99
#define EDQUOT 122
// include/linux/errno.h, ERESTARTSYS and others end here; system calls return no larger error.
#define MAX_ERRNO 4095

// System call numbers of x86-64 and of the generic table (arm64, riscv64).
#define X86_CONNECT 42
#define X86_BIND 49
#define X86_CLONE 56
#define X86_VFORK 58
#define GENERIC_BIND 200
#define GENERIC_CONNECT 203
#define GENERIC_CLONE 220
#define CLONE3 435
// A 32-bit call of a 64-bit kernel: TS_COMPAT of arch/x86/include/asm/thread_info.h.
#define TS_COMPAT 2

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
u64 lost_w_fork;

INLINE int x86(void)
{
	return field_exists(((struct pt_regs *)0)->orig_ax);
}

INLINE u32 number_of(struct pt_regs *regs)
{
	if (x86())
		return regs->orig_ax;
	if (field_exists(((struct pt_regs___arm64 *)0)->syscallno))
		return ((struct pt_regs___arm64 *)regs)->syscallno;
	return ~0U;
}

INLINE int forks(u32 number)
{
	if (number == CLONE3)
		return 1;
	return x86() ? number >= X86_CLONE && number <= X86_VFORK : number == GENERIC_CLONE;
}

INLINE int takes_address(u32 number)
{
	if (x86())
		return number == X86_CONNECT || number == X86_BIND;
	return number == GENERIC_CONNECT || number == GENERIC_BIND;
}

INLINE int compat(struct task_struct *task)
{
	return field_exists(task->thread_info.status) && task->thread_info.status & TS_COMPAT;
}

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
	if (forks(number))
		fork_failed(task);
	else if (error == EAGAIN)
		return 0;
	if (error == EADDRNOTAVAIL && !takes_address(number))
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

INLINE int fork_begins(void)
{
	u64 *start = task_storage(&w_fork, current_task(), NULL, STORAGE_CREATE);

	if (start)
		*start = ktime_ns();
	else
		add(&lost_w_fork, 1);
	return 0;
}

#define FORK_ENTER(name)                                                                                               \
	SEC("tp/syscalls/sys_enter_" #name) int enter_##name(void *ctx)                                                    \
	{                                                                                                                  \
		(void)ctx;                                                                                                     \
		return fork_begins();                                                                                          \
	}

FORK_ENTER(fork)
FORK_ENTER(vfork)
FORK_ENTER(clone)
FORK_ENTER(clone3)

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
