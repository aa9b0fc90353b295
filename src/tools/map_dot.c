/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The map for Graphviz: a cluster for each program, in it a cluster for each stack; networks are ellipses. */

#include <string.h>

#include "escape.h"
#include "list.h"
#include "map.h"
#include "map_forms.h"

static void write_stack(const struct vs_map *map, size_t index, FILE *out)
{
	const struct vs_view_stack *s = &map->view->stacks[index];
	char name[64];

	vs_view_name(s, name);
	(void)fprintf(out, "    subgraph cluster_stack%zu {\n      label=\"stack ", index);
	vs_escape_dot(out, name);
	(void)fputs("\"; style=filled; fillcolor=\"#eef3fa\";\n", out);
	if (s->n_ifaces == 0) {
		(void)fprintf(out, "      s%zu [shape=plaintext, label=\"", index);
		vs_escape_dot(out, s->why[0] != '\0' ? s->why : "no interface");
		(void)fputs("\"];\n", out);
	}
	for (size_t i = 0; i < s->n_ifaces; i++) {
		(void)fprintf(out, "      s%zui%zu [shape=box, label=\"", index, i);
		vs_escape_dot(out, s->ifaces[i].device.name);
		(void)fprintf(out, " %s", vs_list_link(&s->ifaces[i]));
		for (size_t j = 0; j < s->n_addrs; j++)
			if (strcmp(s->addrs[j].ifname, s->ifaces[i].device.name) == 0)
				(void)fprintf(out, "\\n%s/%u", s->addrs[j].addr, s->addrs[j].prefix_len);
		(void)fputs("\"];\n", out);
	}
	(void)fputs("    }\n", out);
}

static void write_cables(const struct vs_map *map, size_t index, FILE *out)
{
	const struct vs_view_stack *s = &map->view->stacks[index];

	for (size_t i = 0; i < s->n_ifaces; i++) {
		int network = vs_map_network_of(map, s, &s->ifaces[i]);
		if (network >= 0)
			(void)fprintf(out, "  s%zui%zu -- n%d%s;\n", index, i, network,
				      (s->ifaces[i].device.flags & IFF_RUNNING) != 0 ? ""
										     : " [style=dashed]");
	}
}

void vs_map_dot(const struct vs_map *map, FILE *out)
{
	(void)fputs("graph vdestack {\n  rankdir=LR; node [fontname=\"sans-serif\", fontsize=10];\n", out);
	for (size_t i = 0; i < map->view->n; i++) {
		const struct vs_view_stack *s = &map->view->stacks[i];
		if (vs_map_begins_program(map->view, i)) {
			(void)fprintf(out, "%s  subgraph cluster_program%zu {\n    label=\"",
				      i > 0 ? "  }\n" : "", i);
			vs_escape_dot(out, s->shown.comm);
			(void)fprintf(out, " (%d)\";\n", (int)s->shown.pid);
		}
		write_stack(map, i, out);
	}
	if (map->view->n > 0)
		(void)fputs("  }\n", out);
	for (size_t i = 0; i < map->n_networks; i++) {
		(void)fprintf(out, "  n%zu [shape=ellipse, label=\"", i);
		vs_escape_dot(out, map->networks[i].name);
		(void)fputs("\"];\n", out);
	}
	for (size_t i = 0; i < map->view->n; i++)
		write_cables(map, i, out);
	(void)fputs("}\n", out);
}
