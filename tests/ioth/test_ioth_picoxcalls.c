/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls, flags and options of the stack in user space, and its groups on a network of VDE. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <ioth.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "picox_local.h"

#define LIMIT_MS 20000

static struct addr addr_of(int family, const char *text, int port)
{
	struct addr a = { .len = family == AF_INET ? sizeof(a.in) : sizeof(a.in6) };

	a.any.sa_family = (sa_family_t)family;
	a.in.sin_port = htons((uint16_t)port); /* the same place in both */
	CHECK_EQ(inet_pton(family, text,
			   family == AF_INET ? (void *)&a.in.sin_addr : (void *)&a.in6.sin6_addr),
		 1);
	return a;
}

static struct ioth *stack_on(const char *vnl)
{
	struct ioth *stack = ioth_newstack("picox", vnl);

	if (stack == NULL)
		FAIL("no stack: %s: %s", strerror(errno), ioth_last_error());
	return stack;
}

static int bound(struct ioth *stack, int family, int type, const char *text, int port)
{
	struct addr a = addr_of(family, text, port);
	int fd = (int)MUST(ioth_msocket(stack, family, type | SOCK_CLOEXEC, 0));

	MUST(ioth_bind(fd, &a.any, a.len));
	return fd;
}

/* ------------------------------------------------------------------ flags and vectors */

