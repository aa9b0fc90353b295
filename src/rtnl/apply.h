/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RTNL_APPLY_H
#define VS_RTNL_APPLY_H

#include <stdbool.h>

#include "config/config.h"
#include "nl.h"

/* Whether there is anything that vs_conf_wait() would wait for. */
bool vs_conf_has_to_wait(const struct vs_config *config);

/*
 * Sets the addresses and routes of the interfaces of config and brings them up: all links up first, then
 * addresses, then routes in order. The interfaces exist already, with MAC and MTU set, and are down.
 * announce: the addresses are announced to the network (see vs_rtnl_link_announce()).
 * 0, or -errno with the message recorded, which names the interface and the word ("ip=", "gw=", "route=").
 */
int vs_conf_apply(struct vs_nl *nl, const struct vs_config *config, bool announce);

/*
 * Waits until the addresses that config asks for can be used (past duplicate address detection) and its
 * interfaces on segments have carrier, then announces the addresses; at most timeout_ms.
 * 0, -ETIMEDOUT, or -EADDRNOTAVAIL when one is in use elsewhere; message recorded.
 */
int vs_conf_wait(struct vs_nl *nl, const struct vs_config *config, int timeout_ms);

/* vs_rtnl_link_announce() for each interface of config that has addresses. */
void vs_conf_announce(struct vs_nl *nl, const struct vs_config *config);

#endif
