/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a user of libvdestack 0.1 preloads into a program: a constructor that gives it a stack. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <vdestack.h>

__attribute__((constructor)) static void enter(void)
{
	char commands[] = "/bin/ip link set vde0 up;/bin/ip addr add 10.9.0.1/24 dev vde0";
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct vdestack *stack = vde_addstack("null://", NULL);

	if (stack == NULL || vde_stackcmd(stack, commands) != 0) {
		fprintf(stderr, "preload: %s\n", vdestack_last_error());
		exit(1);
	}
	vde_default_stack(stack);
	addr.sin_addr.s_addr = inet_addr("10.9.0.1");
	if (bind(vde_msocket(stack, AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		perror("preload: bind");
		exit(1);
	}
}
