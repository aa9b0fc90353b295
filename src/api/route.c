/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The routes of a stack: adding and removing, the list of the main table. */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/error.h"
#include "base/opts.h"
#include "config/addr_text.h"
#include "core/stack.h"
#include "list.h"
#include "named.h"
#include <vdestack/conf.h>

/* ------------------------------------------------------------------ the caller's route */

/* Reads the caller's struct, of this version or a later one. */
static int copy_route(const struct vdestack_route *given, struct vdestack_route *out)
{
	int r = given != NULL ? vs_opts_read(given, sizeof(*out), out, sizeof(*out)) : -EINVAL;

	if (r < 0)
		return vs_opts_fail(r, "change a route", "vdestack_route");
	/* Unterminated text is no address either. */
	if (memchr(out->dst, '\0', sizeof(out->dst)) == NULL ||
	    memchr(out->gw, '\0', sizeof(out->gw)) == NULL ||
	    memchr(out->ifname, '\0', sizeof(out->ifname)) == NULL)
		return vs_fail(EINVAL, "cannot change a route: an address or the interface's name has no "
				       "end; terminate the text");
	return 0;
}

static int bad_route(const struct vdestack_route *given, const char *why)
{
	return vs_fail(EINVAL, "cannot change the route to %s/%u via \"%s\": %s",
		       given->dst[0] != '\0' ? given->dst : "default", given->prefix_len, given->gw, why);
}

/* 0: neither the family nor an address is set. */
static int find_family(const struct vdestack_route *given, const struct vs_conf_route *to)
{
	if (given->dst[0] != '\0')
		return to->dst.family;
	if (given->family != 0)
		return given->family;
	return to->has_gw ? to->gw.family : 0;
}

/* A route to remove need not have a gateway or an interface. */
static int parse_route(int type, const struct vdestack_route *given, struct vs_rtnl_route *out)
{
	struct vs_rtnl_route route = { .metric = given->metric, .table = given->table };
	struct vs_conf_route *to = &route.to;

	to->has_gw = given->gw[0] != '\0';
	if (given->dst[0] != '\0' && !vs_addr_from_text(given->dst, strlen(given->dst), &to->dst))
		return bad_route(given, "the destination is no address; write the prefix length apart");
	if (to->has_gw && !vs_addr_from_text(given->gw, strlen(given->gw), &to->gw))
		return bad_route(given, "the gateway is no address; write it as 10.0.0.1 or fc00::1");
	to->dst.family = find_family(given, to);
	if (to->dst.family != AF_INET && to->dst.family != AF_INET6)
		return bad_route(given, "its family is unknown; set family, dst or gw");
	if (given->family != 0 && given->family != to->dst.family)
		return bad_route(given, "family is not that of the destination; leave it 0");
	if (to->has_gw && to->dst.family == AF_INET6 && to->gw.family == AF_INET)
		return bad_route(given, "IPv6 has no IPv4 gateways; give an IPv6 one");
	if (given->prefix_len > (given->dst[0] != '\0' ? vs_addr_bits(&to->dst) : 0))
		return bad_route(given, "the prefix is too long for the destination; shorten it");
	if (type == RTM_NEWROUTE && given->ifname[0] == '\0' && !to->has_gw)
		return bad_route(given, "it leads nowhere; give a gateway or the name of an interface");
	to->dst.prefixlen = given->prefix_len;
	*out = route;
	return 0;
}

/* *ifindex is written if the route names its interface. */
static int open_for(struct vdestack *stack, const struct vdestack_route *given, struct vs_nl *nl,
		    int *ifindex)
{
	struct vs_rtnl_link link;

	if (given->ifname[0] == '\0')
		return vs_stack_nl_open(stack, nl);
	int r = vs_named_open(stack, given->ifname, "cannot change a route through interface", nl, &link);
	if (r == 0)
		*ifindex = link.ifindex;
	return r;
}

static int change_route(struct vdestack *stack, int type, const struct vdestack_route *given)
{
	struct vdestack_route text;
	struct vs_rtnl_route route;
	VS_AUTO_NL nl = { 0 };
	int r = copy_route(given, &text);

	if (r == 0)
		r = parse_route(type, &text, &route);
	if (r == 0)
		r = open_for(stack, &text, &nl, &route.ifindex);
	if (r < 0)
		return r;
	r = vs_rtnl_route_change(&nl, type, &route);
	if (r < 0)
		return vs_nl_fail(&nl, -r, "cannot %s the route to %s/%u%s%s",
				  type == RTM_NEWROUTE ? "add" : "remove",
				  text.dst[0] != '\0' ? text.dst : "default", text.prefix_len,
				  text.gw[0] != '\0' ? " via " : "", text.gw);
	return 0;
}

int vdestack_route_add(struct vdestack *stack, const struct vdestack_route *route)
{
	return vs_edge(change_route(stack, RTM_NEWROUTE, route));
}

int vdestack_route_del(struct vdestack *stack, const struct vdestack_route *route)
{
	return vs_edge(change_route(stack, RTM_DELROUTE, route));
}

/* ------------------------------------------------------------------ the list */

static void take(void *arg, const void *record)
{
	struct vs_list *list = arg;
	const struct vs_rtnl_hop *from = record;
	struct vdestack_route route = {
		.size = list->record_size,
		.ifindex = from->ifindex,
		.family = from->family,
		.prefix_len = from->prefix_len,
		.metric = from->metric,
		.table = RT_TABLE_MAIN,
	};

	memcpy(route.dst, from->dst, sizeof(route.dst));
	memcpy(route.gw, from->gw, sizeof(route.gw));
	vs_list_add(list, route.ifindex, &route, sizeof(route));
}

static const struct vs_list_kind routes = {
	.what = "routes",
	.least = sizeof(struct vdestack_route),
	.ifname_at = offsetof(struct vdestack_route, ifname),
	.ifindex_at = offsetof(struct vdestack_route, ifindex),
	.read = vs_rtnl_route_list,
	.take = take,
};

int vdestack_route_list(struct vdestack *stack, const char *ifname, struct vdestack_route *list, size_t n,
			size_t record_size)
{
	struct vs_list job = { .ifname = ifname, .records = list, .n = n, .record_size = record_size };

	return vs_edge(vs_list_read(stack, &routes, &job));
}
