/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lwIP's interface structures are the only state: nothing is kept beside them except prefixes of IPv6
 * addresses, which lwIP does not know.
 */

#include "settings_inside.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <lwip/etharp.h>
#include <lwip/nd6.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "names.h"
#include "sources.h"

#define MTU_MAX 9216

/* By index of the interface, then by index of the address. 0: 64. */
static uint8_t prefix_lens[IFACES_MAX][LWIP_IPV6_NUM_ADDRESSES];
static bool on_link[IFACES_MAX][LWIP_IPV6_NUM_ADDRESSES]; /* likewise: the prefix is that of a network */
static px_settings_notify *listener;

void px_settings_tell(px_settings_notify *to)
{
	listener = to;
}

void px_settings_say(struct px_note note)
{
	if (listener != NULL)
		listener(&note);
}

static struct px_iface *iface_at(size_t i)
{
	struct px_iface *iface = px_iface_first();

	for (; iface != NULL && i > 0; i--)
		iface = iface->next;
	return iface;
}

/* ------------------------------------------------------------------ links */

static void describe(struct px_iface *iface, struct vs_pxnl_link *out)
{
	struct netif *n = &iface->netif;
	bool up = netif_is_up(n) != 0, carrier = netif_is_link_up(n) != 0;

	*out = (struct vs_pxnl_link){ .ifindex = netif_get_index(n), .loopback = iface->vnl == NULL };
	(void)snprintf(out->name, sizeof(out->name), "%s", iface->name);
	memcpy(out->mac, n->hwaddr, 6);
	out->mtu = n->mtu != 0 ? n->mtu : 65535;
	out->flags = (out->loopback ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST) | (up ? IFF_UP : 0) |
		     (up && carrier ? IFF_RUNNING | 0x10000 /* IFF_LOWER_UP */ : 0);
}

static bool link_at(void *arg, size_t i, struct vs_pxnl_link *out)
{
	struct px_iface *iface = iface_at(i);

	(void)arg;
	if (iface != NULL)
		describe(iface, out);
	return iface != NULL;
}

static void tell_link(int type, struct px_iface *iface)
{
	struct vs_pxnl_link link;

	describe(iface, &link);
	px_settings_say((struct px_note){ .type = type, .link = &link });
}

/* The link-local address follows the MAC; other addresses stay. */
static void set_mac(struct px_iface *iface, const uint8_t mac[6])
{
	struct netif *n = &iface->netif;

	memcpy(n->hwaddr, mac, 6);
	if (!netif_is_up(n)) { /* it is made anew when the link comes up */
		netif_ip6_addr_set_state(n, 0, IP6_ADDR_INVALID);
		return;
	}
	netif_create_ip6_linklocal_address(n, 1);
	if (!ip4_addr_isany_val(*netif_ip4_addr(n)))
		(void)etharp_gratuitous(n); /* neighbours learn the new one */
}

static void set_up(struct px_iface *iface, bool up)
{
	struct netif *n = &iface->netif;

	if (up == (netif_is_up(n) != 0))
		return;
	if (!up) {
		px_prefixes_set_down(n);
	} else {
		if (iface->vnl != NULL && ip6_addr_isinvalid(netif_ip6_addr_state(n, 0)))
			netif_create_ip6_linklocal_address(n, 1);
		netif_set_up(n);
	}
	px_sources_link(iface);
}

static int link_set(void *arg, int ifindex, const struct vs_pxnl_change *change, const char **why)
{
	struct px_iface *iface = px_iface_by_index(ifindex);

	(void)arg;
	if (iface == NULL)
		return -ENODEV;
	if (iface->vnl == NULL && (change->has_mac || change->mtu != 0 || change->name[0] != '\0')) {
		*why = "lo has no other MAC, MTU or name";
		return -EOPNOTSUPP;
	}
	if (change->mtu != 0 && change->mtu > iface->buffer - 19u) {
		*why = "this interface receives no longer frames";
		return -EINVAL;
	}
	if (change->name[0] != '\0' && px_iface_by_name(change->name) != NULL) {
		*why = "another interface has this name";
		return -EEXIST;
	}
	if (change->name[0] != '\0')
		memcpy(iface->name, change->name, sizeof(iface->name));
	if (change->mtu != 0)
		iface->netif.mtu = iface->netif.mtu6 = (u16_t)change->mtu;
	if (change->has_mac)
		set_mac(iface, change->mac);
	if (change->mask != 0)
		set_up(iface, (change->flags & IFF_UP) != 0);
	tell_link(RTM_NEWLINK, iface);
	return 0;
}

