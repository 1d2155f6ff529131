// SPDX-License-Identifier: GPL-2.0-only OR MIT
// How long page faults take. No tracepoint marks the end of one, but its accounting does: the software events for minor
// and major faults, counted one by one, run a program right there.
#include "perfuse.h"

struct fault_process {
	u64 minor_ns;
	u64 minor_count;
	u64 minor_max_ns;
	u64 major_ns;
	u64 major_count;
	u64 major_max_ns;
	u64 cgroup_id;
	char comm[COMM];
};

TABLE(fault_hist, MAP_PERCPU_ARRAY, 2, u32, struct hist);
TABLE(fault_process, MAP_LRU_HASH, 4096, u32, struct fault_process);
TASK_STATE(w_fault, u64);

u64 lost_fault_process;

INLINE int begin(void)
{
	u64 *start = task_storage(&w_fault, current_task(), NULL, STORAGE_CREATE);

	if (start)
		*start = ktime_ns();
	else
		add(&lost_fault_process, 1);
	return 0;
}

SEC("tp_btf/page_fault_user")
int page_fault_user(u64 *ctx)
{
	(void)ctx;
	return begin();
}

SEC("tp_btf/page_fault_kernel")
int page_fault_kernel(u64 *ctx)
{
	(void)ctx;
	return begin();
}

// A fault that ends in a signal has no accounting; its start is overwritten by that of the next.
INLINE int end(u32 major)
{
	struct task_struct *task = current_task();
	u64 *start = task_storage(&w_fault, task, NULL, 0);
	struct fault_process *process;
	struct hist *hist;
	u64 took;
	u32 pid;

	if (!start || !*start)
		return 0;
	took = ktime_ns() - *start;
	*start = 0;
	hist = map_lookup(&fault_hist, &major);
	if (hist)
		hist_add(hist, took);
	pid = pid_of(task);
	process = at(&fault_process, &pid, &(struct fault_process){}, &lost_fault_process);
	if (!process)
		return 0;
	if (major) {
		add(&process->major_ns, took);
		add(&process->major_count, 1);
		raise(&process->major_max_ns, took);
	} else {
		add(&process->minor_ns, took);
		add(&process->minor_count, 1);
		raise(&process->minor_max_ns, took);
	}
	process->cgroup_id = cgroup_of(task);
	current_comm(process->comm, COMM);
	return 0;
}

SEC("perf_event/page_faults_min")
int page_faults_min(void *ctx)
{
	(void)ctx;
	return end(0);
}

SEC("perf_event/page_faults_maj")
int page_faults_maj(void *ctx)
{
	(void)ctx;
	return end(1);
}
