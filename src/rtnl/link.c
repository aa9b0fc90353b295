/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interfaces of a stack: index and name, up and down, MTU, MAC. */

#include "rtnl.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include <vdestack/conf.h>

/* Takes what we keep of an RTM_NEWLINK message. */
static int take_link(void *arg, struct nlmsghdr *hdr)
{
	struct vs_link *link = arg;
	struct nlattr *attrs[IFLA_MAX + 1];
	const struct ifinfomsg *info = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWLINK || nlmsg_parse(hdr, sizeof(*info), attrs, IFLA_MAX, NULL) < 0)
		return -EBADMSG;
	*link = (struct vs_link){ .ifindex = info->ifi_index, .flags = info->ifi_flags };
	if (attrs[IFLA_IFNAME] != NULL)
		(void)nla_strlcpy(link->name, attrs[IFLA_IFNAME], sizeof(link->name));
	link->mtu = vs_nl_u32(attrs[IFLA_MTU], 0);
	link->has_mac = attrs[IFLA_ADDRESS] != NULL && nla_len(attrs[IFLA_ADDRESS]) == (int)sizeof(link->mac);
	if (link->has_mac)
		memcpy(link->mac, nla_data(attrs[IFLA_ADDRESS]), sizeof(link->mac));
	return 0;
}

int vs_link_get(struct vs_nl *nl, int ifindex, const char *name, struct vs_link *out)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = name != NULL ? 0 : ifindex };
	struct vs_link link = { 0 };

	/* The kernel has other errors for names that cannot be; for the caller they are no interface. */
	if (name != NULL && (name[0] == '\0' || strlen(name) >= IF_NAMESIZE))
		return -ENODEV;
	VS_AUTO_MSG *msg = vs_nl_request(RTM_GETLINK, 0, &info, sizeof(info));
	if (msg == NULL || (name != NULL && nla_put_string(msg, IFLA_IFNAME, name) < 0) ||
	    nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		return -ENOMEM;
	int err = vs_nl_talk(nl, msg, take_link, &link);
	if (err == 0)
		*out = link;
	return err;
}

/* One change of a link: flags, of which `mask` are meant, and one attribute (0: none). */
struct change {
	unsigned flags;
	unsigned mask;
	int attr;
	const void *data;
	int len;
};

static int change_link(struct vs_nl *nl, int ifindex, const struct change *change)
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

int vs_link_set_up(struct vs_nl *nl, int ifindex, bool up)
{
	return change_link(nl, ifindex, &(struct change){ .flags = up ? IFF_UP : 0, .mask = IFF_UP });
}

/* Without /proc, and for this device only: rtnetlink(7), IFLA_AF_SPEC. */
static int set_arp_notify(struct vs_nl *nl, int ifindex)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	VS_AUTO_MSG *msg = vs_nl_request(RTM_SETLINK, 0, &info, sizeof(info));
	struct nlattr *all, *ipv4, *conf;

	if (msg == NULL || (all = nla_nest_start(msg, IFLA_AF_SPEC)) == NULL || (ipv4 = nla_nest_start(msg, AF_INET)) == NULL ||
	    (conf = nla_nest_start(msg, IFLA_INET_CONF)) == NULL || nla_put_u32(msg, IPV4_DEVCONF_ARP_NOTIFY, 1) < 0)
		return -ENOMEM;
	nla_nest_end(msg, conf);
	nla_nest_end(msg, ipv4);
	nla_nest_end(msg, all);
	return vs_nl_talk(nl, msg, NULL, NULL);
}

/* The kernel announces addresses when the MAC is set, be it to what it is. IPv6 does so by a sysctl of the keeper's stacks. */
void vs_link_announce(struct vs_nl *nl, const char *name)
{
	struct vs_link link;

	if (vs_link_get(nl, 0, name, &link) < 0 || !link.has_mac || (link.flags & IFF_UP) == 0)
		return;
	(void)set_arp_notify(nl, link.ifindex);
	(void)change_link(nl, link.ifindex, &(struct change){ .attr = IFLA_ADDRESS, .data = link.mac, .len = sizeof(link.mac) });
}

/* ------------------------------------------------------------------ the typed calls */

/* Opens a conversation about an interface; -EINVAL for an index that cannot be. */
static int open_for(struct vs_nl *nl, struct vdestack *stack, int ifindex)
{
	if (ifindex <= 0)
		return vs_fail(EINVAL,
			       "cannot find interface %d: an index is greater than 0; "
			       "vdestack_if_nametoindex() tells it",
			       ifindex);
	return vs_nl_open(nl, stack);
}

