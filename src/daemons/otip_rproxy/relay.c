/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Bytes are moved in two ways:
 *
 *	copy    They are read into one buffer that all connections share, and written at once. What
 *	        the receiver does not take is kept in memory of the connection. It works with all sockets.
 *	splice  The kernel moves pages of them into a pipe and out of it: splice(2). What the receiver does
 *	        not take stays in the pipe. It works with sockets of the kernel, as those of the stacks
 *	        "kernel" and "vdestack"; the descriptor of another stack leads to a process, and is copied.
 *
 * A pipe costs descriptors, and a copy of few bytes is cheaper than moves of their pages. So a relay begins
 * by copying, splices once the buffer was full, and copies again when less comes at a time. It has a pipe
 * only while bytes are in it. Without a pipe (see pipes.c) it copies: nothing waits for one.
 *
 * While bytes wait for the receiver, nothing is read: the sender stops when the buffers of the stacks are
 * full. So an idle connection has no buffer and no pipe, and a stalled one has at most BUFFER bytes or one
 * pipe for each direction.
 */

#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <ioth.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define BUFFER 65536

static bool passes(int err)
{
	return err == EAGAIN || err == EWOULDBLOCK || err == EINTR;
}

bool rp_relay_waits(const struct rp_relay *r)
{
	return r->kept != NULL || r->pipe != NULL;
}

static int pass_end_on(struct rp_relay *r, int to)
{
	r->closed = true;
	return ioth_shutdown(to, SHUT_WR) < 0 ? -errno : 0;
}

/* Nothing was read. A reset can look like the end where the descriptor is that of a process (picox). */
static int end(struct rp_relay *r, int from, int to)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (ioth_getsockopt(from, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err != 0)
		return -err;
	r->ended = true;
	return pass_end_on(r, to);
}

/* ------------------------------------------------------------------ splice */

/* Asks the kernel, not the stack. */
static bool is_of_kernel(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 && protocol == IPPROTO_TCP;
}

static void choose_way(struct rp_relay *r, size_t came, int from, int to)
{
	if (r->way == RP_RELAY_COPY_ALWAYS)
		return;
	if (came < BUFFER)
		r->way = RP_RELAY_COPY;
	else if (r->way == RP_RELAY_COPY)
		r->way = is_of_kernel(from) && is_of_kernel(to) ? RP_RELAY_SPLICE : RP_RELAY_COPY_ALWAYS;
}

static int send_piped(struct rp_relay *r, struct rp_relays *all, int to)
{
	ssize_t n = splice(r->pipe->read, NULL, to, NULL, r->piped, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

	if (n < 0)
		return passes(errno) ? 0 : -errno;
	r->piped -= (size_t)n;
	if (r->piped == 0)
		rp_pipes_give(&all->pipes, vs_steal_ptr(r->pipe), true);
	return 0;
}

/* ------------------------------------------------------------------ copy */

static int send_or_keep(struct rp_relay *r, int to, const char *bytes, size_t n)
{
	ssize_t sent = ioth_send(to, bytes, n, MSG_NOSIGNAL);

	if (sent < 0 && !passes(errno))
		return -errno;
	if (sent < 0)
		sent = 0;
	if ((size_t)sent == n)
		return 0;
	r->len = n - (size_t)sent;
	r->at = 0;
	r->kept = malloc(r->len);
	if (r->kept == NULL)
		return -ENOMEM;
	memcpy(r->kept, bytes + sent, r->len);
	return 0;
}

static int send_kept(struct rp_relay *r, int to)
{
	ssize_t sent = ioth_send(to, r->kept + r->at, r->len - r->at, MSG_NOSIGNAL);

	if (sent < 0)
		return passes(errno) ? 0 : -errno;
	r->at += (size_t)sent;
	if (r->at == r->len)
		free(vs_steal_ptr(r->kept));
	return 0;
}

static int receive_by_copy(struct rp_relay *r, struct rp_relays *all, int from, int to)
{
	ssize_t n = ioth_recv(from, all->buffer, BUFFER, 0);

	if (n < 0)
		return passes(errno) ? 0 : -errno;
	if (n == 0)
		return end(r, from, to);
	choose_way(r, (size_t)n, from, to);
	return send_or_keep(r, to, all->buffer, (size_t)n);
}

/* ------------------------------------------------------------------ splice or copy */

/*
 * splice(2) does not pass an urgent byte (MSG_OOB), and says EAGAIN or, if the sender has ended, 0. So only
 * recv(2) decides that there is nothing, and that it is the end. It drops the byte.
 */
static int receive_by_pipe(struct rp_relay *r, struct rp_relays *all, struct rp_pipe *pipe, int from, int to)
{
	ssize_t n = splice(from, NULL, pipe->write, NULL, RP_PIPE_BYTES, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	int err = n < 0 ? errno : 0;

	if (n > 0) {
		choose_way(r, (size_t)n, from, to);
		r->pipe = pipe;
		r->piped = (size_t)n;
		return send_piped(r, all, to);
	}
	rp_pipes_give(&all->pipes, pipe, true);
	if (err != 0 && err != EINVAL && !passes(err))
		return -err;
	r->way = err == EINVAL ? RP_RELAY_COPY_ALWAYS : RP_RELAY_COPY;
	return receive_by_copy(r, all, from, to);
}

/* ------------------------------------------------------------------ interface */

int rp_relay_receive(struct rp_relay *r, struct rp_relays *all, int from, int to)
{
	struct rp_pipe *pipe = r->way == RP_RELAY_SPLICE ? rp_pipes_take(&all->pipes) : NULL;

	return pipe == NULL ? receive_by_copy(r, all, from, to) : receive_by_pipe(r, all, pipe, from, to);
}

int rp_relay_send(struct rp_relay *r, struct rp_relays *all, int to)
{
	int result = r->pipe != NULL ? send_piped(r, all, to) : send_kept(r, to);

	if (result < 0 || rp_relay_waits(r) || !r->ended)
		return result;
	return pass_end_on(r, to);
}

void rp_relay_drop(struct rp_relay *r, struct rp_relays *all)
{
	free(vs_steal_ptr(r->kept));
	if (r->pipe != NULL)
		rp_pipes_give(&all->pipes, vs_steal_ptr(r->pipe), false);
}

int rp_relays_init(struct rp_relays *all)
{
	rp_pipes_init(&all->pipes);
	all->buffer = malloc(BUFFER);
	return all->buffer == NULL ? -ENOMEM : 0;
}

void rp_relays_fini(struct rp_relays *all)
{
	rp_pipes_fini(&all->pipes);
	free(vs_steal_ptr(all->buffer));
}
