/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which routes hosts have by themselves. For each host and family a search in breadth finds the shortest
 * way, in routers, to each network; of equal ways the one whose router stands first in the text. A router
 * that translates addresses to a network is no way from that network: what is behind it is private.
 *
 *   - A host has a default route through the first router of its networks, and a route to each network
 *     whose way goes elsewhere.
 *   - A router has a route to each network, and a default route towards the first router that translates.
 *   - A route of the text takes the place of one to the same prefix. noroute: there are only those of the
 *     text.
 */

#include <errno.h>
#include <stdlib.h>

#include "plan.h"

/* How a network is reached from one host. */
struct way {
	bool known;
	bool own;    /* the host is on it */
	size_t port; /* of the host */
	struct vs_lab_addr gw;
};

struct search {
	const struct vs_lab_topology *t;
	size_t host;
	int f; /* family */
	struct way ways[VS_LAB_NETWORKS_MAX];
	size_t queue[VS_LAB_NETWORKS_MAX], n, at;
};

static void reach(struct search *s, size_t network, const struct way *way)
{
	if (s->ways[network].known)
		return;
	s->ways[network] = *way;
	s->queue[s->n++] = network;
}

/* Through one router, from a network that is reached. */
static void pass(struct search *s, const struct vs_lab_host *router, size_t network)
{
	int entry = vs_lab_find_port(s->t, (size_t)(router - s->t->hosts), network);

	if (entry < 0 || router->ports[entry].nat || router->ports[entry].addrs[s->f].family == 0)
		return;
	struct way way = s->ways[network];
	if (way.own) {
		way.own = false;
		way.gw = router->ports[entry].addrs[s->f];
	}
	for (size_t i = 0; i < router->n_ports; i++)
		if (router->ports[i].addrs[s->f].family != 0)
			reach(s, router->ports[i].network, &way);
}

static void search(struct search *s)
{
	const struct vs_lab_host *h = &s->t->hosts[s->host];

	for (size_t i = 0; i < h->n_ports; i++)
		if (h->ports[i].addrs[s->f].family != 0)
			reach(s, h->ports[i].network, &(struct way){ .known = true, .own = true, .port = i });
	for (; s->at < s->n; s->at++)
		for (size_t i = 0; i < s->t->n_hosts; i++)
			if (i != s->host && s->t->hosts[i].kind == VS_LAB_ROUTER)
				pass(s, &s->t->hosts[i], s->queue[s->at]);
}

/* ------------------------------------------------------------------ from ways to routes */

static int add(struct vs_lab_host *h, const struct vs_lab_addr *dst, const struct way *way)
{
	for (size_t i = 0; i < h->n_routes; i++)
		if (h->routes[i].dst.bits == dst->bits && vs_lab_addr_same(&h->routes[i].dst, dst))
			return 0;
	void *grown = vs_lab_grow(h->routes, &h->n_routes, sizeof(*h->routes));
	if (grown == NULL)
		return -ENOMEM;
	h->routes = grown;
	h->routes[h->n_routes - 1] = (struct vs_lab_route){ .dst = *dst, .gw = way->gw, .port = way->port };
	return 0;
}

/* The way of the default route. Of a host: the first router of its networks. */
static bool way_out_of_host(const struct search *s, struct way *way)
{
	const struct vs_lab_host *h = &s->t->hosts[s->host];

	for (size_t i = 0; i < h->n_ports; i++)
		for (size_t j = 0; j < s->t->n_hosts; j++) {
			int p = s->t->hosts[j].kind == VS_LAB_ROUTER && j != s->host
					? vs_lab_find_port(s->t, j, h->ports[i].network)
					: -ENOENT;
			if (p < 0 || s->t->hosts[j].ports[p].nat || h->ports[i].addrs[s->f].family == 0 ||
			    s->t->hosts[j].ports[p].addrs[s->f].family == 0)
				continue;
			*way = (struct way){ .known = true,
					     .port = i,
					     .gw = s->t->hosts[j].ports[p].addrs[s->f] };
			return true;
		}
	return false;
}

/* Of a router: towards the first network to which another router translates; none if this one does. */
static bool way_out_of_router(const struct search *s, struct way *way)
{
	const struct vs_lab_host *own = &s->t->hosts[s->host];

	for (size_t i = 0; i < own->n_ports; i++)
		if (own->ports[i].nat)
			return false;
	for (size_t i = 0; i < s->t->n_hosts; i++)
		for (size_t j = 0; j < s->t->hosts[i].n_ports; j++) {
			const struct vs_lab_port *p = &s->t->hosts[i].ports[j];
			const struct way *found = &s->ways[p->network];
			if (p->nat && found->known && !found->own) {
				*way = *found;
				return true;
			}
		}
	return false;
}

static int add_routes(struct search *s, struct vs_lab_host *h)
{
	struct way out = { 0 };
	bool router = h->kind == VS_LAB_ROUTER;
	bool has_out = router ? way_out_of_router(s, &out) : way_out_of_host(s, &out);
	const struct vs_lab_addr everywhere = { .family = vs_lab_family(s->f) };
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->t->n_networks; i++) {
		const struct way *way = &s->ways[i];
		if (!way->known || way->own || s->t->networks[i].prefixes[s->f].family == 0)
			continue;
		if (router || !has_out || !vs_lab_addr_same(&way->gw, &out.gw))
			r = add(h, &s->t->networks[i].prefixes[s->f], way);
	}
	if (r == 0 && has_out)
		r = add(h, &everywhere, &out);
	return r;
}

int vs_lab_plan_routes(struct vs_lab_topology *t)
{
	struct search *s = malloc(sizeof(*s));
	int r = s != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < t->n_hosts; i++)
		for (int f = 0; r == 0 && f < 2 && !t->hosts[i].noroute; f++) {
			*s = (struct search){ .t = t, .host = i, .f = f };
			search(s);
			r = add_routes(s, &t->hosts[i]);
		}
	free(s);
	return r;
}
