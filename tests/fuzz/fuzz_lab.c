/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any text is refused with a place in it and a remedy, or is a lab whose addresses are different on each
 * network and whose text, drawn again, is the same lab.
 */

#include <errno.h>
#include <fuzz.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lab/config.h"
#include "lab/draw.h"
#include "lab/parse.h"

static void check_mistake(const struct vs_lab_mistake *m, size_t size)
{
	CHECK(m->place.line >= 1 && m->place.column >= 1);
	CHECK(m->place.line <= size + 1 && m->place.column <= size + 1);
	CHECK(strchr(m->why, ';') != NULL && strlen(m->why) < sizeof(m->why) - 1);
	for (const char *c = m->why; *c != '\0'; c++)
		CHECK(*c >= ' ' && *c <= '~');
}

static void check_port(const struct vs_lab_topology *t, const struct vs_lab_port *p)
{
	CHECK(p->network < t->n_networks);
	for (int f = 0; f < 2; f++) {
		CHECK(p->addrs[f].family == 0 || p->addrs[f].family == vs_lab_family(f));
		for (size_t i = 0; p->addrs[f].family != 0 && i < t->n_hosts; i++)
			for (size_t j = 0; j < t->hosts[i].n_ports; j++) {
				const struct vs_lab_port *q = &t->hosts[i].ports[j];
				CHECK(p == q || p->network != q->network ||
				      !vs_lab_addr_same(&p->addrs[f], &q->addrs[f]));
			}
	}
}

static void check_topology(const struct vs_lab_topology *t)
{
	for (size_t i = 0; i < t->n_hosts; i++) {
		const struct vs_lab_host *h = &t->hosts[i];
		for (size_t j = 0; j < h->n_ports; j++)
			check_port(t, &h->ports[j]);
		for (size_t j = 0; j < h->n_routes; j++) {
			CHECK(h->routes[j].port < h->n_ports);
			CHECK(h->routes[j].gw.family == h->routes[j].dst.family);
		}
		char *config = vs_lab_config(t, i, "lab1-1");
		CHECK(config != NULL && strchr(config, '\n') == NULL);
		free(config);
	}
}

static void check_drawn(const struct vs_lab_topology *t)
{
	char *first, *second, *other;
	struct vs_lab_topology *again = NULL;
	struct vs_lab_mistake m;

	CHECK(vs_lab_draw(t, 0, &first) == 0);
	int r = vs_lab_parse(first, strlen(first), false, &again, &m);
	if (r != 0)
		fprintf(stderr, "%s%u:%u %s\n", first, m.place.line, m.place.column, m.why);
	CHECK(r == 0);
	CHECK(vs_lab_draw(again, 0, &second) == 0 && strcmp(first, second) == 0);
	vs_lab_topology_free(again);
	free(first);
	free(second);
	for (unsigned format = 1; format < 3; format++) {
		CHECK(vs_lab_draw(t, format, &other) == 0);
		free(other);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int partial = 0; partial < 2; partial++) {
		struct vs_lab_topology *t = NULL;
		struct vs_lab_mistake m = { 0 };
		int r = vs_lab_parse((const char *)data, size, partial, &t, &m);

		CHECK(r == 0 || r == -EINVAL);
		if (r < 0)
			check_mistake(&m, size);
		if (r == 0 && !partial) {
			check_topology(t);
			check_drawn(t);
		}
		vs_lab_topology_free(t);
	}
	return 0;
}
