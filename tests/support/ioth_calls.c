/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ioth_calls KIND...
 *
 * Prints the table of docs/ioth-calls.md: which calls each kind of stack has. Each call is made once in a
 * stack without networks. "no" is a call that fails with ENOSYS.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <ioth.h>

#define MAX_KINDS 8

/* What the calls work with: a UDP socket that is connected to itself, and a TCP socket. Neither waits. */
static int udp, tcp;
static struct ioth *stack;
static struct sockaddr_in own; /* of the UDP socket */
static struct sockaddr_storage name;
static socklen_t name_len;
static char byte = 'x';
static struct iovec iov = { &byte, 1 };

static struct msghdr *message(void)
{
	static struct msghdr msg;

	msg = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	return &msg;
}

static struct mmsghdr *messages(void)
{
	static struct mmsghdr msg;

	msg.msg_hdr = *message();
	return &msg;
}

static long pair(void)
{
	int sv[2];
	int result = ioth_socketpair(stack, AF_UNIX, SOCK_STREAM, 0, sv);

	if (result == 0) {
		(void)ioth_close(sv[0]);
		(void)ioth_close(sv[1]);
	}
	return result;
}

static long interfaces(void)
{
	struct ifaddrs *list;
	int result = ioth_getifaddrs(stack, &list);

	if (result == 0)
		ioth_freeifaddrs(list);
	return result;
}

static long new_socket(void)
{
	int fd = ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		(void)ioth_close(fd);
	return fd;
}

static long new_close(void)
{
	int fd = ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? fd : ioth_close(fd);
}

static long wait_for_udp(void)
{
	struct pollfd fd = { .fd = udp, .events = POLLOUT };
	const struct timespec none = { 0 };

	return ioth_ppoll(&fd, 1, &none, NULL);
}

static int value;
static socklen_t value_len;
static const int on = 1;

#define WAITLESS MSG_DONTWAIT
#define CALL(text, expression)                                                                               \
	static long try_##text(void)                                                                         \
	{                                                                                                    \
		return (long)(expression);                                                                   \
	}
#define CALLS(X)                                                                                             \
	X(socket, new_socket())                                                                              \
	X(close, new_close())                                                                                \
	X(bind, ioth_bind(udp, (struct sockaddr *)&own, sizeof(own)))                                        \
	X(connect, ioth_connect(udp, (struct sockaddr *)&own, sizeof(own)))                                  \
	X(ppoll, wait_for_udp())                                                                             \
	X(getsockname, ioth_getsockname(udp, (struct sockaddr *)&name, &name_len))                           \
	X(getpeername, ioth_getpeername(udp, (struct sockaddr *)&name, &name_len))                           \
	X(setsockopt, ioth_setsockopt(udp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))                       \
	X(getsockopt, ioth_getsockopt(udp, SOL_SOCKET, SO_TYPE, &value, &value_len))                         \
	X(fcntl, ioth_fcntl(udp, F_GETFL, 0))                                                                \
	X(ioctl, ioth_ioctl(udp, FIONREAD, &value))                                                          \
	X(listen, ioth_listen(tcp, 1))                                                                       \
	X(accept, ioth_accept(tcp, NULL, NULL))                                                              \
	X(accept4, ioth_accept4(tcp, NULL, NULL, SOCK_CLOEXEC))                                              \
	X(write, ioth_write(udp, &byte, 1))                                                                  \
	X(writev, ioth_writev(udp, &iov, 1))                                                                 \
	X(send, ioth_send(udp, &byte, 1, 0))                                                                 \
	X(sendto, ioth_sendto(udp, &byte, 1, 0, NULL, 0))                                                    \
	X(sendmsg, ioth_sendmsg(udp, message(), 0))                                                          \
	X(sendmmsg, ioth_sendmmsg(udp, messages(), 1, 0))                                                    \
	X(read, ioth_read(udp, &byte, 1))                                                                    \
	X(readv, ioth_readv(udp, &iov, 1))                                                                   \
	X(recv, ioth_recv(udp, &byte, 1, WAITLESS))                                                          \
	X(recvfrom, ioth_recvfrom(udp, &byte, 1, WAITLESS, NULL, NULL))                                      \
	X(recvmsg, ioth_recvmsg(udp, message(), WAITLESS))                                                   \
	X(recvmmsg, ioth_recvmmsg(udp, messages(), 1, WAITLESS, NULL))                                       \
	X(shutdown, ioth_shutdown(tcp, SHUT_RDWR))                                                           \
	X(socketpair, pair())                                                                                \
	X(getifaddrs, interfaces())

CALLS(CALL)

#define ENTRY(text, expression) { #text, try_##text },
static const struct {
	const char *name;
	long (*run)(void);
} calls[] = { CALLS(ENTRY) };
#define N_CALLS (sizeof(calls) / sizeof(calls[0]))

static int try_kind(const char *kind, bool has[N_CALLS])
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);

	stack = ioth_newstack(kind, NULL);
	if (stack == NULL) {
		(void)fprintf(stderr, "%s: %s\n", kind, ioth_last_error());
		return -1;
	}
	udp = ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	tcp = ioth_msocket(stack, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (udp < 0 || tcp < 0 || ioth_bind(udp, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    ioth_bind(tcp, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    ioth_getsockname(udp, (struct sockaddr *)&at, &len) < 0 ||
	    ioth_connect(udp, (struct sockaddr *)&at, len) < 0) {
		perror(kind);
		return -1;
	}
	own = at;
	for (size_t i = 0; i < N_CALLS; i++) {
		name_len = sizeof(name);
		value_len = sizeof(value);
		errno = 0;
		has[i] = calls[i].run() >= 0 || errno != ENOSYS;
	}
	(void)ioth_close(udp);
	(void)ioth_close(tcp);
	return ioth_delstack(stack);
}

int main(int argc, char **argv)
{
	static bool has[MAX_KINDS][N_CALLS];

	ioth_set_license("LGPL-2.1-or-later");
	if (argc < 2 || argc > MAX_KINDS)
		return 2;
	(void)printf("| call |");
	for (int k = 1; k < argc; k++) {
		if (try_kind(argv[k], has[k - 1]) < 0)
			return 1;
		(void)printf(" %s |", argv[k]);
	}
	(void)printf("\n| --- |");
	for (int k = 1; k < argc; k++)
		(void)printf(" --- |");
	for (size_t i = 0; i < N_CALLS; i++) {
		(void)printf("\n| `%s` |", calls[i].name);
		for (int k = 1; k < argc; k++)
			(void)printf(" %s |", has[k - 1][i] ? "yes" : "no");
	}
	(void)printf("\n");
	return 0;
}
