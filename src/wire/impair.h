/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_IMPAIR_H
#define VS_WIRE_IMPAIR_H

/* What follows requests about impairment, and their replies. Both ends are one file, so structs do. */

#include <stdint.h>

#include <vdestack/impair.h>

/* The members named by `fields` (VS_IMPAIR_... of config/impair.h) become those of `to`. 0: none does. */
struct vs_wire_impair_change {
	uint64_t fields;
	struct vdestack_impairment to;
};

#define VS_WIRE_GROUP_MAX 65535
#define VS_WIRE_GROUP_KEEP UINT32_MAX

/* One change: all of it is made, or nothing. */
struct vs_wire_impair {
	struct vs_wire_impair_change tx, rx;
	uint32_t group; /* of the segment that it joins; VS_WIRE_GROUP_KEEP: it stays in its own */
	uint32_t reserved;
};

/* An answer to VS_OP_IMPAIR says what was in force before. */
struct vs_wire_impaired {
	struct vdestack_impairment tx, rx;
	struct vdestack_impair_stats tx_stats, rx_stats;
	uint32_t group;
	uint32_t impaired; /* != 0: something of it does something */
};

#endif
