/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_SETTINGS_INSIDE_H
#define PX_SETTINGS_INSIDE_H

/* What the files of the settings share. */

#include "settings.h"

#define IFACES_MAX 256 /* netif_get_index() has eight bits */

/* settings.c: tells who listens; the IPv4 address of an interface, false: it has none. */
void px_settings_say(struct px_note note);
bool px_settings_addr4(struct netif *n, struct vs_pxnl_addr *out);

/* settings_prefixes.c. Why a prefix of 64 bits is on the link. */
enum px_prefix_user { PX_BY_ADDRESS = 1, PX_BY_ROUTER = 2 };
/* One of the two begins or ends. False: there is no room. */
bool px_prefix_use(struct netif *n, const ip6_addr_t *ip, enum px_prefix_user user, bool uses);
/* Makes room for a prefix of an address: one of a router may go. False: there is none. */
bool px_prefix_make_room(const struct netif *n, const ip6_addr_t *ip);
/* Takes the interface down; its prefixes stay. */
void px_prefixes_set_down(struct netif *n);
/* Before the interface is removed. */
void px_prefixes_drop(const struct netif *n);

/* settings_routes.c: the ops of routes. */
bool px_route_at(void *arg, size_t i, struct vs_pxnl_route *out);
int px_route_new(void *arg, const struct vs_pxnl_route *route, bool replace, const char **why);
int px_route_del(void *arg, const struct vs_pxnl_route *route, const char **why);
/* The default routes of an interface go: its IPv4 gateway, its IPv6 routers. Another one takes over. */
void px_route_drop4(struct px_iface *iface);
void px_route_drop6(const struct px_iface *iface);

#endif
