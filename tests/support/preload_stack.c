/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Preloaded together with the library: gives a name server, which does not know the library, a default
 * stack before its main(). A process beside it asks the server from another stack. It prints the answer and
 * ends the server.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vdestack.h>

#define ATTEMPTS 100
#define APART_MS 100

/* test.example, type A, class IN; RFC 1035, section 4.1 */
static const unsigned char query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				     "\x04test\x07" "example\x00\x00\x01\x00\x01";

static void fail(const char *step)
{
	fprintf(stderr, "%s: %s\n", step, vdestack_last_error());
	_exit(1);
}

static int ask(int fd)
{
	struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons(5300) };
	struct pollfd answer = { .fd = fd, .events = POLLIN };
	unsigned char got[512];

	inet_pton(AF_INET, "10.9.0.1", &server.sin_addr);
	for (int i = 0; i < ATTEMPTS; i++) {
		(void)sendto(fd, query, sizeof(query) - 1, 0, (struct sockaddr *)&server, sizeof(server));
		if (poll(&answer, 1, APART_MS) > 0) {
			ssize_t n = recv(fd, got, sizeof(got), 0);
			if (n > 4)
				return printf("answer %d.%d.%d.%d\n", got[n - 4], got[n - 3], got[n - 2],
					      got[n - 1]);
			(void)poll(NULL, 0, APART_MS); /* refused, as nobody listens yet */
		}
	}
	return printf("no answer\n");
}

/* Without descriptors of the library, so that none keeps the server's stack. */
static void ask_and_end(int fd, pid_t server)
{
	(void)dup2(fd, 3);
	(void)syscall(SYS_close_range, 4u, ~0u, 0);
	(void)ask(3);
	(void)fflush(stdout);
	(void)kill(server, SIGTERM);
	_exit(0);
}

__attribute__((constructor)) static void begin(void)
{
	(void)unsetenv("LD_PRELOAD"); /* not for the processes of the library */
	struct vdestack *served = vdestack_new("vnl=inproc://lan ip=10.9.0.1/24", NULL);
	struct vdestack *other = vdestack_new("vnl=inproc://lan ip=10.9.0.2/24", NULL);
	pid_t server = getpid();

	/* both have been defaults, so both stay when their descriptors are closed */
	if (served == NULL || other == NULL || vdestack_set_default(other) < 0 ||
	    vdestack_set_default(served) < 0)
		fail("no stacks");
	int fd = vdestack_msocket(other, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fail("no socket");
	pid_t pid = fork();
	if (pid == 0) {
		if (fork() == 0)
			ask_and_end(fd, server);
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
}
