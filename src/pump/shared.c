/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The threads that pumps share.
 *
 * A pump whose link never waits needs no thread of its own while it has little to do. A few threads serve all
 * such pumps. So a program with many idle stacks has few threads.
 *
 *     vs_shared_add() ──▶ shared thread (turns.c) ──busy──▶ thread of its own
 *                              │    ▲                           │      │
 *                              │    └──no frame for a while─────┘      │ it has ended
 *                     it has   │                                       ▼
 *                     ended    └──▶ a queue ──▶ thread for ends
 *
 *  - Shared threads are at most as many as there are processors that may be used. A new one is started when
 *    each of them has many pumps. Each ends with its last pump. A pump is given only to a thread that has
 *    another one: so to none that ends.
 *  - A busy pump gets a thread of its own: it has had many turns within a short time. It gives that up when
 *    it has had no frame for one or two seconds. If no thread can be started, it stays and has its turns with
 *    the others.
 *  - A mover is on one thread at a time, with both of its directions. It goes from one to another under the
 *    lock here, or before the new thread starts. So what the first thread wrote is seen by the second one.
 *  - What follows the end of a mover may take long: the carrier is set, a tap is closed, and both wait for
 *    the kernel's lock of all devices. A thread for such ends does that. It ends when there is nothing left.
 *    There are a few of these if many pumps end together. If none can be started, the shared thread does it,
 *    and its other pumps wait. A link that is not wanted any more is closed at once, on the shared thread:
 *    the next connection to its switch may follow.
 *  - No shared thread is stuck: it makes no call that waits, except for that lock.
 *  - A shared thread may be unable to wait for one more pump: memory or epoll watches are used up. That pump
 *    gets a thread of its own, which needs no epoll set. Only if that fails too, its link is given up.
 *  - A shared thread is in the network namespace of the thread that started it. So only pumps that are
 *    started in the host's namespace use shared threads.
 *
 * Rejected: that busy pumps share threads, too, one for each processor. On a machine with two processors and
 * other load, eight busy pumps on two threads got less of the processors than on eight. The round trip was
 * three to five times as long, and TCP had 0.6 to 0.7 of its throughput.
 *
 * The object is counted: its owner and each thread have a use. The last one frees it. So a thread may touch
 * it after the owners of all pumps have gone.
 */

#include "shared.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/thread.h"
#include "mover.h"
#include "pump.h"
#include "turns.h"

#define ENDERS_MOST 4     /* threads for ends */
#define ENDS_PER_ENDER 16 /* so many wait: one more thread is started */
#define MANY 64          /* each thread has so many movers: one more thread is started */
#define STAYS_TURNS 10000 /* without a thread of its own, until the next try */

struct end;

struct vs_shared {
	pthread_mutex_t lock; /* guards what follows; never held during a call that may wait */
	unsigned users;
	bool keeps_capabilities;
	struct vs_turns *threads;
	unsigned n_threads;
	unsigned most;            /* threads */
	struct end *ends, **last_end; /* a queue */
	unsigned n_ends, n_enders;
};

/* Processors that this thread may use. */
static unsigned usable_processors(void)
{
	cpu_set_t few;

	if (sched_getaffinity(0, sizeof(few), &few) == 0)
		return (unsigned)CPU_COUNT(&few);
	long n = sysconf(_SC_NPROCESSORS_ONLN); /* more than a cpu_set_t has room for */
	return n > 0 ? (unsigned)n : 1;
}

struct vs_shared *vs_shared_new(bool keeps_capabilities)
{
	struct vs_shared *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	(void)pthread_mutex_init(&s->lock, NULL);
	s->users = 1;
	s->keeps_capabilities = keeps_capabilities;
	s->most = usable_processors();
	s->last_end = &s->ends;
	return s;
}

