/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connections with the address of a host that is elsewhere, without leaving the network namespace: ip(7),
 * ipv6(7), ip-rule(8), ip-sysctl.txt. src/publish/origin.c relies on it.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "namespace.h"

#define MARK 0x1234u
#define SOON_MS 10000
#define NEVER_MS 300

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t length_of(int family)
{
	return family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static union addr addr_of(int family, const char *v4, const char *v6, int port)
{
	union addr a;

	memset(&a, 0, sizeof(a));
	a.sa.sa_family = (sa_family_t)family;
	a.in.sin_port = htons((uint16_t)port);
	CHECK_EQ(inet_pton(family, family == AF_INET ? v4 : v6,
			   family == AF_INET ? (void *)&a.in.sin_addr : &a.in6.sin6_addr),
		 1);
	return a;
}

static union addr client_addr(int family)
{
	return addr_of(family, "198.51.100.7", "2001:db8:7::7", 40000);
}

/* A namespace with lo and the addresses of a server. */
static void become_server(void)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "0 %u 1", (unsigned)geteuid());
	if (unshare(case_is_root() ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0)
		SKIP("no namespaces");
	if (!case_is_root()) { /* ip(8) is executed, and needs a user that the namespace knows */
		write_text("/proc/self/setgroups", "deny");
		write_text("/proc/self/uid_map", text);
	}
}

static void set_up(void)
{
	int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	MUST(ioctl(fd, SIOCSIFFLAGS, &up));
	close(fd);
	shell("ip addr add 10.1.0.1/32 dev lo");
	shell("ip addr add fc00::1/128 dev lo nodad");
}

static void set_routing(void)
{
	shell("ip -4 route add local default dev lo table 100");
	shell("ip -6 route add local default dev lo table 100");
	shell("ip -4 rule add fwmark 0x1234 lookup 100");
	shell("ip -6 rule add fwmark 0x1234 lookup 100");
}

static int listener(int family, union addr *at)
{
	int fd = (int)MUST(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
	socklen_t len = sizeof(*at);

	*at = addr_of(family, "10.1.0.1", "fc00::1", 0);
	MUST(bind(fd, &at->sa, length_of(family)));
	MUST(listen(fd, 8));
	MUST(getsockname(fd, &at->sa, &len));
	return fd;
}

static void make_transparent(int family, int fd)
{
	int on = 1;

	MUST(family == AF_INET ? setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof(on))
			       : setsockopt(fd, SOL_IPV6, IPV6_TRANSPARENT, &on, sizeof(on)));
}

/* A marked socket that is bound to the foreign address. */
static int foreign(int family, int type)
{
	union addr from = client_addr(family);
	uint32_t mark = MARK;
	int fd = (int)MUST(socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

	make_transparent(family, fd);
	MUST(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
	MUST(bind(fd, &from.sa, length_of(family)));
	return fd;
}

static bool is_writable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, timeout_ms) > 0;
}

static int error_of(int fd)
{
	int err = -1;
	socklen_t len = sizeof(err);

	MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len));
	return err;
}

/* Connects to a new listener. Whether the connection is made. */
static bool connects(int family)
{
	union addr at, peer, expected = client_addr(family);
	int l = listener(family, &at), fd = foreign(family, SOCK_STREAM);
	socklen_t len = sizeof(peer), mark_len = sizeof(uint32_t);
	uint32_t mark = 0;

	CHECK_ERRNO(connect(fd, &at.sa, length_of(family)), EINPROGRESS);
	bool done = is_writable(fd, NEVER_MS) && error_of(fd) == 0;
	if (done) {
		int s = (int)MUST(accept4(l, &peer.sa, &len, SOCK_CLOEXEC));
		CHECK_EQ(len, length_of(family));
		CHECK(memcmp(&peer, &expected, length_of(family)) == 0); /* address and port */
		MUST(getsockopt(s, SOL_SOCKET, SO_MARK, &mark, &mark_len));
		CHECK_EQ(mark, MARK);
		MUST(send(s, "x", 1, MSG_NOSIGNAL));
		CHECK(wait_readable(fd, SOON_MS));
		close(s);
	}
	close(fd);
	close(l);
	return done;
}

