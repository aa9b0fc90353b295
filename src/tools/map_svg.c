/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The map as a picture. Networks stand in the middle, programs left and right of them, half of the height on
 * each side. A program is a box, its stacks are boxes in it, with a line of text for each interface and each
 * of its addresses:
 *
 *     ┌ program ────┐                    ┌ program ───┐
 *     │ ┌ stack ──┐ │                    │ ┌ stack ─┐ │
 *     │ │ vde0    ├─┼───( network 1 )────┼─┤ vde0   │ │
 *     │ │ 10.0.0.1│ │                    │ └────────┘ │
 *     │ └─────────┘ │                    └────────────┘
 *     └─────────────┘
 *
 * A network stands at the mean height of its interfaces, lower if another one is there. All sizes are those
 * of characters of one width, so nothing is measured.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "list.h"
#include "map.h"
#include "map_forms.h"

#define LINE 18 /* height of a line of text */
#define PAD 8
#define CHARACTER 7.3 /* width, at 12 pixels */
#define BOX_CHARACTERS 46
#define STACK_WIDTH ((int)(BOX_CHARACTERS * CHARACTER) + 2 * PAD)
#define PROGRAM_WIDTH (STACK_WIDTH + 2 * PAD)
#define NETWORK_CHARACTERS 32
#define NETWORK_WIDTH ((int)(NETWORK_CHARACTERS * CHARACTER) + 2 * PAD)
#define NETWORK_HEIGHT (LINE + 2 * PAD)
#define CHANNEL 130 /* between a program and a network, for the lines */
#define GAP 16
#define ONE_SIDE 500 /* up to this height all programs are on the left */

static const char *const colours[] = { "#1f6feb", "#d1242f", "#1a7f37", "#9a6700",
				       "#8250df", "#bf3989", "#0a7ea4", "#57606a" };

struct place {
	int x, y, height; /* of the stack's box */
	bool right;
};

struct drawing {
	const struct vs_map *map;
	FILE *out;
	struct place *stacks;
	int *networks; /* y of each */
	bool two_sides;
	int height;
};

static size_t lines_of(const struct vs_view_stack *s, const struct vs_view_iface *i)
{
	size_t n = 1;

	for (size_t j = 0; j < s->n_addrs; j++)
		n += strcmp(s->addrs[j].ifname, i->device.name) == 0;
	return n;
}

static int height_of_stack(const struct vs_view_stack *s)
{
	size_t lines = s->n_ifaces == 0 ? 2 : 1;

	for (size_t i = 0; i < s->n_ifaces; i++)
		lines += lines_of(s, &s->ifaces[i]);
	return (int)lines * LINE + 2 * PAD;
}

/* The end of the program whose first stack is at `first`, and its height. */
static size_t measure_program(const struct vs_view *view, size_t first, int *height)
{
	size_t i = first;

	*height = LINE + 2 * PAD;
	do {
		*height += height_of_stack(&view->stacks[i]) + PAD;
		i++;
	} while (i < view->n && !vs_map_begins_program(view, i));
	return i;
}

/* The middle of the line of an interface. */
static int iface_y(const struct drawing *d, size_t stack, size_t iface)
{
	const struct vs_view_stack *s = &d->map->view->stacks[stack];
	int y = d->stacks[stack].y + PAD + LINE;

	for (size_t i = 0; i < iface; i++)
		y += (int)lines_of(s, &s->ifaces[i]) * LINE;
	return y + LINE / 2;
}

static int network_x(void)
{
	return GAP + PROGRAM_WIDTH + CHANNEL;
}

static int right_x(void)
{
	return network_x() + NETWORK_WIDTH + CHANNEL;
}

/* ------------------------------------------------------------------ layout */

