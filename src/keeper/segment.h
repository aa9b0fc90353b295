/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_SEGMENT_H
#define VS_KEEPER_SEGMENT_H

/*
 * Segments, for the files about them: segment.c makes them and their ports, segment_groups.c splits them,
 * segment_impair.c puts forwarders in front of ports, segment_view.c shows what passes there, segment_place.c
 * knows the names in its namespace.
 */

#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "packet_socket.h"
#include "veth.h"
#include <vdestack/impair.h>

struct vs_forwarder;
struct vs_iface;
struct vs_keeper;
struct vs_wire_iface;

#define VS_GROUP_ALONE 0x80000000u /* groups from here up are for one port each */

/* Ports between which frames pass: those of one bridge. */
struct vs_group {
	struct vs_group *next;
	unsigned number;
	unsigned ports; /* of group 0 one more: it stays as long as the segment */
	int bridge;     /* its interface index */
};

struct vs_segment {
	struct vs_segment *next;
	char *name;
	bool shared;  /* with other programs: local:// */
	atomic_bool stained; /* something that was to be deleted may still be there */
	uint32_t tag; /* of this keeper, if it is shared */
	struct vs_peer_ns peers;
	pthread_mutex_t deleting; /* for peers.deletions; the segments' lock is not held */
	struct vs_group *groups; /* the last one is group 0 */
	struct vs_iface *ifaces; /* at its ports, linked by port.next */
	unsigned users;          /* ports, and threads that need it to stay */
	unsigned last_port;      /* for names */
};

/* Settings and counts of a port that has ever been impaired. */
struct vs_port_history {
	struct vdestack_impairment tx, rx; /* in force, while there is no forwarder */
	struct vdestack_impair_stats tx_stats, rx_stats; /* of forwarders that have ended */
};

/* A packet socket that shows the frames of a port, see segment_view.c. All zero but fd: it shows nothing. */
struct vs_port_view {
	int fd;
	struct vs_keeper *keeper; /* NULL: it has never begun */
	/* Under the lock of the segments: */
	struct vs_iface *iface; /* NULL: not in its list */
	struct vs_port_view *next;
};

/* What an interface on a segment has. */
struct vs_port {
	struct vs_segment *segment; /* NULL: it is not there, or no longer */
	bool leaving;               /* its pair is being deleted */
	struct vs_iface *next;
	struct vs_group *group;
	unsigned alone;             /* wire taps that are its network */
	unsigned group_after;       /* where it gets to when there is none any more */
	struct vs_forwarder *forwarder; /* NULL: the kernel alone moves the frames */
	struct vs_port_history *history; /* NULL: never impaired */
	struct vs_port_view *views;
	struct vs_packet_before features; /* of the stack's end, as they were without a forwarder */
	unsigned no_offload; /* as the interface was asked for */
};

/*
 * Deletes a pair, by the name of its port (NULL: none), and ends a forwarder (NULL: none). The kernel takes
 * long for it, so the lock of the segments is not held; a use keeps the segment. 0, or -errno: the pair may
 * still be there.
 */
int vs_segment_delete(struct vs_segment *s, const char *peer, struct vs_forwarder *forwarder);
/* The thread has no use for it any more. The last one deletes the segment, or keeps it for another. */
void vs_segment_unuse_locked(struct vs_keeper *k, struct vs_segment *s);

/*
 * As vs_segment_join(), for a segment that other programs share. place: its namespace if this keeper has it
 * not yet, taken in any case; NULL: this is not known yet. 0; 1: the keeper does not have it, and place is
 * NULL; or -errno with a message.
 */
int vs_segment_join_shared(struct vs_iface *iface, const char *name, const struct vs_wire_iface *want,
			   int netlink, int ifindex, struct vs_peer_ns *place);

/*
 * The segment of that name that only this program has, made if need be, with one more use. NULL: that has
 * failed.
 */
struct vs_segment *vs_segment_hold(struct vs_keeper *k, const char *name);
void vs_segment_let_go(struct vs_keeper *k, struct vs_segment *s); /* NULL is allowed */

/* Deletes the segments without users that wait for the next one. False: there were none. */
bool vs_segments_drop_spare(struct vs_keeper *k);

/* A copy of the descriptor of a shared segment's namespace. -ENOENT: this keeper does not have it. */
int vs_segment_shared_ns(struct vs_keeper *k, const char *name);

/* ---- segment_place.c ---- */

/*
 * Makes a namespace for a segment, in place of those that were made ahead for stacks if need be. 0 or
 * -errno.
 */
int vs_segment_place_make(struct vs_keeper *k, struct vs_peer_ns *place);
/*
 * Enters a namespace that another keeper has made; ns is taken. -ENODEV: it is none of a segment. 0 or
 * -errno.
 */
int vs_segment_place_enter(struct vs_peer_ns *place, int ns);
/* Deletes devices of keepers for whose tags dead() is true. */
void vs_segment_place_clean(const struct vs_peer_ns *place, bool (*dead)(unsigned tag, void *arg), void *arg);
/* A number that nothing else in the namespace has. */
unsigned vs_segment_number_locked(struct vs_segment *s);
/* The name of a port ('p'), of the ends of a forwarder's pair ('q', 'r'), of the bridge of one port ('s'). */
void vs_segment_device_name(const struct vs_segment *s, char kind, unsigned number, char name[IF_NAMESIZE]);

/* ---- segment_groups.c ---- */

/* s: NULL is allowed for numbers that programs can ask for. */
void vs_group_bridge_name(const struct vs_segment *s, unsigned number, char name[IF_NAMESIZE]);

/* Group `number`, with one more port; made if need be. 0 or -errno. */
int vs_group_use_locked(struct vs_segment *s, unsigned number, struct vs_group **out);
void vs_group_unuse_locked(struct vs_segment *s, struct vs_group *group);
/* The device that is the bridge's port for the interface. */
const char *vs_port_device_locked(const struct vs_iface *iface);

/* Operations of the kind, see iface.h. */
int vs_segment_group(struct vs_iface *iface, int number);
int vs_segment_flap(struct vs_iface *iface);

/* ---- segment_view.c ---- */

/*
 * A copy of the descriptor of the namespace in which the sockets of views are made. -ENODEV: not plugged
 * in.
 */
int vs_port_ns(struct vs_iface *iface);
/* Shows the frames of the port from now on. The socket is not bound yet. 0 or -errno. Any thread. */
int vs_port_view_begin(struct vs_iface *iface, struct vs_port_view *view);
/* Before the socket is closed, also if it has not begun. Any thread. */
void vs_port_view_end(struct vs_port_view *view);
/* `device` is the bridge's port now. */
void vs_port_views_move_locked(struct vs_iface *iface, const char *device);
/* The interface leaves the segment. */
void vs_port_views_end_locked(struct vs_iface *iface);

/* ---- segment_impair.c ---- */

int vs_segment_impair(struct vs_iface *iface, const struct vdestack_impairment *tx,
		      const struct vdestack_impairment *rx);
void vs_segment_impaired(struct vs_iface *iface, struct vdestack_impairment *tx,
			 struct vdestack_impairment *rx, struct vdestack_impair_stats *tx_stats,
			 struct vdestack_impair_stats *rx_stats);

#endif
