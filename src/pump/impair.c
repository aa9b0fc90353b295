/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The path of a frame:
 *
 *     put ──▶ choices ──▶ cut, black hole, loss ──▶ copy ──▶ corruption ──▶ duplication
 *                                                                              │
 *     next ◀── held back (reordering) ◀── delay ◀── rate, with its queue ◀─────┘
 *
 * All random choices of a frame are made when it comes, from one stream of numbers for each kind. So they
 * depend on the seed, the settings and the number of the frame only: not on times, and not on what happens
 * to other frames. To add loss to a delay does not change the delays.
 *
 * What waits moves on when a caller asks, or puts a frame: each queue is first brought to that time. The
 * times are those of an ideal network, whenever the caller asks.
 *
 * What must always hold: seen + duplicated is the sum of all other counters but `reordered` and `corrupted`.
 */

#include "impair.h"

#include <stdlib.h>
#include <string.h>

#include "impair_corrupt.h"
#include "impair_delay.h"
#include "impair_frame.h"
#include "impair_queue.h"
#include "impair_random.h"

enum stream { LOSS, BURST, REORDER, DUPLICATE, CORRUPT, CORRUPT_VALID, JITTER, JITTER_OF_COPY, N_STREAMS };

struct vs_impair {
	struct vdestack_impairment s; /* in force */
	bool set;                     /* anything at all */
	struct vs_random streams[N_STREAMS];
	bool burst;                   /* in the bad state */
	uint32_t to_loss;             /* frames since the last of each n-th */
	struct vs_queue queue;
	struct vs_delay delay;
	int64_t last_due_ns;          /* the latest of all, for keep_order */
	struct vs_waiting_list held, taken;
	uint64_t passed_others;       /* frames that were not held back */
	size_t memory;                /* of all that is allocated */
	struct vdestack_impair_stats stats;
};

/* What will happen to a frame. */
struct choices {
	bool lost, reordered, duplicated, corrupted, corrupted_valid;
	uint64_t where, where_valid;
	int64_t delay_ns, delay_of_copy_ns;
};

struct vs_impair *vs_impair_new(void)
{
	return calloc(1, sizeof(struct vs_impair));
}

/* ------------------------------------------------------------------ memory */

static size_t size_of(size_t len)
{
	return sizeof(struct vs_waiting) + len;
}

static void forget(struct vs_impair *im, struct vs_waiting *w)
{
	im->memory -= size_of(w->frame.iov.iov_len);
	free(w);
}

/* NULL: too much waits already. */
static struct vs_waiting *waiting_new(struct vs_impair *im, size_t len)
{
	struct vs_waiting *w = NULL;

	if (im->memory + size_of(len) <= VS_IMPAIR_MEMORY_MAX)
		w = malloc(size_of(len));
	if (w == NULL) {
		im->stats.no_memory++;
		return NULL;
	}
	*w = (struct vs_waiting){ .frame.iov = { w->bytes, len } };
	im->memory += size_of(len);
	return w;
}

static void forget_list(struct vs_impair *im, struct vs_waiting_list *list)
{
	struct vs_waiting *w;

	while ((w = vs_waiting_shift(list)) != NULL)
		forget(im, w);
}

static uint64_t count_waiting(const struct vs_impair *im)
{
	return im->queue.waiting.n + vs_delay_count(&im->delay) + im->held.n;
}

void vs_impair_drop(struct vs_impair *im)
{
	struct vs_waiting *w;

	im->stats.cut += count_waiting(im);
	forget_list(im, &im->queue.waiting);
	forget_list(im, &im->held);
	while ((w = vs_delay_take(&im->delay)) != NULL)
		forget(im, w);
	im->queue.bytes = 0;
	im->queue.free_ns = im->last_due_ns = 0;
	im->queue.state = (struct vs_codel){ 0 };
}

void vs_impair_free(struct vs_impair *im)
{
	if (im == NULL)
		return;
	vs_impair_done(im);
	vs_impair_drop(im);
	vs_delay_free(&im->delay);
	free(im);
}

/* ------------------------------------------------------------------ settings */

static bool is_any(const struct vdestack_impairment *s)
{
	return s->cut != 0 || s->blackhole != 0 || s->loss > 0 || s->burst_enter > 0 || s->burst_base > 0 ||
	       s->loss_every != 0 || s->reorder > 0 || s->duplicate > 0 || s->corrupt > 0 ||
	       s->corrupt_valid > 0 || s->delay_ns != 0 || s->jitter_ns != 0 || s->rate != 0;
}

static void advance(struct vs_impair *im, int64_t now_ns);

