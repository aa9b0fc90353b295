/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ports get addresses in the order of the text, from the first one of the prefix up; those that the text
 * gives to a port are left out. So a line that is added at the end changes no address.
 */

#include <errno.h>

#include "plan.h"

/* The port on this network with this address, other than `except`; NULL: it is free. */
static const struct vs_lab_port *holder(const struct vs_lab_topology *t, size_t network,
					const struct vs_lab_addr *a, const struct vs_lab_port *except)
{
	int f = vs_lab_family_index(a);

	for (size_t i = 0; i < t->n_hosts; i++)
		for (size_t j = 0; j < t->hosts[i].n_ports; j++) {
			const struct vs_lab_port *p = &t->hosts[i].ports[j];
			if (p != except && p->network == network && vs_lab_addr_same(&p->addrs[f], a))
				return p;
		}
	return NULL;
}

/* next: the number of the last address that was given out on this network. */
static int assign(struct vs_lab_topology *t, struct vs_lab_port *p, int f, uint32_t *next,
		  struct vs_lab_mistake *m)
{
	const struct vs_lab_network *n = &t->networks[p->network];
	struct vs_lab_addr a;

	if (p->fixed[f])
		return holder(t, p->network, &p->addrs[f], p) == NULL
			       ? 0
			       : vs_lab_wrong(m, p->place,
					      "an address that another host has; choose another one");
	if (n->prefixes[f].family == 0)
		return 0;
	do
		if (!vs_lab_addr_nth(&n->prefixes[f], ++*next, &a))
			return vs_lab_wrong(m, p->place,
					    "network %s has no address left; write a shorter prefix",
					    n->name);
	while (holder(t, p->network, &a, p) != NULL);
	p->addrs[f] = a;
	return 0;
}

int vs_lab_plan_addresses(struct vs_lab_topology *t, struct vs_lab_mistake *mistake)
{
	uint32_t next[VS_LAB_NETWORKS_MAX][2] = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->n_hosts; i++)
		for (size_t j = 0; r == 0 && j < t->hosts[i].n_ports; j++)
			for (int f = 0; r == 0 && f < 2; f++) {
				struct vs_lab_port *p = &t->hosts[i].ports[j];
				r = assign(t, p, f, &next[p->network][f], mistake);
			}
	return r;
}
