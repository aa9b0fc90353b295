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
 *    the frames; there is no pump. While the port is impaired, a forwarder moves them, with a pump of its own
 *    (segment_impair.c). So the pump of such an interface never runs; its state only says that the interface
 *    is stopped.
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
#include "segment.h"
#include "wire/messages.h"

struct vs_events;

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
	/*
	 * Impairment; NULL: this kind has none. Only the networking thread calls these.
	 *
	 * impair: as vs_pump_impair(): the settings are checked and have seeds; a direction that is NULL
	 * stays as it is. All or nothing; 0 or -errno with a message.
	 * impaired: as vs_pump_impaired().
	 * group: moves the interface into that group of its segment; < 0: it stays. Returns the one in which
	 * it was before, or -errno with a message.
	 * flap: see vdestack_segment_flap(). 0 or -errno with a message.
	 */
	int (*impair)(struct vs_iface *iface, const struct vdestack_impairment *tx,
		      const struct vdestack_impairment *rx);
	void (*impaired)(struct vs_iface *iface, struct vdestack_impairment *tx,
			 struct vdestack_impairment *rx, struct vdestack_impair_stats *tx_stats,
			 struct vdestack_impair_stats *rx_stats);
	int (*group)(struct vs_iface *iface, int group);
	int (*flap)(struct vs_iface *iface);
};

extern const struct vs_iface_kind vs_iface_tap, vs_iface_packet, vs_iface_segment;

/* Whose the link is. */
enum vs_iface_link {
	VS_IFACE_LINK_OPENED, /* of the job that opens it; or there is none */
	VS_IFACE_LINK_PUMPED, /* of the pump, until it has ended */
	VS_IFACE_LINK_LEFT,   /* the pump of an interface that was stopped has ended: of who removes that */
};

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

	struct vs_port port;        /* at a segment; under the segments' lock */
	bool in_peer_ns;            /* a packet device has been made; under their lock */
	enum vs_iface_link link;    /* under the keeper's lock */
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
/* Takes the keeper's lock. */
void vs_iface_set_link(struct vs_iface *iface, enum vs_iface_link link);
/*
 * For who removes an interface that has been stopped: waits for the end of the pump, and closes the link. So
 * the network is free for the next interface: its path, its port at a switch. A pump that is stuck in a
 * plugin is not waited for longer than VS_IFACE_UNPLUG_MS; it closes the link when it ends. A job that is
 * just opening the link is not waited for; it closes what it has opened. Takes the keeper's lock.
 */
void vs_iface_unplug(struct vs_iface *iface);
#define VS_IFACE_UNPLUG_MS 500
/*
 * Its device, which had been made, has been deleted, not by the keeper. Takes the keeper's lock, or that
 * of the segments.
 */
bool vs_iface_device_gone(struct vs_iface *iface);
/* kind->gone of devices that the pump reads. */
bool vs_iface_descriptor_gone(struct vs_iface *iface);

/* kind->impair and kind->impaired of interfaces with a pump. */
int vs_iface_impair_pump(struct vs_iface *iface, const struct vdestack_impairment *tx,
			 const struct vdestack_impairment *rx);
void vs_iface_impaired_pump(struct vs_iface *iface, struct vdestack_impairment *tx,
			    struct vdestack_impairment *rx, struct vdestack_impair_stats *tx_stats,
			    struct vdestack_impair_stats *rx_stats);

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

/*
 * For wire taps: gives the stack a frame, as if it came from the segment. packet: a packet socket of the
 * segment's namespace. 0 or -errno.
 */
int vs_segment_deliver(struct vs_iface *iface, int packet, const void *frame, size_t len);
/* Takes the port off the bridge; then, once for each success, puts it back. 0 or -errno. */
int vs_segment_isolate(struct vs_iface *iface, bool alone);

#endif
