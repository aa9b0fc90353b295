/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "map.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "escape.h"
#include "list.h"
#include "networks.h"

static const char help[] = "Usage: vdestack map [--dot | --svg]\n"
			   "Shows which interfaces of this user's stacks are on which networks.\n"
			   "  -d, --dot   for Graphviz\n"
			   "  -s, --svg   a picture\n"
			   "  -h, --help\n";

/* ------------------------------------------------------------------ networks */

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

/* ------------------------------------------------------------------ text */

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

/* ------------------------------------------------------------------ command line */

static int write_map(const struct vs_view *view, int form)
{
	struct vs_map map;
	int r = vs_map_make(view, &map);

	if (r < 0)
		return r;
	if (form == 'd')
		vs_map_dot(&map, stdout);
	else if (form == 's')
		r = vs_map_svg(&map, stdout);
	else
		vs_map_text(&map, stdout);
	vs_map_end(&map);
	return r;
}

int vs_map_main(int argc, char *argv[])
{
	static const struct option options[] = { { "dot", no_argument, NULL, 'd' },
						 { "svg", no_argument, NULL, 's' },
						 { "help", no_argument, NULL, 'h' },
						 { NULL, 0, NULL, 0 } };
	struct vs_view view = { 0 };
	int form = 't', c;

	while ((c = getopt_long(argc, argv, "dsh", options, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
		if (c == '?')
			return EX_USAGE;
		if (form != 't' && form != c) {
			(void)fprintf(stderr, "vdestack map: --dot or --svg, not both\n");
			return EX_USAGE;
		}
		form = c;
	}
	if (optind < argc) {
		(void)fprintf(stderr, "vdestack map: unexpected argument; see vdestack map --help\n");
		return EX_USAGE;
	}
	if (vs_view_read(&view) < 0) {
		(void)fprintf(stderr, "vdestack map: %s\n", vdestack_last_error());
		return 1;
	}
	int r = write_map(&view, form);
	vs_view_end(&view);
	if (r < 0) {
		(void)fprintf(stderr, "vdestack map: %s\n", strerror(-r));
		return 1;
	}
	return fflush(stdout) != 0 || ferror(stdout) ? EX_IOERR : 0;
}
