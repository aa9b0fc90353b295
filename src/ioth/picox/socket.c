/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sockets of the stack, found by the cookie of the program's end.
 *
 * Events are edges: a kind reads until nothing is left or it has no room, and remembers which of the two it
 * was.
 */

#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "kinds.h"
#include "wire/fdmsg.h"

#define BUCKETS 256
#define SOCKETS_MAX 8192

#define LEFT_MAX SOCKETS_MAX

static struct px_socket *table[BUCKETS];
static struct left {
	uint64_t cookie;
	int error; /* 0: it has been taken */
} left[LEFT_MAX];  /* a ring */
static unsigned n_left;
static unsigned count;

static struct px_socket **bucket(uint64_t cookie)
{
	return &table[cookie % BUCKETS];
}

struct px_socket *px_socket_find(uint64_t cookie)
{
	struct px_socket *s = cookie == 0 ? NULL : *bucket(cookie);

	while (s != NULL && s->cookie != cookie)
		s = s->next;
	return s;
}

/*
 * The program has closed it, or has written what is still to be sent: a child may have a copy, and then
 * nothing is closed. The events may be those of a later turn.
 */
static bool is_unfinished(const struct px_socket *s)
{
	struct pollfd p = { .fd = s->watch.fd, .events = POLLIN };

	if (s->gone)
		return true;
	if (poll(&p, 1, 0) != 1)
		return false;
	return (p.revents & POLLHUP) != 0 || (s->ops->takes != NULL && s->ops->takes(s));
}

unsigned px_socket_unfinished(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct px_socket *s = table[i]; s != NULL; s = s->next)
			n += is_unfinished(s);
	return n;
}

static void ready(struct px_watch *watch, uint32_t events)
{
	struct px_socket *s = (struct px_socket *)watch;

	if (s->freed)
		return;
	if ((events & (EPOLLIN | EPOLLRDHUP)) != 0 && s->ops->readable != NULL)
		s->ops->readable(s);
	if (!s->freed && (events & EPOLLOUT) != 0 && s->ops->writable != NULL)
		s->ops->writable(s);
	if (!s->freed && !s->gone && (events & EPOLLHUP) != 0) {
		s->gone = true;
		s->ops->hangup(s);
	}
}

static uint64_t cookie_of(int fd)
{
	return vs_sock_of(fd).cookie;
}

int px_socket_make(const struct px_kind *kind, void *state, struct px_socket **out, int *program)
{
	int pair[2];

	if (count >= SOCKETS_MAX)
		return -ENFILE;
	int r = kind->ops->pair == SOCK_STREAM ? vs_stream_pair(pair) : vs_socketpair(pair);
	if (r < 0)
		return r;
	VS_AUTO_CLOSE ours = pair[0];
	VS_AUTO_CLOSE theirs = pair[1];
	VS_AUTO_FREE struct px_socket *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		/* cppcheck-suppress memleak ; VS_AUTO_FREE frees it */
		return -errno;
	*s = (struct px_socket){ .watch = { ours, ready },
				 .cookie = cookie_of(theirs),
				 .ops = kind->ops,
				 .family = kind->family,
				 .type = kind->type,
				 .protocol = kind->protocol,
				 .program = theirs,
				 .state = state };
	if (s->cookie == 0)
		/* cppcheck-suppress memleak ; VS_AUTO_FREE frees it */
		return -EIO;
	r = kind->ops->open == NULL ? 0 : kind->ops->open(s);
	s->program = -1;
	if (r < 0)
		return r;
	r = px_loop_add(&s->watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	s->next = *bucket(s->cookie);
	*bucket(s->cookie) = s;
	count++;
	(void)vs_steal_fd(&ours);
	if (r < 0) { /* no memory: the kind frees what it has made */
		struct px_socket *failed = vs_steal_ptr(s);
		failed->gone = true;
		if (state != NULL)
			failed->state = NULL;
		failed->ops->hangup(failed);
		return r;
	}
	*program = vs_steal_fd(&theirs);
	*out = vs_steal_ptr(s);
	return 0;
}

int px_socket_new(int family, int type, int protocol, struct px_socket **out, int *program)
{
	bool family_known = false;

	for (size_t i = 0; i < px_kinds_count; i++) {
		struct px_kind kind = px_kinds[i];
		if (kind.family != family)
			continue;
		family_known = true;
		if (kind.type != type && kind.type != -1)
			continue;
		if (kind.protocol != protocol && kind.protocol != -1)
			continue;
		kind.type = type;
		kind.protocol = protocol;
		return px_socket_make(&kind, NULL, out, program);
	}
	return family_known ? -EPROTONOSUPPORT : -EAFNOSUPPORT;
}

static void reap(struct px_later *later)
{
	char *at = (char *)later - offsetof(struct px_socket, reap);

	free(at);
}

void px_socket_free(struct px_socket *s)
{
	if (s->freed)
		return;
	s->freed = true;
	px_loop_remove(&s->watch);
	vs_close(s->watch.fd);
	px_later_cancel(&s->later);
	for (struct px_socket **at = bucket(s->cookie); *at != NULL; at = &(*at)->next) {
		if (*at == s) {
			*at = s->next;
			break;
		}
	}
	count--;
	px_later(&s->reap, reap);
}

int px_socket_take_error(struct px_socket *s)
{
	int error = s->error;

	s->error = 0;
	return error;
}

void px_socket_leave_error(const struct px_socket *s, int error)
{
	left[n_left++ % LEFT_MAX] = (struct left){ s->cookie, error };
}

int px_socket_left_error(uint64_t cookie)
{
	for (unsigned i = 0; i < LEFT_MAX && i < n_left; i++) {
		if (left[i].cookie == cookie) {
			int error = left[i].error;
			left[i].error = 0;
			return error;
		}
	}
	return -ENOTCONN;
}
