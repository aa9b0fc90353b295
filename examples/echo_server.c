/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An echo server on a stack of its own.
 *
 *     echo_server CONFIG                serves TCP port 7 until it is killed
 *     echo_server CONFIG COMMAND...     serves while COMMAND runs inside the same stack
 *
 * CONFIG is what vdestack_new() takes (vdestack_config(7)):
 *
 *     echo_server 'vnl=vde:///tmp/net ip=10.0.0.1/24'
 *     echo_server 'vnl=inproc://lan ip=10.0.0.1/24' sh -c 'echo hello | nc -N 10.0.0.1 7'
 *
 * The only line a server of the host network needs changed is the one that makes its socket.
 */

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <vdestack.h>

static int listen_on(struct vdestack *stack, int port)
{
	/* In a new stack every user may use ports below 1024. */
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = vdestack_msocket(stack, AF_INET6, SOCK_STREAM, 0); /* IPv4 as well */

	if (fd < 0) {
		fprintf(stderr, "echo_server: %s\n", vdestack_last_error());
		return -1;
	}
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 16) < 0) {
		perror("echo_server");
		close(fd);
		return -1;
	}
	return fd;
}

static void echo(int conn)
{
	char buf[4096];
	ssize_t n;

	while ((n = recv(conn, buf, sizeof(buf), 0)) > 0)
		if (send(conn, buf, (size_t)n, MSG_NOSIGNAL) != n)
			break;
	close(conn);
}

/* One connection at a time, until done (a descriptor, -1: never) becomes readable. */
static void serve(int listener, int done)
{
	struct pollfd fds[2] = { { .fd = listener, .events = POLLIN }, { .fd = done, .events = POLLIN } };

	while (poll(fds, 2, -1) >= 0 && fds[1].revents == 0) {
		int conn = accept(listener, NULL, NULL);
		if (conn >= 0)
			echo(conn);
	}
}

int main(int argc, char **argv)
{
	int listener, done = -1, pidfd = -1, status = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: echo_server CONFIG [COMMAND...]\n");
		return 2;
	}
	struct vdestack *stack = vdestack_new(argv[1], NULL);
	if (stack == NULL) {
		fprintf(stderr, "echo_server: %s\n", vdestack_last_error());
		return 1;
	}
	listener = listen_on(stack, 7);
	if (listener < 0)
		return 1;
	if (argc > 2) {
		pidfd = vdestack_spawn(stack, argv + 2, NULL, &done);
		if (pidfd < 0) {
			fprintf(stderr, "echo_server: %s\n", vdestack_last_error());
			return 1;
		}
		close(pidfd); /* only needed to send signals to the command */
	}
	serve(listener, done);
	if (done >= 0 && vdestack_cmd_wait(done, &status, 0) < 0)
		fprintf(stderr, "echo_server: %s\n", vdestack_last_error());
	close(listener);
	vdestack_delete(stack);
	return status == 0 ? 0 : 1;
}
