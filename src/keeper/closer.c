/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Closing what others have sent.
 *
 * close(2) may wait: a socket for its last data to arrive (SO_LINGER), a file for a file system that its user
 * serves himself (FUSE), a terminal for its output. Everybody who has a door can send such a descriptor, and the
 * thread that closes it serves a stack.
 *
 * Lingering is switched off. Directories of paths (O_PATH), pipes and what has no file at all close at once. All
 * others go on a list, which threads made for it work off: at most WORKERS_MAX of them, each ends with the list. If
 * all of them wait, the list grows by what their sender goes on to send. The number of descriptors limits it.
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
	const struct linger none = { 0, 0 };
	struct statx file;
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && (flags & O_PATH) != 0)
		return true;
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)) == 0)
		return true;
	/* A file system of somebody's own is not asked. */
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &file) < 0)
		return false;
	return S_ISFIFO(file.stx_mode) || S_ISSOCK(file.stx_mode) || (file.stx_mode & S_IFMT) == 0;
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
	if (enlist(w) && vs_thread_start(work, NULL, NULL) < 0)
		(void)work(NULL); /* without a thread somebody has to do it */
}
