/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vde_open() has no limit of time, and a server that is stopped cannot interrupt it. So a thread of its own
 * calls it, with an object that two sides know: this thread, and the server.
 *
 *     OPENING --(the thread has a result)--> OPENED     --(the server takes or abandons it)--> freed
 *             --(the server abandons it)---> ABANDONED  --(the thread has a result)----------> freed
 *
 * The side that comes second frees it. The result is the thread's until the state is OPENED, and then the
 * server's. The thread is detached: one that waits for ever ends with the process. Who waits for the result
 * reads a pipe whose other end is the thread's alone: it closes it when the state is OPENED.
 */

#include "opening.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum state { OPENING, OPENED, ABANDONED };

struct radv_opening {
	_Atomic int state; /* an enum state */
	char *vnl;
	int done, threads_end; /* of the pipe */
	VDECONN *conn;
	int result;
};

static int open_now(const char *vnl, VDECONN **conn)
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
	vs_close(o->done);
	free(o->vnl);
	free(o);
}

static void *open_network(void *arg)
{
	struct radv_opening *o = arg;
	int end = o->threads_end; /* the object may be gone when it is closed */

	o->result = open_now(o->vnl, &o->conn);
	if (atomic_exchange(&o->state, OPENED) == ABANDONED)
		free_opening(o);
	vs_close(end);
	return NULL;
}

/* With all signals blocked: they are for the threads of the program. */
static int start_thread(struct radv_opening *o)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;

	if (pthread_attr_init(&attr) != 0)
		return -ENOMEM;
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = -pthread_create(&thread, &attr, open_network, o);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	return r;
}

/* On failure the descriptors are closed. */
static int start(struct radv_opening *o, const char *vnl)
{
	int ends[2];

	o->done = -1;
	o->vnl = strdup(vnl);
	if (o->vnl == NULL)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	o->done = ends[0];
	o->threads_end = ends[1];
	int r = start_thread(o);
	if (r < 0)
		vs_close(ends[1]);
	return r;
}

int radv_opening_begin(const char *vnl, struct radv_opening **opening)
{
	struct radv_opening *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return -ENOMEM;
	int r = start(o, vnl);
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

int radv_open_within(const char *vnl, int most_ms, VDECONN **conn)
{
	int64_t end = vs_now_ms() + most_ms;
	struct radv_opening *o;
	struct pollfd poller = { 0 };
	int r = radv_opening_begin(vnl, &o);

	if (r < 0)
		return r;
	poller.fd = o->done;
	while (poll(&poller, 1, vs_left_ms(end)) < 0 && errno == EINTR)
		;
	r = radv_opening_take(o, conn);
	if (r != -EINPROGRESS)
		return r;
	radv_opening_abandon(o);
	return -ETIMEDOUT;
}
