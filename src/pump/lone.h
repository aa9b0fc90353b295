/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lone frames. A frame that comes alone, like the one before, and not right after it, is half of a round
 * trip. It is passed on at once: without a second read, and by the call for a single frame. Frames in
 * quick succession are moved in batches.
 */

#ifndef VS_PUMP_LONE_H
#define VS_PUMP_LONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define VS_LONE_APART_NS 15000 /* frames further apart are not in quick succession */

/* Of one direction. All zero at first. */
struct vs_lone {
	bool single;     /* the last batch was of one frame */
	int64_t last_ns; /* when it was read */
};

/* Before a batch is read. True: a single frame is expected. */
static inline bool vs_lone_expected(struct vs_lone *lone)
{
	int64_t before = lone->last_ns;

	lone->last_ns = vs_now_ns();
	return lone->single && lone->last_ns - before > VS_LONE_APART_NS;
}

/* After it was read: it had n frames. */
static inline void vs_lone_note(struct vs_lone *lone, size_t n)
{
	lone->single = n == 1;
}

#endif
