/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

static void *(*stack_of_call)(void);

void px_ask_by(void *(*current)(void))
{
	stack_of_call = current;
}

struct px_stack *px_ask_stack(void)
{
	return stack_of_call();
}

static int edge(int r)
{
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

int px_ask_request(struct px_stack *stack, struct px_call *call, int timeout_ms)
{
	return vs_sock_valid(&stack->control) ? px_request(stack->control.fd, call, timeout_ms) : -ENETDOWN;
}

int px_ask_call(struct px_call *call)
{
	return edge(px_ask_request(px_ask_stack(), call, PX_CALL_MS));
}

int px_ask_call_of(int fd, struct px_call *call)
{
	call->socket = vs_sock_of(fd).cookie;
	if (call->socket == 0) {
		errno = EBADF;
		return -1;
	}
	int r = px_ask_call(call);
	if (r < 0 && errno == EBADF)
		errno = ENOTCONN; /* a connection that has ended: the process has forgotten it */
	return r;
}

int px_ask_pair(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ? -1 : type;
}

bool px_ask_hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

int px_ask_error(int fd)
{
	int error = 0, saved = errno;
	struct px_call call = { .op = PX_GETSOCKOPT,
				.args = { SOL_SOCKET, SO_ERROR, sizeof(error) },
				.result = &error,
				.room = sizeof(error) };

	if (px_ask_call_of(fd, &call) < 0)
		error = errno == ENOTCONN ? 0 : errno; /* it has ended in good order */
	errno = saved;
	return error;
}
