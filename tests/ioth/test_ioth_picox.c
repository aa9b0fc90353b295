/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The stack in user space: TCP and UDP through libioth, and its process. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <ioth.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "picox_local.h"
#include "picox_process.h"

#define LIMIT_MS 20000
#define BULK (64 << 20)

/* ------------------------------------------------------------------ TCP */

static unsigned char byte_at(size_t at)
{
	return (unsigned char)(at * 7 + (at >> 16));
}

static void *send_bulk(void *arg)
{
	unsigned char buf[32768];
	int fd = *(int *)arg;
	size_t done = 0;

	while (done < BULK) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = byte_at(done + i);
		for (size_t at = 0; at < sizeof(buf);) {
			ssize_t n = ioth_write(fd, buf + at, sizeof(buf) - at);
			CHECK(n > 0);
			at += (size_t)n;
		}
		done += sizeof(buf);
	}
	MUST(ioth_shutdown(fd, SHUT_WR));
	return NULL;
}

static void *receive_bulk(void *arg)
{
	unsigned char buf[32768];
	int fd = *(int *)arg;
	size_t done = 0;
	ssize_t n;

	while ((n = ioth_read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != byte_at(done + (size_t)i))
				FAIL("byte %zu is wrong", done + (size_t)i);
		done += (size_t)n;
	}
	CHECK_EQ(n, 0);
	CHECK_EQ(done, BULK);
	return NULL;
}

static void bulk_both_ways(int family)
{
	struct ioth *stack = new_stack();
	pthread_t threads[4];
	int pair[2];

	connected(stack, family, pair);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, i < 2 ? send_bulk : receive_bulk, &pair[i % 2]),
			 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	close_all(stack, pair);
}

CASE(tcp_carries_64_mib_in_both_directions_at_once_over_ipv4)
{
	bulk_both_ways(AF_INET);
}

CASE(tcp_carries_64_mib_in_both_directions_at_once_over_ipv6)
{
	bulk_both_ways(AF_INET6);
}

CASE(after_a_half_close_the_other_direction_goes_on)
{
	struct ioth *stack = new_stack();
	char buf[16];
	int pair[2];

	connected(stack, AF_INET, pair);
	CHECK_EQ(ioth_write(pair[0], "abc", 3), 3);
	MUST(ioth_shutdown(pair[0], SHUT_WR));
	CHECK_EQ(ioth_read(pair[1], buf, sizeof(buf)), 3);
	CHECK_EQ(ioth_read(pair[1], buf, sizeof(buf)), 0);
	CHECK_EQ(ioth_write(pair[1], "defg", 4), 4);
	CHECK_EQ(ioth_read(pair[0], buf, sizeof(buf)), 4);
	CHECK_ERRNO(ioth_send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	close_all(stack, pair);
}

CASE(what_was_written_before_close_arrives)
{
	struct ioth *stack = new_stack();
	char *data = calloc(1, 100000), buf[8192];
	int pair[2];
	ssize_t n, done = 0;

	connected(stack, AF_INET, pair);
	CHECK_EQ(ioth_write(pair[0], data, 100000), 100000);
	MUST(ioth_close(pair[0]));
	while ((n = ioth_read(pair[1], buf, sizeof(buf))) > 0)
		done += n;
	CHECK_EQ(n, 0);
	CHECK_EQ(done, 100000);
	MUST(ioth_close(pair[1]));
	MUST(ioth_delstack(stack));
	free(data);
}

CASE(a_refused_connection_says_so)
{
	struct ioth *stack = new_stack();

	for (int family = AF_INET; family != 0; family = family == AF_INET ? AF_INET6 : 0) {
		struct addr a = local(family, 81);
		int fd = (int)MUST(ioth_msocket(stack, family, SOCK_STREAM, 0));
		CHECK_ERRNO(ioth_connect(fd, &a.any, a.len), ECONNREFUSED);
		MUST(ioth_close(fd));
	}
	MUST(ioth_delstack(stack));
}

static int wait_event(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };
	int ep = (int)MUST(epoll_create1(EPOLL_CLOEXEC));

	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
	int n = (int)MUST(epoll_wait(ep, &event, 1, LIMIT_MS));
	close(ep);
	return n == 1 ? (int)event.events : 0;
}

static int so_error(int fd)
{
	int error = -1;
	socklen_t len = sizeof(error);

	MUST(ioth_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len));
	return error;
}

