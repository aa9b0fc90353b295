/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prefixes on the link: what is for their hosts is not sent to a router. lwIP has a list of few prefixes of
 * 64 bits, for all interfaces. A prefix is in it because of addresses, or because a router announces it, or
 * both; it leaves the list with the last of them.
 *
 * Each host of the network can announce prefixes, so those of routers give way to those of addresses. The
 * hosts of a prefix that has no room are reached through the router.
 *
 * lwIP empties the list of an interface that goes down. Addresses stay then, and so do prefixes.
 */

#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>
#include <string.h>

#include "settings_inside.h"

static unsigned
	users[LWIP_ND6_NUM_PREFIXES]; /* bits of enum px_prefix_user; valid if the entry has a netif */

/* Where the prefix is, or where it could be. NULL: it is not there, and lwIP has no place for it. */
static struct nd6_prefix_list_entry *place_of(const struct netif *n, const ip6_addr_t *ip)
{
	struct nd6_prefix_list_entry *empty = NULL;

	for (int i = 0; i < LWIP_ND6_NUM_PREFIXES; i++) {
		struct nd6_prefix_list_entry *e = &prefix_list[i];
		if (e->netif == n && memcmp(e->prefix.addr, ip->addr, 8) == 0)
			return e;
		if (e->netif == NULL)
			empty = e;
	}
	return empty;
}

bool px_prefix_use(struct netif *n, const ip6_addr_t *ip, enum px_prefix_user user, bool uses)
{
	struct nd6_prefix_list_entry *e = place_of(n, ip);

	if (e == NULL)
		return !uses;
	unsigned *bits = &users[e - prefix_list];
	if (e->netif == NULL) {
		*bits = 0;
		ip6_addr_copy(e->prefix, *ip);
		e->prefix.addr[2] = e->prefix.addr[3] = 0;
		e->invalidation_timer = UINT32_MAX;
	}
	*bits = uses ? *bits | user : *bits & ~(unsigned)user;
	e->netif = *bits != 0 ? n : NULL;
	nd6_clear_destination_cache();
	return true;
}

bool px_prefix_make_room(const struct netif *n, const ip6_addr_t *ip)
{
	if (place_of(n, ip) != NULL)
		return true;
	for (int i = 0; i < LWIP_ND6_NUM_PREFIXES; i++)
		if (users[i] == PX_BY_ROUTER) {
			prefix_list[i].netif = NULL;
			return true;
		}
	return false;
}

bool px_settings_on_link(struct px_iface *iface, const uint8_t prefix[16], bool on)
{
	ip6_addr_t ip = { 0 };

	memcpy(ip.addr, prefix, 16);
	ip6_addr_assign_zone(&ip, IP6_UNICAST, &iface->netif);
	return px_prefix_use(&iface->netif, &ip, PX_BY_ROUTER, on);
}

void px_prefixes_set_down(struct netif *n)
{
	struct nd6_prefix_list_entry kept[LWIP_ND6_NUM_PREFIXES];

	memcpy(kept, prefix_list, sizeof(kept));
	netif_set_down(n);
	memcpy(prefix_list, kept, sizeof(kept));
}

void px_prefixes_drop(const struct netif *n)
{
	for (int i = 0; i < LWIP_ND6_NUM_PREFIXES; i++)
		if (prefix_list[i].netif == n)
			prefix_list[i].netif = NULL;
}
