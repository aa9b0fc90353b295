/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Moving a socket to another network: what a program has set on it, and its registrations with epoll. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "preload/move.h"
#include "preload/watches.h"
#include "send_fds.h"
#include <vdestack.h>
#include <vdestack/conf.h>

#define NUMBER 100

static struct vdestack *new_stack(void)
{
	struct vdestack *s = vdestack_new("", case_opts());

	CHECK(s != NULL);
	return s;
}

static int in_stack(struct vdestack *s, int family, int type, int protocol)
{
	return (int)MUST(vdestack_msocket(s, family, type | SOCK_CLOEXEC, protocol));
}

static int on_host(int family, int type, int protocol)
{
	return (int)MUST(socket(family, type | SOCK_CLOEXEC, protocol));
}

/* Moves a socket that must be movable. */
static void move(int old, int reference, int fresh)
{
	const char *what = "";
	int r = vs_move_socket(old, reference, fresh, &what);

	if (r < 0)
		FAIL("%s: %s", what, strerror(-r));
}

static int get_int(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	MUST(getsockopt(fd, level, name, &value, &len));
	return value;
}

static void set_int(int fd, int level, int name, int value)
{
	MUST(setsockopt(fd, level, name, &value, sizeof(value)));
}

CASE(the_options_that_a_program_has_set_are_moved)
{
	static const struct {
		int family, type, level, name, value;
	} list[] = {
		{ AF_INET, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, 1 },
		{ AF_INET, SOCK_STREAM, SOL_SOCKET, SO_REUSEPORT, 1 },
		{ AF_INET, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ AF_INET, SOCK_STREAM, SOL_SOCKET, SO_OOBINLINE, 1 },
		{ AF_INET, SOCK_STREAM, SOL_SOCKET, SO_RCVLOWAT, 100 },
		{ AF_INET, SOCK_STREAM, SOL_SOCKET, SO_PRIORITY, 5 },
		{ AF_INET, SOCK_STREAM, SOL_SOCKET, SO_ZEROCOPY, 1 },
		{ AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_BROADCAST, 1 },
		{ AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_TIMESTAMP, 1 },
		{ AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_TIMESTAMPNS, 1 },
		{ AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_RXQ_OVFL, 1 },
		{ AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_PEEK_OFF, 3 },
		{ AF_INET, SOCK_STREAM, IPPROTO_IP, IP_TOS, 0x10 },
		{ AF_INET, SOCK_STREAM, IPPROTO_IP, IP_TTL, 7 },
		{ AF_INET, SOCK_STREAM, IPPROTO_IP, IP_FREEBIND, 1 },
		{ AF_INET, SOCK_STREAM, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1 },
		{ AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_PKTINFO, 1 },
		{ AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_RECVERR, 1 },
		{ AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO },
		{ AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_MULTICAST_TTL, 9 },
		{ AF_INET, SOCK_DGRAM, IPPROTO_IP, IP_MULTICAST_LOOP, 0 },
		{ AF_INET6, SOCK_STREAM, IPPROTO_IPV6, IPV6_V6ONLY, 1 },
		{ AF_INET6, SOCK_STREAM, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 5 },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, IPV6_TCLASS, 8 },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 8 },
		{ AF_INET6, SOCK_STREAM, IPPROTO_TCP, TCP_NODELAY, 1 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_NODELAY, 1 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_MAXSEG, 1000 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_CORK, 1 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_KEEPIDLE, 11 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_KEEPINTVL, 12 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_KEEPCNT, 3 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_SYNCNT, 2 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_LINGER2, 13 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_USER_TIMEOUT, 1234 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 5000 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1 },
		{ AF_INET, SOCK_DGRAM, IPPROTO_UDP, UDP_CORK, 1 },
		{ AF_INET, SOCK_DGRAM, IPPROTO_UDP, UDP_SEGMENT, 1200 },
		{ AF_INET, SOCK_DGRAM, IPPROTO_UDP, UDP_GRO, 1 },
	};
	struct vdestack *s = new_stack();

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		int old = on_host(list[i].family, list[i].type, 0),
		    reference = on_host(list[i].family, list[i].type, 0);
		int fresh = in_stack(s, list[i].family, list[i].type, 0);
		set_int(old, list[i].level, list[i].name, list[i].value);
		int value = get_int(old, list[i].level, list[i].name);
		if (value == get_int(fresh, list[i].level, list[i].name))
			FAIL("entry %zu is the default", i);
		move(old, i % 2 == 0 ? reference : -1, fresh);
		if (get_int(fresh, list[i].level, list[i].name) != value)
			FAIL("entry %zu was not moved", i);
		MUST(close(old)), MUST(close(reference)), MUST(close(fresh));
	}
}

