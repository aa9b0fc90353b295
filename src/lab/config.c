/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "text.h"

/* In single quotes; one that stands in the value is put into double quotes. */
static void quote(FILE *out, const char *value)
{
	(void)fputc('\'', out);
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			(void)fputs("'\"'\"'", out);
		else
			(void)fputc(*value, out);
	}
	(void)fputc('\'', out);
}

/* Of a segment that no other one is on, so captures of two runs show the same addresses. */
static void write_mac(FILE *out, size_t network, size_t host)
{
	(void)fprintf(out, " mac=02:6c:61:%02x:%02x:%02x", (unsigned)network & 0xff,
		      (unsigned)host >> 8 & 0xff, (unsigned)host & 0xff);
}

/*
 * A router asks for its neighbours from a link-local address. The kernel makes one, and looks for duplicates
 * of it for two seconds. Until that has passed the router asks for nobody, and after three seconds it reports
 * its neighbours as unreachable. So it has one more, which can be used at once.
 */
static void write_link_local(FILE *out, size_t host)
{
	(void)fprintf(out, " ip=fe80::6c61:%x/64", (unsigned)host + 1);
}

static void write_port(FILE *out, const struct vs_lab_topology *t, size_t host, size_t port, const char *lab)
{
	const struct vs_lab_port *p = &t->hosts[host].ports[port];
	const struct vs_lab_network *n = &t->networks[p->network];
	char text[VS_LAB_ADDR_TEXT];

	(void)fprintf(out, " iface=%s vnl=", n->name);
	if (n->locator != NULL) {
		quote(out, n->locator);
	} else {
		(void)fprintf(out, "inproc://%s.%s", lab, n->name);
		if (p->config == NULL || strstr(p->config, "mac") == NULL)
			write_mac(out, p->network, host);
	}
	for (int f = 0; f < 2; f++)
		if (p->addrs[f].family != 0) {
			vs_lab_addr_prefix_text(&p->addrs[f], text);
			(void)fprintf(out, " ip=%s", text);
		}
	/* On a network of others, another laboratory may have the same address. */
	if (t->hosts[host].kind == VS_LAB_ROUTER && p->addrs[1].family != 0 && n->locator == NULL)
		write_link_local(out, host);
	if (p->config != NULL)
		(void)fprintf(out, " %s", p->config);
	for (size_t i = 0; i < t->hosts[host].n_routes; i++) {
		const struct vs_lab_route *r = &t->hosts[host].routes[i];
		if (r->port != port)
			continue;
		vs_lab_addr_prefix_text(&r->dst, text);
		(void)fprintf(out, " route=%s", r->dst.bits == 0 ? "default" : text);
		vs_lab_addr_text(&r->gw, text);
		(void)fprintf(out, "@%s", text);
	}
}

char *vs_lab_config(const struct vs_lab_topology *t, size_t host, const char *lab)
{
	struct vs_lab_text text;

	if (vs_lab_text_begin(&text) < 0)
		return NULL;
	(void)fprintf(text.out, "name=%s.%s", lab, t->hosts[host].name);
	for (size_t i = 0; i < t->hosts[host].n_ports; i++)
		write_port(text.out, t, host, i, lab);
	return vs_lab_text_end(&text);
}
