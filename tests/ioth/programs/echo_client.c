/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * echo_client CONFIG ADDRESS PORT tcp|udp TEXT
 *
 * Sends a text from a stack of its own, and prints what comes back. Its stack is the default stack, so it
 * makes its socket as any program does. 0: the text came back.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ioth.h>
#include <iothconf.h>

#define WAIT_MS 10000

static socklen_t address(const char *text, int port, struct sockaddr_storage *ss)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		return sizeof(*four);
	}
	if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1)
		return 0;
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	return sizeof(*six);
}

static size_t receive(int fd, char *buf, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t got = 0;

	while (got < size && poll(&p, 1, WAIT_MS) == 1) {
		ssize_t n = ioth_recv(fd, buf + got, size - got, 0);
		if (n <= 0)
			break;
		got += n;
	}
	return got;
}

int main(int argc, char *argv[])
{
	struct sockaddr_storage to, from;
	socklen_t fromlen = sizeof(from);
	char buf[4096];

	ioth_set_license("LGPL-2.1-or-later");
	if (argc != 6)
		return 2;
	socklen_t len = address(argv[2], atoi(argv[3]), &to);
	struct ioth *stack = ioth_newstackc(argv[1]);
	if (stack == NULL || len == 0) {
		perror("stack");
		return 1;
	}
	ioth_set_defstack(stack);
	int fd = ioth_socket(to.ss_family, strcmp(argv[4], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM, 0);
	size_t size = strlen(argv[5]);
	if (fd < 0 || ioth_connect(fd, (struct sockaddr *)&to, len) < 0) {
		perror("connect");
		return 1;
	}
	if (ioth_getpeername(fd, (struct sockaddr *)&from, &fromlen) < 0 || from.ss_family != to.ss_family) {
		perror("getpeername");
		return 1;
	}
	if (ioth_send(fd, argv[5], size, 0) != (ssize_t)size) {
		perror("send");
		return 1;
	}
	size_t n = receive(fd, buf, size < sizeof(buf) ? size : sizeof(buf));
	printf("%.*s\n", (int)n, buf);
	if (ioth_delstack(stack) == 0) /* its socket is open */
		return 1;
	ioth_close(fd);
	ioth_set_defstack(NULL);
	if (ioth_delstack(stack) < 0) {
		perror("delstack");
		return 1;
	}
	return n == size && memcmp(buf, argv[5], n) == 0 ? 0 : 1;
}
