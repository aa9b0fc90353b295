/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_PACKET_DEVICE_H
#define VS_KEEPER_PACKET_DEVICE_H

/* Packet devices: interfaces without a tap, see packet_device.c. */

#include <stdbool.h>

struct vs_iface;
struct vs_keeper;
struct vs_wire_iface;

/*
 * Whether interfaces on networks are made as packet devices now: there is no tun device that may be opened,
 * or the environment says so (VDESTACK_PORT=packet; VDESTACK_PORT=tap: never). Any thread.
 */
bool vs_packet_device_wanted(struct vs_keeper *k);

/*
 * Makes the device `want` in the namespace where the rtnetlink socket was made, with that index if it is
 * free. Returns the packet socket (non-blocking); *offloads: those in force. -errno with a message. A
 * thread with all the keeper's privileges.
 */
int vs_packet_device_open(struct vs_iface *iface, const struct vs_wire_iface *want, int netlink, int ifindex,
			  unsigned *offloads);

#endif
