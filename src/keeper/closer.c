/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Closing what others have sent.
 *
 * close(2) may wait: a socket for its last data to arrive (SO_LINGER), a file for a file system that
 * its user serves himself (FUSE), a terminal for its output. A Unix socket is closed together with all
 * descriptors that lie unread in it. Everybody who has a door can send such a descriptor, or put one
 * into a socket that the keeper has for him, and the thread that closes it serves a stack.
 *
 * Paths (O_PATH) and pipes close at once. All others go on a list, which threads made for it work off:
 * at most WORKERS_MAX of them, each ends with the list. If all of them wait, the list grows by what
 * their sender goes on to send. The number of descriptors limits it.
 */

#include "closer.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "keeper.h"

#define WORKERS_MAX 16

struct waiting {
	struct waiting *next;
	int fd;
};

static struct {
	pthread_mutex_t lock; /* guards what follows */
	struct waiting *list;
	unsigned workers;
} closer = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool closes_at_once(int fd)
{
	struct statx file;
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && (flags & O_PATH) != 0)
		return true;
	/* A file system of somebody's own is not asked. */
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &file) < 0)
		return false;
	return S_ISFIFO(file.stx_mode);
}

static struct waiting *next_or_end(void)
{
	pthread_mutex_lock(&closer.lock);
	struct waiting *w = closer.list;
	if (w != NULL)
		closer.list = w->next;
	else
		closer.workers--;
	pthread_mutex_unlock(&closer.lock);
	return w;
}

static void *work(void *ignored)
{
	(void)prctl(PR_SET_NAME, "vdestack-close");
	for (struct waiting *w; (w = next_or_end()) != NULL;) {
		vs_close(w->fd);
		free(w);
	}
	return ignored;
}

/* True: a new worker is wanted, and counted. */
static bool enlist(struct waiting *w)
{
	pthread_mutex_lock(&closer.lock);
	w->next = closer.list;
	closer.list = w;
	bool more = closer.workers < WORKERS_MAX;
	closer.workers += more;
	pthread_mutex_unlock(&closer.lock);
	return more;
}

void vs_close_foreign(int fd)
{
	struct waiting *w = closes_at_once(fd) ? NULL : malloc(sizeof(*w));

	if (w == NULL) {
		vs_close(fd);
		return;
	}
	w->fd = fd;
	if (!enlist(w) || vs_thread_start(work, NULL, NULL) == 0)
		return;
	pthread_mutex_lock(&closer.lock);
	closer.workers--; /* the next one may get a thread, for this one as well */
	pthread_mutex_unlock(&closer.lock);
}

void vs_close_pair_end(int fd)
{
	(void)shutdown(fd, SHUT_RDWR);
	vs_close_foreign(fd);
}
