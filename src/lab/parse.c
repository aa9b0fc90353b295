/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The text is read in three passes, so that lines may stand in any order: networks; hosts, which name
 * networks; links and routes, which name hosts. Each pass handles the lines that are its own. Then
 * addresses are assigned and routes found.
 */

#include "parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "parse_lines.h"
#include "plan.h"

/* ------------------------------------------------------------------ networks */

static int parse_prefix(struct vs_lab_reader *r, struct vs_lab_network *n, const char *word)
{
	struct vs_lab_addr a;
	bool has_bits;

	if (!vs_lab_addr_parse(word, &a, &has_bits))
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "\"%s\" is no prefix and no locator; write 10.0.0.0/24 or vde:///tmp/net",
				    vs_lab_shown(word));
	if (!has_bits)
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "\"%s\" has no length; write %s/%d",
				    vs_lab_shown(word), vs_lab_shown(word), a.family == AF_INET ? 24 : 64);
	if (vs_lab_addr_clear(&a)) {
		char text[VS_LAB_ADDR_TEXT];
		vs_lab_addr_prefix_text(&a, text);
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "\"%s\" has bits behind its length; write %s",
				    vs_lab_shown(word), text);
	}
	if (a.bits == 0 || !vs_lab_addr_unicast(&a))
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "hosts cannot have addresses of \"%s\"; write 10.0.0.0/24 or fd00::/64",
				    vs_lab_shown(word));
	struct vs_lab_addr *old = &n->prefixes[vs_lab_family_index(&a)];
	if (old->family != 0)
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "a second prefix of this family; remove it");
	*old = a;
	return 0;
}

static bool is_locator(const char *word)
{
	return strstr(word, "://") != NULL || word[0] == '=' || word[0] == '/';
}

/* Names of interfaces that the kernel or the library has for something else. */
static bool is_reserved(const char *name)
{
	static const char *const reserved[] = { "lo", "all", "default" };

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(name, reserved[i]) == 0)
			return true;
	return false;
}

static int new_network(struct vs_lab_reader *r, struct vs_lab_network **network)
{
	const char *name = vs_lab_need(r, "the name of the network");

	if (name == NULL)
		return -EINVAL;
	if (!vs_lab_is_name(name, VS_LAB_IFNAME_MAX) || is_reserved(name))
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "\"%s\" cannot be the name of a network, which is that of interfaces; "
				    "write 1 to 15 letters or digits",
				    vs_lab_shown(name));
	if (vs_lab_find_network(r->t, name) >= 0)
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "a second network \"%s\"; choose another name", vs_lab_shown(name));
	if (r->t->n_networks == VS_LAB_NETWORKS_MAX)
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "more than %d networks; remove some",
				    VS_LAB_NETWORKS_MAX);
	void *grown = vs_lab_grow(r->t->networks, &r->t->n_networks, sizeof(*r->t->networks));
	if (grown == NULL)
		return -ENOMEM;
	r->t->networks = grown;
	*network = &r->t->networks[r->t->n_networks - 1];
	(void)strcpy((*network)->name, name);
	(*network)->place = vs_lab_here(r);
	return 0;
}

static int parse_network(struct vs_lab_reader *r)
{
	struct vs_lab_network *n = NULL;
	const char *word;
	int result = new_network(r, &n);

	while (result == 0 && (word = vs_lab_next(r)) != NULL) {
		if (!is_locator(word)) {
			result = parse_prefix(r, n, word);
			continue;
		}
		if (n->locator != NULL)
			return vs_lab_wrong(r->mistake, vs_lab_here(r), "a second locator; remove it");
		n->locator = strdup(word);
		if (n->locator == NULL)
			return -ENOMEM;
	}
	return result;
}

/* ------------------------------------------------------------------ passes */

static int parse_plain_host(struct vs_lab_reader *r)
{
	return vs_lab_parse_host(r, VS_LAB_HOST);
}

static int parse_router(struct vs_lab_reader *r)
{
	return vs_lab_parse_host(r, VS_LAB_ROUTER);
}

static int parse_server(struct vs_lab_reader *r)
{
	return vs_lab_parse_host(r, VS_LAB_SERVER);
}

static const struct {
	const char *keyword;
	int pass;
	int (*parse)(struct vs_lab_reader *r);
} kinds[] = {
	{ "network", 0, parse_network }, { "host", 1, parse_plain_host },  { "router", 1, parse_router },
	{ "server", 1, parse_server },   { "link", 2, vs_lab_parse_link }, { "route", 2, vs_lab_parse_route },
};

static int parse_line(struct vs_lab_reader *r, int pass)
{
	const char *keyword = vs_lab_next(r);

	if (keyword == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].keyword, keyword) == 0)
			return kinds[i].pass == pass ? kinds[i].parse(r) : 0;
	return vs_lab_wrong(r->mistake, vs_lab_here(r),
			    "\"%s\" begins no line; write network, host, router, server, link or route",
			    vs_lab_shown(keyword));
}

static int parse_pass(struct vs_lab_reader *r, const char *text, size_t len, int pass)
{
	const char *end = text + len;
	int result = 0;

	for (unsigned number = 1; result == 0 && text < end; number++) {
		struct vs_lab_line line = { .number = number };
		const char *newline = memchr(text, '\n', (size_t)(end - text)), *why;
		size_t length = (size_t)((newline != NULL ? newline : end) - text);
		unsigned column;
		result = vs_lab_line_split(text, length, &line, &column, &why);
		if (result == -EINVAL)
			return vs_lab_wrong(r->mistake, (struct vs_lab_place){ number, column }, "%s", why);
		r->line = &line;
		r->at = 0;
		if (result == 0)
			result = parse_line(r, pass);
		r->line = NULL;
		vs_lab_line_free(&line);
		text += length + 1;
	}
	return result;
}

int vs_lab_parse(const char *text, size_t len, bool partial, struct vs_lab_topology **topology,
		 struct vs_lab_mistake *mistake)
{
	struct vs_lab_reader r = { .partial = partial, .mistake = mistake };
	int result = 0;

	r.t = calloc(1, sizeof(*r.t));
	if (r.t == NULL)
		return -ENOMEM;
	for (int pass = 0; result == 0 && pass < 3; pass++) {
		/* routes name hosts, whose addresses must be known */
		if (pass == 2 && !partial)
			result = vs_lab_plan_addresses(r.t, mistake);
		if (result == 0)
			result = parse_pass(&r, text, len, pass);
	}
	if (result == 0 && !partial)
		result = vs_lab_plan_routes(r.t);
	if (result < 0) {
		vs_lab_topology_free(r.t);
		return result;
	}
	*topology = r.t;
	return 0;
}
