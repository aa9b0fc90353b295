/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_MAP_H
#define VS_TOOLS_MAP_H

/* What `vdestack map` shows, whatever its form: which interfaces of a view are on which networks. */

#include <stddef.h>
#include <sys/types.h>

#include "view.h"

#define VS_MAP_NETWORK 100 /* bytes of the name of a network */

/* A network that interfaces of the view are on. */
struct vs_map_network {
	char name[VS_MAP_NETWORK];         /* without what is private */
	const struct vs_view_iface *first; /* one of them */
	pid_t keeper;                      /* of that one */
	size_t n_ifaces;
};

struct vs_map {
	const struct vs_view *view;
	struct vs_map_network *networks;
	size_t n_networks;
};

/* Finds the networks. 0 or -ENOMEM. */
int vs_map_make(const struct vs_view *view, struct vs_map *map);
void vs_map_end(struct vs_map *map);

/* The network of an interface; -1: its network is not known. */
int vs_map_network_of(const struct vs_map *map, const struct vs_view_stack *stack,
		      const struct vs_view_iface *iface);

/* Whether the stack at this place is the first one of its program. */
int vs_map_begins_program(const struct vs_view *view, size_t stack);

#endif