CASE(flags_of_a_stream_and_vectors)
{
	struct ioth *stack = stack_on(NULL);
	char a[4] = "", b[4] = "", buf[8];
	struct iovec out[3] = { { "ab", 2 }, { "", 0 }, { "cdefgh", 6 } };
	struct iovec in[2] = { { a, 3 }, { b, 3 } };
	struct msghdr msg = { .msg_iov = out, .msg_iovlen = 3 };
	int pair[2], one = 1;

	connected(stack, AF_INET, pair);
	MUST(ioth_setsockopt(pair[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	CHECK_ERRNO(ioth_recv(pair[1], buf, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(ioth_sendmsg(pair[0], &msg, 0), 8);
	CHECK_EQ(ioth_recv(pair[1], buf, 8, MSG_PEEK | MSG_WAITALL), 8);
	msg = (struct msghdr){ .msg_iov = in, .msg_iovlen = 2 };
	CHECK_EQ(ioth_recvmsg(pair[1], &msg, 0), 6);
	CHECK_STR(a, "abc");
	CHECK_STR(b, "def");
	CHECK_EQ(ioth_recv(pair[1], buf, sizeof(buf), MSG_DONTWAIT), 2);
	CHECK_ERRNO(ioth_recv(pair[1], buf, 1, MSG_DONTWAIT), EAGAIN);
	MUST(ioth_close(pair[0]));
	MUST(ioth_close(pair[1]));
	MUST(ioth_delstack(stack));
}

CASE(flags_of_datagrams_and_vectors)
{
	struct ioth *stack = stack_on(NULL);
	char a[4] = "", b[3] = "", buf[8];
	int rx = bound(stack, AF_INET, SOCK_DGRAM, "127.0.0.1", 53);
	int tx = bound(stack, AF_INET, SOCK_DGRAM, "127.0.0.1", 54);
	struct addr to = addr_of(AF_INET, "127.0.0.1", 53), from = { .len = 0 };
	struct iovec out[2] = { { "ab", 2 }, { "cdefgh", 6 } }, in[2] = { { a, 3 }, { b, 2 } };
	struct msghdr msg = { .msg_name = &to.any, .msg_namelen = to.len, .msg_iov = out, .msg_iovlen = 2 };

	CHECK_EQ(ioth_sendmsg(tx, &msg, 0), 8);
	CHECK(wait_readable(rx, LIMIT_MS));
	msg = (struct msghdr){
		.msg_name = &from.any, .msg_namelen = sizeof(from.in6), .msg_iov = in, .msg_iovlen = 2
	};
	CHECK_EQ(ioth_recvmsg(rx, &msg, MSG_PEEK | MSG_TRUNC), 8);
	CHECK_EQ(msg.msg_flags & MSG_TRUNC, MSG_TRUNC);
	msg.msg_namelen = sizeof(from.in6);
	CHECK_EQ(ioth_recvmsg(rx, &msg, 0), 5);
	CHECK_EQ(msg.msg_flags & MSG_TRUNC, MSG_TRUNC);
	CHECK_EQ(msg.msg_namelen, sizeof(from.in));
	CHECK_EQ(ntohs(from.in.sin_port), 54);
	CHECK_STR(a, "abc");
	CHECK_EQ(memcmp(b, "de", 2), 0);
	CHECK_ERRNO(ioth_recv(rx, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);

	struct iovec pieces[3] = { { "1", 1 }, { "22", 2 }, { "333", 3 } };
	struct mmsghdr many[3] = { { { 0 }, 0 } };
	char got[3][8];
	struct timespec limit = { .tv_sec = 20 };
	for (int i = 0; i < 3; i++)
		many[i].msg_hdr = (struct msghdr){
			.msg_name = &to.any, .msg_namelen = to.len, .msg_iov = &pieces[i], .msg_iovlen = 1
		};
	CHECK_EQ(ioth_sendmmsg(tx, many, 3, 0), 3);
	for (int i = 0; i < 3; i++) {
		pieces[i] = (struct iovec){ got[i], sizeof(got[i]) };
		many[i].msg_hdr = (struct msghdr){ .msg_iov = &pieces[i], .msg_iovlen = 1 };
	}
	CHECK_EQ(ioth_recvmmsg(rx, many, 3, 0, &limit), 3);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(many[i].msg_len, i + 1);
	MUST(ioth_close(rx));
	MUST(ioth_close(tx));
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ waiting */

CASE(poll_select_and_edges_of_epoll)
{
	struct ioth *stack = stack_on(NULL);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int ep = (int)MUST(epoll_create1(EPOLL_CLOEXEC)), pair[2];
	struct timeval limit = { .tv_sec = LIMIT_MS / 1000 };
	char buf[8];
	fd_set set;

	connected(stack, AF_INET, pair);
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, pair[1], &event));
	CHECK_EQ(epoll_wait(ep, &event, 1, 0), 0);
	CHECK_EQ(ioth_write(pair[0], "a", 1), 1);
	CHECK_EQ(epoll_wait(ep, &event, 1, LIMIT_MS), 1);
	CHECK_EQ(epoll_wait(ep, &event, 1, 0), 0); /* not read, and reported once */
	CHECK_EQ(ioth_write(pair[0], "b", 1), 1);
	CHECK_EQ(epoll_wait(ep, &event, 1, LIMIT_MS), 1);
	FD_ZERO(&set);
	FD_SET(pair[1], &set);
	CHECK_EQ(select(pair[1] + 1, &set, NULL, NULL, &limit), 1);
	CHECK_EQ(ioth_recv(pair[1], buf, 2, MSG_WAITALL), 2);
	struct pollfd p = { .fd = pair[1], .events = POLLIN | POLLOUT | POLLRDHUP };
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	MUST(ioth_shutdown(pair[0], SHUT_WR));
	CHECK_EQ(epoll_wait(ep, &event, 1, LIMIT_MS), 1);
	CHECK_EQ(ioth_read(pair[1], buf, 1), 0);
	close(ep);
	MUST(ioth_close(pair[0]));
	MUST(ioth_close(pair[1]));
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ options */

CASE(v6only_leaves_ipv4_to_others)
{
	struct addr to = addr_of(AF_INET, "127.0.0.1", 80), peer = { .len = sizeof(peer.in6) };
	struct ioth *stack = stack_on(NULL);
	int off = 0, on = 1, fd;

	int both = (int)MUST(ioth_msocket(stack, AF_INET6, SOCK_STREAM, 0));
	MUST(ioth_setsockopt(both, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)));
	struct addr any = addr_of(AF_INET6, "::", 80);
	MUST(ioth_bind(both, &any.any, any.len));
	MUST(ioth_listen(both, 1));
	fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM, 0));
	MUST(ioth_connect(fd, &to.any, to.len));
	int got = (int)MUST(ioth_accept(both, &peer.any, &peer.len));
	CHECK_EQ(peer.any.sa_family, AF_INET6);
	CHECK(IN6_IS_ADDR_V4MAPPED(&peer.in6.sin6_addr));
	MUST(ioth_close(got));
	MUST(ioth_close(fd));

	int only = (int)MUST(ioth_msocket(stack, AF_INET6, SOCK_STREAM, 0));
	MUST(ioth_setsockopt(only, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
	any = addr_of(AF_INET6, "::", 81);
	MUST(ioth_bind(only, &any.any, any.len));
	MUST(ioth_listen(only, 1));
	CHECK_ERRNO(ioth_setsockopt(only, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), EINVAL);
	to = addr_of(AF_INET, "127.0.0.1", 81);
	fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM, 0));
	CHECK_ERRNO(ioth_connect(fd, &to.any, to.len), ECONNREFUSED);
	MUST(ioth_close(fd));
	MUST(ioth_close(only));
	MUST(ioth_close(both));
	MUST(ioth_delstack(stack));
}

/* Connections beyond the backlog are reset; accepting makes room. */
CASE(the_backlog_is_a_limit)
{
	struct addr to = addr_of(AF_INET, "127.0.0.1", 80);
	struct ioth *stack = stack_on(NULL);
	int l = bound(stack, AF_INET, SOCK_STREAM, "127.0.0.1", 80), fds[4];
	char c;

	MUST(ioth_listen(l, 1)); /* two may wait, as in Linux */
	for (int i = 0; i < 4; i++) {
		fds[i] = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM, 0));
		if (i < 2)
			MUST(ioth_connect(fds[i], &to.any, to.len));
	}
	/* The reset comes after the connection, which may have been reported already. */
	if (ioth_connect(fds[2], &to.any, to.len) == 0)
		CHECK_ERRNO(ioth_read(fds[2], &c, 1), ECONNRESET);
	else
		CHECK_EQ(errno, ECONNRESET);
	int first = (int)MUST(ioth_accept(l, NULL, NULL));
	MUST(ioth_connect(fds[3], &to.any, to.len));
	int second = (int)MUST(ioth_accept(l, NULL, NULL)), third = (int)MUST(ioth_accept(l, NULL, NULL));
	CHECK_EQ(ioth_write(fds[3], "x", 1), 1);
	CHECK_EQ(ioth_read(third, &c, 1), 1);
	for (int i = 0; i < 4; i++)
		MUST(ioth_close(fds[i]));
	MUST(ioth_close(first));
	MUST(ioth_close(second));
	MUST(ioth_close(third));
	MUST(ioth_close(l));
	MUST(ioth_delstack(stack));
}

CASE(a_port_is_free_as_soon_as_its_socket_is_closed)
{
	struct ioth *stack = stack_on(NULL);

	for (int i = 0; i < 200; i++) {
		int fd = bound(stack, AF_INET, i % 2 ? SOCK_DGRAM : SOCK_STREAM, "127.0.0.1", 90);
		if (i % 2 == 0)
			MUST(ioth_listen(fd, 1));
		MUST(ioth_close(fd));
	}
	int fd = bound(stack, AF_INET, SOCK_DGRAM, "127.0.0.1", 90);
	struct addr a = addr_of(AF_INET, "127.0.0.1", 90);
	int second = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM, 0));
	CHECK_ERRNO(ioth_bind(second, &a.any, a.len), EADDRINUSE);
	MUST(ioth_close(second));
	MUST(ioth_close(fd));
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ groups and interfaces */

