// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Stacks by the hash of their frames. The kernel's own stack map only takes stacks of the running thread; the stack that
// explains a long sleep is taken of the thread that is about to run again.
#ifndef PERFUSE_STACKS_H
#define PERFUSE_STACKS_H

#include "perfuse.h"

struct frames {
	u64 address[FRAMES];
};

TABLE(stacks, MAP_LRU_HASH, 2048, u64, struct frames);
TABLE(w_frames, MAP_PERCPU_ARRAY, 1, u32, struct frames);

u64 lost_stacks;

// Room for one stack; the callers write it, then keep it.
INLINE struct frames *frames_buffer(void)
{
	u32 zero = 0;

	return map_lookup(&w_frames, &zero);
}

// Puts a stack of `bytes` into the table and gives its id. The helpers zero what is behind its end.
INLINE u64 keep_stack(struct frames *frames, long bytes)
{
	u64 id = 0xcbf29ce484222325ULL;

	if (bytes < (long)sizeof(u64) || !frames->address[0])
		return 0;
	for (u32 index = 0; index < FRAMES; index++) {
		u64 address = frames->address[index];

		if (!address)
			break;
		id = (id ^ address) * 0x9e3779b97f4a7c15ULL;
		id ^= id >> 29;
	}
	if (!map_lookup(&stacks, &id) && map_update(&stacks, &id, frames, UPDATE_ANY))
		add(&lost_stacks, 1);
	return id;
}

// The stack of the running thread, kernel side or user side (STACK_USER).
INLINE u64 current_stack(void *ctx, u64 flags)
{
	struct frames *frames = frames_buffer();

	return frames ? keep_stack(frames, get_stack(ctx, frames, sizeof(*frames), flags)) : 0;
}

#endif
