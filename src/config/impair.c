/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parts of an impairment: what each bit stands for. */

#include "impair.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A bit may stand for several members. */
#define MEMBER(bit, name) \
	{ VS_IMPAIR_##bit, offsetof(struct vdestack_impairment, name), \
	  sizeof(((struct vdestack_impairment *)0)->name) }

static const struct {
	uint64_t bit;
	size_t at, bytes;
} members[] = {
	MEMBER(SEED, seed),
	MEMBER(CUT, cut),
	MEMBER(BLACKHOLE, blackhole),
	MEMBER(LOSS, loss),
	MEMBER(BURST, burst_enter),
	MEMBER(BURST, burst_leave),
	MEMBER(BURST, burst_loss),
	MEMBER(BURST, burst_base),
	MEMBER(EVERY, loss_every),
	MEMBER(REORDER, reorder_gap),
	MEMBER(REORDER, reorder),
	MEMBER(DUPLICATE, duplicate),
	MEMBER(CORRUPT, corrupt),
	MEMBER(CORRUPT_VALID, corrupt_valid),
	MEMBER(DELAY, delay_ns),
	MEMBER(JITTER, jitter_ns),
	MEMBER(JITTER, distribution),
	MEMBER(KEEP_ORDER, keep_order),
	MEMBER(RATE, rate),
	MEMBER(QUEUE_BYTES, queue_bytes),
	MEMBER(CODEL, queue),
	MEMBER(CODEL, codel_target_ns),
	MEMBER(CODEL, codel_interval_ns),
};

void vs_impair_change(struct vdestack_impairment *settings, uint64_t fields,
		      const struct vdestack_impairment *to)
{
	for (size_t i = 0; i < COUNT(members); i++)
		if ((members[i].bit & fields) != 0)
			memcpy((char *)settings + members[i].at, (const char *)to + members[i].at,
			       members[i].bytes);
}

