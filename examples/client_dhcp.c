/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client whose addresses and names come from the network.
 *
 *     client_dhcp CONFIG HOST:PORT TEXT
 *     client_dhcp 'vnl=vde:///tmp/net dhcp' www.example.org:echo hello
 *
 * It makes a stack with an address source (vdestack_config(7)) and prints what that has learned. Then it connects
 * to a server by name, sends a text and prints the answer.
 *
 * Needs libvdestack-dns: vdestack::dns in CMake, vdestack-dns of pkg-config.
 */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vdestack.h>
#include <vdestack/dial.h>
#include <vdestack/dns.h>
#include <vdestack/sources.h>

#define LEARNED_MAX 64

static int fail(const char *why)
{
	fprintf(stderr, "client_dhcp: %s\n", why);
	return 1;
}

static int show_sources(struct vdestack *stack)
{
	struct vdestack_source list[8];
	int n = vdestack_sources(stack, NULL, list, 8);

	for (int i = 0; i < n && i < 8; i++)
		printf("%s: %s, server %s\n", list[i].ifname, list[i].state, list[i].server);
	return n;
}

static int show_learned(struct vdestack *stack)
{
	struct vdestack_learned_item list[LEARNED_MAX];
	int n = vdestack_learned(stack, NULL, list, LEARNED_MAX);

	for (int i = 0; i < n && i < LEARNED_MAX; i++) {
		const struct vdestack_learned_item *item = &list[i];
		if (item->type == VDESTACK_LEARNED_ADDRESS)
			printf("address %s/%d\n", item->addr, item->prefix_len);
		else if (item->type == VDESTACK_LEARNED_ROUTE && item->prefix_len == 0)
			printf("default route via %s\n", item->gw);
		else if (item->type == VDESTACK_LEARNED_DNS)
			printf("name server %s\n", item->addr);
		else if (item->type == VDESTACK_LEARNED_SEARCH)
			printf("domain %s\n", item->text);
	}
	return n;
}

int main(int argc, char **argv)
{
	char answer[256] = "";

	if (argc != 4)
		return fail("usage: client_dhcp CONFIG HOST:PORT TEXT");

	/* It returns when there is an address. */
	struct vdestack *stack = vdestack_new(argv[1], NULL);
	if (stack == NULL || show_sources(stack) < 0 || show_learned(stack) < 0)
		return fail(vdestack_last_error());

	int fd = vdestack_dial(stack, "tcp", argv[2], 5000);
	if (fd < 0)
		return fail(vdestack_dns_last_error());
	if (send(fd, argv[3], strlen(argv[3]), MSG_NOSIGNAL) < 0 || recv(fd, answer, sizeof(answer) - 1, 0) <= 0)
		return fail("no answer");
	printf("%s says: %s\n", argv[2], answer);
	close(fd);
	return vdestack_delete(stack) < 0; /* the server gets the lease back */
}
