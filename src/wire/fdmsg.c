/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fdmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

#define ATTEMPTS 8 /* of a call for which the kernel has no memory at the moment */

union control {
	char bytes[CMSG_SPACE(VS_FDS_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct cmsghdr align;
};

/*
 * Space for as many descriptors as a message can have (unix(7), SCM_RIGHTS). So the kernel never closes one.
 */
union large_control {
	char bytes[CMSG_SPACE(253 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)) +
		   CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void add_control(struct msghdr *h, struct cmsghdr **at, int type, const void *data, size_t len)
{
	struct cmsghdr *c = *at;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	h->msg_controllen += CMSG_SPACE(len);
	*at = (struct cmsghdr *)((char *)c + CMSG_SPACE(len));
}

/*
 * Whether to repeat a call. A call that failed has done nothing. If a message were lost, its receiver might
 * wait until a time-out, or lose a stack.
 */
static bool again(ssize_t result, int *attempts)
{
	if (result >= 0)
		return false;
	return errno == EINTR || ((errno == ENOMEM || errno == ENOBUFS) && --*attempts > 0);
}

int vs_fdmsg_send(int fd, const struct vs_fdmsg *msg, int flags)
{
	union control control;
	struct msghdr h = { .msg_iov = (struct iovec *)msg->iov, .msg_iovlen = (size_t)msg->n_iov };
	struct cmsghdr *at = (struct cmsghdr *)control.bytes;
	int attempts = ATTEMPTS;
	ssize_t n;

	memset(&control, 0, sizeof(control));
	if (msg->n_fds > 0)
		add_control(&h, &at, SCM_RIGHTS, msg->fds, msg->n_fds * sizeof(int));
	if (msg->claim_creds)
		add_control(&h, &at, SCM_CREDENTIALS, &msg->creds, sizeof(msg->creds));
	if (h.msg_controllen > 0)
		h.msg_control = control.bytes;
	do {
		n = sendmsg(fd, &h, flags | MSG_NOSIGNAL);
	} while (again(n, &attempts));
	/* Too many descriptors of this user are in messages: the same limit by another name. */
	return n >= 0 ? 0 : errno == ETOOMANYREFS ? -EMFILE : -errno;
}

static void drop_fd(const struct vs_fdmsg *msg, int fd)
{
	if (msg->drop != NULL && fd >= 0)
		msg->drop(fd);
	else
		vs_close(fd);
}

/*
 * The buffer has space for credentials. If the socket does not ask for them, that space may be filled with
 * more descriptors than a message of ours has. They are closed at once.
 */
static void take_fds(struct cmsghdr *c, struct vs_fdmsg *msg)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fd;

	for (size_t i = 0; i < n; i++) {
		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
		if (msg->n_fds < VS_FDS_MAX) {
			msg->fds[msg->n_fds++] = fd;
		} else {
			drop_fd(msg, fd);
			msg->fds_lost = true;
		}
	}
}

static void take_control(struct msghdr *h, struct vs_fdmsg *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS) {
			take_fds(c, msg);
		} else if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&msg->creds, CMSG_DATA(c), sizeof(msg->creds));
		} else if (c->cmsg_type == SCM_PIDFD) {
			memcpy(&msg->pidfd, CMSG_DATA(c), sizeof(msg->pidfd));
			msg->has_pidfd = true;
		}
	}
}

ssize_t vs_fdmsg_recv(int fd, struct vs_fdmsg *msg, int flags)
{
	union large_control control;
	struct msghdr h = {
		.msg_iov = msg->iov,
		.msg_iovlen = (size_t)msg->n_iov,
		.msg_control = control.bytes,
		.msg_controllen = msg->drop != NULL ? sizeof(control.bytes) : sizeof(union control),
	};
	int attempts = ATTEMPTS;
	ssize_t n;

	msg->n_fds = 0;
	msg->has_pidfd = false;
	msg->fds_lost = false;
	memset(&msg->creds, 0, sizeof(msg->creds));
	do {
		n = recvmsg(fd, &h, flags);
	} while (!(n < 0 && errno == EINTR && msg->interruptible) && again(n, &attempts));
	if (n < 0)
		return -errno;
	msg->fds_lost = (h.msg_flags & MSG_CTRUNC) != 0;
	take_control(&h, msg);
	if (n == 0 && h.msg_controllen > 0) { /* an end of file has no control data */
		vs_fdmsg_drop(msg);
		return -EBADMSG;
	}
	return n;
}

