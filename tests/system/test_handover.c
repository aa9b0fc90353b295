/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A service is replaced on its machine: the old process passes stack, listener and connections to the new one
 * and ends. The client notices nothing.
 *
 *     client (the case) ─── ptp:// ─── stack of the old process ──▶ of the new process
 */

#define _GNU_SOURCE
#include "send_fds.h"
#include "traffic.h"

#define PORT 7

/* The descriptor that comes with the next message. */
static int take_fd(int channel)
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
	int fd;

	CHECK(wait_readable(channel, SOON_MS));
	CHECK_EQ(recvmsg(channel, &h, MSG_CMSG_CLOEXEC), 1);
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	CHECK(c != NULL && c->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* Makes the stack, answers the first byte of a connection, and passes everything on. */
static void old_service(const char *vnl, int channel)
{
	int port = PORT;
	char byte;
	struct vdestack *s = stack_of("vnl=%s ip=10.0.0.1/24", vnl);
	int listener = bound_in(s, "10.0.0.1", SOCK_STREAM, &port);

	MUST(send(channel, "r", 1, 0)); /* ready */
	int conn = (int)MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	CHECK_EQ(recv(conn, &byte, 1, 0), 1);
	MUST(send(conn, "o", 1, MSG_NOSIGNAL));
	MUST(send_fds(channel, "s", 1, (int)MUST(vdestack_pass(s, 0)), 1));
	MUST(send_fds(channel, "l", 1, listener, 1));
	MUST(send_fds(channel, "c", 1, conn, 1));
}

/* Has the stack and all sockets from then on. */
static void new_service(int channel)
{
	int fd = take_fd(channel);
	struct vdestack *s = vdestack_receive(fd);
	char byte;

	CHECK(s != NULL);
	close(fd);
	int listener = take_fd(channel), old = take_fd(channel), port = 0;
	MUST(send(channel, "t", 1, 0)); /* taken */
	CHECK_EQ(recv(old, &byte, 1, 0), 1);
	MUST(send(old, "n", 1, MSG_NOSIGNAL));
	int conn = (int)MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	CHECK_EQ(recv(conn, &byte, 1, 0), 1);
	MUST(send(conn, "n", 1, MSG_NOSIGNAL));
	close(bound_in(s, "10.0.0.1", SOCK_DGRAM, &port)); /* it makes sockets, too */
	CHECK_EQ(recv(conn, &byte, 1, 0), 0);
}

static pid_t in_process(void (*service)(const char *, int), const char *vnl, int channel)
{
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		service(vnl, channel);
		_exit(0);
	}
	return pid;
}

static void new_with_name(const char *vnl, int channel)
{
	(void)vnl;
	new_service(channel);
}

/* A question on the connection, and who has answered. */
static char asked(int fd)
{
	char byte = 0;

	MUST(send(fd, "?", 1, MSG_NOSIGNAL));
	CHECK_EQ(MUST(recv(fd, &byte, 1, 0)), 1);
	return byte;
}

static void has_ended(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

CASE_FLAGS(a_service_is_replaced_and_its_connections_stay, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	char vnl[300], byte;
	int channel[2];

	(void)snprintf(vnl, sizeof(vnl), "ptp://%s", case_path("p"));
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel));
	pid_t old = in_process(old_service, vnl, channel[0]);
	CHECK_EQ(recv(channel[1], &byte, 1, 0), 1);
	pid_t new = in_process(new_with_name, vnl, channel[1]);
	struct vdestack *client = stack_of("vnl=%s ip=10.0.0.2/24", vnl);
	int first = connected_in(client, "10.0.0.1", SOCK_STREAM, PORT);
	CHECK_EQ(asked(first), 'o');
	has_ended(old);
	CHECK_EQ(recv(channel[0], &byte, 1, 0), 1); /* the new one has taken all */
	CHECK_EQ(asked(first), 'n');
	int second = connected_in(client, "10.0.0.1", SOCK_STREAM, PORT);
	CHECK_EQ(asked(second), 'n');
	close(second);
	has_ended(new);
}