CASE(options_that_are_structures_and_texts_are_moved)
{
	struct vdestack *s = new_stack();
	int old = on_host(AF_INET, SOCK_STREAM, 0), fresh = in_stack(s, AF_INET, SOCK_STREAM, 0);
	struct linger linger = { 1, 33 };
	struct timeval wait = { 5, 500000 };
	char text[16] = "";
	socklen_t len = sizeof(linger);

	MUST(setsockopt(old, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	MUST(setsockopt(old, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)));
	MUST(setsockopt(old, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	move(old, -1, fresh);
	linger.l_linger = 0;
	MUST(getsockopt(fresh, SOL_SOCKET, SO_LINGER, &linger, &len));
	CHECK_EQ(linger.l_linger, 33);
	len = sizeof(wait);
	wait.tv_sec = 0;
	MUST(getsockopt(fresh, SOL_SOCKET, SO_RCVTIMEO, &wait, &len));
	CHECK_EQ(wait.tv_sec, 5);
	len = sizeof(text) - 1;
	MUST(getsockopt(fresh, IPPROTO_TCP, TCP_CONGESTION, text, &len));
	CHECK_STR(text, "reno");
}

CASE(sizes_of_buffers_are_moved_only_if_they_were_set)
{
	struct vdestack *s = new_stack();
	int old = on_host(AF_INET, SOCK_STREAM, 0), fresh = in_stack(s, AF_INET, SOCK_STREAM, 0);

	MUST(vdestack_sysctl_set(s, "ipv4.tcp_rmem", "4096 50000 6291456"));
	fresh = in_stack(s, AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(get_int(fresh, SOL_SOCKET, SO_RCVBUF), 50000);
	set_int(old, SOL_SOCKET, SO_SNDBUF, 30000);
	move(old, -1, fresh);
	CHECK_EQ(get_int(fresh, SOL_SOCKET, SO_SNDBUF), 60000);
	CHECK_EQ(get_int(fresh, SOL_SOCKET, SO_RCVBUF), 50000);
}

CASE(defaults_of_the_other_network_stay_its_own)
{
	struct vdestack *s = new_stack();

	MUST(vdestack_sysctl_set(s, "ipv4.ip_default_ttl", "33"));
	MUST(vdestack_sysctl_set(s, "ipv4.tcp_keepalive_time", "44"));
	int old = on_host(AF_INET, SOCK_STREAM, 0), fresh = in_stack(s, AF_INET, SOCK_STREAM, 0);
	move(old, on_host(AF_INET, SOCK_STREAM, 0), fresh);
	CHECK_EQ(get_int(fresh, IPPROTO_IP, IP_TTL), 33);
	CHECK_EQ(get_int(fresh, IPPROTO_TCP, TCP_KEEPIDLE), 44);
}

CASE(a_classic_filter_and_its_lock_are_moved)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, 0) }, got[2];
	struct sock_fprog program = { .len = 1, .filter = code };
	struct vdestack *s = new_stack();
	int old = on_host(AF_INET, SOCK_DGRAM, 0), fresh = in_stack(s, AF_INET, SOCK_DGRAM, 0);
	socklen_t n = 2;

	MUST(setsockopt(old, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	set_int(old, SOL_SOCKET, SO_LOCK_FILTER, 1);
	move(old, -1, fresh);
	MUST(getsockopt(fresh, SOL_SOCKET, SO_GET_FILTER, got, &n));
	CHECK_EQ(n, 1);
	CHECK_EQ(got[0].code, code[0].code);
	CHECK_EQ(get_int(fresh, SOL_SOCKET, SO_LOCK_FILTER), 1);
}

CASE(a_filter_that_is_too_long_to_read_is_refused)
{
	struct sock_filter code[600];
	struct sock_fprog program = { .len = 600, .filter = code };
	struct vdestack *s = new_stack();
	int old = on_host(AF_INET, SOCK_DGRAM, 0);
	const char *what = "";

	for (size_t i = 0; i < 600; i++)
		code[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffff);
	MUST(setsockopt(old, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	CHECK_EQ(vs_move_socket(old, -1, in_stack(s, AF_INET, SOCK_DGRAM, 0), &what), -E2BIG);
	CHECK_STR(what, "SO_ATTACH_FILTER");
}

static struct sockaddr_in loopback(unsigned port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static struct sockaddr_in name_of_socket(int fd)
{
	struct sockaddr_in name;
	socklen_t len = sizeof(name);

	MUST(getsockname(fd, (struct sockaddr *)&name, &len));
	return name;
}

CASE(a_bound_address_and_port_are_moved)
{
	struct vdestack *s = new_stack();
	int old = on_host(AF_INET, SOCK_DGRAM, 0), fresh = in_stack(s, AF_INET, SOCK_DGRAM, 0);
	int taken = in_stack(s, AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in want = loopback(0);
	const char *what = "";

	MUST(bind(old, (const struct sockaddr *)&want, sizeof(want)));
	move(old, -1, fresh);
	want = name_of_socket(old);
	CHECK(want.sin_port != 0);
	CHECK_EQ(name_of_socket(fresh).sin_port, want.sin_port);
	CHECK_EQ(name_of_socket(fresh).sin_addr.s_addr, want.sin_addr.s_addr);
	CHECK_EQ(vs_move_socket(old, -1, taken, &what), -EADDRINUSE);
	CHECK_STR(what, "bind");
}

CASE(a_socket_that_is_not_bound_stays_so)
{
	struct vdestack *s = new_stack();
	int old = on_host(AF_INET, SOCK_STREAM, 0), fresh = in_stack(s, AF_INET, SOCK_STREAM, 0);

	move(old, -1, fresh);
	CHECK_EQ(name_of_socket(fresh).sin_port, 0);
}

CASE(a_connection_and_a_listener_are_refused)
{
	struct vdestack *s = new_stack();
	int listener = on_host(AF_INET, SOCK_STREAM, 0), old = on_host(AF_INET, SOCK_STREAM, 0);
	const char *what = "";

	MUST(listen(listener, 1));
	struct sockaddr_in name = loopback(ntohs(name_of_socket(listener).sin_port));
	MUST(connect(old, (const struct sockaddr *)&name, sizeof(name)));
	CHECK_EQ(vs_move_socket(old, -1, in_stack(s, AF_INET, SOCK_STREAM, 0), &what), -EISCONN);
	CHECK_STR(what, "connect");
	CHECK_EQ(vs_move_socket(listener, -1, in_stack(s, AF_INET, SOCK_STREAM, 0), &what), -EISCONN);
	CHECK_STR(what, "listen");
}

CASE(an_interface_that_the_other_network_does_not_have_is_named)
{
	struct vdestack *a = vdestack_new("vnl=inproc://move", case_opts()), *b = new_stack();
	const char *what = "";

	CHECK(a != NULL);
	int old = in_stack(a, AF_INET, SOCK_DGRAM, 0), fresh = in_stack(a, AF_INET, SOCK_DGRAM, 0);
	MUST(setsockopt(old, SOL_SOCKET, SO_BINDTODEVICE, "vde0", 5));
	CHECK_EQ(vs_move_socket(old, -1, in_stack(b, AF_INET, SOCK_DGRAM, 0), &what), -ENODEV);
	CHECK_STR(what, "SO_BINDTODEVICE");
	move(old, -1, fresh);
	char device[16] = "";
	socklen_t len = sizeof(device);
	MUST(getsockopt(fresh, SOL_SOCKET, SO_BINDTODEVICE, device, &len));
	CHECK_STR(device, "vde0");
}

CASE(status_flags_owner_and_signal_are_moved)
{
	struct vdestack *s = new_stack();
	int old = on_host(AF_INET, SOCK_DGRAM, 0), fresh = in_stack(s, AF_INET, SOCK_DGRAM, 0);

	MUST(fcntl(old, F_SETFL, O_NONBLOCK));
	MUST(fcntl(old, F_SETOWN, getpid()));
	MUST(fcntl(old, F_SETSIG, SIGUSR1));
	move(old, -1, fresh);
	CHECK((fcntl(fresh, F_GETFL) & O_NONBLOCK) != 0);
	CHECK_EQ(fcntl(fresh, F_GETOWN), getpid());
	CHECK_EQ(fcntl(fresh, F_GETSIG), SIGUSR1);
}

/* Sends a datagram to the socket, which is bound, from its own network. */
static void send_to(struct vdestack *s, int fd)
{
	struct sockaddr_in to = loopback(ntohs(name_of_socket(fd).sin_port));

	CHECK_EQ(MUST(sendto(in_stack(s, AF_INET, SOCK_DGRAM, 0), "x", 1, 0, (const struct sockaddr *)&to,
			     sizeof(to))),
		 1);
}

/* A bound socket of the host under the number, and the socket of the stack to which it has moved. */
static int prepare(struct vdestack *s, int *fresh)
{
	struct sockaddr_in any = loopback(0);
	int old = on_host(AF_INET, SOCK_DGRAM, 0);

	MUST(bind(old, (const struct sockaddr *)&any, sizeof(any)));
	MUST(dup3(old, NUMBER, O_CLOEXEC));
	*fresh = in_stack(s, AF_INET, SOCK_DGRAM, 0);
	return old;
}

static void add(int epoll, int number, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, number, &event));
}

/* As a process moves a socket of its own. */
static void move_here(int old, int fresh)
{
	struct vs_watches watches;

	move(old, -1, fresh);
	CHECK_EQ(vs_watches_find(0, -1, NUMBER, old, &watches), 0);
	CHECK_EQ(vs_watches_leave(&watches, old), 0);
	MUST(dup3(fresh, NUMBER, O_CLOEXEC));
	CHECK_EQ(vs_watches_enter(&watches, old, NUMBER), 0);
	vs_watches_close(&watches);
}

CASE(epoll_reports_the_socket_that_has_taken_the_number)
{
	struct vdestack *s = new_stack();
	int first = (int)MUST(epoll_create1(EPOLL_CLOEXEC)), second = (int)MUST(epoll_create1(EPOLL_CLOEXEC));
	int fresh, old = prepare(s, &fresh), other = on_host(AF_INET, SOCK_DGRAM, 0);
	struct epoll_event events[4];

	add(first, NUMBER, EPOLLIN, 0x123456789abcull);
	add(first, other, EPOLLIN, 1);
	add(second, NUMBER, EPOLLIN | EPOLLET, 2);
	move_here(old, fresh);
	send_to(s, fresh);
	CHECK_EQ(MUST(epoll_wait(first, events, 4, 10000)), 1);
	CHECK_EQ(events[0].data.u64, 0x123456789abcull);
	CHECK_EQ(MUST(epoll_wait(second, events, 4, 10000)), 1);
	CHECK_EQ(events[0].data.u64, 2);
	CHECK_EQ(MUST(epoll_wait(second, events, 4, 0)), 0); /* EPOLLET: once */
	CHECK_EQ(MUST(epoll_wait(first, events, 4, 0)), 1);
	struct sockaddr_in to =
		loopback(ntohs(name_of_socket(old).sin_port)); /* the old one is not registered */
	char byte;
	CHECK_EQ(MUST(read(NUMBER, &byte, 1)), 1);
	MUST(sendto(other, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)));
	CHECK(wait_readable(old, 10000));
	CHECK_EQ(MUST(epoll_wait(first, events, 4, 0)), 0);
}

/* The line of fdinfo about the number. */
static const char *info_of(int epoll)
{
	static char text[4096];
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", epoll);
	int fd = (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
	text[MUST(read(fd, text, sizeof(text) - 1))] = '\0';
	MUST(close(fd));
	const char *line = strstr(text, "tfd:");
	CHECK(line != NULL);
	*strstr(line, "pos:") = '\0';
	return line;
}

CASE(the_kinds_of_registrations_are_kept)
{
	static const uint32_t list[] = { EPOLLIN | EPOLLONESHOT, EPOLLIN | EPOLLEXCLUSIVE,
					 EPOLLIN | EPOLLET | EPOLLRDHUP, EPOLLOUT | EPOLLPRI };
	struct vdestack *s = new_stack();

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		int epoll = (int)MUST(epoll_create1(EPOLL_CLOEXEC)), fresh, old = prepare(s, &fresh);
		char before[256];
		add(epoll, NUMBER, list[i], ~(uint64_t)i);
		(void)snprintf(before, sizeof(before), "%s", info_of(epoll));
		move_here(old, fresh);
		CHECK_STR(info_of(epoll), before);
	}
}

CASE(a_socket_with_too_many_registrations_is_refused)
{
	struct vdestack *s = new_stack();
	int fresh, old = prepare(s, &fresh);
	struct vs_watches watches = { .n = 99 };

	for (int i = 0; i < VS_WATCHES_MAX + 1; i++)
		add((int)MUST(epoll_create1(EPOLL_CLOEXEC)), NUMBER, EPOLLIN, 1);
	int before = count_fds();
	CHECK_EQ(vs_watches_find(0, -1, NUMBER, old, &watches), -E2BIG);
	CHECK_EQ(watches.n, 99);
	CHECK_EQ(count_fds(), before);
}

CASE(a_signal_of_o_async_names_the_number_of_the_program)
{
	struct vdestack *s = new_stack();
	int fresh, old = prepare(s, &fresh);
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	MUST(fcntl(NUMBER, F_SETOWN, getpid()));
	MUST(fcntl(NUMBER, F_SETSIG, SIGRTMIN));
	MUST(fcntl(NUMBER, F_SETFL, O_ASYNC));
	move_here(old, fresh);
	send_to(s, fresh);
	CHECK_EQ(MUST(sigtimedwait(&set, &info, &(struct timespec){ 10, 0 })), SIGRTMIN);
	CHECK_EQ(info.si_fd, NUMBER);
}

/* ------------------------------------------------------------------ another process */

static int receive_fd(int from)
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
			    .msg_controllen = sizeof(control) };
	int fd;

	CHECK_EQ(MUST(recvmsg(from, &h, MSG_CMSG_CLOEXEC)), 1);
	CHECK(CMSG_FIRSTHDR(&h) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(fd));
	return fd;
}

/* The program: registers, lets itself be given another socket, and waits for its event. */
static void program(int talk, int number)
{
	struct sockaddr_in any = loopback(0);
	int s = on_host(AF_INET, SOCK_DGRAM, 0), epoll = (int)MUST(epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event event;

	MUST(bind(s, (const struct sockaddr *)&any, sizeof(any)));
	MUST(dup3(s, number, O_CLOEXEC));
	MUST(close(s));
	add(epoll, number, EPOLLIN, 77);
	CHECK_EQ(MUST(write(talk, "r", 1)), 1);
	MUST(dup3(receive_fd(talk), number, O_CLOEXEC));
	CHECK_EQ(MUST(write(talk, "p", 1)), 1);
	CHECK_EQ(MUST(epoll_wait(epoll, &event, 1, 10000)), 1);
	CHECK_EQ(event.data.u64, 77);
	CHECK_EQ(MUST(write(talk, "e", 1)), 1);
	_exit(0);
}

static void expect_byte(int talk, char expected)
{
	char byte = 0;

	CHECK(wait_readable(talk, 10000));
	CHECK_EQ(MUST(read(talk, &byte, 1)), 1);
	CHECK_EQ(byte, expected);
}

/* Moves the socket with this number of another process, with our own descriptors at these numbers. */
static void move_there(int number, int old_at, int fresh_at)
{
	struct vdestack *s = new_stack();
	struct vs_watches watches;
	int pair[2], status;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	pid_t child = (pid_t)MUST(fork());
	if (child == 0)
		program(pair[1], number);
	expect_byte(pair[0], 'r');
	int pidfd = (int)MUST(syscall(SYS_pidfd_open, child, 0));
	int copy = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	if (copy < 0 && errno == EPERM) {
		(void)kill(child, SIGKILL);
		(void)waitpid(child, &status, 0);
		SKIP("descriptors of other processes cannot be taken");
	}
	MUST(copy);
	int old = old_at > 0 ? (int)MUST(dup3(copy, old_at, O_CLOEXEC)) : copy;
	int fresh = in_stack(s, AF_INET, SOCK_DGRAM, 0);
	if (fresh_at > 0)
		fresh = (int)MUST(dup3(fresh, fresh_at, O_CLOEXEC));
	move(old, -1, fresh);
	CHECK_EQ(vs_watches_find(child, pidfd, number, old, &watches), 0);
	CHECK_EQ(watches.n, 1);
	CHECK_EQ(vs_watches_leave(&watches, old), 0);
	CHECK_EQ(MUST(send_fds(pair[0], "f", 1, fresh, 1)), 1);
	expect_byte(pair[0], 'p');
	CHECK_EQ(vs_watches_enter(&watches, old, fresh), 0);
	int before = count_fds();
	vs_watches_close(&watches);
	CHECK_EQ(count_fds(), before - 1);
	send_to(s, fresh);
	expect_byte(pair[0], 'e');
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
}

CASE(a_socket_of_another_process_moves_with_its_registrations)
{
	move_there(NUMBER, 0, 0);
}

CASE(numbers_that_both_processes_use_do_not_meet)
{
	move_there(NUMBER, NUMBER, 0);
	move_there(NUMBER, 0, NUMBER);
}

CASE(registrations_come_back_if_the_socket_does_not_move)
{
	struct vdestack *s = new_stack();
	int epoll = (int)MUST(epoll_create1(EPOLL_CLOEXEC)), fresh, old = prepare(s, &fresh);
	struct vs_watches watches;
	char before[256];

	add(epoll, NUMBER, EPOLLIN, 5);
	(void)snprintf(before, sizeof(before), "%s", info_of(epoll));
	CHECK_EQ(vs_watches_find(0, -1, NUMBER, old, &watches), 0);
	CHECK_EQ(vs_watches_leave(&watches, old), 0);
	CHECK_EQ(vs_watches_enter(&watches, old, old), 0);
	CHECK_STR(info_of(epoll), before);
}

/* The leak checker needs /proc. */
CASE_FLAGS(without_proc_registrations_are_not_known, CASE_F_ROOT | CASE_F_NO_SANITIZER)
{
	int fresh, old = prepare(new_stack(), &fresh);
	struct vs_watches watches;

	MUST(chroot(case_tmp()));
	CHECK_EQ(vs_watches_find(0, -1, NUMBER, old, &watches), -ENOENT);
}
