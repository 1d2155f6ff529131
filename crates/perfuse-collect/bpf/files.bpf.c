// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Open file descriptors of each process and its limit. The bits of the descriptor table are counted, which is much
// less work than to visit every file.
#include "iter.h"

struct fdtable {
	unsigned int max_fds;
	unsigned long *open_fds;
	unsigned long *full_fds_bits;
} CORE;

struct files_struct {
	struct fdtable *fdt;
} CORE;

#define RLIMIT_NOFILE 7

// Mirrored by perfuse-format's OpenFiles.
struct open_files {
	u32 pid;
	u32 reserved;
	u64 open;
	u64 soft_limit;
	u64 hard_limit;
	char comm[COMM];
};

// 2^16 descriptors are counted one by one. Above them, up to 2^22, the kernel's own summary is: a bit for each full group
// of 64, so a group that is not full counts as empty there.
#define WORDS 1024
// The kernel makes tables of 64 or of a power of two above it, so no table ends within a step except the smallest.
#define STEP 16

struct bits {
	u64 word[WORDS];
};

TABLE(w_bits, MAP_ARRAY, 1, u32, struct bits);

INLINE u32 ones(u64 bits)
{
	bits -= (bits >> 1) & 0x5555555555555555ULL;
	bits = (bits & 0x3333333333333333ULL) + ((bits >> 2) & 0x3333333333333333ULL);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (bits * 0x0101010101010101ULL) >> 56;
}

// Bits set in `words` words at `from`.
static __attribute__((noinline)) u64 count_bits(u64 from, u32 words)
{
	u32 zero = 0, index = 0;
	u64 open = 0;
	struct bits *bits = map_lookup(&w_bits, &zero);

	if (!bits)
		return 0;
	for (u32 word = 0; word < STEP; word++)
		bits->word[word] = 0;
	if (words > WORDS)
		words = WORDS;
	opaque(words);
	if (words > WORDS || read_kernel(bits, words * sizeof(u64), (void *)from))
		return 0;
	for (index = 0; index < WORDS && index < words; index += STEP) {
#pragma unroll
		for (u32 word = 0; word < STEP; word++)
			open += ones(bits->word[index + word]);
	}
	return open;
}

INLINE u64 count_open(struct fdtable *fdt)
{
	u32 words = fdt->max_fds / 64;
	u64 from = (u64)fdt->open_fds;
	u64 full = (u64)fdt->full_fds_bits;
	u64 open = count_bits(from, words);

	if (words > WORDS)
		open += 64 * count_bits(full + WORDS / 8, (words - WORDS) / 64);
	return open;
}

SEC("iter/task")
int files(struct bpf_iter__task *ctx)
{
	struct bpf_iter_meta *meta = ctx->meta;
	struct task_struct *task = ctx->task;
	struct open_files row = {};
	struct files_struct *files;

	// Threads share the table of their process. (Those that unshared theirs are not seen.)
	if (!task)
		return 0;
	task = view(struct task_struct, task);
	if (task != task->group_leader || task->flags & PF_KTHREAD)
		return 0;
	files = task->files;
	if (!files)
		return 0;
	row.pid = nr_of(task, reader_level());
	row.open = count_open(files->fdt);
	row.soft_limit = task->signal->rlim[RLIMIT_NOFILE].rlim_cur;
	row.hard_limit = task->signal->rlim[RLIMIT_NOFILE].rlim_max;
	copy_comm(row.comm, task->comm);
	seq_write(meta->seq, &row, sizeof(row));
	return 0;
}
