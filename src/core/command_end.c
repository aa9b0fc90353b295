/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The end of a command. The final message is only peeked at, so several waits, threads and forked children
 * get the same answer. It has the runner's pid, by which the first call that receives the status reaps the
 * runner's holder, if there is one (held.h).
 */

#include "command_end.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "launch.h"
#include "wire/fdmsg.h"
#include <vdestack.h>

int vs_command_wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int n = poll(&p, 1, vs_left_ms(deadline_ms));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		/* Signals may interrupt poll() each time before it checks the clock. */
		if (vs_now_ms() >= deadline_ms)
			return -ETIMEDOUT;
	}
}

/*
 * Peeks at the runner's last message. 0: *end is set. -EAGAIN: it is not there yet. -ECANCELED: it will
 * never come. -EINVAL: not such a socket.
 */
static int peek_end(int control, struct vs_command_message *end)
{
	struct vs_command_message m;
	struct vs_fdmsg msg = { .iov = { { &m, sizeof(m) } }, .n_iov = 1 };
	ssize_t n = vs_fdmsg_recv(control, &msg, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n == (ssize_t)sizeof(m) && m.version == VS_COMMAND_VERSION && m.type == VS_COMMAND_ENDED) {
		vs_fdmsg_drop(&msg);
		vs_launch_ended(m.runner, VS_COMMAND_REAP_MS);
		*end = m;
		return 0;
	}
	vs_fdmsg_drop(&msg);
	if (n == 0)
		return -ECANCELED;
	return n == -EAGAIN || n == -ECONNRESET ? -EAGAIN : n == -ENOMEM ? -ENOMEM : -EINVAL;
}

int vs_command_await_end(int control, int64_t deadline_ms, struct vs_command_message *end)
{
	for (;;) {
		int r = vs_command_wait_for(control, POLLIN, deadline_ms);

		if (r < 0)
			return r;
		VS_NO_CANCEL;
		r = peek_end(control, end);
		if (r != -EAGAIN)
			return r;
	}
}

static bool is_status_fd(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

int vs_command_explain_wait(int r)
{
	switch (r) {
	case -ETIMEDOUT:
		return vs_fail(ETIMEDOUT, "cannot return the command's status: it is still running; wait "
					  "longer");
	case -ECANCELED:
		return vs_fail(ECANCELED, "cannot return the command's status: the runner that watched over "
					  "it was killed, and the command with it");
	case -EINVAL:
		return vs_fail(EINVAL, "cannot wait for a command: the descriptor is not a status_fd of "
				       "vdestack_spawn()");
	default:
		return vs_fail(-r, "cannot wait for a command: %s", strerror(-r));
	}
}

int vdestack_cmd_wait(int status_fd, int *status, int timeout_ms)
{
	struct vs_command_message end;
	int r = is_status_fd(status_fd) ? 0 : -EINVAL;

	if (!vs_timeout_valid(timeout_ms))
		return vs_edge(vs_fail(EINVAL, "cannot wait for a command: the time-out is %d; -1 waits for "
					       "ever, 0 looks once", timeout_ms));
	if (r == 0)
		r = vs_command_await_end(status_fd, vs_deadline_ms(timeout_ms), &end);

	if (r < 0)
		return vs_edge(vs_command_explain_wait(r));
	if (status != NULL)
		*status = end.value;
	return 0;
}