void vs_impair_set(struct vs_impair *im, const struct vdestack_impairment *settings, int64_t now_ns)
{
	advance(im, now_ns);
	im->s = *settings;
	im->set = is_any(settings);
	for (unsigned i = 0; i < N_STREAMS; i++)
		vs_random_start(&im->streams[i], settings->seed, i);
	im->burst = false;
	im->to_loss = 0;
	if (im->s.reorder_gap == 0)
		im->s.reorder_gap = 1;
	vs_queue_set(&im->queue, settings, now_ns);
}

bool vs_impair_is_idle(const struct vs_impair *im)
{
	return !im->set && im->memory == 0;
}

void vs_impair_stats(const struct vs_impair *im, struct vdestack_impair_stats *stats)
{
	*stats = im->stats;
	stats->size = sizeof(*stats);
	stats->waiting = count_waiting(im);
}

/* ------------------------------------------------------------------ choices */

static bool happens(struct vs_impair *im, enum stream stream, double probability)
{
	return probability > 0 && vs_random_happens(&im->streams[stream], probability);
}

/* Gilbert and Elliott: first the state may change, then it decides. */
static bool is_lost_in_burst(struct vs_impair *im)
{
	const struct vdestack_impairment *s = &im->s;
	struct vs_random *random = &im->streams[BURST];

	if (s->burst_enter == 0 && s->burst_base == 0)
		return false;
	if (vs_random_happens(random, im->burst ? s->burst_leave : s->burst_enter))
		im->burst = !im->burst;
	return vs_random_happens(random, im->burst ? s->burst_loss : s->burst_base);
}

static bool is_nth(struct vs_impair *im)
{
	if (im->s.loss_every == 0 || ++im->to_loss < im->s.loss_every)
		return false;
	im->to_loss = 0;
	return true;
}

static int64_t choose_delay(struct vs_impair *im, enum stream stream)
{
	double jitter = (double)im->s.jitter_ns;

	if (im->s.jitter_ns == 0)
		return (int64_t)im->s.delay_ns;
	double u = vs_random_unit(&im->streams[stream]);
	if (im->s.distribution == VDESTACK_NORMAL)
		jitter *= vs_random_normal(u);
	else if (im->s.distribution == VDESTACK_PARETO)
		jitter *= vs_random_pareto(u);
	else
		jitter *= 2 * u - 1;
	int64_t delay = (int64_t)im->s.delay_ns + (int64_t)jitter;
	return delay > 0 ? delay : 0;
}

static struct choices choose(struct vs_impair *im)
{
	bool by_chance = happens(im, LOSS, im->s.loss), in_burst = is_lost_in_burst(im), nth = is_nth(im);
	struct choices c = { .lost = by_chance || in_burst || nth };

	c.reordered = happens(im, REORDER, im->s.reorder);
	c.duplicated = happens(im, DUPLICATE, im->s.duplicate);
	c.corrupted = happens(im, CORRUPT, im->s.corrupt);
	c.corrupted_valid = happens(im, CORRUPT_VALID, im->s.corrupt_valid);
	if (im->s.corrupt > 0)
		c.where = vs_random_next(&im->streams[CORRUPT]);
	if (im->s.corrupt_valid > 0)
		c.where_valid = vs_random_next(&im->streams[CORRUPT_VALID]);
	c.delay_ns = choose_delay(im, JITTER);
	if (im->s.duplicate > 0)
		c.delay_of_copy_ns = choose_delay(im, JITTER_OF_COPY);
	return c;
}

/* ------------------------------------------------------------------ on its way */

/* The frame's place in the delays; due_ns is when it has left the queue. */
static void start_delay(struct vs_impair *im, struct vs_waiting *w)
{
	w->frame.due_ns += w->delay_ns;
	if (im->s.keep_order != 0 && w->frame.due_ns < im->last_due_ns)
		w->frame.due_ns = im->last_due_ns;
	if (w->frame.due_ns > im->last_due_ns)
		im->last_due_ns = w->frame.due_ns;
	if (vs_delay_add(&im->delay, w))
		return;
	im->stats.no_memory++;
	forget(im, w);
}

/* Brings the queue to this time. */
static void advance(struct vs_impair *im, int64_t now_ns)
{
	struct vs_waiting *w;
	bool marked;

	while ((w = vs_queue_take(&im->queue, now_ns, &marked)) != NULL) {
		if (!marked) {
			start_delay(im, w);
			continue;
		}
		im->stats.marked++;
		forget(im, w);
	}
}

/* The frame is copied already. */
static void send_off(struct vs_impair *im, struct vs_waiting *w, int64_t now_ns)
{
	if (!vs_queue_is_used(&im->queue, now_ns)) {
		w->frame.due_ns = now_ns;
		start_delay(im, w);
		return;
	}
	if (!vs_queue_has_room(&im->queue, w->frame.iov.iov_len, now_ns)) {
		im->stats.overflowed++;
		forget(im, w);
		return;
	}
	vs_queue_add(&im->queue, w, now_ns);
	advance(im, now_ns);
}

