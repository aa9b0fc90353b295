/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "options.h"

#include <arpa/inet.h>
#include <ioth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "words.h"

#define LEASE_LEAST_S 60 /* clients renew at half of it */
#define IFACE "vde0"

static int keep(char **to, const char *value, struct dm_where *where)
{
	free(*to);
	*to = strdup(value);
	return *to == NULL ? dm_wrong(where, "out of memory") : 0;
}

/* An option whose value is kept as text. */
#define TEXT(field)                                                                                          \
	int dh_set_##field(void *to, const char *value, struct dm_where *where)                              \
	{                                                                                                    \
		return keep(&((struct dh_settings *)to)->field, value, where);                               \
	}
TEXT(stack)
TEXT(dnsstack)
TEXT(pidfile)
TEXT(dns)
TEXT(dnssearch)
TEXT(ntp)

int dh_set_iface(void *to, const char *value, struct dm_where *where)
{
	if (*value == '\0' || strlen(value) >= IF_NAMESIZE || strchr(value, '/') != NULL)
		return dm_wrong(where, "iface: %s is no name of an interface", value);
	return keep(&((struct dh_settings *)to)->iface, value, where);
}

int dh_set_resolvconf(void *to, const char *value, struct dm_where *where)
{
	VS_AUTO_FREE char *path = dm_path(value);

	if (path == NULL)
		return dm_wrong(where, "resolvconf: cannot find %s", value);
	return keep(&((struct dh_settings *)to)->resolvconf, path, where);
}

int dh_set_nameserver(void *to, const char *value, struct dm_where *where)
{
	const char *rest = value;
	char word[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	unsigned n = 0;

	while (dh_word(&rest, word, sizeof(word))) {
		if (inet_pton(AF_INET, word, bytes) != 1 && inet_pton(AF_INET6, word, bytes) != 1)
			return dm_wrong(where, "nameserver: %s is no address", word);
		n++;
	}
	if (n == 0 || n > 3)
		return dm_wrong(where, "nameserver: %s is no list of one to three addresses", value);
	return keep(&((struct dh_settings *)to)->nameserver, value, where);
}

int dh_set_macaddr(void *to, const char *value, struct dm_where *where)
{
	unsigned char mac[6];

	if (ioth_macton(value, mac) != 1 || (mac[0] & 1) != 0)
		return dm_wrong(where, "macaddr: %s is no unicast MAC address", value);
	return keep(&((struct dh_settings *)to)->macaddr, value, where);
}

/* Letters, digits, '-', '_' and dots between labels; no dot at the ends. */
static bool is_domain(const char *name)
{
	size_t label = 0;

	for (const char *c = name; *c != '\0'; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			     (*c >= '0' && *c <= '9') || *c == '-' || *c == '_';

		if ((*c == '.' && label == 0) || (*c != '.' && !plain))
			return false;
		label = *c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0 && strlen(name) < 200;
}

int dh_set_domain(void *to, const char *value, struct dm_where *where)
{
	struct dh_settings *s = to;

	if (*value == '.')
		value++;
	if (keep(&s->domain, value, where) < 0)
		return -1;
	size_t n = strlen(s->domain);
	if (n > 0 && s->domain[n - 1] == '.')
		s->domain[n - 1] = '\0';
	return is_domain(s->domain) ? 0 : dm_wrong(where, "domain: %s is no domain", value);
}

int dh_set_lease(void *to, const char *value, struct dm_where *where)
{
	struct dh_settings *s = to;
	unsigned long n = DH_INFINITE;

	if (strcmp(value, "infinite") != 0 &&
	    dm_number("lease", value, LEASE_LEAST_S, DH_INFINITE - 1, &n, where) < 0)
		return -1;
	s->lease_s = (uint32_t)n;
	return 0;
}

int dh_set_daemon(void *to, const char *value, struct dm_where *where)
{
	(void)value;
	(void)where;
	((struct dh_settings *)to)->daemon.background = true;
	return 0;
}

int dh_set_verbose(void *to, const char *value, struct dm_where *where)
{
	(void)value;
	(void)where;
	((struct dh_settings *)to)->verbose = true;
	dm_report_verbose(true);
	return 0;
}

int dh_settings_complete(struct dh_settings *s)
{
	struct dm_where where = { .file = NULL };

	if (s->lease_s == 0)
		s->lease_s = DH_INFINITE;
	s->daemon.pidfile = s->pidfile;
	return s->iface != NULL ? 0 : keep(&s->iface, IFACE, &where);
}

void dh_settings_clear(struct dh_settings *s)
{
	char **const texts[] = { &s->pidfile,    &s->stack,      &s->dnsstack, &s->iface,
				 &s->resolvconf, &s->nameserver, &s->macaddr,  &s->dns,
				 &s->dnssearch,  &s->ntp,        &s->domain };

	for (size_t i = 0; i < VS_COUNT(texts); i++)
		free(vs_steal_ptr(*texts[i]));
}