static int link_del(void *arg, int ifindex, const char **why)
{
	struct px_iface *iface = px_iface_by_index(ifindex);
	struct vs_pxnl_link link;

	(void)arg;
	(void)why;
	if (iface == NULL)
		return -ENODEV;
	if (iface->vnl == NULL)
		return -EPERM;
	describe(iface, &link);
	px_route_drop4(iface);
	px_route_drop6(iface);
	px_sources_drop(iface);
	px_prefixes_drop(&iface->netif);
	px_names_drop(iface);
	int r = px_iface_remove(iface);
	if (r == 0)
		px_settings_say((struct px_note){ .type = RTM_DELLINK, .link = &link });
	return r;
}

void px_settings_carrier(struct px_iface *iface)
{
	tell_link(RTM_NEWLINK, iface);
	px_sources_link(iface);
}

void px_settings_adopt(struct px_iface *iface)
{
	int index = netif_get_index(&iface->netif);

	iface->netif.ip6_autoconfig_enabled = 0;
	iface->netif.rs_count = 0;
	iface->netif.mtu6 = iface->netif.mtu;
	memset(prefix_lens[index], 0, sizeof(prefix_lens[index]));
	memset(on_link[index], 0, sizeof(on_link[index]));
	tell_link(RTM_NEWLINK, iface);
}

/*
 * Router advertisements and redirects (ICMPv6 134 and 137), behind the extension headers that lwIP skips. A
 * fragment of one counts, too: RFC 6980.
 */
bool px_settings_may_input(const void *frame, size_t n)
{
	const uint8_t *b = frame;
	size_t at = 14 + 40;

	if (n < at || b[12] != 0x86 || b[13] != 0xdd)
		return true;
	uint8_t next = b[14 + 6];
	for (int i = 0; i < 16; i++) {
		if (next == 58)
			return at >= n || (b[at] != 134 && b[at] != 137);
		if (next != 0 && next != 43 && next != 44 && next != 60)
			return true;
		if (n < at + 8)
			return true;
		size_t len = next == 44 ? 8 : ((size_t)b[at + 1] + 1) * 8;
		if (next == 44 && ((b[at + 2] << 8 | b[at + 3]) & 0xfff8) != 0)
			return true; /* not the first fragment */
		next = b[at];
		at += len;
	}
	return false; /* nobody sends so many headers */
}

/* ------------------------------------------------------------------ addresses */

static uint8_t mask_len(const ip4_addr_t *mask)
{
	uint32_t bits = lwip_ntohl(ip4_addr_get_u32(mask));

	return bits == 0 ? 0 : (uint8_t)(32 - __builtin_ctz(bits));
}

static uint8_t *prefix_len_of(const struct netif *n, int slot)
{
	return &prefix_lens[netif_get_index(n)][slot];
}

bool px_settings_addr4(struct netif *n, struct vs_pxnl_addr *out)
{
	if (ip4_addr_isany_val(*netif_ip4_addr(n)))
		return false;
	*out = (struct vs_pxnl_addr){ .ifindex = netif_get_index(n),
				      .family = AF_INET,
				      .prefix_len = mask_len(netif_ip4_netmask(n)),
				      .flags = IFA_F_PERMANENT,
				      .valid_s = UINT32_MAX,
				      .preferred_s = UINT32_MAX };
	memcpy(out->bytes, netif_ip4_addr(n), 4);
	return true;
}

