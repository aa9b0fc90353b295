/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Neighbours: permanent entries, and the list of all. */

#include "rtnl.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "config/addr_text.h"

int vs_rtnl_neigh_change(struct vs_nl *nl, int ifindex, const struct vs_conf_addr *addr,
			 const unsigned char *mac)
{
	const struct ndmsg info = { .ndm_family = (unsigned char)addr->family,
				    .ndm_ifindex = ifindex,
				    .ndm_state = NUD_PERMANENT };
	int type = mac != NULL ? RTM_NEWNEIGH : RTM_DELNEIGH;
	int flags = mac != NULL ? NLM_F_CREATE | NLM_F_REPLACE : 0;
	VS_AUTO_MSG *msg = vs_nl_request(type, flags, &info, sizeof(info));

	if (msg == NULL || nla_put(msg, NDA_DST, (int)vs_rtnl_addr_bytes(addr->family), addr->bytes) < 0 ||
	    (mac != NULL && nla_put(msg, NDA_LLADDR, 6, mac) < 0))
		return -ENOMEM;
	return vs_nl_talk(nl, msg, NULL, NULL);
}

static int take_neigh(void *arg, struct nlmsghdr *hdr)
{
	const struct vs_nl_reader *reader = arg;
	struct nlattr *attrs[NDA_MAX + 1];
	const struct ndmsg *info = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWNEIGH || nlmsg_parse(hdr, sizeof(*info), attrs, NDA_MAX, NULL) < 0)
		return -EBADMSG;
	if ((info->ndm_family != AF_INET && info->ndm_family != AF_INET6) ||
	    (info->ndm_state & NUD_NOARP) != 0)
		return 0;
	struct vs_rtnl_neigh neigh = {
		.ifindex = info->ndm_ifindex,
		.family = info->ndm_family,
		.state = info->ndm_state,
	};
	if (attrs[NDA_LLADDR] != NULL && nla_len(attrs[NDA_LLADDR]) == (int)sizeof(neigh.mac))
		memcpy(neigh.mac, nla_data(attrs[NDA_LLADDR]), sizeof(neigh.mac));
	vs_rtnl_addr_text(neigh.family, attrs[NDA_DST], neigh.text);
	reader->take(reader->arg, &neigh);
	return 0;
}

int vs_rtnl_neigh_list(struct vs_nl *nl, const struct vs_nl_reader *reader)
{
	const struct ndmsg all = { .ndm_family = AF_UNSPEC };

	return vs_nl_list(nl, RTM_GETNEIGH, &all, sizeof(all), take_neigh, reader);
}

/* ------------------------------------------------------------------ permanent neighbours that are kept */

static void begin_keeping(void *arg)
{
	struct vs_rtnl_neighs *kept = arg;

	kept->n = 0;
	kept->complete = true;
}

static void keep(void *arg, const void *record)
{
	struct vs_rtnl_neighs *kept = arg;
	const struct vs_rtnl_neigh *neigh = record;

	if (neigh->ifindex != kept->ifindex || (neigh->state & NUD_PERMANENT) == 0)
		return;
	struct vs_rtnl_neigh *list = reallocarray(kept->list, kept->n + 1, sizeof(*list));
	if (list == NULL) {
		kept->complete = false;
		return;
	}
	kept->list = list;
	list[kept->n++] = *neigh;
}

int vs_rtnl_neigh_keep(struct vs_nl *nl, int ifindex, struct vs_rtnl_neighs *kept)
{
	const struct vs_nl_reader reader = { begin_keeping, keep, kept };

	*kept = (struct vs_rtnl_neighs){ .ifindex = ifindex };
	int r = vs_rtnl_neigh_list(nl, &reader);
	return r == 0 && !kept->complete ? -ENOMEM : r;
}

void vs_rtnl_neigh_restore(struct vs_nl *nl, const struct vs_rtnl_neighs *kept)
{
	struct vs_conf_addr addr;

	for (size_t i = 0; i < kept->n; i++)
		if (vs_addr_from_text(kept->list[i].text, strlen(kept->list[i].text), &addr))
			(void)vs_rtnl_neigh_change(nl, kept->ifindex, &addr, kept->list[i].mac);
}
