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
 * All clients that need a name wait for one lookup. A name whose servers are dead takes one thread for
 * the time of the resolver, and is known as failed afterwards: so some dead names do not stop the others for
 * long. When too many wait, the next is refused.
 */

#include "names.h"

#include <errno.h>
#include <fcntl.h>
#include <iothconf.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "words.h"

#define THREADS 8
#define ENTRIES 512
#define ASKED_MAX 128
#define KEPT_LEAST_MS 2000 /* a request with several names is handled anew behind each */
#define KEPT_MOST_MS 5000
#define SERVERS_EVERY_MS 5000 /* how often a stack is asked for its name servers */

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
	struct iothdns *dns;
	struct ioth *stack;
	bool follows; /* the name servers are those that the stack has */
	int event;
	uint64_t tickets;
	unsigned n_asked; /* the server's */
	unsigned n_threads;
	pthread_t threads[THREADS];
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue todo, done; /* under the lock */
	bool stop;               /* under the lock */
	int64_t servers_ms;      /* under the lock: when the stack is asked next for its name servers */
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

/* Name servers that came by DHCP or router advertisement since. */
static void follow_servers(struct dh_names *names)
{
	VS_AUTO_FREE char *text = ioth_resolvconf(names->stack, NULL);

	if (text != NULL && *text != '\0')
		(void)iothdns_update_strcfg(names->dns, text); /* without memory the old ones stay */
}

static bool servers_due_locked(struct dh_names *names)
{
	int64_t now = vs_now_ms();

	if (!names->follows || now < names->servers_ms)
		return false;
	names->servers_ms = now + SERVERS_EVERY_MS;
	return true;
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
	for (;;) {
		struct entry *e;
		while (!names->stop && names->todo.first == NULL)
			(void)pthread_cond_wait(&names->more, &names->lock);
		if (names->stop)
			break;
		e = take(&names->todo);
		bool due = servers_due_locked(names);
		(void)pthread_mutex_unlock(&names->lock);
		if (due)
			follow_servers(names);
		dh_lookup(names->dns, e->name, e->kind, &e->answer);
		(void)pthread_mutex_lock(&names->lock);
		put(&names->done, e);
		signal_done(names->event);
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
	return names->n_threads > 0 ? 0 : -r;
}

/* ------------------------------------------------------------------ the resolver */

/* The text of a resolv.conf with the servers of the option. A dead one costs two seconds of a thread. */
static int list_servers(const char *list, char *text, size_t size)
{
	char word[64];
	int n = snprintf(text, size, "options timeout:1 attempts:2\n");

	while (dh_word(&list, word, sizeof(word)) && n > 0 && (size_t)n < size)
		n += snprintf(text + n, size - (size_t)n, "nameserver %s\n", word);
	return n > 0 && (size_t)n < size ? 0 : -E2BIG;
}

static int open_resolver(struct dh_names *names, const struct dh_settings *s)
{
	char text[512];

	if (s->nameserver != NULL) {
		int r = list_servers(s->nameserver, text, sizeof(text));
		names->dns = r < 0 ? NULL : iothdns_init_strcfg(names->stack, text);
		return r < 0 ? r : names->dns == NULL ? -errno : 0;
	}
	VS_AUTO_FREE char *own = names->stack == NULL ? NULL : ioth_resolvconf(names->stack, NULL);
	names->follows = names->stack != NULL;
	if (own != NULL && *own != '\0')
		names->dns = iothdns_init_strcfg(names->stack, own);
	else
		names->dns = iothdns_init(names->stack, s->resolvconf);
	if (names->dns == NULL && errno == ENOENT && s->resolvconf == NULL)
		names->dns = iothdns_init_strcfg(names->stack, (char[]){ "" });
	return names->dns == NULL ? -errno : 0;
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
	names->stack = link->dnsstack;
	names->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r = names->event < 0 ? -errno : open_resolver(names, settings);
	if (r < 0)
		dm_report(DM_ERROR, "cannot look names up by the servers of %s: %s",
			  settings->nameserver != NULL   ? "--nameserver"
			  : settings->resolvconf != NULL ? settings->resolvconf
							 : "/etc/resolv.conf",
			  strerror(-r));
	else if ((r = start_threads(names)) < 0)
		dm_report(DM_ERROR, "cannot start a thread for lookups: %s", strerror(-r));
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
	iothdns_fini(names->dns);
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

static void begin(struct dh_names *names, struct entry *e)
{
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
		if (names->n_asked == ASKED_MAX || strlen(name) >= sizeof(e->name))
			return DH_BUSY;
		if (e == NULL && (e = find_room(names)) == NULL)
			return DH_BUSY;
		e->kind = kind;
		if (e->name != name) /* bounded above */
			(void)snprintf(e->name, sizeof(e->name), "%s", name);
		begin(names, e);
	}
	*ticket = e->ticket;
	return DH_WAIT;
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
