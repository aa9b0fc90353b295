/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_IMPAIR_QUEUE_H
#define VS_PUMP_IMPAIR_QUEUE_H

/* The queue in front of a rate: tail drop, or CoDel (RFC 8289). All zero: no rate, and empty. */

#include <stdbool.h>
#include <stdint.h>

#include "impair_frame.h"

struct vs_codel {
	bool dropping;
	uint32_t count, last_count; /* drops since dropping began; what it was when it ended */
	int64_t first_above_ns;     /* when the time above the target is long enough; 0: it is not above */
	int64_t drop_next_ns;
};

struct vs_queue {
	uint64_t rate;     /* bit/s; 0: frames only pass those that wait */
	uint64_t limit;    /* bytes that may wait */
	uint64_t bytes;    /* that wait, without the frame that is being sent */
	uint64_t carry;    /* fractions of a ns that the frames before took, in 1/rate */
	int64_t free_ns;   /* when the frame that is being sent is through */
	int64_t delay_min; /* no frame of the queue has a shorter delay behind it */
	bool codel;
	int64_t target_ns, interval_ns;
	size_t longest;    /* frame that came */
	struct vs_codel state;
	struct vs_waiting_list waiting;
};

/* Call it after all vs_queue_take() of this time. */
void vs_queue_set(struct vs_queue *queue, const struct vdestack_impairment *settings, int64_t now_ns);

/* Frames must go through the queue. */
bool vs_queue_is_used(const struct vs_queue *queue, int64_t now_ns);

/* A frame of so many bytes has room. Call it after all vs_queue_take() of this time. */
bool vs_queue_has_room(const struct vs_queue *queue, size_t len, int64_t now_ns);

/* Appends a frame. frame.iov and delay_ns are set. */
void vs_queue_add(struct vs_queue *queue, struct vs_waiting *w, int64_t now_ns);

/*
 * The next frame whose sending has begun by now_ns, with frame.due_ns when it is through. NULL: none.
 * *marked: CoDel drops it.
 */
struct vs_waiting *vs_queue_take(struct vs_queue *queue, int64_t now_ns, bool *marked);

/* No frame of the queue comes out of the delays before this time. INT64_MAX: the queue is empty. */
int64_t vs_queue_due_ns(const struct vs_queue *queue);

#endif
