/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The way of a question:
 *
 *     server's thread                               one of some threads
 *     entry: ASKED ---> todo (FIFO) -------------->  lookup: waits for a name server
 *     entry: KNOWN <--- done (FIFO) + eventfd <-----'
 *
 * An entry is the server's alone, except that a thread works on it between todo and done: then the server
 * reads only its kind and name, which do not change. The lock guards both queues and `stop`. Entries in these
 * queues are ASKED, and are not replaced. There are fewer of them than entries, so that answers can be kept.
 *
 * All clients that need a name wait for one lookup. A name whose servers are dead takes one thread for the
 * time of the resolver, and is known as failed afterwards. Names of one domain often have the same servers,
 * so they never take more than half of the threads: names of other domains get the rest. When too many wait,
 * the next is refused.
 */

#include "names.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "resolver.h"

#define THREADS 8
#define OF_A_DOMAIN 4 /* threads */
#define ENTRIES 1024
#define ASKED_MAX 512
#define ASKED_OF_A_DOMAIN 384
#define KEPT_LEAST_MS 2000 /* a request with several names is handled anew behind each */
#define KEPT_MOST_MS 5000

enum state { FREE, ASKED, KNOWN };

struct entry {
	enum state state;
	enum dh_kind kind;
	uint64_t ticket;
	int64_t until_ms;   /* KNOWN: when it is forgotten */
	struct entry *next; /* in todo or done */
	struct dh_answer answer;
	char name[IOTHDNS_MAXNAME];
};

struct queue {
	struct entry *first, *last;
};

struct dh_names {
	struct dh_resolver resolver;
	int event;
	uint64_t tickets;
	unsigned n_asked; /* the server's */
	unsigned n_threads;
	unsigned n_begun; /* under the lock: threads that have a place in busy */
	pthread_t threads[THREADS];
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue todo, done;           /* under the lock */
	const struct entry *busy[THREADS]; /* under the lock: what the threads look up; NULL: nothing */
	bool stop;                         /* under the lock */
	struct entry entries[ENTRIES];
};

static void put(struct queue *q, struct entry *e)
{
	e->next = NULL;
	if (q->last == NULL)
		q->first = e;
	else
		q->last->next = e;
	q->last = e;
}

static struct entry *take(struct queue *q)
{
	struct entry *e = q->first;

	if (e == NULL)
		return NULL;
	q->first = e->next;
	if (q->first == NULL)
		q->last = NULL;
	return e;
}

/* ------------------------------------------------------------------ threads */

/* What is behind the first dot. */
static const char *domain_of(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot == NULL ? "" : dot;
}

static bool may_begin_locked(const struct dh_names *names, const struct entry *e)
{
	unsigned n = 0;

	for (unsigned i = 0; i < THREADS; i++)
		if (names->busy[i] != NULL &&
		    strcasecmp(domain_of(names->busy[i]->name), domain_of(e->name)) == 0)
			n++;
	return n < OF_A_DOMAIN;
}

/* The first whose domain has a thread left. */
static struct entry *choose_locked(struct dh_names *names)
{
	struct entry *before = NULL, *e = names->todo.first;

	while (e != NULL && !may_begin_locked(names, e)) {
		before = e;
		e = e->next;
	}
	if (e == NULL)
		return NULL;
	if (before == NULL)
		names->todo.first = e->next;
	else
		before->next = e->next;
	if (names->todo.last == e)
		names->todo.last = before;
	return e;
}

static void signal_done(int event)
{
	const uint64_t one = 1;

	(void)!write(event, &one, sizeof(one)); /* EAGAIN: it is readable already */
}

static void *ask(void *arg)
{
	struct dh_names *names = arg;

	(void)pthread_mutex_lock(&names->lock);
	unsigned place = names->n_begun++;
	while (!names->stop) {
		struct entry *e = choose_locked(names);
		if (e == NULL) {
			(void)pthread_cond_wait(&names->more, &names->lock);
			continue;
		}
		names->busy[place] = e;
		(void)pthread_mutex_unlock(&names->lock);
		dh_resolver_follow(&names->resolver, vs_now_ms());
		dh_lookup(names->resolver.dns, e->name, e->kind, &e->answer);
		(void)pthread_mutex_lock(&names->lock);
		names->busy[place] = NULL;
		put(&names->done, e);
		signal_done(names->event);
		if (names->todo.first != NULL) /* it may have waited for a thread of this domain */
			(void)pthread_cond_signal(&names->more);
	}
	(void)pthread_mutex_unlock(&names->lock);
	return NULL;
}

