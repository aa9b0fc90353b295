/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <stdio.h>
#include <vdestack.h>

int main(void)
{
	struct vdestack *a = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24", NULL);
	struct vdestack *b = vdestack_new("vnl=inproc://lan ip=10.0.0.2/24", NULL);
	if (a == NULL || b == NULL)
		return fprintf(stderr, "%s\n", vdestack_last_error()), 1;
	int server = vdestack_msocket(a, AF_INET, SOCK_DGRAM, 0);
	int client = vdestack_msocket(b, AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(7) };
	char text[16] = "";
	inet_pton(AF_INET, "10.0.0.1", &at.sin_addr);
	if (bind(server, (void *)&at, sizeof(at)) < 0 ||
	    sendto(client, "hello", 5, 0, (void *)&at, sizeof(at)) < 0 ||
	    recv(server, text, sizeof(text) - 1, 0) < 0)
		return perror("hello"), 1;
	return printf("10.0.0.1 got: %s\n", text) < 0;
}
