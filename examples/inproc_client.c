/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client with two stacks, hence two addresses, on one segment; and how code that does not
 * know about stacks uses them.
 *
 * connect_to() below could be part of a library written long ago: it calls plain socket(2). The
 * default stack of the thread chooses its network.
 */

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vdestack.h>

#define ADDR "10.0.0.1"
#define PORT 13

static struct vdestack *make_stack(const char *config)
{
	struct vdestack *stack = vdestack_new(config, NULL);

	if (stack == NULL) {
		fprintf(stderr, "inproc_client: %s\n", vdestack_last_error());
		exit(1);
	}
	return stack;
}

/* Old code. */
static int connect_to(const char *addr, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, addr, &to.sin_addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("inproc_client");
		exit(1);
	}
	return fd;
}

/* Sends two clients their own addresses. Runs on a thread without default stack. */
static void *serve(void *arg)
{
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		char text[64], addr[INET_ADDRSTRLEN];
		int conn = accept(*(int *)arg, (struct sockaddr *)&from, &len);

		if (conn < 0)
			break;
		inet_ntop(AF_INET, &from.sin_addr, addr, sizeof(addr));
		snprintf(text, sizeof(text), "you are %s", addr);
		if (write(conn, text, strlen(text)) < 0)
			perror("inproc_client");
		close(conn);
	}
	return NULL;
}

static void ask_as(const char *name, struct vdestack *stack)
{
	char text[64] = "";
	struct vdestack *before;

	if (vdestack_swap_thread_default(stack, &before) < 0) { /* from here on this thread's socket(2) is in the stack */
		fprintf(stderr, "%s\n", vdestack_last_error());
		return;
	}
	int fd = connect_to(ADDR, PORT);
	if (vdestack_set_thread_default(before) < 0) /* and from here on where it was */
		fprintf(stderr, "%s\n", vdestack_last_error());
	if (read(fd, text, sizeof(text) - 1) < 0)
		perror("inproc_client");
	printf("%s hears: %s\n", name, text);
	close(fd);
}

int main(void)
{
	struct vdestack *server = make_stack("vnl=inproc://lan ip=" ADDR "/24");
	struct vdestack *alice = make_stack("vnl=inproc://lan ip=10.0.0.2/24");
	struct vdestack *bob = make_stack("vnl=inproc://lan ip=10.0.0.3/24");
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int listener = vdestack_msocket(server, AF_INET, SOCK_STREAM, 0);
	pthread_t thread;

	if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(listener, 2) < 0 || pthread_create(&thread, NULL, serve, &listener) != 0) {
		perror("inproc_client");
		return 1;
	}
	ask_as("alice", alice);
	ask_as("bob", bob);
	pthread_join(thread, NULL);
	close(listener);
	vdestack_delete(bob);
	vdestack_delete(alice);
	vdestack_delete(server);
	return 0;
}
