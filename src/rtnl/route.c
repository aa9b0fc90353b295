/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The routes of a stack: adding and removing, the list of the main table. */

#include "rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "config/addr_text.h"
#include <vdestack/conf.h>

/* ------------------------------------------------------------------ adding and removing */

/*
 * The fixed part. What is left open when removing matches anything, so that a route goes
 * away whoever made it.
 */
static struct rtmsg route_header(int type, const struct vs_route_spec *route)
{
	const struct vs_conf_route *to = &route->to;
	unsigned table = route->table != 0 ? route->table : RT_TABLE_MAIN;
	struct rtmsg info = {
		.rtm_family = (unsigned char)to->dst.family,
		.rtm_dst_len = (unsigned char)to->dst.prefixlen,
		.rtm_table = (unsigned char)(table < 256 ? table : RT_TABLE_UNSPEC),
		.rtm_scope = RT_SCOPE_NOWHERE,
	};

	if (type == RTM_NEWROUTE) {
		info.rtm_type = RTN_UNICAST;
		info.rtm_protocol = RTPROT_STATIC;
		info.rtm_scope = to->has_gw || to->dst.family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	}
	return info;
}

/* A gateway of the other family has an attribute of its own. */
static int put_gateway(struct nl_msg *msg, const struct vs_conf_route *to)
{
	struct {
		uint16_t family; /* struct rtvia, whose address has no size */
		unsigned char bytes[16];
	} via = { .family = (uint16_t)to->gw.family };
	int len = (int)vs_addr_bytes(to->gw.family);

	if (to->gw.family == to->dst.family)
		return nla_put(msg, RTA_GATEWAY, len, to->gw.bytes);
	memcpy(via.bytes, to->gw.bytes, sizeof(via.bytes));
	return nla_put(msg, RTA_VIA, (int)sizeof(via.family) + len, &via);
}

int vs_route_change(struct vs_nl *nl, int type, const struct vs_route_spec *route)
{
	const struct vs_conf_route *to = &route->to;
	const struct rtmsg info = route_header(type, route);
	int flags = type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0;
	VS_AUTO_MSG *msg = vs_nl_request(type, flags, &info, sizeof(info));

	if (msg == NULL || nla_put_u32(msg, RTA_TABLE, route->table != 0 ? route->table : RT_TABLE_MAIN) < 0)
		return -ENOMEM;
	if (to->dst.prefixlen > 0 &&
	    nla_put(msg, RTA_DST, (int)vs_addr_bytes(to->dst.family), to->dst.bytes) < 0)
		return -ENOMEM;
	if ((to->has_gw && put_gateway(msg, to) < 0) ||
	    (route->ifindex != 0 && nla_put_u32(msg, RTA_OIF, (uint32_t)route->ifindex) < 0) ||
	    (route->metric != 0 && nla_put_u32(msg, RTA_PRIORITY, route->metric) < 0))
		return -ENOMEM;
	return vs_nl_talk(nl, msg, NULL, NULL);
}

/* ------------------------------------------------------------------ what the caller gave */

/* Copies the caller's struct, older and smaller or newer and larger, into ours. */
static int copy_route(const struct vdestack_route *given, struct vdestack_route *out)
{
	if (given == NULL || given->size < offsetof(struct vdestack_route, dst) + sizeof(given->dst))
		return vs_fail(EINVAL, "cannot change a route: the struct is NULL or its size is not set; "
				       "set it to sizeof(struct vdestack_route)");
	const unsigned char *bytes = (const void *)given;
	for (size_t i = sizeof(*out); i < given->size; i++)
		if (bytes[i] != 0)
			return vs_fail(E2BIG,
				       "cannot change a route: the struct has fields this library does not "
				       "know; leave them 0 or use a newer library");
	*out = (struct vdestack_route){ 0 };
	memcpy(out, given, given->size < sizeof(*out) ? given->size : sizeof(*out));
	/* Unterminated text is no address either. */
	if (memchr(out->dst, '\0', sizeof(out->dst)) == NULL ||
	    memchr(out->gw, '\0', sizeof(out->gw)) == NULL)
		return vs_fail(EINVAL, "cannot change a route: an address has no end; terminate the text");
	return 0;
}

static int bad_route(const struct vdestack_route *given, const char *why)
{
	return vs_fail(EINVAL, "cannot change the route to %s/%u via \"%s\": %s",
		       given->dst[0] != '\0' ? given->dst : "default", given->prefixlen, given->gw, why);
}

/* 0 when neither the family nor an address tells. */
static int find_family(const struct vdestack_route *given, const struct vs_conf_route *to)
{
	if (given->dst[0] != '\0')
		return to->dst.family;
	if (given->family != 0)
		return given->family;
	return to->has_gw ? to->gw.family : 0;
}

/* A route to remove may leave open where it leads. */
static int parse_route(int type, const struct vdestack_route *given, struct vs_route_spec *out)
{
	struct vs_route_spec route = { .ifindex = given->ifindex,
				       .metric = given->metric,
				       .table = given->table };
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
	if (given->prefixlen > (given->dst[0] != '\0' ? vs_addr_bits(&to->dst) : 0))
		return bad_route(given, "the prefix is too long for the destination; shorten it");
	if (given->ifindex < 0 || (type == RTM_NEWROUTE && given->ifindex == 0 && !to->has_gw))
		return bad_route(given, "it leads nowhere; give a gateway or the index of an interface");
	to->dst.prefixlen = given->prefixlen;
	*out = route;
	return 0;
}

