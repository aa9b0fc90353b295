/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls that are made of other calls. Each one is called inside a stack, and calls the functions of that
 * stack.
 *
 *     read -> recv -> recvfrom -> recvmsg <- readv, recvmmsg        accept4 <-> accept
 *     write -> send -> sendto -> sendmsg <- writev, sendmmsg
 *
 * A descriptor is real, so close(2) is what close() is made of.
 */

#include "complete.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "inside.h"

static const struct ioth_functions *own(void)
{
	return &vs_inside_current()->f;
}

/* ------------------------------------------------------------------ receiving */

static ssize_t read_by_recv(int fd, void *buf, size_t len)
{
	return own()->recv(fd, buf, len, 0);
}

static ssize_t recv_by_recvfrom(int fd, void *buf, size_t len, int flags)
{
	return own()->recvfrom(fd, buf, len, flags, NULL, NULL);
}

static ssize_t recvfrom_by_recvmsg(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
				   socklen_t *fromlen)
{
	struct iovec iov = { buf, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (from != NULL && fromlen != NULL) {
		msg.msg_name = from;
		msg.msg_namelen = *fromlen;
	}
	ssize_t n = own()->recvmsg(fd, &msg, flags);
	if (n >= 0 && from != NULL && fromlen != NULL)
		*fromlen = msg.msg_namelen;
	return n;
}

static ssize_t readv_by_recvmsg(int fd, const struct iovec *iov, int iovcnt)
{
	if (iovcnt < 0)
		return vs_give_errno(vs_inside_current(), EINVAL);
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)iovcnt };
	return own()->recvmsg(fd, &msg, 0);
}

/* In nanoseconds of CLOCK_MONOTONIC; INT64_MAX: never. */
static int64_t end_of(const struct timespec *timeout)
{
	int64_t end;

	if (__builtin_mul_overflow((int64_t)timeout->tv_sec, INT64_C(1000000000), &end) ||
	    __builtin_add_overflow(end, (int64_t)timeout->tv_nsec, &end) ||
	    __builtin_add_overflow(end, vs_now_ns(), &end))
		return INT64_MAX;
	return end;
}

/* Writes the time that is left. False: none is. */
static bool update(struct timespec *timeout, int64_t end)
{
	int64_t left = end - vs_now_ns();

	if (end == INT64_MAX)
		return true; /* it stays as it is */
	*timeout = (struct timespec){ 0 };
	if (left <= 0)
		return false;
	timeout->tv_sec = (time_t)(left / 1000000000);
	timeout->tv_nsec = (long)(left % 1000000000);
	return true;
}

/*
 * As the system call: the time is looked at, and what is left of it is written, after each message. A later
 * failure is not reported.
 */
static int recvmmsg_by_recvmsg(int fd, struct mmsghdr *msgvec, unsigned vlen, int flags,
			       struct timespec *timeout)
{
	const struct ioth_functions *f = own();
	int64_t end = 0;
	unsigned n = 0;

	if (timeout != NULL && (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec > 999999999))
		return vs_give_errno(vs_inside_current(), EINVAL);
	if (timeout != NULL)
		end = end_of(timeout);
	while (n < vlen && n < 1024) {
		ssize_t len = f->recvmsg(fd, &msgvec[n].msg_hdr, flags & ~MSG_WAITFORONE);
		if (len < 0)
			return n > 0 ? (int)n : -1;
		msgvec[n++].msg_len = (unsigned)len;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (timeout != NULL && !update(timeout, end))
			break;
	}
	return (int)n;
}

/* ------------------------------------------------------------------ sending */

static ssize_t write_by_send(int fd, const void *buf, size_t size)
{
	return own()->send(fd, buf, size, 0);
}

static ssize_t send_by_sendto(int fd, const void *buf, size_t size, int flags)
{
	return own()->sendto(fd, buf, size, flags, NULL, 0);
}

