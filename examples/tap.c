/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A host made by hand. It is the network of a stack, answers its question for the Ethernet address of 10.0.0.9
 * (ARP, RFC 826) and gets the datagram that the stack sends there.
 *
 *     ./tap
 */

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>
#include <vdestack/capture.h>

static const unsigned char our_mac[6] = { 2, 0, 0, 0, 0, 9 };

/* Turns the question into its answer. */
static void answer(struct ether_header *eth, struct ether_arp *arp)
{
	unsigned char asked[4];

	memcpy(asked, arp->arp_tpa, 4);
	memcpy(eth->ether_dhost, eth->ether_shost, 6);
	memcpy(eth->ether_shost, our_mac, 6);
	arp->ea_hdr.ar_op = htons(ARPOP_REPLY);
	memcpy(arp->arp_tha, arp->arp_sha, 6);
	memcpy(arp->arp_tpa, arp->arp_spa, 4);
	memcpy(arp->arp_sha, our_mac, 6);
	memcpy(arp->arp_spa, asked, 4);
}

/* 1: the datagram has come. 0: another frame. */
static int serve(int tap, unsigned char *frame, ssize_t n)
{
	struct ether_header *eth = (void *)frame;
	unsigned type = ntohs(eth->ether_type);

	if (type == ETHERTYPE_ARP && n >= 42) {
		printf("a question by ARP\n");
		answer(eth, (void *)(frame + sizeof(*eth)));
		return write(tap, frame, 42) < 0 ? -1 : 0;
	}
	if (type != ETHERTYPE_IP || n < 42)
		return 0;
	printf("a datagram: %.*s\n", (int)(n - 42), (const char *)frame + 42);
	return 1;
}

int main(void)
{
	struct vdestack_tap_opts opts = { .size = sizeof(opts), .flags = VDESTACK_TAP_ALONE };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	static _Alignas(4) unsigned char frame[65600];
	struct vdestack *stack = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24", NULL);
	int tap = stack != NULL ? vdestack_tap_open(stack, "vde0", &opts) : -1;
	int s = tap >= 0 ? vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1, done = 0;

	if (s < 0) {
		fprintf(stderr, "%s\n", vdestack_last_error());
		return 1;
	}
	(void)inet_pton(AF_INET, "10.0.0.9", &to.sin_addr);
	if (sendto(s, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		perror("sendto");
	while (done == 0) {
		struct pollfd p = { .fd = tap, .events = POLLIN };
		ssize_t n = poll(&p, 1, 5000) > 0 ? read(tap, frame, sizeof(frame)) : 0;
		done = n <= 0 ? -1 : serve(tap, frame, n);
	}
	return done == 1 ? 0 : 1;
}
