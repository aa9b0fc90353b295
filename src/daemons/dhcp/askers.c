/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The way of a question:
 *
 *     server's thread                    one of some threads
 *     put ---> todo ------------------->  lookup: waits for a name server
 *     take <--- done (FIFO) + eventfd <-----'
 *
 * The lock guards both queues, what threads are busy with, and `stop`. Between todo and done a question is
 * the threads'; the server adds clients to it, under the lock.
 *
 * A name whose servers are dead takes a thread for the time of the resolver. So the first question of todo is
 * not always the next one. It waits as long as its domain, its client, or the station of its client has as
 * many threads as one may have. Names of a domain often have the same servers. A client can say names of many
 * domains. If several clients need an answer, one of them that may have a thread is enough: else a client
 * could stop others by asking for their names behind slow ones.
 */

#include "askers.h"

#include <errno.h>
#include <signal.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define OF_A_DOMAIN 4  /* threads */
#define OF_A_CLIENT 2  /* threads */
#define OF_A_STATION 4 /* threads */
#define END_S 1

static void put(struct dh_queue *q, struct dh_question *question)
{
	question->next = NULL;
	if (q->last == NULL)
		q->first = question;
	else
		q->last->next = question;
	q->last = question;
}

/* Takes out the one behind `before`; NULL: the first. */
static struct dh_question *take_behind(struct dh_queue *q, struct dh_question *before)
{
	struct dh_question *question = before == NULL ? q->first : before->next;

	if (question == NULL)
		return NULL;
	if (before == NULL)
		q->first = question->next;
	else
		before->next = question->next;
	if (q->last == question)
		q->last = before;
	return question;
}

/* ------------------------------------------------------------------ which one is next */

const char *dh_domain(const char *name)
{
	const char *dot = strchr(name, '.'), *at = dot == NULL ? "" : dot + 1, *next;

	while ((next = strchr(at, '.')) != NULL && strchr(next + 1, '.') != NULL)
		at = next + 1;
	return at;
}

static bool client_may_begin_locked(const struct dh_askers *a, const struct dh_client *client)
{
	struct dh_share share = { 0, 0 };

	for (unsigned i = 0; i < DH_ASKERS; i++)
		if (a->busy[i] != NULL && a->busy[i]->n_clients > 0)
			dh_share_add(&share, client, &a->busy[i]->clients[a->busy[i]->charged]);
	return share.client < OF_A_CLIENT && share.station < OF_A_STATION;
}

static bool domain_may_begin_locked(const struct dh_askers *a, const char *domain)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DH_ASKERS; i++)
		n += a->busy[i] != NULL && strcasecmp(dh_domain(a->busy[i]->name), domain) == 0;
	return n < OF_A_DOMAIN;
}

/* Charges one of its clients, if it may begin. */
static bool may_begin_locked(const struct dh_askers *a, struct dh_question *question)
{
	if (!domain_may_begin_locked(a, dh_domain(question->name)))
		return false;
	question->charged = 0;
	while (question->charged < question->n_clients &&
	       !client_may_begin_locked(a, &question->clients[question->charged]))
		question->charged++;
	return question->charged < question->n_clients || question->n_clients == 0;
}

static struct dh_question *choose_locked(struct dh_askers *a)
{
	struct dh_question *before = NULL, *question = a->todo.first;

	while (question != NULL && !may_begin_locked(a, question)) {
		before = question;
		question = question->next;
	}
	return take_behind(&a->todo, before);
}

/* ------------------------------------------------------------------ threads */

static void ask_name_servers(struct dh_askers *a, struct dh_question *question)
{
	const uint64_t one = 1;

	(void)pthread_mutex_unlock(&a->lock);
	dh_resolver_follow(a->resolver, vs_now_ms());
	dh_resolver_ask(a->resolver, question->name, question->kind, &question->answer);
	(void)pthread_mutex_lock(&a->lock);
	put(&a->done, question);
	(void)!write(a->event, &one, sizeof(one)); /* EAGAIN: it is readable already */
}

static void *ask(void *arg)
{
	struct dh_askers *a = arg;

	(void)pthread_mutex_lock(&a->lock);
	unsigned place = a->n_begun++;
	while (!a->stop) {
		struct dh_question *question = choose_locked(a);
		if (question == NULL) {
			(void)pthread_cond_wait(&a->more, &a->lock);
			continue;
		}
		a->busy[place] = question;
		ask_name_servers(a, question);
		a->busy[place] = NULL;
		if (a->todo.first != NULL) /* it may have waited for this thread to end with a domain */
			(void)pthread_cond_signal(&a->more);
	}
	a->n_running--;
	(void)pthread_cond_signal(&a->ended);
	(void)pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* Signals are the server's thread's. */
static int start_threads(struct dh_askers *a)
{
	sigset_t all, before;
	int r = 0;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)pthread_mutex_lock(&a->lock);
	while (r == 0 && a->n_threads < DH_ASKERS) {
		r = pthread_create(&a->threads[a->n_threads], NULL, ask, a);
		a->n_threads += r == 0;
	}
	a->n_running = a->n_threads;
	(void)pthread_mutex_unlock(&a->lock);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = r;
	return a->n_threads > 0 ? 0 : -1;
}

int dh_askers_start(struct dh_askers *a, struct dh_resolver *resolver)
{
	pthread_condattr_t monotonic;

	*a = (struct dh_askers){ .resolver = resolver };
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->more, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&a->ended, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	a->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return a->event < 0 ? -1 : start_threads(a);
}

bool dh_askers_end(struct dh_askers *a)
{
	struct timespec deadline;
	int r = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += END_S;
	(void)pthread_mutex_lock(&a->lock);
	a->stop = true;
	(void)pthread_cond_broadcast(&a->more);
	while (a->n_running > 0 && r == 0)
		r = pthread_cond_timedwait(&a->ended, &a->lock, &deadline);
	bool ended = a->n_running == 0;
	(void)pthread_mutex_unlock(&a->lock);
	for (unsigned i = 0; i < a->n_threads; i++)
		(void)(ended ? pthread_join(a->threads[i], NULL) : pthread_detach(a->threads[i]));
	if (!ended)
		return false;
	vs_close(vs_steal_fd(&a->event));
	(void)pthread_cond_destroy(&a->ended);
	(void)pthread_cond_destroy(&a->more);
	(void)pthread_mutex_destroy(&a->lock);
	return true;
}

/* ------------------------------------------------------------------ the server */

void dh_askers_put(struct dh_askers *a, struct dh_question *question)
{
	(void)pthread_mutex_lock(&a->lock);
	put(&a->todo, question);
	(void)pthread_cond_signal(&a->more);
	(void)pthread_mutex_unlock(&a->lock);
}

void dh_askers_share(struct dh_askers *a, struct dh_question *question, const struct dh_client *client)
{
	bool has = question->n_clients == 0 || question->n_clients == DH_SHARED;

	for (unsigned i = 0; i < question->n_clients; i++)
		has = has || dh_client_same(&question->clients[i], client);
	if (has)
		return;
	(void)pthread_mutex_lock(&a->lock);
	question->clients[question->n_clients++] = *client;
	(void)pthread_cond_signal(&a->more);
	(void)pthread_mutex_unlock(&a->lock);
}

struct dh_question *dh_askers_take(struct dh_askers *a)
{
	uint64_t count;

	(void)!read(a->event, &count, sizeof(count)); /* before the look at the queue */
	(void)pthread_mutex_lock(&a->lock);
	struct dh_question *question = take_behind(&a->done, NULL);
	(void)pthread_mutex_unlock(&a->lock);
	return question;
}
