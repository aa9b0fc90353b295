/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RTNL_APPLY_H
#define VS_RTNL_APPLY_H

#include <stdbool.h>

#include "config/config.h"
#include "nl.h"

/*
 * Sets the addresses and routes of the interfaces of config and brings them up, apart from those that are to
 * stay down and so have no addresses and routes: all links up first, then
 * addresses, then routes in order. The interfaces exist already, with MAC and MTU set, and are down.
 * announce: the addresses are announced to the network (see vs_rtnl_link_announce()).
 * 0, or -errno with the message recorded, which names the interface and the word ("ip=", "gw=", "route=").
 */
int vs_conf_apply(struct vs_nl *nl, const struct vs_config *config, bool announce);

/*
 * The addresses, the routes of one interface. may_exist: what is there already is no error. 0 or -errno with
 * the message recorded.
 */
int vs_conf_add_addrs(struct vs_nl *nl, const struct vs_conf_iface *iface, int ifindex, bool may_exist);
int vs_conf_add_routes(struct vs_nl *nl, const struct vs_conf_iface *iface, int ifindex, bool may_exist);

/* vs_rtnl_link_announce() for each interface of config that has addresses. applied: by vs_conf_apply(). */
void vs_conf_announce(struct vs_nl *nl, const struct vs_config *config, bool applied);

#endif
