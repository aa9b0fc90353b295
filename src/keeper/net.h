/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_NET_H
#define VS_KEEPER_NET_H

/*
 * A networking thread's state. Everything is that thread's alone, except what is said to be
 * under the keeper's lock.
 */

#include <stdbool.h>

struct vs_call;
struct vs_events;
struct vs_iface;
struct vs_job;
struct vs_keeper;
struct vs_wire_iface;

struct vs_net {
	struct vs_keeper *keeper;
	struct vs_call *call; /* the request being served; of one in reserve, under the keeper's lock until it is given */
	struct vs_job *birth; /* the job of the first interface, until its device is made; then not ours to touch */
	int door;
	int adopt;            /* a namespace to live in; -1: one of its own */
	int programs_end;     /* of the door, until it is handed out */
	struct vs_iface *ifaces;
	int last_ifindex;     /* that was given away here */
	struct vs_events *events;
	bool in_reserve;      /* began without a call */
	bool dismissed;       /* under the keeper's lock: nobody came for it */
};

/* Starts a stack's networking thread; it answers the call (which it owns from then on). */
int vs_net_start(struct vs_keeper *k, struct vs_call *call);

/*
 * Main thread: keeps, or lets go of, a networking thread in reserve. Returns ms until it has to be
 * called again, -1: not before something happens.
 */
int vs_net_reserve(struct vs_keeper *k);

/* Serves n->call, and answers it or hands it on. */
void vs_net_serve(struct vs_net *n);
/*
 * Adds the interface that n->call describes; its answer carries n->programs_end. -errno: it has been
 * answered so.
 */
int vs_net_add(struct vs_net *n);
/*
 * For a device that others make: an rtnetlink socket of this thread's namespace, or -errno with a
 * sentence; and a free index.
 */
int vs_net_rtnetlink(struct vs_net *n, const struct vs_wire_iface *want, int *ifindex);

#endif