void vs_shared_unref(struct vs_shared *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	bool last = --s->users == 0;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static void count_users(struct vs_shared *s, int more)
{
	pthread_mutex_lock(&s->lock);
	s->users += (unsigned)more;
	pthread_mutex_unlock(&s->lock);
}

unsigned vs_shared_threads(struct vs_shared *s)
{
	pthread_mutex_lock(&s->lock);
	unsigned n = s->n_threads;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* ------------------------------------------------------------------ giving movers to threads */

static void give_locked(struct vs_turns *t, struct vs_mover *w)
{
	w->next = t->added;
	t->added = w;
	t->n_given++;
	(void)eventfd_write(t->wake, 1);
}

/* A new thread with its first mover. 0 or -errno. */
static int start_locked(struct vs_shared *s, struct vs_mover *w)
{
	struct vs_turns *t = vs_turns_new(s, true, s->keeps_capabilities);
	int r = t == NULL ? -errno : vs_turns_add(t, w);

	if (r == 0) {
		t->next = s->threads;
		s->threads = t;
		s->n_threads++;
		s->users++;
		t->n_given = 1;
		r = vs_thread_start(vs_turns_main, t, NULL);
		if (r == 0)
			return 0;
		s->threads = t->next;
		s->n_threads--;
		s->users--;
		vs_turns_drop(t, w);
	}
	vs_turns_free(t);
	return r;
}

static struct vs_turns *fewest_locked(const struct vs_shared *s)
{
	struct vs_turns *best = s->threads;

	for (struct vs_turns *t = s->threads; t != NULL; t = t->next)
		if (t->n_given < best->n_given)
			best = t;
	return best;
}

int vs_shared_add(struct vs_shared *s, struct vs_mover *w)
{
	int r = 0;

	pthread_mutex_lock(&s->lock);
	struct vs_turns *fewest = fewest_locked(s);
	if (fewest == NULL || (fewest->n_given >= MANY && s->n_threads < s->most))
		r = start_locked(s, w);
	else
		give_locked(fewest, w);
	if (r < 0 && fewest != NULL) {
		give_locked(fewest, w);
		r = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

struct vs_mover *vs_shared_take(struct vs_turns *t)
{
	pthread_mutex_lock(&t->shared->lock);
	struct vs_mover *list = t->added;
	t->added = NULL;
	pthread_mutex_unlock(&t->shared->lock);
	return list;
}

/* A thread of its own, for a while. 0 or -errno. */
static int start_own(struct vs_shared *s, struct vs_mover *w)
{
	struct vs_turns *t = vs_turns_new(s, false, s->keeps_capabilities);

	if (t == NULL)
		return -errno;
	int r = vs_turns_add(t, w);
	if (r == 0) {
		count_users(s, 1);
		r = vs_thread_start(vs_turns_main, t, NULL);
		if (r == 0)
			return 0;
		count_users(s, -1);
		vs_turns_drop(t, w);
	}
	vs_turns_free(t);
	return r;
}

void vs_shared_part(struct vs_turns *t, struct vs_mover *w)
{
	struct vs_shared *s = t->shared;

	vs_turns_drop(t, w);
	bool parts = start_own(s, w) == 0;
	pthread_mutex_lock(&s->lock);
	t->n_given--;
	if (!parts) {
		w->turns = -STAYS_TURNS;
		give_locked(t, w);
	}
	pthread_mutex_unlock(&s->lock);
}

void vs_shared_take_back(struct vs_turns *t, struct vs_mover *w)
{
	vs_turns_drop(t, w);
	if (vs_shared_add(t->shared, w) < 0 && vs_turns_add(t, w) < 0)
		w->done(w); /* not possible: it was there before */
}

int vs_shared_divert(struct vs_turns *t, struct vs_mover *w)
{
	int r = start_own(t->shared, w);

	if (r == 0) {
		pthread_mutex_lock(&t->shared->lock);
		t->n_given--;
		pthread_mutex_unlock(&t->shared->lock);
	}
	return r;
}

bool vs_shared_leave(struct vs_turns *t)
{
	struct vs_shared *s = t->shared;

	if (s == NULL)
		return true;
	pthread_mutex_lock(&s->lock);
	bool leaves = t->n_given == 0;
	if (leaves && t->lasts) {
		struct vs_turns **at = &s->threads;
		while (*at != t)
			at = &(*at)->next;
		*at = t->next;
		s->n_threads--;
	}
	pthread_mutex_unlock(&s->lock);
	if (leaves)
		vs_shared_unref(s);
	return leaves;
}

/* ------------------------------------------------------------------ ends */

/* What takes long: the end of a mover, or the end of a device. */
struct end {
	struct end *next;
	struct vs_mover *mover; /* NULL: a device */
	int fd;
};

static struct end *next_end(struct vs_shared *s)
{
	pthread_mutex_lock(&s->lock);
	struct end *e = s->ends;
	if (e != NULL) {
		s->ends = e->next;
		s->n_ends--;
		if (s->ends == NULL)
			s->last_end = &s->ends;
	} else {
		s->n_enders--;
	}
	pthread_mutex_unlock(&s->lock);
	return e;
}

static void finish(const struct end *e)
{
	if (e->mover != NULL)
		e->mover->done(e->mover);
	else
		vs_close(e->fd);
}

static void *end_main(void *arg)
{
	struct vs_shared *s = arg;
	struct end *e;

	(void)prctl(PR_SET_NAME, "vdestack-end");
	if (!s->keeps_capabilities)
		(void)vs_caps_only(VS_CAPS_NONE);
	while ((e = next_end(s)) != NULL) {
		finish(e);
		free(e);
	}
	vs_shared_unref(s);
	return NULL;
}

static void start_ender_locked(struct vs_shared *s)
{
	if (s->n_enders > 0 && (s->n_ends < ENDS_PER_ENDER * s->n_enders || s->n_enders >= ENDERS_MOST))
		return;
	s->users++;
	s->n_enders++;
	if (vs_thread_start(end_main, s, NULL) == 0)
		return;
	s->n_enders--;
	s->users--;
}

/* False: there is no thread for it, or no memory. */
static bool end_elsewhere(struct vs_shared *s, const struct end *what)
{
	struct end *e = malloc(sizeof(*e));

	if (e == NULL)
		return false;
	*e = *what;
	pthread_mutex_lock(&s->lock);
	start_ender_locked(s);
	bool there = s->n_enders > 0;
	if (there) {
		*s->last_end = e;
		s->last_end = &e->next;
		s->n_ends++;
	}
	pthread_mutex_unlock(&s->lock);
	if (!there)
		free(e);
	return there;
}

void vs_shared_end(struct vs_turns *t, struct vs_mover *w)
{
	struct vs_shared *s = t->shared;
	struct end end = { .mover = w };

	pthread_mutex_lock(&s->lock);
	t->n_given--;
	pthread_mutex_unlock(&s->lock);
	if ((w->state == VS_MOVER_STOPPED && w->pump->quick_end) || !end_elsewhere(s, &end))
		finish(&end);
}

void vs_shared_close(struct vs_shared *s, int fd)
{
	struct end end = { .fd = fd };

	if (fd >= 0 && (s == NULL || !end_elsewhere(s, &end)))
		finish(&end);
}
