// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What threads do themselves when memory is short: reclaim, compaction, and in the end the kill.
#include "perfuse.h"

#define DIRECT 0
#define CGROUP 1
#define COMPACTION 2
#define KINDS 3

struct reclaim_key {
	u32 pid;
	u32 kind;
};

struct reclaim_process {
	u64 sum_ns;
	u64 count;
	u64 max_ns;
	u64 pages;
	u64 cgroup_id;
	char comm[COMM];
};

// Since when, by kind. One kind never nests in itself.
struct since {
	u64 ns[KINDS];
};

#define KNOWN 1

struct oom_victim {
	u32 pid;
	u32 uid;
	u32 by_pid;
	// Whether the kernel gave the task, not only its pid.
	u32 flags;
	u64 cgroup_id;
	u64 rss_pages;
	char comm[COMM];
	char by_comm[COMM];
};

TABLE(reclaim_process, MAP_LRU_HASH, 2048, struct reclaim_key, struct reclaim_process);
TABLE(oom_victims, MAP_LRU_HASH, 256, u64, struct oom_victim);
TASK_STATE(w_since, struct since);

u64 lost_reclaim_process;
u64 lost_oom_victims;

INLINE int begin(u32 kind)
{
	struct since *since = task_storage(&w_since, current_task(), NULL, STORAGE_CREATE);

	if (since)
		since->ns[kind] = ktime_ns();
	else
		add(&lost_reclaim_process, 1);
	return 0;
}

INLINE int end(u32 kind, u64 pages)
{
	struct task_struct *task = current_task();
	struct since *since = task_storage(&w_since, task, NULL, 0);
	struct reclaim_key key = { 0, kind };
	struct reclaim_process *row;
	u64 took;

	if (!since || !since->ns[kind])
		return 0;
	took = ktime_ns() - since->ns[kind];
	since->ns[kind] = 0;
	key.pid = pid_of(task);
	row = at(&reclaim_process, &key, &(struct reclaim_process){}, &lost_reclaim_process);
	if (!row)
		return 0;
	add(&row->sum_ns, took);
	add(&row->count, 1);
	add(&row->pages, pages);
	raise(&row->max_ns, took);
	row->cgroup_id = cgroup_of(task);
	copy_comm(row->comm, task->comm);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int direct_begin(u64 *ctx)
{
	(void)ctx;
	return begin(DIRECT);
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int direct_end(u64 *ctx)
{
	return end(DIRECT, ctx[0]);
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int cgroup_begin(u64 *ctx)
{
	(void)ctx;
	return begin(CGROUP);
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int cgroup_end(u64 *ctx)
{
	return end(CGROUP, ctx[0]);
}

SEC("tp_btf/mm_compaction_begin")
int compaction_begin(u64 *ctx)
{
	(void)ctx;
	return begin(COMPACTION);
}

SEC("tp_btf/mm_compaction_end")
int compaction_end(u64 *ctx)
{
	(void)ctx;
	return end(COMPACTION, 0);
}

// The record of the tracepoint; its comm came in 6.10 together with the task as argument, in place of the pid.
struct trace_event_raw_mark_victim {
	u32 __data_loc_comm;
} CORE;

SEC("tp_btf/mark_victim")
int mark_victim(u64 *ctx)
{
	struct task_struct *task = current_task();
	struct oom_victim victim = {};
	u64 now = ktime_ns();

	victim.by_pid = pid_of(task);
	copy_comm(victim.by_comm, task->comm);
	if (field_exists(((struct trace_event_raw_mark_victim *)0)->__data_loc_comm)) {
		task = (void *)ctx[0];
		victim.pid = pid_of(task);
		victim.uid = task->real_cred->uid.val;
		victim.cgroup_id = cgroup_of(task);
		victim.rss_pages = rss_of(task->mm);
		victim.flags = KNOWN;
		copy_comm(victim.comm, task->comm);
	} else {
		victim.pid = ctx[0];
	}
	if (map_update(&oom_victims, &now, &victim, UPDATE_ANY))
		add(&lost_oom_victims, 1);
	return 0;
}
