/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Errands: what a networking thread needs from another network namespace.
 *
 * A socket must be made by a thread in its namespace. A networking thread has given up the privilege to enter
 * one, and so have the threads that it starts. So it asks the main thread, which has all privileges, for a
 * thread, and waits until that has ended its work.
 *
 *     networking thread           main thread              thread of the errand
 *     WAITING, in the list ──────▶ takes it off ──────────▶ enters, works ──▶ DONE
 *                   ▲                                                          │
 *                   └──────────────────────── condition ───────────────────────┘
 *
 * An errand lies on the stack of the thread that waits. Nobody else touches it after DONE. The work of an
 * errand waits for nothing but the kernel, so the wait is short, and the main thread waits for no networking
 * thread. That one holds no lock meanwhile, since the main thread may need it first. The keeper does not end
 * before its networking threads do.
 */

#include "errand.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/prctl.h>

#include "base/thread.h"
#include "keeper.h"

enum state { WAITING, DONE };

struct vs_errand {
	struct vs_errand *next; /* under the keeper's lock */
	struct vs_keeper *keeper;
	int ns;
	void (*fn)(void *arg);
	void *arg;
	enum state state;       /* under the keeper's lock */
	int result;
};

static void finish(struct vs_errand *errand, int result)
{
	struct vs_keeper *k = errand->keeper;

	pthread_mutex_lock(&k->lock);
	errand->result = result;
	errand->state = DONE;
	pthread_cond_broadcast(&k->met);
	pthread_mutex_unlock(&k->lock);
}

static void *errand_main(void *arg)
{
	struct vs_errand *errand = arg;
	int r = 0;

	(void)prctl(PR_SET_NAME, "vdestack-errand");
	if (setns(errand->ns, CLONE_NEWNET) < 0)
		r = -errno;
	else
		errand->fn(errand->arg);
	finish(errand, r);
	return NULL;
}

int vs_errand_run(struct vs_keeper *k, int ns, void (*fn)(void *arg), void *arg)
{
	struct vs_errand errand = { .keeper = k, .ns = ns, .fn = fn, .arg = arg };

	pthread_mutex_lock(&k->lock);
	errand.next = k->errands;
	k->errands = &errand;
	vs_keeper_wake(k);
	while (errand.state != DONE)
		pthread_cond_wait(&k->met, &k->lock);
	pthread_mutex_unlock(&k->lock);
	return errand.result;
}

static struct vs_errand *take(struct vs_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	struct vs_errand *errand = k->errands;
	if (errand != NULL)
		k->errands = errand->next;
	pthread_mutex_unlock(&k->lock);
	return errand;
}

void vs_errands_start(struct vs_keeper *k)
{
	struct vs_errand *errand;

	while ((errand = take(k)) != NULL) {
		int r = vs_thread_start(errand_main, errand, NULL);
		if (r < 0)
			finish(errand, r);
	}
}
