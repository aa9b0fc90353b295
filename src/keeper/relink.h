/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_RELINK_H
#define VS_KEEPER_RELINK_H

/* Joining a network again that has gone; see the essay in relink.c. */

#include <stdbool.h>

struct vs_iface;
struct vs_job;
struct vs_keeper;

/* An interface's link has died, told by err (0: a hang-up). By a pump thread, which ends then. */
void vs_relink_died(struct vs_iface *iface, int err);

/* A pump thread of an interface ends, and no longer uses its link. */
void vs_relink_pump_ended(struct vs_iface *iface);

/* An attempt has failed with err: the next one comes later. Also for a stack made while its network is absent. */
void vs_relink_later(struct vs_iface *iface, int err);

/* The interface has no network yet: no carrier. */
void vs_relink_absent(struct vs_iface *iface);

/* The link is there; the pump starts next. */
void vs_relink_done(struct vs_iface *iface);

/* True when a network may be absent for a while rather than wrong for ever. */
bool vs_relink_may_heal(int err);

/* Main thread: starts the attempts that are due; gives ms until the next one is, -1: none. */
int vs_relink_check(struct vs_keeper *k);

/* Cuts or restores the carrier by order. 0 or -errno. */
int vs_carrier_order(struct vs_iface *iface, bool on);

/* The device has been made, perhaps after an order or after its network was found absent. */
void vs_carrier_refresh(struct vs_iface *iface);

#endif
