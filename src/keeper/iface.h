/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_IFACE_H
#define VS_KEEPER_IFACE_H

/*
 * An interface of a stack: a network device in the stack's namespace, and what is behind it.
 *
 * There are three kinds, each with a table of what differs:
 *
 *  - a tap with a pump (tap.c);
 *  - a packet device with a pump: a veth pair with a packet socket on the other end (packet_device.c);
 *  - an end of a veth pair whose other end is a port of a segment's bridge (segment.c). The kernel moves
 *    the frames; there is no pump.
 *
 * The kind is decided before the interface is made, and never changes.
 *
 * Lifetime: a count of users. They are the stack's list, a job, the pump from its start until it has ended,
 * and the lists of interfaces that wait. The thread that drops the last use closes everything, so no
 * thread waits for one that is stuck in a plugin.
 */

#include <net/if.h>
#include <stdatomic.h>

#include "config/locator.h"
#include "keeper.h"
#include "pump/pump.h"
#include "wire/messages.h"

struct vs_events;
struct vs_segment;

struct vs_iface_kind {
	const struct vs_device_ops *device; /* of the pump; NULL: there is no pump */
	/* Its job makes the device, given an rtnetlink socket; else the networking thread does. */
	bool made_by_job;
	bool carrier_by_main; /* its carrier takes privileges that pump threads do not have */
	/*
	 * Sets the carrier that the stack sees. 0 or -errno. Nothing while the device is not made. The
	 * carrier's lock is held.
	 */
	int (*carrier)(struct vs_iface *iface, bool on);
	/* The device has been deleted, not by the keeper. False while it is not made. */
	bool (*gone)(struct vs_iface *iface);
	/*
	 * Deletes the device, if it has been made and not yet deleted. 0, or -errno: the kernel has kept it.
	 * -EOPNOTSUPP: only closing its descriptor does that, or a request in its namespace.
	 */
	int (*leave)(struct vs_iface *iface);
};

extern const struct vs_iface_kind vs_iface_tap, vs_iface_packet, vs_iface_segment;

struct vs_iface {
	struct vs_keeper *keeper;
	const struct vs_iface_kind *kind;
	struct vs_iface *next;    /* in its stack's list; the networking thread's */
	char name[IF_NAMESIZE];
	uint64_t addition;        /* number of the creation or addition that has made it */
	atomic_uint users;
	atomic_bool failed;       /* its call failed; to be taken off the stack's list */
	struct vs_pump pump;      /* device and offloads: set under the keeper's lock */
	/* Frames that the packet socket had no room for; the networking thread's. */
	unsigned long long tx_lost;
	struct vs_events *events; /* of its stack; a counted use */

	/* What it takes to reconnect, see reconnect.c: */
	struct vs_wire_iface want;
	char *locator;            /* as the request says */
	int root, cwd;            /* the caller's, where the locator needs them; -1 */
	atomic_bool reconnects;   /* set before the link is opened */
	atomic_uint reconnected;  /* how often the network came (back) */
	unsigned attempts;        /* of the thread that reconnects it */
	int64_t connected_ms;     /* when the network was last there */
	int64_t due_ms;           /* while it waits, under the keeper's lock */
	struct vs_iface *next_waiting; /* under the keeper's lock */
	struct vs_iface *next_died;    /* under the keeper's lock */
	int died_of;                   /* errno for the event; set before it is put on that list */

	pthread_mutex_t carrier_lock; /* guards: */
	bool connected;           /* the network is there */
	bool cut;                 /* by request */

	struct vs_segment *segment; /* under the segments' lock */
	bool in_peer_ns;            /* a packet device has been made; under their lock */
	/* The other end of the veth pair, in the namespace of the segment or of packet devices. */
	char peer[IF_NAMESIZE];
};

/* What kind of interface is made, now, for a locator of that kind. Any thread. */
const struct vs_iface_kind *vs_iface_kind_for(struct vs_keeper *k, enum vs_locator_kind kind);

/* A new one with one user. NULL: out of memory or descriptors (errno). */
struct vs_iface *vs_iface_new(struct vs_keeper *k, const struct vs_wire_iface *want, const char *locator,
			      const struct vs_iface_kind *kind);
void vs_iface_ref(struct vs_iface *iface);
/* The last one closes everything. NULL is allowed. May take long (a tap: tens of ms). */
void vs_iface_unref(struct vs_iface *iface);
/* The interface is given up, for good. Asks the pump to end; never waits. Any thread. */
void vs_iface_stop(struct vs_iface *iface);
bool vs_iface_is_stopping(const struct vs_iface *iface);
/*
 * Its device, which had been made, has been deleted, not by the keeper. Takes the keeper's lock, or that
 * of the segments.
 */
bool vs_iface_device_gone(struct vs_iface *iface);
/* kind->gone of devices that the pump reads. */
bool vs_iface_descriptor_gone(struct vs_iface *iface);

/* ---- in the stack's namespace, by its networking thread ---- */

/*
 * Makes a tap with its settings and returns its descriptor (non-blocking), or -errno with a message;
 * *offloads: those in force.
 */
int vs_tap_open(const struct vs_wire_iface *want, unsigned *offloads);

/* ---- segments ---- */

/*
 * Makes a veth pair: its end `want` in the stack's namespace, reached by `netlink`, with that index if it
 * is free; the other end is plugged into the segment called name, which is made if need be. 0 or -errno
 * with a message.
 */
int vs_segment_join(struct vs_iface *iface, const char *name, const struct vs_wire_iface *want, int netlink,
		    int ifindex);

#endif
