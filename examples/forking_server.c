/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The classic server, one process for each connection, on a stack.
 *
 *     forking_server             runs with three clients on another stack
 *     forking_server CONFIG      serves TCP port 79 until it is killed
 *
 * fork(2) needs no care: the child uses its copy of the handle as the parent does, and what the
 * child does with it, deletion included, concerns the child alone. wait(2) sees the server's
 * own children and nothing of the library's.
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vdestack.h>

#define ADDR "10.0.0.1"
#define PORT 79
#define CLIENTS 3

static void fail(const char *why)
{
	fprintf(stderr, "forking_server: %s\n", why);
	exit(1);
}

static struct vdestack *make_stack(const char *config)
{
	struct vdestack *stack = vdestack_new(config, NULL);

	if (stack == NULL)
		fail(vdestack_last_error());
	return stack;
}

static int tcp_socket(struct vdestack *stack)
{
	int fd = vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		fail(vdestack_last_error());
	return fd;
}

/* In the child. It makes a socket in the stack itself, only to show that it can. */
static void serve(struct vdestack *stack, int conn)
{
	static const char text[] = "served by a process of its own\n";
	int own = tcp_socket(stack);

	if (write(conn, text, strlen(text)) < 0)
		fail("cannot answer");
	close(own);
	vdestack_delete(stack); /* the child's copy; the parent's stack lives on */
	exit(0);
}

/* n connections; -1: for ever. */
static void accept_connections(struct vdestack *stack, int listener, int n)
{
	for (int i = 0; i != n; i++) {
		int conn = accept(listener, NULL, NULL);
		if (conn < 0)
			fail("cannot accept");
		pid_t pid = fork();
		if (pid == 0)
			serve(stack, conn);
		if (pid < 0)
			perror("forking_server");
		close(conn);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* In a child of its own: asks n times over another stack, and prints the answers. */
static void ask(int n)
{
	struct vdestack *stack = make_stack("vnl=inproc://lan ip=10.0.0.2/24");
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	inet_pton(AF_INET, ADDR, &to.sin_addr);
	for (int i = 0; i < n; i++) {
		char text[64] = "";
		int fd = tcp_socket(stack);

		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		    read(fd, text, sizeof(text) - 1) <= 0)
			fail("cannot ask");
		printf("client %d: %s", i + 1, text);
		close(fd);
	}
	vdestack_delete(stack);
	exit(0); /* flushes what was printed */
}

int main(int argc, char **argv)
{
	struct vdestack *stack = make_stack(argc == 2 ? argv[1] : "vnl=inproc://lan ip=" ADDR "/24");
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int listener = tcp_socket(stack), status = 0;

	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(listener, 16) < 0)
		fail("cannot listen");
	if (argc == 2)
		accept_connections(stack, listener, -1);
	pid_t client = fork(); /* segments belong to the program, so inproc://lan is the same for parent and child */
	if (client == 0)
		ask(CLIENTS);
	accept_connections(stack, listener, CLIENTS);
	int failed = 0;
	while (wait(&status) > 0)
		failed |= status;
	vdestack_delete(stack);
	return failed != 0;
}
