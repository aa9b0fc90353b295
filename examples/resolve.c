/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Names that exist only in the network of a stack. This program has two stacks on one segment. In the second one
 * a thread is the name server. The first one looks a name up there, once waiting and once by an event loop.
 *
 * Needs libvdestack-dns: vdestack::dns in CMake, vdestack-dns of pkg-config.
 */

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vdestack.h>
#include <vdestack/dns.h>

static int fail(const char *why)
{
	fprintf(stderr, "resolve: %s\n", why);
	exit(1);
}

/* ------------------------------------------------------------------ a name server */

/* Every name has the address 10.0.0.7, for a minute; one question after the other. */
static void *answer(void *arg)
{
	static const unsigned char record[16] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 7 };
	unsigned char message[512];
	struct sockaddr_in from;

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(*(int *)arg, message, sizeof(message) - sizeof(record), 0,
				     (struct sockaddr *)&from, &len);
		size_t end = 12; /* of the question; an OPT record may follow it */
		while (n > 12 && end < (size_t)n && message[end] != 0)
			end += message[end] + 1u;
		end += 5;
		if (n < (ssize_t)end)
			continue;
		int asks_ipv4 = message[end - 3] == 1;
		message[2] = 0x84; /* a response, authoritative */
		message[3] = 0;
		message[7] = (unsigned char)asks_ipv4; /* answers */
		message[11] = 0; /* additional records */
		memcpy(message + end, record, sizeof(record));
		(void)sendto(*(int *)arg, message, end + (asks_ipv4 ? sizeof(record) : 0), 0,
			     (struct sockaddr *)&from, len);
	}
	return NULL;
}

static int name_server(struct vdestack *stack)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53) };
	int fd = vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		fail("no name server");
	return fd;
}

/* ------------------------------------------------------------------ lookups */

static void show(struct vdestack *stack, const char *name, struct addrinfo *list)
{
	char host[64], port[16];

	for (struct addrinfo *at = list; at != NULL; at = at->ai_next)
		if (vdestack_getnameinfo(stack, at->ai_addr, at->ai_addrlen, host, sizeof(host), port, sizeof(port),
					 NI_NUMERICHOST | NI_NUMERICSERV) == 0)
			printf("%s: %s port %s\n", name, host, port);
	vdestack_freeaddrinfo(list);
}

static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };

static void look_up(struct vdestack *stack, const char *name)
{
	struct addrinfo *list;

	if (vdestack_getaddrinfo(stack, name, "http", &hints, &list) != 0)
		fail(vdestack_dns_last_error());
	show(stack, name, list);
}

static void look_up_without_waiting(struct vdestack *stack, const char *name)
{
	struct vdestack_dns_lookup *lookup = vdestack_dns_start(vdestack_dns_of(stack), name, "https", &hints);
	struct addrinfo *list;
	int done;

	if (lookup == NULL)
		fail(vdestack_dns_last_error());
	while ((done = vdestack_dns_finish(lookup, &list)) == 0) {
		struct pollfd wait = { .fd = vdestack_dns_fd(lookup), .events = POLLIN };
		poll(&wait, 1, -1); /* here a program waits for its other descriptors, too */
	}
	if (done < 0)
		fail(vdestack_dns_last_error());
	show(stack, name, list);
}

int main(void)
{
	struct vdestack *stack = vdestack_new("vnl=inproc://lan ip=10.0.0.2/24", NULL);
	struct vdestack *server = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24", NULL);
	const struct vdestack_dns_opts opts = { .size = sizeof(opts), .servers = "10.0.0.1", .search = "example" };
	pthread_t thread;

	if (stack == NULL || server == NULL)
		fail(vdestack_last_error());
	int fd = name_server(server);
	if (pthread_create(&thread, NULL, answer, &fd) != 0)
		fail("no thread");
	if (vdestack_dns_set(stack, &opts) < 0)
		fail(vdestack_dns_last_error());
	look_up(stack, "www");
	look_up_without_waiting(stack, "www.example");

	pthread_cancel(thread);
	pthread_join(thread, NULL);
	close(fd);
	return vdestack_delete(stack) < 0 || vdestack_delete(server) < 0;
}
