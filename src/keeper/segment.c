/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Segments: an Ethernet inside the program, made of a bridge and veth pairs.
 *
 *     stack A              peer namespace of the segment               stack B
 *     vde0 ═══ veth ═══ p1 ─────────── bridge ─────────── p2 ═══ veth ═══ vde0
 *
 * The first interface that names a segment makes it; the last one deletes it. No thread stays in the
 * namespace (veth.h).
 *
 * The bridge's ports carry what any stack may send, so they have the largest MTU. The receiver's end
 * drops what is too long for it, as on a wire.
 *
 * One lock guards the list of segments and everything in it. Requests to the kernel are made under it,
 * so joins and leaves take turns; rtnetlink serialises them anyway.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "iface.h"
#include "rtnl/netdev.h"
#include "veth.h"

#define BRIDGE_NAME "segment"

struct vs_segment {
	struct vs_segment *next;
	char *name;
	struct vs_peer_ns peers;
	int bridge; /* its interface index there */
	unsigned ports;
	unsigned last_port; /* for names */
};

/* Guards every segment and every list of them. */
static pthread_mutex_t segments_lock = PTHREAD_MUTEX_INITIALIZER;

/* ------------------------------------------------------------------ making and ending a segment */

static void segment_free(struct vs_segment *s)
{
	if (s == NULL)
		return;
	vs_peer_ns_close(&s->peers);
	free(s->name);
	free(s);
}

static int segment_make(const char *name, struct vs_segment **out)
{
	struct vs_segment *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->peers = (struct vs_peer_ns){ .netlink = -1, .ns = -1 };
	s->name = strdup(name);
	int r = s->name == NULL ? -ENOMEM : vs_peer_ns_make(&s->peers);
	if (r == 0)
		r = vs_netdev_make_bridge(s->peers.netlink, BRIDGE_NAME);
	if (r == 0) {
		vs_peer_without_ipv6(&s->peers, BRIDGE_NAME);
		r = vs_peer_set_up(&s->peers, BRIDGE_NAME, true);
	}
	if (r == 0)
		r = s->bridge = vs_netdev_index(s->peers.netlink, BRIDGE_NAME);
	if (r < 0) {
		segment_free(s);
		return r;
	}
	*out = s;
	return 0;
}

/* ------------------------------------------------------------------ joining and leaving */

static int find_or_make_locked(struct vs_keeper *k, const char *name, struct vs_segment **out)
{
	for (struct vs_segment *s = k->segments; s != NULL; s = s->next) {
		if (strcmp(s->name, name) == 0) {
			*out = s;
			return 0;
		}
	}
	int r = segment_make(name, out);
	if (r < 0)
		return vs_fail(-r, "cannot make segment \"%s\": %s", name,
			       r == -EOPNOTSUPP ? "the kernel has no bridge driver; modprobe bridge"
						: vs_cause_text(vs_diagnose_netns(-r, ""), -r));
	(*out)->next = k->segments;
	k->segments = *out;
	return 0;
}

static void drop_if_empty_locked(struct vs_keeper *k, struct vs_segment *s)
{
	struct vs_segment **at = &k->segments;

	if (s->ports > 0)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	segment_free(s);
}

static int plug_locked(struct vs_iface *iface, struct vs_segment *s, const struct vs_wire_iface *want,
		       int netlink, int ifindex)
{
	char port[IF_NAMESIZE];

	(void)snprintf(port, sizeof(port), "p%u", ++s->last_port);
	int r = vs_veth_make(netlink, want, ifindex, port, s->last_port, &s->peers);
	if (r < 0)
		return vs_fail(-r, "cannot make interface %s: %s", want->name,
			       r == -EOPNOTSUPP ? "the kernel has no veth driver; modprobe veth"
						: vs_cause_text(vs_diagnose_limit(-r), -r));
	vs_peer_without_ipv6(&s->peers, port);
	r = vs_netdev_set(s->peers.netlink,
			  &(struct vs_netdev){ .name = port, .bridge = s->bridge, .state = VS_NETDEV_UP });
	if (r < 0) {
		(void)vs_veth_delete(&s->peers, port);
		return vs_fail(-r, "cannot plug interface %s into segment \"%s\": %s", want->name, s->name,
			       vs_cause_text(vs_diagnose_limit(-r), -r));
	}
	memcpy(iface->peer, port, sizeof(port));
	iface->segment = s;
	s->ports++;
	return 0;
}

int vs_segment_join(struct vs_iface *iface, const char *name, const struct vs_wire_iface *want, int netlink,
		    int ifindex)
{
	struct vs_keeper *k = iface->keeper;
	struct vs_segment *s = NULL;

	pthread_mutex_lock(&segments_lock);
	int r = find_or_make_locked(k, name, &s);
	if (r == 0) {
		r = plug_locked(iface, s, want, netlink, ifindex);
		drop_if_empty_locked(k, s);
	}
	pthread_mutex_unlock(&segments_lock);
	return r;
}

static int segment_carrier(struct vs_iface *iface, bool on)
{
	pthread_mutex_lock(&segments_lock);
	int r = iface->segment == NULL ? -ENODEV : vs_peer_set_up(&iface->segment->peers, iface->peer, on);
	pthread_mutex_unlock(&segments_lock);
	return r;
}

/* If the peer is gone, the stack's end is, too. */
static bool segment_gone(struct vs_iface *iface)
{
	pthread_mutex_lock(&segments_lock);
	bool gone = iface->segment != NULL &&
		    vs_netdev_index(iface->segment->peers.netlink, iface->peer) == -ENODEV;
	pthread_mutex_unlock(&segments_lock);
	return gone;
}

/* The last interface deletes the segment. */
static int segment_leave(struct vs_iface *iface)
{
	int r = 0;

	pthread_mutex_lock(&segments_lock);
	struct vs_segment *s = iface->segment;
	if (s != NULL) {
		iface->segment = NULL;
		r = vs_veth_delete(&s->peers, iface->peer);
		s->ports--;
		drop_if_empty_locked(iface->keeper, s);
	}
	pthread_mutex_unlock(&segments_lock);
	return r;
}

const struct vs_iface_kind vs_iface_segment = {
	.made_by_job = true,
	.carrier = segment_carrier,
	.gone = segment_gone,
	.leave = segment_leave,
};
