/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CARRIER_H
#define VS_KEEPER_CARRIER_H

/*
 * The carrier that a stack sees at its interface. It is on when the network is there and no request has cut
 * it. A lock in the interface keeps the two reasons from crossing.
 */

#include <stdbool.h>

struct vs_iface;

/* Cuts or restores the carrier by request. 0 or -errno. */
int vs_carrier_request(struct vs_iface *iface, bool on);

/* The network is there, or not. */
void vs_carrier_network(struct vs_iface *iface, bool there);

/* The device has been made, perhaps after one of the two above. */
void vs_carrier_refresh(struct vs_iface *iface);

#endif