static int set_link(struct vdestack *stack, int ifindex, const struct change *change, const char *what)
{
	VS_AUTO_NL nl = { 0 };
	int err = open_for(&nl, stack, ifindex);

	if (err < 0)
		return err;
	err = change_link(&nl, ifindex, change);
	return err < 0 ? vs_nl_fail(&nl, -err, "cannot set the %s of interface %d", what, ifindex) : 0;
}

static int get_link(struct vdestack *stack, int ifindex, struct vs_link *out)
{
	VS_AUTO_NL nl = { 0 };
	int err = open_for(&nl, stack, ifindex);

	if (err < 0)
		return err;
	err = vs_link_get(&nl, ifindex, NULL, out);
	return err < 0 ? vs_nl_fail(&nl, -err, "cannot look at interface %d", ifindex) : 0;
}

static int nametoindex(struct vdestack *stack, const char *ifname)
{
	VS_AUTO_NL nl = { 0 };
	struct vs_link link;

	if (ifname == NULL)
		return vs_fail(EINVAL, "cannot find an interface: its name is NULL; give one");
	int err = vs_nl_open(&nl, stack);
	if (err < 0)
		return err;
	err = vs_link_get(&nl, 0, ifname, &link);
	return err < 0 ? vs_nl_fail(&nl, -err, "cannot find interface %s", ifname) : link.ifindex;
}

int vdestack_if_nametoindex(struct vdestack *stack, const char *ifname)
{
	return vs_edge(nametoindex(stack, ifname));
}

int vdestack_if_indextoname(struct vdestack *stack, int ifindex, char name[IF_NAMESIZE])
{
	struct vs_link link;

	if (name == NULL)
		return vs_edge(vs_fail(EINVAL, "cannot name an interface: no room is given for it; "
					       "give IF_NAMESIZE bytes"));
	int err = get_link(stack, ifindex, &link);
	if (err == 0)
		memcpy(name, link.name, IF_NAMESIZE);
	return vs_edge(err);
}

int vdestack_link_set_up(struct vdestack *stack, int ifindex, int up)
{
	const struct change change = { .flags = up != 0 ? IFF_UP : 0, .mask = IFF_UP };

	return vs_edge(set_link(stack, ifindex, &change, up != 0 ? "up flag" : "down flag"));
}

int vdestack_link_get_flags(struct vdestack *stack, int ifindex)
{
	struct vs_link link;
	int err = get_link(stack, ifindex, &link);

	return vs_edge(err < 0 ? err : (int)link.flags);
}

int vdestack_link_set_mtu(struct vdestack *stack, int ifindex, int mtu)
{
	const struct change change = { .attr = IFLA_MTU, .data = &mtu, .len = sizeof(mtu) };

	if (mtu <= 0)
		return vs_edge(vs_fail(EINVAL,
				       "cannot set the MTU of interface %d to %d: it must be positive; "
				       "usual are 1500 and 9000",
				       ifindex, mtu));
	return vs_edge(set_link(stack, ifindex, &change, "MTU"));
}

int vdestack_link_get_mtu(struct vdestack *stack, int ifindex)
{
	struct vs_link link;
	int err = get_link(stack, ifindex, &link);

	return vs_edge(err < 0 ? err : (int)link.mtu);
}

static int set_mac(struct vdestack *stack, int ifindex, const unsigned char *mac)
{
	static const unsigned char zero[6];

	if (mac == NULL)
		return vs_fail(EINVAL, "cannot set the MAC of interface %d: it is NULL; give six bytes",
			       ifindex);
	/* Not every driver looks. */
	if ((mac[0] & 1) != 0 || memcmp(mac, zero, sizeof(zero)) == 0)
		return vs_fail(EADDRNOTAVAIL,
			       "cannot set the MAC of interface %d: a group address or all zero; "
			       "give the address of one station",
			       ifindex);
	const struct change change = { .attr = IFLA_ADDRESS, .data = mac, .len = sizeof(zero) };
	return set_link(stack, ifindex, &change, "MAC");
}

int vdestack_link_set_mac(struct vdestack *stack, int ifindex, const unsigned char mac[6])
{
	return vs_edge(set_mac(stack, ifindex, mac));
}

int vdestack_link_get_mac(struct vdestack *stack, int ifindex, unsigned char mac[6])
{
	struct vs_link link;

	if (mac == NULL)
		return vs_edge(vs_fail(EINVAL,
				       "cannot get the MAC of interface %d: no room is given for it; "
				       "give six bytes",
				       ifindex));
	int err = get_link(stack, ifindex, &link);
	if (err < 0)
		return vs_edge(err);
	if (!link.has_mac)
		return vs_edge(vs_fail(EADDRNOTAVAIL,
				       "cannot get the MAC of interface %s: it has none; "
				       "only Ethernet interfaces do",
				       link.name));
	memcpy(mac, link.mac, sizeof(link.mac));
	return 0;
}
