/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines about what other lines define: links and routes. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "parse_lines.h"

/* A host that is named here. 1: not known, in a partial text. */
static int find_host(struct vs_lab_reader *r, const char *name, struct vs_lab_host **host)
{
	int found = vs_lab_find_host(r->t, name);

	if (found < 0)
		return r->partial && vs_lab_is_name(name, VS_LAB_NAME_MAX)
			       ? 1
			       : vs_lab_wrong(r->mistake, vs_lab_here(r),
					      "there is no host \"%s\"; write: host %s", vs_lab_shown(name),
					      vs_lab_shown(name));
	*host = &r->t->hosts[found];
	return 0;
}

/* ------------------------------------------------------------------ link HOST:NETWORK WORD... */

static int find_port(struct vs_lab_reader *r, const char *word, struct vs_lab_port **port)
{
	const char *colon = strchr(word, ':');
	char name[VS_LAB_NAME_MAX + 1] = "";
	struct vs_lab_host *host;

	if (colon == NULL || (size_t)(colon - word) >= sizeof(name))
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "\"%s\" is no port; write HOST:NETWORK",
				    vs_lab_shown(word));
	memcpy(name, word, (size_t)(colon - word));
	int result = find_host(r, name, &host);
	if (result != 0)
		return result;
	int network = vs_lab_find_network(r->t, colon + 1);
	int found =
		network < 0 ? network : vs_lab_find_port(r->t, (size_t)(host - r->t->hosts), (size_t)network);
	if (found < 0)
		return r->partial ? 1
				  : vs_lab_wrong(r->mistake, vs_lab_here(r),
						 "%s is not on network \"%s\"; write: on %s", host->name,
						 vs_lab_shown(colon + 1), vs_lab_shown(colon + 1));
	*port = &host->ports[found];
	return 0;
}

/* All words up to the end, with blanks between. They have no blanks in them. */
static char *rest_of_line(struct vs_lab_reader *r)
{
	size_t size = 1;

	for (size_t i = r->at; i < r->line->n; i++)
		size += strlen(r->line->words[i].text) + 1;
	char *rest = calloc(1, size), *at = rest;
	for (const char *word; rest != NULL && (word = vs_lab_next(r)) != NULL;) {
		if (at != rest)
			*at++ = ' ';
		at = stpcpy(at, word);
	}
	return rest;
}

int vs_lab_parse_link(struct vs_lab_reader *r)
{
	const char *word = vs_lab_need(r, "HOST:NETWORK");
	struct vs_lab_port *port = NULL;
	int result = word != NULL ? find_port(r, word, &port) : -EINVAL;
	struct vs_lab_place place = vs_lab_here(r);

	if (result < 0)
		return result;
	if (vs_lab_peek(r) == NULL) {
		(void)vs_lab_next(r);
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "the line ends too early; write delay=20ms or loss=1%%");
	}
	for (size_t i = r->at; i < r->line->n; i++)
		if (r->line->words[i].text[0] == '\0' ||
		    strpbrk(r->line->words[i].text, " \t\r\"'\\#;,") != NULL) {
			r->at = i + 1;
			return vs_lab_wrong(r->mistake, vs_lab_here(r),
					    "\"%s\" is no word of an impairment; write "
					    "words such as delay=20ms",
					    vs_lab_shown(r->line->words[i].text));
		}
	if (port == NULL)
		return 0;
	if (port->impair != NULL)
		return vs_lab_wrong(r->mistake, place, "a second link \"%s\"; write all words in one line",
				    vs_lab_shown(word));
	port->impair = rest_of_line(r);
	return port->impair != NULL ? 0 : -ENOMEM;
}

/* ------------------------------------------------------------------ route HOST DST via GATEWAY */

static int parse_destination(struct vs_lab_reader *r, const char *word, struct vs_lab_addr *dst)
{
	bool has_bits;

	*dst = (struct vs_lab_addr){ 0 };
	if (strcmp(word, "default") == 0)
		return 0; /* the family is that of the gateway */
	if (!vs_lab_addr_parse(word, dst, &has_bits))
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "\"%s\" is no prefix; write default or 10.0.0.0/8", vs_lab_shown(word));
	if (vs_lab_addr_clear(dst)) {
		char text[VS_LAB_ADDR_TEXT];
		vs_lab_addr_prefix_text(dst, text);
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "\"%s\" has bits behind its length; write %s",
				    vs_lab_shown(word), text);
	}
	return 0;
}

