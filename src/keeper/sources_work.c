/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Threads for what may take long, so that it does not delay the sources. One for lease files, one for
 * packet sockets:
 *
 *     thread of the sources ──work──▶ queue ──▶ worker: run()
 *             ▲                                   │
 *             └──────── done() ◀── finished ◀─────┘
 *
 * To write a lease takes two fsync(). On a busy disk that may be a second. On a network file system that
 * does not answer it takes for ever. To close a packet socket, or to bind it to another protocol, waits for
 * a grace period of the kernel: 10 ms and more. Meanwhile the leases of other stacks are to be renewed.
 *
 * A worker has one thread, which is started for the first piece of work, and ends when the queue is empty. So
 * the order is kept: what is written last is what is read next, and a socket is closed after its last use. If
 * the thread cannot be started, the thread of the sources does the work: then all sources are late, but
 * nothing is lost.
 *
 * What always holds: run() is called once, and then done() once, by the thread of the sources. The exception
 * is the end of the keeper. The thread of the sources waits for its workers, but not for more than the time
 * in sources.c. What is left then belongs to the worker's thread. In a keeper that is a process it ends with
 * that process.
 *
 * A limit: all directories of a keeper share one worker. While one of them does not answer, no source of this
 * keeper that has lease files can start. Those that run go on, and their leases are not stored.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/thread.h"
#include "sources_inside.h"

struct list {
	struct vs_work *first, **end;
};

struct vs_worker {
	const char *name; /* constant: of the thread */
	int wake;         /* constant: a copy of the eventfd of the thread of the sources */
	bool drops_caps;  /* constant */
	unsigned pending; /* of the thread of the sources: submitted, and done() has not been called */
	pthread_mutex_t lock; /* guards what follows */
	struct list queue, finished;
	bool running;   /* there is a thread */
	bool abandoned; /* the thread frees this */
};

static void append(struct list *list, struct vs_work *work)
{
	work->next = NULL;
	*list->end = work;
	list->end = &work->next;
}

static struct vs_work *take(struct list *list)
{
	struct vs_work *work = list->first;

	if (work != NULL && (list->first = work->next) == NULL)
		list->end = &list->first;
	return work;
}

static void worker_free(struct vs_worker *w)
{
	struct vs_work *work;

	while ((work = take(&w->finished)) != NULL)
		work->done(work);
	vs_close(w->wake);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

struct vs_worker *vs_worker_new(const char *name, int wake, bool drops_caps)
{
	struct vs_worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->wake = fcntl(wake, F_DUPFD_CLOEXEC, 0);
	if (w->wake < 0) {
		free(w);
		return NULL;
	}
	w->name = name;
	w->drops_caps = drops_caps;
	w->queue.end = &w->queue.first;
	w->finished.end = &w->finished.first;
	(void)pthread_mutex_init(&w->lock, NULL); /* cannot fail without attributes */
	return w;
}

/* ------------------------------------------------------------------ the thread */

static void *worker_main(void *arg)
{
	struct vs_worker *w = arg;
	struct vs_work *work;

	(void)prctl(PR_SET_NAME, w->name);
	if (w->drops_caps)
		(void)vs_caps_only(0);
	pthread_mutex_lock(&w->lock);
	while ((work = take(&w->queue)) != NULL) {
		pthread_mutex_unlock(&w->lock);
		work->run(work);
		pthread_mutex_lock(&w->lock);
		append(&w->finished, work);
		if (!w->abandoned)
			(void)eventfd_write(w->wake, 1); /* fails only if it is awake already */
	}
	w->running = false;
	bool last = w->abandoned;
	pthread_mutex_unlock(&w->lock);
	if (last)
		worker_free(w);
	return NULL;
}

/* ------------------------------------------------------------------ by the thread of the sources */

void vs_worker_submit(struct vs_worker *w, struct vs_work *work)
{
	w->pending++;
	pthread_mutex_lock(&w->lock);
	append(&w->queue, work);
	bool starts = !w->running;
	w->running = true;
	pthread_mutex_unlock(&w->lock);
	if (starts && vs_thread_start(worker_main, w, NULL) < 0) {
		pthread_mutex_lock(&w->lock);
		w->running = false;
		(void)take(&w->queue); /* it was empty before */
		pthread_mutex_unlock(&w->lock);
		work->run(work);
		append(&w->finished, work); /* not done at once: the caller is inside a source */
		(void)eventfd_write(w->wake, 1);
	}
}

void vs_worker_finish(struct vs_worker *w)
{
	struct vs_work *work;

	do {
		pthread_mutex_lock(&w->lock);
		work = take(&w->finished);
		pthread_mutex_unlock(&w->lock);
		if (work != NULL) {
			w->pending--;
			work->done(work);
		}
	} while (work != NULL);
}

bool vs_worker_pending(const struct vs_worker *w)
{
	return w->pending > 0;
}

void vs_worker_leave(struct vs_worker *w)
{
	pthread_mutex_lock(&w->lock);
	bool running = w->running;
	w->abandoned = running;
	pthread_mutex_unlock(&w->lock);
	if (!running)
		worker_free(w);
}
