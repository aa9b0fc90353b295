/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_FORWARDER_H
#define VS_KEEPER_FORWARDER_H

/*
 * The forwarder of an impaired port of a segment; see forwarder.c. It knows no segment: a port is a name in a
 * peer namespace, a bridge an index there. So every kind of segment can use it.
 *
 * The caller owns the port and the bridge, and lets one thread at a time call this.
 */

#include <net/if.h>
#include <stdbool.h>

#include <vdestack/impair.h>

struct vs_forwarder;
struct vs_keeper;
struct vs_peer_ns;

/* Where one is made. */
struct vs_forwarder_place {
	int ns; /* the peer namespace */
	char near[IF_NAMESIZE], far[IF_NAMESIZE]; /* names of its pair there */
	unsigned number; /* that no other pair there has */
};

/*
 * Makes one. Nothing passes yet. no_offload: what is not to be used, VS_OFFLOAD_... A networking thread that
 * holds no lock. 0 or -errno with a message.
 */
int vs_forwarder_make(struct vs_keeper *k, const char *name, const struct vs_forwarder_place *place,
		      unsigned no_offload, struct vs_forwarder **out);

/* Before it is switched on, and at any time later: as vs_pump_impair() and vs_pump_impaired(). */
int vs_forwarder_impair(struct vs_forwarder *f, const struct vdestack_impairment *tx,
			const struct vdestack_impairment *rx);
void vs_forwarder_impaired(struct vs_forwarder *f, struct vdestack_impairment *tx,
			   struct vdestack_impairment *rx, struct vdestack_impair_stats *tx_stats,
			   struct vdestack_impair_stats *rx_stats);

/* The offloads that the stack's end may use while this is switched on. */
unsigned vs_forwarder_offloads(const struct vs_forwarder *f);
/* The device that is the bridge's port while it is switched on. */
const char *vs_forwarder_port(const struct vs_forwarder *f);

/* `device` is to be the bridge's port; at the moment nothing is. */
typedef void vs_forwarder_moves_fn(void *arg, const char *device);

/* Puts it between port and bridge. Once. 0; or -errno with a message: the port is in the bridge as before. */
int vs_forwarder_on(struct vs_forwarder *f, const struct vs_peer_ns *peers, const char *port, int bridge,
		    vs_forwarder_moves_fn *moves, void *arg);
/* Puts the port back. 0; or -errno: it is switched on as before. Then comes vs_forwarder_end(). */
int vs_forwarder_off(struct vs_forwarder *f, const struct vs_peer_ns *peers, const char *port, int bridge,
		     vs_forwarder_moves_fn *moves, void *arg);

/*
 * Deletes its devices, by that rtnetlink socket, and gives it up, switched on or not. NULL is allowed. 0, or
 * -errno: they may still be there. Waits for the kernel, but not for the pump's thread, which ends soon.
 */
int vs_forwarder_end(struct vs_forwarder *f, int netlink);

#endif
