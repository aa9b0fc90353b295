/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_IMPAIR_H
#define VS_CONFIG_IMPAIR_H

/* What words say about the impairment of an interface. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include <vdestack/impair.h>

/* What one word sets, bits. */
#define VS_IMPAIR_SEED          0x0001u
#define VS_IMPAIR_CUT           0x0002u
#define VS_IMPAIR_BLACKHOLE     0x0004u
#define VS_IMPAIR_LOSS          0x0008u
#define VS_IMPAIR_BURST         0x0010u
#define VS_IMPAIR_EVERY         0x0020u
#define VS_IMPAIR_REORDER       0x0040u
#define VS_IMPAIR_DUPLICATE     0x0080u
#define VS_IMPAIR_CORRUPT       0x0100u
#define VS_IMPAIR_CORRUPT_VALID 0x0200u
#define VS_IMPAIR_DELAY         0x0400u
#define VS_IMPAIR_JITTER        0x0800u
#define VS_IMPAIR_KEEP_ORDER    0x1000u
#define VS_IMPAIR_RATE          0x2000u
#define VS_IMPAIR_QUEUE_BYTES   0x4000u
#define VS_IMPAIR_CODEL         0x8000u
#define VS_IMPAIR_ALL           UINT64_C(0xffff)

/* Copies what `fields` names from `to` into *settings. */
void vs_impair_change(struct vdestack_impairment *settings, uint64_t fields,
		      const struct vdestack_impairment *to);

#define VS_CONF_GROUP_MAX 65535

struct vs_conf_impair_change {
	uint64_t fields; /* 0: nothing is said */
	uint64_t said;   /* of these, by a word of its own */
	struct vdestack_impairment to;
};

/* Of one interface. All zero: nothing is said. */
struct vs_conf_impair {
	struct vs_conf_impair_change tx, rx;
	bool has_group;
	unsigned group;
};

/*
 * Reads words that are only about impairment: vdestack_impair_words(). 0, or -EINVAL, -E2BIG, -ENOMEM with
 * *error filled; *out is written only on success.
 */
int vs_impair_parse(const char *text, struct vs_config_error *error, struct vs_conf_impair *out);

#endif
