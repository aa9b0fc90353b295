/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Links, addresses and routes of a stack: one netlink message each. These calls have the names and arguments
 * that programs of the family know.
 */

#include <errno.h>
#include <ioth.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "error.h"
#include "netlink.h"
#include "rtnl/rtnl.h"

#define WITH_DATA(prefixlen, mark) (((unsigned)(prefixlen) >> 24) == (mark))

/* 0 or -errno to what a call returns. */
static int result(int r)
{
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

static int add(struct nl_msg *msg, int type, const void *data, size_t len)
{
	return msg != NULL && nla_put(msg, type, (int)len, data) == 0 ? 0 : -ENOMEM;
}

/* Sends a message that is complete if r is 0. */
static int finish(struct ioth *stack, struct nl_msg *msg, int r)
{
	if (r == 0)
		return result(vs_netlink_ask(stack, msg));
	nlmsg_free(msg);
	return result(r);
}

/* ------------------------------------------------------------------ links */

/* A question about one link, which *link answers. 0 or -errno. Takes msg; NULL: -ENOMEM. */
static int get_link(struct ioth *stack, struct nl_msg *msg, struct vs_rtnl_link *link)
{
	*link = (struct vs_rtnl_link){ 0 };
	int r = vs_netlink_get(stack, msg, vs_rtnl_link_take, link);

	return r == 0 && link->ifindex <= 0 ? -ENODEV : r;
}

int ioth_if_nametoindex(struct ioth *stack, const char *ifname)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct vs_rtnl_link link;
	size_t len = ifname != NULL ? strlen(ifname) : 0;

	if (len == 0 || len >= IF_NAMESIZE)
		return result(-ENODEV);
	struct nl_msg *msg = vs_netlink_message(RTM_GETLINK, 0, &info, sizeof(info));
	if (add(msg, IFLA_IFNAME, ifname, len + 1) < 0) {
		nlmsg_free(msg);
		return result(-ENOMEM);
	}
	int r = get_link(stack, msg, &link);
	return r < 0 ? result(r) : link.ifindex;
}

int ioth_linkgetaddr(struct ioth *stack, unsigned ifindex, void *macaddr)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };
	struct vs_rtnl_link link;
	int r = get_link(stack, vs_netlink_message(RTM_GETLINK, 0, &info, sizeof(info)), &link);

	if (r == 0 && !link.has_mac)
		r = -EADDRNOTAVAIL;
	if (r == 0)
		memcpy(macaddr, link.mac, sizeof(link.mac));
	return result(r);
}

/* Changes one attribute of a link. */
static int set_link(struct ioth *stack, unsigned ifindex, int attr, const void *data, size_t len)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };
	struct nl_msg *msg = vs_netlink_message(RTM_NEWLINK, 0, &info, sizeof(info));

	if (ifindex == 0) {
		nlmsg_free(msg);
		return result(-ENODEV);
	}
	return finish(stack, msg, add(msg, attr, data, len));
}

int ioth_linksetaddr(struct ioth *stack, unsigned ifindex, const void *macaddr)
{
	return set_link(stack, ifindex, IFLA_ADDRESS, macaddr, 6);
}

int ioth_linksetmtu(struct ioth *stack, unsigned ifindex, unsigned mtu)
{
	return set_link(stack, ifindex, IFLA_MTU, &mtu, sizeof(mtu));
}

int ioth_linksetupdown(struct ioth *stack, unsigned ifindex, int updown)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC,
					.ifi_index = (int)ifindex,
					.ifi_flags = updown != 0 ? IFF_UP : 0,
					.ifi_change = IFF_UP };

	if (ifindex == 0)
		return result(-ENODEV);
	return finish(stack, vs_netlink_message(RTM_NEWLINK, 0, &info, sizeof(info)), 0);
}

/* IFLA_LINKINFO. 0 or -ENOMEM. */
static int add_info(struct nl_msg *msg, const char *type, const struct nl_iplink_data *ifd, int nifd)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);

	if (info == NULL || nla_put_string(msg, IFLA_INFO_KIND, type) < 0)
		return -ENOMEM;
	struct nlattr *data = nifd > 0 ? nla_nest_start(msg, IFLA_INFO_DATA) : NULL;
	for (int i = 0; i < nifd; i++)
		if (data == NULL || nla_put(msg, ifd[i].tag, ifd[i].datalen, ifd[i].data) < 0)
			return -ENOMEM;
	if (data != NULL)
		(void)nla_nest_end(msg, data);
	(void)nla_nest_end(msg, info);
	return 0;
}

int ioth_iplink_add(struct ioth *stack, const char *ifname, unsigned ifindex, const char *type,
		    const struct nl_iplink_data *ifd, int nifd)
{
	int chosen = ifindex == -1U;
	const struct ifinfomsg header = { .ifi_family = AF_UNSPEC, .ifi_index = chosen ? 0 : (int)ifindex };

	if (type == NULL || nifd < 0 || (nifd > 0 && ifd == NULL) || (chosen && ifname == NULL) ||
	    (ifname != NULL && strlen(ifname) >= IF_NAMESIZE))
		return result(-EINVAL);
	struct nl_msg *msg =
		vs_netlink_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	int r = msg == NULL      ? -ENOMEM
		: ifname != NULL ? add(msg, IFLA_IFNAME, ifname, strlen(ifname) + 1)
				 : 0;
	if (r == 0)
		r = add_info(msg, type, ifd, nifd);
	r = finish(stack, msg, r);
	return r == 0 && chosen ? ioth_if_nametoindex(stack, ifname) : r;
}

