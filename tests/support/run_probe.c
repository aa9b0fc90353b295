/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 *     run_probe CASE [ARGUMENT...]
 *
 * A program that knows nothing of stacks, to be started by `vdestack run`. It is built dynamic and static. It
 * exits with 0 if all is as CASE says, with 1 and a message if not.
 *
 * Whether a socket is in a stack: the cookie of its network namespace is not that of a unix socket, which
 * stays in the host's network.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_probe.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

char **words;

uint64_t cookie(int fd)
{
	uint64_t value = 0;
	socklen_t len = sizeof(value);

	CHECK(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &value, &len) == 0);
	return value;
}

bool in_stack(int fd)
{
	int host = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(host >= 0);
	bool differs = cookie(fd) != cookie(host);
	close(host);
	return differs;
}

int make(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	CHECK(fd >= 0);
	CHECK(in_stack(fd));
	return fd;
}

void one_socket(void)
{
	close(make(AF_INET, SOCK_STREAM, 0));
}

void end_child(pid_t pid)
{
	int status = -1;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
}

/* A connection to the listener, words in both directions. */
void talk(int listener)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char c = 0;

	CHECK(getsockname(listener, (struct sockaddr *)&sin, &len) == 0);
	int client = make(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(client, (struct sockaddr *)&sin, len) == 0);
	int server = accept(listener, NULL, NULL);
	CHECK(server >= 0);
	CHECK(write(client, "a", 1) == 1 && read(server, &c, 1) == 1 && c == 'a');
	CHECK(write(server, "b", 1) == 1 && read(client, &c, 1) == 1 && c == 'b');
	close(client);
	close(server);
}

int listen_on(int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons((uint16_t)port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = make(AF_INET, SOCK_STREAM, 0);

	CHECK(bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 && listen(fd, 10) == 0);
	return fd;
}

int count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	CHECK(d != NULL);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

int main(int argc, char *argv[])
{
	static const struct probe_case *const all[] = { probe_sockets, probe_rules, probe_interfaces,
								probe_life, probe_attacks };

	words = argv + 2;
	for (size_t i = 0; argc > 1 && i < sizeof(all) / sizeof(all[0]); i++) {
		for (const struct probe_case *c = all[i]; c->name != NULL; c++) {
			if (strcmp(c->name, argv[1]) == 0) {
				c->run();
				return 0;
			}
		}
	}
	(void)fprintf(stderr, "run_probe: no such case\n");
	return 2;
}
