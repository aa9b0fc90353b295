/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Addresses and routes of interfaces that exist, changed as a transaction.
 *
 * The kernel changes more than it is asked for: with an address go the routes that need it. So it is not
 * enough to reverse each request. The state before is read. A removal puts back what the kernel has taken
 * along with it. Undoing makes the state again out of the one that there is then. Only what words can set is
 * put back and restored: permanent addresses, and routes of the protocol "static". What the kernel or an
 * address source has set is theirs, and comes again by itself.
 *
 * Another process may change the same interfaces at the same time. Undoing removes only what the words of
 * this change may have added.
 */

#include "change.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/addr_text.h"
#include "rtnl/apply.h"

/* ------------------------------------------------------------------ the state before */

struct reading {
	struct vs_change *change;
	const struct vs_learned *learned;
	bool no_memory;
};

static bool is_ours(const struct vs_change *change, int ifindex)
{
	for (size_t i = 0; i < change->config->n_ifaces; i++)
		if (change->indices[i] == ifindex)
			return true;
	return false;
}

/* Makes room for one more. False: there is no memory. */
static bool grow(void **list, size_t n, size_t item_bytes)
{
	void *longer = realloc(*list, (n + 1) * item_bytes);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

static bool is_learned(const struct vs_learned *learned, const struct vs_rtnl_addr *addr)
{
	struct vs_conf_addr parsed;

	if (learned == NULL || !vs_addr_from_text(addr->text, strlen(addr->text), &parsed))
		return false;
	for (size_t i = 0; i < learned->n; i++) {
		const struct vs_wire_learned *record = &learned->list[i];
		if (record->kind == VS_LEARNED_ADDRESS && record->addr.family == parsed.family &&
		    memcmp(record->addr.bytes, parsed.bytes, vs_rtnl_addr_bytes(parsed.family)) == 0)
			return true;
	}
	return false;
}

static void begin_addrs(void *arg)
{
	struct reading *reading = arg;

	reading->change->n_addrs = 0;
}

static void take_addr(void *arg, const void *record)
{
	struct reading *reading = arg;
	struct vs_change *change = reading->change;
	const struct vs_rtnl_addr *addr = record;

	if (!is_ours(change, addr->ifindex))
		return;
	if (!grow((void **)&change->addrs, change->n_addrs, sizeof(*addr))) {
		reading->no_memory = true;
		return;
	}
	change->addrs[change->n_addrs] = *addr;
	if (is_learned(reading->learned, addr))
		change->addrs[change->n_addrs].flags &= ~(unsigned)IFA_F_PERMANENT;
	change->n_addrs++;
}

/* Whether a word can have set it. */
static bool is_static(const struct vs_rtnl_addr *addr)
{
	return (addr->flags & IFA_F_PERMANENT) != 0;
}

static void begin_routes(void *arg)
{
	struct reading *reading = arg;

	reading->change->n_routes = 0;
}

static void take_route(void *arg, const void *record)
{
	struct reading *reading = arg;
	struct vs_change *change = reading->change;
	const struct vs_rtnl_hop *hop = record;

	if (!is_ours(change, hop->ifindex) || hop->protocol != RTPROT_STATIC)
		return;
	if (!grow((void **)&change->routes, change->n_routes, sizeof(*hop)))
		reading->no_memory = true;
	else
		change->routes[change->n_routes++] = *hop;
}

/* Reads addrs and routes of change. 0 or -errno. */
static int read_state(struct vs_change *change, const struct vs_learned *learned)
{
	struct reading reading = { change, learned, false };
	const struct vs_nl_reader addrs = { begin_addrs, take_addr, &reading };
	const struct vs_nl_reader routes = { begin_routes, take_route, &reading };
	int r = vs_rtnl_addr_list(change->nl, &addrs);

	if (r == 0)
		r = vs_rtnl_route_list(change->nl, &routes);
	return r == 0 && reading.no_memory ? -ENOMEM : r;
}

static int find_ifaces(struct vs_change *change)
{
	for (size_t i = 0; i < change->config->n_ifaces; i++) {
		const char *name = change->config->ifaces[i].name;
		struct vs_rtnl_link link;
		int r = vs_rtnl_link_get(change->nl, 0, name, &link);
		if (r < 0)
			return vs_nl_fail(change->nl, -r, "cannot change interface %s", name);
		change->indices[i] = link.ifindex;
		change->flags[i] = link.flags;
	}
	return 0;
}

int vs_change_begin(struct vs_change *change, struct vs_nl *nl, const struct vs_config *config,
		    const struct vs_learned *learned)
{
	*change = (struct vs_change){ .nl = nl, .config = config };
	change->indices = calloc(config->n_ifaces + 1, sizeof(*change->indices));
	change->flags = calloc(config->n_ifaces + 1, sizeof(*change->flags));
	if (change->indices == NULL || change->flags == NULL)
		return vs_nl_fail(nl, ENOMEM, "cannot change interfaces");
	int r = find_ifaces(change);
	if (r < 0)
		return r;
	r = read_state(change, learned);
	return r < 0 ? vs_nl_fail(nl, -r, "cannot read the addresses and routes of the stack") : 0;
}

void vs_change_end(struct vs_change *change)
{
	free(change->indices);
	free(change->flags);
	free(change->addrs);
	free(change->routes);
	*change = (struct vs_change){ 0 };
}

/* ------------------------------------------------------------------ from records to words */

/* False: a record of a family that words do not know. */
static bool to_addr(const struct vs_rtnl_addr *from, struct vs_conf_addr *to)
{
	bool ok = vs_addr_from_text(from->text, strlen(from->text), to);

	to->prefixlen = from->prefix_len;
	return ok;
}

static bool to_route(const struct vs_rtnl_hop *from, struct vs_rtnl_route *to)
{
	struct vs_conf_route *route = &to->to;
	bool ok = true;

	*to = (struct vs_rtnl_route){ .ifindex = from->ifindex, .metric = from->metric,
				      .protocol = from->protocol };
	if (from->dst[0] != '\0')
		ok = vs_addr_from_text(from->dst, strlen(from->dst), &route->dst);
	route->dst.family = from->family;
	route->dst.prefixlen = from->prefix_len;
	route->has_gw = from->gw[0] != '\0';
	return ok && (!route->has_gw || vs_addr_from_text(from->gw, strlen(from->gw), &route->gw));
}

static bool same_route(const struct vs_conf_route *a, const struct vs_conf_route *b)
{
	return vs_addr_equal(&a->dst, &b->dst) && a->dst.prefixlen == b->dst.prefixlen &&
	       a->has_gw == b->has_gw && (!a->has_gw || vs_addr_equal(&a->gw, &b->gw));
}

/* ------------------------------------------------------------------ removing */

static int ignore(int r, int expected)
{
	return r == expected ? 0 : r;
}

/* The kernel may have removed it with the first address of its network, which is no error. */
static int remove_addr(struct vs_change *change, size_t iface, const struct vs_conf_addr *addr)
{
	return ignore(vs_rtnl_addr_change(change->nl, RTM_DELADDR, change->indices[iface], addr, false),
		      -EADDRNOTAVAIL);
}

static bool is_link_local(const struct vs_conf_addr *addr)
{
	return addr->family == AF_INET6 && addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

static bool addr_goes(const struct vs_conf_removals *removals, const struct vs_conf_addr *addr)
{
	if (removals->all_addrs && !is_link_local(addr))
		return true;
	for (size_t i = 0; i < removals->n_addrs; i++)
		if (vs_addr_equal(&removals->addrs[i], addr) &&
		    (removals->addrs[i].prefixlen == 0 || removals->addrs[i].prefixlen == addr->prefixlen))
			return true;
	return false;
}

static bool route_goes(const struct vs_conf_removals *removals, const struct vs_conf_route *route)
{
	bool is_default = route->dst.prefixlen == 0;

	if (is_default ? removals->all_gws : removals->all_routes)
		return true;
	for (size_t i = 0; i < removals->n_routes; i++) {
		const struct vs_conf_route *wanted = &removals->routes[i];
		struct vs_conf_route found = *route;
		if (!wanted->has_gw) /* through any gateway */
			found.has_gw = false;
		if (same_route(wanted, &found))
			return true;
	}
	return false;
}

static int remove_routes(struct vs_change *change, size_t iface)
{
	const struct vs_conf_removals *removals = &change->config->ifaces[iface].removals;

	for (size_t i = 0; i < change->n_routes; i++) {
		struct vs_rtnl_route route;
		if (change->routes[i].ifindex != change->indices[iface] ||
		    !to_route(&change->routes[i], &route) || !route_goes(removals, &route.to))
			continue;
		int r = ignore(vs_rtnl_route_change(change->nl, RTM_DELROUTE, &route), -ESRCH);
		if (r < 0)
			return r;
		change->removed = true;
	}
	return 0;
}

static int remove_addrs(struct vs_change *change, size_t iface)
{
	const struct vs_conf_removals *removals = &change->config->ifaces[iface].removals;

	for (size_t i = 0; i < change->n_addrs; i++) {
		struct vs_conf_addr addr;
		if (change->addrs[i].ifindex != change->indices[iface] || !is_static(&change->addrs[i]) ||
		    !to_addr(&change->addrs[i], &addr) || !addr_goes(removals, &addr))
			continue;
		int r = remove_addr(change, iface, &addr);
		if (r < 0)
			return r;
		change->removed = true;
	}
	return 0;
}

/* With the first address of a network the kernel removes the others of it, unless it promotes one. */
static int put_back_addrs(struct vs_change *change, size_t iface)
{
	const struct vs_conf_removals *removals = &change->config->ifaces[iface].removals;

	for (size_t i = 0; i < change->n_addrs; i++) {
		struct vs_conf_addr addr;
		if (change->addrs[i].ifindex != change->indices[iface] || !is_static(&change->addrs[i]) ||
		    !to_addr(&change->addrs[i], &addr) || addr.family != AF_INET ||
		    addr_goes(removals, &addr))
			continue;
		int r = ignore(vs_rtnl_addr_change(change->nl, RTM_NEWADDR, change->indices[iface], &addr,
						   true),
			       -EEXIST);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * With an address the kernel removes routes whose gateway was reached through it. Those that no word removes
 * come again where an address that is there now reaches their gateway.
 */
static void put_back_routes(struct vs_change *change, size_t iface)
{
	const struct vs_conf_removals *removals = &change->config->ifaces[iface].removals;

	for (size_t i = 0; i < change->n_routes; i++) {
		struct vs_rtnl_route route;
		if (change->routes[i].ifindex == change->indices[iface] &&
		    to_route(&change->routes[i], &route) && !route_goes(removals, &route.to))
			(void)vs_rtnl_route_change(change->nl, RTM_NEWROUTE, &route);
	}
}

/* ------------------------------------------------------------------ adding */

static int set_up(struct vs_change *change, size_t iface, bool up)
{
	int r = vs_rtnl_link_set_up(change->nl, change->indices[iface], up);

	return r < 0 ? vs_nl_fail(change->nl, -r, "cannot bring %s interface %s", up ? "up" : "down",
				  change->config->ifaces[iface].name)
		     : 0;
}

int vs_change_apply(struct vs_change *change)
{
	const struct vs_conf_iface *ifaces = change->config->ifaces;
	size_t n = change->config->n_ifaces;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = remove_routes(change, i);
	for (size_t i = 0; i < n && r == 0; i++)
		r = remove_addrs(change, i);
	for (size_t i = 0; i < n && r == 0 && change->removed; i++)
		r = put_back_addrs(change, i);
	if (r < 0)
		return vs_nl_fail(change->nl, -r, "cannot remove addresses and routes");
	for (size_t i = 0; i < n && r == 0; i++)
		if (ifaces[i].updown == VS_CONF_UP)
			r = set_up(change, i, true);
	for (size_t i = 0; i < n && r == 0; i++)
		r = vs_conf_add_addrs(change->nl, &ifaces[i], change->indices[i], true);
	for (size_t i = 0; i < n && r == 0; i++)
		r = vs_conf_add_routes(change->nl, &ifaces[i], change->indices[i], true);
	for (size_t i = 0; i < n && r == 0 && change->removed; i++)
		put_back_routes(change, i);
	for (size_t i = 0; i < n && r == 0; i++)
		if (ifaces[i].updown == VS_CONF_DOWN)
			r = set_up(change, i, false);
	return r;
}

/* ------------------------------------------------------------------ undoing */

static bool had_addr(const struct vs_change *change, int ifindex, const struct vs_conf_addr *addr)
{
	for (size_t i = 0; i < change->n_addrs; i++) {
		struct vs_conf_addr old;
		if (change->addrs[i].ifindex == ifindex && to_addr(&change->addrs[i], &old) &&
		    vs_addr_equal(&old, addr) && old.prefixlen == addr->prefixlen)
			return true;
	}
	return false;
}

static bool had_route(const struct vs_change *change, int ifindex, const struct vs_conf_route *route)
{
	for (size_t i = 0; i < change->n_routes; i++) {
		struct vs_rtnl_route old;
		if (change->routes[i].ifindex == ifindex && to_route(&change->routes[i], &old) &&
		    same_route(&old.to, route))
			return true;
	}
	return false;
}

static void take_back(struct vs_change *change, size_t iface)
{
	const struct vs_conf_iface *words = &change->config->ifaces[iface];
	int ifindex = change->indices[iface];

	for (size_t i = words->n_routes; i-- > 0;) {
		const struct vs_rtnl_route route = { .to = words->routes[i], .ifindex = ifindex,
						     .protocol = RTPROT_STATIC };
		if (!had_route(change, ifindex, &words->routes[i]))
			(void)vs_rtnl_route_change(change->nl, RTM_DELROUTE, &route);
	}
	for (size_t i = words->n_addrs; i-- > 0;)
		if (!had_addr(change, ifindex, &words->addrs[i]))
			(void)vs_rtnl_addr_change(change->nl, RTM_DELADDR, ifindex, &words->addrs[i], false);
}

/* Also of interfaces that were up and are down now: with IPv6 addresses and routes gone, they come again. */
void vs_change_undo(struct vs_change *change)
{
	VS_ERROR_KEEP;
	const struct vs_config *config = change->config;

	for (size_t i = config->n_ifaces; i-- > 0;)
		take_back(change, i);
	for (size_t i = 0; i < config->n_ifaces; i++)
		if (config->ifaces[i].updown != VS_CONF_AS_IT_IS)
			(void)vs_rtnl_link_set_up(change->nl, change->indices[i],
						  (change->flags[i] & IFF_UP) != 0);
	/* They have been in use: no detection again. What is there still is refused by the kernel. */
	for (size_t i = 0; i < change->n_addrs; i++) {
		struct vs_conf_addr addr;
		if (is_static(&change->addrs[i]) && to_addr(&change->addrs[i], &addr))
			(void)vs_rtnl_addr_change(change->nl, RTM_NEWADDR, change->addrs[i].ifindex, &addr,
						  true);
	}
	for (size_t i = 0; i < change->n_routes; i++) {
		struct vs_rtnl_route route;
		if (to_route(&change->routes[i], &route))
			(void)vs_rtnl_route_change(change->nl, RTM_NEWROUTE, &route);
	}
}