/* An address of `other` on a network of `host`, of this family (0: any). */
static bool shared_address(const struct vs_lab_host *host, const struct vs_lab_host *other, int family,
			   struct vs_lab_route *route)
{
	for (int f = 0; f < 2; f++) {
		if (family != 0 && family != vs_lab_family(f))
			continue;
		for (size_t i = 0; i < host->n_ports; i++)
			for (size_t j = 0; j < other->n_ports; j++)
				if (host->ports[i].network == other->ports[j].network &&
				    other->ports[j].addrs[f].family != 0) {
					route->gw = other->ports[j].addrs[f];
					route->port = i;
					return true;
				}
	}
	return false;
}

/* The port of `host` whose network has the gateway. */
static bool port_of_gateway(const struct vs_lab_host *host, struct vs_lab_route *route)
{
	for (size_t i = 0; i < host->n_ports; i++) {
		const struct vs_lab_addr *own = &host->ports[i].addrs[vs_lab_family_index(&route->gw)];
		if (own->family != 0 && vs_lab_addr_contains(own, &route->gw)) {
			route->port = i;
			return true;
		}
	}
	return false;
}

static int parse_gateway(struct vs_lab_reader *r, const char *word, const struct vs_lab_host *host,
			 struct vs_lab_route *route)
{
	struct vs_lab_host *other = NULL;
	bool has_bits;

	if (vs_lab_addr_parse(word, &route->gw, &has_bits)) {
		if (has_bits || (route->dst.family != 0 && route->dst.family != route->gw.family))
			return vs_lab_wrong(
				r->mistake, vs_lab_here(r),
				"\"%s\" is no gateway for this route; write an address of its family",
				vs_lab_shown(word));
		if (host != NULL && !r->partial && !port_of_gateway(host, route))
			return vs_lab_wrong(r->mistake, vs_lab_here(r),
					    "%s is on no network of %s; choose a neighbour",
					    vs_lab_shown(word), host->name);
		return 0;
	}
	int result = find_host(r, word, &other);
	if (result < 0 || r->partial)
		return result < 0 ? result : 0;
	if (other == host || !shared_address(host, other, route->dst.family, route))
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "%s has no address on a network of %s for this route; choose a neighbour",
				    other->name, host->name);
	return 0;
}

static int add_route(struct vs_lab_host *host, const struct vs_lab_route *route)
{
	void *grown = vs_lab_grow(host->routes, &host->n_routes, sizeof(*host->routes));

	if (grown == NULL)
		return -ENOMEM;
	host->routes = grown;
	host->routes[host->n_routes - 1] = *route;
	return 0;
}

/* What is wrong with a route as a whole, or NULL. */
static const char *judge(const struct vs_lab_host *host, const struct vs_lab_route *route)
{
	for (size_t i = 0; i < host->n_routes; i++)
		if (vs_lab_addr_same(&host->routes[i].dst, &route->dst) &&
		    host->routes[i].dst.bits == route->dst.bits)
			return "a second route to this prefix; remove it";
	return NULL;
}

int vs_lab_parse_route(struct vs_lab_reader *r)
{
	struct vs_lab_route route = { .given = true };
	struct vs_lab_host *host = NULL;
	const char *word = vs_lab_need(r, "HOST PREFIX via GATEWAY"), *why;
	int result = word != NULL ? find_host(r, word, &host) : -EINVAL;

	if (result < 0 || (word = vs_lab_need(r, "a prefix, or default")) == NULL)
		return -EINVAL;
	struct vs_lab_place place = (vs_lab_here(r));
	result = parse_destination(r, word, &route.dst);
	if (result < 0 || (word = vs_lab_need(r, "via GATEWAY")) == NULL)
		return -EINVAL;
	if (strcmp(word, "via") != 0)
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "\"%s\" is not \"via\"; write via GATEWAY",
				    vs_lab_shown(word));
	if ((word = vs_lab_need(r, "a gateway: a host or an address")) == NULL)
		return -EINVAL;
	result = parse_gateway(r, word, host, &route);
	if (result == 0 && (word = vs_lab_next(r)) != NULL)
		result = vs_lab_wrong(r->mistake, vs_lab_here(r), "\"%s\" is unknown here; end the line",
				      vs_lab_shown(word));
	if (result < 0 || host == NULL || r->partial)
		return result;
	if (route.dst.family == 0)
		route.dst.family = route.gw.family;
	why = judge(host, &route);
	return why != NULL ? vs_lab_wrong(r->mistake, place, "%s", why) : add_route(host, &route);
}
