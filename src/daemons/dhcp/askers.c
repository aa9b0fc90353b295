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
 * Which question of todo is next, and whether one may begin at all, is said by order.h. A thread that begins
 * one wakes another, as more may begin. One that ends looks for the next itself.
 */

#include "askers.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define END_S 1

/* ------------------------------------------------------------------ threads */

static void ask_name_servers(struct dh_askers *a, struct dh_question *question)
{
	const uint64_t one = 1;

	(void)pthread_mutex_unlock(&a->lock);
	dh_resolver_follow(a->resolver, vs_now_ms());
	dh_resolver_ask(a->resolver, question->name, question->kind, &question->answer);
	(void)pthread_mutex_lock(&a->lock);
	dh_queue_put(&a->done, question);
	(void)!write(a->event, &one, sizeof(one)); /* EAGAIN: it is readable already */
}

static void *ask(void *arg)
{
	struct dh_askers *a = arg;

	(void)pthread_mutex_lock(&a->lock);
	unsigned place = a->n_begun++;
	while (!a->stop) {
		struct dh_question *question = dh_order_next(&a->todo, &a->busy);
		if (question == NULL) {
			(void)pthread_cond_wait(&a->more, &a->lock);
			continue;
		}
		dh_order_begin(&a->busy, place, question);
		if (a->todo.first != NULL)
			(void)pthread_cond_signal(&a->more);
		ask_name_servers(a, question);
		a->busy.of[place] = NULL;
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
	a->n_running = a->busy.n = a->n_threads;
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
	dh_queue_put(&a->todo, question);
	(void)pthread_cond_signal(&a->more);
	(void)pthread_mutex_unlock(&a->lock);
}

void dh_askers_share(struct dh_askers *a, struct dh_question *question, const struct dh_client *client)
{
	(void)pthread_mutex_lock(&a->lock);
	if (dh_order_share(question, client, &a->busy))
		(void)pthread_cond_signal(&a->more);
	(void)pthread_mutex_unlock(&a->lock);
}

struct dh_question *dh_askers_take(struct dh_askers *a)
{
	uint64_t count;

	(void)!read(a->event, &count, sizeof(count)); /* before the look at the queue */
	(void)pthread_mutex_lock(&a->lock);
	struct dh_question *question = dh_queue_take(&a->done);
	(void)pthread_mutex_unlock(&a->lock);
	return question;
}
