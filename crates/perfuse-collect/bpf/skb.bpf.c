// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Packets that the kernel threw away, by reason and by the code that did it.
#include "perfuse.h"

struct sk_buff {
	u16 protocol;
} CORE;

// Since 5.17. Their numbers move between versions; the loader puts in those of the running kernel.
enum skb_drop_reason {
	SKB_NOT_DROPPED_YET,
	SKB_CONSUMED,
};

#define NO_REASON 0xffffffffU

struct drop_key {
	u64 location;
	u32 reason;
	u16 protocol;
	u16 reserved;
};

TABLE(skb_drop, MAP_PERCPU_HASH, 1024, struct drop_key, u64);

u64 lost_skb_drop;

INLINE int harmless(u32 reason)
{
	if (enum_exists(enum skb_drop_reason, SKB_NOT_DROPPED_YET) &&
	    reason == enum_value(enum skb_drop_reason, SKB_NOT_DROPPED_YET))
		return 1;
	return enum_exists(enum skb_drop_reason, SKB_CONSUMED) &&
	       reason == enum_value(enum skb_drop_reason, SKB_CONSUMED);
}

// TP_PROTO(struct sk_buff *skb, void *location, enum skb_drop_reason reason, ...), before 5.17 without a reason
SEC("tp_btf/kfree_skb")
int kfree_skb(u64 *ctx)
{
	struct sk_buff *skb = (void *)ctx[0];
	struct drop_key key = {};
	u64 one = 1;
	u64 *count;

	key.location = ctx[1];
	key.reason = NO_REASON;
	if (type_exists(enum skb_drop_reason)) {
		key.reason = ctx[2];
		if (harmless(key.reason))
			return 0;
	}
	key.protocol = __builtin_bswap16(skb->protocol);
	count = map_lookup(&skb_drop, &key);
	if (count)
		*count += 1;
	else if (map_update(&skb_drop, &key, &one, UPDATE_NEW))
		add(&lost_skb_drop, 1);
	return 0;
}
