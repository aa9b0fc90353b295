/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "settings.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemons/dhcp/words.h"
#include "proto/dns_name.h"

static int set_duidfile(void *to, const char *value, struct dm_where *where)
{
	struct nd_settings *s = to;

	free(s->duidfile);
	s->duidfile = strdup(value);
	return s->duidfile == NULL ? dm_wrong(where, "out of memory") : 0;
}

/* IPv6 addresses, and names that have some. */
static int check_servers(const char *option, const char *value, struct dm_where *where)
{
	char word[VS_DNS_NAME_TEXT + 1];
	struct in6_addr addr;
	const char *rest = value;
	unsigned n = 0;

	while (dh_word(&rest, word, sizeof(word))) {
		if (strchr(word, ':') != NULL && inet_pton(AF_INET6, word, &addr) != 1)
			return dm_wrong(where, "%s: %s is no IPv6 address", option, word);
		if (inet_pton(AF_INET, word, &addr) == 1)
			return dm_wrong(where, "%s: %s is an IPv4 address, which is for namedhcp4", option,
					word);
		if (strchr(word, ':') == NULL && !vs_dns_name_valid(word))
			return dm_wrong(where, "%s: %s is neither an address nor a name", option, word);
		n++;
	}
	if (n == 0 || n > VS_DHCP6_SERVERS_MAX)
		return dm_wrong(where, "%s: %s is no list of 1 to %d addresses", option, value,
				VS_DHCP6_SERVERS_MAX);
	return 0;
}

static int set_dns(void *to, const char *value, struct dm_where *where)
{
	return check_servers("dns", value, where) < 0 ? -1 : dh_set_dns(to, value, where);
}

static int set_ntp(void *to, const char *value, struct dm_where *where)
{
	return check_servers("ntp", value, where) < 0 ? -1 : dh_set_ntp(to, value, where);
}

static int set_dnssearch(void *to, const char *value, struct dm_where *where)
{
	struct nd_settings *s = to;

	s->search.n = 0;
	if (!nd_search_add(&s->search, value) || s->search.n == 0)
		return dm_wrong(where, "dnssearch: %s is no list of domains", value);
	return dh_set_dnssearch(to, value, where);
}

#define DUIDFILE "the file with the identifier of the server (/var/lib/namedhcp/duid)"

static const struct dm_option table[] = {
	DH_OPTION_ROWS,
	{ "duidfile", '\0', "FILE", DUIDFILE, 0, set_duidfile },
};

/* The rows that take more care here than those of both servers. */
static void replace_setters(struct dm_option *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].set == dh_set_dns)
			rows[i].set = set_dns;
		else if (rows[i].set == dh_set_ntp)
			rows[i].set = set_ntp;
		else if (rows[i].set == dh_set_dnssearch)
			rows[i].set = set_dnssearch;
}

#define ABOUT                                                                                                \
	"Gives clients of DHCPv6 the addresses that their names have: namedhcp(8).\n"                        \
	"At least one option is needed.\n"

enum dm_parsed nd_settings_read(struct nd_settings *settings, int argc, char **argv)
{
	struct dm_option rows[VS_COUNT(table)];
	const struct dm_options options = {
		.program = "namedhcp",
		.arguments = "",
		.about = ABOUT,
		.table = rows,
		.n = VS_COUNT(rows),
		.has_rcfile = true,
		.more = "Signals: SIGHUP forgets the answers of name servers, and reports counters; SIGTERM "
			"and SIGINT end.\n",
	};
	int first = 0;

	memcpy(rows, table, sizeof(rows));
	replace_setters(rows, VS_COUNT(rows));
	enum dm_parsed parsed = dm_options_parse(&options, argc, argv, settings, &first);
	if (parsed != DM_RUN)
		return parsed;
	if (argc < 2) {
		dm_report(DM_ERROR, "there is no option: --iface says where to serve; see --help");
		return DM_WRONG;
	}
	return dh_settings_complete(&settings->dh) < 0 ? DM_WRONG : DM_RUN;
}

void nd_settings_clear(struct nd_settings *settings)
{
	free(vs_steal_ptr(settings->duidfile));
	dh_settings_clear(&settings->dh);
}

bool nd_search_add(struct nd_search *search, const char *list)
{
	char word[VS_DNS_NAME_TEXT + 1];
	uint8_t wire[VS_DNS_NAME_WIRE];
	bool all = true;

	while (dh_word(&list, word, sizeof(word))) {
		size_t n = vs_dns_name_encode(word, wire);
		if (n < 3 || search->n + n > sizeof(search->wire)) {
			all = false;
			continue;
		}
		memcpy(search->wire + search->n, wire, n);
		search->n = (uint16_t)(search->n + n);
	}
	return all;
}
