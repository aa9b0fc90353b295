/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program of the time of libvdestack 0.1, compiled with its header and linked with its library:
 *
 *     old_program NETWORK
 *
 * uses all five calls and prints what it sees, which must be the same with either library.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>

/* Binds a socket to the stack's address and prints the result. */
static void try_bind(const char *what, int fd)
{
	struct sockaddr_in sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = inet_addr("10.177.0.1");
	if (fd < 0)
		printf("%s: no socket: %s\n", what, strerror(errno));
	else
		printf("%s: %s\n", what,
		       bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 ? "bound" : strerror(errno));
	close(fd);
}

static void run(struct vdestack *stack, char *commands)
{
	fflush(stdout);
	printf("%s -> %d\n", commands, vde_stackcmd(stack, commands));
}

int main(int argc, char **argv)
{
	struct vdestack *empty, *stack;

	if (argc != 2)
		return 2;
	empty = vde_addstack(NULL, NULL);
	stack = vde_addstack(argv[1], "eth0");
	if (empty == NULL || stack == NULL) {
		perror("vde_addstack");
		return 1;
	}
	run(stack, "/bin/ip link set eth0 up;/bin/ip addr add 10.177.0.1/24 dev eth0");
	run(stack, "/bin/sh -c 'exit 3'");
	run(stack, "/bin/true; /bin/false; /bin/echo not reached");
	run(stack, "/bin/sh -c \"printf 'two lines\\n, %s and %s\\n' a\\;b 'c'\" x 'y z'");
	run(stack, "/no/such/command");
	try_bind("host", socket(AF_INET, SOCK_DGRAM, 0));
	try_bind("stack", vde_msocket(stack, AF_INET, SOCK_DGRAM, 0));
	close(vde_msocket(empty, AF_INET, SOCK_DGRAM, 0));
	vde_default_stack(stack);
	try_bind("default", socket(AF_INET, SOCK_DGRAM, 0));
	vde_default_stack(NULL);
	try_bind("host again", socket(AF_INET, SOCK_DGRAM, 0));
	vde_delstack(stack);
	vde_delstack(empty);
	puts("done");
	return 0;
}
