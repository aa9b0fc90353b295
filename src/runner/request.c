/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Receiving the request: first its fixed part with the descriptors, then the strings in pieces. */

#include "request.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "wire/fdmsg.h"

/* Whatever comes with a piece is closed. */
static int receive_piece(int control, void *buf, size_t size)
{
	struct vs_fdmsg msg = { .iov = { { buf, size } }, .n_iov = 1 };
	ssize_t n = vs_fdmsg_recv(control, &msg, MSG_CMSG_CLOEXEC);

	vs_fdmsg_drop(&msg);
	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EPROTO;
}

static int receive_strings(int control, struct vs_runner_request *request)
{
	size_t size = request->start.args_bytes;

	request->strings = malloc(size);
	if (request->strings == NULL)
		return -ENOMEM;
	for (size_t got = 0; got < size;) {
		size_t piece = size - got < VS_COMMAND_PIECE_BYTES ? size - got : VS_COMMAND_PIECE_BYTES;
		int r = receive_piece(control, request->strings + got, piece);
		if (r < 0)
			return r;
		got += piece;
	}
	return 0;
}

/* The string at *at, or NULL. Moves *at behind it. */
static char *split_one(char **at, const char *end)
{
	char *text = *at, *nul = memchr(text, '\0', (size_t)(end - text));

	if (nul != NULL)
		*at = nul + 1;
	return nul != NULL ? text : NULL;
}

/* The n strings at *at: pointers to them, and NULL after them, in *out. Moves *at behind them. */
static int split(char **at, const char *end, uint32_t n, char ***out)
{
	char **list = calloc((size_t)n + 1, sizeof(*list));

	if (list == NULL)
		return -ENOMEM;
	*out = list;
	for (uint32_t i = 0; i < n; i++)
		if ((list[i] = split_one(at, end)) == NULL)
			return -EPROTO;
	return 0;
}

static int split_strings(struct vs_runner_request *request)
{
	char *at = request->strings, *end = at + request->start.args_bytes;
	int r = split(&at, end, request->start.argc, &request->argv);

	if (r == 0 && !request->start.own_env)
		r = split(&at, end, request->start.envc, &request->envp);
	if (r == 0 && request->start.has_cwd && (request->cwd = split_one(&at, end)) == NULL)
		r = -EPROTO;
	return r == 0 && at != end ? -EPROTO : r;
}

static bool is_valid(const struct vs_command_start *start)
{
	return start->version == VS_COMMAND_VERSION && start->argc > 0 && start->args_bytes >= start->argc &&
	       start->args_bytes >= start->envc && start->args_bytes <= VS_COMMAND_ARGS_BYTES_MAX &&
	       start->streams <= VS_COMMAND_STREAMS_MASK && (!start->stream || start->streams == 0);
}

/* Takes the descriptors of the streams out of the message. A surplus one stays in it. */
static int take_streams(struct vs_runner_request *request, struct vs_fdmsg *msg)
{
	size_t n = (size_t)__builtin_popcount(request->start.streams), next = 0;

	if (msg->n_fds < n)
		return msg->fds_lost ? -EMFILE : -EPROTO;
	if (msg->n_fds > n)
		return -EPROTO;
	for (int i = 0; i < 3; i++) {
		if ((request->start.streams & 1u << i) == 0)
			continue;
		/* Without the program's streams it may have one of their numbers. */
		int *fd = &request->streams[i];
		*fd = vs_steal_fd(&msg->fds[next++]);
		int r = *fd > 2 ? 0 : vs_fd_raise(fd, 3);
		if (r < 0) {
			*fd = -1;
			return r;
		}
	}
	return 0;
}

static int receive_start(int control, struct vs_runner_request *request)
{
	struct vs_fdmsg msg = { .iov = { { &request->start, sizeof(request->start) } }, .n_iov = 1 };
	ssize_t n = vs_fdmsg_recv(control, &msg, MSG_CMSG_CLOEXEC);
	int r = n < 0 ? (int)n : 0;

	if (r == 0 && ((size_t)n != sizeof(request->start) || !is_valid(&request->start)))
		r = -EPROTO;
	if (r == 0)
		r = take_streams(request, &msg);
	vs_fdmsg_drop(&msg);
	return r;
}

int vs_request_receive(int control, struct vs_runner_request *request)
{
	struct timeval limit = { .tv_sec = VS_COMMAND_START_MS / 1000 };

	*request = (struct vs_runner_request){ .streams = { -1, -1, -1 } };
	/* If the program died meanwhile, its forked children may still have copies of its end. */
	(void)setsockopt(control, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	int r = receive_start(control, request);
	if (r == 0)
		r = receive_strings(control, request);
	if (r == 0)
		r = split_strings(request);
	if (r == -EPROTO)
		return vs_fail(EPROTO,
			       "cannot start a command: its runner does not understand this program; the "
			       "library's file was replaced since the program started, restart it");
	return r < 0 ? vs_fail(-r, "cannot start a command: its runner got no request: %s", strerror(-r)) : 0;
}

void vs_request_close_streams(struct vs_runner_request *request)
{
	for (int i = 0; i < 3; i++)
		vs_close(vs_steal_fd(&request->streams[i]));
}

void vs_request_end(struct vs_runner_request *request)
{
	vs_request_close_streams(request);
	free(vs_steal_ptr(request->argv));
	free(vs_steal_ptr(request->envp));
	free(vs_steal_ptr(request->strings));
}