#define CASE_NS(name) CASE_FLAGS(name, CASE_F_ROOT | CASE_F_USER)

CASE_NS(a_server_accepts_a_connection_from_a_foreign_address_of_the_same_namespace)
{
	become_server();
	set_up();
	set_routing();
	CHECK(!connects(AF_INET)); /* the reply has no mark */
	CHECK(!connects(AF_INET6));
	write_text("/proc/sys/net/ipv4/tcp_fwmark_accept", "1"); /* of IPv6, too */
	CHECK(connects(AF_INET));
	CHECK(connects(AF_INET6));
}

CASE_NS(a_closed_port_resets_a_foreign_connection_if_marks_are_reflected)
{
	become_server();
	set_up();
	set_routing();
	write_text("/proc/sys/net/ipv4/fwmark_reflect", "1");
	write_text("/proc/sys/net/ipv6/fwmark_reflect", "1");
	for (int i = 0; i < 2; i++) {
		int family = i ? AF_INET6 : AF_INET;
		union addr at = addr_of(family, "10.1.0.1", "fc00::1", 9);
		int fd = foreign(family, SOCK_STREAM);
		CHECK_ERRNO(connect(fd, &at.sa, length_of(family)), EINPROGRESS);
		CHECK(is_writable(fd, SOON_MS));
		CHECK_EQ(error_of(fd), ECONNREFUSED);
		close(fd);
	}
}

/* Whether a marked socket begins to connect to a host that a route leads to. */
static bool begins_to_connect(void)
{
	union addr elsewhere = addr_of(AF_INET, "10.2.0.1", NULL, 9);
	uint32_t mark = MARK;
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

	MUST(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
	int r = connect(fd, &elsewhere.sa, sizeof(elsewhere.in));
	CHECK(r < 0 && (errno == EINPROGRESS || errno == ENETUNREACH));
	bool begins = errno == EINPROGRESS;
	close(fd);
	return begins;
}

CASE_NS(what_a_marked_socket_sends_does_not_leave_the_namespace)
{
	become_server();
	set_up();
	shell("ip link add out type veth peer name in");
	shell("ip addr add 10.2.0.2/24 dev out");
	shell("ip link set in up");
	shell("ip link set out up");
	CHECK(begins_to_connect());
	set_routing();
	CHECK(!begins_to_connect());
}

/* A socket with an address that ends in the parent: sends it, and waits until the parent has used it. */
static void child_with_namespace(int pair)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };

	MUST(unshare(CLONE_NEWUSER | CLONE_NEWNET));
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	memset(&control, 0, sizeof(control));
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	MUST(sendmsg(pair, &h, MSG_NOSIGNAL));
	CHECK_EQ(recv(pair, &byte, 1, 0), 0);
}

CASE_USER(the_user_that_owns_the_user_namespace_may_have_transparent_and_marked_sockets_of_it)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	union addr from = client_addr(AF_INET);
	uint32_t mark = MARK;
	int pair[2], fd, status, on = 1;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		close(pair[0]);
		child_with_namespace(pair[1]);
		_exit(0);
	}
	close(pair[1]);
	CHECK_EQ(MUST(recvmsg(pair[0], &h, MSG_CMSG_CLOEXEC)), 1);
	CHECK(CMSG_FIRSTHDR(&h) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(fd));
	make_transparent(AF_INET, fd);
	MUST(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
	MUST(bind(fd, &from.sa, sizeof(from.in)));
	int own = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	CHECK_ERRNO(setsockopt(own, SOL_IP, IP_TRANSPARENT, &on, sizeof(on)), EPERM); /* of its own one not */
	close(pair[0]);
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}
