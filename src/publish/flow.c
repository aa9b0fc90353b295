/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Bytes go from socket to pipe to socket by splice(2): the kernel passes pages on and copies nothing. A
 * pipe is filled only when it is empty. So EAGAIN has one meaning: there is nothing that it can move.
 *
 * Nothing is read while the receiver takes nothing. The bytes stay in the sender's socket, whose window
 * closes. So a connection holds one pipe for each direction at most.
 *
 * splice(2) does not go beyond an urgent byte (MSG_OOB), and says EAGAIN, or 0 if the sender has ended. So
 * recv(2) decides whether there is nothing, or the end: it skips the byte, which is lost.
 *
 * When there is no pipe left, the bytes are copied without being held: they are read with MSG_PEEK, sent,
 * and as many as were sent are then dropped from the receiving socket. It is slower, and needs no memory
 * for each connection.
 *
 * End of file is passed on by shutdown(2), when all bytes before it are passed on. The other direction
 * goes on.
 */

#define _GNU_SOURCE
#include "flow.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#define ROUNDS 16 /* in one call, so that connections take turns */
#define CHUNK (1024 * 1024)
#define COPY 65536

enum outcome { MOVED, BLOCKED, AT_END, BROKEN };

static enum outcome failed(bool *possible)
{
	if (errno != EAGAIN)
		return errno == EINTR ? MOVED : BROKEN;
	*possible = false;
	return BLOCKED;
}

static enum outcome drain(struct vs_flow *f, struct vs_end *to)
{
	ssize_t n = splice(f->pipe[0], NULL, to->fd, NULL, f->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n < 0)
		return failed(&to->writable);
	f->held -= (size_t)n;
	f->moved = f->moved || n > 0;
	return n > 0 ? MOVED : BROKEN; /* 0: the pipe is empty, though bytes were put into it */
}

static enum outcome copy(struct vs_flow *f, struct vs_end *from, struct vs_end *to)
{
	static __thread char bytes[COPY];
	ssize_t n = recv(from->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);

	if (n < 0)
		return failed(&from->readable);
	if (n == 0)
		return AT_END;
	n = send(to->fd, bytes, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return failed(&to->writable);
	f->moved = true;
	while (n > 0) {
		ssize_t dropped = recv(from->fd, bytes, (size_t)n, MSG_TRUNC | MSG_DONTWAIT);
		if (dropped <= 0)
			return BROKEN;
		n -= dropped;
	}
	return MOVED;
}

static enum outcome fill(struct vs_flow *f, struct vs_end *from, struct vs_end *to)
{
	ssize_t n = splice(from->fd, NULL, f->pipe[1], NULL, CHUNK, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n > 0) {
		f->held = (size_t)n;
		return MOVED;
	}
	return n == 0 || errno == EAGAIN ? copy(f, from, to) : failed(&from->readable);
}

/* One round: a pipe is emptied, or filled, or a piece is copied. */
static enum outcome round_of(struct vs_flow *f, struct vs_end *from, struct vs_end *to,
			     struct vs_pipes *pipes)
{
	if (!to->writable)
		return BLOCKED;
	if (f->held > 0)
		return drain(f, to);
	if (!from->readable)
		return BLOCKED;
	if (f->pipe[0] < 0 && vs_pipes_take(pipes, f->pipe) < 0)
		return copy(f, from, to);
	return fill(f, from, to);
}

int vs_flow_move(struct vs_flow *f, struct vs_end *from, struct vs_end *to, struct vs_pipes *pipes)
{
	enum outcome outcome = MOVED;
	int result = 0;

	if (f->done)
		return 0;
	for (int i = 0; i < 2 * ROUNDS && outcome == MOVED; i++)
		outcome = round_of(f, from, to, pipes);
	if (outcome == BROKEN)
		result = errno != 0 ? -errno : -EIO;
	else if (outcome == MOVED)
		result = 1;
	if (outcome == AT_END) {
		f->done = true;
		if (shutdown(to->fd, SHUT_WR) < 0)
			result = -errno;
	}
	if (f->held == 0)
		vs_pipes_give(pipes, f->pipe, 0);
	return result;
}
