/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Frames wait until those before them are sent. All times are computed, none is measured: a thread that asks
 * late gets the same times. A frame takes bytes * 8 / rate; the fraction of a nanosecond is carried to the
 * next frame, so the rate does not drift.
 *
 * CoDel decides when a frame's sending begins, as RFC 8289 section 5 has it, with that time as the clock.
 */

#include "impair_queue.h"

#include "impair_random.h"

#define NS_PER_S 1000000000
#define LIMIT_MIN 3000 /* two frames */
#define CODEL_TARGET_NS 5000000
#define CODEL_INTERVAL_NS 100000000

static int64_t service_ns(struct vs_queue *queue, size_t len)
{
	if (queue->rate == 0)
		return 0;
	uint64_t work = (uint64_t)len * 8 * NS_PER_S + queue->carry;
	queue->carry = work % queue->rate;
	return (int64_t)(work / queue->rate);
}

/*
 * What waits is sent at the new rate. It follows the frame that is being sent, so nothing is overtaken; but
 * at 8 bit/s that frame takes half an hour, and an interface must not be lost for that.
 */
static void change_rate(struct vs_queue *queue, uint64_t rate, int64_t now_ns)
{
	queue->carry = 0;
	queue->rate = rate;
	if (queue->free_ns > now_ns + VS_IMPAIR_HOLD_NS)
		queue->free_ns = now_ns + VS_IMPAIR_HOLD_NS;
	for (struct vs_waiting *w = queue->waiting.first; w != NULL; w = w->next)
		w->service_ns = service_ns(queue, w->frame.iov.iov_len);
}

void vs_queue_set(struct vs_queue *queue, const struct vdestack_impairment *s, int64_t now_ns)
{
	uint64_t usual = s->rate / 80; /* 100 ms */

	if (queue->rate != s->rate)
		change_rate(queue, s->rate, now_ns);
	queue->limit = s->queue_bytes != 0 ? s->queue_bytes : usual < LIMIT_MIN ? LIMIT_MIN : usual;
	queue->codel = s->rate != 0 && s->queue == VDESTACK_CODEL;
	queue->target_ns = s->codel_target_ns != 0 ? (int64_t)s->codel_target_ns : CODEL_TARGET_NS;
	queue->interval_ns = s->codel_interval_ns != 0 ? (int64_t)s->codel_interval_ns : CODEL_INTERVAL_NS;
}

bool vs_queue_is_used(const struct vs_queue *queue, int64_t now_ns)
{
	return queue->rate != 0 || queue->waiting.n > 0 || queue->free_ns > now_ns;
}

/* A frame that can be sent at once needs no room. */
bool vs_queue_has_room(const struct vs_queue *queue, size_t len, int64_t now_ns)
{
	return queue->rate == 0 || (queue->waiting.n == 0 && queue->free_ns <= now_ns) ||
	       queue->bytes + len <= queue->limit;
}

void vs_queue_add(struct vs_queue *queue, struct vs_waiting *w, int64_t now_ns)
{
	size_t len = w->frame.iov.iov_len;

	w->came_ns = now_ns;
	w->service_ns = service_ns(queue, len);
	if (queue->waiting.n == 0 || w->delay_ns < queue->delay_min)
		queue->delay_min = w->delay_ns;
	if (len > queue->longest)
		queue->longest = len;
	queue->bytes += len;
	vs_waiting_append(&queue->waiting, w);
}

/* ------------------------------------------------------------------ CoDel */

static int64_t control_law(const struct vs_queue *queue, int64_t at_ns)
{
	return at_ns + (int64_t)((double)queue->interval_ns / vs_random_root(queue->state.count, 2));
}

/* The frame has waited above the target, and the queue has been above it for an interval. */
static bool is_late(struct vs_queue *queue, const struct vs_waiting *w, int64_t now_ns)
{
	struct vs_codel *c = &queue->state;

	if (now_ns - w->came_ns < queue->target_ns || queue->bytes <= queue->longest) {
		c->first_above_ns = 0;
		return false;
	}
	if (c->first_above_ns == 0) {
		c->first_above_ns = now_ns + queue->interval_ns;
		return false;
	}
	return now_ns >= c->first_above_ns;
}

static void start_dropping(struct vs_queue *queue, int64_t now_ns)
{
	struct vs_codel *c = &queue->state;
	uint32_t delta = c->count - c->last_count;

	/* Soon after the last time: continue with the pace that was right then. */
	bool soon = now_ns - c->drop_next_ns < 16 * queue->interval_ns;
	c->dropping = true;
	c->count = soon && delta > 1 ? delta : 1;
	c->last_count = c->count;
	c->drop_next_ns = control_law(queue, now_ns);
}

static bool codel_drops(struct vs_queue *queue, const struct vs_waiting *w, int64_t now_ns)
{
	struct vs_codel *c = &queue->state;
	bool late = is_late(queue, w, now_ns);

	if (!c->dropping && late) {
		start_dropping(queue, now_ns);
		return true;
	}
	c->dropping = c->dropping && late;
	if (!c->dropping || now_ns < c->drop_next_ns)
		return false;
	c->count++;
	c->drop_next_ns = control_law(queue, c->drop_next_ns);
	return true;
}

/* ------------------------------------------------------------------ sending */

struct vs_waiting *vs_queue_take(struct vs_queue *queue, int64_t now_ns, bool *marked)
{
	struct vs_waiting *w = queue->waiting.first;

	if (w == NULL)
		return NULL;
	int64_t start = queue->free_ns > w->came_ns ? queue->free_ns : w->came_ns;
	if (start > now_ns)
		return NULL;
	(void)vs_waiting_shift(&queue->waiting);
	queue->bytes -= w->frame.iov.iov_len;
	*marked = queue->codel && codel_drops(queue, w, start);
	if (!*marked)
		queue->free_ns = w->frame.due_ns = start + w->service_ns;
	return w;
}

/* The next frame may be dropped, and the one behind it may be short: only the start is certain. */
int64_t vs_queue_due_ns(const struct vs_queue *queue)
{
	const struct vs_waiting *w = queue->waiting.first;

	if (w == NULL)
		return INT64_MAX;
	int64_t start = queue->free_ns > w->came_ns ? queue->free_ns : w->came_ns;
	return start + queue->delay_min;
}