void vs_fdmsg_drop(struct vs_fdmsg *msg)
{
	for (size_t i = 0; i < msg->n_fds; i++)
		drop_fd(msg, msg->fds[i]);
	msg->n_fds = 0;
	if (msg->has_pidfd)
		vs_close(msg->pidfd);
	msg->has_pidfd = false;
}

void *vs_fd_map_sealed(int fd, size_t bytes, int prot)
{
	int seals = fd >= 0 ? fcntl(fd, F_GET_SEALS) : -1;
	struct stat st;

	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(fd, &st) < 0 || st.st_size < (off_t)bytes)
		return NULL;
	void *page = mmap(NULL, bytes, prot, MAP_SHARED, fd, 0);
	return page != MAP_FAILED ? page : NULL;
}

int vs_fd_raise(int *fd, int at_least)
{
	int raised = fcntl(*fd, F_DUPFD_CLOEXEC, at_least);

	if (raised < 0 && *fd > 2)
		return 0; /* there is no free number so high: it keeps its own */
	if (raised < 0)
		raised = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
	int r = raised >= 0 ? 0 : errno == EINVAL ? -EMFILE : -errno; /* EINVAL: 3 is above the limit */
	vs_close(*fd);
	*fd = raised;
	return r;
}

static int make_pair(int type, int pair[2])
{
	int made[2];

	pair[0] = pair[1] = -1;
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, made) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		int r = made[i] > 2 ? 0 : vs_fd_raise(&made[i], 3);
		if (r < 0) {
			vs_close(made[0]);
			vs_close(made[1]);
			return r;
		}
	}
	pair[0] = made[0];
	pair[1] = made[1];
	return 0;
}

int vs_socketpair(int pair[2])
{
	return make_pair(SOCK_SEQPACKET, pair);
}

int vs_stream_pair(int pair[2])
{
	return make_pair(SOCK_STREAM, pair);
}

int vs_can_claim_pid(void)
{
	struct vs_fdmsg msg = {
		.iov = { { "", 1 } },
		.n_iov = 1,
		.creds = { .pid = getpid() == 1 ? 2 : 1, .uid = geteuid(), .gid = getegid() },
		.claim_creds = true,
	};
	int pair[2];
	int r = vs_socketpair(pair);

	if (r < 0)
		return r;
	r = vs_fdmsg_send(pair[0], &msg, MSG_DONTWAIT);
	vs_close(pair[0]);
	vs_close(pair[1]);
	return r != -EPERM; /* the kernel checks the right before it looks for the process */
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int saved = errno;

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0)
		cookie = 0;
	errno = saved;
	return cookie;
}

struct vs_sock vs_sock_of(int fd)
{
	return (struct vs_sock){ .fd = fd, .cookie = cookie_of(fd) };
}

struct vs_sock vs_sock_load(const struct vs_sock *sock)
{
	return (struct vs_sock){ .fd = __atomic_load_n(&sock->fd, __ATOMIC_SEQ_CST),
				 .cookie = __atomic_load_n(&sock->cookie, __ATOMIC_SEQ_CST) };
}

void vs_sock_store(struct vs_sock *sock, int fd)
{
	__atomic_store_n(&sock->fd, fd, __ATOMIC_SEQ_CST);
	__atomic_store_n(&sock->cookie, cookie_of(fd), __ATOMIC_SEQ_CST);
}

void vs_sock_refresh(struct vs_sock *sock)
{
	__atomic_store_n(&sock->cookie, cookie_of(sock->fd), __ATOMIC_SEQ_CST);
}

bool vs_sock_valid(const struct vs_sock *sock)
{
	struct vs_sock s = vs_sock_load(sock);

	return s.fd >= 0 && s.cookie != 0 && cookie_of(s.fd) == s.cookie;
}

void vs_sock_close(const struct vs_sock *sock)
{
	struct vs_sock s = vs_sock_load(sock);

	if (vs_sock_valid(&s))
		vs_close(s.fd);
}
