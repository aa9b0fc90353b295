/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each value is checked when it is read, so that the message has its place. What a value has to be is known
 * to the library: it is asked about settings that have this value only.
 */

#include "settings.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ioth.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "values.h"

#define LIFETIME_S 1800 /* of what has none, if there is no period */
#define PREF64_MOST_S 65528

struct ra_settings *ra_settings_new(void)
{
	struct ra_settings *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->period_s = RA_PERIOD_S;
	return s;
}

void ra_settings_free(struct ra_settings *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->n_dnssl; i++)
		free((char *)(uintptr_t)s->dnssl[i].domain);
	free(s->pidfile);
	free(s->stack);
	free(s->iface);
	free(s->captive_portal);
	free(s);
}

struct iothradvd_opts ra_settings_opts(const struct ra_settings *s)
{
	return (struct iothradvd_opts){
		.size = sizeof(struct iothradvd_opts),
		.max_interval = (unsigned)s->period_s,
		.min_interval = (unsigned)s->min_period_s,
		.data = &s->data,
		.prefixes = s->prefixes,
		.n_prefixes = s->n_prefixes,
		.routes = s->routes,
		.n_routes = s->n_routes,
		.rdnss = s->rdnss,
		.n_rdnss = s->n_rdnss,
		.dnssl = s->dnssl,
		.n_dnssl = s->n_dnssl,
		.pref64 = s->pref64,
		.n_pref64 = s->n_pref64,
		.captive_portal = s->captive_portal,
	};
}

static void finish(uint32_t *lifetime, uint32_t otherwise)
{
	if (*lifetime == RA_UNSET)
		*lifetime = otherwise;
}

void ra_settings_finish(struct ra_settings *s)
{
	uint32_t usual = s->period_s == 0 ? LIFETIME_S : 3 * (uint32_t)s->period_s;

	for (unsigned i = 0; i < s->n_routes; i++)
		finish(&s->routes[i].lifetime, usual);
	for (unsigned i = 0; i < s->n_rdnss; i++)
		finish(&s->rdnss[i].lifetime, usual);
	for (unsigned i = 0; i < s->n_dnssl; i++)
		finish(&s->dnssl[i].lifetime, usual);
	for (unsigned i = 0; i < s->n_pref64; i++)
		finish(&s->pref64[i].lifetime, usual < PREF64_MOST_S ? usual : PREF64_MOST_S);
}

bool ra_is_stack(const char *text)
{
	const char *c = text;

	if (strchr(text, '=') == NULL)
		return false;
	while (isalnum((unsigned char)*c) || *c == '+' || *c == '-' || *c == '.')
		c++;
	return c == text || strncmp(c, "://", 3) != 0;
}

/* ------------------------------------------------------------------ single values */

static int take_text(char **to, const char *value, struct dm_where *where)
{
	free(*to);
	*to = strdup(value);
	return *to == NULL ? dm_wrong(where, "out of memory") : 0;
}

static int set_stack(void *to, const char *value, struct dm_where *where)
{
	return take_text(&((struct ra_settings *)to)->stack, value, where);
}

static int set_iface(void *to, const char *value, struct dm_where *where)
{
	return take_text(&((struct ra_settings *)to)->iface, value, where);
}

static int set_pidfile(void *to, const char *value, struct dm_where *where)
{
	return take_text(&((struct ra_settings *)to)->pidfile, value, where);
}

static int set_daemon(void *to, const char *value, struct dm_where *where)
{
	(void)value, (void)where;
	((struct ra_settings *)to)->daemon = true;
	return 0;
}

static int set_verbose(void *to, const char *value, struct dm_where *where)
{
	(void)value, (void)where;
	((struct ra_settings *)to)->verbose = true;
	return 0;
}

static int set_macaddr(void *to, const char *value, struct dm_where *where)
{
	struct ra_settings *s = to;

	if (ioth_macton(value, s->mac) != 1)
		return dm_wrong(where, "macaddr: %s is no hardware address", value);
	if ((s->mac[0] & 1) != 0)
		return dm_wrong(where, "macaddr: %s is the address of a group", value);
	s->has_mac = true;
	return 0;
}

static int set_period(void *to, const char *value, struct dm_where *where)
{
	unsigned long n;

	if (dm_number("period", value, 0, 65535, &n, where) < 0)
		return -1;
	if (n > 0 && n < 4) /* RFC 4861 section 6.2.1 */
		return dm_wrong(where, "period: %s is no number from 4 to 65535, or 0", value);
	((struct ra_settings *)to)->period_s = n;
	return 0;
}

static int set_min_period(void *to, const char *value, struct dm_where *where)
{
	return dm_number("min-period", value, 3, 49151, &((struct ra_settings *)to)->min_period_s, where);
}

