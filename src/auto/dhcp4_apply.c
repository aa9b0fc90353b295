/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the DHCPv4 client sets on its interface: an address, routes, and facts. */

#include <string.h>

#include "dhcp4_machine.h"
#include "proto/be.h"

static struct vs_auto_ip ip_of(uint32_t addr)
{
	struct vs_auto_ip ip = { .family = AF_INET };

	vs_be_put32(ip.bytes, addr);
	return ip;
}

struct vs_auto_addr vs_dhcp4_addr(const struct vs_dhcp4 *m, vs_auto_ms now)
{
	uint32_t left = vs_auto_left_s(now, m->expiry);

	return (struct vs_auto_addr){
		.ip = ip_of(m->terms.addr),
		.prefix_len = m->terms.given.prefix_len,
		.nodad = true,
		.valid_s = left,
		.preferred_s = left,
	};
}

static struct vs_auto_route route_of(const struct vs_dhcp4_route *r)
{
	struct vs_auto_route route = {
		.dst = ip_of(r->dst),
		.prefix_len = (uint8_t)r->prefix_len,
		.lifetime_s = VS_AUTO_FOREVER,
	};

	if (r->gw != 0)
		route.gw = ip_of(r->gw);
	return route;
}

static void list_of(const uint32_t *from, struct vs_auto_ip *to)
{
	for (size_t i = 0; i < VS_DHCP4_LIST_MAX && i < VS_AUTO_SERVERS_MAX && from[i] != 0; i++)
		to[i] = ip_of(from[i]);
}

static void set_facts(struct vs_dhcp4 *m, vs_auto_ms now)
{
	const struct vs_dhcp4_given *g = &m->terms.given;
	struct vs_auto_facts facts = { .mtu = g->mtu, .lifetime_s = vs_auto_left_s(now, m->expiry) };

	_Static_assert(sizeof(facts.search) == sizeof(g->search), "a search list fits");
	list_of(g->dns, facts.dns);
	list_of(g->ntp, facts.ntp);
	memcpy(facts.search, g->search, sizeof(facts.search));
	m->ops->facts(m->arg, &facts);
}

static void del_route(struct vs_dhcp4 *m, const struct vs_dhcp4_route *r)
{
	struct vs_auto_route route = route_of(r);

	m->ops->route_del(m->arg, &route);
}

void vs_dhcp4_install(struct vs_dhcp4 *m, vs_auto_ms now)
{
	struct vs_auto_addr addr = vs_dhcp4_addr(m, now);

	m->ops->addr_set(m->arg, &addr);
	for (size_t i = 0; i < m->terms.given.n_routes; i++) {
		struct vs_auto_route route = route_of(&m->terms.given.routes[i]);
		m->ops->route_set(m->arg, &route);
	}
	set_facts(m, now);
	m->set = true;
}

/* In the opposite order. */
static void remove_all(struct vs_dhcp4 *m, vs_auto_ms now)
{
	struct vs_auto_addr addr = vs_dhcp4_addr(m, now);

	for (size_t i = m->terms.given.n_routes; i > 0; i--)
		del_route(m, &m->terms.given.routes[i - 1]);
	m->ops->addr_del(m->arg, &addr);
	m->set = false;
}

void vs_dhcp4_withdraw(struct vs_dhcp4 *m, vs_auto_ms now)
{
	const struct vs_auto_facts nothing = { .mtu = 0 };

	remove_all(m, now);
	m->ops->facts(m->arg, &nothing);
	m->announce_at = VS_AUTO_NEVER;
}

static bool has_route(const struct vs_dhcp4_given *g, const struct vs_dhcp4_route *r)
{
	for (size_t i = 0; i < g->n_routes; i++)
		if (memcmp(&g->routes[i], r, sizeof(*r)) == 0)
			return true;
	return false;
}

bool vs_dhcp4_replace(struct vs_dhcp4 *m, vs_auto_ms now, const struct vs_dhcp4_terms *terms)
{
	const struct vs_dhcp4_given *old = &m->terms.given;
	bool changed = memcmp(old, &terms->given, sizeof(*old)) != 0;

	if (old->prefix_len != terms->given.prefix_len) {
		remove_all(m, now); /* an address with another prefix is another address for the kernel */
	} else {
		for (size_t i = old->n_routes; i > 0; i--)
			if (!has_route(&terms->given, &old->routes[i - 1]))
				del_route(m, &old->routes[i - 1]);
	}
	m->terms = *terms;
	vs_dhcp4_install(m, now);
	return changed;
}