static void place_programs(struct drawing *d)
{
	const struct vs_view *view = d->map->view;
	int total = 0, height, y[2] = { GAP, GAP };

	for (size_t i = 0; i < view->n;) {
		i = measure_program(view, i, &height);
		total += height + GAP;
	}
	d->two_sides = total > ONE_SIDE;
	for (size_t i = 0; i < view->n;) {
		int side = d->two_sides && y[1] < y[0] ? 1 : 0;
		int x = side == 1 ? right_x() : GAP, at = y[side] + LINE + PAD;
		size_t end = measure_program(view, i, &height);
		for (; i < end; i++) {
			int own = height_of_stack(&view->stacks[i]);
			d->stacks[i] =
				(struct place){ .x = x + PAD, .y = at, .height = own, .right = side == 1 };
			at += own + PAD;
		}
		y[side] += height + GAP;
	}
	d->height = y[0] > y[1] ? y[0] : y[1];
}

static int mean_height(const struct drawing *d, size_t network)
{
	const struct vs_view *view = d->map->view;
	long sum = 0, n = 0;

	for (size_t i = 0; i < view->n; i++)
		for (size_t j = 0; j < view->stacks[i].n_ifaces; j++)
			if (vs_map_network_of(d->map, &view->stacks[i], &view->stacks[i].ifaces[j]) ==
			    (int)network) {
				sum += iface_y(d, i, j);
				n++;
			}
	return n > 0 ? (int)(sum / n) - NETWORK_HEIGHT / 2 : GAP;
}

