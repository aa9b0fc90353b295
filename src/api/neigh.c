/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The neighbours of a stack: permanent entries, and the list of all. */

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "config/addr_text.h"
#include "core/stack.h"
#include "list.h"
#include "rtnl/rtnl.h"
#include <vdestack/conf.h>

static int request(struct vdestack *stack, int ifindex, const char *text, const unsigned char *mac)
{
	const char *verb = mac != NULL ? "add" : "remove";
	VS_AUTO_NL nl = { 0 };
	struct vs_conf_addr addr;

	if (text == NULL || !vs_addr_from_text(text, strlen(text), &addr))
		return vs_fail(
			EINVAL,
			"cannot %s neighbour \"%s\": not an IPv4 or IPv6 address; write it as 10.0.0.1 "
			"or fc00::1",
			verb, text != NULL ? text : "(NULL)");
	if (ifindex <= 0)
		return vs_fail(EINVAL,
			       "cannot %s neighbour %s on interface %d: an index is greater than 0; "
			       "vdestack_if_nametoindex() tells it",
			       verb, text, ifindex);
	int err = vs_stack_nl_open(stack, &nl);
	if (err < 0)
		return err;
	err = vs_rtnl_neigh_change(&nl, ifindex, &addr, mac);
	return err < 0 ? vs_nl_fail(&nl, -err, "cannot %s neighbour %s on interface %d", verb, text, ifindex)
		       : 0;
}

int vdestack_neigh_add(struct vdestack *stack, int ifindex, const char *addr, const unsigned char mac[6])
{
	if (mac == NULL)
		return vs_edge(vs_fail(EINVAL, "cannot add neighbour \"%s\": its MAC is NULL; give six bytes",
				       addr != NULL ? addr : "(NULL)"));
	return vs_edge(request(stack, ifindex, addr, mac));
}

int vdestack_neigh_del(struct vdestack *stack, int ifindex, const char *addr)
{
	return vs_edge(request(stack, ifindex, addr, NULL));
}

/* ------------------------------------------------------------------ the list */

static void take(void *arg, const void *record)
{
	struct vs_list *list = arg;
	const struct vs_rtnl_neigh *from = record;
	struct vdestack_neigh neigh = {
		.ifindex = from->ifindex,
		.family = from->family,
		.state = from->state,
	};

	if (list->ifindex != 0 && list->ifindex != from->ifindex)
		return;
	memcpy(neigh.mac, from->mac, sizeof(neigh.mac));
	memcpy(neigh.text, from->text, sizeof(neigh.text));
	vs_list_add(list, &neigh, sizeof(neigh));
}

static int list_neighs(struct vdestack *stack, struct vs_list *list)
{
	const struct vs_nl_reader reader = { vs_list_begin, take, list };
	VS_AUTO_NL nl = { 0 };
	struct vs_rtnl_link link;
	int err = vs_list_check(list, sizeof(struct vdestack_neigh), "neighbours");

	if (err == 0 && list->ifindex < 0)
		err = vs_fail(EINVAL, "cannot list neighbours: the index is negative; 0 means all interfaces");
	if (err == 0)
		err = vs_stack_nl_open(stack, &nl);
	if (err < 0)
		return err;
	err = vs_rtnl_neigh_list(&nl, &reader);
	/* None may mean that there is no such interface. */
	if (err == 0 && list->count == 0 && list->ifindex > 0)
		err = vs_rtnl_link_get(&nl, list->ifindex, NULL, &link);
	return err < 0 ? vs_nl_fail(&nl, -err, "cannot list neighbours") : (int)list->count;
}

int vdestack_neigh_list(struct vdestack *stack, int ifindex, struct vdestack_neigh *list, size_t n)
{
	struct vs_list job = { .records = list, .n = n, .record_size = sizeof(*list), .ifindex = ifindex };

	return vs_edge(list_neighs(stack, &job));
}
