/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bases.h"

#include <arpa/inet.h>
#include <errno.h>
#include <iothdns.h>
#include <stdio.h>
#include <string.h>

#include "daemons/common/base.h"

struct finder {
	struct nm_config *config;
	struct ioth *forward;
	struct iothdns *dns; /* NULL: not needed until now */
	struct dm_where where;
};

/* Adds the line of a server to a text as resolv.conf(5). */
static void append_server(char *text, size_t size, const struct in6_addr *addr)
{
	bool v4 = IN6_IS_ADDR_V4MAPPED(addr);
	char name[INET6_ADDRSTRLEN];
	size_t n = strlen(text);

	(void)inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? (const void *)&addr->s6_addr[12] : (const void *)addr,
			name, sizeof(name));
	(void)snprintf(text + n, size - n, "nameserver %s\n", name);
}

static struct iothdns *resolver(struct finder *f)
{
	char text[NM_DNS_MAX * (INET6_ADDRSTRLEN + 16) + 64] = "options timeout:1 attempts:2\n";

	if (f->dns == NULL && f->config->n_dns > 0) {
		for (size_t i = 0; i < f->config->n_dns; i++)
			append_server(text, sizeof(text), &f->config->dns[i]);
		f->dns = iothdns_init_strcfg(f->forward, text);
	}
	return f->dns;
}

/* The one address that static records have. 0: there is none; -1 after a message: there are several. */
static int find_static(struct finder *f, const char *text, struct in6_addr *addr, bool *v4)
{
	struct in6_addr found[1];
	struct nm_name name;

	if (!nm_name_read(&name, text))
		return 0;
	size_t n = nm_zone_addresses(&f->config->zone, &name, found, 1, v4);
	if (n > 1)
		return dm_wrong(&f->where, "auth: %s has several addresses in the static records", text);
	if (n == 1)
		*addr = found[0];
	return (int)n;
}

static void find_base(struct finder *f, struct nm_rule *rule)
{
	char why[512] = "";
	bool v4 = false;
	int n = find_static(f, rule->base_text, &rule->base, &v4);

	if (n < 0 || (n == 1 && !v4))
		return;
	if (n == 1)
		(void)dm_wrong(&f->where, "auth: the base %s has no IPv6 address", rule->base_text);
	else if (resolver(f) == NULL)
		(void)dm_wrong(&f->where, "auth: the base %s has no static record, and there is no line dns",
			       rule->base_text);
	else if (dm_base_read(f->dns, rule->base_text, &rule->base, why, sizeof(why)) < 0)
		(void)dm_wrong(&f->where, "auth: no base: %s", why);
	rule->base_asked = n == 0;
}

static bool ask_for_host(struct finder *f, const char *host, struct in6_addr *addr, bool *v4)
{
	struct in_addr four;

	*v4 = false;
	if (iothdns_lookup_aaaa(f->dns, host, addr, 1) > 0)
		return true;
	*v4 = true;
	if (iothdns_lookup_a(f->dns, host, &four, 1) <= 0)
		return false;
	*addr = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	memcpy(&addr->s6_addr[12], &four, 4);
	return true;
}

static void find_host(struct finder *f, struct nm_rule *rule)
{
	struct in6_addr addr;
	bool v4 = false;
	int n = find_static(f, rule->host, &addr, &v4);

	if (n < 0)
		return;
	if (n == 0 && (resolver(f) == NULL || !ask_for_host(f, rule->host, &addr, &v4))) {
		(void)dm_wrong(&f->where,
			       "auth: no address of %s is known: a static record, or a server of a "
			       "line dns that knows it, is needed",
			       rule->host);
		return;
	}
	unsigned most = v4 ? 32 : 128;
	if (rule->host_bits > most) {
		(void)dm_wrong(&f->where, "auth: %s/%u: its address has %u bits", rule->host, rule->host_bits,
			       most);
		return;
	}
	nm_name_reverse(&rule->name, &addr, v4, rule->host_bits);
	rule->below = rule->host_bits < most;
	rule->host_asked = n == 0;
	rule->host_v4 = v4;
}

int nm_bases_find(struct nm_config *config, struct ioth *forward, const char *file, const atomic_bool *stop)
{
	struct finder f = { .config = config, .forward = forward, .where = { .file = file } };
	bool stopped = false;

	for (size_t i = 0; i < config->rules.n && !stopped; i++) {
		struct nm_rule *rule = &config->rules.rules[i];
		f.where.line = rule->line;
		if (rule->base_text != NULL && strchr(rule->base_text, ':') == NULL)
			find_base(&f, rule);
		if (rule->host != NULL)
			find_host(&f, rule);
		stopped = stop != NULL && atomic_load(stop);
	}
	iothdns_fini(f.dns);
	return f.where.errors > 0 || stopped ? -1 : 0;
}
