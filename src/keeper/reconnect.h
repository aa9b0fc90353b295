/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_RECONNECT_H
#define VS_KEEPER_RECONNECT_H

/* Reconnecting an interface whose network has gone; see the essay in reconnect.c. */

#include <stdbool.h>

struct vs_iface;
struct vs_keeper;
struct vs_pump_callbacks;

/* What an interface does when its pump reports. */
extern const struct vs_pump_callbacks vs_reconnect_callbacks;

/*
 * An attempt has failed with err: the next one comes later. Also for a stack made while its network is
 * absent.
 */
void vs_reconnect_later(struct vs_iface *iface, int err);

/* The link is there; the pump starts next. */
void vs_reconnect_done(struct vs_iface *iface);

/* True when err may mean that a network is absent for a while, false when it will fail again. */
bool vs_reconnect_may_heal(int err);

/* Main thread: starts the attempts that are due. Returns the ms until the next one is, -1: none. */
int vs_reconnect_check(struct vs_keeper *k);

#endif
