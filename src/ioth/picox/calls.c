/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making, naming and connecting sockets: requests to the process. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "plugin.h"

#define TYPE_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

static int apply_flags(int fd, int flags)
{
	if ((flags & SOCK_CLOEXEC) == 0 && fcntl(fd, F_SETFD, 0) < 0)
		return -1;
	return (flags & SOCK_NONBLOCK) != 0 ? fcntl(fd, F_SETFL, O_NONBLOCK) : 0;
}

static int px_socket_call(int domain, int type, int protocol)
{
	int fd = -1;
	struct px_call call = { .op = PX_SOCKET,
				.args = { domain, type & ~TYPE_FLAGS, protocol },
				.fd = &fd };

	if (px_ask_call(&call) < 0)
		return -1;
	if (fd < 0 || apply_flags(fd, type) < 0) {
		vs_close(fd);
		errno = fd < 0 ? EMFILE : errno; /* there was no number left for it here */
		return -1;
	}
	return fd;
}

/* Streams of the system only: datagrams have a header in this stack, and there are no others. */
static int px_socketpair(int domain, int type, int protocol, int sv[2])
{
	if (domain == AF_UNIX && (type & ~TYPE_FLAGS) == SOCK_STREAM)
		return socketpair(domain, type, protocol, sv);
	errno = EOPNOTSUPP;
	return -1;
}

static int px_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct px_call call = { .op = PX_BIND, .data = addr, .len = len };

	return px_ask_call_of(fd, &call);
}

static int px_listen(int fd, int backlog)
{
	struct px_call call = { .op = PX_LISTEN, .args = { backlog } };
	int size = sizeof(struct px_accepted);

	if (px_ask_call_of(fd, &call) < 0)
		return -1;
	/* The mark of a listening socket; accept() looks at it. */
	return setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &size, sizeof(size));
}

static int get_name(enum px_op op, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct px_call call = { .op = op, .result = addr, .room = *len };

	if (px_ask_call_of(fd, &call) < 0)
		return -1;
	*len = (socklen_t)call.got;
	return 0;
}

static int px_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	return get_name(PX_GETSOCKNAME, fd, addr, len);
}

static int px_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	return get_name(PX_GETPEERNAME, fd, addr, len);
}

static int px_shutdown(int fd, int how)
{
	struct px_call call = { .op = PX_SHUTDOWN, .args = { how } };

	if (px_ask_pair(fd) != SOCK_STREAM)
		return px_ask_call_of(fd, &call);
	if (px_ask_call_of(fd, &call) < 0)
		return -1;
	return shutdown(fd, how);
}

/* ------------------------------------------------------------------ connect */

static int64_t send_deadline(int fd)
{
	struct timeval limit = { 0 };
	socklen_t len = sizeof(limit);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, &len) < 0 ||
	    (limit.tv_sec == 0 && limit.tv_usec == 0))
		return vs_deadline_ms(-1);
	return vs_now_ms() + (int64_t)limit.tv_sec * 1000 + limit.tv_usec / 1000;
}

/* lwIP gives up by itself after a while, and if the process ends, the socket hangs up. */
static int await_connection(int fd)
{
	int64_t deadline = send_deadline(fd);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int n = poll(&p, 1, vs_left_ms(deadline));

	if (n < 0)
		return -1;
	if (n == 0) {
		errno = EINPROGRESS;
		return -1;
	}
	int error = px_ask_error(fd);
	if (error == 0 && (p.revents & POLLHUP) != 0)
		error = ECONNRESET; /* another thread has taken the error */
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

static int px_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct px_call call = { .op = PX_CONNECT, .data = addr, .len = len };
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -1;
	if (px_ask_call_of(fd, &call) == 0)
		return 0;
	if (errno != EINPROGRESS || (flags & O_NONBLOCK) != 0)
		return -1;
	return await_connection(fd);
}

static int px_fcntl(int fd, int cmd, long val)
{
	return fcntl(fd, cmd, val);
}

void px_plugin_calls(struct ioth_functions *f)
{
	f->socket = px_socket_call;
	f->socketpair = px_socketpair;
	f->close = close;
	f->bind = px_bind;
	f->connect = px_connect;
	f->listen = px_listen;
	f->getsockname = px_getsockname;
	f->getpeername = px_getpeername;
	f->shutdown = px_shutdown;
	f->fcntl = px_fcntl;
}
