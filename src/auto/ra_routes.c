/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The routes of router discovery: routers, route information, prefixes on the link. They are three tables, so
 * that many entries of one kind leave room for the others. An entry that is there already stays when a table
 * is full: a flood of advertisements does not push out the router in use.
 *
 * The preference of RFC 4191 becomes the metric. No two routes of a table have the same metric, so the kernel
 * does not join them to one route with several next hops. It uses the next metric while a router does not
 * answer neighbour solicitations.
 */

#include <string.h>

#include "ra_machine.h"

/* Not 256 and 1024: these are the kernel's, for the prefixes of static addresses and for static routes. */
#define METRIC_ON_LINK 257u
#define METRIC_HIGH 513u
#define METRIC_MEDIUM 1025u
#define METRIC_LOW 2049u

static uint32_t metric_of(enum vs_ra_route_kind kind, int8_t preference, size_t index)
{
	if (kind == VS_RA_ON_LINK)
		return METRIC_ON_LINK;
	uint32_t base = preference > 0 ? METRIC_HIGH : preference < 0 ? METRIC_LOW : METRIC_MEDIUM;
	return base + (uint32_t)index;
}

static bool same(const struct vs_auto_route *a, const struct vs_auto_route *b)
{
	return a->prefix_len == b->prefix_len && memcmp(a->dst.bytes, b->dst.bytes, 16) == 0 &&
	       a->gw.family == b->gw.family && memcmp(a->gw.bytes, b->gw.bytes, 16) == 0;
}

static void drop(struct vs_ra *m, struct vs_ra_route *r)
{
	m->ops->route_del(m->arg, &r->route);
	memset(r, 0, sizeof(*r));
	m->changed = true;
}

/* The entry of a route, or a free one, or NULL. */
static struct vs_ra_route *find(struct vs_ra_route *table, const struct vs_auto_route *route)
{
	struct vs_ra_route *place = NULL;

	for (struct vs_ra_route *r = table; r < table + VS_RA_ROUTES_MAX; r++) {
		if (r->end != 0 && same(&r->route, route))
			return r;
		if (r->end == 0 && place == NULL)
			place = r;
	}
	return place;
}

bool vs_ra_route_heard(struct vs_ra *m, enum vs_ra_route_kind kind, const struct vs_auto_route *route,
		       int8_t preference)
{
	struct vs_ra_route *table = m->routes[kind], *r = find(table, route);

	if (route->lifetime_s == 0) {
		if (r != NULL && r->end != 0)
			drop(m, r);
		return true;
	}
	if (r == NULL)
		return false;
	vs_auto_ms end = vs_auto_end(m->now, route->lifetime_s);
	uint32_t metric = metric_of(kind, preference, (size_t)(r - table));
	r->stale = false;
	if (r->end == end && r->route.metric == metric)
		return true;
	if (r->end != 0 && r->route.metric != metric)
		drop(m, r); /* to the kernel it is another route */
	m->changed = m->changed || r->end == 0;
	r->route = *route;
	r->route.metric = metric;
	r->end = end;
	m->ops->route_set(m->arg, &r->route);
	return true;
}

/* The first entry in use, of all tables, behind that one, or of all. */
static struct vs_ra_route *next(struct vs_ra *m, struct vs_ra_route *after)
{
	struct vs_ra_route *end = m->routes[VS_RA_KINDS - 1] + VS_RA_ROUTES_MAX;

	for (struct vs_ra_route *r = after != NULL ? after + 1 : m->routes[0]; r < end; r++)
		if (r->end != 0)
			return r;
	return NULL;
}

void vs_ra_routes_expire(struct vs_ra *m)
{
	for (struct vs_ra_route *r = next(m, NULL); r != NULL; r = next(m, r))
		if (r->end <= m->now)
			drop(m, r);
}

void vs_ra_routes_stale(struct vs_ra *m)
{
	for (struct vs_ra_route *r = next(m, NULL); r != NULL; r = next(m, r))
		r->stale = true;
}

void vs_ra_routes_drop_stale(struct vs_ra *m)
{
	for (struct vs_ra_route *r = next(m, NULL); r != NULL; r = next(m, r))
		if (r->stale)
			drop(m, r);
}

bool vs_ra_has_route(const struct vs_ra *m, enum vs_ra_route_kind kind)
{
	for (size_t i = 0; i < VS_RA_ROUTES_MAX; i++)
		if (m->routes[kind][i].end != 0)
			return true;
	return false;
}

vs_auto_ms vs_ra_routes_deadline(const struct vs_ra *m)
{
	vs_auto_ms first = VS_AUTO_NEVER;

	for (size_t i = 0; i < VS_RA_KINDS * VS_RA_ROUTES_MAX; i++) {
		const struct vs_ra_route *r = &m->routes[i / VS_RA_ROUTES_MAX][i % VS_RA_ROUTES_MAX];
		if (r->end != 0 && r->end < first)
			first = r->end;
	}
	return first;
}
