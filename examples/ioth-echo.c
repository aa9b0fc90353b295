/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An echo server and its client, on a stack of any kind.
 *
 *     ioth-echo CONFIG                 serves TCP port 7 until it is killed
 *     ioth-echo CONFIG ADDRESS TEXT    sends TEXT to port 7 of ADDRESS, and prints what comes back
 *
 * CONFIG is what ioth_newstackc() takes (iothconf(7)); stack= in it is the kind:
 *
 *     ioth-echo stack=vdestack,vnl=vde:///tmp/net,eth,ip=10.0.0.1/24
 *     ioth-echo stack=picox,vnl=vde:///tmp/net,eth,ip=10.0.0.2/24 10.0.0.1 hello
 *     ioth-echo stack=kernel 127.0.0.1 hello
 *
 * The calls are those of sockets, and are the same for each kind.
 */

#include <arpa/inet.h>
#include <iothconf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static int fail(const char *what)
{
	fprintf(stderr, "ioth-echo: ");
	perror(what);
	return 1;
}

static void echo(int conn)
{
	char buf[4096];
	ssize_t n;

	while ((n = ioth_recv(conn, buf, sizeof(buf), 0)) > 0)
		for (ssize_t sent = 0, part; sent < n; sent += part)
			if ((part = ioth_send(conn, buf + sent, (size_t)(n - sent), MSG_NOSIGNAL)) < 0)
				return;
}

/* One connection at a time. */
static int serve(struct ioth *stack)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(7) };
	int fd = ioth_msocket(stack, AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || ioth_bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || ioth_listen(fd, 16) < 0)
		return fail("cannot listen");
	puts("ready");
	fflush(stdout);
	for (;;) {
		int conn = ioth_accept(fd, NULL, NULL);
		if (conn < 0)
			return fail("cannot accept");
		echo(conn);
		ioth_close(conn);
	}
}

static int ask(struct ioth *stack, const char *address, const char *text)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(7) };
	size_t len = strlen(text), got = 0;
	char buf[4096];

	if (inet_pton(AF_INET, address, &addr.sin_addr) != 1 || len > sizeof(buf)) {
		fprintf(stderr, "ioth-echo: no address, or a text that is too long\n");
		return 2;
	}
	int fd = ioth_msocket(stack, AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || ioth_connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    ioth_send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		return fail(address);
	while (got < len) {
		ssize_t n = ioth_recv(fd, buf + got, len - got, 0);
		if (n <= 0)
			return fail(address);
		got += (size_t)n;
	}
	printf("%.*s\n", (int)got, buf);
	ioth_close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2 && argc != 4) {
		fprintf(stderr, "usage: ioth-echo CONFIG [ADDRESS TEXT]\n");
		return 2;
	}
	ioth_set_license("LGPL-2.1-or-later");
	struct ioth *stack = ioth_newstackc(argv[1]);
	if (stack == NULL) {
		fprintf(stderr, "ioth-echo: %s\n", ioth_last_error());
		return 1;
	}
	int status = argc == 2 ? serve(stack) : ask(stack, argv[2], argv[3]);
	ioth_delstack(stack);
	return status;
}
