/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * c-ares in a stack: it asks the name server 10.0.0.1, which is in the network of the stack.
 *
 * c-ares opens its sockets in ares_getaddrinfo() and in ares_process_fd(): for the first question, for the
 * next server, for TCP. So the thread has the stack as its default during these calls, and its former default
 * otherwise. The sockets are waited for as any others are.
 *
 * This holds for channels that the program's own thread serves. A channel with ARES_OPT_EVENT_THREAD opens
 * sockets in a thread of c-ares, which has no default of its own.
 *
 * Needs c-ares (pkg-config: libcares).
 */

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vdestack.h>

static int fail(const char *why)
{
	fprintf(stderr, "cares_lookup: %s\n", why);
	exit(1);
}

/* ------------------------------------------------------------------ a name server */

/* Answers one question for an A record with 10.0.0.7. */
static void *answer(void *arg)
{
	static const unsigned char record[16] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 7 };
	unsigned char message[512];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(*(int *)arg, message, sizeof(message) - sizeof(record), 0, (struct sockaddr *)&from, &len);

	if (n < 12)
		fail("no question has come");
	size_t end = 12; /* of the question; an OPT record may follow it */
	while (end < (size_t)n && message[end] != 0)
		end += message[end] + 1u;
	end += 5;
	message[2] = 0x84; /* a response, authoritative */
	message[3] = 0;
	message[7] = 1; /* answers */
	message[11] = 0; /* additional records */
	memcpy(message + end, record, sizeof(record));
	if (sendto(*(int *)arg, message, end + sizeof(record), 0, (struct sockaddr *)&from, len) < 0)
		fail("the answer could not be sent");
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

/* ------------------------------------------------------------------ the lookup */

static void found(void *done, int status, int timeouts, struct ares_addrinfo *info)
{
	char text[INET_ADDRSTRLEN];

	(void)timeouts;
	if (status == ARES_SUCCESS) {
		const struct sockaddr_in *at = (const void *)info->nodes->ai_addr;
		printf("%s: %s\n", info->name, inet_ntop(AF_INET, &at->sin_addr, text, sizeof(text)));
		ares_freeaddrinfo(info);
	} else {
		printf("%s\n", ares_strerror(status));
	}
	*(int *)done = 1;
}

static struct vdestack *enter(struct vdestack *stack)
{
	struct vdestack *before;

	if (vdestack_swap_thread_default(stack, &before) < 0)
		fail(vdestack_last_error());
	return before;
}

/* c-ares reports which socket it waits for. One question to one server needs one socket at a time. */
static void wait_for(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct pollfd *waiting = arg;

	waiting->fd = readable || writable ? fd : -1;
	waiting->events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
}

static void look_up(struct vdestack *stack, const char *name)
{
	struct pollfd waiting = { .fd = -1 };
	struct ares_options options = { .sock_state_cb = wait_for, .sock_state_cb_data = &waiting };
	const struct ares_addrinfo_hints hints = { .ai_family = AF_INET };
	ares_channel channel;
	int done = 0;

	if (ares_init_options(&channel, &options, ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS ||
	    ares_set_servers_csv(channel, "10.0.0.1") != ARES_SUCCESS)
		fail("no channel");
	struct vdestack *before = enter(stack);
	ares_getaddrinfo(channel, name, NULL, &hints, found, &done);
	enter(before);
	while (!done) {
		poll(&waiting, 1, 100); /* ares_timeout() says how long exactly */
		before = enter(stack);
		ares_process_fd(channel, waiting.revents & POLLIN ? waiting.fd : ARES_SOCKET_BAD,
				waiting.revents & POLLOUT ? waiting.fd : ARES_SOCKET_BAD);
		enter(before);
	}
	ares_destroy(channel); /* closes the socket; then the stack can be deleted */
}

int main(void)
{
	struct vdestack *there = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24", NULL);
	struct vdestack *here = vdestack_new("vnl=inproc://lan ip=10.0.0.2/24", NULL);
	pthread_t thread;

	if (there == NULL || here == NULL)
		fail(vdestack_last_error());
	int server = name_server(there);
	if (pthread_create(&thread, NULL, answer, &server) != 0 || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		fail("cannot start");
	look_up(here, "printer.example");
	pthread_join(thread, NULL);
	close(server);
	ares_library_cleanup();
	return vdestack_delete(here) < 0 || vdestack_delete(there) < 0;
}
