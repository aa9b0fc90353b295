/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interfaces of a stack: index and name, up and down, MTU, MAC. */

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "base/error.h"
#include "core/stack.h"
#include "rtnl/rtnl.h"
#include <vdestack/conf.h>

/* Opens a conversation about an interface; -EINVAL for an index that cannot be. */
static int open_for(struct vs_nl *nl, struct vdestack *stack, int ifindex)
{
	if (ifindex <= 0)
		return vs_fail(EINVAL,
			       "cannot find interface %d: an index is greater than 0; "
			       "vdestack_if_nametoindex() tells it",
			       ifindex);
	return vs_stack_nl_open(stack, nl);
}

static int set_link(struct vdestack *stack, int ifindex, const struct vs_rtnl_link_change *change, const char *what)
{
	VS_AUTO_NL nl = { 0 };
	int err = open_for(&nl, stack, ifindex);

	if (err < 0)
		return err;
	err = vs_rtnl_link_change(&nl, ifindex, change);
	return err < 0 ? vs_nl_fail(&nl, -err, "cannot set the %s of interface %d", what, ifindex) : 0;
}

static int get_link(struct vdestack *stack, int ifindex, struct vs_rtnl_link *out)
{
	VS_AUTO_NL nl = { 0 };
	int err = open_for(&nl, stack, ifindex);

	if (err < 0)
		return err;
	err = vs_rtnl_link_get(&nl, ifindex, NULL, out);
	return err < 0 ? vs_nl_fail(&nl, -err, "cannot look at interface %d", ifindex) : 0;
}

static int nametoindex(struct vdestack *stack, const char *ifname)
{
	VS_AUTO_NL nl = { 0 };
	struct vs_rtnl_link link;

	if (ifname == NULL)
		return vs_fail(EINVAL, "cannot find an interface: its name is NULL; give one");
	int err = vs_stack_nl_open(stack, &nl);
	if (err < 0)
		return err;
	err = vs_rtnl_link_get(&nl, 0, ifname, &link);
	return err < 0 ? vs_nl_fail(&nl, -err, "cannot find interface %s", ifname) : link.ifindex;
}

int vdestack_if_nametoindex(struct vdestack *stack, const char *ifname)
{
	return vs_edge(nametoindex(stack, ifname));
}

int vdestack_if_indextoname(struct vdestack *stack, int ifindex, char name[IF_NAMESIZE])
{
	struct vs_rtnl_link link;

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
	const struct vs_rtnl_link_change change = { .flags = up != 0 ? IFF_UP : 0, .mask = IFF_UP };

	return vs_edge(set_link(stack, ifindex, &change, up != 0 ? "up flag" : "down flag"));
}

int vdestack_link_get_flags(struct vdestack *stack, int ifindex)
{
	struct vs_rtnl_link link;
	int err = get_link(stack, ifindex, &link);

	return vs_edge(err < 0 ? err : (int)link.flags);
}

int vdestack_link_set_mtu(struct vdestack *stack, int ifindex, int mtu)
{
	const struct vs_rtnl_link_change change = { .attr = IFLA_MTU, .data = &mtu, .len = sizeof(mtu) };

	if (mtu <= 0)
		return vs_edge(vs_fail(EINVAL,
				       "cannot set the MTU of interface %d to %d: it must be positive; "
				       "usual are 1500 and 9000",
				       ifindex, mtu));
	return vs_edge(set_link(stack, ifindex, &change, "MTU"));
}

int vdestack_link_get_mtu(struct vdestack *stack, int ifindex)
{
	struct vs_rtnl_link link;
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
	const struct vs_rtnl_link_change change = { .attr = IFLA_ADDRESS, .data = mac, .len = sizeof(zero) };
	return set_link(stack, ifindex, &change, "MAC");
}

int vdestack_link_set_mac(struct vdestack *stack, int ifindex, const unsigned char mac[6])
{
	return vs_edge(set_mac(stack, ifindex, mac));
}

int vdestack_link_get_mac(struct vdestack *stack, int ifindex, unsigned char mac[6])
{
	struct vs_rtnl_link link;

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
