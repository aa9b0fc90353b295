/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The neighbours of a stack: permanent entries, and the list of all. */

#include "rtnl.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "config/addr_text.h"
#include <vdestack/conf.h>

/* mac NULL: remove, otherwise add or replace. */
static int change_neigh(struct vs_nl *nl, int ifindex, const struct vs_conf_addr *addr,
			const unsigned char *mac)
{
	const struct ndmsg info = { .ndm_family = (unsigned char)addr->family,
				    .ndm_ifindex = ifindex,
				    .ndm_state = NUD_PERMANENT };
	int type = mac != NULL ? RTM_NEWNEIGH : RTM_DELNEIGH;
	int flags = mac != NULL ? NLM_F_CREATE | NLM_F_REPLACE : 0;
	VS_AUTO_MSG *msg = vs_nl_request(type, flags, &info, sizeof(info));

	if (msg == NULL || nla_put(msg, NDA_DST, (int)vs_addr_bytes(addr->family), addr->bytes) < 0 ||
	    (mac != NULL && nla_put(msg, NDA_LLADDR, 6, mac) < 0))
		return -ENOMEM;
	return vs_nl_talk(nl, msg, NULL, NULL);
}

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
	int err = vs_nl_open(&nl, stack);
	if (err < 0)
		return err;
	err = change_neigh(&nl, ifindex, &addr, mac);
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

struct neigh_list {
	int ifindex; /* 0: all */
	struct vdestack_neigh *list;
	size_t room;
	size_t count; /* how many there are, which may be more than the room */
};

static void begin_list(void *arg)
{
	struct neigh_list *list = arg;

	list->count = 0;
}

static int take_neigh(void *arg, struct nlmsghdr *hdr)
{
	struct neigh_list *list = arg;
	struct nlattr *attrs[NDA_MAX + 1];
	const struct ndmsg *info = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWNEIGH || nlmsg_parse(hdr, sizeof(*info), attrs, NDA_MAX, NULL) < 0)
		return -EBADMSG;
	if ((info->ndm_family != AF_INET && info->ndm_family != AF_INET6) ||
	    (info->ndm_state & NUD_NOARP) != 0 || (list->ifindex != 0 && list->ifindex != info->ndm_ifindex))
		return 0;
	if (list->count++ >= list->room)
		return 0;

	struct vdestack_neigh *neigh = &list->list[list->count - 1];
	*neigh = (struct vdestack_neigh){ .ifindex = info->ndm_ifindex,
					  .family = info->ndm_family,
					  .state = info->ndm_state };
	if (attrs[NDA_LLADDR] != NULL && nla_len(attrs[NDA_LLADDR]) == (int)sizeof(neigh->mac))
		memcpy(neigh->mac, nla_data(attrs[NDA_LLADDR]), sizeof(neigh->mac));
	vs_addr_format_attr(neigh->family, attrs[NDA_DST], neigh->text);
	return 0;
}

static int list_neighs(struct vdestack *stack, struct neigh_list *list)
{
	const struct ndmsg all = { .ndm_family = AF_UNSPEC };
	const struct vs_nl_dump dump = { RTM_GETNEIGH, &all, sizeof(all), begin_list, take_neigh, list };
	VS_AUTO_NL nl = { 0 };
	struct vs_link link;

	if (list->ifindex < 0 || (list->list == NULL && list->room > 0))
		return vs_fail(EINVAL, "cannot list neighbours: %s",
			       list->ifindex < 0 ? "the index is negative; 0 means all interfaces"
						 : "the list is NULL; then its size must be 0");
	int err = vs_nl_open(&nl, stack);
	if (err < 0)
		return err;
	err = vs_nl_dump(&nl, &dump);
	/* None may mean that there is no such interface. */
	if (err == 0 && list->count == 0 && list->ifindex > 0)
		err = vs_link_get(&nl, list->ifindex, NULL, &link);
	return err < 0 ? vs_nl_fail(&nl, -err, "cannot list neighbours") : (int)list->count;
}

int vdestack_neigh_list(struct vdestack *stack, int ifindex, struct vdestack_neigh *list, size_t n)
{
	struct neigh_list job = { .ifindex = ifindex, .list = list, .room = n };

	return vs_edge(list_neighs(stack, &job));
}
