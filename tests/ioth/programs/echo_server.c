/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * echo_server CONFIG PORT
 *
 * Returns what it receives, by TCP and UDP, IPv6 and IPv4, on a stack of any kind (iothconf's CONFIG, with
 * stack= and vnl=). Prints "ready", and ends with its standard input.
 */

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ioth.h>
#include <iothconf.h>

#define CLIENTS 16

/* A socket of a family on all addresses. */
static int bound(struct ioth *stack, int family, int type, int port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port),
				    .sin6_addr = in6addr_any };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr *at = family == AF_INET6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
	socklen_t len = family == AF_INET6 ? sizeof(six) : sizeof(four);
	int one = 1, fd = ioth_msocket(stack, family, type, 0);

	if (fd < 0)
		return -1;
	if (family == AF_INET6)
		ioth_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (type == SOCK_STREAM)
		ioth_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ioth_bind(fd, at, len) < 0 || (type == SOCK_STREAM && ioth_listen(fd, 5) < 0)) {
		perror("bind");
		ioth_close(fd);
		return -1;
	}
	return fd;
}

static void new_client(int listener, struct pollfd *fds, int first)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int fd = ioth_accept(listener, (struct sockaddr *)&peer, &len);

	for (int i = first; i < first + CLIENTS && fd >= 0; i++)
		if (fds[i].fd < 0) {
			fds[i].fd = fd;
			return;
		}
	if (fd >= 0)
		ioth_close(fd);
}

/* Returns 0 at the end of the connection. */
static int answer(int fd)
{
	char buf[4096];
	ssize_t n = ioth_read(fd, buf, sizeof(buf));

	for (ssize_t done = 0; done < n;) {
		ssize_t w = ioth_write(fd, buf + done, n - done);
		if (w <= 0)
			return 0;
		done += w;
	}
	return n > 0;
}

static void answer_datagram(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	char buf[4096];
	ssize_t n = ioth_recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&peer, &len);

	if (n >= 0)
		ioth_sendto(fd, buf, n, 0, (struct sockaddr *)&peer, len);
}

int main(int argc, char *argv[])
{
	struct pollfd fds[5 + CLIENTS];
	struct ioth *stack;
	int running = 1;

	ioth_set_license("LGPL-2.1-or-later");
	if (argc != 3 || (stack = ioth_newstackc(argv[1])) == NULL) {
		perror("stack");
		return 1;
	}
	for (int i = 0; i < 5 + CLIENTS; i++)
		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	fds[0].fd = 0;
	for (int i = 0; i < 4; i++)
		fds[i + 1].fd = bound(stack, i & 1 ? AF_INET6 : AF_INET, i & 2 ? SOCK_DGRAM : SOCK_STREAM,
				      atoi(argv[2]));
	for (int i = 1; i < 5; i++)
		if (fds[i].fd < 0)
			return 1;
	printf("ready\n");
	fflush(stdout);
	while (running && poll(fds, 5 + CLIENTS, -1) > 0) {
		if (fds[0].revents)
			running = 0;
		for (int i = 1; i < 3; i++)
			if (fds[i].revents)
				new_client(fds[i].fd, fds, 5);
		for (int i = 3; i < 5; i++)
			if (fds[i].revents)
				answer_datagram(fds[i].fd);
		for (int i = 5; i < 5 + CLIENTS; i++)
			if (fds[i].fd >= 0 && fds[i].revents && !answer(fds[i].fd)) {
				ioth_close(fds[i].fd);
				fds[i].fd = -1;
			}
	}
	for (int i = 1; i < 5 + CLIENTS; i++)
		if (fds[i].fd >= 0)
			ioth_close(fds[i].fd);
	if (ioth_delstack(stack) < 0) {
		perror("delstack");
		return 1;
	}
	printf("end\n");
	return 0;
}
