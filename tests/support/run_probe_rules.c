/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* run_probe: sockets that rules move to other stacks. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run_probe.h"

static struct sockaddr_in address(const char *ip, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	CHECK(inet_pton(AF_INET, ip, &sin.sin_addr) == 1);
	return sin;
}

/* 10.1.0.1 is in stack a, 10.2.0.1 in stack b; a socket is in the stack `main` at first. */
static int bound(const char *ip, int port, int type)
{
	struct sockaddr_in sin = address(ip, port);
	int fd = make(AF_INET, type, 0);

	CHECK(bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	CHECK(in_stack(fd));
	return fd;
}

static void rules_for_bind(void)
{
	int plain = make(AF_INET, SOCK_STREAM, 0), a = bound("10.1.0.1", 80, SOCK_STREAM),
	    b = bound("10.2.0.1", 80, SOCK_STREAM), other = bound("127.0.0.1", 80, SOCK_STREAM);

	CHECK(cookie(a) != cookie(b) && cookie(a) != cookie(plain) && cookie(b) != cookie(plain));
	CHECK(cookie(other) == cookie(plain));
	struct sockaddr_in denied = address("127.0.0.9", 0);
	CHECK(bind(plain, (struct sockaddr *)&denied, sizeof(denied)) < 0 && errno == EACCES);
	struct sockaddr_in host = address("127.0.0.8", 0);
	CHECK(bind(plain, (struct sockaddr *)&host, sizeof(host)) == 0 && !in_stack(plain));
}

static void rules_for_connect(void)
{
	struct sockaddr_in to_a = address("10.1.0.1", 80), to_b = address("10.2.0.1", 53);
	int listener = bound("10.1.0.1", 80, SOCK_STREAM), client = make(AF_INET, SOCK_STREAM, 0);
	char text[3] = "";

	CHECK(listen(listener, 5) == 0);
	CHECK(connect(client, (struct sockaddr *)&to_a, sizeof(to_a)) == 0);
	CHECK(cookie(client) == cookie(listener));
	int receiver = bound("10.2.0.1", 53, SOCK_DGRAM), sender = make(AF_INET, SOCK_DGRAM, 0);
	CHECK(sendto(sender, "ab", 2, 0, (struct sockaddr *)&to_b, sizeof(to_b)) == 2);
	CHECK(cookie(sender) == cookie(receiver));
	CHECK(recv(receiver, text, sizeof(text), 0) == 2);
	struct iovec iov = { (char *)"cd", 2 };
	struct msghdr h = {
		.msg_name = &to_b, .msg_namelen = sizeof(to_b), .msg_iov = &iov, .msg_iovlen = 1
	};
	sender = make(AF_INET, SOCK_DGRAM, 0);
	CHECK(sendmsg(sender, &h, 0) == 2 && cookie(sender) == cookie(receiver));
	CHECK(recv(receiver, text, sizeof(text), 0) == 2 && text[0] == 'c');
	struct mmsghdr many = { .msg_hdr = h };
	sender = make(AF_INET, SOCK_DGRAM, 0);
	CHECK(sendmmsg(sender, &many, 1, 0) == 1 && cookie(sender) == cookie(receiver));
	/* What is no address of the internet, or no address at all, is the kernel's. */
	CHECK(connect(sender, NULL, 16) < 0 && errno == EFAULT);
	CHECK(connect(sender, (struct sockaddr *)1, 16) < 0 && errno == EFAULT);
	CHECK(connect(1000, (struct sockaddr *)&to_a, sizeof(to_a)) < 0 && errno == EBADF);
	CHECK(connect(0, (struct sockaddr *)&to_a, sizeof(to_a)) < 0 && errno == ENOTSOCK);
}

static void a_moved_socket_keeps_its_settings(void)
{
	struct sockaddr_in sin = address("10.1.0.1", 80);
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0x123456789abc }, got;
	int fd = make(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), epoll = epoll_create1(0),
	    yes = 1, now = 0;
	socklen_t len = sizeof(now);
	uint64_t before = cookie(fd);

	CHECK(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes)) == 0);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	int descriptors = count_descriptors();
	CHECK(bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 && listen(fd, 5) == 0);
	CHECK(cookie(fd) != before && count_descriptors() == descriptors);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &now, &len) == 0 && now == 1);
	int client = make(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(client, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	CHECK(epoll_wait(epoll, &got, 1, 10000) == 1 && got.data.u64 == event.data.u64);
	close(accept(fd, NULL, NULL));
}

static void rules_for_threads(void)
{
	int main_socket = make(AF_INET, SOCK_STREAM, 0);

	CHECK(prctl(PR_SET_NAME, "worker-1") == 0);
	int b = make(AF_INET, SOCK_STREAM, 0);
	CHECK(cookie(b) != cookie(main_socket) && cookie(b) == cookie(bound("10.2.0.1", 80, SOCK_STREAM)));
	CHECK(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) < 0 && errno == EACCES);
	int host = socket(AF_INET6, SOCK_STREAM, 0);
	CHECK(host >= 0 && !in_stack(host));
}

const struct probe_case probe_rules[] = {
	PROBE_CASE(rules_for_bind),
	PROBE_CASE(rules_for_connect),
	PROBE_CASE(a_moved_socket_keeps_its_settings),
	PROBE_CASE(rules_for_threads),
	{ NULL, NULL },
};