static int set_hoplimit(void *to, const char *value, struct dm_where *where)
{
	unsigned long n;

	if (dm_number("hoplimit", value, 0, 255, &n, where) < 0)
		return -1;
	((struct ra_settings *)to)->data.curhoplimit = (uint8_t)n;
	return 0;
}

static int set_flags(void *to, const char *value, struct dm_where *where)
{
	const char *why;

	if (!ra_router_flags(value, &((struct ra_settings *)to)->data.flags, &why))
		return dm_wrong(where, "flags: %s: %s", value, why);
	return 0;
}

static int set_lifetime(void *to, const char *value, struct dm_where *where)
{
	unsigned long n;

	if (dm_number("lifetime", value, 0, 65535, &n, where) < 0)
		return -1;
	((struct ra_settings *)to)->data.router_lifetime = (uint16_t)n;
	return 0;
}

static int set_u32(const char *name, const char *value, unsigned long most, uint32_t *to,
		   struct dm_where *where)
{
	unsigned long n;

	if (dm_number(name, value, 0, most, &n, where) < 0)
		return -1;
	*to = (uint32_t)n;
	return 0;
}

static int set_reachable(void *to, const char *value, struct dm_where *where)
{
	/* RFC 4861 section 6.2.1: an hour */
	return set_u32("reachable", value, 3600000, &((struct ra_settings *)to)->data.reachable, where);
}

static int set_retransmit(void *to, const char *value, struct dm_where *where)
{
	return set_u32("retransmit", value, UINT32_MAX, &((struct ra_settings *)to)->data.retransmit, where);
}

static int set_mtu(void *to, const char *value, struct dm_where *where)
{
	struct ra_settings *s = to;

	if (set_u32("mtu", value, 65535, &s->data.mtu, where) < 0)
		return -1;
	if (s->data.mtu != 0 && s->data.mtu < 1280)
		return dm_wrong(where, "mtu: %s is no number from 1280 to 65535, or 0", value);
	return 0;
}

/* ------------------------------------------------------------------ lists */

/* The library is asked about settings that have this one item. */
static int check(const struct iothradvd_opts *only, const char *name, const char *value,
		 struct dm_where *where)
{
	struct iothradvd_opts o = *only;

	o.size = sizeof(o);
	if (iothradvd_check(&o) == 0)
		return 0;
	return dm_wrong(where, "%s: %s: %s", name, value, ioth_last_error());
}

static int has_room(unsigned n, const char *name, struct dm_where *where)
{
	return n < RA_MOST ? 0 : dm_wrong(where, "%s: there are more than %d", name, RA_MOST);
}

int ra_settings_prefix(struct ra_settings *s, const char *value, struct dm_where *where)
{
	struct iothraprefix p;
	const char *why;

	if (has_room(s->n_prefixes, "prefix", where) < 0)
		return -1;
	if (!ra_prefix(value, &p, &why))
		return dm_wrong(where, "prefix: %s: %s", value, why);
	if (check(&(struct iothradvd_opts){ .prefixes = &p, .n_prefixes = 1 }, "prefix", value, where) < 0)
		return -1;
	s->prefixes[s->n_prefixes++] = p;
	return 0;
}

static int add_prefix(void *to, const char *value, struct dm_where *where)
{
	return ra_settings_prefix(to, value, where);
}

static int add_route(void *to, const char *value, struct dm_where *where)
{
	struct ra_settings *s = to;
	struct iothraroute r;
	const char *why;

	if (has_room(s->n_routes, "route", where) < 0)
		return -1;
	if (!ra_route(value, &r, &why))
		return dm_wrong(where, "route: %s: %s", value, why);
	if (check(&(struct iothradvd_opts){ .routes = &r, .n_routes = 1 }, "route", value, where) < 0)
		return -1;
	s->routes[s->n_routes++] = r;
	return 0;
}

static int add_pref64(void *to, const char *value, struct dm_where *where)
{
	struct ra_settings *s = to;
	struct iothrapref64 p, checked;
	const char *why;

	if (has_room(s->n_pref64, "pref64", where) < 0)
		return -1;
	if (!ra_pref64(value, &p, &why))
		return dm_wrong(where, "pref64: %s: %s", value, why);
	checked = p;
	finish(&checked.lifetime, 0);
	if (check(&(struct iothradvd_opts){ .pref64 = &checked, .n_pref64 = 1 }, "pref64", value, where) < 0)
		return -1;
	s->pref64[s->n_pref64++] = p;
	return 0;
}

static int add_server(struct ra_settings *s, const char *text, uint32_t lifetime, struct dm_where *where)
{
	struct iothrardnss server = { .lifetime = lifetime };

	if (has_room(s->n_rdnss, "rdnss", where) < 0)
		return -1;
	if (inet_pton(AF_INET6, text, &server.server) != 1)
		return dm_wrong(where, "rdnss: %s is no IPv6 address", text);
	if (check(&(struct iothradvd_opts){ .rdnss = &server, .n_rdnss = 1 }, "rdnss", text, where) < 0)
		return -1;
	s->rdnss[s->n_rdnss++] = server;
	return 0;
}

