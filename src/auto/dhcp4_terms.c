/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Judges the values of a server's message. Nothing in it is believed because it is well formed. */

#include "dhcp4_terms.h"

#include <string.h>

static uint32_t mask_of(uint32_t prefix_len)
{
	return prefix_len == 0 ? 0 : UINT32_MAX << (32 - prefix_len);
}

/* An address that a single host can have: not of 0/8, loopback, multicast, reserved or broadcast. */
static bool is_host(uint32_t ip)
{
	uint32_t first = ip >> 24;

	return first != 0 && first != 127 && first < 224;
}

static uint8_t class_prefix(uint32_t ip)
{
	return ip >> 31 == 0 ? 8 : ip >> 30 == 2 ? 16 : 24;
}

/* The length of the prefix; 0: impossible. */
static uint8_t prefix_of(const struct vs_dhcp4_reply *reply)
{
	if (!(reply->has & VS_DHCP4_HAS_MASK))
		return class_prefix(reply->yiaddr);
	if (reply->mask == 0 || (~reply->mask & (~reply->mask + 1)) != 0)
		return 0;
	return (uint8_t)__builtin_popcount(reply->mask);
}

/* Prefixes of 31 and 32 bits have neither a network's nor a broadcast address (RFC 3021). */
static bool is_host_of(uint32_t ip, uint8_t prefix_len)
{
	uint32_t host = ip & ~mask_of(prefix_len);

	return is_host(ip) && (prefix_len >= 31 || (host != 0 && host != ~mask_of(prefix_len)));
}

static void judge_times(const struct vs_dhcp4_reply *reply, struct vs_dhcp4_terms *out)
{
	uint32_t lease = reply->lease_s;
	uint32_t t1_min = lease / 8 < 60 ? lease / 8 : 60;

	out->lease_s = lease;
	if (lease == VS_DHCP4_INFINITE) {
		out->t1_s = out->t2_s = VS_DHCP4_INFINITE;
		return;
	}
	out->t1_s = reply->has & VS_DHCP4_HAS_T1 ? reply->t1_s : lease / 2;
	out->t2_s = reply->has & VS_DHCP4_HAS_T2 ? reply->t2_s : lease - lease / 8;
	if (out->t1_s < t1_min || out->t1_s >= out->t2_s || out->t2_s >= lease) {
		out->t1_s = lease / 2;
		out->t2_s = lease - (lease + 7) / 8;
	}
}

/* The same route twice counts once. */
static void add_route(struct vs_dhcp4_given *g, uint32_t dst, uint32_t prefix_len, uint32_t gw)
{
	const struct vs_dhcp4_route r = { .dst = dst, .prefix_len = prefix_len, .gw = gw };

	for (size_t i = 0; i < g->n_routes; i++)
		if (memcmp(&g->routes[i], &r, sizeof(r)) == 0)
			return;
	if (g->n_routes < VS_DHCP4_TERMS_ROUTES)
		g->routes[g->n_routes++] = r;
}

/* Whether a host is on the link: in our prefix, or in that of a route without router. */
static bool on_link(const struct vs_dhcp4_terms *t, uint32_t ip)
{
	const struct vs_dhcp4_given *g = &t->given;

	if (((ip ^ t->addr) & mask_of(g->prefix_len)) == 0)
		return true;
	for (size_t i = 0; i < g->n_routes; i++)
		if (g->routes[i].gw == 0 && ((ip ^ g->routes[i].dst) & mask_of(g->routes[i].prefix_len)) == 0)
			return true;
	return false;
}

/* A route through a router. A router that is not on the link gets a route that says that it is. */
static void add_routed(struct vs_dhcp4_terms *t, uint32_t dst, uint32_t prefix_len, uint32_t gw)
{
	/* Without room for both, neither: the kernel would refuse the second. */
	if (!on_link(t, gw) && t->given.n_routes + 2 <= VS_DHCP4_TERMS_ROUTES)
		add_route(&t->given, gw, 32, 0);
	if (on_link(t, gw))
		add_route(&t->given, dst, prefix_len, gw);
}

static bool possible_router(const struct vs_dhcp4_terms *t, uint32_t gw)
{
	if (((gw ^ t->addr) & mask_of(t->given.prefix_len)) == 0)
		return is_host_of(gw, t->given.prefix_len) && gw != t->addr;
	return is_host(gw);
}

/* Option 121 replaces option 3 (RFC 3442). Routes on the link come first: others may need them. */
static void judge_routes(const struct vs_dhcp4_reply *reply, struct vs_dhcp4_terms *out)
{
	if (reply->has & VS_DHCP4_HAS_ROUTES) {
		for (size_t i = 0; i < reply->n_routes; i++)
			if (reply->routes[i].gw == 0)
				add_route(&out->given, reply->routes[i].dst, reply->routes[i].prefix_len, 0);
		for (size_t i = 0; i < reply->n_routes; i++)
			if (possible_router(out, reply->routes[i].gw))
				add_routed(out, reply->routes[i].dst, reply->routes[i].prefix_len,
					   reply->routes[i].gw);
		return;
	}
	for (size_t i = 0; i < reply->n_routers; i++) {
		if (!possible_router(out, reply->routers[i]))
			continue;
		add_routed(out, 0, 0, reply->routers[i]);
		return;
	}
}

/* Servers that can be asked. A loopback address would mean the host itself. */
static void judge_list(const uint32_t *list, size_t n, uint32_t *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (is_host(list[i]))
			out[kept++] = list[i];
}

bool vs_dhcp4_judge(const struct vs_dhcp4_reply *reply, struct vs_dhcp4_terms *out)
{
	const uint32_t needed = VS_DHCP4_HAS_SERVER | VS_DHCP4_HAS_LEASE;

	if ((reply->has & needed) != needed || !is_host(reply->server) || reply->server == reply->yiaddr ||
	    reply->lease_s < VS_DHCP4_LEASE_MIN_S)
		return false;
	memset(out, 0, sizeof(*out));
	out->addr = reply->yiaddr;
	out->server = reply->server;
	out->given.prefix_len = prefix_of(reply);
	if (out->given.prefix_len == 0 || !is_host_of(out->addr, out->given.prefix_len))
		return false;
	judge_times(reply, out);
	judge_routes(reply, out);
	judge_list(reply->dns, reply->n_dns, out->given.dns);
	judge_list(reply->ntp, reply->n_ntp, out->given.ntp);
	out->given.mtu = reply->mtu >= VS_DHCP4_MTU_MIN ? reply->mtu : 0;
	memcpy(out->given.search, reply->search, strlen(reply->search));
	return true;
}
