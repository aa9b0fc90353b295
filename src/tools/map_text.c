/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The map as text: stacks with their interfaces, then networks with theirs. */

#include <string.h>

#include "escape.h"
#include "list.h"
#include "map.h"
#include "map_forms.h"

static void text_addresses(const struct vs_view_stack *s, const char *ifname, FILE *out)
{
	for (size_t i = 0; i < s->n_addrs; i++)
		if (strcmp(s->addrs[i].ifname, ifname) == 0)
			(void)fprintf(out, " %s/%u", s->addrs[i].addr, s->addrs[i].prefix_len);
}

static void text_program(const struct vs_view_stack *s, FILE *out)
{
	vs_escape_plain(out, s->shown.comm[0] != '\0' ? s->shown.comm : "?");
	(void)fprintf(out, " (%d)\n", (int)s->shown.pid);
}

static void text_stack(const struct vs_map *map, const struct vs_view_stack *s, FILE *out)
{
	char name[64];

	vs_view_name(s, name);
	(void)fputs("  stack ", out);
	vs_escape_plain(out, name);
	if (s->why[0] != '\0') {
		(void)fputs(": ", out);
		vs_escape_plain(out, s->why);
	}
	(void)fputc('\n', out);
	for (size_t i = 0; i < s->n_ifaces; i++) {
		const struct vs_view_iface *iface = &s->ifaces[i];
		int network = vs_map_network_of(map, s, iface);
		(void)fputs("    ", out);
		vs_escape_plain(out, iface->device.name);
		(void)fprintf(out, " %s", vs_list_link(iface));
		text_addresses(s, iface->device.name, out);
		if (network >= 0)
			(void)fprintf(out, " -- network %d", network + 1);
		(void)fputc('\n', out);
	}
}

static void text_network(const struct vs_map *map, size_t index, FILE *out)
{
	char name[64];

	(void)fprintf(out, "network %zu ", index + 1);
	vs_escape_plain(out, map->networks[index].name);
	(void)fputc('\n', out);
	for (size_t i = 0; i < map->view->n; i++) {
		const struct vs_view_stack *s = &map->view->stacks[i];
		for (size_t j = 0; j < s->n_ifaces; j++) {
			if (vs_map_network_of(map, s, &s->ifaces[j]) != (int)index)
				continue;
			(void)fputs("    ", out);
			vs_escape_plain(out, s->shown.comm);
			vs_view_name(s, name);
			(void)fprintf(out, " (%d) ", (int)s->shown.pid);
			vs_escape_plain(out, name);
			(void)fputc(' ', out);
			vs_escape_plain(out, s->ifaces[j].device.name);
			(void)fputc('\n', out);
		}
	}
}

void vs_map_text(const struct vs_map *map, FILE *out)
{
	for (size_t i = 0; i < map->view->n; i++) {
		if (vs_map_begins_program(map->view, i))
			text_program(&map->view->stacks[i], out);
		text_stack(map, &map->view->stacks[i], out);
	}
	for (size_t i = 0; i < map->n_networks; i++)
		text_network(map, i, out);
}
