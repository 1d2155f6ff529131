// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the programs over all tasks share.
#ifndef PERFUSE_ITER_H
#define PERFUSE_ITER_H

#include "perfuse.h"

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} CORE;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} CORE;

// How deep the pid namespace of the reader lies: the one who reads the iterator runs its program. The helper that gives
// a typed pointer came only with 5.11.
INLINE u32 reader_level(void)
{
	struct task_struct *reader = (void *)current_task_address();
	struct pid *pid = NULL;
	u32 level = 0;

	read_kernel(&pid, sizeof(pid), &reader->thread_pid);
	read_kernel(&level, sizeof(level), &pid->level);
	return level;
}

#endif
