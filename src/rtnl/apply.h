/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RTNL_APPLY_H
#define VS_RTNL_APPLY_H

#include <stdbool.h>

#include "config/config.h"
#include "nl.h"

/*
 * Sets the addresses and routes of the interfaces of config and brings them up: all links up first, then
 * addresses, then routes in order. The interfaces exist already, with MAC and MTU set, and are down.
 * announce: the addresses are announced to the network (see vs_rtnl_link_announce()).
 * 0, or -errno with the message recorded, which names the interface and the word ("ip=", "gw=", "route=").
 */
int vs_conf_apply(struct vs_nl *nl, const struct vs_config *config, bool announce);

/* vs_rtnl_link_announce() for each interface of config that has addresses. */
void vs_conf_announce(struct vs_nl *nl, const struct vs_config *config);

#endif
