/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads and writes. On a TCP socket they are the system calls: only at an end of file the process is asked
 * whether it was an error. On all others a header goes with each message.
 *
 * Whether a socket is of TCP is asked of the kernel: descriptors are copied, passed and closed without our
 * knowledge.
 */

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "ask.h"
#include "base/cleanup.h"
#include "plugin.h"

#define PIECES 1024 /* IOV_MAX */

/* ------------------------------------------------------------------ TCP */

/*
 * An end that is an error: the process knows which. It closes its end of a connection that has failed; at an
 * end in good order that is open, and nobody need be asked.
 */
static ssize_t ended(int fd)
{
	int error = px_ask_hung_up(fd) ? px_ask_error(fd) : 0;

	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

static bool asks_for_bytes(const struct msghdr *msg)
{
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		if (msg->msg_iov[i].iov_len > 0)
			return true;
	return false;
}

static ssize_t stream_recv(int fd, struct msghdr *msg, int flags)
{
	if ((flags & (MSG_OOB | MSG_ERRQUEUE)) != 0) {
		errno = (flags & MSG_OOB) != 0 ? EINVAL : EAGAIN;
		return -1;
	}
	struct msghdr plain = { .msg_iov = msg->msg_iov, .msg_iovlen = msg->msg_iovlen };
	ssize_t n = recvmsg(fd, &plain, flags);
	msg->msg_namelen = 0;
	msg->msg_controllen = 0;
	msg->msg_flags = plain.msg_flags;
	if (n == 0 && asks_for_bytes(msg))
		return ended(fd);
	if (n < 0 && errno == ECONNRESET && ended(fd) == 0)
		errno = ECONNRESET;
	return n;
}

/* As the kernel does it: the first write after a reset fails with its error, and without a signal. */
static ssize_t stream_send(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr plain = { .msg_iov = msg->msg_iov, .msg_iovlen = msg->msg_iovlen };

	if ((flags & MSG_OOB) != 0) {
		errno = EOPNOTSUPP;
		return -1;
	}
	ssize_t n = sendmsg(fd, &plain, (flags & (MSG_DONTWAIT | MSG_MORE)) | MSG_NOSIGNAL);
	if (n >= 0 || (errno != EPIPE && errno != ECONNRESET))
		return n;
	if (ended(fd) < 0)
		return -1;
	if ((flags & MSG_NOSIGNAL) == 0)
		(void)pthread_kill(pthread_self(), SIGPIPE);
	errno = EPIPE;
	return -1;
}

/* ------------------------------------------------------------------ datagrams */

static bool too_many(const struct msghdr *msg)
{
	if (msg->msg_iovlen < PIECES)
		return false;
	errno = EMSGSIZE;
	return true;
}

static void put_addr(const struct px_datagram *head, struct msghdr *msg)
{
	socklen_t len = head->addr_len <= sizeof(head->addr) ? head->addr_len : 0;

	if (msg->msg_name != NULL)
		memcpy(msg->msg_name, head->addr, msg->msg_namelen < len ? msg->msg_namelen : len);
	msg->msg_namelen = len;
}

static ssize_t datagram_recv(int fd, struct msghdr *msg, int flags)
{
	struct px_datagram head = { 0 };
	struct iovec iov[PIECES];
	struct msghdr inner = { .msg_iov = iov, .msg_iovlen = msg->msg_iovlen + 1 };

	if (too_many(msg))
		return -1;
	if ((flags & MSG_ERRQUEUE) != 0) { /* always empty */
		errno = EAGAIN;
		return -1;
	}
	iov[0] = (struct iovec){ &head, sizeof(head) };
	if (msg->msg_iovlen > 0)
		memcpy(iov + 1, msg->msg_iov, msg->msg_iovlen * sizeof(iov[0]));
	ssize_t n = recvmsg(fd, &inner, flags | MSG_TRUNC);
	if (n < 0)
		return -1;
	if (n == 0) { /* the process is gone, a datagram is never so short */
		errno = ENETDOWN;
		return -1;
	}
	put_addr(&head, msg);
	msg->msg_controllen = 0;
	msg->msg_flags = inner.msg_flags & MSG_TRUNC;
	ssize_t whole = n - (ssize_t)sizeof(head), got = 0;
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		got += (ssize_t)msg->msg_iov[i].iov_len;
	return (flags & MSG_TRUNC) != 0 || whole < got ? whole : got;
}

static ssize_t datagram_send(int fd, const struct msghdr *msg, int flags)
{
	struct px_datagram head = { 0 };
	struct iovec iov[PIECES];
	struct msghdr inner = { .msg_iov = iov, .msg_iovlen = msg->msg_iovlen + 1 };
	size_t len = 0, addr_len = msg->msg_name == NULL ? 0 : msg->msg_namelen;

	if (too_many(msg))
		return -1;
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		iov[i + 1] = msg->msg_iov[i];
		len += msg->msg_iov[i].iov_len;
	}
	if (len > PX_DATAGRAM_MAX - 28 || addr_len > sizeof(struct sockaddr_storage)) {
		errno = len > PX_DATAGRAM_MAX - 28 ? EMSGSIZE : EINVAL;
		return -1;
	}
	if (addr_len > sizeof(head.addr)) /* no address of the stack is longer: the rest means nothing */
		addr_len = sizeof(head.addr);
	head.len = (uint32_t)len;
	head.addr_len = (uint8_t)addr_len;
	if (addr_len > 0)
		memcpy(head.addr, msg->msg_name, addr_len);
	iov[0] = (struct iovec){ &head, sizeof(head) };
	ssize_t n = sendmsg(fd, &inner, (flags & MSG_DONTWAIT) | MSG_NOSIGNAL);
	if (n < 0) {
		errno = errno == EPIPE || errno == ECONNRESET ? ENETDOWN : errno;
		return -1;
	}
	return (ssize_t)len;
}

