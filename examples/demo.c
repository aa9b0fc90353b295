/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Two network stacks in one program: a web server on one, its client on the other.
 *
 * Both are on "inproc://lan", an Ethernet segment inside the program, so nothing has
 * to be started before and no privilege is needed. With "vnl=vde:///tmp/net" in place of it, the
 * same program would communicate over a vde_switch.
 */

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vdestack.h>
#include <vdestack/conf.h>

#define SERVER_ADDR "10.0.0.1"

static const char page[] = "HTTP/1.0 200 OK\r\n\r\nHello from another network stack!\n";

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, vdestack_last_error());
	exit(1);
}

/* vdestack_new() returns a stack that works, or NULL and a message that says what is wrong. */
static struct vdestack *make_stack(const char *who, const char *config)
{
	struct vdestack *stack = vdestack_new(config, NULL);

	if (stack == NULL)
		fail("no stack");
	printf("%s has a stack: %s\n", who, config);
	return stack;
}

/* The IPv4 addresses that exist in a stack: only its own. */
static void show_addresses(const char *who, struct vdestack *stack)
{
	struct ifaddrs *list;
	char text[INET_ADDRSTRLEN];

	if (vdestack_getifaddrs(stack, &list) < 0)
		fail("no addresses");
	for (struct ifaddrs *at = list; at != NULL; at = at->ifa_next) {
		if (at->ifa_addr == NULL || at->ifa_addr->sa_family != AF_INET)
			continue;
		inet_ntop(AF_INET, &((struct sockaddr_in *)at->ifa_addr)->sin_addr, text, sizeof(text));
		printf("%s has %s on %s\n", who, text, at->ifa_name);
	}
	vdestack_freeifaddrs(list);
}

/* Answers one request. The socket is like any other; this code does not know about stacks. */
static void *serve(void *arg)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char request[256], text[INET_ADDRSTRLEN];
	int conn = accept(*(int *)arg, (struct sockaddr *)&from, &len);

	if (conn >= 0 && read(conn, request, sizeof(request)) > 0) {
		printf("server is asked by %s\n", inet_ntop(AF_INET, &from.sin_addr, text, sizeof(text)));
		if (write(conn, page, strlen(page)) < 0)
			perror("server");
	}
	if (conn >= 0)
		close(conn);
	return NULL;
}

int main(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(80) };
	char answer[256] = "";
	pthread_t thread;

	setvbuf(stdout, NULL, _IOLBF, 0);
	struct vdestack *server = make_stack("server", "vnl=inproc://lan ip=" SERVER_ADDR "/24");
	struct vdestack *client = make_stack("client", "vnl=inproc://lan ip=10.0.0.2/24");
	show_addresses("server", server);
	show_addresses("client", client);

	/* socket(2) with a stack as its first argument; from here on these are ordinary sockets. */
	int listener = vdestack_msocket(server, AF_INET, SOCK_STREAM, 0);
	int conn = vdestack_msocket(client, AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || conn < 0)
		fail("no socket");
	inet_pton(AF_INET, SERVER_ADDR, &addr.sin_addr);
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(listener, 1) < 0 ||
	    pthread_create(&thread, NULL, serve, &listener) != 0) {
		perror("cannot serve");
		return 1;
	}
	if (connect(conn, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    write(conn, "GET /\r\n\r\n", 9) < 0 || read(conn, answer, sizeof(answer) - 1) <= 0) {
		perror("cannot ask");
		return 1;
	}
	pthread_join(thread, NULL);
	printf("client is answered: %s", strstr(answer, "Hello"));

	close(conn);
	close(listener);
	vdestack_delete(client);
	vdestack_delete(server);
	puts("both stacks are gone");
	return 0;
}
