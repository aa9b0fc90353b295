/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Impairment of a segment's port. A port has a forwarder (forwarder.c) while its settings do something to
 * frames, and none otherwise: the kernel moves its frames then, as fast as before.
 *
 *                    settings that do something: made, switched on
 *     no forwarder ──────────────────────────────────────────────▶ forwarder ⟲ other settings
 *          ▲                                                           │
 *          └───── settings that do nothing: switched off, ended ───────┘
 *
 * The networking thread makes these transitions. When the interface leaves the segment, on any thread, both
 * states end.
 * A forwarder is made without the lock, because that waits for the main thread, which may need the lock.
 * Meanwhile a use keeps the segment, and whether the interface is still plugged in is asked again. It is
 * ended without the lock, too, as the kernel takes long for that.
 *
 * What forwarders have counted is added up in the port's history when they end.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "config/impair_text.h"
#include "forwarder.h"
#include "iface.h"
#include "packet_socket.h"
#include "rtnl/talk.h"
#include "segment.h"

/* ------------------------------------------------------------------ what is in force */

static void add_up(struct vdestack_impair_stats *sum, const struct vdestack_impair_stats *more)
{
	sum->seen += more->seen;
	sum->passed += more->passed;
	sum->cut += more->cut;
	sum->blackholed += more->blackholed;
	sum->lost += more->lost;
	sum->overflowed += more->overflowed;
	sum->marked += more->marked;
	sum->reordered += more->reordered;
	sum->duplicated += more->duplicated;
	sum->corrupted += more->corrupted;
	sum->no_memory += more->no_memory;
}

static void read_locked(struct vs_port *port, struct vs_port_history *now)
{
	struct vs_port_history running = { 0 };

	if (port->history != NULL)
		*now = *port->history;
	if (port->forwarder == NULL)
		return;
	running.tx_stats.size = running.rx_stats.size = sizeof(running.tx_stats);
	vs_forwarder_impaired(port->forwarder, &now->tx, &now->rx, &running.tx_stats, &running.rx_stats);
	add_up(&now->tx_stats, &running.tx_stats);
	add_up(&now->rx_stats, &running.rx_stats);
	now->tx_stats.waiting = running.tx_stats.waiting;
	now->rx_stats.waiting = running.rx_stats.waiting;
}

void vs_segment_impaired(struct vs_iface *iface, struct vdestack_impairment *tx,
			 struct vdestack_impairment *rx, struct vdestack_impair_stats *tx_stats,
			 struct vdestack_impair_stats *rx_stats)
{
	struct vs_port_history now = { 0 };

	pthread_mutex_lock(&iface->keeper->segments_lock);
	read_locked(&iface->port, &now);
	pthread_mutex_unlock(&iface->keeper->segments_lock);
	if (tx != NULL)
		*tx = now.tx;
	if (rx != NULL)
		*rx = now.rx;
	if (tx_stats != NULL)
		*tx_stats = now.tx_stats;
	if (rx_stats != NULL)
		*rx_stats = now.rx_stats;
}

/* ------------------------------------------------------------------ on and off */

/*
 * What the stack's end sends. A device that has another name now keeps its features: the pump refuses
 * super-frames that it does not know.
 */
static int limit_stack(struct vs_iface *iface, unsigned offloads)
{
	VS_AUTO_CLOSE netlink = vs_talk_socket();
	int r = netlink < 0 ? netlink
			    : vs_packet_features(netlink, iface->name, offloads, &iface->port.features);

	if (r >= 0 || r == -ENODEV)
		return 0;
	return vs_fail(-r, "cannot impair interface %s: its offloads cannot be set (%s)", iface->name,
		       strerror(-r));
}

/* If this fails, the stack does more work than it needs to. */
static void free_stack(struct vs_iface *iface)
{
	VS_AUTO_CLOSE netlink = vs_talk_socket();

	if (netlink >= 0)
		(void)vs_packet_features_back(netlink, iface->name, &iface->port.features);
	iface->port.features.n = 0;
}

/* NULL for a direction that has never been set, and so has no seed. */
static const struct vdestack_impairment *ever_set(const struct vdestack_impairment *settings)
{
	return settings->seed != 0 ? settings : NULL;
}

static void port_moves(void *iface, const char *device)
{
	vs_port_views_move_locked(iface, device);
}

