/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Descriptors and credentials over sockets, names of sockets, tables of descriptors, sources of UDP sockets:
 * unix(7), socket(7), udp(7).
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

/* Sends a byte with one control message. 0 or -errno. */
static int send_control(int fd, int type, const void *data, size_t len)
{
	union {
		char bytes[256];
		struct cmsghdr align;
	} control;
	struct iovec iov = { (void *)"x", 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = CMSG_SPACE(len) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);

	memset(&control, 0, sizeof(control));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	return sendmsg(fd, &h, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Receives it. Returns how many bytes of control data of that type it had, copied to data. */
static size_t recv_control(int fd, int type, void *data, size_t size, int *flags)
{
	union {
		char bytes[256];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control) };
	size_t got = 0;

	CHECK_EQ(MUST(recvmsg(fd, &h, MSG_CMSG_CLOEXEC)), 1);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c != NULL; c = CMSG_NXTHDR(&h, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == type) {
			got = c->cmsg_len - CMSG_LEN(0);
			CHECK(got <= size);
			memcpy(data, CMSG_DATA(c), got);
		}
	}
	*flags = h.msg_flags;
	return got;
}

static void socket_pair(int pair[2])
{
	int on = 1;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	MUST(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
}

/* ------------------------------------------------------------------ credentials */

CASE(the_kernel_fills_in_the_senders_credentials)
{
	struct ucred creds = { 0 };
	int pair[2], flags, status;

	socket_pair(pair);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0)
		_exit(send(pair[0], "x", 1, 0) == 1 ? 0 : 1);
	CHECK_EQ(recv_control(pair[1], SCM_CREDENTIALS, &creds, sizeof(creds), &flags), sizeof(creds));
	CHECK_EQ(creds.pid, pid); /* the child's, though the socket was made here */
	CHECK_EQ(creds.uid, geteuid());
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

/* How a keeper checks that the sender has its privileges at the moment. */
CASE_ROOT(the_privileged_can_send_as_another_process)
{
	struct ucred creds = { .pid = getppid(), .uid = geteuid(), .gid = getegid() }, got = { 0 };
	int pair[2], flags;

	socket_pair(pair);
	CHECK_EQ(send_control(pair[0], SCM_CREDENTIALS, &creds, sizeof(creds)), 0);
	CHECK_EQ(recv_control(pair[1], SCM_CREDENTIALS, &got, sizeof(got), &flags), sizeof(got));
	CHECK_EQ(got.pid, creds.pid);
	MUST(setresuid(64788, 64788, 64788));
	creds.uid = 64788;
	CHECK_EQ(send_control(pair[0], SCM_CREDENTIALS, &creds, sizeof(creds)), -EPERM); /* not any more */
}

CASE_USER(the_unprivileged_cannot_send_as_another_process)
{
	struct ucred creds = { .pid = getppid(), .uid = geteuid(), .gid = getegid() };
	int pair[2];

	socket_pair(pair);
	CHECK_EQ(send_control(pair[0], SCM_CREDENTIALS, &creds, sizeof(creds)), -EPERM);
	creds.pid = getpid();
	CHECK_EQ(send_control(pair[0], SCM_CREDENTIALS, &creds, sizeof(creds)), 0);
	creds.uid++;
	CHECK_EQ(send_control(pair[0], SCM_CREDENTIALS, &creds, sizeof(creds)), -EPERM);
}

/*
 * The capability is checked in the user namespace that owns the PID namespace, not in the one where the
 * process is root.
 */
CASE_USER(the_root_of_a_user_namespace_cannot_send_as_another_process)
{
	struct ucred creds = { .pid = getppid(), .uid = geteuid(), .gid = getegid() };
	int pair[2];

	socket_pair(pair);
	MUST(unshare(CLONE_NEWUSER));
	creds.uid = geteuid();
	creds.gid = getegid();
	int r = send_control(pair[0], SCM_CREDENTIALS, &creds, sizeof(creds));
	CHECK(r == -EPERM || r == -EINVAL); /* the overflow id of an unmapped user is no valid claim */
	CHECK(r != 0);
}

/* ------------------------------------------------------------------ descriptors */

static int send_fd(int fd, int what)
{
	return send_control(fd, SCM_RIGHTS, &what, sizeof(what));
}

CASE(a_received_descriptor_gets_the_lowest_free_number)
{
	int pair[2], holes[4], flags, got = -1;

	socket_pair(pair);
	for (int i = 0; i < 4; i++)
		holes[i] = (int)MUST(eventfd(0, EFD_CLOEXEC));
	CHECK_EQ(send_fd(pair[0], 1), 0);
	CHECK_EQ(send_fd(pair[0], 1), 0);
	close(holes[1]);
	close(holes[3]);
	CHECK_EQ(recv_control(pair[1], SCM_RIGHTS, &got, sizeof(got), &flags), sizeof(got));
	CHECK_EQ(got, holes[1]);
	CHECK_EQ(recv_control(pair[1], SCM_RIGHTS, &got, sizeof(got), &flags), sizeof(got));
	CHECK_EQ(got, holes[3]);
	CHECK(MUST(fcntl(got, F_GETFD)) & FD_CLOEXEC);
}

CASE(without_space_for_a_descriptor_the_message_is_received_without_it)
{
	struct rlimit limit;
	int pair[2], flags, got = -1;

	socket_pair(pair);
	CHECK_EQ(send_fd(pair[0], 1), 0);
	CHECK_EQ(send_fd(pair[0], 1), 0);
	int next = (int)MUST(eventfd(0, EFD_CLOEXEC));
	close(next);
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	rlim_t before = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)next; /* exactly what is open */
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	CHECK_EQ(recv_control(pair[1], SCM_RIGHTS, &got, sizeof(got), &flags), 0);
	CHECK((flags & MSG_CTRUNC) != 0);
	CHECK_ERRNO(eventfd(0, 0), EMFILE);
	limit.rlim_cur = before;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	/* the next message is received normally */
	CHECK_EQ(recv_control(pair[1], SCM_RIGHTS, &got, sizeof(got), &flags), sizeof(got));
	CHECK_EQ(got, next);
	CHECK_EQ(flags & MSG_CTRUNC, 0);
}

