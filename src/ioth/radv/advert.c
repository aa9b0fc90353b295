/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options stand in this order: prefixes, the hardware address, the MTU, as the family's earlier program sends
 * them, and then what that one does not have. Name servers that stand side by side and have the same lifetime
 * share an option.
 */

#include "advert.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/ip6.h"
#include "proto/ndp_build.h"

#define PREFERENCE 0x18u
#define RESERVED_PREFERENCE 0x10u
#define LEAST_MTU 1280
#define LONGEST_PERIOD_S 65535 /* RFC 8319 section 4 */
#define SERVERS_MAX 64

/* ------------------------------------------------------------------ checks */

struct check {
	char *why;
	size_t len;
};

static int wrong(const struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int wrong(const struct check *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(c->why, c->len, format, args);
	va_end(args);
	return -EINVAL;
}

static int check_lists(const struct iothradvd_opts *o, const struct check *c)
{
	if ((o->n_prefixes > 0 && o->prefixes == NULL) || (o->n_routes > 0 && o->routes == NULL) ||
	    (o->n_rdnss > 0 && o->rdnss == NULL) || (o->n_dnssl > 0 && o->dnssl == NULL) ||
	    (o->n_pref64 > 0 && o->pref64 == NULL))
		return wrong(c, "a list is NULL and its length is not 0");
	return 0;
}

static int check_intervals(const struct iothradvd_opts *o, const struct iothradata *d, const struct check *c)
{
	if (o->max_interval > LONGEST_PERIOD_S)
		return wrong(c, "the period is longer than %d s", LONGEST_PERIOD_S);
	if (o->min_interval != 0 && (o->min_interval < 3 || o->min_interval > o->max_interval / 4.0 * 3))
		return wrong(c, "the shortest interval is not between 3 s and 3/4 of the period");
	if (d->router_lifetime != 0 && d->router_lifetime < o->max_interval) /* RFC 4861 section 6.2.1 */
		return wrong(c, "the lifetime of the router, %u s, is shorter than the period, %u s",
			     (unsigned)d->router_lifetime, o->max_interval);
	return 0;
}

static int check_data(const struct iothradata *d, const struct check *c)
{
	if (d->mtu != 0 && d->mtu < LEAST_MTU)
		return wrong(c, "the MTU %u is less than %d", (unsigned)d->mtu, LEAST_MTU);
	if ((d->flags & PREFERENCE) == RESERVED_PREFERENCE)
		return wrong(c, "the flags 0x%02x have a preference that does not exist", d->flags);
	return 0;
}

static int check_prefixes(const struct iothradvd_opts *o, const struct check *c)
{
	for (size_t i = 0; i < o->n_prefixes; i++) {
		const struct iothraprefix *p = &o->prefixes[i];
		const uint8_t *addr = p->prefix.s6_addr;
		if (p->prefixlen > 128)
			return wrong(c, "prefix %zu is longer than 128 bits", i + 1);
		if (p->preferred_time > p->valid_time)
			return wrong(c, "prefix %zu is preferred for longer than it is valid", i + 1);
		if (vs_ip6_is_multicast(addr) || vs_ip6_is_link_local(addr)) /* RFC 4861 section 6.3.4 */
			return wrong(c, "prefix %zu is multicast or link-local", i + 1);
	}
	return 0;
}

static int check_routes(const struct iothradvd_opts *o, const struct check *c)
{
	for (size_t i = 0; i < o->n_routes; i++) {
		const struct iothraroute *r = &o->routes[i];
		if (r->prefixlen > 128)
			return wrong(c, "route %zu is longer than 128 bits", i + 1);
		if ((r->preference & ~PREFERENCE) != 0 || r->preference == RESERVED_PREFERENCE)
			return wrong(c, "route %zu has a preference that does not exist", i + 1);
		if (vs_ip6_is_multicast(r->prefix.s6_addr) || vs_ip6_is_link_local(r->prefix.s6_addr))
			return wrong(c, "route %zu is multicast or link-local", i + 1);
	}
	return 0;
}

static int check_names(const struct iothradvd_opts *o, const struct check *c)
{
	if (o->n_rdnss > SERVERS_MAX)
		return wrong(c, "there are more than %d name servers", SERVERS_MAX);
	for (size_t i = 0; i < o->n_rdnss; i++)
		if (!vs_ip6_is_host(o->rdnss[i].server.s6_addr))
			return wrong(c, "name server %zu has an address that no host can have", i + 1);
	for (size_t i = 0; i < o->n_dnssl; i++)
		if (o->dnssl[i].domain == NULL || !vs_dns_name_valid(o->dnssl[i].domain))
			return wrong(c, "domain %zu is no domain name", i + 1);
	return 0;
}

static int check_others(const struct iothradvd_opts *o, const struct check *c)
{
	for (size_t i = 0; i < o->n_pref64; i++) {
		if (!vs_ndp_pref64_valid(o->pref64[i].prefixlen))
			return wrong(c, "NAT64 prefix %zu has not 96, 64, 56, 48, 40 or 32 bits", i + 1);
		if (o->pref64[i].lifetime > VS_NDP_PREF64_S_MAX)
			return wrong(c, "NAT64 prefix %zu lives longer than %u s", i + 1,
				     VS_NDP_PREF64_S_MAX);
		if (vs_ip6_is_multicast(o->pref64[i].prefix.s6_addr))
			return wrong(c, "NAT64 prefix %zu is multicast", i + 1);
	}
	for (const char *s = o->captive_portal; s != NULL && *s != '\0'; s++)
		if (*s <= ' ' || *s > '~') /* RFC 3986 section 2 */
			return wrong(c,
				     "the URI of the captive portal has a character that URIs do not have");
	if (o->captive_portal != NULL && *o->captive_portal == '\0')
		return wrong(c, "the URI of the captive portal is empty");
	return 0;
}

static int check_all(const struct iothradvd_opts *o, const struct iothradata *d, const struct check *c)
{
	int r = check_lists(o, c);

	if (r == 0)
		r = check_intervals(o, d, c);
	if (r == 0)
		r = check_data(d, c);
	if (r == 0)
		r = check_prefixes(o, c);
	if (r == 0)
		r = check_routes(o, c);
	if (r == 0)
		r = check_names(o, c);
	return r < 0 ? r : check_others(o, c);
}

/* ------------------------------------------------------------------ writing */

static uint32_t left(uint32_t lifetime_s, bool last)
{
	return last ? 0 : lifetime_s;
}

static int8_t preference_of(uint8_t bits)
{
	return bits == IOTHRADVD_HIGH ? VS_NDP_HIGH : bits == IOTHRADVD_LOW ? VS_NDP_LOW : VS_NDP_MEDIUM;
}

static void begin(struct vs_ndp_writer *w, struct radv_message *m, const struct iothradata *d, bool last)
{
	struct vs_ndp_router router = {
		.hop_limit = d->curhoplimit,
		.flags = d->flags,
		.lifetime_s = (uint16_t)left(d->router_lifetime, last),
		.reachable_ms = d->reachable,
		.retransmit_ms = d->retransmit,
	};

	if (router.lifetime_s == 0)
		router.flags &= (uint8_t)~PREFERENCE; /* RFC 4191 section 2.2 */
	vs_ndp_begin_ra(w, m->bytes, sizeof(m->bytes), &router);
}

static void add_prefix(struct vs_ndp_writer *w, const struct iothraprefix *p)
{
	struct vs_ndp_prefix out = {
		.len = p->prefixlen,
		.on_link = (p->flags & IOTHRADVD_ON_LINK) != 0,
		.autonomous = (p->flags & IOTHRADVD_AUTONOMOUS) != 0,
		.valid_s = p->valid_time,
		.preferred_s = p->preferred_time,
	};

	memcpy(out.prefix, &p->prefix, sizeof(out.prefix));
	vs_ndp_add_prefix(w, &out, (p->flags & IOTHRADVD_ROUTER_ADDRESS) != 0);
}

static void add_route(struct vs_ndp_writer *w, const struct iothraroute *r, bool last)
{
	struct vs_ndp_route out = {
		.len = r->prefixlen,
		.preference = preference_of(r->preference),
		.lifetime_s = left(r->lifetime, last),
	};

	memcpy(out.prefix, &r->prefix, sizeof(out.prefix));
	vs_ndp_add_route(w, &out);
}

static void add_servers(struct vs_ndp_writer *w, const struct iothradvd_opts *o, bool last)
{
	uint8_t addrs[SERVERS_MAX][16];

	for (size_t from = 0, i; from < o->n_rdnss; from = i) {
		for (i = from; i < o->n_rdnss && o->rdnss[i].lifetime == o->rdnss[from].lifetime; i++)
			memcpy(addrs[i - from], &o->rdnss[i].server, 16);
		vs_ndp_add_servers(w, addrs, i - from, left(o->rdnss[from].lifetime, last));
	}
}

static int write_message(const struct iothradvd_opts *o, const struct iothradata *d, const uint8_t *mac,
			 bool last, struct radv_message *m)
{
	struct vs_ndp_writer w;

	begin(&w, m, d, last);
	for (size_t i = 0; i < o->n_prefixes; i++)
		add_prefix(&w, &o->prefixes[i]);
	if (mac != NULL)
		vs_ndp_add_mac(&w, mac);
	if (d->mtu != 0)
		vs_ndp_add_mtu(&w, d->mtu);
	for (size_t i = 0; i < o->n_routes; i++)
		add_route(&w, &o->routes[i], last);
	add_servers(&w, o, last);
	for (size_t i = 0; i < o->n_dnssl; i++)
		vs_ndp_add_domain(&w, o->dnssl[i].domain, left(o->dnssl[i].lifetime, last));
	for (size_t i = 0; i < o->n_pref64; i++)
		vs_ndp_add_pref64(&w, o->pref64[i].prefix.s6_addr, o->pref64[i].prefixlen,
				  left(o->pref64[i].lifetime, last));
	if (o->captive_portal != NULL)
		vs_ndp_add_captive(&w, o->captive_portal);
	m->n = vs_ndp_end(&w);
	return m->n > 0 ? 0 : -EMSGSIZE;
}

int radv_adverts_make(const struct iothradvd_opts *o, const uint8_t *mac, struct radv_adverts *out, char *why,
		      size_t len)
{
	static const struct iothradata none;
	const struct iothradata *d = o->data != NULL ? o->data : &none;
	struct radv_adverts made;
	int r = check_all(o, d, &(struct check){ why, len });

	if (r < 0)
		return r;
	if (write_message(o, d, mac, false, &made.usual) < 0 ||
	    write_message(o, d, mac, true, &made.last) < 0) {
		(void)snprintf(why, len, "all that is advertised takes more than %d bytes", RADV_MESSAGE_MAX);
		return -EMSGSIZE;
	}
	made.says_goodbye =
		made.usual.n != made.last.n || memcmp(made.usual.bytes, made.last.bytes, made.usual.n) != 0;
	*out = made;
	return 0;
}
