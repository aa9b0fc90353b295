/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vde_open() has no limit of time, and a server that is stopped cannot interrupt it. So a thread of its own
 * calls it, with an object that two sides know: this thread, and the server.
 *
 *     OPENING --(the thread has a result)--> OPENED     --(the server takes or abandons it)--> freed
 *             --(the server abandons it)---> ABANDONED  --(the thread has a result)----------> freed
 *
 * The side that comes second frees it. The result is the thread's until the state is OPENED, and then the
 * server's. The thread is detached: one that waits for ever ends with the process.
 */

#include "opening.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum state { OPENING, OPENED, ABANDONED };

struct radv_opening {
	_Atomic int state; /* an enum state */
	char *vnl;
	VDECONN *conn;
	int result;
};

int radv_open(const char *vnl, VDECONN **conn)
{
	errno = 0;
	VDECONN *opened = vde_open((char *)(uintptr_t)vnl, (char *)"iothradvd", NULL);
	if (opened == NULL)
		return errno != 0 ? -errno : -EIO;
	*conn = opened;
	return 0;
}

static void free_opening(struct radv_opening *o)
{
	if (o->conn != NULL)
		(void)vde_close(o->conn);
	free(o->vnl);
	free(o);
}

static void *open_network(void *arg)
{
	struct radv_opening *o = arg;

	o->result = radv_open(o->vnl, &o->conn);
	if (atomic_exchange(&o->state, OPENED) == ABANDONED)
		free_opening(o);
	return NULL;
}

/* It inherits the signal mask of the server: all are blocked. */
static int start_thread(struct radv_opening *o)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (pthread_attr_init(&attr) != 0)
		return -ENOMEM;
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	int r = -pthread_create(&thread, &attr, open_network, o);
	(void)pthread_attr_destroy(&attr);
	return r;
}

int radv_opening_begin(const char *vnl, struct radv_opening **opening)
{
	struct radv_opening *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return -ENOMEM;
	o->vnl = strdup(vnl);
	int r = o->vnl == NULL ? -ENOMEM : start_thread(o);
	if (r < 0)
		free_opening(o);
	else
		*opening = o;
	return r;
}

int radv_opening_take(struct radv_opening *o, VDECONN **conn)
{
	if (atomic_load(&o->state) != OPENED)
		return -EINPROGRESS;
	int r = o->result;
	if (r == 0) {
		*conn = o->conn;
		o->conn = NULL;
	}
	free_opening(o);
	return r;
}

void radv_opening_abandon(struct radv_opening *o)
{
	if (o != NULL && atomic_exchange(&o->state, ABANDONED) == OPENED)
		free_opening(o);
}
