// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Tells the reader how deep its pid namespace lies below the first one, which no file says from inside.
#include "iter.h"

SEC("iter/task")
int level(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	u32 depth;

	// Called once without a task, at the end.
	if (task)
		return 0;
	depth = reader_level();
	seq_write(seq, &depth, sizeof(depth));
	return 0;
}
