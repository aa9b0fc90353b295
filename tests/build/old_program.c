/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program of the time of libvdestack 0.1, compiled with its header and linked with its library. */

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vdestack.h>

int main(void)
{
	int before, after, inside;
	struct vdestack *stack = vde_addstack(NULL, NULL);

	if (stack == NULL) {
		perror("vde_addstack");
		return 1;
	}
	before = socket(AF_INET, SOCK_DGRAM, 0);
	inside = vde_msocket(stack, AF_INET, SOCK_DGRAM, 0);
	vde_default_stack(stack);
	after = socket(AF_INET, SOCK_DGRAM, 0);
	vde_default_stack(NULL);
	vde_delstack(stack);
	if (before < 0 || inside < 0 || after < 0) {
		perror("socket");
		return 1;
	}
	puts("done");
	return 0;
}