int ioth_iplink_del(struct ioth *stack, const char *ifname, unsigned ifindex)
{
	const struct ifinfomsg header = { .ifi_family = AF_UNSPEC,
					  .ifi_index = ifname == NULL ? (int)ifindex : 0 };

	if (ifname == NULL ? ifindex == 0 : strlen(ifname) >= IF_NAMESIZE)
		return result(-ENODEV);
	struct nl_msg *msg = vs_netlink_message(RTM_DELLINK, 0, &header, sizeof(header));
	return finish(stack, msg, ifname != NULL ? add(msg, IFLA_IFNAME, ifname, strlen(ifname) + 1) : 0);
}

/* ------------------------------------------------------------------ addresses and routes */

/* Bytes of an address of the family, if the length of the prefix fits; else 0. */
static size_t address_bytes(int family, unsigned prefix_len)
{
	size_t bytes = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;

	return prefix_len <= bytes * 8 ? bytes : 0;
}

static int change_address(struct ioth *stack, int type, int flags, int family, const void *addr,
			  int prefixlen, int ifindex)
{
	struct ifaddrmsg header = { .ifa_family = (unsigned char)family, .ifa_index = (unsigned)ifindex };
	unsigned len = (unsigned)prefixlen;

	if (WITH_DATA(prefixlen, 0x70)) {
		header.ifa_flags = len >> 16 & 0xff;
		header.ifa_scope = len >> 8 & 0xff;
		len &= 0xff;
	}
	size_t bytes = address_bytes(family, len);
	if (bytes == 0 || addr == NULL || ifindex <= 0)
		return result(bytes != 0 && addr != NULL ? -ENODEV : -EINVAL);
	header.ifa_prefixlen = (unsigned char)len;
	struct nl_msg *msg = vs_netlink_message(type, flags, &header, sizeof(header));
	int r = add(msg, IFA_LOCAL, addr, bytes);
	if (r == 0)
		r = add(msg, IFA_ADDRESS, addr, bytes);
	return finish(stack, msg, r);
}

int ioth_ipaddr_add(struct ioth *stack, int family, const void *addr, int prefixlen, int ifindex)
{
	return change_address(stack, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, family, addr, prefixlen,
			      ifindex);
}

int ioth_ipaddr_del(struct ioth *stack, int family, const void *addr, int prefixlen, int ifindex)
{
	return change_address(stack, RTM_DELADDR, 0, family, addr, prefixlen, ifindex);
}

/* What a route is about, from the arguments of the calls. 0 or -EINVAL. */
static int route_header(struct rtmsg *header, int family, const void *dst, unsigned len, const void *gw)
{
	*header = (struct rtmsg){ .rtm_family = (unsigned char)family,
				  .rtm_table = RT_TABLE_MAIN,
				  .rtm_protocol = RTPROT_STATIC,
				  .rtm_scope = gw != NULL ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
				  .rtm_type = RTN_UNICAST };
	if (WITH_DATA(len, 0x60)) {
		header->rtm_type = len >> 16 & 0xff;
		header->rtm_scope = len >> 8 & 0xff;
		len &= 0xff;
	}
	if (dst == NULL) /* the default route; type and scope count */
		len = 0;
	header->rtm_dst_len = (unsigned char)len;
	return address_bytes(family, len) != 0 ? 0 : -EINVAL;
}

static int change_route(struct ioth *stack, int type, int flags, int family, const void *dst, int prefixlen,
			const void *gw, int ifindex)
{
	struct rtmsg header;
	int r = route_header(&header, family, dst, (unsigned)prefixlen, gw);

	if (r < 0)
		return result(r);
	size_t bytes = address_bytes(family, 0);
	if (type == RTM_DELROUTE) { /* one of any protocol, and of any scope */
		header.rtm_protocol = RTPROT_UNSPEC;
		header.rtm_scope = RT_SCOPE_NOWHERE;
	}
	struct nl_msg *msg = vs_netlink_message(type, flags, &header, sizeof(header));
	if (dst != NULL && header.rtm_dst_len > 0)
		r = add(msg, RTA_DST, dst, bytes);
	if (r == 0 && gw != NULL)
		r = add(msg, RTA_GATEWAY, gw, bytes);
	if (r == 0 && ifindex != 0)
		r = add(msg, RTA_OIF, &ifindex, sizeof(ifindex));
	return finish(stack, msg, r);
}

int ioth_iproute_add(struct ioth *stack, int family, const void *dst, int dst_prefixlen, const void *gw,
		     int ifindex)
{
	return change_route(stack, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, family, dst, dst_prefixlen, gw,
			    ifindex);
}

int ioth_iproute_del(struct ioth *stack, int family, const void *dst, int dst_prefixlen, const void *gw,
		     int ifindex)
{
	return change_route(stack, RTM_DELROUTE, 0, family, dst, dst_prefixlen, gw, ifindex);
}
