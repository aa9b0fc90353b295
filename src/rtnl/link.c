/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interfaces: index and name, up and down, MTU, MAC. */

#include "rtnl.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

int vs_rtnl_link_take(void *arg, struct nlmsghdr *hdr)
{
	struct vs_rtnl_link *link = arg;
	struct nlattr *attrs[IFLA_MAX + 1];
	const struct ifinfomsg *info = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWLINK || nlmsg_parse(hdr, sizeof(*info), attrs, IFLA_MAX, NULL) < 0)
		return -EBADMSG;
	*link = (struct vs_rtnl_link){ .ifindex = info->ifi_index, .flags = info->ifi_flags };
	if (attrs[IFLA_IFNAME] != NULL)
		(void)nla_strlcpy(link->name, attrs[IFLA_IFNAME], sizeof(link->name));
	link->mtu = vs_nl_u32(attrs[IFLA_MTU], 0);
	link->has_mac = attrs[IFLA_ADDRESS] != NULL && nla_len(attrs[IFLA_ADDRESS]) == (int)sizeof(link->mac);
	if (link->has_mac)
		memcpy(link->mac, nla_data(attrs[IFLA_ADDRESS]), sizeof(link->mac));
	return 0;
}

int vs_rtnl_link_get(struct vs_nl *nl, int ifindex, const char *name, struct vs_rtnl_link *out)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = name != NULL ? 0 : ifindex };
	struct vs_rtnl_link link = { 0 };

	/*
	 * For names that cannot exist the kernel returns other errors. For the caller there is no such
	 * interface.
	 */
	if (name != NULL && (name[0] == '\0' || strlen(name) >= IF_NAMESIZE))
		return -ENODEV;
	VS_AUTO_MSG *msg = vs_nl_request(RTM_GETLINK, 0, &info, sizeof(info));
	if (msg == NULL || (name != NULL && nla_put_string(msg, IFLA_IFNAME, name) < 0) ||
	    nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		return -ENOMEM;
	int r = vs_nl_talk(nl, msg, vs_rtnl_link_take, &link);
	if (r == 0)
		*out = link;
	return r;
}

int vs_rtnl_link_peek(const struct vs_nl *nl, const char *name, struct vs_rtnl_link *out)
{
	struct vs_rtnl_link link = { 0 };
	struct ifreq ifr = { 0 };
	int fd = vs_nl_fd(nl);

	if (name[0] == '\0' || strlen(name) >= IF_NAMESIZE)
		return -ENODEV;
	memcpy(ifr.ifr_name, name, strlen(name));
	if (ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		return -errno;
	link.ifindex = ifr.ifr_ifindex;
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0)
		return -errno;
	link.flags = (unsigned short)ifr.ifr_flags;
	memset(&ifr.ifr_hwaddr, 0, sizeof(ifr.ifr_hwaddr));
	link.has_mac = ioctl(fd, SIOCGIFHWADDR, &ifr) == 0 && ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER;
	memcpy(link.mac, ifr.ifr_hwaddr.sa_data, sizeof(link.mac));
	memcpy(link.name, name, strlen(name));
	*out = link;
	return 0;
}

int vs_rtnl_link_change(struct vs_nl *nl, int ifindex, const struct vs_rtnl_link_change *change)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC,
					.ifi_index = ifindex,
					.ifi_flags = change->flags,
					.ifi_change = change->mask };
	VS_AUTO_MSG *msg = vs_nl_request(RTM_SETLINK, 0, &info, sizeof(info));

	if (msg == NULL || (change->attr != 0 && nla_put(msg, change->attr, change->len, change->data) < 0))
		return -ENOMEM;
	return vs_nl_talk(nl, msg, NULL, NULL);
}

int vs_rtnl_link_set_up(struct vs_nl *nl, int ifindex, bool up)
{
	return vs_rtnl_link_change(nl, ifindex,
				   &(struct vs_rtnl_link_change){ .flags = up ? IFF_UP : 0, .mask = IFF_UP });
}

/* Without /proc, and for this device only: rtnetlink(7), IFLA_AF_SPEC. flags: that are set besides. */
static int set_arp_notify(struct vs_nl *nl, int ifindex, unsigned flags)
{
	const struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC, .ifi_index = ifindex, .ifi_flags = flags, .ifi_change = flags
	};
	VS_AUTO_MSG *msg = vs_nl_request(RTM_SETLINK, 0, &info, sizeof(info));
	struct nlattr *all, *ipv4, *conf;

	if (msg == NULL || (all = nla_nest_start(msg, IFLA_AF_SPEC)) == NULL ||
	    (ipv4 = nla_nest_start(msg, AF_INET)) == NULL ||
	    (conf = nla_nest_start(msg, IFLA_INET_CONF)) == NULL ||
	    nla_put_u32(msg, IPV4_DEVCONF_ARP_NOTIFY, 1) < 0)
		return -ENOMEM;
	nla_nest_end(msg, conf);
	nla_nest_end(msg, ipv4);
	nla_nest_end(msg, all);
	return vs_nl_talk(nl, msg, NULL, NULL);
}

int vs_rtnl_link_set_up_announcing(struct vs_nl *nl, int ifindex)
{
	/* Fails as a whole on a device without IPv4, or with an MTU that is too small for it. */
	return set_arp_notify(nl, ifindex, IFF_UP) == 0 ? 0 : vs_rtnl_link_set_up(nl, ifindex, true);
}

/*
 * The kernel announces IPv4 addresses when the MAC is set, also to the same value, and IPv6 addresses if
 * ndisc_notify is set, as it is in the keeper's stacks.
 */
static void set_same_mac(struct vs_nl *nl, const struct vs_rtnl_link *link)
{
	const struct vs_rtnl_link_change same = { .attr = IFLA_ADDRESS,
						  .data = link->mac,
						  .len = sizeof(link->mac) };

	(void)vs_rtnl_link_change(nl, link->ifindex, &same);
}

void vs_rtnl_link_announce(struct vs_nl *nl, const char *name, bool prepared)
{
	struct vs_rtnl_neighs kept = { 0 };
	struct vs_rtnl_link link;

	if (vs_rtnl_link_peek(nl, name, &link) < 0 || !link.has_mac || (link.flags & IFF_UP) == 0)
		return;
	if (prepared) {
		set_same_mac(nl, &link);
		return;
	}
	(void)set_arp_notify(nl, link.ifindex, 0);
	/* With the MAC the kernel drops all neighbours of the interface, permanent ones as well. */
	if (vs_rtnl_neigh_keep(nl, link.ifindex, &kept) == 0) {
		set_same_mac(nl, &link);
		vs_rtnl_neigh_restore(nl, &kept);
	}
	free(kept.list);
}
