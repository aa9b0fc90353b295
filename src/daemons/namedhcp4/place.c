/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The server identifier is what clients send their renewals to, and by what they tell servers apart. So there
 * is always one: that of the option, else the address of the interface. Without both it is a link-local
 * address (RFC 3927) that is computed from the MAC address: the same after each start, and another one for
 * each server of a network. No host has it, so a client of such a server renews by broadcast.
 */

#include "place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <string.h>

#define READ_EVERY_MS 5000

static unsigned length_of(uint32_t mask)
{
	return mask == 0 ? 0 : (unsigned)__builtin_popcount(mask);
}

int n4_ground_prepare(const struct dh_link *link, const struct n4_settings *s)
{
	struct in_addr in = { htonl(s->serverid) };
	unsigned len = s->mask == 0 ? 32 : length_of(s->mask);

	if (!link->vde || s->serverid == 0)
		return 0;
	if (ioth_ipaddr_add(link->stack, AF_INET, &in, (int)len, (int)link->ifindex) == 0)
		return 0;
	dm_report(DM_ERROR, "--serverid: the interface %s cannot have this address: %s", link->ifname,
		  strerror(errno));
	return -1;
}

static uint32_t number_of(const struct sockaddr *sa)
{
	struct sockaddr_in in;

	memcpy(&in, sa, sizeof(in));
	return ntohl(in.sin_addr.s_addr);
}

/* The first address of the interface is its address. */
static void take(struct n4_ground *g, const struct ifaddrs *i, const char *ifname)
{
	if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET)
		return;
	uint32_t addr = number_of(i->ifa_addr);
	if (g->n_own < N4_OWN_MAX)
		g->own[g->n_own++] = addr;
	if (g->place.addr != 0 || strcmp(i->ifa_name, ifname) != 0)
		return;
	g->place.addr = addr;
	g->place.prefix_len = i->ifa_netmask == NULL ? 32 : length_of(number_of(i->ifa_netmask));
}

static uint32_t computed_id(const uint8_t mac[6])
{
	return 0xa9fe0000 | (uint32_t)(1 + mac[4] % 254) << 8 | mac[5];
}

void n4_ground_refresh(struct n4_ground *g, const struct dh_link *link, const struct n4_settings *s,
		       int64_t now_ms)
{
	struct ifaddrs *list;

	if (g->read_ms != 0 && now_ms - g->read_ms < READ_EVERY_MS)
		return;
	g->read_ms = now_ms;
	if (ioth_getifaddrs(link->stack, &list) == 0) { /* else they are as before */
		g->place = (struct n4_place){ .addr = 0 };
		g->n_own = 0;
		for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
			take(g, i, link->ifname);
		ioth_freeifaddrs(list);
	}
	g->place.serverid = s->serverid != 0 ? s->serverid : g->place.addr;
	if (g->place.serverid == 0)
		g->place.serverid = computed_id(link->mac);
}

bool n4_ground_has(const struct n4_ground *g, uint32_t addr)
{
	for (unsigned i = 0; i < g->n_own; i++)
		if (g->own[i] == addr)
			return true;
	return false;
}

bool n4_ground_is_own(const struct n4_ground *g, uint32_t addr)
{
	return addr == g->place.serverid || n4_ground_has(g, addr);
}

bool n4_ground_is_for(const struct n4_ground *g, uint32_t dst)
{
	return dst == UINT32_MAX || n4_is_of_all(dst, &g->place) || n4_ground_is_own(g, dst);
}