static ssize_t sendto_by_sendmsg(int fd, const void *buf, size_t size, int flags, const struct sockaddr *to,
				 socklen_t tolen)
{
	struct iovec iov = { (void *)buf, size };
	const struct msghdr msg = { .msg_name = (void *)to,
				    .msg_namelen = to != NULL ? tolen : 0,
				    .msg_iov = &iov,
				    .msg_iovlen = 1 };

	return own()->sendmsg(fd, &msg, flags);
}

static ssize_t writev_by_sendmsg(int fd, const struct iovec *iov, int iovcnt)
{
	if (iovcnt < 0)
		return vs_give_errno(vs_inside_current(), EINVAL);
	const struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)iovcnt };
	return own()->sendmsg(fd, &msg, 0);
}

static int sendmmsg_by_sendmsg(int fd, struct mmsghdr *msgvec, unsigned vlen, int flags)
{
	const struct ioth_functions *f = own();
	unsigned n = 0;

	for (; n < vlen && n < 1024; n++) {
		ssize_t len = f->sendmsg(fd, &msgvec[n].msg_hdr, flags);
		if (len < 0)
			return n > 0 ? (int)n : -1;
		msgvec[n].msg_len = (unsigned)len;
	}
	return (int)n;
}

/* ------------------------------------------------------------------ accepting */

static int accept_by_accept4(int fd, struct sockaddr *addr, socklen_t *addrlen)
{
	return own()->accept4(fd, addr, addrlen, 0);
}

static int accept4_by_accept(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)
{
	const struct ioth_functions *f = own();

	if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0)
		return vs_give_errno(vs_inside_current(), EINVAL);
	int new_fd = f->accept(fd, addr, addrlen);
	if (new_fd < 0)
		return -1;
	/*
	 * Close-on-exec is of the descriptor, which is the kernel's. Non-blocking is of the socket, which is
	 * the stack's.
	 */
	if ((flags & SOCK_CLOEXEC) != 0)
		(void)fcntl(new_fd, F_SETFD, FD_CLOEXEC); /* fails for what is no descriptor only */
	int r = (flags & SOCK_NONBLOCK) != 0 ? f->fcntl(new_fd, F_GETFL, 0) : 0;
	if (r >= 0 && (flags & SOCK_NONBLOCK) != 0)
		r = f->fcntl(new_fd, F_SETFL, r | O_NONBLOCK);
	if (r < 0) {
		vs_take_errno(vs_inside_current());
		int saved = errno;
		(void)f->close(new_fd);
		return vs_give_errno(vs_inside_current(), saved);
	}
	return new_fd;
}

/* ------------------------------------------------------------------ without anything to make it of */

static int no_such_call(void)
{
	return vs_give_errno(vs_inside_current(), ENOSYS);
}

static int delete_nothing(void *stackdata)
{
	(void)stackdata; /* the plugin has no delstack: there is nothing to do */
	return 0;
}

#define ABSENT(member) ((f)->member == NULL ? (void)((f)->member = no_##member) : (void)0)
#define DEFINE_ABSENT(type, member, ...)                                                                     \
	static type no_##member(__VA_ARGS__)                                                                 \
	{                                                                                                    \
		return no_such_call();                                                                       \
	}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
DEFINE_ABSENT(int, socket, int domain, int type, int protocol)
DEFINE_ABSENT(int, bind, int fd, const struct sockaddr *addr, socklen_t addrlen)
DEFINE_ABSENT(int, connect, int fd, const struct sockaddr *addr, socklen_t addrlen)
DEFINE_ABSENT(int, listen, int fd, int backlog)
DEFINE_ABSENT(int, accept, int fd, struct sockaddr *addr, socklen_t *addrlen)
DEFINE_ABSENT(int, getsockname, int fd, struct sockaddr *addr, socklen_t *addrlen)
DEFINE_ABSENT(int, getpeername, int fd, struct sockaddr *addr, socklen_t *addrlen)
DEFINE_ABSENT(int, setsockopt, int fd, int level, int optname, const void *optval, socklen_t optlen)
DEFINE_ABSENT(int, getsockopt, int fd, int level, int optname, void *optval, socklen_t *optlen)
DEFINE_ABSENT(int, shutdown, int fd, int how)
DEFINE_ABSENT(int, ioctl, int fd, unsigned long cmd, void *argp)
DEFINE_ABSENT(int, fcntl, int fd, int cmd, long val)
DEFINE_ABSENT(ssize_t, read, int fd, void *buf, size_t len)
DEFINE_ABSENT(ssize_t, readv, int fd, const struct iovec *iov, int iovcnt)
DEFINE_ABSENT(ssize_t, recv, int fd, void *buf, size_t len, int flags)
DEFINE_ABSENT(ssize_t, recvfrom, int fd, void *buf, size_t len, int flags, struct sockaddr *from,
	      socklen_t *fromlen)
