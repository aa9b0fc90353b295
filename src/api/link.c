/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interfaces of a stack: index and name, up and down, MTU, MAC. */

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "base/error.h"
#include "core/stack.h"
#include "named.h"
#include <vdestack/conf.h>

static int set_link(struct vdestack *stack, const char *ifname, const struct vs_rtnl_link_change *change,
		    const char *step)
{
	VS_AUTO_NL nl = { 0 };
	struct vs_rtnl_link link;
	int r = vs_named_open(stack, ifname, step, &nl, &link);

	if (r < 0)
		return r;
	r = vs_rtnl_link_change(&nl, link.ifindex, change);
	return r < 0 ? vs_nl_fail(&nl, -r, "%s %s", step, ifname) : 0;
}

static int get_link(struct vdestack *stack, const char *ifname, const char *step, struct vs_rtnl_link *out)
{
	VS_AUTO_NL nl = { 0 };

	return vs_named_open(stack, ifname, step, &nl, out);
}

/* ------------------------------------------------------------------ index and name */

int vdestack_if_nametoindex(struct vdestack *stack, const char *ifname)
{
	struct vs_rtnl_link link;
	int r = get_link(stack, ifname, "cannot find interface", &link);

	return vs_edge(r < 0 ? r : link.ifindex);
}

static int indextoname(struct vdestack *stack, int ifindex, char *name)
{
	VS_AUTO_NL nl = { 0 };
	struct vs_rtnl_link link;

	if (name == NULL)
		return vs_fail(EINVAL,
			       "cannot name an interface: the buffer is NULL; give IF_NAMESIZE bytes");
	if (ifindex <= 0)
		return vs_fail(EINVAL, "cannot name interface %d: an index is greater than 0", ifindex);
	int r = vs_stack_nl_open(stack, &nl);
	if (r < 0)
		return r;
	r = vs_rtnl_link_get(&nl, ifindex, NULL, &link);
	if (r < 0)
		return vs_nl_fail(&nl, -r, "cannot name interface %d", ifindex);
	memcpy(name, link.name, IF_NAMESIZE);
	return 0;
}

int vdestack_if_indextoname(struct vdestack *stack, int ifindex, char name[IF_NAMESIZE])
{
	return vs_edge(indextoname(stack, ifindex, name));
}

/* ------------------------------------------------------------------ flags, MTU, MAC */

int vdestack_link_set_up(struct vdestack *stack, const char *ifname, int up)
{
	const struct vs_rtnl_link_change change = { .flags = up != 0 ? IFF_UP : 0, .mask = IFF_UP };

	return vs_edge(set_link(stack, ifname, &change,
				up != 0 ? "cannot bring up interface" : "cannot take down interface"));
}

int vdestack_link_get_flags(struct vdestack *stack, const char *ifname)
{
	struct vs_rtnl_link link;
	int r = get_link(stack, ifname, "cannot read the flags of interface", &link);

	return vs_edge(r < 0 ? r : (int)link.flags);
}

int vdestack_link_set_mtu(struct vdestack *stack, const char *ifname, int mtu)
{
	const struct vs_rtnl_link_change change = { .attr = IFLA_MTU, .data = &mtu, .len = sizeof(mtu) };

	if (mtu <= 0)
		return vs_edge(vs_fail(EINVAL,
				       "cannot set the MTU of an interface to %d: it must be positive; usual "
				       "are 1500 and 9000",
				       mtu));
	return vs_edge(set_link(stack, ifname, &change, "cannot set the MTU of interface"));
}

int vdestack_link_get_mtu(struct vdestack *stack, const char *ifname)
{
	struct vs_rtnl_link link;
	int r = get_link(stack, ifname, "cannot read the MTU of interface", &link);

	return vs_edge(r < 0 ? r : (int)link.mtu);
}

static int set_mac(struct vdestack *stack, const char *ifname, const unsigned char *mac)
{
	static const unsigned char zero[6];
	const struct vs_rtnl_link_change change = { .attr = IFLA_ADDRESS, .data = mac, .len = sizeof(zero) };

	if (mac == NULL)
		return vs_fail(EINVAL, "cannot set the MAC of an interface: it is NULL; give six bytes");
	/* Not every driver checks it. */
	if ((mac[0] & 1) != 0 || memcmp(mac, zero, sizeof(zero)) == 0)
		return vs_fail(EADDRNOTAVAIL,
			       "cannot set the MAC of an interface: a group address or all zero; "
			       "give the address of one station");
	return set_link(stack, ifname, &change, "cannot set the MAC of interface");
}

int vdestack_link_set_mac(struct vdestack *stack, const char *ifname, const unsigned char mac[6])
{
	return vs_edge(set_mac(stack, ifname, mac));
}

static int get_mac(struct vdestack *stack, const char *ifname, unsigned char *mac)
{
	static const unsigned char no_mac[6]; /* of lo */
	struct vs_rtnl_link link;

	if (mac == NULL)
		return vs_fail(EINVAL,
			       "cannot read the MAC of an interface: the buffer is NULL; give six bytes");
	int r = get_link(stack, ifname, "cannot read the MAC of interface", &link);
	if (r < 0)
		return r;
	if (!link.has_mac || memcmp(link.mac, no_mac, sizeof(no_mac)) == 0)
		return vs_fail(
			EADDRNOTAVAIL,
			"cannot read the MAC of interface %s: it has none; only Ethernet interfaces do",
			link.name);
	memcpy(mac, link.mac, sizeof(link.mac));
	return 0;
}

int vdestack_link_get_mac(struct vdestack *stack, const char *ifname, unsigned char mac[6])
{
	return vs_edge(get_mac(stack, ifname, mac));
}
