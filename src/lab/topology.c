/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "topology.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *vs_lab_grow(void *array, size_t *n, size_t size)
{
	char *grown = reallocarray(array, *n + 1, size);

	if (grown != NULL) {
		memset(grown + *n * size, 0, size);
		*n += 1;
	}
	return grown;
}

static void free_host(struct vs_lab_host *h)
{
	for (size_t i = 0; i < h->n_ports; i++) {
		free(h->ports[i].config);
		free(h->ports[i].impair);
	}
	free(h->ports);
	free(h->routes);
	free(h->run);
	free(h->ready_text);
}

void vs_lab_topology_free(struct vs_lab_topology *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_networks; i++)
		free(t->networks[i].locator);
	for (size_t i = 0; i < t->n_hosts; i++)
		free_host(&t->hosts[i]);
	free(t->networks);
	free(t->hosts);
	free(t);
}

int vs_lab_find_network(const struct vs_lab_topology *t, const char *name)
{
	for (size_t i = 0; i < t->n_networks; i++)
		if (strcmp(t->networks[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

int vs_lab_find_host(const struct vs_lab_topology *t, const char *name)
{
	for (size_t i = 0; i < t->n_hosts; i++)
		if (strcmp(t->hosts[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

int vs_lab_find_port(const struct vs_lab_topology *t, size_t host, size_t network)
{
	for (size_t i = 0; i < t->hosts[host].n_ports; i++)
		if (t->hosts[host].ports[i].network == network)
			return (int)i;
	return -ENOENT;
}
