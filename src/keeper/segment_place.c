/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The namespace of a segment: names in it, and what is different if several keepers have it. Then each name
 * begins with "p" and the tag of its keeper, so that what a killed keeper has left can be deleted.
 */

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "rtnl/netdev.h"
#include "rtnl/talk.h"
#include "segment.h"

/* ------------------------------------------------------------------ made or entered */

static void open_there(void *arg)
{
	struct vs_peer_ns *peers = arg;

	peers->netlink = vs_talk_socket();
	peers->deletions = vs_talk_socket();
}

static int make_place(void *arg)
{
	return vs_peer_ns_make(arg);
}

/* Namespaces that were made ahead for stacks do not count as used (max_net_namespaces). */
int vs_segment_place_make(struct vs_keeper *k, struct vs_peer_ns *place)
{
	int r = vs_peer_ns_make(place);

	return r == -ENOSPC && vs_net_end_reserve(k) ? vs_peer_ns_retry(make_place, place) : r;
}

int vs_segment_place_enter(struct vs_peer_ns *place, int ns)
{
	char name[IF_NAMESIZE];

	*place = (struct vs_peer_ns){ .netlink = -1, .deletions = -1, .ns = ns };
	int r = vs_peer_ns_run(place, open_there, place);

	if (r == 0)
		r = place->netlink < 0 ? place->netlink : place->deletions;
	vs_group_bridge_name(NULL, 0, name);
	if (r >= 0)
		r = vs_netdev_index(place->netlink, name);
	if (r < 0)
		vs_peer_ns_close(place);
	return r < 0 ? r : 0;
}

/* ------------------------------------------------------------------ names */

/* The number of something new in the namespace, in which other keepers may have things, too. */
unsigned vs_segment_number_locked(struct vs_segment *s)
{
	unsigned number = ++s->last_port;

	return s->shared ? (s->tag & 0x3fffff) * 256 + number : number;
}

void vs_segment_device_name(const struct vs_segment *s, char kind, unsigned number, char name[IF_NAMESIZE])
{
	if (!s->shared)
		(void)snprintf(name, IF_NAMESIZE, "%c%u", kind, number);
	else if (kind == 'p')
		(void)snprintf(name, IF_NAMESIZE, "p%08x%x", s->tag, number & 0xffffff);
	else
		(void)snprintf(name, IF_NAMESIZE, "p%08x%c%x", s->tag, kind, number & 0xfffff);
}

/* ------------------------------------------------------------------ cleaning */

struct cleaning {
	const struct vs_peer_ns *place;
	bool (*dead)(unsigned tag, void *arg);
	void *arg;
};

static void clean_there(void *arg)
{
	const struct cleaning *c = arg;
	struct if_nameindex *all = if_nameindex();
	unsigned tag;

	for (const struct if_nameindex *i = all; i != NULL && i->if_name != NULL; i++)
		if (sscanf(i->if_name, "p%8x", &tag) == 1 && strlen(i->if_name) > 9 && c->dead(tag, c->arg))
			(void)vs_veth_delete(c->place, i->if_name);
	if (all != NULL)
		if_freenameindex(all);
}

void vs_segment_place_clean(const struct vs_peer_ns *place, bool (*dead)(unsigned tag, void *arg),
			    void *arg)
{
	struct cleaning c = { place, dead, arg };

	(void)vs_peer_ns_run(place, clean_there, &c);
}
