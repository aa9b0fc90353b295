/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* For Graphviz: hosts are boxes, networks ellipses, ports lines with the addresses of the host. */

#include "draw.h"

/* Within double quotes. A backslash would begin an escape. */
static void label(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', out);
		(void)fputc(*text == '\t' ? ' ' : *text, out);
	}
}

static void draw_port(FILE *out, const struct vs_lab_topology *t, const struct vs_lab_host *h,
		      const struct vs_lab_port *p)
{
	char text[VS_LAB_ADDR_TEXT];

	(void)fprintf(out, "\t\"host %s\" -- \"network %s\" [label=\"", h->name,
		      t->networks[p->network].name);
	for (int f = 0; f < 2; f++) {
		vs_lab_addr_text(&p->addrs[f], text);
		(void)fprintf(out, "%s%s", text, text[0] != '\0' ? "\\n" : "");
	}
	if (p->nat)
		(void)fputs("nat\\n", out);
	if (p->impair != NULL) {
		label(out, p->impair);
		(void)fputs("\", color=red, fontcolor=red];\n", out);
		return;
	}
	(void)fputs("\"];\n", out);
}

static void draw_network(FILE *out, const struct vs_lab_network *n)
{
	char text[VS_LAB_ADDR_TEXT];

	(void)fprintf(out, "\t\"network %s\" [shape=ellipse, label=\"%s", n->name, n->name);
	for (int f = 0; f < 2; f++) {
		vs_lab_addr_prefix_text(&n->prefixes[f], text);
		(void)fprintf(out, "%s%s", text[0] != '\0' ? "\\n" : "", text);
	}
	if (n->locator != NULL) {
		(void)fputs("\\n", out);
		label(out, n->locator);
	}
	(void)fputs("\"];\n", out);
}

void vs_lab_draw_dot(FILE *out, const struct vs_lab_topology *t)
{
	(void)fputs("graph lab {\n\tnode [fontname=monospace];\n\tedge [fontname=monospace, fontsize=10];\n",
		    out);
	for (size_t i = 0; i < t->n_networks; i++)
		draw_network(out, &t->networks[i]);
	for (size_t i = 0; i < t->n_hosts; i++) {
		const struct vs_lab_host *h = &t->hosts[i];
		(void)fprintf(out, "\t\"host %s\" [shape=box%s, label=\"%s", h->name,
			      h->kind == VS_LAB_ROUTER ? ", style=rounded" : "", h->name);
		if (h->run != NULL) {
			(void)fputs("\\n", out);
			label(out, h->run);
		}
		(void)fputs("\"];\n", out);
	}
	for (size_t i = 0; i < t->n_hosts; i++)
		for (size_t j = 0; j < t->hosts[i].n_ports; j++)
			draw_port(out, t, &t->hosts[i], &t->hosts[i].ports[j]);
	(void)fputs("}\n", out);
}
