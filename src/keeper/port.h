/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_PORT_H
#define VS_KEEPER_PORT_H

/* Ports: interfaces without a tap, see port.c. */

#include <stdbool.h>

struct vs_iface;
struct vs_keeper;
struct vs_wire_iface;

/*
 * Whether interfaces on networks are made without taps now: there is no tun device that may be opened, or the
 * environment says so (VDESTACK_PORT=packet; tap: never). Any thread.
 */
bool vs_port_by_packet(struct vs_keeper *k);

/*
 * Makes a port: the interface `want` in the namespace where the rtnetlink socket was made, with that index if it is free, and gives the
 * descriptor (non-blocking) that is read and written like a tap's; *offloads: those in force. Marks iface.
 * -errno with a sentence. A thread with all the keeper's privileges.
 */
int vs_port_open(struct vs_iface *iface, const struct vs_wire_iface *want, int netlink, int ifindex, unsigned *offloads);

/* The rest needs CAP_NET_ADMIN in the keeper's user namespace, which pump threads do not have. */

/* Carrier of the stack's end. 0 or -errno; nothing for a port that is not there yet. */
int vs_port_carrier(struct vs_iface *iface, bool on);
/*
 * Takes both ends away; the descriptor stays whoever's it is. Nothing for an interface without a port. -errno: the kernel has
 * kept the devices.
 */
int vs_port_leave(struct vs_iface *iface);

/* Frames that found no room since they were last asked for. Any thread. */
unsigned long vs_port_lost(const struct vs_iface *iface);

#endif
