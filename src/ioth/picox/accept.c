/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* accept: the connections are descriptors in the queue of the listening socket. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ask.h"
#include "base/cleanup.h"
#include "plugin.h"

/* listen() has marked it. */
static int check_listening(int fd)
{
	int size = 0, type = px_ask_pair(fd);
	socklen_t len = sizeof(size);

	if (type < 0)
		return -1;
	if (type != SOCK_STREAM) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &size, &len) == 0 && size == sizeof(struct px_accepted))
		return 0;
	errno = EINVAL;
	return -1;
}

static void copy_addr(const struct px_accepted *head, struct sockaddr *addr, socklen_t *len)
{
	if (addr == NULL || len == NULL)
		return;
	memcpy(addr, head->addr, *len < head->addr_len ? *len : head->addr_len);
	*len = head->addr_len;
}

/* The program or another thread has ended the listening, or the process is gone. */
static int no_more(int fd)
{
	errno = px_ask_hung_up(fd) && px_ask_error(fd) == ENETDOWN ? ENETDOWN : EINVAL;
	return -1;
}

/* Waits for a connection, as the socket says (O_NONBLOCK, SO_RCVTIMEO, SA_RESTART). */
static int await_connection(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK);

	return n < 0 ? -1 : n == 0 ? no_more(fd) : 0;
}

/* EMFILE, ENFILE: the program has no number for another descriptor. */
static int check_number(void)
{
	VS_NO_CANCEL;
	int number = eventfd(0, EFD_CLOEXEC);

	vs_close(number);
	return number < 0 ? -1 : 0;
}

/*
 * As in accept(2), a connection is not lost when the program has no free descriptor: EMFILE is returned
 * before the message is touched, as the kernel would throw the descriptor in it away. Only another thread
 * that takes the last number just then can still cost a connection.
 */
static ssize_t take_connection(int fd, struct vs_fdmsg *msg, int flags)
{
	const int how = MSG_DONTWAIT | ((flags & SOCK_CLOEXEC) != 0 ? MSG_CMSG_CLOEXEC : 0);
	ssize_t n;

	do {
		if (check_number() < 0 || await_connection(fd) < 0 || check_number() < 0)
			return -errno;
		n = vs_fdmsg_recv(fd, msg, how);
	} while (n == -EAGAIN); /* another thread was faster */
	return n;
}

static int px_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct px_accepted head = { 0 };
	struct vs_fdmsg msg = { .iov = { { &head, sizeof(head) } }, .n_iov = 1, .interruptible = true };

	if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0) {
		errno = EINVAL;
		return -1;
	}
	if (check_listening(fd) < 0)
		return -1;
	ssize_t n = take_connection(fd, &msg, flags);
	bool good = n == (ssize_t)sizeof(head) && head.magic == PX_ACCEPTED && msg.n_fds == 1 &&
		    head.addr_len <= sizeof(head.addr);
	if (!good) {
		vs_fdmsg_drop(&msg);
		errno = n < 0 ? (int)-n : n == 0 ? EINVAL : msg.fds_lost ? EMFILE : EPROTO;
		return -1;
	}
	int accepted = msg.fds[0];
	if ((flags & SOCK_NONBLOCK) != 0 && fcntl(accepted, F_SETFL, O_NONBLOCK) < 0) {
		vs_close(accepted);
		return -1;
	}
	copy_addr(&head, addr, len);
	return accepted;
}

static int px_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return px_accept4(fd, addr, len, 0);
}

void px_plugin_accept(struct ioth_functions *f)
{
	f->accept = px_accept;
	f->accept4 = px_accept4;
}
