/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RTNL_APPLY_H
#define VS_RTNL_APPLY_H

#include <stdbool.h>

#include "config/config.h"
#include <vdestack.h>

/* Whether there is anything that vs_conf_wait() would wait for. */
bool vs_conf_has_to_wait(const struct vs_config *config);

/*
 * Gives the interfaces of config, which exist in the stack already (created down, with MAC and MTU set),
 * their addresses and routes and brings them up: all links up first, then addresses, then
 * routes in order. One rtnetlink descriptor for all. Links that are plugged into nothing else are left alone.
 * announce: whoever remembers another station of these addresses shall hear of it now (see vs_link_announce()).
 * 0, or -errno with the sentence recorded, naming the interface and the word ("ip=", "gw=", "route=").
 */
int vs_conf_apply(struct vdestack *stack, const struct vs_config *config, bool announce);

/*
 * Waits until the addresses that config asks for can be used (past duplicate address
 * detection) and its interfaces on segments have carrier, then announces them; at most timeout_ms. 0, -ETIMEDOUT, or -EADDRNOTAVAIL when one is in use elsewhere; sentence recorded.
 */
int vs_conf_wait(struct vdestack *stack, const struct vs_config *config, int timeout_ms);

struct vs_nl;

/* vs_link_announce() for each interface of config that has addresses. */
void vs_conf_announce(struct vs_nl *nl, const struct vs_config *config);

#endif
