/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CARRIER_H
#define VS_KEEPER_CARRIER_H

/*
 * The carrier that a stack sees at its interface. It is on when the network is there and no request has cut
 * it. A lock in the interface guards both reasons.
 */

#include <stdbool.h>

struct vs_iface;

/* Cuts or restores the carrier by request. 0 or -errno. */
int vs_carrier_request(struct vs_iface *iface, bool on);

/* The network is there, or is not there. */
void vs_carrier_network(struct vs_iface *iface, bool there);

/* The device has been made. The carrier may have been set before: it is applied now. */
void vs_carrier_refresh(struct vs_iface *iface);

#endif