DEFINE_ABSENT(ssize_t, recvmsg, int fd, struct msghdr *msg, int flags)
DEFINE_ABSENT(ssize_t, write, int fd, const void *buf, size_t size)
DEFINE_ABSENT(ssize_t, writev, int fd, const struct iovec *iov, int iovcnt)
DEFINE_ABSENT(ssize_t, send, int fd, const void *buf, size_t size, int flags)
DEFINE_ABSENT(ssize_t, sendto, int fd, const void *buf, size_t size, int flags, const struct sockaddr *to,
	      socklen_t tolen)
DEFINE_ABSENT(ssize_t, sendmsg, int fd, const struct msghdr *msg, int flags)
DEFINE_ABSENT(int, accept4, int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)
DEFINE_ABSENT(int, recvmmsg, int fd, struct mmsghdr *msgvec, unsigned vlen, int flags,
	      struct timespec *timeout)
DEFINE_ABSENT(int, sendmmsg, int fd, struct mmsghdr *msgvec, unsigned vlen, int flags)
DEFINE_ABSENT(int, socketpair, int domain, int type, int protocol, int sv[2])
#pragma GCC diagnostic pop

/* ------------------------------------------------------------------ the call */

/* If the member is absent and the other one is not. */
#define MAKE_OF(member, other, function)                                                                     \
	((f)->member == NULL && (f)->other != NULL ? (void)((f)->member = (function)) : (void)0)

static void make_of_others(struct ioth_functions *f)
{
	MAKE_OF(recvfrom, recvmsg, recvfrom_by_recvmsg);
	MAKE_OF(recv, recvfrom, recv_by_recvfrom);
	MAKE_OF(read, recv, read_by_recv);
	MAKE_OF(readv, recvmsg, readv_by_recvmsg);
	MAKE_OF(recvmmsg, recvmsg, recvmmsg_by_recvmsg);
	MAKE_OF(sendto, sendmsg, sendto_by_sendmsg);
	MAKE_OF(send, sendto, send_by_sendto);
	MAKE_OF(write, send, write_by_send);
	MAKE_OF(writev, sendmsg, writev_by_sendmsg);
	MAKE_OF(sendmmsg, sendmsg, sendmmsg_by_sendmsg);
	if (f->accept4 == NULL)
		MAKE_OF(accept4, accept, accept4_by_accept);
	else
		MAKE_OF(accept, accept4, accept_by_accept4);
}

void vs_complete(struct ioth_functions *f)
{
	make_of_others(f);
	if (f->delstack == NULL)
		f->delstack = delete_nothing;
	if (f->close == NULL)
		f->close = close;
	ABSENT(socket);
	ABSENT(bind);
	ABSENT(connect);
	ABSENT(listen);
	ABSENT(accept);
	ABSENT(getsockname);
	ABSENT(getpeername);
	ABSENT(setsockopt);
	ABSENT(getsockopt);
	ABSENT(shutdown);
	ABSENT(ioctl);
	ABSENT(fcntl);
	ABSENT(read);
	ABSENT(readv);
	ABSENT(recv);
	ABSENT(recvfrom);
	ABSENT(recvmsg);
	ABSENT(write);
	ABSENT(writev);
	ABSENT(send);
	ABSENT(sendto);
	ABSENT(sendmsg);
	ABSENT(accept4);
	ABSENT(recvmmsg);
	ABSENT(sendmmsg);
	ABSENT(socketpair);
}
