/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* TCP of the stack in user space: connecting twice, ends, errors, a program without free descriptors. */

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
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "case.h"
#include "picox_process.h"

#define LIMIT_MS 20000

static struct sockaddr_in addr_of(const char *text, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	CHECK_EQ(inet_pton(AF_INET, text, &a.sin_addr), 1);
	return a;
}

static struct ioth *stack_on(const char *vnl)
{
	struct ioth *stack = ioth_newstack("picox", vnl);

	if (stack == NULL)
		FAIL("no stack: %s: %s", strerror(errno), ioth_last_error());
	return stack;
}

static struct ioth *stack_at(const char *vnl, const char *ip)
{
	struct ioth *stack = stack_on(vnl);
	struct in_addr addr;
	int index = (int)MUST(ioth_if_nametoindex(stack, "vde0"));

	MUST(ioth_linksetupdown(stack, (unsigned)index, 1));
	CHECK_EQ(inet_pton(AF_INET, ip, &addr), 1);
	MUST(ioth_ipaddr_add(stack, AF_INET, &addr, 24, index));
	return stack;
}

static int new_socket(struct ioth *stack, int flags)
{
	return (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
}

static int connect_to(int fd, const char *text, int port)
{
	struct sockaddr_in a = addr_of(text, port);

	return ioth_connect(fd, (struct sockaddr *)&a, sizeof(a));
}

static int bound(struct ioth *stack, const char *text, int port)
{
	struct sockaddr_in a = addr_of(text, port);
	int fd = new_socket(stack, 0);

	MUST(ioth_bind(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

static int listener(struct ioth *stack, const char *text, int port)
{
	int fd = bound(stack, text, port);

	MUST(ioth_listen(fd, 5));
	return fd;
}

static void connected(struct ioth *stack, int pair[2])
{
	static int port = 79;
	int l = listener(stack, "127.0.0.1", ++port);

	pair[0] = new_socket(stack, 0);
	MUST(connect_to(pair[0], "127.0.0.1", port));
	pair[1] = (int)MUST(ioth_accept(l, NULL, NULL));
	MUST(ioth_close(l));
}

static void close_all(struct ioth *stack, int pair[2])
{
	MUST(ioth_close(pair[0]));
	MUST(ioth_close(pair[1]));
	MUST(ioth_delstack(stack));
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	MUST(ioth_getsockopt(fd, level, name, &value, &len));
	CHECK_EQ(len, sizeof(value));
	return value;
}

static void set_option(int fd, int level, int name, int value)
{
	MUST(ioth_setsockopt(fd, level, name, &value, sizeof(value)));
}

static void reset_on_close(int fd)
{
	struct linger now = { .l_onoff = 1 };

	MUST(ioth_setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
}

/* The process has closed its end: the connection has failed. */
static void await_failure(int fd)
{
	struct pollfd p = { .fd = fd };

	CHECK_EQ(poll(&p, 1, LIMIT_MS), 1);
	CHECK((p.revents & POLLHUP) != 0);
}

/* ------------------------------------------------------------------ connecting */

CASE(connecting_a_connection_again_is_refused_and_no_byte_is_lost_or_added)
{
	struct ioth *stack = stack_on(NULL);
	char buf[16] = "";
	int pair[2];

	connected(stack, pair);
	for (int i = 0; i < 100; i++) {
		CHECK_ERRNO(connect_to(pair[0], "127.0.0.1", 80), EISCONN);
		CHECK_ERRNO(connect_to(pair[1], "127.0.0.1", 80), EISCONN);
		CHECK_EQ(ioth_write(pair[0], "abc", 3), 3);
		CHECK_EQ(ioth_read(pair[1], buf, sizeof(buf)), 3);
		CHECK_STR(buf, "abc");
	}
	MUST(ioth_shutdown(pair[0], SHUT_WR));
	CHECK_EQ(ioth_read(pair[1], buf, sizeof(buf)), 0);
	close_all(stack, pair);
}

CASE(what_is_written_before_the_connection_stands_is_sent_and_nothing_else)
{
	struct ioth *stack = stack_on(NULL);
	char buf[32] = "";

	int l = listener(stack, "127.0.0.1", 80);
	int fd = new_socket(stack, SOCK_NONBLOCK);
	CHECK_EQ(ioth_write(fd, "first ", 6), 6);
	CHECK_ERRNO(connect_to(fd, "127.0.0.1", 80), EINPROGRESS);
	CHECK_EQ(ioth_write(fd, "second ", 7), 7);
	CHECK_EQ(connect_to(fd, "127.0.0.1", 80), -1);
	CHECK(errno == EALREADY || errno == EISCONN);
	CHECK_EQ(ioth_write(fd, "third", 5), 5);
	int got = (int)MUST(ioth_accept(l, NULL, NULL));
	CHECK_EQ(ioth_recv(got, buf, 18, MSG_WAITALL), 18);
	CHECK_STR(buf, "first second third");
	MUST(ioth_shutdown(fd, SHUT_WR));
	CHECK_EQ(ioth_read(got, buf, sizeof(buf)), 0);
	MUST(ioth_close(l));
	MUST(ioth_close(fd));
	MUST(ioth_close(got));
	MUST(ioth_delstack(stack));
}

CASE_FLAGS(a_socket_that_connects_is_not_writable_with_any_size_of_its_queue,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	static const int sizes[] = { 0, 4096, 100000, 1 << 30 };
	struct ioth *stack = stack_at("null://", "10.3.0.1");

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd = new_socket(stack, SOCK_NONBLOCK);
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		if (sizes[i] > 0)
			set_option(fd, SOL_SOCKET, SO_SNDBUF, sizes[i]);
		CHECK_ERRNO(connect_to(fd, "10.3.0.9", 80), EINPROGRESS);
		CHECK_ERRNO(connect_to(fd, "10.3.0.9", 80), EALREADY);
		CHECK_EQ(poll(&p, 1, 0), 0);
		CHECK_EQ(option(fd, SOL_SOCKET, SO_ERROR), 0);
		MUST(ioth_close(fd));
	}
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ ends */

/* The one message socket that a program has when its first stack has no socket yet. */
static int control_socket(void)
{
	for (int fd = 3; fd < 256; fd++) {
		int type = 0;
		socklen_t len = sizeof(type);
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET)
			return fd;
	}
	FAIL("the control socket is not there");
}

CASE_FLAGS(what_was_written_goes_out_when_socket_and_stack_are_closed_at_once,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	static char block[4096];
	char vnl[300];
	ssize_t n;
	size_t sent = 0, got = 0;
	pid_t pid;

	(void)snprintf(vnl, sizeof(vnl), "ptp://%s", case_path("net"));
	struct ioth *a = stack_at(vnl, "10.3.0.1");
	int control = control_socket();
	CHECK(wait_until(is_the_only_process, &pid, LIMIT_MS));
	struct ioth *b = stack_at(vnl, "10.3.0.2");
	int l = listener(b, "10.3.0.2", 80);
	int tx = new_socket(a, 0);
	MUST(connect_to(tx, "10.3.0.2", 80));
	int rx = (int)MUST(ioth_accept(l, NULL, NULL));
	MUST(fcntl(tx, F_SETFL, O_NONBLOCK));
	MUST(kill(pid, SIGSTOP));
	/* It sees all in one turn, and what comes from the control socket first: no request, and its end. */
	CHECK_EQ(send(control, "x", 1, MSG_NOSIGNAL), 1);
	while ((n = ioth_write(tx, block, sizeof(block))) > 0)
		sent += (size_t)n;
	CHECK(sent > 0);
	MUST(ioth_close(tx));
	MUST(ioth_delstack(a));
	MUST(kill(pid, SIGCONT));
	while ((n = ioth_read(rx, block, sizeof(block))) > 0)
		got += (size_t)n;
	CHECK_EQ(n, 0);
	CHECK_EQ(got, sent);
	MUST(ioth_close(rx));
	MUST(ioth_close(l));
	MUST(ioth_delstack(b));
}

static void *accept_one(void *arg)
{
	CHECK_ERRNO(ioth_accept(*(int *)arg, NULL, NULL), EINVAL);
	return NULL;
}

CASE(shutdown_of_a_listening_socket_wakes_its_threads_and_closes_the_port)
{
	struct ioth *stack = stack_on(NULL);
	pthread_t threads[2];

	for (int how = SHUT_RD; how <= SHUT_RDWR; how++) {
		int port = 80 + how, l = listener(stack, "127.0.0.1", port), fd = new_socket(stack, 0);
		if (how == SHUT_WR) { /* without effect, as in Linux */
			MUST(ioth_shutdown(l, SHUT_WR));
			MUST(connect_to(fd, "127.0.0.1", port));
			MUST(ioth_close((int)MUST(ioth_accept(l, NULL, NULL))));
		} else {
			for (int i = 0; i < 2; i++)
				CHECK_EQ(pthread_create(&threads[i], NULL, accept_one, &l), 0);
			MUST(ioth_shutdown(l, how));
			for (int i = 0; i < 2; i++)
				CHECK_EQ(pthread_join(threads[i], NULL), 0);
			CHECK_ERRNO(ioth_accept(l, NULL, NULL), EINVAL);
			CHECK_ERRNO(connect_to(fd, "127.0.0.1", port), ECONNREFUSED);
		}
		MUST(ioth_close(fd));
		MUST(ioth_close(l));
	}
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ errors */

static void check_failed(int fd)
{
	for (int i = 0; i < 2; i++)
		CHECK_EQ(option(fd, SOL_SOCKET, SO_ERROR), 0);
	CHECK_EQ(option(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	CHECK_EQ(option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	CHECK_EQ(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
}

CASE(a_failed_socket_tells_its_error_once_and_still_what_it_is)
{
	struct ioth *stack = stack_on(NULL);
	int fd = new_socket(stack, SOCK_NONBLOCK), pair[2];
	char c;

	CHECK_ERRNO(connect_to(fd, "127.0.0.1", 81), EINPROGRESS);
	await_failure(fd);
	CHECK_EQ(option(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	check_failed(fd);
	MUST(ioth_close(fd));
	connected(stack, pair);
	reset_on_close(pair[0]);
	MUST(ioth_close(pair[0]));
	CHECK_ERRNO(ioth_read(pair[1], &c, 1), ECONNRESET);
	check_failed(pair[1]);
	CHECK_EQ(ioth_read(pair[1], &c, 1), 0);
	MUST(ioth_close(pair[1]));
	MUST(ioth_delstack(stack));
}

CASE(an_error_is_kept_while_hundreds_of_others_fail)
{
	struct ioth *stack = stack_on(NULL);
	int pair[2];
	char c;

	connected(stack, pair);
	reset_on_close(pair[0]);
	MUST(ioth_close(pair[0]));
	await_failure(pair[1]);
	for (int i = 0; i < 520; i++) {
		int fd = new_socket(stack, 0);
		CHECK_ERRNO(connect_to(fd, "127.0.0.1", 81), ECONNREFUSED);
		MUST(ioth_close(fd));
	}
	CHECK_ERRNO(ioth_read(pair[1], &c, 1), ECONNRESET);
	MUST(ioth_close(pair[1]));
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ no descriptors */

/* Takes all numbers, and gives them back. */
static int taken[64];
static int n_taken;

static void take_all_numbers(void)
{
	struct rlimit limit;

	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 48;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	for (int fd; n_taken < 64 && (fd = dup(0)) >= 0;)
		taken[n_taken++] = fd;
	CHECK(n_taken > 0 && n_taken < 64);
}

static void give_back(int n)
{
	for (; n > 0 && n_taken > 0; n--)
		close(taken[--n_taken]);
}

CASE(without_free_descriptors_a_reset_is_no_end_and_an_end_is_one)
{
	struct ioth *stack = stack_on(NULL);
	int pair[2], other[2];
	char c;

	connected(stack, pair);
	connected(stack, other);
	reset_on_close(pair[0]);
	MUST(ioth_close(pair[0]));
	MUST(ioth_shutdown(other[0], SHUT_WR));
	await_failure(pair[1]);
	CHECK(wait_readable(other[1], LIMIT_MS));
	take_all_numbers();
	CHECK_ERRNO(ioth_read(pair[1], &c, 1), EMFILE);
	CHECK_EQ(ioth_read(other[1], &c, 1), 0);
	CHECK_ERRNO(ioth_msocket(stack, AF_INET, SOCK_STREAM, 0), EMFILE);
	give_back(2); /* what a request needs */
	CHECK_ERRNO(ioth_read(pair[1], &c, 1), ECONNRESET);
	give_back(n_taken);
	MUST(ioth_close(pair[1]));
	close_all(stack, other);
}

CASE(accept_without_a_free_descriptor_leaves_the_connection)
{
	struct ioth *stack = stack_on(NULL);
	int l = listener(stack, "127.0.0.1", 80), fd = new_socket(stack, 0);
	char c = 0;

	MUST(connect_to(fd, "127.0.0.1", 80));
	CHECK(wait_readable(l, LIMIT_MS));
	take_all_numbers();
	CHECK_ERRNO(ioth_accept(l, NULL, NULL), EMFILE);
	CHECK_ERRNO(ioth_accept4(l, NULL, NULL, SOCK_NONBLOCK), EMFILE);
	give_back(1);
	int got = (int)MUST(ioth_accept(l, NULL, NULL));
	give_back(n_taken);
	CHECK_EQ(ioth_write(fd, "x", 1), 1);
	CHECK_EQ(ioth_read(got, &c, 1), 1);
	CHECK_EQ(c, 'x');
	MUST(ioth_close(l));
	MUST(ioth_close(fd));
	MUST(ioth_close(got));
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ options and arguments */

CASE(an_accepted_connection_has_the_options_of_the_listening_socket)
{
	struct ioth *stack = stack_on(NULL);
	int l = bound(stack, "127.0.0.1", 80), fd = new_socket(stack, 0);
	char c;

	set_option(l, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(l, IPPROTO_TCP, TCP_KEEPIDLE, 77);
	set_option(l, IPPROTO_IP, IP_TTL, 33);
	MUST(ioth_listen(l, 5));
	set_option(l, IPPROTO_TCP, TCP_KEEPINTVL, 7);
	set_option(l, IPPROTO_TCP, TCP_KEEPCNT, 3);
	set_option(l, IPPROTO_IP, IP_TOS, 8);
	reset_on_close(l);
	CHECK_EQ(option(l, IPPROTO_TCP, TCP_NODELAY), 1);
	CHECK_EQ(option(l, IPPROTO_TCP, TCP_KEEPIDLE), 77);
	MUST(connect_to(fd, "127.0.0.1", 80));
	int got = (int)MUST(ioth_accept(l, NULL, NULL));
	CHECK_EQ(option(got, IPPROTO_TCP, TCP_NODELAY), 1);
	CHECK_EQ(option(got, IPPROTO_TCP, TCP_KEEPIDLE), 77);
	CHECK_EQ(option(got, IPPROTO_TCP, TCP_KEEPINTVL), 7);
	CHECK_EQ(option(got, IPPROTO_TCP, TCP_KEEPCNT), 3);
	CHECK_EQ(option(got, IPPROTO_IP, IP_TTL), 33);
	CHECK_EQ(option(got, IPPROTO_IP, IP_TOS), 8);
	CHECK_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	set_option(l, IPPROTO_TCP, TCP_NODELAY, 0);
	CHECK_EQ(option(l, IPPROTO_TCP, TCP_NODELAY), 0);
	MUST(ioth_close(got));
	CHECK_ERRNO(ioth_read(fd, &c, 1), ECONNRESET);
	MUST(ioth_close(fd));
	MUST(ioth_close(l));
	MUST(ioth_delstack(stack));
}

static void datagram_arguments(struct ioth *stack)
{
	struct sockaddr_storage to = { 0 };
	struct sockaddr_in a = addr_of("127.0.0.1", 53);
	int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM, 0));
	char long_addr[sizeof(to) + 1] = "", buf[8];

	MUST(ioth_bind(fd, (struct sockaddr *)&a, sizeof(a)));
	memcpy(&to, &a, sizeof(a));
	memcpy(long_addr, &a, sizeof(a));
	CHECK_EQ(ioth_sendto(fd, "abc", 3, 0, (struct sockaddr *)&to, sizeof(to)), 3);
	CHECK_ERRNO(ioth_sendto(fd, "abc", 3, 0, (void *)long_addr, sizeof(long_addr)), EINVAL);
	CHECK(wait_readable(fd, LIMIT_MS));
	CHECK_ERRNO(ioth_recv(fd, buf, sizeof(buf), MSG_ERRQUEUE), EAGAIN);
	CHECK_EQ(ioth_recv(fd, buf, sizeof(buf), 0), 3);
	CHECK_ERRNO(ioth_readv(fd, NULL, -1), EINVAL);
	CHECK_ERRNO(ioth_writev(fd, NULL, -1), EINVAL);
	CHECK_ERRNO(ioth_writev(fd, NULL, 1025), EINVAL);
	MUST(ioth_close(fd));
}

CASE(arguments_are_taken_as_the_kernel_takes_them)
{
	struct ioth *stack = stack_on(NULL);
	char control[64], buf[8];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	int pair[2];

	connected(stack, pair);
	CHECK_EQ(ioth_write(pair[0], "abc", 3), 3);
	CHECK_EQ(ioth_recvmsg(pair[1], &msg, 0), 3);
	CHECK(msg.msg_control == control);
	CHECK_EQ(msg.msg_controllen, 0);
	CHECK_ERRNO(ioth_readv(pair[1], &iov, -1), EINVAL);
	CHECK_ERRNO(ioth_writev(pair[1], &iov, -1), EINVAL);
	datagram_arguments(stack);
	close_all(stack, pair);
}

/* ------------------------------------------------------------------ windows */

/* Fills all queues from fd to the other end. How many bytes they took. */
static size_t fill(int fd)
{
	static const char bytes[65536];
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	size_t sum = 0;
	ssize_t n;

	while (poll(&p, 1, 500) == 1) {
		n = ioth_send(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		CHECK(n > 0 || (n < 0 && errno == EAGAIN));
		sum += n > 0 ? (size_t)n : 0;
	}
	return sum;
}

static void drain(int fd, size_t sum)
{
	static char bytes[65536];

	for (ssize_t n; sum > 0; sum -= (size_t)n) {
		n = MUST(ioth_recv(fd, bytes, sizeof(bytes), 0));
		CHECK(n > 0 && (size_t)n <= sum);
	}
}

/* Processor time of a process, in clock ticks. */
static unsigned long ticks_of(pid_t pid)
{
	char path[64], line[1024] = "";
	unsigned long user = 0, kernel = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	CHECK(f != NULL && fgets(line, sizeof(line), f) != NULL);
	(void)fclose(f);
	const char *rest = strrchr(line, ')');
	CHECK(rest != NULL &&
	      sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) == 2);
	return user + kernel;
}

/* Each end asks for the window of the other one after 1.5 s, and is answered. The answers get none. */
CASE(two_ends_with_closed_windows_are_at_rest_and_go_on)
{
	struct ioth *stack = stack_on(NULL);
	pid_t pid = 0;
	int pair[2];

	connected(stack, pair);
	size_t there = fill(pair[0]), back = fill(pair[1]);
	CHECK_EQ(stack_processes(&pid, 1), 1);
	unsigned long before = ticks_of(pid);
	sleep_ms(4000); /* two such questions */
	CHECK(ticks_of(pid) - before < (unsigned long)sysconf(_SC_CLK_TCK));
	drain(pair[1], there);
	drain(pair[0], back);
	close_all(stack, pair);
}
