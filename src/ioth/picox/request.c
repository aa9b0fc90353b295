/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "wire/fdmsg.h"

static int wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		n = poll(&p, 1, vs_left_ms(deadline));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int send_message(int control, const struct vs_fdmsg *msg, int64_t deadline)
{
	for (;;) {
		int r = vs_fdmsg_send(control, msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (r != -EAGAIN)
			return r == -EPIPE || r == -ECONNRESET ? -ENETDOWN : r;
		r = wait_for(control, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
}

static int send_request(int control, int reply, const struct px_call *call, int64_t deadline)
{
	struct px_request head = {
		.version = PX_VERSION, .op = call->op, .socket = call->socket, .len = (uint32_t)call->len
	};
	struct vs_fdmsg msg = { .iov = { { &head, sizeof(head) }, { (void *)call->data, call->len } },
				.n_iov = 2,
				.fds = { reply },
				.n_fds = 1 };

	memcpy(head.args, call->args, sizeof(head.args));
	return send_message(control, &msg, deadline);
}

int px_request_end(int control, int timeout_ms)
{
	VS_NO_CANCEL;
	struct px_request head = { .version = PX_VERSION, .op = PX_END };
	struct vs_fdmsg msg = { .iov = { { &head, sizeof(head) } }, .n_iov = 1 };

	return send_message(control, &msg, vs_deadline_ms(timeout_ms));
}

/* There is no reply, and nobody is left who could send it. */
static int lost(int control)
{
	struct pollfd p = { .fd = control };

	if (poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) != 0)
		return -ENETDOWN; /* the process has ended */
	return -ENFILE;           /* it had no free descriptor for the socket of the reply */
}

static int await_reply(int control, int reply, struct px_call *call, int64_t deadline)
{
	struct px_reply head = { 0 };
	struct vs_fdmsg msg = { .iov = { { &head, sizeof(head) }, { call->result, call->room } },
				.n_iov = 2 };
	int r = wait_for(reply, POLLIN, deadline);

	if (r < 0)
		return r;
	ssize_t len = vs_fdmsg_recv(reply, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (len < (ssize_t)sizeof(head)) {
		vs_fdmsg_drop(&msg);
		return lost(control);
	}
	if (call->fd != NULL && msg.n_fds == 1)
		*call->fd = vs_steal_fd(&msg.fds[0]);
	vs_fdmsg_drop(&msg);
	call->got = head.len;
	call->value = head.value;
	return head.result;
}

int px_request(int control, struct px_call *call, int timeout_ms)
{
	VS_NO_CANCEL;
	int64_t deadline = vs_deadline_ms(timeout_ms);
	int ends[2];

	if (call->len > PX_DATA_MAX)
		return -EINVAL;
	if (call->fd != NULL)
		*call->fd = -1;
	int r = vs_socketpair(ends);
	if (r < 0)
		return r;
	r = send_request(control, ends[1], call, deadline);
	vs_close(ends[1]);
	if (r == 0)
		r = await_reply(control, ends[0], call, deadline);
	vs_close(ends[0]);
	return r;
}