static uint32_t flags6(u8_t state)
{
	if (ip6_addr_isduplicated(state))
		return IFA_F_DADFAILED | IFA_F_TENTATIVE;
	if (ip6_addr_istentative(state))
		return IFA_F_TENTATIVE;
	return ip6_addr_ispreferred(state) ? 0 : IFA_F_DEPRECATED;
}

static bool addr6(struct netif *n, int slot, struct vs_pxnl_addr *out)
{
	u8_t state = netif_ip6_addr_state(n, slot), len = *prefix_len_of(n, slot);
	uint32_t valid = netif_ip6_addr_valid_life(n, slot);
	bool for_ever = valid == IP6_ADDR_LIFE_STATIC || valid == IP6_ADDR_LIFE_INFINITE;

	if (ip6_addr_isinvalid(state) && !ip6_addr_isduplicated(state))
		return false;
	*out = (struct vs_pxnl_addr){ .ifindex = netif_get_index(n),
				      .family = AF_INET6,
				      .prefix_len = len != 0 ? len : 64,
				      .flags = flags6(state) | (for_ever ? IFA_F_PERMANENT : 0),
				      .valid_s = for_ever ? UINT32_MAX : valid,
				      .preferred_s =
					      for_ever ? UINT32_MAX : netif_ip6_addr_pref_life(n, slot) };
	memcpy(out->bytes, netif_ip6_addr(n, slot)->addr, 16);
	if (n->hwaddr_len == 0)
		out->prefix_len = 128; /* ::1 */
	return true;
}

static bool addr_at(void *arg, size_t i, struct vs_pxnl_addr *out)
{
	(void)arg;
	for (struct px_iface *iface = px_iface_first(); iface != NULL; iface = iface->next) {
		if (px_settings_addr4(&iface->netif, out) && i-- == 0)
			return true;
		for (int slot = 0; slot < LWIP_IPV6_NUM_ADDRESSES; slot++)
			if (addr6(&iface->netif, slot, out) && i-- == 0)
				return true;
	}
	return false;
}

static int new4(struct netif *n, const struct vs_pxnl_addr *addr, bool replace, const char **why)
{
	ip4_addr_t ip, mask;

	memcpy(&ip, addr->bytes, 4);
	ip4_addr_set_u32(&mask,
			 addr->prefix_len == 0 ? 0 : lwip_htonl(UINT32_MAX << (32 - addr->prefix_len)));
	bool same = ip4_addr_cmp(netif_ip4_addr(n), &ip);
	if (same && !replace)
		return -EEXIST;
	if (!same && !ip4_addr_isany_val(*netif_ip4_addr(n))) {
		*why = "an interface of this stack has one IPv4 address, remove it first";
		return -EOPNOTSUPP;
	}
	netif_set_addr(n, &ip, &mask, netif_ip4_gw(n));
	return 0;
}

static int slot_of(struct netif *n, const ip6_addr_t *ip)
{
	for (int slot = 0; slot < LWIP_IPV6_NUM_ADDRESSES; slot++)
		if (!ip6_addr_isinvalid(netif_ip6_addr_state(n, slot)) &&
		    memcmp(netif_ip6_addr(n, slot)->addr, ip->addr, 16) == 0)
			return slot;
	return -1;
}

/* lwIP takes a lifetime of 0 for an address that has none; its prefix counts as on the link then. */
static uint32_t life(uint32_t seconds)
{
	return seconds == UINT32_MAX ? IP6_ADDR_LIFE_INFINITE : seconds;
}

/* The prefix is on the link as long as an address of this interface says so. */
static void set_prefix(struct netif *n, const ip6_addr_t *ip)
{
	bool used = false;

	for (int slot = 1; slot < LWIP_IPV6_NUM_ADDRESSES; slot++)
		used |= !ip6_addr_isinvalid(netif_ip6_addr_state(n, slot)) &&
			on_link[netif_get_index(n)][slot] &&
			memcmp(netif_ip6_addr(n, slot)->addr, ip->addr, 8) == 0;
	(void)px_prefix_use(n, ip, PX_BY_ADDRESS, used); /* new6() has made room */
}

