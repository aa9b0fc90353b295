/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The neighbours of a stack: permanent entries, and the list of all. */

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "config/addr_text.h"
#include "list.h"
#include "named.h"
#include <vdestack/conf.h>

/* mac NULL: removes. */
static int change_neigh(struct vdestack *stack, const char *ifname, const char *text,
			const unsigned char *mac)
{
	const char *verb = mac != NULL ? "add" : "remove";
	VS_AUTO_NL nl = { 0 };
	struct vs_rtnl_link link;
	struct vs_conf_addr addr;

	if (text == NULL || !vs_addr_from_text(text, strlen(text), &addr))
		return vs_fail(EINVAL,
			       "cannot %s neighbour \"%s\": not an IPv4 or IPv6 address; write it as "
			       "10.0.0.1 or fc00::1",
			       verb, text != NULL ? text : "(NULL)");
	int r = vs_named_open(stack, ifname,
				mac != NULL ? "cannot add a neighbour to interface"
					    : "cannot remove a neighbour from interface",
				&nl, &link);
	if (r < 0)
		return r;
	r = vs_rtnl_neigh_change(&nl, link.ifindex, &addr, mac);
	return r < 0 ? vs_nl_fail(&nl, -r, "cannot %s neighbour %s on interface %s", verb, text, ifname)
		       : 0;
}

int vdestack_neigh_add(struct vdestack *stack, const char *ifname, const char *addr,
		       const unsigned char mac[6])
{
	if (mac == NULL)
		return vs_edge(vs_fail(EINVAL, "cannot add neighbour \"%s\": its MAC is NULL; give six bytes",
				       addr != NULL ? addr : "(NULL)"));
	return vs_edge(change_neigh(stack, ifname, addr, mac));
}

int vdestack_neigh_del(struct vdestack *stack, const char *ifname, const char *addr)
{
	return vs_edge(change_neigh(stack, ifname, addr, NULL));
}

/* ------------------------------------------------------------------ the list */

static void take(void *arg, const void *record)
{
	const struct vs_rtnl_neigh *from = record;
	struct vdestack_neigh neigh = {
		.ifindex = from->ifindex,
		.family = from->family,
		.state = from->state,
	};

	memcpy(neigh.mac, from->mac, sizeof(neigh.mac));
	memcpy(neigh.addr, from->text, sizeof(neigh.addr));
	vs_list_add(arg, neigh.ifindex, &neigh, sizeof(neigh));
}

static const struct vs_list_kind neighbours = {
	.what = "neighbours",
	.least = sizeof(struct vdestack_neigh),
	.ifname_at = offsetof(struct vdestack_neigh, ifname),
	.ifindex_at = offsetof(struct vdestack_neigh, ifindex),
	.read = vs_rtnl_neigh_list,
	.take = take,
};

int vdestack_neigh_list(struct vdestack *stack, const char *ifname, struct vdestack_neigh *list, size_t n,
			size_t record_size)
{
	struct vs_list job = { .ifname = ifname, .records = list, .n = n, .record_size = record_size };

	return vs_edge(vs_list_read(stack, &neighbours, &job));
}
