/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The text again, with all addresses in it. It parses to the same topology. */

#include <string.h>

#include "draw.h"

/* A word that comes back as it is. */
static void word(FILE *out, const char *text)
{
	(void)fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
	(void)fputc('"', out);
}

static void draw_network(FILE *out, const struct vs_lab_network *n)
{
	char text[VS_LAB_ADDR_TEXT];

	(void)fprintf(out, "network %s", n->name);
	if (n->locator != NULL) {
		(void)fputc(' ', out);
		word(out, n->locator);
	}
	for (int f = 0; f < 2; f++)
		if (n->prefixes[f].family != 0) {
			vs_lab_addr_prefix_text(&n->prefixes[f], text);
			(void)fprintf(out, " %s", text);
		}
	(void)fputc('\n', out);
}

static void draw_port(FILE *out, const struct vs_lab_topology *t, const struct vs_lab_port *p)
{
	const struct vs_lab_network *n = &t->networks[p->network];
	char text[VS_LAB_ADDR_TEXT];

	(void)fprintf(out, " on %s", n->name);
	for (int f = 0; f < 2; f++) {
		if (n->prefixes[f].family != 0)
			vs_lab_addr_text(&p->addrs[f], text);
		else
			vs_lab_addr_prefix_text(&p->addrs[f], text);
		if (text[0] != '\0')
			(void)fprintf(out, " %s", text);
	}
	if (p->config != NULL) {
		(void)fputs(" config ", out);
		word(out, p->config);
	}
	if (p->nat)
		(void)fprintf(out, " nat %s", n->name);
}

static void draw_command(FILE *out, const struct vs_lab_host *h)
{
	if (h->run == NULL)
		return;
	(void)fputs(" run ", out);
	word(out, h->run);
	if (h->ready == VS_LAB_READY_TCP) {
		(void)fprintf(out, " ready tcp %u", h->ready_port);
	} else if (h->ready != VS_LAB_READY_STARTED) {
		(void)fprintf(out, " ready %s ", h->ready == VS_LAB_READY_FILE ? "file" : "output");
		word(out, h->ready_text);
	}
	if (h->within_ms > 0)
		(void)fprintf(out, " within %dms", h->within_ms);
}

/* The lines of a host about links and routes. */
static void draw_rest(FILE *out, const struct vs_lab_topology *t, const struct vs_lab_host *h)
{
	char text[VS_LAB_ADDR_TEXT];

	for (size_t i = 0; i < h->n_ports; i++)
		if (h->ports[i].impair != NULL)
			(void)fprintf(out, "link %s:%s %s\n", h->name, t->networks[h->ports[i].network].name,
				      h->ports[i].impair);
	for (size_t i = 0; i < h->n_routes; i++) {
		if (!h->routes[i].given)
			continue;
		vs_lab_addr_prefix_text(&h->routes[i].dst, text);
		(void)fprintf(out, "route %s %s via ", h->name,
			      h->routes[i].dst.bits == 0 ? "default" : text);
		vs_lab_addr_text(&h->routes[i].gw, text);
		(void)fprintf(out, "%s\n", text);
	}
}

void vs_lab_draw_text(FILE *out, const struct vs_lab_topology *t)
{
	static const char *const kinds[] = { "host", "router", "server" };

	for (size_t i = 0; i < t->n_networks; i++)
		draw_network(out, &t->networks[i]);
	for (size_t i = 0; i < t->n_hosts; i++) {
		(void)fprintf(out, "%s %s", kinds[t->hosts[i].kind], t->hosts[i].name);
		for (size_t j = 0; j < t->hosts[i].n_ports; j++)
			draw_port(out, t, &t->hosts[i].ports[j]);
		(void)fputs(t->hosts[i].noroute ? " noroute" : "", out);
		draw_command(out, &t->hosts[i]);
		(void)fputc('\n', out);
	}
	for (size_t i = 0; i < t->n_hosts; i++)
		draw_rest(out, t, &t->hosts[i]);
}
