/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The socket calls. Each finds the stack of the descriptor and calls its function. See inside.c for why
 * there is no lock, and table.c for what happens when descriptors come and go.
 *
 * A stack is plain if all its calls on a descriptor are libc's own. They need nothing of the stack, so such a
 * call does not enter it: it may wait for the network for ever, and holds up no deletion. If another thread
 * closes the descriptor at the same time, the call meets what a bare one would meet.
 */

#include <errno.h>
#include <fcntl.h>
#include <ioth.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/uio.h>
#include <unistd.h>

#include "inside.h"
#include "table.h"

/* ------------------------------------------------------------------ descriptors that come */

/* Enters a descriptor that a plugin has made (-1: it has not), and leaves the stack. */
static int add_and_leave(struct vs_call *call, int fd)
{
	int r = fd < 0 ? 0 : vs_table_add(fd, call->stack, call->stack->plain);

	if (fd < 0)
		vs_take_errno(call->stack);
	if (r < 0) {
		(void)call->stack->f.close(fd);
		errno = -r;
		fd = -1;
	}
	vs_leave(call);
	return fd;
}

int ioth_msocket(struct ioth *iothstack, int domain, int type, int protocol)
{
	struct vs_call call;

	if (!vs_enter_stack(&call, iothstack))
		return -1;
	return add_and_leave(&call, call.stack->f.socket(domain, type, protocol));
}

int ioth_socket(int domain, int type, int protocol)
{
	return ioth_msocket(NULL, domain, type, protocol);
}

int ioth_socketpair(struct ioth *iothstack, int domain, int type, int protocol, int sv[2])
{
	struct vs_call call;
	int pair[2];

	if (!vs_enter_stack(&call, iothstack))
		return -1;
	int r = call.stack->f.socketpair(domain, type, protocol, pair);
	if (r < 0)
		vs_take_errno(call.stack);
	for (int i = 0; r == 0 && i < 2; i++) {
		int err = -vs_table_add(pair[i], call.stack, call.stack->plain);
		if (err == 0)
			continue;
		if (i == 1)
			(void)vs_table_remove(pair[0], call.stack);
		(void)call.stack->f.close(pair[0]);
		(void)call.stack->f.close(pair[1]);
		errno = err;
		r = -1;
	}
	vs_leave(&call);
	if (r == 0) {
		sv[0] = pair[0];
		sv[1] = pair[1];
	}
	return r;
}

/*
 * In a plain stack. accept4(2) may wait for ever, so the thread leaves the stack meanwhile. What was accepted
 * for a stack that has ended since is closed: its listening socket is gone.
 */
static int accept_outside(struct vs_call *call, int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)
{
	uint64_t serial = atomic_load(&call->stack->serial);

	vs_leave(call);
	int new_fd = accept4(fd, addr, addrlen, flags);
	if (new_fd < 0)
		return -1;
	int err = EBADF;
	if (!vs_enter_stack(call, call->stack))
		err = errno == EINVAL ? EBADF : errno;
	else if (atomic_load(&call->stack->serial) == serial)
		return add_and_leave(call, new_fd);
	else
		vs_leave(call);
	(void)close(new_fd);
	errno = err;
	return -1;
}

int ioth_accept(int fd, struct sockaddr *addr, socklen_t *addrlen)
{
	struct vs_call call;

	if (!vs_enter(&call, fd))
		return -1;
	if (call.stack->plain)
		return accept_outside(&call, fd, addr, addrlen, 0);
	return add_and_leave(&call, call.stack->f.accept(fd, addr, addrlen));
}

int ioth_accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)
{
	struct vs_call call;

	if (!vs_enter(&call, fd))
		return -1;
	if (call.stack->plain)
		return accept_outside(&call, fd, addr, addrlen, flags);
	return add_and_leave(&call, call.stack->f.accept4(fd, addr, addrlen, flags));
}

int ioth_fcntl(int fd, int cmd, long val)
{
	struct vs_call call;

	if (!vs_enter(&call, fd))
		return -1;
	int r = call.stack->f.fcntl(fd, cmd, val);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return add_and_leave(&call, r);
	if (r < 0)
		vs_take_errno(call.stack);
	vs_leave(&call);
	return r;
}

/* ------------------------------------------------------------------ descriptors that go */

/*
 * The entry goes first: from the plugin's close on the number may come again, in another thread. What has the
 * number of a descriptor that was closed by close(2) is not ours to close.
 */