static struct ioth *stack_at(const char *vnl, const char *ip4, const char *ip6)
{
	struct ioth *stack = stack_on(vnl);
	unsigned char bytes[16];
	int index = (int)MUST(ioth_if_nametoindex(stack, "vde0"));

	MUST(ioth_linksetupdown(stack, (unsigned)index, 1));
	CHECK_EQ(inet_pton(AF_INET, ip4, bytes), 1);
	MUST(ioth_ipaddr_add(stack, AF_INET, bytes, 24, index));
	CHECK_EQ(inet_pton(AF_INET6, ip6, bytes), 1);
	MUST(ioth_ipaddr_add(stack, AF_INET6, bytes, 64, index));
	return stack;
}

struct stranger {
	int tx, rx;
	struct addr to;
};

static bool hears(void *arg)
{
	struct stranger *s = arg;

	(void)ioth_sendto(s->tx, "hello", 5, 0, &s->to.any, s->to.len);
	return wait_readable(s->rx, 100);
}

static void group(struct ioth *a, struct ioth *b, int family, const char *text)
{
	const char *any = family == AF_INET ? "0.0.0.0" : "::";
	struct stranger s = { bound(a, family, SOCK_DGRAM, any, 5000),
			      bound(b, family, SOCK_DGRAM, any, 5001), addr_of(family, text, 5001) };
	struct ip_mreqn four = { .imr_multiaddr = s.to.in.sin_addr };
	struct ipv6_mreq six = { .ipv6mr_multiaddr = s.to.in6.sin6_addr };
	int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	int join = family == AF_INET ? IP_ADD_MEMBERSHIP : IPV6_JOIN_GROUP;
	int leave = family == AF_INET ? IP_DROP_MEMBERSHIP : IPV6_LEAVE_GROUP;
	const void *value = family == AF_INET ? (void *)&four : (void *)&six;
	socklen_t len = family == AF_INET ? sizeof(four) : sizeof(six);
	int index = (int)MUST(ioth_if_nametoindex(a, "vde0"));
	char buf[8];

	if (family == AF_INET)
		four.imr_ifindex = index;
	else
		six.ipv6mr_interface = (unsigned)index;
	if (family == AF_INET)
		MUST(ioth_setsockopt(s.tx, level, IP_MULTICAST_IF, &four, sizeof(four)));
	else
		MUST(ioth_setsockopt(s.tx, level, IPV6_MULTICAST_IF, &index, sizeof(index)));
	CHECK(!wait_until(hears, &s, 300));
	MUST(ioth_setsockopt(s.rx, level, join, value, len));
	CHECK_ERRNO(ioth_setsockopt(s.rx, level, join, value, len), EADDRINUSE);
	CHECK(wait_until(hears, &s, LIMIT_MS));
	CHECK_EQ(ioth_recv(s.rx, buf, sizeof(buf), 0), 5);
	MUST(ioth_setsockopt(s.rx, level, leave, value, len));
	CHECK_ERRNO(ioth_setsockopt(s.rx, level, leave, value, len), EADDRNOTAVAIL);
	MUST(ioth_close(s.tx));
	MUST(ioth_close(s.rx));
}

