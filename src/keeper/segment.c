/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Segments: an Ethernet inside the program, made of a bridge and veth pairs.
 *
 *     stack A              peer namespace of the segment               stack B
 *     vde0 ═══ veth ═══ p1 ─────────── bridge ─────────── p2 ═══ veth ═══ vde0
 *
 * The first interface that names a segment makes it; the last one deletes it. No thread stays in the
 * namespace (veth.h). A segment that programs share (local.c) is the same, but several keepers have the
 * namespace, and it lives as long as one of them has it.
 *
 * While a program makes stacks one after the other, segments that have no user any more are kept for the next
 * ones, as long as networking threads are in reserve (birth.c). Nothing of the old one is left then: a bridge
 * forgets an address with its port, and the last port has been deleted before the last use ends.
 *
 * The bridge's ports carry what any stack may send, so they have the largest MTU. The receiver's end
 * drops what is too long for it, as on a wire.
 *
 * A segment can be split into groups, each with a bridge of its own (segment_groups.c). Between a port and
 * its bridge there can be a forwarder (segment_impair.c).
 *
 * One lock of the keeper guards the list of segments and everything in it. It is no static one: a program
 * with the keeper on its threads may fork while a thread has it, and then make a keeper of its own. Requests
 * to the kernel are made under it, so joins take turns; rtnetlink serialises them anyway. Not so the deletion
 * of a pair: the kernel lets the thread wait until no processor can use the devices any more, tens of ms, and
 * has given up its own lock by then. So pairs, also those of forwarders, are deleted by another socket,
 * without the lock, while a use keeps the segment. Another thread that wants the same interface to leave
 * waits for that.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "forwarder.h"
#include "iface.h"
#include "local.h"
#include "rtnl/netdev.h"
#include "segment.h"
#include "variant.h"
#include "veth.h"

#define SPARE_MOST 4
#define PORTS_MOST 10000 /* that a segment has had; numbers are not used again */

/* ------------------------------------------------------------------ making and ending a segment */

static void segment_free(struct vs_segment *s)
{
	if (s == NULL)
		return;
	vs_peer_ns_close(&s->peers); /* and with it what is there */
	while (s->groups != NULL) {
		struct vs_group *group = s->groups;
		s->groups = group->next;
		free(group);
	}
	(void)pthread_mutex_destroy(&s->deleting);
	free(s->name);
	free(s);
}

/* A new one in the list, with one user. Takes the place in any case. */
static int add_locked(struct vs_keeper *k, const char *name, bool shared, struct vs_peer_ns *place,
		      struct vs_segment **out)
{
	struct vs_segment *s = calloc(1, sizeof(*s));
	struct vs_group *first;

	if (s == NULL) {
		vs_peer_ns_close(place);
		return -ENOMEM;
	}
	*s = (struct vs_segment){ .shared = shared, .tag = k->local.tag, .peers = *place, .users = 1 };
	(void)pthread_mutex_init(&s->deleting, NULL);
	s->name = strdup(name);
	int r = s->name == NULL ? -ENOMEM : vs_group_use_locked(s, 0, &first); /* until the segment ends */
	if (r == 0 && shared)
		r = vs_local_mark(k, name, true);
	if (r < 0) {
		segment_free(s);
		return r;
	}
	s->next = k->segments;
	k->segments = s;
	*out = s;
	return 0;
}

/* ------------------------------------------------------------------ segments kept for the next one */

static bool keep_locked(struct vs_keeper *k, struct vs_segment *s)
{
	bool expected = atomic_load(&k->in_a_row) >= VS_STREAK_BEGIN && k->n_spare_segments < SPARE_MOST;
	bool as_new = !s->shared && !s->stained && s->groups->next == NULL && s->last_port < PORTS_MOST;

	if (!expected || !as_new || k->variant->same_process)
		return false;
	s->next = k->spare_segments;
	k->spare_segments = s;
	k->n_spare_segments++;
	return true;
}

/* With one user. NULL: there is none. */
static struct vs_segment *take_spare_locked(struct vs_keeper *k, const char *name)
{
	struct vs_segment *s = k->spare_segments;
	char *copy = s != NULL ? strdup(name) : NULL;

	if (copy == NULL)
		return NULL;
	free(s->name);
	s->name = copy;
	s->users = 1;
	k->spare_segments = s->next;
	k->n_spare_segments--;
	s->next = k->segments;
	k->segments = s;
	return s;
}

bool vs_segments_drop_spare(struct vs_keeper *k)
{
	pthread_mutex_lock(&k->segments_lock);
	bool any = k->spare_segments != NULL;
	while (k->spare_segments != NULL) {
		struct vs_segment *s = k->spare_segments;
		k->spare_segments = s->next;
		k->n_spare_segments--;
		segment_free(s);
	}
	pthread_mutex_unlock(&k->segments_lock);
	return any;
}

