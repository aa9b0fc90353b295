/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Multicast groups of UDP sockets. lwIP counts members of a group for each interface, not for each socket:
 * so each socket keeps its groups, and leaves them when it is closed.
 */

#include <errno.h>
#include <lwip/igmp.h>
#include <lwip/mld6.h>
#include <lwip/udp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "iface.h"
#include "sockopt.h"
#include "udp.h"

#define GROUPS_MAX 32

static struct netif *default_netif(void)
{
	for (struct px_iface *i = px_iface_first(); i != NULL; i = i->next)
		if (i->vnl != NULL && netif_is_up(&i->netif))
			return &i->netif;
	return NULL;
}

/* By index, else by an address of the interface, else the first that is up. */
static struct netif *choose(int index, struct in_addr addr)
{
	if (index > 0) {
		struct px_iface *iface = px_iface_by_index(index);
		return iface == NULL ? NULL : &iface->netif;
	}
	if (addr.s_addr == 0)
		return default_netif();
	for (struct px_iface *i = px_iface_first(); i != NULL; i = i->next)
		if (netif_ip4_addr(&i->netif)->addr == addr.s_addr)
			return &i->netif;
	return NULL;
}

static err_t change(const ip_addr_t *group, struct netif *netif, bool join)
{
	if (IP_IS_V4_VAL(*group))
		return join ? igmp_joingroup_netif(netif, ip_2_ip4(group))
			    : igmp_leavegroup_netif(netif, ip_2_ip4(group));
	return join ? mld6_joingroup_netif(netif, ip_2_ip6(group))
		    : mld6_leavegroup_netif(netif, ip_2_ip6(group));
}

static int find_group(const struct px_udp *u, const ip_addr_t *group, int index)
{
	for (int i = 0; i < u->n_groups; i++)
		if (u->groups[i].index == index && ip_addr_cmp(&u->groups[i].addr, group))
			return i;
	return -1;
}

static int join(struct px_udp *u, const ip_addr_t *group, struct netif *netif)
{
	int index = netif_get_index(netif);

	if (find_group(u, group, index) >= 0)
		return -EADDRINUSE;
	if (u->n_groups >= GROUPS_MAX)
		return -ENOBUFS;
	struct px_group *grown = realloc(u->groups, (size_t)(u->n_groups + 1) * sizeof(*grown));
	if (grown == NULL)
		return -ENOBUFS;
	u->groups = grown;
	if (change(group, netif, true) != ERR_OK)
		return -ENOBUFS;
	u->groups[u->n_groups++] = (struct px_group){ *group, index };
	return 0;
}

static int leave(struct px_udp *u, const ip_addr_t *group, struct netif *netif)
{
	int at = find_group(u, group, netif_get_index(netif));

	if (at < 0)
		return -EADDRNOTAVAIL;
	(void)change(group, netif, false);
	u->groups[at] = u->groups[--u->n_groups];
	return 0;
}

void px_multicast_leave_all(struct px_udp *u)
{
	for (int i = 0; i < u->n_groups; i++) {
		struct px_iface *iface = px_iface_by_index(u->groups[i].index);
		if (iface != NULL)
			(void)change(&u->groups[i].addr, &iface->netif, false);
	}
	free(u->groups);
	u->groups = NULL;
	u->n_groups = 0;
}

static int membership4(struct px_udp *u, const void *value, socklen_t len, bool joins)
{
	struct ip_mreqn request = { 0 };

	if (len < sizeof(struct ip_mreq))
		return -EINVAL;
	memcpy(&request, value, len < sizeof(request) ? len : sizeof(request));
	ip_addr_t group = IPADDR4_INIT(request.imr_multiaddr.s_addr);
	if (!ip_addr_ismulticast(&group))
		return -EINVAL;
	struct netif *netif = choose(request.imr_ifindex, request.imr_address);
	if (netif == NULL)
		return -ENODEV;
	return joins ? join(u, &group, netif) : leave(u, &group, netif);
}

static int membership6(struct px_udp *u, const void *value, socklen_t len, bool joins)
{
	struct ipv6_mreq request;
	u32_t words[4];

	if (len < sizeof(request))
		return -EINVAL;
	memcpy(&request, value, sizeof(request));
	memcpy(words, &request.ipv6mr_multiaddr, sizeof(words));
	ip_addr_t group = IPADDR6_INIT(words[0], words[1], words[2], words[3]);
	if (!ip_addr_ismulticast(&group) || request.ipv6mr_interface > 255)
		return -EINVAL;
	struct netif *netif = choose((int)request.ipv6mr_interface, (struct in_addr){ 0 });
	if (netif == NULL)
		return -ENODEV;
	ip6_addr_assign_zone(ip_2_ip6(&group), IP6_MULTICAST, netif);
	return joins ? join(u, &group, netif) : leave(u, &group, netif);
}

static int set_if4(struct px_udp *u, const void *value, socklen_t len)
{
	struct ip_mreqn request = { 0 };

	if (len < sizeof(struct in_addr))
		return -EINVAL;
	if (len < sizeof(struct ip_mreq))
		memcpy(&request.imr_address, value, sizeof(struct in_addr));
	else
		memcpy(&request, value, len < sizeof(request) ? len : sizeof(request));
	struct netif *netif = choose(request.imr_ifindex, request.imr_address);
	if (netif == NULL)
		return -EADDRNOTAVAIL;
	udp_set_multicast_netif_index(u->pcb, netif_get_index(netif));
	return 0;
}

static int number_of(const void *value, socklen_t len, int *number)
{
	if (len < 1)
		return -EINVAL;
	if (len >= sizeof(*number))
		memcpy(number, value, sizeof(*number));
	else
		*number = *(const unsigned char *)value;
	return 0;
}

static int set_number(struct px_udp *u, int level, int name, int number)
{
	bool v4 = level == IPPROTO_IP;

	if (name == (v4 ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS)) {
		if (number < -1 || number > 255)
			return -EINVAL;
		udp_set_multicast_ttl(u->pcb, (u8_t)(number == -1 ? 1 : number));
		return 0;
	}
	if (name == (v4 ? IP_MULTICAST_LOOP : IPV6_MULTICAST_LOOP)) {
		u8_t flags = (u8_t)(udp_flags(u->pcb) & ~UDP_FLAGS_MULTICAST_LOOP);
		udp_setflags(u->pcb, (u8_t)(flags | (number != 0 ? UDP_FLAGS_MULTICAST_LOOP : 0)));
		return 0;
	}
	if (v4 || name != IPV6_MULTICAST_IF)
		return -ENOPROTOOPT;
	if (number < 0 || number > 255 || (number > 0 && px_iface_by_index(number) == NULL))
		return -ENODEV;
	udp_set_multicast_netif_index(u->pcb, (u8_t)number);
	return 0;
}

int px_multicast_set(struct px_socket *s, int level, int name, const void *value, socklen_t len)
{
	int number;

	if (s->ops != &px_udp_ops || (level != IPPROTO_IP && level != IPPROTO_IPV6))
		return -ENOPROTOOPT;
	struct px_udp *u = px_udp_of(s);
	if (level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP))
		return membership4(u, value, len, name == IP_ADD_MEMBERSHIP);
	if (level == IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP))
		return membership6(u, value, len, name == IPV6_JOIN_GROUP);
	if (level == IPPROTO_IP && name == IP_MULTICAST_IF)
		return set_if4(u, value, len);
	int r = number_of(value, len, &number);
	return r < 0 ? r : set_number(u, level, name, number);
}
