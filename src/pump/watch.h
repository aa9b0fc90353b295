/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_WATCH_H
#define VS_PUMP_WATCH_H

/*
 * Who looks at the frames of a pump: captures and wire taps. They stand on the link's side: tx behind the
 * segmentation and what impairs, rx before that. So they see what the network sees.
 *
 *     device ── gso ── impairment ──┬──▶ link          a watch gets each frame by a call of a pump thread,
 *                                   ▼                  with the lock of the set held. It copies what it
 *                                 watches              needs and never waits.
 *                                   ▲
 *     device ◀─ gro ── impairment ──┴─── link
 *
 * Who owns what: the set belongs to the pump and to each watch, by a count, because each may end first. The
 * lock guards the list and the pointer to the pump. A watch that has been removed, and one whose pump has
 * stopped, is not called any more, and does not reach the pump.
 *
 * A pump that has never been watched pays a test of one pointer for each batch.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct vs_frame;
struct vs_pump;
struct vs_watchers;

/* Of all watches of a pump. The thread of a watch adds its own; any thread reads. */
struct vs_watch_totals {
	atomic_uint captures, taps;           /* there are now */
	atomic_ullong captured, uncaptured;   /* frames in files; frames that were missed */
};

struct vs_watcher {
	/* A frame, in one piece or two; len bytes together. time_ns: since 1970. */
	void (*frame)(struct vs_watcher *watch, bool rx, const struct iovec *iov, int n, size_t len,
		      int64_t time_ns);
	/* The pump has stopped for good. Called once, with the lock held. */
	void (*ended)(struct vs_watcher *watch);
	bool isolates; /* while it watches, no frame passes between device and link */

	/* The set's: */
	struct vs_watchers *set;
	struct vs_watcher *next;
	bool listed;
};

/* What a pump has; zero at first. */
typedef _Atomic(struct vs_watchers *) vs_watchers_ptr;

/*
 * The watch joins the set of the pump and gets no frames yet. The caller knows that the pump is there. 0;
 * -EBUSY: there are too many; or -ENOMEM. Any thread.
 */
int vs_watcher_join(struct vs_pump *pump, struct vs_watcher *watch);
/* It gets frames from now on. 0, -ENODEV: the pump has stopped, -EBUSY: there are too many. */
int vs_watcher_begin(struct vs_watcher *watch);
/* It gets no more, also if it never began. It may still add to the totals. */
void vs_watcher_stop(struct vs_watcher *watch);
/* The same, for good. Afterwards its memory may go. */
void vs_watcher_leave(struct vs_watcher *watch);

/* Where a watch that has joined adds what it counts, until it leaves. They outlive the watch. */
struct vs_watch_totals *vs_watcher_totals(struct vs_watcher *watch);
/* Of a pump; set may be NULL: it has never been watched. */
const struct vs_watch_totals *vs_watchers_totals(struct vs_watchers *set);

/*
 * Gives the stack a frame, as if it came from the network; all watches see it. 0; -ENODEV: the pump has
 * stopped; or -errno of the device. The watch has begun.
 */
int vs_watcher_deliver(struct vs_watcher *watch, const void *frame, size_t len);

/* The pump has stopped for good: no watch is called any more. Also more than once. */
void vs_watchers_end(vs_watchers_ptr *watchers);
/* The same, before the pump is freed. */
void vs_watchers_free(vs_watchers_ptr *watchers);

/* For the threads of the pump, which call these only if the pointer is set. */
void vs_watchers_tx(struct vs_watchers *set, const struct vs_frame *frames, size_t n);
void vs_watchers_rx(struct vs_watchers *set, const struct iovec *frames, size_t n);
bool vs_watchers_isolated(struct vs_watchers *set);
bool vs_watchers_any(struct vs_watchers *set); /* set may be NULL */

static inline struct vs_watchers *vs_watchers_of(vs_watchers_ptr *watchers)
{
	return atomic_load_explicit(watchers, memory_order_acquire);
}

#endif