CASE(peeking_at_a_message_receives_its_descriptor_each_time)
{
	int pair[2];
	char byte;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	CHECK_EQ(send_fd(pair[0], 1), 0);
	for (int i = 0; i < 2; i++) {
		struct iovec iov = { &byte, 1 };
		struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
				    .msg_controllen = sizeof(control) };
		CHECK_EQ(MUST(recvmsg(pair[1], &h, MSG_PEEK | MSG_CMSG_CLOEXEC)), 1);
		CHECK(CMSG_FIRSTHDR(&h) != NULL);
	}
}

/*
 * Why sockets that wait in a channel are not taken back by hanging up: what is queued is received
 * first. Only a close with something unread makes the next call fail, and a copy of the closed end
 * prevents that.
 */
CASE(what_was_sent_is_received_after_the_sender_has_shut_down_and_closed)
{
	int pair[2], flags, got = -1;
	char byte;

	socket_pair(pair);
	CHECK_EQ(send_fd(pair[0], 1), 0);
	CHECK_EQ(send_fd(pair[0], 1), 0);
	MUST(shutdown(pair[0], SHUT_RDWR));
	CHECK_EQ(recv_control(pair[1], SCM_RIGHTS, &got, sizeof(got), &flags), sizeof(got));
	close(pair[0]);
	CHECK_EQ(recv_control(pair[1], SCM_RIGHTS, &got, sizeof(got), &flags), sizeof(got));
	CHECK_EQ(recv(pair[1], &byte, 1, 0), 0);
}

CASE(a_close_with_something_unread_is_seen_before_what_was_sent_if_there_is_no_copy)
{
	for (int copied = 0; copied < 2; copied++) {
		int pair[2];
		char byte;

		MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
		int copy = copied ? (int)MUST(fcntl(pair[0], F_DUPFD_CLOEXEC, 0)) : -1;
		CHECK_EQ(MUST(send(pair[1], "x", 1, 0)), 1);
		CHECK_EQ(send_fd(pair[0], 1), 0);
		close(pair[0]);
		if (copied)
			CHECK_EQ(MUST(recv(pair[1], &byte, 1, 0)), 1);
		else
			CHECK_ERRNO(recv(pair[1], &byte, 1, 0), ECONNRESET);
		if (copied)
			close(copy);
		close(pair[1]);
	}
}

/* ------------------------------------------------------------------ the name of a socket */

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	MUST(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len));
	return cookie;
}

CASE(a_sockets_cookie_is_its_own_and_never_changes)
{
	enum { N = 200 };
	uint64_t seen[N];
	int pair[2], status;

	for (int i = 0; i < N; i++) { /* with the same numbers all the time */
		int fd = (int)MUST(socket(i % 2 ? AF_UNIX : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		seen[i] = cookie_of(fd);
		CHECK(seen[i] != 0);
		for (int j = 0; j < i; j++)
			CHECK(seen[j] != seen[i]);
		close(fd);
	}
	socket_pair(pair);
	uint64_t mine = cookie_of(pair[0]);
	CHECK(mine != cookie_of(pair[1]));
	int copy = (int)MUST(fcntl(pair[0], F_DUPFD_CLOEXEC, 50));
	CHECK_EQ(cookie_of(copy), mine);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0)
		_exit(cookie_of(pair[0]) == mine ? 0 : 1);
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
	CHECK_EQ(cookie_of(pair[0]), mine);
}

CASE(a_descriptor_that_is_no_socket_has_no_cookie)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);
	int fd = (int)MUST(eventfd(0, EFD_CLOEXEC));

	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len), ENOTSOCK);
}

/* ------------------------------------------------------------------ tables of descriptors */

static pthread_barrier_t meet;

