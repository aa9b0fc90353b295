/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_ASKERS_H
#define DH_ASKERS_H

/* Threads that ask name servers, and their queues. One thread, the server's, calls all functions. */

#include <pthread.h>

#include "client.h"
#include "order.h"
#include "resolver.h"

struct dh_askers {
	struct dh_resolver *resolver;
	int event; /* readable when there is something to take */
	/* Private: */
	unsigned n_threads;
	pthread_t threads[DH_ASKERS];
	pthread_mutex_t lock;
	pthread_cond_t more, ended;  /* ended: n_running has changed */
	unsigned n_begun, n_running; /* under the lock; begun: threads that have a place in busy */
	struct dh_queue todo, done;  /* under the lock */
	struct dh_busy busy;         /* under the lock */
	bool stop;                   /* under the lock */
};

/* 0, or -1 with errno. dh_askers_end() is needed in both cases. The resolver lives longer. */
int dh_askers_start(struct dh_askers *askers, struct dh_resolver *resolver);

/*
 * Ends the threads, and waits for them: a second at most. False: threads still wait for name servers. Then
 * the struct, its questions and the resolver must stay as long as the process lives.
 */
bool dh_askers_end(struct dh_askers *askers);

/*
 * Its memory is the caller's, who leaves it alone until dh_askers_take() returns it. Names, kind and the
 * first client do not change.
 */
void dh_askers_put(struct dh_askers *askers, struct dh_question *question);

/* A client needs the answer to a question that is on its way. */
void dh_askers_share(struct dh_askers *askers, struct dh_question *question, const struct dh_client *client);

/* The next one that has an answer, or NULL. Call it until it is NULL. */
struct dh_question *dh_askers_take(struct dh_askers *askers);

#endif
