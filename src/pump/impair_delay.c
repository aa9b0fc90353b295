/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * With a constant delay, frames are due in the order in which they come. Such a frame is appended to a
 * list (the run): that is all its cost. A frame that is due before the last one of the run goes to a heap.
 * The next frame is the earlier one of both. Equal times: as they came.
 *
 * A timer wheel was rejected: its slots are coarser than the times, so each slot needs a sort; and finding
 * the next time, which the thread sleeps until, means to look through slots.
 */

#include "impair_delay.h"

#include <stdlib.h>

#define ROOM_MIN 64

void vs_delay_free(struct vs_delay *delay)
{
	struct vs_waiting *w;

	while ((w = vs_delay_take(delay)) != NULL)
		free(w);
	free(delay->heap);
	*delay = (struct vs_delay){ 0 };
}

static bool is_before(const struct vs_delay_entry *a, const struct vs_delay_entry *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static bool make_room(struct vs_delay *delay)
{
	size_t room = delay->room == 0 ? ROOM_MIN : 2 * delay->room;

	if (delay->n < delay->room)
		return true;
	struct vs_delay_entry *heap = reallocarray(delay->heap, room, sizeof(*heap));
	if (heap == NULL)
		return false;
	delay->heap = heap;
	delay->room = room;
	return true;
}

static void move_up(struct vs_delay *delay, struct vs_delay_entry entry)
{
	size_t at = delay->n++;

	for (; at > 0 && is_before(&entry, &delay->heap[(at - 1) / 2]); at = (at - 1) / 2)
		delay->heap[at] = delay->heap[(at - 1) / 2];
	delay->heap[at] = entry;
}

static struct vs_waiting *take_top(struct vs_delay *delay)
{
	struct vs_delay_entry *heap = delay->heap;
	struct vs_waiting *top = heap[0].waiting;
	struct vs_delay_entry last = heap[--delay->n];
	size_t at = 0;

	for (size_t child; (child = 2 * at + 1) < delay->n; at = child) {
		if (child + 1 < delay->n && is_before(&heap[child + 1], &heap[child]))
			child++;
		if (!is_before(&heap[child], &last))
			break;
		heap[at] = heap[child];
	}
	heap[at] = last;
	return top;
}

bool vs_delay_add(struct vs_delay *delay, struct vs_waiting *w)
{
	int64_t due = w->frame.due_ns;

	if (delay->run.first == NULL || due >= delay->run.last->frame.due_ns) {
		vs_waiting_append(&delay->run, w);
		return true;
	}
	if (!make_room(delay))
		return false;
	move_up(delay, (struct vs_delay_entry){ due, delay->order++, w });
	return true;
}

/*
 * Among equal times the heap's frame came later than the run's: it would have been appended to the run, were
 * it not for a later last one; and one that is appended after it is due later than that last one.
 */
static bool run_is_next(const struct vs_delay *delay)
{
	return delay->run.first != NULL &&
	       (delay->n == 0 || delay->run.first->frame.due_ns <= delay->heap[0].due_ns);
}

int64_t vs_delay_due_ns(const struct vs_delay *delay)
{
	if (run_is_next(delay))
		return delay->run.first->frame.due_ns;
	return delay->n > 0 ? delay->heap[0].due_ns : INT64_MAX;
}

struct vs_waiting *vs_delay_take(struct vs_delay *delay)
{
	if (run_is_next(delay))
		return vs_waiting_shift(&delay->run);
	return delay->n > 0 ? take_top(delay) : NULL;
}