static int new6(struct netif *n, const struct vs_pxnl_addr *addr, bool replace, const char **why)
{
	ip6_addr_t ip = { 0 };
	bool has_prefix = addr->prefix_len <= 64 && (addr->flags & IFA_F_NOPREFIXROUTE) == 0;
	int slot;

	memcpy(ip.addr, addr->bytes, 16);
	ip6_addr_assign_zone(&ip, IP6_UNICAST, n);
	slot = slot_of(n, &ip);
	if (slot >= 0 && !replace)
		return -EEXIST;
	if (has_prefix && !px_prefix_make_room(n, &ip)) {
		*why = "this stack has no room for more IPv6 prefixes";
		return -ENOSPC;
	}
	for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES && slot < 0; i++)
		if (ip6_addr_isinvalid(netif_ip6_addr_state(n, i))) {
			slot = i;
			ip_addr_copy_from_ip6(n->ip6_addr[i], ip);
			netif_ip6_addr_set_state(n, i,
						 addr->flags & IFA_F_NODAD ? IP6_ADDR_PREFERRED
									   : IP6_ADDR_TENTATIVE);
		}
	if (slot < 0) {
		*why = "an interface of this stack has no room for more IPv6 addresses";
		return -ENOSPC;
	}
	if (netif_ip6_addr_state(n, slot) == IP6_ADDR_DEPRECATED && addr->preferred_s > 0)
		netif_ip6_addr_set_state(n, slot, IP6_ADDR_PREFERRED); /* lwIP only goes the other way */
	netif_ip6_addr_set_valid_life(n, slot, life(addr->valid_s));
	netif_ip6_addr_set_pref_life(n, slot, life(addr->preferred_s));
	*prefix_len_of(n, slot) = addr->prefix_len;
	on_link[netif_get_index(n)][slot] = has_prefix;
	set_prefix(n, &ip);
	return 0;
}

static int addr_new(void *arg, const struct vs_pxnl_addr *addr, bool replace, const char **why)
{
	struct px_iface *iface = px_iface_by_index(addr->ifindex);
	struct vs_pxnl_addr now = *addr;

	(void)arg;
	if (iface == NULL)
		return -ENODEV;
	if (iface->vnl == NULL) {
		*why = "lo has no other addresses in this stack";
		return -EOPNOTSUPP;
	}
	int r = (addr->family == AF_INET ? new4 : new6)(&iface->netif, addr, replace, why);
	if (r == 0)
		px_settings_say((struct px_note){ .type = RTM_NEWADDR, .addr = &now });
	return r;
}

static int addr_del(void *arg, const struct vs_pxnl_addr *addr, const char **why)
{
	struct px_iface *iface = px_iface_by_index(addr->ifindex);
	struct netif *n = iface != NULL ? &iface->netif : NULL;
	struct vs_pxnl_addr was = *addr;
	ip6_addr_t ip6 = { 0 };

	(void)arg;
	(void)why;
	if (n == NULL || iface->vnl == NULL)
		return n == NULL ? -ENODEV : -EOPNOTSUPP;
	memcpy(ip6.addr, addr->bytes, 16);
	if (addr->family == AF_INET) {
		if (memcmp(netif_ip4_addr(n), addr->bytes, 4) != 0)
			return -EADDRNOTAVAIL;
		px_route_drop4(iface); /* it goes with the address */
		netif_set_addr(n, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4);
	} else {
		int slot = slot_of(n, &ip6);
		if (slot < 0)
			return -EADDRNOTAVAIL;
		netif_ip6_addr_set_state(n, slot, IP6_ADDR_INVALID);
		set_prefix(n, &ip6);
	}
	px_settings_say((struct px_note){ .type = RTM_DELADDR, .addr = &was });
	return 0;
}

const struct vs_pxnl_ops px_settings_ops = {
	.link_at = link_at,
	.link_set = link_set,
	.link_del = link_del,
	.addr_at = addr_at,
	.addr_new = addr_new,
	.addr_del = addr_del,
	.route_at = px_route_at,
	.route_new = px_route_new,
	.route_del = px_route_del,
};
