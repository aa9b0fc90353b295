/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_NET_IFACES_H
#define VS_KEEPER_NET_IFACES_H

/* The interfaces of a stack, in its networking thread: found, added and removed. */

#include "net.h"

/*
 * Adds the interface that n->call describes. The answer has n->programs_end. -errno: that was the answer.
 */
int vs_net_add(struct vs_net *n);
/* Removes the one that n->call names, and answers. */
void vs_net_remove(struct vs_net *n);
/*
 * A request that `act` passes to a job. On success the job has the call, and this thread goes on with a new
 * one. -errno of act, with a message: that was the answer.
 */
int vs_net_iface_request(struct vs_net *n, int (*act)(struct vs_net *));
/* The interface that n->call names, made by this library and still there. NULL: there is none. */
struct vs_iface *vs_net_find_iface(struct vs_net *n);
/*
 * For a device that a job makes. Returns an rtnetlink socket of this thread's namespace, or -errno with a
 * message. *ifindex: a free index.
 */
int vs_net_rtnetlink(struct vs_net *n, const struct vs_wire_iface *want, int *ifindex);

#endif
