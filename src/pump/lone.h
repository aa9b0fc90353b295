/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A frame that comes by itself, like the one before, is half of a round trip somebody waits for:
 * not worth a look for more, nor a call that could take many. Frames in quick succession are.
 */

#ifndef VS_PUMP_LONE_H
#define VS_PUMP_LONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define VS_LONE_APART_NS 15000 /* frames further apart are not in quick succession */

/* One way of one thread. All zero at first. */
struct vs_lone {
	bool single;     /* the last batch was of one frame */
	int64_t last_ns; /* when it was looked for */
};

/* Before a batch is looked for: will it be a single frame? */
static inline bool vs_lone_expected(struct vs_lone *lone)
{
	int64_t before = lone->last_ns;

	lone->last_ns = vs_now_ns();
	return lone->single && lone->last_ns - before > VS_LONE_APART_NS;
}

/* After it: n frames it was. */
static inline void vs_lone_note(struct vs_lone *lone, size_t n)
{
	lone->single = n == 1;
}

#endif