static int add_domain(struct ra_settings *s, const char *text, uint32_t lifetime, struct dm_where *where)
{
	struct iothradnssl domain = { .domain = text, .lifetime = lifetime };

	if (has_room(s->n_dnssl, "dnssl", where) < 0)
		return -1;
	if (check(&(struct iothradvd_opts){ .dnssl = &domain, .n_dnssl = 1 }, "dnssl", text, where) < 0)
		return -1;
	domain.domain = strdup(text);
	if (domain.domain == NULL)
		return dm_wrong(where, "out of memory");
	s->dnssl[s->n_dnssl++] = domain;
	return 0;
}

typedef int add_item(struct ra_settings *s, const char *text, uint32_t lifetime, struct dm_where *where);

/* ITEM,ITEM...[/LIFETIME] */
static int add_items(struct ra_settings *s, const char *name, const char *value, add_item *add,
		     struct dm_where *where)
{
	VS_AUTO_FREE char *items = strdup(value);
	uint32_t lifetime;
	const char *why;
	char *rest = items, *item;

	if (items == NULL)
		return dm_wrong(where, "out of memory");
	char *slash = strchr(items, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (!ra_lifetime(slash == NULL ? "" : slash, RA_UNSET, &lifetime, &why))
		return dm_wrong(where, "%s: %s: %s", name, value, why);
	while ((item = strsep(&rest, ",")) != NULL)
		if (add(s, item, lifetime, where) < 0)
			return -1;
	return 0;
}

static int add_rdnss(void *to, const char *value, struct dm_where *where)
{
	return add_items(to, "rdnss", value, add_server, where);
}

static int add_dnssl(void *to, const char *value, struct dm_where *where)
{
	return add_items(to, "dnssl", value, add_domain, where);
}

static int set_captive(void *to, const char *value, struct dm_where *where)
{
	if (check(&(struct iothradvd_opts){ .captive_portal = value }, "captive-portal", value, where) < 0)
		return -1;
	return take_text(&((struct ra_settings *)to)->captive_portal, value, where);
}

/* ------------------------------------------------------------------ the table */

#define STACK "a stack as of ioth_newstackc(3), or a VDE network (the host's network)"

const struct dm_option ra_options[] = {
	{ "stack", 's', "CONFIG|VNL", STACK, 0, set_stack },
	{ "iface", 'i', "NAME", "the interface of the stack (vde0)", 0, set_iface },
	{ "macaddr", 'm', "MAC", "the MAC address of a station or of the interface", 0, set_macaddr },
	{ "daemon", 'd', NULL, "goes into the background", 0, set_daemon },
	{ "pidfile", 'p', "FILE", "writes the number of the process into FILE", 0, set_pidfile },
	{ "verbose", 'v', NULL, "says what it does", 0, set_verbose },
	{ "period", 'P', "SECONDS", "the longest time between advertisements, 0: only answers (600)", 0,
	  set_period },
	{ "min-period", '\0', "SECONDS", "the shortest one (a third of the period)", 0, set_min_period },
	{ "hoplimit", 'H', "N", "the hop limit of hosts (0: nothing said)", 0, set_hoplimit },
	{ "flags", 'F', "LETTERS", "M, O, H, P; preference: h high, l low (none)", 0, set_flags },
	{ "lifetime", 'L', "SECONDS", "how long it is a default router (0: it is none)", 0, set_lifetime },
	{ "reachable", 'r', "MS", "how long a neighbour counts as reachable (0: nothing said)", 0,
	  set_reachable },
	{ "retransmit", 'R', "MS", "the time between solicitations of neighbours (0: nothing said)", 0,
	  set_retransmit },
	{ "mtu", 'M', "BYTES", "the MTU of the network (0: nothing said)", 0, set_mtu },
	{ "prefix", '\0', "PREFIX", "a prefix, in files: on the command line it is an argument", DM_REPEATS,
	  add_prefix },
	{ "route", '\0', "ADDR/LEN[/PREFERENCE[/LIFETIME]]", "a route by this router; high, medium or low",
	  DM_REPEATS, add_route },
	{ "rdnss", '\0', "ADDR,...[/LIFETIME]", "name servers", DM_REPEATS, add_rdnss },
	{ "dnssl", '\0', "DOMAIN,...[/LIFETIME]", "domains of the search list", DM_REPEATS, add_dnssl },
	{ "pref64", '\0', "ADDR/LEN[/LIFETIME]", "a prefix of NAT64", DM_REPEATS, add_pref64 },
	{ "captive-portal", '\0', "URI", "the API of a captive portal", 0, set_captive },
};
const size_t ra_n_options = VS_COUNT(ra_options);