static void *leave_table(void *arg)
{
	int keep = *(int *)arg;

	MUST(syscall(SYS_close_range, (unsigned)keep + 1, ~0u, CLOSE_RANGE_UNSHARE));
	if (keep > 3)
		MUST(syscall(SYS_close_range, 3u, (unsigned)keep - 1, 0));
	CHECK(fcntl(keep, F_GETFD) >= 0);
	CHECK_ERRNO(fcntl(keep + 1, F_GETFD), EBADF);
	(void)pthread_barrier_wait(&meet); /* the other thread checks */
	(void)pthread_barrier_wait(&meet); /* and has closed its end */
	char byte;
	CHECK_EQ(recv(keep, &byte, 1, 0), 0); /* end of file, as between processes */
	return NULL;
}

CASE(a_thread_that_unshares_the_descriptor_table_does_not_change_that_of_the_others)
{
	int below = (int)MUST(eventfd(0, EFD_CLOEXEC)), pair[2];
	pthread_t thread;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	int above = (int)MUST(eventfd(0, EFD_CLOEXEC));
	CHECK(below < pair[0] && pair[1] < above);
	CHECK_EQ(pthread_barrier_init(&meet, NULL, 2), 0);
	CHECK_EQ(pthread_create(&thread, NULL, leave_table, &pair[0]), 0);
	(void)pthread_barrier_wait(&meet);
	CHECK(fcntl(below, F_GETFD) >= 0);
	CHECK(fcntl(above, F_GETFD) >= 0);
	CHECK(fcntl(pair[0], F_GETFD) >= 0);
	close(pair[0]);
	close(pair[1]); /* the last copy: the thread has not kept it */
	(void)pthread_barrier_wait(&meet);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* ------------------------------------------------------------------ sources of UDP sockets */

static void set_address(int fd, const char *name, const char *text)
{
	struct ifreq request = { .ifr_name = "" };
	struct sockaddr_in *addr = (void *)&request.ifr_addr;

	strcpy(request.ifr_name, name);
	addr->sin_family = AF_INET;
	CHECK_EQ(inet_pton(AF_INET, text, &addr->sin_addr), 1);
	MUST(ioctl(fd, SIOCSIFADDR, &request));
}

/* Connects, and returns the source address. */
static uint32_t source_for(int fd, const char *text)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(53) };
	socklen_t len = sizeof(addr);

	CHECK_EQ(inet_pton(AF_INET, text, &addr.sin_addr), 1);
	MUST(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
	MUST(getsockname(fd, (struct sockaddr *)&addr, &len));
	return ntohl(addr.sin_addr.s_addr);
}

/* Why the resolver disconnects a socket before it asks for the source of the next address. */
CASE_FLAGS(a_udp_socket_keeps_its_source_until_it_is_disconnected, CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		SKIP("no user namespaces");
	int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	set_address(fd, "lo", "10.1.0.1");
	set_address(fd, "lo:1", "192.168.2.1");
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	MUST(ioctl(fd, SIOCSIFFLAGS, &up));
	CHECK_EQ(source_for(fd, "10.1.0.1"), 0x0a010001);
	CHECK_EQ(source_for(fd, "192.168.2.1"), 0x0a010001);
	MUST(connect(fd, &none, sizeof(none)));
	CHECK_EQ(source_for(fd, "192.168.2.1"), 0xc0a80201);
}

static in_port_t port_of(int fd)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	MUST(getsockname(fd, (struct sockaddr *)&addr, &len));
	return addr.sin_port;
}

/* Sends a datagram from one socket to the port of another one. */
static void send_to_port(int from, in_port_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = port };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)sendto(from, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
}

/* It gets a new port. So lookups of the resolver pass sockets on: no datagram for one reaches another. */
CASE_FLAGS(what_is_sent_to_the_port_of_a_disconnected_udp_socket_does_not_arrive,
	   CASE_F_ROOT | CASE_F_USER)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int other = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	int same = 0;
	char byte;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(other, (struct sockaddr *)&at, sizeof(at)));
	MUST(getsockname(other, (struct sockaddr *)&at, &len));
	for (int i = 0; i < 64; i++) {
		MUST(connect(fd, (struct sockaddr *)&at, sizeof(at)));
		in_port_t port = port_of(fd);
		send_to_port(other, port); /* is queued */
		MUST(connect(fd, &none, sizeof(none)));
		CHECK_EQ(port_of(fd), 0);
		send_to_port(other, port); /* is lost */
		CHECK_EQ(recv(fd, &byte, 1, 0), 1);
		CHECK_EQ(recv(fd, &byte, 1, 0), -1);
		CHECK_EQ(errno, EAGAIN);
		MUST(connect(fd, (struct sockaddr *)&at, sizeof(at)));
		same += port_of(fd) == port;
		if (port_of(fd) != port) {
			send_to_port(other, port);
			CHECK_EQ(recv(fd, &byte, 1, 0), -1);
			CHECK_EQ(errno, EAGAIN);
		}
		MUST(connect(fd, &none, sizeof(none)));
	}
	CHECK(same < 4); /* by chance once in some 28000 */
}
