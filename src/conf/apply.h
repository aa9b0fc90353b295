/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONF_APPLY_H
#define VS_CONF_APPLY_H

#include <stdbool.h>

#include "config.h"
#include <vdestack.h>

/*
 * Gives the interfaces of config, which exist in the stack already (created down, with MAC and MTU set),
 * their addresses and routes and brings them up: all links up first, then addresses, then
 * routes in order. One rtnetlink descriptor for all. Links that are plugged into nothing else are left alone.
 * 0, or -errno with the sentence recorded, naming the interface and the word ("ip=", "gw=", "route=").
 */
int vs_conf_apply(struct vdestack *stack, const struct vs_config *config);

/*
 * Waits until the addresses that config asks for can be used (past duplicate address
 * detection) and its interfaces on segments have carrier; at most timeout_ms. 0, -ETIMEDOUT, or -EADDRNOTAVAIL when one is in use elsewhere; sentence recorded.
 * Costs nothing (no netlink at all) when config has neither.
 */
int vs_conf_wait(struct vdestack *stack, const struct vs_config *config, int timeout_ms);

#endif