/* From the top down, each as near to its place as those above let it. */
static int place_networks(struct drawing *d)
{
	size_t n = d->map->n_networks;
	int *wanted = calloc(n + 1, sizeof(*wanted)), least = GAP;

	if (wanted == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		wanted[i] = mean_height(d, i);
	for (size_t round = 0; round < n; round++) {
		size_t first = n;
		for (size_t i = 0; i < n; i++)
			if (d->networks[i] == 0 && (first == n || wanted[i] < wanted[first]))
				first = i;
		d->networks[first] = wanted[first] > least ? wanted[first] : least;
		least = d->networks[first] + NETWORK_HEIGHT + GAP;
	}
	free(wanted);
	d->height = least > d->height ? least : d->height;
	return 0;
}

/* ------------------------------------------------------------------ drawing */

static void box(const struct drawing *d, const char *class, int x, int y, int width, int height)
{
	(void)fprintf(d->out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\"/>\n",
		      class, x, y, width, height);
}

/* A line of text, cut to so many characters. y: its top. */
static void text(const struct drawing *d, const char *class, int x, int y, const char *what, int characters)
{
	char fitting[512];

	(void)vs_escape_fit(fitting, sizeof(fitting), what, characters);
	(void)fprintf(d->out, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y + LINE - 5);
	vs_escape_xml(d->out, fitting);
	(void)fputs("</text>\n", d->out);
}

static void draw_stack(const struct drawing *d, size_t index)
{
	const struct vs_view_stack *s = &d->map->view->stacks[index];
	const struct place *p = &d->stacks[index];
	char line[160], name[64];
	int x = p->x + PAD, y = p->y + PAD;

	vs_view_name(s, name);
	(void)snprintf(line, sizeof(line), "stack %s", name);
	box(d, "stack", p->x, p->y, STACK_WIDTH, p->height);
	text(d, "title", x, y, line, BOX_CHARACTERS);
	y += LINE;
	if (s->n_ifaces == 0)
		text(d, "quiet", x, y, s->why[0] != '\0' ? s->why : "no interface", BOX_CHARACTERS);
	for (size_t i = 0; i < s->n_ifaces; i++) {
		(void)snprintf(line, sizeof(line), "%s %s", s->ifaces[i].device.name,
			       vs_list_link(&s->ifaces[i]));
		text(d, "plain", x, y, line, BOX_CHARACTERS);
		y += LINE;
		for (size_t j = 0; j < s->n_addrs; j++) {
			if (strcmp(s->addrs[j].ifname, s->ifaces[i].device.name) != 0)
				continue;
			(void)snprintf(line, sizeof(line), "  %s/%u", s->addrs[j].addr,
				       s->addrs[j].prefix_len);
			text(d, "quiet", x + 2 * PAD, y, line + 2, BOX_CHARACTERS - 4);
			y += LINE;
		}
	}
}

static void draw_programs(const struct drawing *d)
{
	const struct vs_view *view = d->map->view;
	char line[64];
	int height;

	for (size_t i = 0; i < view->n;) {
		const struct vdestack_registered *shown = &view->stacks[i].shown;
		const struct place *p = &d->stacks[i];
		size_t end = measure_program(view, i, &height);
		(void)snprintf(line, sizeof(line), "%s (%d)", shown->comm, (int)shown->pid);
		box(d, "program", p->x - PAD, p->y - LINE - PAD, PROGRAM_WIDTH, height);
		text(d, "title", p->x, p->y - LINE - PAD / 2, line, BOX_CHARACTERS);
		for (; i < end; i++)
			draw_stack(d, i);
	}
}

static void draw_cable(const struct drawing *d, size_t stack, size_t iface, int network)
{
	const struct place *p = &d->stacks[stack];
	bool there = (d->map->view->stacks[stack].ifaces[iface].device.flags & IFF_RUNNING) != 0;
	int x1 = p->right ? p->x : p->x + STACK_WIDTH, y1 = iface_y(d, stack, iface);
	int x2 = p->right ? network_x() + NETWORK_WIDTH : network_x();
	int y2 = d->networks[network] + NETWORK_HEIGHT / 2, middle = (x1 + x2) / 2;

	(void)fprintf(d->out, "<path d=\"M%d %d C%d %d %d %d %d %d\" stroke=\"%s\"%s/>\n", x1, y1, middle, y1,
		      middle, y2, x2, y2, colours[(size_t)network % (sizeof(colours) / sizeof(colours[0]))],
		      there ? "" : " stroke-dasharray=\"5 4\"");
}

static void draw_networks(const struct drawing *d)
{
	const struct vs_view *view = d->map->view;

	for (size_t i = 0; i < view->n; i++)
		for (size_t j = 0; j < view->stacks[i].n_ifaces; j++) {
			int n = vs_map_network_of(d->map, &view->stacks[i], &view->stacks[i].ifaces[j]);
			if (n >= 0)
				draw_cable(d, i, j, n);
		}
	for (size_t i = 0; i < d->map->n_networks; i++) {
		(void)fprintf(d->out, "<g stroke=\"%s\">\n",
			      colours[i % (sizeof(colours) / sizeof(colours[0]))]);
		box(d, "network", network_x(), d->networks[i], NETWORK_WIDTH, NETWORK_HEIGHT);
		(void)fputs("</g>\n", d->out);
		text(d, "plain", network_x() + PAD, d->networks[i] + PAD, d->map->networks[i].name,
		     NETWORK_CHARACTERS);
	}
}

static void draw(const struct drawing *d)
{
	int width = d->two_sides             ? right_x() + PROGRAM_WIDTH + GAP
		    : d->map->n_networks > 0 ? network_x() + NETWORK_WIDTH + GAP
					     : 2 * GAP + PROGRAM_WIDTH;

	(void)fprintf(d->out,
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		      "viewBox=\"0 0 %d %d\">\n"
		      "<title>vdestack map</title>\n<style>\n"
		      "text { font: 12px monospace; fill: #1f2328; }\n"
		      "text.title { font-weight: bold; } text.quiet { fill: #59636e; }\n"
		      "rect { stroke-width: 1; } rect.program { fill: #f6f8fa; stroke: #8c959f; }\n"
		      "rect.stack { fill: #eef3fa; stroke: #b6c2d1; } rect.network { fill: #ffffff; "
		      "stroke-width: 2; }\n"
		      "rect.ground { fill: #ffffff; } path { fill: none; stroke-width: 2; }\n</style>\n"
		      "<rect class=\"ground\" width=\"100%%\" height=\"100%%\"/>\n",
		      width, d->height, width, d->height);
	draw_programs(d);
	draw_networks(d);
	(void)fputs("</svg>\n", d->out);
}

int vs_map_svg(const struct vs_map *map, FILE *out)
{
	struct drawing d = { .map = map, .out = out };
	int r = -ENOMEM;

	d.stacks = calloc(map->view->n + 1, sizeof(*d.stacks));
	d.networks = calloc(map->n_networks + 1, sizeof(*d.networks));
	if (d.stacks != NULL && d.networks != NULL) {
		place_programs(&d);
		r = place_networks(&d);
	}
	if (r == 0)
		draw(&d);
	free(d.stacks);
	free(d.networks);
	return r;
}
