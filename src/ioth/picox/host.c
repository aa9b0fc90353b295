/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include <lwip/ip4_addr.h>
#include <lwip/ip6_addr.h>
#include <string.h>

#define ETHER 14
#define TYPE_IP4 0x0800
#define TYPE_ARP 0x0806
#define TYPE_IP6 0x86dd

static bool takes4(const struct px_iface *iface, const unsigned char *packet, size_t n)
{
	ip4_addr_t from, to;

	if (n < 20)
		return false;
	memcpy(&from.addr, packet + 12, sizeof(from.addr));
	memcpy(&to.addr, packet + 16, sizeof(to.addr));
	if (ip4_addr_isloopback(&from) || ip4_addr_isloopback(&to))
		return false;
	if (ip4_addr_ismulticast(&to) || ip4_addr_isbroadcast(&to, &iface->netif))
		return true;
	for (const struct px_iface *i = px_iface_first(); i != NULL; i = i->next)
		if (ip4_addr_cmp(netif_ip4_addr(&i->netif), &to))
			return true;
	return false;
}

static bool takes6(const unsigned char *packet, size_t n)
{
	ip6_addr_t from = { 0 }, to = { 0 };

	if (n < 40)
		return false;
	memcpy(from.addr, packet + 8, sizeof(from.addr));
	memcpy(to.addr, packet + 24, sizeof(to.addr));
	if (ip6_addr_isloopback(&from) || ip6_addr_isloopback(&to))
		return false;
	if (ip6_addr_ismulticast(&to))
		return true;
	for (const struct px_iface *i = px_iface_first(); i != NULL; i = i->next)
		for (int k = 0; k < LWIP_IPV6_NUM_ADDRESSES; k++)
			if (!ip6_addr_isinvalid(netif_ip6_addr_state(&i->netif, k)) &&
			    ip6_addr_cmp_zoneless(netif_ip6_addr(&i->netif, k), &to))
				return true;
	return false;
}

bool px_host_takes(const struct px_iface *iface, const void *frame, size_t n)
{
	const unsigned char *b = frame;

	if (n < ETHER)
		return false;
	switch (b[12] << 8 | b[13]) {
	case TYPE_ARP:
		return true;
	case TYPE_IP4:
		return takes4(iface, b + ETHER, n - ETHER);
	case TYPE_IP6:
		return takes6(b + ETHER, n - ETHER);
	default:
		return false;
	}
}