/* ------------------------------------------------------------------ the calls */

static ssize_t px_recvmsg(int fd, struct msghdr *msg, int flags)
{
	int type = px_ask_pair(fd);

	if (type < 0)
		return -1;
	return type == SOCK_STREAM ? stream_recv(fd, msg, flags) : datagram_recv(fd, msg, flags);
}

static ssize_t px_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	int type = px_ask_pair(fd);

	if (type < 0)
		return -1;
	return type == SOCK_STREAM ? stream_send(fd, msg, flags) : datagram_send(fd, msg, flags);
}

static ssize_t px_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
			   socklen_t *fromlen)
{
	struct iovec iov = { buf, len };
	struct msghdr msg = {
		.msg_name = from, .msg_namelen = from != NULL ? *fromlen : 0, .msg_iov = &iov, .msg_iovlen = 1
	};
	ssize_t n = px_recvmsg(fd, &msg, flags);

	if (n >= 0 && from != NULL)
		*fromlen = msg.msg_namelen;
	return n;
}

static ssize_t px_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to,
			 socklen_t tolen)
{
	struct iovec iov = { (void *)buf, len };
	struct msghdr msg = { .msg_name = (void *)to,
			      .msg_namelen = to != NULL ? tolen : 0,
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };

	return px_sendmsg(fd, &msg, flags);
}

static ssize_t px_recv(int fd, void *buf, size_t len, int flags)
{
	return px_recvfrom(fd, buf, len, flags, NULL, NULL);
}

static ssize_t px_send(int fd, const void *buf, size_t len, int flags)
{
	return px_sendto(fd, buf, len, flags, NULL, 0);
}

static ssize_t px_read(int fd, void *buf, size_t len)
{
	return px_recv(fd, buf, len, 0);
}

static ssize_t px_write(int fd, const void *buf, size_t len)
{
	return px_send(fd, buf, len, 0);
}

static bool bad_count(int n)
{
	if (n >= 0 && n <= PIECES)
		return false;
	errno = EINVAL;
	return true;
}

static ssize_t px_readv(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };

	if (bad_count(n))
		return -1;
	return px_recvmsg(fd, &msg, 0);
}

static ssize_t px_writev(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };

	if (bad_count(n))
		return -1;
	return px_sendmsg(fd, &msg, 0);
}

void px_plugin_transfer(struct ioth_functions *f)
{
	f->read = px_read;
	f->readv = px_readv;
	f->recv = px_recv;
	f->recvfrom = px_recvfrom;
	f->recvmsg = px_recvmsg;
	f->write = px_write;
	f->writev = px_writev;
	f->send = px_send;
	f->sendto = px_sendto;
	f->sendmsg = px_sendmsg;
}