CASE(connect_and_accept_work_with_epoll)
{
	struct ioth *stack = new_stack();
	struct addr a = local(AF_INET, 80);
	int l = listener(stack, AF_INET, 80, 5);
	int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

	CHECK_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	CHECK_ERRNO(ioth_connect(fd, &a.any, a.len), EINPROGRESS);
	CHECK((wait_event(fd, EPOLLOUT) & EPOLLOUT) != 0);
	CHECK_EQ(so_error(fd), 0);
	CHECK((wait_event(l, EPOLLIN) & EPOLLIN) != 0);
	struct addr peer = { .len = sizeof(peer.in6) };
	int got = (int)MUST(ioth_accept4(l, &peer.any, &peer.len, SOCK_NONBLOCK));
	CHECK_EQ(peer.len, sizeof(peer.in));
	CHECK((fcntl(got, F_GETFL) & O_NONBLOCK) != 0);
	CHECK_ERRNO(ioth_read(got, &a, 1), EAGAIN);
	struct addr name = { .len = sizeof(name.in6) };
	MUST(ioth_getsockname(fd, &name.any, &name.len));
	CHECK_EQ(name.in.sin_port, peer.in.sin_port);
	MUST(ioth_close(fd));
	MUST(ioth_close(got));

	a = local(AF_INET, 82);
	fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	CHECK_ERRNO(ioth_connect(fd, &a.any, a.len), EINPROGRESS);
	CHECK((wait_event(fd, EPOLLOUT) & (EPOLLERR | EPOLLHUP)) != 0);
	CHECK_EQ(so_error(fd), ECONNREFUSED);
	MUST(ioth_close(fd));
	MUST(ioth_close(l));
	MUST(ioth_delstack(stack));
}

CASE(a_reset_is_an_error_of_the_next_call)
{
	struct ioth *stack = new_stack();
	struct linger now = { .l_onoff = 1 };
	char c;
	int pair[2];

	connected(stack, AF_INET, pair);
	MUST(ioth_setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
	MUST(ioth_close(pair[0]));
	CHECK_ERRNO(ioth_read(pair[1], &c, 1), ECONNRESET);
	CHECK_ERRNO(ioth_send(pair[1], &c, 1, MSG_NOSIGNAL), EPIPE);
	MUST(ioth_close(pair[1]));
	MUST(ioth_delstack(stack));
}

CASE(copies_of_a_descriptor_are_the_same_socket_also_in_a_child)
{
	struct ioth *stack = new_stack();
	char buf[8];
	int pair[2], status;

	connected(stack, AF_INET, pair);
	int copy = (int)MUST(dup(pair[0]));
	MUST(ioth_close(pair[0]));
	pid_t child = (pid_t)MUST(fork());
	if (child == 0)
		_exit(write(copy, "child", 5) == 5 && ioth_read(pair[1], buf, 5) == 5 ? 0 : 1);
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	CHECK_EQ(write(copy, "x", 1), 1);
	CHECK_EQ(ioth_read(pair[1], buf, sizeof(buf)), 1);
	close(copy); /* the last one: an end for the other side */
	CHECK_EQ(ioth_read(pair[1], buf, sizeof(buf)), 0);
	MUST(ioth_close(pair[1]));
	MUST(ioth_delstack(stack));
}

/* The process has answered and has had turns, so it is not slow: it takes nothing more. */
static bool stays_blocked(int fd)
{
	for (int i = 0; i < 10; i++) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		CHECK_EQ(so_error(fd), 0);
		if (poll(&p, 1, 50) != 0)
			return false;
	}
	return true;
}

CASE(a_reader_that_stops_blocks_the_sender_and_memory_stays_flat)
{
	struct ioth *stack = new_stack();
	static char block[65536];
	size_t sent = 0;
	pid_t pid;
	int pair[2];

	connected(stack, AF_INET, pair);
	MUST(fcntl(pair[0], F_SETFL, O_NONBLOCK));
	for (;;) {
		ssize_t n = ioth_write(pair[0], block, sizeof(block));
		if (n < 0 && stays_blocked(pair[0]))
			break;
		sent += n > 0 ? (size_t)n : 0;
		CHECK(sent < (16u << 20));
	}
	CHECK(wait_until(is_the_only_process, &pid, LIMIT_MS));
	CHECK(rss_kib_of(pid) > 0 && rss_kib_of(pid) < 65536);
	while (sent > 0) {
		ssize_t n = ioth_read(pair[1], block, sizeof(block));
		CHECK(n > 0);
		sent -= (size_t)n;
	}
	close_all(stack, pair);
}

/* ------------------------------------------------------------------ UDP */

