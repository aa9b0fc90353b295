/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_PUMP_H
#define VS_PUMP_PUMP_H

/*
 * A pump moves frames between a device and a link:
 *
 *     stack ◀──▶ device ◀──super-frames── rx ◀──frames── link ◀──▶ network
 *                       ──super-frames──▶ tx ──frames──▶
 *
 * It is part of a larger object, its owner (an interface of the keeper), and knows nothing of it but a
 * table of callbacks.
 *
 * States:
 *
 *                start                  a thread finds the link dead            the last thread has ended
 *     OFF ──────────────────▶ RUNNING ───────────────────────────▶ LINK_DEAD ───────────────────────────▶ OFF
 *      │                         │                                     │
 *      └─────────────────────────┴──── vs_pump_stop(), at any time ────┴──▶ STOPPED, for good
 *
 * One compare-and-exchange makes each transition, so each has one author. STOPPED wins over all others.
 *
 * Who owns what:
 *
 *  - device, offloads and link are the owner's while the state is OFF. From vs_pump_start() until the
 *    callback `ended` they belong to the threads that move its frames, its own or a shared one: no other
 *    thread closes or replaces them. (One exception: vs_pump_drop_device().)
 *  - The counters have one writer each; any thread may read them.
 *
 * Lifetime: the owner must live until `ended`. It counts one use for the pump before vs_pump_start(), and
 * drops it in `ended`, which the last thread calls as its last action. So no thread is waited for. A
 * thread that is stuck in a plugin keeps the owner alive, and nothing else.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "device.h"
#include "watch.h"
#include <vdestack/impair.h>

struct vs_containers;
struct vs_impaired;
struct vs_link;
struct vs_pump;
struct vs_shared;

enum vs_direction { VS_TX, VS_RX, VS_DIRECTIONS };
enum vs_pump_state { VS_PUMP_OFF, VS_PUMP_RUNNING, VS_PUMP_LINK_DEAD, VS_PUMP_STOPPED };

/*
 * What a pump reports to its owner. A thread that moved its frames calls these, or one for ends (shared.c),
 * or vs_pump_start(), when it fails. They may take long, and delay no other pump.
 */
struct vs_pump_callbacks {
	/*
	 * The link has died, with this errno; 0: the other side has hung up. Called once for each
	 * link, in state LINK_DEAD. Other threads may still use the link. Not called after
	 * vs_pump_stop().
	 */
	void (*died)(struct vs_pump *pump, int err);
	/* The device has been deleted, not by the owner. */
	void (*device_gone)(struct vs_pump *pump);
	/*
	 * No thread uses device and link any more. Called once for each vs_pump_start(), and after
	 * `died`, if that is called at all. The state is OFF or STOPPED. The pump may be freed here.
	 */
	void (*ended)(struct vs_pump *pump);
};

/* Frames as they are on the network, or would be without containers, except where it says otherwise. */
struct vs_pump_stats {
	atomic_ullong tx_frames;  /* taken by the link */
	atomic_ullong tx_dropped; /* the link had no room for them in time */
	atomic_ullong tx_refused; /* super-frames that make no sense, frames longer than the link carries */
	atomic_ullong rx_frames;  /* from the link */
	atomic_ullong rx_writes;  /* super-frames written to the device */
	atomic_ullong rx_dropped; /* no frames, or refused by the device */
};

struct vs_pump {
	/* Set by the owner before vs_pump_start(), see above: */
	const struct vs_pump_callbacks *callbacks;
	const char *name;        /* for messages */
	bool keeps_capabilities; /* threads of the program itself, which must all have the same credentials */
	struct vs_shared *shared; /* threads that it may use if its link never waits; NULL: none */
	bool quick_end; /* `ended` of a pump that was stopped waits for nothing */
	struct vs_device device;
	unsigned offloads;       /* VS_OFFLOAD_... in force */
	struct vs_link *link;

	vs_watchers_ptr watchers; /* captures and wire taps; NULL: there have been none */
	atomic_bool cut; /* set by the owner at any time: frames from the link are dropped */
	struct vs_pump_stats stats;

	/* The pump's own: */
	struct vs_containers *containers; /* NULL: not used on this link. Made before the threads start */
	atomic_bool has_containers;  /* the same, for other threads */
	int wake;             /* eventfd: threads must check the state */
	atomic_int state;     /* enum vs_pump_state */
	atomic_uint threads;  /* that use device and link */
	/* Directions whose frames are impaired, see impaired.h; all that have been, for vs_pump_free(). */
	_Atomic(struct vs_impaired *) impaired[VS_DIRECTIONS], impaired_once[VS_DIRECTIONS];
};

/* The pump must be all zero. 0, or -errno: there is nothing to free. */
int vs_pump_init(struct vs_pump *pump, const struct vs_pump_callbacks *callbacks, const char *name);
/* In state OFF or STOPPED, without threads: closes link and device. */
void vs_pump_free(struct vs_pump *pump);

/*
 * Starts the threads. The caller has counted two uses of the owner: its own, and one for `ended`, which is
 * called once, whatever this returns. 0, or -errno with a message; then `died` is called as well. In state
 * STOPPED the threads end at once.
 */
int vs_pump_start(struct vs_pump *pump);

/* Asks the threads to end, for good. Never waits. Any thread, at any time, also more than once. */
void vs_pump_stop(struct vs_pump *pump);
static inline bool vs_pump_is_stopped(const struct vs_pump *pump)
{
	return atomic_load(&pump->state) == VS_PUMP_STOPPED;
}

/*
 * Impairs a direction, from the next frame on; NULL leaves it as it is, and settings of nothing end it. In
 * any state of the pump: settings and counters stay when the link is replaced, frames under way do not (they
 * are counted as cut). A seed of 0 is replaced by a random one. Any thread, while the owner lives. 0; -EINVAL
 * or -ENOMEM with a message, and nothing is changed.
 */
int vs_pump_impair(struct vs_pump *pump, const struct vdestack_impairment *tx,
		   const struct vdestack_impairment *rx);
/* What is in force, and counters; each may be NULL. Any thread, while the owner lives. */
void vs_pump_impaired(struct vs_pump *pump, struct vdestack_impairment *tx, struct vdestack_impairment *rx,
		      struct vdestack_impair_stats *tx_stats, struct vdestack_impair_stats *rx_stats);

/*
 * The device must go away now, although a thread may use its descriptor's number: the number becomes that of
 * the pump's eventfd. What a thread reads there is too short for a frame. For a pump that has been stopped.
 */
void vs_pump_drop_device(struct vs_pump *pump);

#endif
