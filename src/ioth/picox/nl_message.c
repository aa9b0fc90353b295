/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages that tell of links, addresses and routes, as answers and as notifications. */

#include "nl_message.h"

#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

static struct nl_msg *begin(int type, const struct vs_pxnl_head *head, void *fixed, size_t n)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg != NULL && (nlmsg_put(msg, head->port, head->seq, type, 0, head->flags) == NULL ||
			    nlmsg_append(msg, fixed, n, NLMSG_ALIGNTO) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* NULL if an attribute had no room. */
static struct nl_msg *finish(struct nl_msg *msg, bool complete)
{
	if (complete)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static int size_of(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

struct nl_msg *vs_pxnl_link_message(int type, const struct vs_pxnl_head *head,
				    const struct vs_pxnl_link *link)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t none[6];
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC,
				  .ifi_type = link->loopback ? ARPHRD_LOOPBACK : ARPHRD_ETHER,
				  .ifi_index = link->ifindex,
				  .ifi_flags = link->flags };
	struct nl_msg *msg = begin(type, head, &info, sizeof(info));

	if (msg == NULL)
		return NULL;
	bool ok = nla_put_string(msg, IFLA_IFNAME, link->name) == 0 &&
		  nla_put_u32(msg, IFLA_MTU, link->mtu) == 0 &&
		  nla_put(msg, IFLA_ADDRESS, 6, link->loopback ? none : link->mac) == 0 &&
		  nla_put(msg, IFLA_BROADCAST, 6, link->loopback ? none : all) == 0 &&
		  nla_put_u8(msg, IFLA_OPERSTATE, link->flags & IFF_RUNNING ? 6 : 2) == 0 && /* UP, DOWN */
		  nla_put_u8(msg, IFLA_CARRIER, (link->flags & IFF_RUNNING) != 0) == 0;
	if (ok && !link->loopback) {
		struct nlattr *nest = nla_nest_start(msg, IFLA_LINKINFO);
		ok = nest != NULL && nla_put_string(msg, IFLA_INFO_KIND, "vde") == 0;
		if (ok)
			(void)nla_nest_end(msg, nest);
	}
	return finish(msg, ok);
}

struct nl_msg *vs_pxnl_addr_message(int type, const struct vs_pxnl_head *head,
				    const struct vs_pxnl_addr *addr)
{
	const bool host = addr->family == AF_INET && addr->bytes[0] == 127;
	const bool link =
		addr->family == AF_INET6 && addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
	struct ifaddrmsg info = { .ifa_family = addr->family,
				  .ifa_prefixlen = addr->prefix_len,
				  .ifa_flags = (uint8_t)addr->flags,
				  .ifa_scope = host   ? RT_SCOPE_HOST
					       : link ? RT_SCOPE_LINK
						      : RT_SCOPE_UNIVERSE,
				  .ifa_index = (uint32_t)addr->ifindex };
	const struct ifa_cacheinfo times = { .ifa_prefered = addr->preferred_s, .ifa_valid = addr->valid_s };
	struct nl_msg *msg = begin(type, head, &info, sizeof(info));
	int n = size_of(addr->family);

	if (msg == NULL)
		return NULL;
	bool ok = nla_put(msg, IFA_ADDRESS, n, addr->bytes) == 0 &&
		  (addr->family == AF_INET6 || nla_put(msg, IFA_LOCAL, n, addr->bytes) == 0) &&
		  nla_put_u32(msg, IFA_FLAGS, addr->flags) == 0 &&
		  nla_put(msg, IFA_CACHEINFO, sizeof(times), &times) == 0;
	if (ok && addr->family == AF_INET && addr->prefix_len < 31 && !host) {
		uint8_t broadcast[4];
		uint32_t mask = addr->prefix_len == 0 ? UINT32_MAX : UINT32_MAX >> addr->prefix_len;
		for (int i = 0; i < 4; i++)
			broadcast[i] = (uint8_t)(addr->bytes[i] | mask >> (24 - 8 * i));
		ok = nla_put(msg, IFA_BROADCAST, 4, broadcast) == 0;
	}
	return finish(msg, ok);
}

struct nl_msg *vs_pxnl_route_message(int type, const struct vs_pxnl_head *head,
				     const struct vs_pxnl_route *route)
{
	struct rtmsg info = { .rtm_family = route->family,
			      .rtm_dst_len = route->prefix_len,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = route->protocol,
			      .rtm_scope = route->has_gw || route->family == AF_INET6 ? RT_SCOPE_UNIVERSE
										      : RT_SCOPE_LINK,
			      .rtm_type = RTN_UNICAST };
	struct nl_msg *msg = begin(type, head, &info, sizeof(info));
	int n = size_of(route->family);

	if (msg == NULL)
		return NULL;
	bool ok = nla_put_u32(msg, RTA_TABLE, RT_TABLE_MAIN) == 0 &&
		  (route->prefix_len == 0 || nla_put(msg, RTA_DST, n, route->dst) == 0) &&
		  (!route->has_gw || nla_put(msg, RTA_GATEWAY, n, route->gw) == 0) &&
		  nla_put_u32(msg, RTA_OIF, (uint32_t)route->ifindex) == 0 &&
		  (route->metric == 0 || nla_put_u32(msg, RTA_PRIORITY, route->metric) == 0);
	return finish(msg, ok);
}

/* ------------------------------------------------------------------ notifications */

static size_t copy_out(struct nl_msg *msg, void *to)
{
	size_t n = 0;

	if (msg == NULL)
		return 0;
	if (nlmsg_hdr(msg)->nlmsg_len <= VS_PXNL_MESSAGE_MAX) {
		n = nlmsg_hdr(msg)->nlmsg_len;
		memcpy(to, nlmsg_hdr(msg), n);
	}
	nlmsg_free(msg);
	return n;
}

size_t vs_pxnl_link_note(int type, const struct vs_pxnl_link *link, void *to)
{
	return copy_out(vs_pxnl_link_message(type, &(struct vs_pxnl_head){ 0 }, link), to);
}

size_t vs_pxnl_addr_note(int type, const struct vs_pxnl_addr *addr, void *to)
{
	return copy_out(vs_pxnl_addr_message(type, &(struct vs_pxnl_head){ 0 }, addr), to);
}

size_t vs_pxnl_route_note(int type, const struct vs_pxnl_route *route, void *to)
{
	return copy_out(vs_pxnl_route_message(type, &(struct vs_pxnl_head){ 0 }, route), to);
}
