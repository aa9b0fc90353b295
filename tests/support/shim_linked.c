/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program in a run that links the library, its resolver and c-ares itself.
 *
 *     shim_linked COOKIE      of the run's network, in which 10.9.0.2 is a name server
 */

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>
#include <vdestack/dns.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define REQUIRE(cond)                                                                                        \
	do {                                                                                                 \
		if (!(cond)) {                                                                               \
			(void)dprintf(2, "shim_linked:%d: not true: %s (%s; %s)\n", __LINE__, #cond,         \
				      strerror(errno), vdestack_last_error());                               \
			_exit(1);                                                                            \
		}                                                                                            \
	} while (0)

static uint64_t cookie_of(int fd)
{
	uint64_t value = 0;
	socklen_t len = sizeof(value);

	REQUIRE(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &value, &len) == 0);
	return value;
}

static void require_run(const char *cookie)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	REQUIRE(fd >= 0 && cookie_of(fd) == strtoull(cookie, NULL, 10));
	(void)close(fd);
}

static void found(void *arg, int status, int timeouts, struct ares_addrinfo *list)
{
	(void)timeouts;
	*(int *)arg = status;
	if (list != NULL)
		ares_freeaddrinfo(list);
}

static void ask_by_c_ares(void)
{
	const struct ares_addrinfo_hints hints = { .ai_family = AF_INET };
	ares_channel channel;
	int status = -1;

	REQUIRE(ares_library_init(ARES_LIB_INIT_ALL) == 0 && ares_init(&channel) == 0);
	REQUIRE(ares_set_servers_csv(channel, "10.9.0.2") == 0);
	ares_getaddrinfo(channel, "one.example", NULL, &hints, found, &status);
	while (status == -1) {
		struct timeval room, *wait;
		fd_set in, out;
		FD_ZERO(&in);
		FD_ZERO(&out);
		int n = ares_fds(channel, &in, &out);
		if (n == 0)
			break;
		wait = ares_timeout(channel, NULL, &room);
		REQUIRE(select(n, &in, &out, NULL, wait) >= 0);
		ares_process(channel, &in, &out);
	}
	REQUIRE(status == ARES_SUCCESS);
	ares_destroy(channel);
	ares_library_cleanup();
}

int main(int argc, char *argv[])
{
	struct addrinfo *list = NULL;

	REQUIRE(argc > 1);
	for (int i = 0; i < 5; i++)
		require_run(argv[1]);
	REQUIRE(getaddrinfo("two.example", "80", NULL, &list) == 0);
	freeaddrinfo(list);
	ask_by_c_ares();
	/* A stack of its own is another network, although its keeper has the filter of the run. */
	struct vdestack *stack = vdestack_new("vnl=inproc://own ip=10.7.0.1/24", NULL);
	REQUIRE(stack != NULL);
	int fd = vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr = { htonl(0x0a070001) } };
	REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0);
	REQUIRE(cookie_of(fd) != strtoull(argv[1], NULL, 10));
	(void)close(fd);
	REQUIRE(vdestack_delete(stack) == 0);
	require_run(argv[1]);
	return 0;
}
