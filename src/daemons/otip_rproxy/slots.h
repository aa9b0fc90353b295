/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_SLOTS_H
#define RP_SLOTS_H

/* Which one-time addresses live at a time: pure. */

#include <stdint.h>

struct rp_period {
	int64_t period_s; /* the length of a slot; 0: there is one slot, number 0, for ever */
	int64_t preactive_s, postactive_s;
};

struct rp_slots {
	int64_t first, last; /* the numbers of the slots whose addresses live */
	int64_t next_s;      /* when this changes; INT64_MAX: never */
};

/*
 * Slot K is the time from K * period to (K + 1) * period. Its address lives longer: from preactive seconds
 * before to postactive seconds after. Times are seconds of the wall clock; those before 1970 count as 1970.
 */
struct rp_slots rp_slots_at(int64_t now_s, const struct rp_period *p);

/* How many live at the same time at most. */
int64_t rp_slots_most(const struct rp_period *p);

#endif
