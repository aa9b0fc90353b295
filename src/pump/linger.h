/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lingering: whether a thread that has just moved a single frame looks for the next one for a while
 * before it sleeps, giving the processor away between looks.
 *
 * In a round trip the answer is some microseconds away, while going to sleep and being woken on a
 * processor that has gone idle meanwhile takes longer than all the work there is. Whoever else
 * wants the processor gets it at each look, in the first place the program the frame is for.
 *
 * It must cost nothing where it does not pay. Looks that find nothing are given up after
 * a few, and then tried again ever more rarely. Where others keep the processor busy a thread that has given it
 * away gets it back later than one that sleeps and is woken; that shows in a look that takes much
 * too long, and is given up at once.
 *
 * Pure: the caller tells the time. CLOCK_MONOTONIC, ns. One for each thread; all zero at first.
 */

#ifndef VS_PUMP_LINGER_H
#define VS_PUMP_LINGER_H

#include <stdbool.h>
#include <stdint.h>

#define VS_LINGER_NS 20000          /* how long */
#define VS_LINGER_CROWDED_NS 100000 /* longer than that: the processor is somebody else's */
#define VS_LINGER_FAILURES 4        /* in a row, before it is given up */
#define VS_LINGER_REST_NS 1000000   /* until it is tried again at first */
#define VS_LINGER_DOUBLINGS 6       /* of that; the longest rest is 64 ms */

struct vs_linger {
	unsigned failures; /* in a row */
	int64_t start;
	int64_t rest_until;
};

/* Shall it? If so, it begins now. */
static inline bool vs_linger_begin(struct vs_linger *l, int64_t now)
{
	l->start = now;
	return now >= l->rest_until;
}

/* Another look, after one that has found nothing? */
static inline bool vs_linger_goes_on(const struct vs_linger *l, int64_t now)
{
	return now - l->start < VS_LINGER_NS;
}

/* It has ended, with a frame or without. */
static inline void vs_linger_end(struct vs_linger *l, int64_t now, bool found)
{
	bool crowded = now - l->start > VS_LINGER_CROWDED_NS;

	if (found && !crowded) {
		l->failures = 0;
		return;
	}
	if (crowded && l->failures < VS_LINGER_FAILURES)
		l->failures = VS_LINGER_FAILURES;
	if (l->failures < VS_LINGER_FAILURES + VS_LINGER_DOUBLINGS)
		l->failures++;
	if (l->failures > VS_LINGER_FAILURES)
		l->rest_until = now + ((int64_t)VS_LINGER_REST_NS << (l->failures - VS_LINGER_FAILURES));
}

#endif
