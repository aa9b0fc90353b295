/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "settings.h"

#include <arpa/inet.h>
#include <string.h>

#include "decide.h"
#include "txt.h"

static int set_serverid(void *to, const char *value, struct dm_where *where)
{
	struct in_addr in;

	if (inet_pton(AF_INET, value, &in) != 1 || !n4_is_host(ntohl(in.s_addr)))
		return dm_wrong(where, "serverid: %s is no address of a host", value);
	((struct n4_settings *)to)->serverid = ntohl(in.s_addr);
	return 0;
}

static int set_mask(void *to, const char *value, struct dm_where *where)
{
	uint32_t mask = n4_txt_mask(value);

	if (mask == 0)
		return dm_wrong(where, "mask: %s is no mask and no length of a prefix", value);
	((struct n4_settings *)to)->mask = mask;
	return 0;
}

static int set_hostname(void *to, const char *value, struct dm_where *where)
{
	(void)value;
	(void)where;
	((struct n4_settings *)to)->hostname = true;
	return 0;
}

const struct dm_option n4_options[] = {
	DH_OPTION_ROWS,
	{ "serverid", 'I', "ADDR", "the server identifier (the address of the interface)", 0, set_serverid },
	{ "mask", '\0', "MASK", "the network mask of clients whose TXT record has none", 0, set_mask },
	{ "hostname", '\0', NULL, "serves clients that send option 12 and not 81, too", 0, set_hostname },
};
const size_t n4_n_options = sizeof(n4_options) / sizeof(n4_options[0]);

static bool same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void swap(char **a, char **b)
{
	char *kept = *a;

	*a = *b;
	*b = kept;
}

static bool same_start(const struct n4_settings *a, const struct n4_settings *b)
{
	const struct dh_settings *x = &a->shared, *y = &b->shared;

	return same(x->stack, y->stack) && same(x->iface, y->iface) && same(x->dnsstack, y->dnsstack) &&
	       same(x->macaddr, y->macaddr) && same(x->nameserver, y->nameserver) &&
	       same(x->resolvconf, y->resolvconf) && same(x->pidfile, y->pidfile) &&
	       x->daemon.background == y->daemon.background && a->serverid == b->serverid;
}

bool n4_settings_take(struct n4_settings *s, struct n4_settings *fresh)
{
	struct dh_settings *to = &s->shared, *from = &fresh->shared;

	swap(&to->dns, &from->dns);
	swap(&to->dnssearch, &from->dnssearch);
	swap(&to->ntp, &from->ntp);
	swap(&to->domain, &from->domain);
	to->lease_s = from->lease_s;
	to->verbose = from->verbose;
	s->mask = fresh->mask;
	s->hostname = fresh->hostname;
	return same_start(s, fresh);
}
