/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A thread for each link whose send may wait: a plugin of libvdeplug writes to whatever it likes, and no poll
 * tells whether it has room.
 *
 *     loop -- copies of frames --> queue --> thread --> link
 *
 *     PX_SENDS      the thread sends what stands in the queue, or waits for more
 *     PX_ENDS       the loop has asked for the end: the thread closes the link after the frame under way
 *     PX_CLOSED     the link is closed; the loop frees the sender
 *     PX_LEFT       the thread was too slow for the loop: it frees the sender itself
 *
 * The thread never takes lwIP's lock. The queue, the state and the count belong to the lock here, which is
 * never held while a frame is sent. A link that hangs for ever keeps its thread, until the process ends.
 */

#include "sender.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "iface.h"
#include "pump/link.h"

#define CLOSE_MS 100 /* how long the loop waits for the end */

enum state { PX_SENDS, PX_ENDS, PX_CLOSED, PX_LEFT };

struct copy {
	struct copy *next;
	size_t len;
	unsigned char bytes[];
};

struct px_sender {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* the queue or the state */
	enum state state;
	struct copy *first, **last;
	unsigned n, lost;
	struct vs_link *link; /* the thread's, for sending and closing */
};

static void destroy(struct px_sender *s)
{
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct copy *take_first(struct px_sender *s)
{
	struct copy *c = s->first;

	if (c == NULL)
		return NULL;
	s->first = c->next;
	s->n--;
	if (s->first == NULL)
		s->last = &s->first;
	return c;
}

static size_t send_copy(struct px_sender *s, struct copy *c)
{
	struct vs_frame frame = { .iov = { { c->bytes, c->len } }, .n_iov = 1 };
	size_t lost = 0;

	if (s->link->ops->send(s->link, &frame, 1, &lost) < 0)
		lost = 1; /* the loop sees the end of the network by receiving */
	return lost;
}

static void *send_all(void *arg)
{
	struct px_sender *s = arg;
	struct copy *c;

	(void)pthread_mutex_lock(&s->lock);
	while (s->state == PX_SENDS) {
		c = take_first(s);
		if (c == NULL) {
			(void)pthread_cond_wait(&s->changed, &s->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&s->lock);
		size_t lost = send_copy(s, c);
		free(c);
		(void)pthread_mutex_lock(&s->lock);
		s->lost += (unsigned)lost;
	}
	while ((c = take_first(s)) != NULL)
		free(c);
	(void)pthread_mutex_unlock(&s->lock);
	vs_link_close(s->link);
	(void)pthread_mutex_lock(&s->lock);
	bool left = s->state == PX_LEFT;
	s->state = PX_CLOSED;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	if (left)
		destroy(s);
	return NULL;
}

static int start_thread(struct px_sender *s)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (pthread_attr_init(&attr) != 0)
		return -ENOMEM;
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	int r = -pthread_create(&thread, &attr, send_all, s);
	(void)pthread_attr_destroy(&attr);
	return r;
}

int px_sender_new(struct vs_link *link, struct px_sender **out)
{
	struct px_sender *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (s == NULL)
		return -ENOMEM;
	s->link = link;
	s->last = &s->first;
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	int r = start_thread(s);
	if (r < 0)
		destroy(s);
	else
		*out = s;
	return r;
}

static struct copy *copy_of(const struct px_frame *frame)
{
	struct copy *c = malloc(sizeof(*c) + frame->len);

	if (c == NULL)
		return NULL;
	c->next = NULL;
	c->len = frame->len;
	memcpy(c->bytes, frame->data, frame->len);
	return c;
}

unsigned px_sender_put(struct px_sender *s, const struct px_frame *frames, unsigned n)
{
	unsigned i;

	(void)pthread_mutex_lock(&s->lock);
	for (i = 0; i < n && s->n < PX_TX_QUEUE; i++) {
		struct copy *c = copy_of(&frames[i]);
		if (c == NULL)
			break;
		*s->last = c;
		s->last = &c->next;
		s->n++;
	}
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	return i;
}

unsigned px_sender_lost(struct px_sender *s)
{
	(void)pthread_mutex_lock(&s->lock);
	unsigned lost = s->lost;
	s->lost = 0;
	(void)pthread_mutex_unlock(&s->lock);
	return lost;
}

void px_sender_end(struct px_sender *s)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += CLOSE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)pthread_mutex_lock(&s->lock);
	s->state = PX_ENDS;
	(void)pthread_cond_broadcast(&s->changed);
	while (s->state == PX_ENDS && pthread_cond_timedwait(&s->changed, &s->lock, &until) != ETIMEDOUT)
		;
	bool closed = s->state == PX_CLOSED;
	if (!closed)
		s->state = PX_LEFT;
	(void)pthread_mutex_unlock(&s->lock);
	if (closed)
		destroy(s);
}