/* Signals are the server's thread's. */
static int start_threads(struct dh_names *names)
{
	sigset_t all, before;
	int r = 0;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	while (r == 0 && names->n_threads < THREADS) {
		r = pthread_create(&names->threads[names->n_threads], NULL, ask, names);
		names->n_threads += r == 0;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = r;
	return names->n_threads > 0 ? 0 : -1;
}

struct dh_names *dh_names_new(const struct dh_settings *settings, const struct dh_link *link)
{
	struct dh_names *names = calloc(1, sizeof(*names));

	if (names == NULL) {
		dm_report(DM_ERROR, "out of memory");
		return NULL;
	}
	(void)pthread_mutex_init(&names->lock, NULL);
	(void)pthread_cond_init(&names->more, NULL);
	names->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r = dh_resolver_open(&names->resolver, settings, link);
	if (r == 0 && (names->event < 0 || start_threads(names) < 0)) {
		dm_report(DM_ERROR, "cannot start a thread for lookups: %s", strerror(errno));
		r = -1;
	}
	if (r == 0)
		return names;
	dh_names_free(names);
	return NULL;
}

void dh_names_free(struct dh_names *names)
{
	if (names == NULL)
		return;
	(void)pthread_mutex_lock(&names->lock);
	names->stop = true;
	(void)pthread_cond_broadcast(&names->more);
	(void)pthread_mutex_unlock(&names->lock);
	for (unsigned i = 0; i < names->n_threads; i++)
		(void)pthread_join(names->threads[i], NULL);
	for (unsigned i = 0; i < ENTRIES; i++)
		free(names->entries[i].answer.text);
	dh_resolver_close(&names->resolver);
	vs_close(names->event);
	(void)pthread_cond_destroy(&names->more);
	(void)pthread_mutex_destroy(&names->lock);
	free(names);
}

/* ------------------------------------------------------------------ the server */

static struct entry *find(struct dh_names *names, const char *name, enum dh_kind kind)
{
	for (unsigned i = 0; i < ENTRIES; i++) {
		struct entry *e = &names->entries[i];
		if (e->state != FREE && e->kind == kind && strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

/* A free entry, or the answer that is forgotten first. */
static struct entry *find_room(struct dh_names *names)
{
	struct entry *oldest = NULL;

	for (unsigned i = 0; i < ENTRIES; i++) {
		struct entry *e = &names->entries[i];
		if (e->state == FREE)
			return e;
		if (e->state == KNOWN && (oldest == NULL || e->until_ms < oldest->until_ms))
			oldest = e;
	}
	return oldest;
}

/* Of the domain of this name. */
static unsigned count_asked(const struct dh_names *names, const char *name)
{
	unsigned n = 0;

	for (unsigned i = 0; names->n_asked >= ASKED_OF_A_DOMAIN && i < ENTRIES; i++)
		if (names->entries[i].state == ASKED &&
		    strcasecmp(domain_of(names->entries[i].name), domain_of(name)) == 0)
			n++;
	return n;
}

/* The name fits. */
static void begin(struct dh_names *names, struct entry *e, const char *name, enum dh_kind kind)
{
	memcpy(e->name, name, strlen(name) + 1);
	e->kind = kind;
	free(e->answer.text);
	e->answer = (struct dh_answer){ .n = 0 };
	e->state = ASKED;
	e->ticket = ++names->tickets;
	names->n_asked++;
	(void)pthread_mutex_lock(&names->lock);
	put(&names->todo, e);
	(void)pthread_cond_signal(&names->more);
	(void)pthread_mutex_unlock(&names->lock);
}

enum dh_got dh_names_get(struct dh_names *names, const char *name, enum dh_kind kind, int64_t now_ms,
			 const struct dh_answer **answer, uint64_t *ticket)
{
	struct entry *e = find(names, name, kind);

	if (e != NULL && e->state == KNOWN && now_ms < e->until_ms) {
		*answer = &e->answer;
		return DH_KNOWN;
	}
	if (e == NULL || e->state == KNOWN) {
		if (names->n_asked == ASKED_MAX || strlen(name) >= sizeof(e->name) ||
		    count_asked(names, name) >= ASKED_OF_A_DOMAIN)
			return DH_BUSY;
		if (e == NULL && (e = find_room(names)) == NULL)
			return DH_BUSY;
		begin(names, e, name, kind);
	}
	*ticket = e->ticket;
	return DH_WAIT;
}

void dh_names_flush(struct dh_names *names)
{
	for (unsigned i = 0; i < ENTRIES; i++)
		if (names->entries[i].state == KNOWN)
			names->entries[i].until_ms = 0;
	dh_resolver_flush(&names->resolver);
}

int dh_names_ready(const struct dh_names *names)
{
	return names->event;
}

static int64_t kept_ms(const struct dh_answer *a)
{
	int64_t ttl = (int64_t)a->ttl_s * 1000;

	return ttl < KEPT_LEAST_MS ? KEPT_LEAST_MS : ttl > KEPT_MOST_MS ? KEPT_MOST_MS : ttl;
}

bool dh_names_take(struct dh_names *names, int64_t now_ms, uint64_t *ticket)
{
	uint64_t count;

	(void)!read(names->event, &count, sizeof(count)); /* before the look at the queue */
	(void)pthread_mutex_lock(&names->lock);
	struct entry *e = take(&names->done);
	(void)pthread_mutex_unlock(&names->lock);
	if (e == NULL)
		return false;
	e->state = KNOWN;
	e->until_ms = now_ms + kept_ms(&e->answer);
	names->n_asked--;
	*ticket = e->ticket;
	return true;
}
