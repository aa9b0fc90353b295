/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "networks.h"

int vs_map_network_of(const struct vs_map *map, const struct vs_view_stack *stack,
		      const struct vs_view_iface *iface)
{
	for (size_t i = 0; i < map->n_networks; i++) {
		const struct vs_map_network *n = &map->networks[i];
		if (n->first == iface ||
		    (iface->locator != NULL &&
		     vs_networks_same(iface->locator, stack->shown.keeper, n->first->locator, n->keeper)))
			return (int)i;
	}
	return -1;
}

static int add(struct vs_map *map, const struct vs_view_stack *stack, const struct vs_view_iface *iface)
{
	int at = iface->locator != NULL ? vs_map_network_of(map, stack, iface) : -1;

	if (iface->locator == NULL)
		return 0;
	if (at < 0) {
		void *networks = reallocarray(map->networks, map->n_networks + 1, sizeof(*map->networks));
		if (networks == NULL)
			return -ENOMEM;
		map->networks = networks;
		at = (int)map->n_networks++;
		map->networks[at] = (struct vs_map_network){ .first = iface, .keeper = stack->shown.keeper };
		vs_networks_show(iface->locator, map->networks[at].name, sizeof(map->networks[at].name));
		if (map->networks[at].name[0] == '\0')
			(void)snprintf(map->networks[at].name, sizeof(map->networks[at].name),
				       "default switch");
	}
	map->networks[at].n_ifaces++;
	return 0;
}

int vs_map_make(const struct vs_view *view, struct vs_map *map)
{
	int r = 0;

	*map = (struct vs_map){ .view = view };
	for (size_t i = 0; i < view->n; i++)
		for (size_t j = 0; j < view->stacks[i].n_ifaces && r == 0; j++)
			r = add(map, &view->stacks[i], &view->stacks[i].ifaces[j]);
	if (r < 0)
		vs_map_end(map);
	return r;
}

void vs_map_end(struct vs_map *map)
{
	free(map->networks);
	map->networks = NULL;
	map->n_networks = 0;
}

int vs_map_begins_program(const struct vs_view *view, size_t stack)
{
	return stack == 0 || view->stacks[stack - 1].shown.pid != view->stacks[stack].shown.pid;
}