static int switch_on_locked(struct vs_iface *iface, struct vs_forwarder *f,
			    const struct vs_port_history *wanted)
{
	struct vs_port *port = &iface->port;
	int r = vs_forwarder_impair(f, ever_set(&wanted->tx), ever_set(&wanted->rx));

	if (r == 0 && port->history == NULL && (port->history = calloc(1, sizeof(*port->history))) == NULL)
		r = vs_fail(ENOMEM, "cannot impair interface %s: %s", iface->name, strerror(ENOMEM));
	if (r == 0)
		r = limit_stack(iface, vs_forwarder_offloads(f));
	if (r < 0)
		return r;
	r = vs_forwarder_on(f, &port->segment->peers, iface->peer, port->group->bridge, port_moves, iface);
	if (r == 0)
		port->forwarder = f;
	else
		free_stack(iface);
	return r;
}

/* *old: the forwarder, to be ended without the lock. */
static int switch_off_locked(struct vs_iface *iface, const struct vs_port_history *wanted,
			     struct vs_forwarder **old)
{
	struct vs_port *port = &iface->port;
	struct vs_port_history sum = { 0 };
	int r = vs_forwarder_off(port->forwarder, &port->segment->peers, iface->peer, port->group->bridge,
				 port_moves, iface);

	if (r < 0)
		return r;
	read_locked(port, &sum);
	*old = vs_steal_ptr(port->forwarder);
	free_stack(iface);
	/* What waits is lost, as when a pump ends. */
	sum.tx_stats.cut += sum.tx_stats.waiting;
	sum.rx_stats.cut += sum.rx_stats.waiting;
	*port->history = sum;
	port->history->tx = wanted->tx;
	port->history->rx = wanted->rx;
	port->history->tx_stats.waiting = port->history->rx_stats.waiting = 0;
	return 0;
}

/* The lock is not held. Ends the use of the segment, too. */
static void end_forwarder(struct vs_keeper *k, struct vs_segment *s, struct vs_forwarder *f)
{
	VS_ERROR_KEEP;

	(void)vs_segment_delete(s, NULL, f);
	pthread_mutex_lock(&k->segments_lock);
	vs_segment_unuse_locked(k, s);
	pthread_mutex_unlock(&k->segments_lock);
}

/* The lock is not held. */
static int make_and_switch_on(struct vs_iface *iface, struct vs_segment *s,
			      const struct vs_forwarder_place *place, const struct vs_port_history *wanted)
{
	struct vs_forwarder *f = NULL;
	int r = vs_forwarder_make(iface->keeper, iface->name, place, iface->port.no_offload, &f);

	pthread_mutex_lock(&iface->keeper->segments_lock);
	if (r == 0 && iface->port.segment != s)
		r = vs_fail(ENODEV, "cannot impair interface %s: it has been removed meanwhile", iface->name);
	if (r == 0)
		r = switch_on_locked(iface, f, wanted);
	pthread_mutex_unlock(&iface->keeper->segments_lock);
	end_forwarder(iface->keeper, s, r < 0 ? f : NULL);
	return r;
}

int vs_segment_impair(struct vs_iface *iface, const struct vdestack_impairment *tx,
		      const struct vdestack_impairment *rx)
{
	struct vs_port *port = &iface->port;
	struct vs_port_history wanted = { 0 };
	struct vs_forwarder *old = NULL;
	int r = 0;

	pthread_mutex_lock(&iface->keeper->segments_lock);
	struct vs_segment *s = port->segment;
	read_locked(port, &wanted);
	if (tx != NULL)
		wanted.tx = *tx;
	if (rx != NULL)
		wanted.rx = *rx;
	bool needed = vs_impair_is_set(&wanted.tx) || vs_impair_is_set(&wanted.rx);
	bool make = s != NULL && needed && port->forwarder == NULL;
	struct vs_forwarder_place place = { 0 };
	if (s == NULL) {
		r = vs_fail(ENODEV, "interface %s is not plugged into its segment", iface->name);
	} else if (make) {
		s->users++;
		place.ns = s->peers.ns;
		place.number = vs_segment_number_locked(s);
		vs_segment_device_name(s, 'q', place.number, place.near);
		vs_segment_device_name(s, 'r', place.number, place.far);
	} else if (needed) {
		r = vs_forwarder_impair(port->forwarder, tx, rx);
	} else if (port->forwarder != NULL) {
		r = switch_off_locked(iface, &wanted, &old);
		s->users += old != NULL;
	} else if (port->history != NULL) {
		port->history->tx = wanted.tx;
		port->history->rx = wanted.rx;
	}
	pthread_mutex_unlock(&iface->keeper->segments_lock);
	if (old != NULL)
		end_forwarder(iface->keeper, s, old);
	return make ? make_and_switch_on(iface, s, &place, &wanted) : r;
}