static int fail_to_make(const char *name, int r)
{
	return vs_fail(-r, "cannot make segment \"%s\": %s", name,
		       r == -EOPNOTSUPP ? "the kernel has no bridge driver; modprobe bridge"
					: vs_cause_text(vs_diagnose_netns(-r, ""), -r));
}

/* ------------------------------------------------------------------ joining and leaving */

static struct vs_segment *find_locked(const struct vs_keeper *k, const char *name, bool shared)
{
	for (struct vs_segment *s = k->segments; s != NULL; s = s->next)
		if (s->shared == shared && strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

/* The segment has one more user then. */
static int find_or_make_locked(struct vs_keeper *k, const char *name, struct vs_segment **out)
{
	struct vs_peer_ns place;

	*out = find_locked(k, name, false);
	if (*out != NULL) {
		(*out)->users++;
		return 0;
	}
	*out = take_spare_locked(k, name);
	if (*out != NULL)
		return 0;
	int r = vs_segment_place_make(k, &place);
	if (r == 0)
		r = add_locked(k, name, false, &place, out);
	return r < 0 ? fail_to_make(name, r) : 0;
}

void vs_segment_unuse_locked(struct vs_keeper *k, struct vs_segment *s)
{
	struct vs_segment **at = &k->segments;

	if (--s->users > 0)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	if (s->shared)
		(void)vs_local_mark(k, s->name, false);
	if (!keep_locked(k, s))
		segment_free(s);
}

static int plug_locked(struct vs_iface *iface, struct vs_segment *s, const struct vs_wire_iface *want,
		       int netlink, int ifindex)
{
	char port[IF_NAMESIZE];
	unsigned number = vs_segment_number_locked(s);

	vs_segment_device_name(s, 'p', number, port);
	struct vs_group *group = NULL;
	int r = vs_group_use_locked(s, 0, &group);
	if (r == 0)
		r = vs_veth_make_port(netlink, want, ifindex, port, number, &s->peers, group->bridge);
	if (r < 0) {
		bool made = vs_netdev_index(s->peers.netlink, port) >= 0;
		if (group != NULL)
			vs_group_unuse_locked(s, group);
		if (!made)
			return vs_fail(-r, "cannot make interface %s: %s", want->name,
				       r == -EEXIST
					       ? "the stack has one of that name; choose another with iface="
				       : r == -EOPNOTSUPP ? "the kernel has no veth driver; modprobe veth"
							  : vs_cause_text(vs_diagnose_limit(-r), -r));
		if (vs_veth_delete(&s->peers, port) < 0)
			s->stained = true;
		return vs_fail(-r, "cannot plug interface %s into segment \"%s\": %s", want->name, s->name,
			       vs_cause_text(vs_diagnose_limit(-r), -r));
	}
	memcpy(iface->peer, port, sizeof(port));
	iface->port = (struct vs_port){
		.segment = s, .next = s->ifaces, .group = group, .no_offload = want->no_offload
	};
	s->ifaces = iface;
	return 0;
}

int vs_segment_join(struct vs_iface *iface, const char *name, const struct vs_wire_iface *want, int netlink,
		    int ifindex)
{
	struct vs_keeper *k = iface->keeper;
	struct vs_segment *s = NULL;

	pthread_mutex_lock(&k->segments_lock);
	int r = find_or_make_locked(k, name, &s);
	if (r == 0) {
		r = plug_locked(iface, s, want, netlink, ifindex);
		if (r < 0)
			vs_segment_unuse_locked(k, s);
	}
	pthread_mutex_unlock(&k->segments_lock);
	return r;
}

struct vs_segment *vs_segment_hold(struct vs_keeper *k, const char *name)
{
	struct vs_segment *s = NULL;

	pthread_mutex_lock(&k->segments_lock);
	(void)find_or_make_locked(k, name, &s); /* if it fails, joining fails for the same reason */
	pthread_mutex_unlock(&k->segments_lock);
	return s;
}

void vs_segment_let_go(struct vs_keeper *k, struct vs_segment *s)
{
	pthread_mutex_lock(&k->segments_lock);
	if (s != NULL)
		vs_segment_unuse_locked(k, s);
	pthread_mutex_unlock(&k->segments_lock);
}

/* ------------------------------------------------------------------ segments that programs share */

int vs_segment_join_shared(struct vs_iface *iface, const char *name, const struct vs_wire_iface *want,
			   int netlink, int ifindex, struct vs_peer_ns *place)
{
	struct vs_keeper *k = iface->keeper;

	pthread_mutex_lock(&k->segments_lock);
	struct vs_segment *s = find_locked(k, name, true);
	int r = s == NULL && place == NULL ? 1 : 0;
	if (s == NULL && place != NULL) {
		r = add_locked(k, name, true, place, &s);
		r = r < 0 ? fail_to_make(name, r) : 0;
	} else if (s != NULL) {
		s->users++;
		if (place != NULL)
			vs_peer_ns_close(place);
	}
	if (s != NULL) {
		r = plug_locked(iface, s, want, netlink, ifindex);
		if (r < 0)
			vs_segment_unuse_locked(k, s);
	}
	pthread_mutex_unlock(&k->segments_lock);
	return r;
}

int vs_segment_shared_ns(struct vs_keeper *k, const char *name)
{
	pthread_mutex_lock(&k->segments_lock);
	const struct vs_segment *s = find_locked(k, name, true);
	int r = s == NULL ? -ENOENT : fcntl(s->peers.ns, F_DUPFD_CLOEXEC, 3);
	r = s != NULL && r < 0 ? -errno : r;
	pthread_mutex_unlock(&k->segments_lock);
	return r;
}

/* ------------------------------------------------------------------ what both kinds do */

static int segment_carrier(struct vs_iface *iface, bool on)
{
	pthread_mutex_lock(&iface->keeper->segments_lock);
	struct vs_segment *s = iface->port.segment;
	int r = s == NULL ? -ENODEV : vs_peer_set_up(&s->peers, iface->peer, on);
	pthread_mutex_unlock(&iface->keeper->segments_lock);
	return r;
}

/* If the peer is gone, the stack's end is, too. */
static bool segment_gone(struct vs_iface *iface)
{
	pthread_mutex_lock(&iface->keeper->segments_lock);
	bool gone = iface->port.segment != NULL &&
		    vs_netdev_index(iface->port.segment->peers.netlink, iface->peer) == -ENODEV;
	pthread_mutex_unlock(&iface->keeper->segments_lock);
	return gone;
}

/* ------------------------------------------------------------------ wire taps */

int vs_segment_deliver(struct vs_iface *iface, int packet, const void *frame, size_t len)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	pthread_mutex_lock(&iface->keeper->segments_lock);
	const struct vs_segment *s = iface->port.segment;
	/* At the bridge's port: so it is impaired as what comes from the bridge, and every view sees it. */
	int r = s == NULL ? -ENODEV : vs_netdev_index(s->peers.netlink, vs_port_device_locked(iface));
	if (r > 0) {
		to.sll_ifindex = r;
		ssize_t n = sendto(packet, frame, len, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
		r = n < 0 ? -errno : 0;
	}
	pthread_mutex_unlock(&iface->keeper->segments_lock);
	return r;
}

static void unlist_locked(struct vs_segment *s, struct vs_iface *iface)
{
	struct vs_iface **at = &s->ifaces;

	while (*at != iface)
		at = &(*at)->port.next;
	*at = iface->port.next;
}

/* The port is no longer one that calls find. Its devices and its use of the segment are still there. */
static struct vs_port detach_locked(struct vs_iface *iface)
{
	struct vs_port *port = &iface->port, gone = *port;

	if (port->segment == NULL)
		return gone;
	vs_port_views_end_locked(iface);
	unlist_locked(port->segment, iface);
	free(vs_steal_ptr(port->history));
	port->segment = NULL;
	port->forwarder = NULL;
	port->group = NULL;
	port->leaving = true;
	return gone;
}

int vs_segment_delete(struct vs_segment *s, const char *peer, struct vs_forwarder *forwarder)
{
	pthread_mutex_lock(&s->deleting);
	int r = peer != NULL ? vs_veth_delete_apart(&s->peers, peer) : 0;
	if (vs_forwarder_end(forwarder, s->peers.deletions) < 0 || r < 0)
		s->stained = true;
	pthread_mutex_unlock(&s->deleting);
	return r;
}

/* The last interface deletes the segment. */
static int segment_leave(struct vs_iface *iface)
{
	struct vs_keeper *k = iface->keeper;
	int r;

	pthread_mutex_lock(&k->segments_lock);
	while (iface->port.leaving)
		pthread_cond_wait(&k->segment_left, &k->segments_lock);
	struct vs_port gone = detach_locked(iface);
	pthread_mutex_unlock(&k->segments_lock);
	if (gone.segment == NULL)
		return 0;
	r = vs_segment_delete(gone.segment, iface->peer, gone.forwarder);
	pthread_mutex_lock(&k->segments_lock);
	vs_group_unuse_locked(gone.segment, gone.group);
	vs_segment_unuse_locked(k, gone.segment);
	iface->port.leaving = false;
	pthread_cond_broadcast(&k->segment_left);
	pthread_mutex_unlock(&k->segments_lock);
	return r;
}

const struct vs_iface_kind vs_iface_segment = {
	.made_by_job = true,
	.carrier = segment_carrier,
	.gone = segment_gone,
	.leave = segment_leave,
	.impair = vs_segment_impair,
	.impaired = vs_segment_impaired,
	.group = vs_segment_group,
	.flap = vs_segment_flap,
};