static int change_route(struct vdestack *stack, int type, const struct vdestack_route *given)
{
	struct vdestack_route text;
	struct vs_route_spec route;
	VS_AUTO_NL nl = { 0 };
	int err = copy_route(given, &text);

	if (err == 0)
		err = parse_route(type, &text, &route);
	if (err == 0)
		err = vs_nl_open(&nl, stack);
	if (err < 0)
		return err;
	err = vs_route_change(&nl, type, &route);
	if (err < 0)
		return vs_nl_fail(&nl, -err, "cannot %s the route to %s/%u%s%s",
				  type == RTM_NEWROUTE ? "add" : "remove",
				  text.dst[0] != '\0' ? text.dst : "default", text.prefixlen,
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

struct route_list {
	struct vdestack_route *list;
	size_t room;
	size_t count; /* how many there are, which may be more than the room */
};

static void begin_list(void *arg)
{
	struct route_list *list = arg;

	list->count = 0;
}

/* Adds the route with one of its next hops. */
static void add_hop(struct route_list *list, const struct vdestack_route *route, int ifindex,
		    struct nlattr *gateway, struct nlattr *via)
{
	if (list->count++ >= list->room)
		return;
	struct vdestack_route *out = &list->list[list->count - 1];
	*out = *route;
	out->ifindex = ifindex;
	vs_addr_format_attr(route->family, gateway, out->gw);
	if (via != NULL && nla_len(via) == (int)(sizeof(uint16_t) + sizeof(struct in6_addr)))
		(void)inet_ntop(AF_INET6, (char *)nla_data(via) + sizeof(uint16_t), out->gw, sizeof(out->gw));
}

/* One entry for each of the next hops. */
static void add_multipath(struct route_list *list, const struct vdestack_route *route,
			  struct nlattr *multipath)
{
	const struct rtnexthop *hop = nla_data(multipath);
	int left = nla_len(multipath);

	while (left >= (int)sizeof(*hop) && RTNH_OK(hop, left)) {
		struct nlattr *attrs[RTA_MAX + 1];
		if (nla_parse(attrs, RTA_MAX, (struct nlattr *)(void *)RTNH_DATA(hop),
			      hop->rtnh_len - (int)sizeof(*hop), NULL) == 0)
			add_hop(list, route, hop->rtnh_ifindex, attrs[RTA_GATEWAY], attrs[RTA_VIA]);
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

/* Routes that lead somewhere: the struct has no place for blackholes; clones are learned, not set. */
static bool is_wanted(const struct rtmsg *info, struct nlattr *const *attrs)
{
	unsigned table = vs_nl_u32(attrs[RTA_TABLE], info->rtm_table);

	return (info->rtm_family == AF_INET || info->rtm_family == AF_INET6) &&
	       info->rtm_type == RTN_UNICAST && (info->rtm_flags & RTM_F_CLONED) == 0 &&
	       table == RT_TABLE_MAIN;
}

static int take_route(void *arg, struct nlmsghdr *hdr)
{
	struct route_list *list = arg;
	struct nlattr *attrs[RTA_MAX + 1];
	const struct rtmsg *info = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(hdr, sizeof(*info), attrs, RTA_MAX, NULL) < 0)
		return -EBADMSG;
	if (!is_wanted(info, attrs))
		return 0;
	if (info->rtm_dst_len > vs_addr_bytes(info->rtm_family) * 8)
		return -EBADMSG;
	struct vdestack_route route = {
		.size = sizeof(route),
		.prefixlen = info->rtm_dst_len,
		.family = info->rtm_family,
		.metric = vs_nl_u32(attrs[RTA_PRIORITY], 0),
		.table = RT_TABLE_MAIN,
	};
	vs_addr_format_attr(route.family, attrs[RTA_DST], route.dst);
	if (attrs[RTA_MULTIPATH] != NULL)
		add_multipath(list, &route, attrs[RTA_MULTIPATH]);
	else
		add_hop(list, &route, (int)vs_nl_u32(attrs[RTA_OIF], 0), attrs[RTA_GATEWAY], attrs[RTA_VIA]);
	return 0;
}

static int list_routes(struct vdestack *stack, struct route_list *list)
{
	const struct rtmsg all = { .rtm_family = AF_UNSPEC };
	const struct vs_nl_dump dump = { RTM_GETROUTE, &all, sizeof(all), begin_list, take_route, list };
	VS_AUTO_NL nl = { 0 };

	if (list->list == NULL && list->room > 0)
		return vs_fail(EINVAL, "cannot list routes: the list is NULL; then its size must be 0");
	int err = vs_nl_open(&nl, stack);
	if (err < 0)
		return err;
	err = vs_nl_dump(&nl, &dump);
	return err < 0 ? vs_nl_fail(&nl, -err, "cannot list routes") : (int)list->count;
}

int vdestack_route_list(struct vdestack *stack, struct vdestack_route *list, size_t n)
{
	struct route_list job = { .list = list, .room = n };

	return vs_edge(list_routes(stack, &job));
}
