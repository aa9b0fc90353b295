/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Routes: what lwIP derives from addresses, and default routes. Beside lwIP's structures it is kept who has
 * set a route.
 *
 * IPv6 routers: lwIP learns them from router advertisements only. Here the sources hear those, so
 * advertisements are kept from lwIP and a router is entered into its tables, which its headers show.
 */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>
#include <string.h>
#include <sys/socket.h>

#include "settings_inside.h"

static uint8_t gw_protocol[IFACES_MAX]; /* of the IPv4 gateway */
static uint8_t router_protocol[LWIP_ND6_NUM_ROUTERS];

static bool default4(struct px_iface *iface, struct vs_pxnl_route *out)
{
	struct netif *n = &iface->netif;

	if (ip4_addr_isany_val(*netif_ip4_gw(n)))
		return false;
	*out = (struct vs_pxnl_route){ .family = AF_INET,
				       .has_gw = true,
				       .ifindex = netif_get_index(n),
				       .protocol = gw_protocol[netif_get_index(n)],
				       .metric = netif_default == n ? 0 : 1024 };
	memcpy(out->gw, netif_ip4_gw(n), 4);
	return true;
}

static void clear_bits(uint8_t *bytes, unsigned from, unsigned n)
{
	for (unsigned bit = from; bit < n; bit++)
		bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

/* What lwIP derives from the address. */
static bool connected4(struct px_iface *iface, struct vs_pxnl_route *out)
{
	struct vs_pxnl_addr addr;

	if (iface->vnl == NULL || !px_settings_addr4(&iface->netif, &addr))
		return false;
	*out = (struct vs_pxnl_route){ .family = AF_INET,
				       .ifindex = addr.ifindex,
				       .protocol = RTPROT_KERNEL,
				       .prefix_len = addr.prefix_len };
	memcpy(out->dst, addr.bytes, 4);
	clear_bits(out->dst, out->prefix_len, 32);
	return true;
}

static bool router6(int i, struct vs_pxnl_route *out)
{
	struct nd6_neighbor_cache_entry *router = default_router_list[i].neighbor_entry;

	if (router == NULL || router->netif == NULL)
		return false;
	*out = (struct vs_pxnl_route){ .family = AF_INET6,
				       .has_gw = true,
				       .protocol = router_protocol[i],
				       .ifindex = netif_get_index(router->netif),
				       .metric = 1024 };
	memcpy(out->gw, router->next_hop_address.addr, 16);
	return true;
}

static bool prefix6(int i, struct vs_pxnl_route *out)
{
	if (prefix_list[i].netif == NULL)
		return false;
	*out = (struct vs_pxnl_route){ .family = AF_INET6,
				       .prefix_len = 64,
				       .protocol = RTPROT_KERNEL,
				       .ifindex = netif_get_index(prefix_list[i].netif),
				       .metric = 256 };
	memcpy(out->dst, prefix_list[i].prefix.addr, 16);
	return true;
}

bool px_route_at(void *arg, size_t i, struct vs_pxnl_route *out)
{
	(void)arg;
	for (struct px_iface *iface = px_iface_first(); iface != NULL; iface = iface->next)
		if ((default4(iface, out) && i-- == 0) || (connected4(iface, out) && i-- == 0))
			return true;
	for (int k = 0; k < LWIP_ND6_NUM_ROUTERS; k++)
		if (router6(k, out) && i-- == 0)
			return true;
	for (int k = 0; k < LWIP_ND6_NUM_PREFIXES; k++)
		if (prefix6(k, out) && i-- == 0)
			return true;
	return false;
}

/* The interface through which a gateway is reached; NULL: none. */
static struct px_iface *iface_to(const struct vs_pxnl_route *route)
{
	ip4_addr_t gw4;
	struct vs_pxnl_route on_link;

	if (route->ifindex != 0)
		return px_iface_by_index(route->ifindex);
	memcpy(&gw4, route->gw, 4);
	for (struct px_iface *i = px_iface_first(); i != NULL; i = i->next)
		if (route->family == AF_INET && i->vnl != NULL &&
		    !ip4_addr_isany_val(*netif_ip4_addr(&i->netif)) &&
		    ip4_addr_netcmp(&gw4, netif_ip4_addr(&i->netif), netif_ip4_netmask(&i->netif)))
			return i;
	for (int k = 0; route->family == AF_INET6 && k < LWIP_ND6_NUM_PREFIXES; k++)
		if (prefix6(k, &on_link) && memcmp(on_link.dst, route->gw, 8) == 0)
			return px_iface_by_index(on_link.ifindex);
	return NULL;
}

static int new_gw4(struct px_iface *iface, const struct vs_pxnl_route *route, bool replace, const char **why)
{
	struct netif *n = &iface->netif;
	ip4_addr_t gw;

	memcpy(&gw, route->gw, 4);
	if (ip4_addr_isany_val(*netif_ip4_addr(n)) ||
	    !ip4_addr_netcmp(&gw, netif_ip4_addr(n), netif_ip4_netmask(n))) {
		*why = "the gateway is not in the network of the interface";
		return -ENETUNREACH;
	}
	if (!ip4_addr_isany_val(*netif_ip4_gw(n)) && !replace) {
		*why = "the interface has a gateway";
		return -EEXIST;
	}
	netif_set_gw(n, &gw);
	gw_protocol[netif_get_index(n)] = route->protocol;
	if (netif_default == NULL || ip4_addr_isany_val(*netif_ip4_gw(netif_default)))
		netif_set_default(n);
	return 0;
}

/*
 * How well an entry can be given up, as lwIP does it for a new neighbour; 0: not at all. Strangers fill the
 * table by soliciting, and must not keep a router out.
 */
static int spare(const struct nd6_neighbor_cache_entry *e)
{
	if (e->state == ND6_NO_ENTRY)
		return 6;
	if (e->isrouter || e->q != NULL)
		return 0;
	switch (e->state) {
	case ND6_STALE:
		return 5;
	case ND6_PROBE:
		return 4;
	case ND6_DELAY:
		return 3;
	case ND6_REACHABLE:
		return 2;
	default:
		return 1;
	}
}

/* A neighbour that is being looked for; lwIP goes on with it. NULL: all are routers, or packets wait. */
static struct nd6_neighbor_cache_entry *neighbour(struct netif *n, const ip6_addr_t *ip)
{
	struct nd6_neighbor_cache_entry *best = NULL;

	for (int i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
		struct nd6_neighbor_cache_entry *e = &neighbor_cache[i];
		if (e->state != ND6_NO_ENTRY && e->netif == n &&
		    memcmp(e->next_hop_address.addr, ip->addr, 16) == 0)
			return e;
		if (spare(e) > (best != NULL ? spare(best) : 0))
			best = e;
	}
	if (best == NULL)
		return NULL;
	*best = (struct nd6_neighbor_cache_entry){ .netif = n, .state = ND6_INCOMPLETE }; /* a timer asks */
	ip6_addr_copy(best->next_hop_address, *ip);
	return best;
}

static int new_gw6(struct px_iface *iface, const struct vs_pxnl_route *route, bool replace, const char **why)
{
	struct vs_pxnl_route have;
	ip6_addr_t gw = { 0 };
	int slot = -1;

	memcpy(gw.addr, route->gw, 16);
	ip6_addr_assign_zone(&gw, IP6_UNICAST, &iface->netif);
	for (int i = 0; i < LWIP_ND6_NUM_ROUTERS; i++) {
		if (!router6(i, &have))
			slot = slot >= 0 ? slot : i;
		else if (memcmp(have.gw, route->gw, 16) == 0 &&
			 have.ifindex == netif_get_index(&iface->netif))
			return replace ? 0 : -EEXIST;
	}
	struct nd6_neighbor_cache_entry *e = slot >= 0 ? neighbour(&iface->netif, &gw) : NULL;
	if (e == NULL) {
		*why = "this stack has no room for more IPv6 routers";
		return -ENOSPC;
	}
	e->isrouter = 1;
	default_router_list[slot].neighbor_entry = e;
	default_router_list[slot].invalidation_timer = UINT32_MAX;
	default_router_list[slot].flags = 0;
	router_protocol[slot] = route->protocol;
	nd6_clear_destination_cache();
	return 0;
}

int px_route_new(void *arg, const struct vs_pxnl_route *route, bool replace, const char **why)
{
	struct px_iface *iface = iface_to(route);

	(void)arg;
	if (route->prefix_len != 0 || !route->has_gw) {
		*why = "this stack has only the networks of its addresses, and default routes with a gateway";
		return -EOPNOTSUPP;
	}
	if (iface == NULL || iface->vnl == NULL) {
		*why = "no interface reaches the gateway";
		return -ENETUNREACH;
	}
	int r = (route->family == AF_INET ? new_gw4 : new_gw6)(iface, route, replace, why);
	if (r == 0) {
		struct vs_pxnl_route now = *route;
		now.ifindex = netif_get_index(&iface->netif);
		px_settings_say((struct px_note){ .type = RTM_NEWROUTE, .route = &now });
	}
	return r;
}

static bool matches(const struct vs_pxnl_route *have, const struct vs_pxnl_route *want)
{
	return have->family == want->family && have->prefix_len == 0 && have->has_gw &&
	       (want->ifindex == 0 || want->ifindex == have->ifindex) &&
	       (want->protocol == 0 || want->protocol == have->protocol) &&
	       (!want->has_gw || memcmp(want->gw, have->gw, 16) == 0);
}

/* Another interface with a gateway, if there is one, has the default route now. */
static void next_default(void)
{
	struct vs_pxnl_route have;

	netif_set_default(NULL);
	for (struct px_iface *i = px_iface_first(); i != NULL; i = i->next)
		if (default4(i, &have)) {
			netif_set_default(&i->netif);
			return;
		}
}

void px_route_drop4(struct px_iface *iface)
{
	struct vs_pxnl_route have;

	if (!default4(iface, &have))
		return;
	netif_set_gw(&iface->netif, IP4_ADDR_ANY4);
	if (netif_default == &iface->netif)
		next_default();
	px_settings_say((struct px_note){ .type = RTM_DELROUTE, .route = &have });
}

static void drop_router6(int i)
{
	struct vs_pxnl_route have;

	if (!router6(i, &have))
		return;
	default_router_list[i].neighbor_entry->isrouter = 0;
	default_router_list[i] = (struct nd6_router_list_entry){ 0 };
	nd6_clear_destination_cache();
	px_settings_say((struct px_note){ .type = RTM_DELROUTE, .route = &have });
}

void px_route_drop6(const struct px_iface *iface)
{
	struct vs_pxnl_route have;

	for (int k = 0; k < LWIP_ND6_NUM_ROUTERS; k++)
		if (router6(k, &have) && have.ifindex == netif_get_index(&iface->netif))
			drop_router6(k);
}

int px_route_del(void *arg, const struct vs_pxnl_route *route, const char **why)
{
	struct vs_pxnl_route have;

	(void)arg;
	if (route->prefix_len != 0) {
		*why = "the networks of addresses go with the addresses";
		return -EOPNOTSUPP;
	}
	for (struct px_iface *i = px_iface_first(); i != NULL; i = i->next)
		if (default4(i, &have) && matches(&have, route)) {
			px_route_drop4(i);
			return 0;
		}
	for (int k = 0; k < LWIP_ND6_NUM_ROUTERS; k++)
		if (router6(k, &have) && matches(&have, route)) {
			drop_router6(k);
			return 0;
		}
	return -ESRCH;
}
