/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_MOVER_H
#define VS_PUMP_MOVER_H

/*
 * What a thread does for a pump, in one direction or both. See turns.h for the thread. One thread at a time
 * uses a mover.
 *
 * Its buffers are made when the first frame comes. They are given back when no frame has come for a while.
 */

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

struct vs_pump;
struct vs_rx;
struct vs_tx;

/* What a mover waits for. CONTROL: the end of the network. WAKE: the state of the pump has changed. */
enum { VS_ON_DEVICE, VS_ON_LINK, VS_ON_CONTROL, VS_ON_WAKE, VS_N_POLLED };

enum vs_mover_state {
	VS_MOVER_GOES_ON,
	VS_MOVER_STOPPED, /* the pump does not run any more */
	VS_MOVER_DEAD,    /* the link has died: vs_mover.err */
	VS_MOVER_NO_DEVICE,
};

struct vs_mover {
	struct vs_pump *pump;
	bool sends, receives;    /* its directions */
	struct vs_tx *tx;        /* NULL: it does not send, or has not sent lately */
	struct vs_rx *rx;
	struct pollfd on[VS_N_POLLED]; /* what it waits for, and what has happened */
	enum vs_mover_state state;
	int err;                 /* of a dead link, as vs_pump_callbacks.died wants it */
	void (*done)(struct vs_mover *w); /* it has ended; frees it */

	/* Of the thread that it is on (turns.c): */
	struct vs_mover *next, **prev; /* of that thread; or in a list of movers that come or have ended */
	struct vs_mover *next_timed, **prev_timed;
	struct vs_mover *next_turn;
	bool has_turn;
	unsigned place;          /* in that thread's table */
	uint32_t armed[VS_N_POLLED]; /* the events in the epoll set; 0: not in it */
	int64_t due_ns;          /* its next turn without an event; INT64_MAX: none */
	bool moved;              /* since vs_mover_rest() */
	int turns;               /* since then; far below 0: it stays shared for so many */
	int64_t since_ms;
};

/* NULL: out of memory. */
struct vs_mover *vs_mover_new(struct vs_pump *pump, bool sends, bool receives);
void vs_mover_free(struct vs_mover *w);

/*
 * Moves one batch in each direction, at most, as `on` says. Any state but VS_MOVER_GOES_ON: it has ended, and
 * must not be called again.
 */
enum vs_mover_state vs_mover_move(struct vs_mover *w);

/* Frames wait for room on the link. The device must not be read. */
bool vs_mover_is_pending(const struct vs_mover *w);
/* ... and POLLOUT shows when there is room. */
bool vs_mover_wants_room(const struct vs_mover *w);
/* The link has frames that poll(2) does not show. */
bool vs_mover_has_more(const struct vs_mover *w);
/* In how many ns it needs a turn without an event; INT64_MAX: in no time. now_ns: vs_now_ns(). */
int64_t vs_mover_limit_ns(const struct vs_mover *w, int64_t now_ns);
/* It waits for frames of an impairment, or for room. */
bool vs_mover_is_timed(const struct vs_mover *w);
/* It has just moved half of a round trip. */
bool vs_mover_was_round_trip(const struct vs_mover *w);

/*
 * Gives the buffers back if it has moved nothing since the last call. False: it has buffers, and is to be
 * asked again.
 */
bool vs_mover_rest(struct vs_mover *w);

#endif
