/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One address announced by ARP.
 *
 * The announcement of a whole configuration sets the MAC, and the kernel announces all addresses then. For
 * one address more that would be too much: with a thousand addresses each further one would announce a
 * thousand, and the kernel would forget what it knows of neighbours. So one frame is sent by a packet socket.
 */

#include "announce.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "config/config.h"
#include "rtnl/rtnl.h"
#include <vdestack.h>

#define ARP_BYTES 28

/* RFC 5227 section 2.3: an ARP request (RFC 826) whose sender and target address are the same. */
static void write_announcement(unsigned char arp[ARP_BYTES], const unsigned char mac[6],
			       const unsigned char ip[4])
{
	/* Ethernet, IPv4, the lengths of their addresses, a request */
	static const unsigned char head[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };

	memset(arp, 0, ARP_BYTES);
	memcpy(arp, head, sizeof(head));
	memcpy(arp + 8, mac, 6);
	memcpy(arp + 14, ip, 4);
	memcpy(arp + 24, ip, 4);
}

void vs_announce_addr(struct vdestack *stack, const struct vs_rtnl_link *link,
		      const struct vs_conf_addr *addr)
{
	VS_ERROR_KEEP;
	struct sockaddr_ll all = { .sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ARP),
				   .sll_ifindex = link->ifindex,
				   .sll_halen = ETH_ALEN };
	unsigned char arp[ARP_BYTES];

	if (addr->family != AF_INET || !link->has_mac || (link->flags & IFF_UP) == 0 ||
	    (link->flags & IFF_NOARP) != 0)
		return;
	VS_AUTO_CLOSE fd = vdestack_msocket(stack, AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	memset(all.sll_addr, 0xff, ETH_ALEN);
	write_announcement(arp, link->mac, addr->bytes);
	(void)sendto(fd, arp, sizeof(arp), MSG_DONTWAIT, (struct sockaddr *)&all,
		     sizeof(all)); /* best effort */
}