CASE_FLAGS(groups_are_joined_heard_and_left, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	char vnl[300];

	(void)snprintf(vnl, sizeof(vnl), "ptp://%s", case_path("net"));
	struct ioth *a = stack_at(vnl, "10.3.0.1", "fd03::1"), *b = stack_at(vnl, "10.3.0.2", "fd03::2");
	group(a, b, AF_INET, "239.1.2.3");
	group(a, b, AF_INET6, "ff02::1234");
	MUST(ioth_delstack(a));
	MUST(ioth_delstack(b));
}

CASE_FLAGS(a_socket_of_one_device_hears_no_other, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	char vnl[300];

	(void)snprintf(vnl, sizeof(vnl), "ptp://%s", case_path("net"));
	struct ioth *a = stack_at(vnl, "10.3.0.1", "fd03::1");
	int on_lo = bound(a, AF_INET, SOCK_DGRAM, "0.0.0.0", 53);
	int on_vde = bound(a, AF_INET, SOCK_DGRAM, "0.0.0.0", 54);
	struct stranger s = { bound(a, AF_INET, SOCK_DGRAM, "127.0.0.1", 55), on_lo,
			      addr_of(AF_INET, "127.0.0.1", 53) };
	MUST(ioth_setsockopt(on_lo, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	MUST(ioth_setsockopt(on_vde, SOL_SOCKET, SO_BINDTODEVICE, "vde0", 5));
	CHECK_ERRNO(ioth_setsockopt(on_vde, SOL_SOCKET, SO_BINDTODEVICE, "none", 5), ENODEV);
	struct addr other = addr_of(AF_INET, "127.0.0.1", 54);
	CHECK_EQ(ioth_sendto(s.tx, "x", 1, 0, &other.any, other.len), 1);
	CHECK(wait_until(hears, &s, LIMIT_MS)); /* sent later: what on_vde could hear is there now */
	CHECK(!wait_readable(on_vde, 0));
	MUST(ioth_close(on_lo));
	MUST(ioth_close(on_vde));
	MUST(ioth_close(s.tx));
	MUST(ioth_delstack(a));
}

/* ------------------------------------------------------------------ processes */

static void send_fd(int to, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} space = { { 0 } };
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof(space.bytes)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(fd)),
			       .cmsg_level = SOL_SOCKET,
			       .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	CHECK_EQ(sendmsg(to, &msg, MSG_NOSIGNAL), 1);
}

/* A process that has no library reads descriptor 0 to its end and writes it to descriptor 1: cat. */
CASE(a_descriptor_that_is_passed_works_in_a_program_without_the_library)
{
	struct ioth *stack = stack_on(NULL);
	int pair[2], ends[2], status;
	char buf[16];

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	pid_t child = (pid_t)MUST(fork()); /* before there are sockets: it gets them by messages only */
	if (child == 0) {
		union {
			char bytes[CMSG_SPACE(sizeof(int))];
			struct cmsghdr align;
		} space;
		struct iovec iov = { buf, 1 };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = &space,
				      .msg_controllen = sizeof(space.bytes) };
		int fd = -1;
		close(ends[0]);
		if (recvmsg(ends[1], &msg, 0) != 1 || CMSG_FIRSTHDR(&msg) == NULL)
			_exit(3);
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
		(void)dup2(fd, 0);
		(void)dup2(fd, 1);
		close(fd);
		execlp("cat", "cat", (char *)NULL);
		_exit(4);
	}
	close(ends[1]);
	connected(stack, AF_INET, pair);
	send_fd(ends[0], pair[1]);
	MUST(ioth_close(pair[1]));
	CHECK_EQ(ioth_write(pair[0], "passed", 6), 6);
	CHECK_EQ(ioth_recv(pair[0], buf, 6, MSG_WAITALL), 6);
	MUST(ioth_shutdown(pair[0], SHUT_WR));
	CHECK_EQ(ioth_read(pair[0], buf, sizeof(buf)), 0);
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	close(ends[0]);
	MUST(ioth_close(pair[0]));
	MUST(ioth_delstack(stack));
}

CASE(a_subreaper_has_no_zombie_after_deletion)
{
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	for (int i = 0; i < 5; i++) {
		struct ioth *stack = stack_on(NULL);
		int pair[2];

		connected(stack, AF_INET, pair);
		MUST(ioth_close(pair[0]));
		MUST(ioth_close(pair[1]));
		MUST(ioth_delstack(stack));
		CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
	}
}
