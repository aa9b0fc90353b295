/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lookups of a dial: one for each family, or one for both if no server has to be asked. */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "addresses.h"
#include "dial_state.h"
#include "edge.h"
#include "name.h"
#include <vdestack/dns.h>

static enum vs_race_family family_of(const struct addrinfo *info)
{
	return info->ai_family == AF_INET6 ? VS_RACE_IP6 : VS_RACE_IP4;
}

/* Reports the addresses of one family to the race. */
static void report_family(struct vdestack_dial *d, enum vs_race_family family, const struct addrinfo *list)
{
	union vs_race_addr addrs[VS_RACE_FAMILY_MAX];
	size_t n = 0;

	memset(addrs, 0, sizeof(addrs));
	for (const struct addrinfo *info = list; info != NULL && n < VS_RACE_FAMILY_MAX; info = info->ai_next)
		if (family_of(info) == family && info->ai_addrlen <= sizeof(addrs[0]))
			memcpy(&addrs[n++], info->ai_addr, info->ai_addrlen);
	vs_race_answer(&d->race, vs_dial_now_ms(), family, addrs, n);
}

static int add_first(const struct vdestack_dial *d, enum vs_race_family family, struct vs_addresses *a)
{
	const union vs_race_addr *addr = vs_race_first(&d->race, family);

	if (addr == NULL)
		return -ENOENT;
	if (family == VS_RACE_IP4)
		return vs_addresses_add(a, AF_INET, &addr->in.sin_addr, 0);
	return vs_addresses_add(a, AF_INET6, &addr->in6.sin6_addr, addr->in6.sin6_scope_id);
}

static enum vs_race_family family_of_dest(const struct vs_dest *dest)
{
	struct in6_addr addr;

	memcpy(&addr, dest->addr, sizeof(addr));
	return IN6_IS_ADDR_V4MAPPED(&addr) ? VS_RACE_IP4 : VS_RACE_IP6;
}

/* If both families have come before the first attempt, RFC 6724 says which begins (RFC 8305 section 4). */
static void choose_family(struct vdestack_dial *d)
{
	struct vs_addresses a = { 0 };

	if (!d->race.begun && add_first(d, VS_RACE_IP6, &a) == 0 && add_first(d, VS_RACE_IP4, &a) == 0 &&
	    vs_addresses_sort(&a, vdestack_dns_of(d->stack)) == 0)
		vs_race_prefer(&d->race, family_of_dest(&a.list[0]));
	vs_addresses_free(&a);
}

static void report(struct vdestack_dial *d, enum vs_race_family family, const struct addrinfo *list)
{
	report_family(d, family, list);
	if (d->both)
		report_family(d, VS_RACE_IP4, list);
	choose_family(d);
}

static void keep_failure(struct vs_dial_lookup *lookup, int code)
{
	lookup->code = code;
	lookup->err = vs_dns_errno_of(code);
	(void)snprintf(lookup->why, sizeof(lookup->why), "%s", vdestack_dns_last_error());
}

int vs_dial_advance_lookup(struct vdestack_dial *d, enum vs_race_family family)
{
	struct vs_dial_lookup *lookup = &d->lookups[family];
	struct addrinfo *list = NULL;

	if (lookup->lookup == NULL)
		return 0;
	vs_dial_unwatch(d, vdestack_dns_fd(lookup->lookup)); /* finish may close it */
	int r = vdestack_dns_finish(lookup->lookup, &list);
	if (r == 0)
		return vs_dial_watch(d, vdestack_dns_fd(lookup->lookup), EPOLLIN, VS_DIAL_LOOKUP(family));
	lookup->lookup = NULL;
	if (r < 0)
		keep_failure(lookup, r);
	report(d, family, list);
	vdestack_freeaddrinfo(list);
	return 0;
}

/* A family that the stack has no address of is not asked for. Loopback addresses are always there. */
static int flags_of(const struct vs_endpoint *to)
{
	if (to->numeric)
		return AI_NUMERICHOST;
	return to->host[0] == '\0' || vs_name_ends_in(to->host, "localhost") ? 0 : AI_ADDRCONFIG;
}

static int start_lookup(struct vdestack_dial *d, enum vs_race_family family, int ai_family)
{
	const struct addrinfo hints = {
		.ai_family = ai_family,
		.ai_socktype = d->to.type,
		.ai_protocol = d->to.protocol,
		.ai_flags = flags_of(&d->to),
	};
	struct vdestack_dns *dns = vdestack_dns_of(d->stack);

	d->lookups[family].lookup =
		dns == NULL ? NULL :
			      vdestack_dns_start(dns, d->to.host[0] != '\0' ? d->to.host : NULL,
						 d->to.service, &hints);
	return d->lookups[family].lookup == NULL ? -errno : 0;
}

/* The question for IPv6 addresses goes first (RFC 8305 section 3). */
int vs_dial_start_lookups(struct vdestack_dial *d)
{
	int r;

	d->both = d->to.numeric || d->to.host[0] == '\0';
	if (d->both)
		return start_lookup(d, VS_RACE_IP6, d->to.family);
	r = d->to.family != AF_INET ? start_lookup(d, VS_RACE_IP6, AF_INET6) : 0;
	if (r == 0 && d->to.family != AF_INET6)
		r = start_lookup(d, VS_RACE_IP4, AF_INET);
	return r;
}
