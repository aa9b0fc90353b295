/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A picture that needs no other program. Each network is a vertical line, each host a row, each port a dot
 * where they meet, with the addresses of the host beside it:
 *
 *                     lan            wan
 *                      │              │
 *     ┌ web ─┐ 10.0.0.1│              │
 *     │      ├─────────●              │
 *     └──────┘         │              │
 *     ┌ r ───┐ 10.0.0.2│    192.0.2.1 │
 *     │      ├─────────●──────────────●
 *     └──────┘
 *
 * So lines of two hosts never cross, whatever the topology is. Nothing is measured: texts that are too long
 * are cut.
 */

#include <string.h>

#include "draw.h"

#define BOX_X 16
#define BOX_WIDTH 290
#define BOX_HEIGHT 44
#define TOP 96    /* of the first row */
#define ROW 66    /* from row to row */
#define FIRST 540 /* x of the first network */
#define COLUMN 240
#define CHARACTERS 32 /* that fit into a box, or between two networks; a name is never cut */

/* Text of users: printable ASCII, and other bytes as '?', since they need not be UTF-8. Cut. */
static void escaped(FILE *out, const char *text)
{
	for (size_t i = 0; i < CHARACTERS && text[i] != '\0'; i++)
		switch (text[i]) {
		case '<':
			(void)fputs("&lt;", out);
			break;
		case '>':
			(void)fputs("&gt;", out);
			break;
		case '&':
			(void)fputs("&amp;", out);
			break;
		case '"':
			(void)fputs("&quot;", out);
			break;
		case '\'':
			(void)fputs("&#39;", out);
			break;
		default:
			(void)fputc(text[i] < ' ' || text[i] > '~' ? '?' : text[i], out);
		}
	if (strlen(text) > CHARACTERS)
		(void)fputs("...", out);
}

static void text(FILE *out, const char *class, int x, int y, const char *what)
{
	if (what == NULL || what[0] == '\0')
		return;
	(void)fprintf(out, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
	escaped(out, what);
	(void)fputs("</text>\n", out);
}

static int network_x(size_t network)
{
	return FIRST + (int)network * COLUMN;
}

static int row_y(size_t host)
{
	return TOP + (int)host * ROW;
}

static void draw_network(FILE *out, const struct vs_lab_topology *t, size_t network)
{
	const struct vs_lab_network *n = &t->networks[network];
	char line[2 * VS_LAB_ADDR_TEXT], prefix[VS_LAB_ADDR_TEXT];
	int x = network_x(network);

	vs_lab_addr_prefix_text(&n->prefixes[0], line);
	vs_lab_addr_prefix_text(&n->prefixes[1], prefix);
	(void)strcat(line[0] != '\0' && prefix[0] != '\0' ? strcat(line, " ") : line, prefix);
	text(out, "name middle", x, 24, n->name);
	text(out, "small middle", x, 42, line);
	text(out, "small middle", x, 58, n->locator);
	(void)fprintf(out, "<line class=\"network\" x1=\"%d\" y1=\"66\" x2=\"%d\" y2=\"%d\"/>\n", x, x,
		      row_y(t->n_hosts) - 10);
}

static void draw_port(FILE *out, size_t host, const struct vs_lab_port *p)
{
	int x = network_x(p->network), y = row_y(host) + BOX_HEIGHT / 2;
	char addr[VS_LAB_ADDR_TEXT];

	(void)fprintf(out, "<line class=\"%s\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n",
		      p->impair != NULL ? "bad" : "port", BOX_X + BOX_WIDTH, y, x, y);
	(void)fprintf(out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"5\"/>\n", p->nat ? "nat" : "dot", x,
		      y);
	vs_lab_addr_text(&p->addrs[0], addr);
	text(out, "small end", x - 9, y - 6, addr);
	vs_lab_addr_text(&p->addrs[1], addr);
	text(out, "small end", x - 9, y + 15, addr);
	text(out, "red end", x - 9, y + 29, p->impair);
}

static void draw_host(FILE *out, const struct vs_lab_topology *t, size_t host)
{
	const struct vs_lab_host *h = &t->hosts[host];
	int y = row_y(host);

	for (size_t i = 0; i < h->n_ports; i++)
		draw_port(out, host, &h->ports[i]);
	(void)fprintf(out, "<rect class=\"box\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\"/>\n",
		      BOX_X, y, BOX_WIDTH, BOX_HEIGHT, h->kind == VS_LAB_ROUTER ? 20 : 3);
	text(out, "name", BOX_X + 10, y + 18, h->name);
	text(out, "small", BOX_X + 10, y + 35, h->run);
}

void vs_lab_draw_svg(FILE *out, const struct vs_lab_topology *t)
{
	int width = network_x(t->n_networks) - COLUMN + 180, height = row_y(t->n_hosts) + 10;

	(void)fprintf(out,
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
		      "%d\">\n",
		      width, height, width, height);
	(void)fputs(
		"<style>text{font:11px monospace;fill:#1f2328}.name{font-size:14px;font-weight:bold}"
		".middle{text-anchor:middle}.end{text-anchor:end}.red{fill:#d1242f}"
		".network{stroke:#1f6feb;stroke-width:4}.port{stroke:#57606a}.bad{stroke:#d1242f;"
		"stroke-dasharray:5 3}.box{fill:#f6f8fa;stroke:#57606a}.dot{fill:#57606a}.nat{fill:#bf8700}"
		"</style>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
		out);
	for (size_t i = 0; i < t->n_networks; i++)
		draw_network(out, t, i);
	for (size_t i = 0; i < t->n_hosts; i++)
		draw_host(out, t, i);
	(void)fputs("</svg>\n", out);
}
