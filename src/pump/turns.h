/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_TURNS_H
#define VS_PUMP_TURNS_H

/* A thread that serves pumps in turn, see turns.c: one that pumps share, or one of a pump's own. */

#include <stdbool.h>
#include <stdint.h>

#include "linger.h"
#include "places.h"

struct vs_shared;
struct vs_mover;

struct vs_turns {
	/* Constant: */
	struct vs_shared *shared; /* NULL: a thread that a pump has for good */
	bool lasts; /* one of those that are shared, not one that a busy pump has for a while */
	bool keeps_capabilities;
	int epoll; /* -1: none could be made; only with one mover */
	int wake;  /* lasts: an eventfd, movers have been added; else a timer; -1: no need */

	/* Under the lock of `shared` (shared.c): */
	struct vs_turns *next;
	struct vs_mover *added;  /* not taken yet */
	unsigned n_given;        /* movers that it has, with those not taken yet */

	/* The thread's own: */
	struct vs_mover *movers;
	unsigned n;
	struct vs_mover *timed;  /* those with a time at which they are due */
	int64_t nearest_ns;       /* the earliest of these times, or before it */
	struct vs_mover *first_turn, **last_turn; /* those that have something to do */
	unsigned n_turns;
	struct vs_places places;  /* from the data of an event to its mover */
	struct vs_linger linger;
	bool single;              /* the last turns were half of one round trip */
	bool buffers;             /* a mover may have some that it does not need */
	bool looks;               /* it is time to give buffers back */
	unsigned rounds;          /* since the clock was read for that */
	int64_t rest_ms;          /* when buffers are given back next */
};

/*
 * A thread without movers that does not run yet; shared and lasts: see above. NULL: errno says why. A thread
 * of one pump runs without an epoll set if none can be made.
 */
struct vs_turns *vs_turns_new(struct vs_shared *shared, bool lasts, bool keeps_capabilities);
void vs_turns_free(struct vs_turns *t);

/* Takes a mover off the thread, which calls this or does not run. */
void vs_turns_drop(struct vs_turns *t, struct vs_mover *w);
/* Gives it one. Of the thread, or before it runs. 0, or -errno: it does not have it. */
int vs_turns_add(struct vs_turns *t, struct vs_mover *w);

/* The thread; arg: a struct vs_turns, which it frees. It ends when it has no mover any more. */
void *vs_turns_main(void *arg);

#endif