static void send_copy(struct vs_impair *im, const struct vs_waiting *w, const struct choices *c,
		      int64_t now_ns)
{
	struct vs_waiting *copy = waiting_new(im, w->frame.iov.iov_len);

	im->stats.duplicated++;
	if (copy == NULL)
		return;
	memcpy(copy->bytes, w->bytes, w->frame.iov.iov_len);
	copy->delay_ns = c->delay_of_copy_ns;
	send_off(im, copy, now_ns);
}

static void corrupt(struct vs_impair *im, struct vs_waiting *w, const struct choices *c)
{
	size_t len = w->frame.iov.iov_len;
	bool done = c->corrupted_valid && vs_corrupt_valid(w->bytes, len, c->where_valid);

	if (c->corrupted && vs_corrupt(w->bytes, len, c->where))
		done = true;
	im->stats.corrupted += done;
}

static struct vs_waiting *copy_frame(struct vs_impair *im, const struct iovec *frame, int n, size_t len)
{
	struct vs_waiting *w = waiting_new(im, len);
	size_t at = 0;

	for (int i = 0; w != NULL && i < n; at += frame[i++].iov_len)
		if (frame[i].iov_len > 0)
			memcpy(w->bytes + at, frame[i].iov_base, frame[i].iov_len);
	return w;
}

/* Longer than the black hole lets through, without the Ethernet header and its tags. */
static bool vanishes(const struct vs_impair *im, const struct iovec *frame, size_t len)
{
	return im->s.blackhole != 0 && len - vs_ether_len(frame->iov_base, frame->iov_len) > im->s.blackhole;
}

void vs_impair_put(struct vs_impair *im, const struct iovec *frame, int n, int64_t now_ns)
{
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += frame[i].iov_len;
	im->stats.seen++;
	advance(im, now_ns);
	struct choices c = choose(im);
	uint64_t *counter = im->s.cut != 0 ? &im->stats.cut
		: n > 0 && vanishes(im, frame, len) ? &im->stats.blackholed
		: c.lost ? &im->stats.lost : NULL;
	if (counter != NULL) {
		++*counter;
		return;
	}
	struct vs_waiting *w = copy_frame(im, frame, n, len);
	if (w == NULL)
		return;
	corrupt(im, w, &c);
	w->delay_ns = c.delay_ns;
	w->hold_gap = c.reordered ? im->s.reorder_gap : 0;
	im->stats.reordered += c.reordered;
	if (c.duplicated) /* before it: sending it off may free it */
		send_copy(im, w, &c, now_ns);
	send_off(im, w, now_ns);
}

/* ------------------------------------------------------------------ coming out */

static int64_t hold_end_ns(const struct vs_waiting *w)
{
	return w->frame.due_ns + VS_IMPAIR_HOLD_NS;
}

/* A frame that was held back, and now has to go before the next one of the delays. */
static bool held_is_next(const struct vs_impair *im, int64_t now_ns)
{
	const struct vs_waiting *w = im->held.first;

	if (w == NULL)
		return false;
	return im->passed_others >= w->hold_until ||
	       (hold_end_ns(w) <= now_ns && hold_end_ns(w) < vs_delay_due_ns(&im->delay));
}

static struct vs_waiting *next_waiting(struct vs_impair *im, int64_t now_ns)
{
	for (;;) {
		if (held_is_next(im, now_ns))
			return vs_waiting_shift(&im->held);
		if (vs_delay_due_ns(&im->delay) > now_ns)
			return NULL;
		struct vs_waiting *w = vs_delay_take(&im->delay);
		if (w->hold_gap == 0) {
			im->passed_others++;
			return w;
		}
		w->hold_until = im->passed_others + w->hold_gap;
		vs_waiting_append(&im->held, w);
	}
}

const struct vs_impair_frame *vs_impair_next(struct vs_impair *im, int64_t now_ns)
{
	advance(im, now_ns);
	struct vs_waiting *w = next_waiting(im, now_ns);
	if (w == NULL)
		return NULL;
	vs_waiting_append(&im->taken, w);
	im->stats.passed++;
	return &w->frame;
}

void vs_impair_done(struct vs_impair *im)
{
	forget_list(im, &im->taken);
}

int64_t vs_impair_due_ns(const struct vs_impair *im)
{
	int64_t due = vs_delay_due_ns(&im->delay), queue_due = vs_queue_due_ns(&im->queue);
	const struct vs_waiting *held = im->held.first;

	if (queue_due < due)
		due = queue_due;
	if (held != NULL && im->passed_others >= held->hold_until)
		return held->frame.due_ns;
	return held != NULL && hold_end_ns(held) < due ? hold_end_ns(held) : due;
}
