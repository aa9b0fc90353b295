/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a DHCPv6 server says besides addresses: name servers, search list, time servers. */

#include <netinet/in.h>
#include <string.h>

#include "dhcp6_machine.h"
#include "proto/dns_name.h"
#include "proto/ip6.h"

static void read_servers(const uint8_t (*from)[16], uint8_t n, struct vs_auto_ip *to)
{
	uint8_t used = 0;

	for (uint8_t i = 0; i < n && used < VS_AUTO_SERVERS_MAX; i++) {
		if (!vs_ip6_is_host(from[i]))
			continue;
		to[used].family = AF_INET6;
		memcpy(to[used++].bytes, from[i], 16);
	}
}

void vs_dhcp6_read_facts(const struct vs_dhcp6 *m, struct vs_auto_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	read_servers(m->dns, m->n_dns, facts->dns);
	read_servers(m->ntp, m->n_ntp, facts->ntp);
	/* A malformed list leaves the text empty. RFC 3646 has no compression. */
	if (m->search.bytes != NULL)
		(void)vs_dns_name_list(m->search.bytes, m->search.n, 0, facts->search, sizeof(facts->search));
}

bool vs_dhcp6_say_facts(struct vs_dhcp6_client *c, const struct vs_auto_facts *facts)
{
	const struct vs_auto_facts *old = &c->facts;
	bool differs = memcmp(old->dns, facts->dns, sizeof(old->dns)) != 0 ||
		       memcmp(old->ntp, facts->ntp, sizeof(old->ntp)) != 0 ||
		       strcmp(old->search, facts->search) != 0 ||
		       memcmp(&old->prefix, &facts->prefix, sizeof(old->prefix)) != 0 ||
		       old->prefix_len != facts->prefix_len;

	c->facts = *facts;
	c->ops->facts(c->arg, &c->facts);
	return differs;
}
