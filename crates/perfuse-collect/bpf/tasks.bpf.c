// SPDX-License-Identifier: GPL-2.0-only OR MIT
// One row for every thread of the pid namespace of the reader: what /proc/PID/{stat,status,io,schedstat,cgroup} would
// say, without making text of it.
#include "iter.h"

#define HAS_RUN_DELAY 1
#define HAS_DELAYS 2
#define HAS_IO 4
#define HAS_CGROUP 8

// Mirrored by perfuse-format's tasks.rs.
struct task_row {
	u32 tid;
	u32 pid;
	u32 ppid;
	u32 uid;
	u64 start_ns;
	u64 user_ns;
	u64 system_ns;
	u64 exec_ns;
	u64 run_delay_ns;
	u64 blkio_delay_ns;
	u64 swapin_delay_ns;
	u64 reclaim_delay_ns;
	u64 thrashing_delay_ns;
	u64 minor_faults;
	u64 major_faults;
	u64 voluntary_switches;
	u64 involuntary_switches;
	u64 read_bytes;
	u64 write_bytes;
	u64 rss_pages;
	u64 cgroup_id;
	u64 timeslices;
	// Of the ended threads of the process; in the row of its leader, 0 in others.
	u64 ended_user_ns;
	u64 ended_system_ns;
	u64 ended_minor_faults;
	u64 ended_major_faults;
	u64 ended_voluntary_switches;
	u64 ended_involuntary_switches;
	u64 ended_read_bytes;
	u64 ended_write_bytes;
	u64 ended_exec_ns;
	u32 state;
	u32 flags;
	u32 threads;
	u32 cpu;
	s32 prio;
	s32 static_prio;
	u32 policy;
	u32 allowed_cpus;
	u32 reserved[3];
	u32 has;
	char comm[COMM];
};

_Static_assert(sizeof(struct task_row) == 296, "perfuse-format reads 296 bytes");
_Static_assert(__builtin_offsetof(struct task_row, has) == 276, "perfuse-format reads `has` at 276");

// exec_ns in the ratio of system to user time. Where the kernel samples the latter by ticks they are coarse, but their
// ratio is right in the long run, and the scheduler's own sum is exact (cputime_adjust in kernel/sched/cputime.c).
INLINE u64 system_share(u64 exec_ns, u64 user, u64 system)
{
	u64 total = user + system;
	u32 shift;

	if (!system || !total)
		return 0;
	if (!user)
		return exec_ns;
	// Below 2^31, so that no product overflows.
	shift = log2(total);
	shift = shift > 30 ? shift - 30 : 0;
	system >>= shift;
	total >>= shift;
	return exec_ns / total * system + exec_ns % total * system / total;
}

INLINE u32 cpu_of(struct task_struct *task)
{
	if (field_exists(task->thread_info.cpu))
		return task->thread_info.cpu;
	if (field_exists(((struct task_struct___before_5_16 *)task)->cpu))
		return ((struct task_struct___before_5_16 *)task)->cpu;
	return 0;
}

INLINE void fill_delays(struct task_row *row, struct task_struct *task)
{
	struct task_delay_info *delays;

	if (!field_exists(task->delays))
		return;
	// None where delay accounting was off when the task was made.
	delays = task->delays;
	if (!delays)
		return;
	row->blkio_delay_ns = delays->blkio_delay;
	row->swapin_delay_ns = delays->swapin_delay;
	row->reclaim_delay_ns = delays->freepages_delay;
	if (field_exists(delays->thrashing_delay))
		row->thrashing_delay_ns = delays->thrashing_delay;
	row->has |= HAS_DELAYS;
}

INLINE void fill_ended(struct task_row *row, struct signal_struct *signal)
{
	u64 exec = signal->sum_sched_runtime;

	row->ended_exec_ns = exec;
	row->ended_system_ns = system_share(exec, signal->utime, signal->stime);
	row->ended_user_ns = exec - row->ended_system_ns;
	row->ended_minor_faults = signal->min_flt;
	row->ended_major_faults = signal->maj_flt;
	row->ended_voluntary_switches = signal->nvcsw;
	row->ended_involuntary_switches = signal->nivcsw;
	if (field_exists(signal->ioac.read_bytes)) {
		row->ended_read_bytes = signal->ioac.read_bytes;
		row->ended_write_bytes = signal->ioac.write_bytes;
	}
}

INLINE void fill_usage(struct task_row *row, struct task_struct *task)
{
	u64 exec = task->se.sum_exec_runtime;
	struct mm_struct *mm = task->mm;

	row->exec_ns = exec;
	row->system_ns = system_share(exec, task->utime, task->stime);
	row->user_ns = exec - row->system_ns;
	row->minor_faults = task->min_flt;
	row->major_faults = task->maj_flt;
	row->voluntary_switches = task->nvcsw;
	row->involuntary_switches = task->nivcsw;
	if (field_exists(task->sched_info.run_delay)) {
		row->run_delay_ns = task->sched_info.run_delay;
		row->timeslices = task->sched_info.pcount;
		row->has |= HAS_RUN_DELAY;
	}
	if (field_exists(task->ioac.read_bytes)) {
		row->read_bytes = task->ioac.read_bytes;
		row->write_bytes = task->ioac.write_bytes;
		row->has |= HAS_IO;
	}
	fill_delays(row, task);
	// A kernel thread may have borrowed the memory of a process.
	if (mm && !(task->flags & PF_KTHREAD))
		row->rss_pages = rss_of(mm);
}

INLINE void fill_identity(struct task_row *row, struct task_struct *task, u32 level)
{
	row->tid = nr_of(task, level);
	row->pid = nr_of(task->group_leader, level);
	row->ppid = nr_of(task->real_parent->group_leader, level);
	row->uid = task->real_cred->uid.val;
	row->start_ns = task->start_boottime;
	row->state = state_of(task) | task->exit_state;
	row->flags = task->flags;
	row->threads = task->signal->nr_threads;
	row->cpu = cpu_of(task);
	row->prio = task->prio;
	row->static_prio = task->static_prio;
	row->policy = task->policy;
	row->allowed_cpus = task->nr_cpus_allowed;
	if (field_exists(task->cgroups)) {
		row->cgroup_id = cgroup_of(task);
		row->has |= HAS_CGROUP;
	}
	copy_comm(row->comm, task->comm);
}

SEC("iter/task")
int tasks(struct bpf_iter__task *ctx)
{
	struct bpf_iter_meta *meta = ctx->meta;
	struct task_struct *task = ctx->task;
	struct task_row row = {};

	if (!task)
		return 0;
	task = view(struct task_struct, task);
	fill_identity(&row, task, reader_level());
	fill_usage(&row, task);
	if (task == task->group_leader)
		fill_ended(&row, task->signal);
	seq_write(meta->seq, &row, sizeof(row));
	return 0;
}