int ioth_close(int fd)
{
	struct vs_call call;

	if (!vs_enter(&call, fd))
		return -1;
	bool open = vs_table_is_open(fd);
	bool mine = vs_table_remove(fd, call.stack) && open;
	int r = mine ? call.stack->f.close(fd) : -1;
	if (!mine)
		errno = EBADF; /* or another thread closes it */
	else if (r < 0)
		vs_take_errno(call.stack);
	vs_leave(&call);
	return r;
}

/* ------------------------------------------------------------------ one descriptor */

/* ioth_CALL() by the function of the descriptor's stack. Not inline: a plain call has no need of a frame. */
#define DEFINE_INSIDE(type, member, parameters, ...)                                                         \
	static __attribute__((noinline)) type inside_##member parameters                                     \
	{                                                                                                    \
		struct vs_call call;                                                                         \
		if (!vs_enter(&call, fd))                                                                    \
			return -1;                                                                           \
		type result = call.stack->f.member(__VA_ARGS__);                                             \
		if (result < 0)                                                                              \
			vs_take_errno(call.stack);                                                           \
		vs_leave(&call);                                                                             \
		return result;                                                                               \
	}

/* ioth_CALL(), which is libc's in a plain stack. */
#define DEFINE(type, member, parameters, ...)                                                                \
	DEFINE_INSIDE(type, member, parameters, __VA_ARGS__)                                                 \
	type ioth_##member parameters                                                                        \
	{                                                                                                    \
		if (__builtin_expect(vs_table_is_plain(fd), 1))                                              \
			return member(__VA_ARGS__);                                                          \
		return inside_##member(__VA_ARGS__);                                                         \
	}

DEFINE(int, bind, (int fd, const struct sockaddr *addr, socklen_t addrlen), fd, addr, addrlen)
DEFINE(int, connect, (int fd, const struct sockaddr *addr, socklen_t addrlen), fd, addr, addrlen)
DEFINE(int, listen, (int fd, int backlog), fd, backlog)
DEFINE(int, getsockname, (int fd, struct sockaddr *addr, socklen_t *addrlen), fd, addr, addrlen)
DEFINE(int, getpeername, (int fd, struct sockaddr *addr, socklen_t *addrlen), fd, addr, addrlen)
DEFINE(int, setsockopt, (int fd, int level, int optname, const void *optval, socklen_t optlen), fd, level,
       optname, optval, optlen)
DEFINE(int, getsockopt, (int fd, int level, int optname, void *optval, socklen_t *optlen), fd, level, optname,
       optval, optlen)
DEFINE(int, shutdown, (int fd, int how), fd, how)
DEFINE_INSIDE(int, ioctl, (int fd, unsigned long cmd, void *argp), fd, cmd, argp)

int ioth_ioctl(int fd, unsigned long cmd, void *argp)
{
	return inside_ioctl(fd, cmd, argp);
}

DEFINE(ssize_t, read, (int fd, void *buf, size_t len), fd, buf, len)
DEFINE(ssize_t, readv, (int fd, const struct iovec *iov, int iovcnt), fd, iov, iovcnt)
DEFINE(ssize_t, recv, (int fd, void *buf, size_t len, int flags), fd, buf, len, flags)
DEFINE(ssize_t, recvfrom,
       (int fd, void *buf, size_t len, int flags, struct sockaddr *from, socklen_t *fromlen), fd, buf, len,
       flags, from, fromlen)
DEFINE(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags), fd, msg, flags)
DEFINE(int, recvmmsg, (int fd, struct mmsghdr *msgvec, unsigned vlen, int flags, struct timespec *timeout),
       fd, msgvec, vlen, flags, timeout)
DEFINE(ssize_t, write, (int fd, const void *buf, size_t size), fd, buf, size)
DEFINE(ssize_t, writev, (int fd, const struct iovec *iov, int iovcnt), fd, iov, iovcnt)
DEFINE(ssize_t, send, (int fd, const void *buf, size_t size, int flags), fd, buf, size, flags)
DEFINE(ssize_t, sendto,
       (int fd, const void *buf, size_t size, int flags, const struct sockaddr *to, socklen_t tolen), fd, buf,
       size, flags, to, tolen)
DEFINE(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags), fd, msg, flags)
DEFINE(int, sendmmsg, (int fd, struct mmsghdr *msgvec, unsigned vlen, int flags), fd, msgvec, vlen, flags)

/* ------------------------------------------------------------------ several descriptors */

/* They are real, so the kernel waits for them, whatever their stacks are. */
int ioth_ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *mask)
{
	return ppoll(fds, nfds, timeout, mask);
}
