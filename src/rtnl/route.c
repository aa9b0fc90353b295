/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Routes: adding and removing, the list of the main table. */

#include "rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* ------------------------------------------------------------------ adding and removing */

/*
 * The fixed part. To remove a route, scope and type are left open and match any. So is the protocol, if none
 * is given: then routes that others have made are removed, too.
 */
static struct rtmsg route_header(int type, const struct vs_rtnl_route *route)
{
	const struct vs_conf_route *to = &route->to;
	unsigned table = route->table != 0 ? route->table : RT_TABLE_MAIN;
	struct rtmsg info = {
		.rtm_family = (unsigned char)to->dst.family,
		.rtm_dst_len = (unsigned char)to->dst.prefixlen,
		.rtm_table = (unsigned char)(table < 256 ? table : RT_TABLE_UNSPEC),
		.rtm_scope = RT_SCOPE_NOWHERE,
		.rtm_protocol = (unsigned char)route->protocol,
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
	int len = (int)vs_rtnl_addr_bytes(to->gw.family);

	if (to->gw.family == to->dst.family)
		return nla_put(msg, RTA_GATEWAY, len, to->gw.bytes);
	memcpy(via.bytes, to->gw.bytes, sizeof(via.bytes));
	return nla_put(msg, RTA_VIA, (int)sizeof(via.family) + len, &via);
}

int vs_rtnl_route_change(struct vs_nl *nl, int type, const struct vs_rtnl_route *route)
{
	const struct vs_conf_route *to = &route->to;
	const struct rtmsg info = route_header(type, route);
	int flags = type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0;
	VS_AUTO_MSG *msg = vs_nl_request(type, flags, &info, sizeof(info));

	if (msg == NULL || nla_put_u32(msg, RTA_TABLE, route->table != 0 ? route->table : RT_TABLE_MAIN) < 0)
		return -ENOMEM;
	if (to->dst.prefixlen > 0 &&
	    nla_put(msg, RTA_DST, (int)vs_rtnl_addr_bytes(to->dst.family), to->dst.bytes) < 0)
		return -ENOMEM;
	if ((to->has_gw && put_gateway(msg, to) < 0) ||
	    (route->ifindex != 0 && nla_put_u32(msg, RTA_OIF, (uint32_t)route->ifindex) < 0) ||
	    (route->metric != 0 && nla_put_u32(msg, RTA_PRIORITY, route->metric) < 0))
		return -ENOMEM;
	return vs_nl_talk(nl, msg, NULL, NULL);
}

/* ------------------------------------------------------------------ the list */

/* Passes the route with one of its next hops to the reader. */
static void take_hop(const struct vs_nl_reader *reader, const struct vs_rtnl_hop *route, int ifindex,
		     struct nlattr *gateway, struct nlattr *via)
{
	struct vs_rtnl_hop hop = *route;

	hop.ifindex = ifindex;
	vs_rtnl_addr_text(route->family, gateway, hop.gw);
	if (via != NULL && nla_len(via) == (int)(sizeof(uint16_t) + sizeof(struct in6_addr)))
		(void)inet_ntop(AF_INET6, (char *)nla_data(via) + sizeof(uint16_t), hop.gw, sizeof(hop.gw));
	reader->take(reader->arg, &hop);
}

/* One record for each of the next hops. */
static void take_multipath(const struct vs_nl_reader *reader, const struct vs_rtnl_hop *route,
			   struct nlattr *multipath)
{
	const struct rtnexthop *hop = nla_data(multipath);
	int left = nla_len(multipath);

	while (left >= (int)sizeof(*hop) && RTNH_OK(hop, left)) {
		struct nlattr *attrs[RTA_MAX + 1];
		if (nla_parse(attrs, RTA_MAX, (struct nlattr *)(void *)RTNH_DATA(hop),
			      hop->rtnh_len - (int)sizeof(*hop), NULL) == 0)
			take_hop(reader, route, hop->rtnh_ifindex, attrs[RTA_GATEWAY], attrs[RTA_VIA]);
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

/* Routes to a gateway or a link. A record cannot express blackholes. Clones are made by the kernel. */
static bool is_wanted(const struct rtmsg *info, struct nlattr *const *attrs)
{
	unsigned table = vs_nl_u32(attrs[RTA_TABLE], info->rtm_table);

	return (info->rtm_family == AF_INET || info->rtm_family == AF_INET6) &&
	       info->rtm_type == RTN_UNICAST && (info->rtm_flags & RTM_F_CLONED) == 0 &&
	       table == RT_TABLE_MAIN;
}

static int take_route(void *arg, struct nlmsghdr *hdr)
{
	const struct vs_nl_reader *reader = arg;
	struct nlattr *attrs[RTA_MAX + 1];
	const struct rtmsg *info = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(hdr, sizeof(*info), attrs, RTA_MAX, NULL) < 0)
		return -EBADMSG;
	if (!is_wanted(info, attrs))
		return 0;
	if (info->rtm_dst_len > vs_rtnl_addr_bytes(info->rtm_family) * 8)
		return -EBADMSG;
	struct vs_rtnl_hop route = {
		.prefix_len = info->rtm_dst_len,
		.family = info->rtm_family,
		.metric = vs_nl_u32(attrs[RTA_PRIORITY], 0),
		.protocol = info->rtm_protocol,
	};
	vs_rtnl_addr_text(route.family, attrs[RTA_DST], route.dst);
	if (attrs[RTA_MULTIPATH] != NULL)
		take_multipath(reader, &route, attrs[RTA_MULTIPATH]);
	else
		take_hop(reader, &route, (int)vs_nl_u32(attrs[RTA_OIF], 0), attrs[RTA_GATEWAY],
			 attrs[RTA_VIA]);
	return 0;
}

int vs_rtnl_route_list(struct vs_nl *nl, const struct vs_nl_reader *reader)
{
	const struct rtmsg all = { .rtm_family = AF_UNSPEC };

	return vs_nl_list(nl, RTM_GETROUTE, &all, sizeof(all), take_route, reader);
}
