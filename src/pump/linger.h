/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lingering: a thread that has just moved a single frame polls for the next one for a short time before
 * it sleeps, and yields the processor between polls.
 *
 * In a round trip the answer comes within some microseconds. To sleep, and to be woken on a processor
 * that has gone idle meanwhile, takes longer than that. Any other task gets the processor at each
 * yield; above all the program that the frame is for.
 *
 * An answer comes that soon if all tasks of the round trip find a processor that is awake. If they have
 * to be woken on idle ones, it takes several times as long. Then no thread that lingers for a short time
 * sees it, all sleep, and the processors stay idle. So a thread lingers for longer now and then, some times
 * in a row. Then one processor is awake, the answer comes sooner, and the threads on its way find theirs.
 *
 * It must cost nothing where it does not help:
 *
 *  - Most frames that end it must come soon. Only a few times more than these a frame may be late.
 *  - After a few times in which no frame came, it pauses; each further failure doubles the pause. A frame
 *    that comes soon takes one failure back. So on a busy machine, where some come soon, it pauses more.
 *  - On a busy processor, a thread that yields is scheduled later than one that sleeps and is woken. This
 *    shows as a poll that takes much too long; then it pauses at once.
 *
 * Pure: the caller passes the time (CLOCK_MONOTONIC, ns). One for each thread; all zero at first.
 */

#ifndef VS_PUMP_LINGER_H
#define VS_PUMP_LINGER_H

#include <stdbool.h>
#include <stdint.h>

#define VS_LINGER_NS 20000          /* a frame within this time comes soon */
#define VS_LINGER_LATE_NS 60000     /* how long it lingers while frames may be late */
#define VS_LINGER_LATES 32          /* so many more may be late than come soon, after each pause */
#define VS_LINGER_CROWDED_NS 100000 /* longer than that: other tasks have the processor */
#define VS_LINGER_FAILURES 4        /* in a row, before the first pause */
#define VS_LINGER_PAUSE_NS 1000000  /* the first pause */
#define VS_LINGER_DOUBLINGS 6       /* of that; the longest pause is 64 ms */

struct vs_linger {
	unsigned failures; /* in a row */
	unsigned lates;    /* frames that were late, less those that came soon; since the last pause */
	int64_t start;
	int64_t pause_until;
};

/* True: lingering begins now. */
static inline bool vs_linger_begin(struct vs_linger *l, int64_t now)
{
	l->start = now;
	return now >= l->pause_until;
}

/* After a poll that found nothing. True: poll again. */
static inline bool vs_linger_goes_on(const struct vs_linger *l, int64_t now)
{
	return now - l->start < (l->lates < VS_LINGER_LATES ? VS_LINGER_LATE_NS : VS_LINGER_NS);
}

/* Lingering has ended, with a frame or without. */
static inline void vs_linger_end(struct vs_linger *l, int64_t now, bool found)
{
	bool crowded = now - l->start > VS_LINGER_CROWDED_NS;

	if (found && now - l->start <= VS_LINGER_NS) {
		l->failures -= l->failures > 0;
		l->lates -= l->lates > 0;
		return;
	}
	if (found && !crowded) {
		l->lates++;
		return;
	}
	if (crowded && l->failures < VS_LINGER_FAILURES)
		l->failures = VS_LINGER_FAILURES;
	if (l->failures < VS_LINGER_FAILURES + VS_LINGER_DOUBLINGS)
		l->failures++;
	if (l->failures <= VS_LINGER_FAILURES)
		return;
	l->lates = 0;
	l->pause_until = now + ((int64_t)VS_LINGER_PAUSE_NS << (l->failures - VS_LINGER_FAILURES));
}

#endif
