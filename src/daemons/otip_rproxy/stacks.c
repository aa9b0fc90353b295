/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names are looked up once, when the program begins: a lookup would keep all clients waiting. */

#include "stacks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <iothconf.h>
#include <iothdns.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemons/common/base.h"
#include "daemons/common/report.h"

#define SEPARATORS " \t\r\n;,"

size_t rp_stacks_iface(const char *config, const char **at)
{
	const char *word = config;

	while (*word != '\0') {
		word += strspn(word, SEPARATORS);
		size_t n = strcspn(word, SEPARATORS);
		if (strncmp(word, "iface=", 6) == 0) {
			*at = word + 6;
			return n - 6;
		}
		word += n;
	}
	return 0;
}

static int find_interface(struct rp_stacks *k, const char *config)
{
	const char *at = "vde0";
	size_t n = rp_stacks_iface(config, &at);
	char name[IF_NAMESIZE];

	(void)snprintf(name, sizeof(name), "%.*s", (int)(n == 0 ? strlen(at) : n), at);
	k->ifindex = ioth_if_nametoindex(k->outside, name);
	if (k->ifindex <= 0) {
		dm_report(DM_ERROR, "--extstack: no interface %s: %s; iface= names it", name,
			  strerror(errno));
		return -1;
	}
	if (ioth_linksetupdown(k->outside, (unsigned)k->ifindex, 1) < 0) {
		dm_report(DM_ERROR, "--extstack: cannot bring the interface %s up: %s%s", name,
			  strerror(errno),
			  errno == EPERM ? "; the network of the host needs CAP_NET_ADMIN" : "");
		return -1;
	}
	return 0;
}

static const char *text_of(const struct rp_addr *a)
{
	static char text[INET6_ADDRSTRLEN];

	return inet_ntop(a->family, a->bytes, text, sizeof(text));
}

static int set_addresses(const struct rp_stacks *k, const struct rp_settings *s)
{
	for (size_t i = 0; i < s->n_addrs; i++) {
		const struct rp_addr *a = &s->addrs[i];
		if (ioth_ipaddr_add(k->outside, a->family, a->bytes, a->len, k->ifindex) < 0 &&
		    errno != EEXIST) {
			dm_report(DM_ERROR, "--extaddr: cannot add %s: %s", text_of(a), strerror(errno));
			return -1;
		}
	}
	for (size_t i = 0; i < s->n_gateways; i++) {
		const struct rp_addr *a = &s->gateways[i];
		if (ioth_iproute_add(k->outside, a->family, NULL, 0, a->bytes, k->ifindex) < 0 &&
		    errno != EEXIST) {
			dm_report(DM_ERROR,
				  "--extgw: cannot use the gateway %s: %s; "
				  "--extaddr gives an address of its network",
				  text_of(a), strerror(errno));
			return -1;
		}
	}
	return 0;
}

int rp_stacks_begin(struct rp_stacks *k, const struct rp_settings *s)
{
	*k = (struct rp_stacks){ .ifindex = 0 };
	k->outside = ioth_newstackc(s->extstack);
	if (k->outside == NULL) {
		dm_report(DM_ERROR, "--extstack: cannot make the stack %s: %s", s->extstack,
			  ioth_last_error());
		return -1;
	}
	if (find_interface(k, s->extstack) < 0 || set_addresses(k, s) < 0)
		return -1;
	if (s->intstack == NULL)
		return 0;
	k->inside = ioth_newstackc(s->intstack);
	if (k->inside == NULL)
		dm_report(DM_ERROR, "--intstack: cannot make the stack %s: %s", s->intstack,
			  ioth_last_error());
	return k->inside == NULL ? -1 : 0;
}

void rp_stacks_end(struct rp_stacks *k)
{
	if (k->outside != NULL && ioth_delstack(k->outside) < 0)
		dm_report(DM_NOTICE, "cannot end the stack outside: %s", ioth_last_error());
	if (k->inside != NULL && ioth_delstack(k->inside) < 0)
		dm_report(DM_NOTICE, "cannot end the stack inside: %s", ioth_last_error());
}

/* ------------------------------------------------------------------ names */

static bool needs_resolver(const struct rp_settings *s)
{
	unsigned char bytes[16];

	if (s->base == NULL || strchr(s->base, ':') == NULL)
		return true;
	for (size_t i = 0; i < s->n_ports; i++)
		if (strchr(s->ports[i].host, ':') == NULL && inet_pton(AF_INET, s->ports[i].host, bytes) != 1)
			return true;
	return false;
}

static struct iothdns *new_resolver(const struct rp_stacks *k, const struct rp_settings *s)
{
	VS_AUTO_FREE char *known = NULL;

	if (s->dns != NULL)
		return iothdns_init_strcfg(k->inside, s->dns);
	if (k->inside != NULL)
		known = ioth_resolvconf(k->inside, NULL);
	if (known != NULL && *known != '\0')
		return iothdns_init_strcfg(k->inside, known);
	return iothdns_init(k->inside, NULL);
}

static int lookup_base(struct iothdns *dns, const struct rp_settings *s, struct rp_name *name)
{
	const char *text = s->base != NULL ? s->base : dm_base_name(name->text);
	char why[256] = "";
	int r = dm_base_read(dns, text, &name->base, why, sizeof(why));

	if (r < 0)
		dm_report(DM_ERROR, "no base address for %s: %s", name->text, why);
	return r;
}

static int use_address(struct rp_port *p)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)(void *)&p->target;
	struct sockaddr_in *sin = (struct sockaddr_in *)(void *)&p->target;

	if (inet_pton(AF_INET6, p->host, &sin6->sin6_addr) == 1) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(p->inside_number);
		p->target_len = sizeof(*sin6);
		return 0;
	}
	if (inet_pton(AF_INET, p->host, &sin->sin_addr) != 1)
		return -EINVAL;
	sin->sin_family = AF_INET;
	sin->sin_port = htons(p->inside_number);
	p->target_len = sizeof(*sin);
	return 0;
}

static int lookup_target(struct iothdns *dns, struct rp_port *p)
{
	struct addrinfo hints = { .ai_socktype = p->type }, *found;
	char number[8];

	p->target = (struct sockaddr_storage){ 0 };
	if (use_address(p) == 0)
		return 0;
	p->target = (struct sockaddr_storage){ 0 };
	(void)snprintf(number, sizeof(number), "%u", p->inside_number);
	int r = iothdns_getaddrinfo(dns, p->host, number, &hints, &found);
	if (r != 0) {
		dm_report(DM_ERROR, "no address of the server %s inside: %s", p->host,
			  iothdns_gai_strerror(r));
		return -ENOENT;
	}
	memcpy(&p->target, found->ai_addr, found->ai_addrlen);
	p->target_len = found->ai_addrlen;
	iothdns_freeaddrinfo(found);
	return 0;
}

int rp_stacks_lookup(const struct rp_stacks *k, struct rp_settings *s)
{
	struct iothdns *dns = NULL;
	int r = 0;

	if (needs_resolver(s) && (dns = new_resolver(k, s)) == NULL) {
		dm_report(DM_ERROR, "no name servers (--dns): %s", strerror(errno));
		return -1;
	}
	for (size_t i = 0; i < s->n_names; i++)
		r |= lookup_base(dns, s, &s->names[i]);
	for (size_t i = 0; i < s->n_ports; i++)
		r |= lookup_target(dns, &s->ports[i]);
	iothdns_fini(dns);
	return r < 0 ? -1 : 0;
}