CASE(udp_datagrams_keep_their_bounds_and_tell_their_sender)
{
	struct ioth *stack = new_stack();

	for (int family = AF_INET; family != 0; family = family == AF_INET ? AF_INET6 : 0) {
		struct addr a = local(family, 53), from = { .len = sizeof(from.in6) }, name = from;
		int server = (int)MUST(ioth_msocket(stack, family, SOCK_DGRAM, 0)), waiting = 0;
		int client = (int)MUST(ioth_msocket(stack, family, SOCK_DGRAM, 0));
		char buf[16];

		MUST(ioth_bind(server, &a.any, a.len));
		CHECK_EQ(ioth_sendto(client, "", 0, 0, &a.any, a.len), 0);
		CHECK_EQ(ioth_sendto(client, "abcdef", 6, 0, &a.any, a.len), 6);
		CHECK_EQ(ioth_recvfrom(server, buf, sizeof(buf), 0, &from.any, &from.len), 0);
		CHECK_EQ(from.len, a.len);
		CHECK(wait_readable(server, LIMIT_MS));
		MUST(ioth_ioctl(server, FIONREAD, &waiting));
		CHECK_EQ(waiting, 6);
		CHECK_EQ(ioth_recv(server, buf, 2, MSG_PEEK | MSG_TRUNC), 6);
		CHECK_EQ(ioth_recv(server, buf, 2, 0), 2);
		CHECK_ERRNO(ioth_recv(server, buf, 2, MSG_DONTWAIT), EAGAIN);
		MUST(ioth_getsockname(client, &name.any, &name.len));
		CHECK_EQ(name.in.sin_port, from.in.sin_port);
		MUST(ioth_connect(server, &from.any, from.len));
		CHECK_EQ(ioth_write(server, "re", 2), 2);
		CHECK_EQ(ioth_read(client, buf, sizeof(buf)), 2);
		MUST(ioth_close(server));
		MUST(ioth_close(client));
	}
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ options */

CASE(options_that_the_stack_has_keep_their_value_and_others_are_refused)
{
	static const int pairs[][2] = { { SOL_SOCKET, SO_REUSEADDR },
					{ SOL_SOCKET, SO_KEEPALIVE },
					{ IPPROTO_TCP, TCP_NODELAY },
					{ IPPROTO_TCP, TCP_KEEPCNT } };
	struct ioth *stack = new_stack();
	int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM, 0)), one = 1;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		int value = -1;
		socklen_t len = sizeof(value);
		MUST(ioth_setsockopt(fd, pairs[i][0], pairs[i][1], &one, sizeof(one)));
		MUST(ioth_getsockopt(fd, pairs[i][0], pairs[i][1], &value, &len));
		CHECK_EQ(value, 1);
	}
	CHECK_ERRNO(ioth_setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), ENOPROTOOPT);
	CHECK_ERRNO(ioth_setsockopt(fd, IPPROTO_TCP, TCP_CORK, &one, sizeof(one)), ENOPROTOOPT);
	CHECK_ERRNO(ioth_accept(fd, NULL, NULL), EINVAL);
	CHECK_ERRNO(ioth_msocket(stack, AF_UNIX, SOCK_STREAM, 0), EAFNOSUPPORT);
	MUST(ioth_close(fd));
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ the process */

CASE(ten_stacks_in_one_program_are_apart)
{
	struct ioth *stacks[10];
	int fds[10];

	for (int i = 0; i < 10; i++) {
		stacks[i] = new_stack();
		fds[i] = listener(stacks[i], AF_INET, 80, 1); /* the same address in each */
	}
	CHECK_ERRNO(ioth_delstack(stacks[3]), EBUSY);
	for (int i = 0; i < 10; i++) {
		int fd = caller(stacks[i], AF_INET, 80);
		MUST(ioth_close(fd));
		MUST(ioth_close(fds[i]));
		MUST(ioth_delstack(stacks[i]));
	}
}

static bool no_processes(void *arg)
{
	pid_t pid;

	(void)arg;
	return stack_processes(&pid, 1) == 0;
}

CASE(a_hundred_stacks_leave_no_descriptor_and_no_process)
{
	struct ioth *stack = new_stack();

	MUST(ioth_delstack(stack));
	int before = count_fds();
	for (int i = 0; i < 100; i++) {
		stack = new_stack();
		MUST(ioth_close((int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM, 0))));
		MUST(ioth_delstack(stack));
	}
	CHECK_EQ(count_fds(), before);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
	CHECK(wait_until(no_processes, NULL, LIMIT_MS));
}

CASE(a_process_that_is_killed_ends_the_calls_of_its_stack_only)
{
	struct ioth *stack = new_stack();
	pid_t pids[2];
	char c;
	int pair[2], other[2];

	CHECK(wait_until(is_the_only_process, pids, LIMIT_MS));
	struct ioth *second = new_stack();
	connected(stack, AF_INET, pair);
	connected(second, AF_INET, other);
	MUST(kill(pids[0], SIGKILL));
	CHECK_ERRNO(ioth_read(pair[0], &c, 1), ENETDOWN);
	CHECK_ERRNO(ioth_msocket(stack, AF_INET, SOCK_STREAM, 0), ENETDOWN);
	CHECK_EQ(ioth_write(other[0], "x", 1), 1);
	CHECK_EQ(ioth_read(other[1], &c, 1), 1);
	close_all(stack, pair);
	close_all(second, other);
}
