/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words that undo what others have set, for interfaces that exist; and those that bring one up or down. */

#include "section.h"

#include <errno.h>

static int remember_addr(struct vs_parser *parser, struct vs_conf_removals *removals,
			 const struct vs_conf_addr *addr)
{
	struct vs_conf_addr *addrs = vs_parser_make_room(removals->addrs, removals->n_addrs, sizeof(*addrs));

	if (addrs == NULL)
		return vs_config_fail_memory(parser->error);
	removals->addrs = addrs;
	addrs[removals->n_addrs++] = *addr;
	return 0;
}

int vs_remove_ip(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		 const char *value)
{
	struct vs_conf_removals *removals = &section->iface.removals;
	struct vs_conf_addr addr;
	bool has_len;

	if (value == NULL) {
		removals->all_addrs = true;
		return 0;
	}
	int result = vs_read_ip(parser, word, value, &has_len, &addr);
	if (result < 0)
		return result;
	if (!has_len)
		addr.prefixlen = 0;
	return remember_addr(parser, removals, &addr);
}

static int remember_route(struct vs_parser *parser, struct vs_conf_removals *removals,
			  const struct vs_conf_route *route)
{
	struct vs_conf_route *routes =
		vs_parser_make_room(removals->routes, removals->n_routes, sizeof(*routes));

	if (routes == NULL)
		return vs_config_fail_memory(parser->error);
	removals->routes = routes;
	routes[removals->n_routes++] = *route;
	return 0;
}

int vs_remove_gw(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		 const char *value)
{
	struct vs_conf_removals *removals = &section->iface.removals;
	struct vs_conf_route route = { 0 };

	if (value == NULL) {
		removals->all_gws = true;
		return 0;
	}
	int result = vs_read_gw(parser, word, value, &route);
	return result < 0 ? result : remember_route(parser, removals, &route);
}

int vs_remove_route(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		    const char *value)
{
	struct vs_conf_removals *removals = &section->iface.removals;
	struct vs_conf_route route = { 0 };

	if (value == NULL) {
		removals->all_routes = true;
		return 0;
	}
	int result = vs_read_route(parser, word, value, &route);
	return result < 0 ? result : remember_route(parser, removals, &route);
}

int vs_remove_dns(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		  const char *value)
{
	struct vs_conf_sources *sources = vs_section_sources(parser, section);

	if (sources == NULL)
		return -ENOMEM;
	if (value != NULL)
		return vs_names_add_dns(parser, word, value, &sources->remove);
	sources->clear_dns = true;
	return 0;
}

int vs_remove_domain(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		     const char *value)
{
	struct vs_conf_sources *sources = vs_section_sources(parser, section);

	if (sources == NULL)
		return -ENOMEM;
	if (value != NULL)
		return vs_names_add_domain(parser, word, value, &sources->remove);
	sources->clear_domains = true;
	return 0;
}

int vs_remove_static(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		     const char *value)
{
	struct vs_conf_sources *sources = vs_section_sources(parser, section);
	struct vs_conf_removals *removals = &section->iface.removals;

	(void)word;
	(void)value;
	if (sources == NULL)
		return -ENOMEM;
	sources->clear_dns = sources->clear_domains = true;
	removals->all_addrs = removals->all_gws = removals->all_routes = true;
	return 0;
}

/* An interface that is made is brought up in any case. */
int vs_take_eth(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		const char *value)
{
	(void)parser;
	(void)word;
	(void)value;
	section->iface.updown = VS_CONF_UP;
	return 0;
}

int vs_remove_eth(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		  const char *value)
{
	(void)parser;
	(void)word;
	(void)value;
	section->iface.updown = VS_CONF_DOWN;
	return 0;
}
