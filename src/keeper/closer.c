/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Closing descriptors that other processes have sent.
 *
 * close(2) may wait: for the last data of a socket (SO_LINGER), for the process that serves a file system
 * (FUSE), for the output of a terminal. Closing a Unix socket closes all descriptors that are unread in it,
 * too. Any process that has a door can send such a descriptor, or put one into a socket whose other end the
 * keeper has. The thread that closes it serves a stack, and must not wait. Packet sockets of address sources
 * are closed here, too: the kernel waits for other processors before it closes one.
 *
 * Paths (O_PATH) and pipes close at once. All others go on a list. Worker threads close what is on it: at
 * most WORKERS_MAX of them, which end when the list is empty. If all of them wait, the list grows with what
 * is sent. The limit of descriptors limits it.
 */

#include "closer.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/thread.h"
#include "keeper.h"

#define WORKERS_MAX 16

struct waiting {
	struct waiting *next;
	int fd;
};

struct closer {
	pid_t process;
	pthread_mutex_t lock; /* guards what follows */
	struct waiting *list;
	unsigned workers;
};

/*
 * Of this process. A forked child has no use for what it inherits: a thread of its parent may have had the
 * lock, and the workers are not there. NULL: out of memory.
 */
static struct closer *own_closer(void)
{
	static _Atomic(struct closer *) current;
	struct closer *c = atomic_load(&current);

	if (c != NULL && c->process == getpid())
		return c;
	struct closer *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return NULL;
	fresh->process = getpid();
	(void)pthread_mutex_init(&fresh->lock, NULL);
	if (atomic_compare_exchange_strong(&current, &c, fresh))
		return fresh;
	(void)pthread_mutex_destroy(&fresh->lock);
	free(fresh);
	return c;
}

static bool closes_at_once(int fd)
{
	struct statx file;
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && (flags & O_PATH) != 0)
		return true;
	/* Without a request to the file system, which another process may serve. */
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &file) < 0)
		return false;
	return S_ISFIFO(file.stx_mode);
}

static struct waiting *next_or_end(struct closer *c)
{
	pthread_mutex_lock(&c->lock);
	struct waiting *w = c->list;
	if (w != NULL)
		c->list = w->next;
	else
		c->workers--;
	pthread_mutex_unlock(&c->lock);
	return w;
}

static void *work(void *closer)
{
	(void)prctl(PR_SET_NAME, "vdestack-close");
	for (struct waiting *w; (w = next_or_end(closer)) != NULL;) {
		vs_close(w->fd);
		free(w);
	}
	return NULL;
}

/* True: a new worker is wanted, and counted. */
static bool enlist(struct closer *c, struct waiting *w)
{
	pthread_mutex_lock(&c->lock);
	w->next = c->list;
	c->list = w;
	bool more = c->workers < WORKERS_MAX;
	c->workers += more;
	pthread_mutex_unlock(&c->lock);
	return more;
}

void vs_close_foreign(int fd)
{
	struct closer *c = closes_at_once(fd) ? NULL : own_closer();
	struct waiting *w = c == NULL ? NULL : malloc(sizeof(*w));

	if (w == NULL) {
		vs_close(fd);
		return;
	}
	w->fd = fd;
	if (!enlist(c, w) || vs_thread_start(work, c, NULL) == 0)
		return;
	pthread_mutex_lock(&c->lock);
	c->workers--; /* the next descriptor may get a thread, which closes this one, too */
	pthread_mutex_unlock(&c->lock);
}

/*
 * Looks at the first message of a socket pair. With SO_PASSCRED each message has credentials, also an empty
 * one. Only the end of file has none. Returns the length; -1: there is no message, or an error.
 * *control_bytes: length of the control data; *lost: the message has descriptors.
 */
static ssize_t look_at_first(int fd, size_t *control_bytes, bool *lost)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))]; /* no space for descriptors: none is received */
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -1;
	ssize_t n = recvmsg(fd, &h, MSG_PEEK | MSG_DONTWAIT);
	*control_bytes = h.msg_controllen;
	*lost = (h.msg_flags & MSG_CTRUNC) != 0;
	return n;
}

/* For our end of a pair, after shutdown(2): nothing can be sent to it any more. */
static bool has_nothing_unread(int fd)
{
	size_t control_bytes;
	bool lost;

	return look_at_first(fd, &control_bytes, &lost) == 0 && control_bytes == 0 && !lost;
}

bool vs_take_byte(int fd)
{
	size_t control_bytes;
	bool lost;
	char byte;

	return look_at_first(fd, &control_bytes, &lost) == 1 && !lost &&
	       recv(fd, &byte, 1, MSG_DONTWAIT) == 1;
}

void vs_close_pair_end(int fd)
{
	if (shutdown(fd, SHUT_RDWR) == 0 && has_nothing_unread(fd))
		vs_close(fd);
	else
		vs_close_foreign(fd);
}
