/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "local.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "addresses.h"
#include "literal.h"
#include "lookup.h"
#include "name.h"
#include "net.h"
#include "outcome.h"
#include "resolver.h"

bool vs_local_addrconfig(struct vdestack_dns_lookup *l)
{
	bool v4, v6;

	if (!(l->hints.ai_flags & AI_ADDRCONFIG))
		return true;
	v4 = vs_resolver_has_family(l->dns, AF_INET);
	v6 = vs_resolver_has_family(l->dns, AF_INET6);
	if (l->hints.ai_family == AF_UNSPEC) {
		if (v4 != v6)
			l->hints.ai_family = v4 ? AF_INET : AF_INET6;
		return true;
	}
	if (l->hints.ai_family == AF_INET ? v4 : v6)
		return true;
	if (vs_outcome_wants_mapped(l) && v4)
		return true;
	vs_outcome_fail(l, EAI_NONAME, "the stack has no IPv%d address (AI_ADDRCONFIG)",
			l->hints.ai_family == AF_INET ? 4 : 6);
	return false;
}

/* Both families of a fixed address, as far as they are wanted. canonical: NULL if no node was given. */
static void succeed_fixed(struct vdestack_dns_lookup *l, const struct in6_addr *v6, uint32_t v4,
			  bool v4_first, const char *canonical)
{
	struct vs_addresses a = { 0 };
	bool mapped = canonical != NULL && vs_outcome_wants_mapped(l) && l->hints.ai_flags & AI_ALL;
	int err = 0;

	v4 = htonl(v4);
	if (vs_outcome_wants(l, AF_INET) && v4_first)
		err |= vs_addresses_add(&a, AF_INET, &v4, 0);
	if (vs_outcome_wants(l, AF_INET6))
		err |= vs_addresses_add(&a, AF_INET6, v6, 0);
	if (mapped || (vs_outcome_wants(l, AF_INET) && !v4_first))
		err |= vs_addresses_add(&a, AF_INET, &v4, 0);
	if (err < 0) {
		vs_addresses_free(&a);
		vs_outcome_fail_errno(l, ENOMEM);
		return;
	}
	vs_outcome_succeed(l, &a, false, mapped, canonical);
}

void vs_local_no_node(struct vdestack_dns_lookup *l)
{
	bool passive = l->hints.ai_flags & AI_PASSIVE;

	if (vs_local_addrconfig(l))
		succeed_fixed(l, passive ? &in6addr_any : &in6addr_loopback,
			      passive ? INADDR_ANY : INADDR_LOOPBACK, passive, NULL);
}

bool vs_local_literal(struct vdestack_dns_lookup *l)
{
	struct vs_literal literal;
	struct vs_addresses a = { 0 };
	int err = vs_literal_parse(vs_resolver_net(l->dns), l->name, &literal);

	if (err < 0) {
		if (err == -EINVAL)
			return false;
		vs_outcome_fail(l, EAI_NONAME, "%s: the stack has no interface of that name", l->name);
		return true;
	}
	/* An IPv4 address in the form of IPv6 is one, if that is asked for. */
	if (l->hints.ai_family == AF_INET && literal.family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)literal.bytes)) {
		literal.family = AF_INET;
		memmove(literal.bytes, literal.bytes + 12, 4);
	}
	bool mapped = literal.family == AF_INET && vs_outcome_wants_mapped(l);
	if (!vs_outcome_wants(l, literal.family) && !mapped) {
		vs_outcome_fail(l, EAI_ADDRFAMILY, "%s is no IPv%d address", l->name,
				l->hints.ai_family == AF_INET ? 4 : 6);
		return true;
	}
	if (vs_addresses_add(&a, literal.family, literal.bytes, literal.scope_id) < 0)
		vs_outcome_fail_errno(l, ENOMEM);
	else
		vs_outcome_succeed(l, &a, false, mapped, l->name);
	return true;
}

bool vs_local_hosts(struct vdestack_dns_lookup *l)
{
	struct vs_host hosts[64];
	char canonical[256] = "";
	struct vs_addresses a = { 0 };
	int family = vs_outcome_wants_mapped(l) ? AF_UNSPEC : l->hints.ai_family;
	size_t n = vs_resolver_hosts_find(l->dns, l->name, family, hosts, 64, canonical);
	int err = 0;

	for (size_t i = 0; i < n; i++)
		err |= vs_addresses_add(&a, hosts[i].family, hosts[i].bytes, 0);
	if (err < 0) {
		vs_addresses_free(&a);
		vs_outcome_fail_errno(l, ENOMEM);
		return true;
	}
	if (a.n == 0) {
		vs_addresses_free(&a);
		return false; /* a name server may know one of the wanted family */
	}
	bool mapped = vs_outcome_choose_mapped(l, &a);
	vs_outcome_succeed(l, &a, true, mapped, canonical[0] != '\0' ? canonical : l->name);
	return true;
}

bool vs_local_absent(struct vdestack_dns_lookup *l)
{
	if (!vs_name_ends_in(l->name, "invalid") && !vs_name_ends_in(l->name, "onion"))
		return false;
	vs_outcome_fail(l, EAI_NONAME, "%s: names of this kind are not in the DNS", l->name);
	return true;
}

bool vs_local_special(struct vdestack_dns_lookup *l)
{
	if (vs_name_ends_in(l->name, "localhost")) {
		if (vs_local_addrconfig(l))
			succeed_fixed(l, &in6addr_loopback, INADDR_LOOPBACK, false, l->name);
		return true;
	}
	return vs_local_absent(l);
}
