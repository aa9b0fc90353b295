/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Router solicitations and advertisements.
 *
 * A message whose options are not in order is refused whole (RFC 4861 section 6.1.2). An option that is in
 * order and has impossible content is skipped, and so are options of unknown types.
 */

#include "ndp.h"

#include <string.h>

#include "be.h"
#include "ip6.h"

#define TYPE_RS 133
#define TYPE_RA 134
#define RA_FIXED 16

enum option {
	OPTION_SOURCE_MAC = 1,
	OPTION_PREFIX = 3,
	OPTION_MTU = 5,
	OPTION_ROUTE = 24,
	OPTION_RDNSS = 25,
	OPTION_DNSSL = 31,
};

#define FLAG_MANAGED 0x80u
#define FLAG_OTHER 0x40u
#define FLAG_ON_LINK 0x80u
#define FLAG_AUTONOMOUS 0x40u

size_t vs_ndp_rs_encode(uint8_t out[VS_NDP_RS_MAX], const uint8_t *mac)
{
	memset(out, 0, VS_NDP_RS_MAX);
	out[0] = TYPE_RS;
	if (mac == NULL)
		return 8;
	out[8] = OPTION_SOURCE_MAC;
	out[9] = 1;
	memcpy(out + 10, mac, 6);
	return 16;
}

/* ------------------------------------------------------------------ parsing */

/* The two bits at 3 and 4 of a byte of flags. False: the reserved value. */
static bool read_preference(uint8_t flags, int8_t *out)
{
	static const int8_t values[4] = { VS_NDP_MEDIUM, VS_NDP_HIGH, VS_NDP_MEDIUM, VS_NDP_LOW };

	*out = values[flags >> 3 & 3];
	return (flags >> 3 & 3) != 2;
}

/* The first len bits of a prefix of which n bytes are there, the others zero. */
static void read_prefix(uint8_t out[16], const uint8_t *bytes, size_t n, unsigned len)
{
	memset(out, 0, 16);
	memcpy(out, bytes, n);
	vs_ip6_clear_behind(out, len);
}

/* An option: its bytes from the type on, n of them, at least 8. False: the content is impossible. */
typedef bool read_option(const uint8_t *o, size_t n, struct vs_ndp_ra *ra);

static bool read_source_mac(const uint8_t *o, size_t n, struct vs_ndp_ra *ra)
{
	if (n != 8)
		return false;
	ra->has_mac = true;
	memcpy(ra->mac, o + 2, 6);
	return true;
}

static bool read_prefix_option(const uint8_t *o, size_t n, struct vs_ndp_ra *ra)
{
	struct vs_ndp_prefix p;

	if (n != 32 || o[2] > 128 || vs_be_get32(o + 8) > vs_be_get32(o + 4))
		return false; /* a longer preferred lifetime: RFC 4862 section 5.5.3 c */
	memset(&p, 0, sizeof(p));
	read_prefix(p.prefix, o + 16, 16, o[2]);
	if (vs_ip6_is_multicast(o + 16) || vs_ip6_is_link_local(o + 16) || vs_ip6_is_link_local(p.prefix))
		return false; /* RFC 4861 section 6.3.4 */
	p.len = o[2];
	p.on_link = (o[3] & FLAG_ON_LINK) != 0;
	p.autonomous = (o[3] & FLAG_AUTONOMOUS) != 0;
	p.valid_s = vs_be_get32(o + 4);
	p.preferred_s = vs_be_get32(o + 8);
	if (ra->n_prefixes == VS_NDP_PREFIXES_MAX)
		ra->surplus++;
	else
		ra->prefixes[ra->n_prefixes++] = p;
	return true;
}

static bool read_mtu(const uint8_t *o, size_t n, struct vs_ndp_ra *ra)
{
	if (n != 8 || vs_be_get32(o + 4) < 1280) /* the least that IPv6 allows */
		return false;
	ra->mtu = vs_be_get32(o + 4);
	return true;
}

static bool read_route(const uint8_t *o, size_t n, struct vs_ndp_ra *ra)
{
	struct vs_ndp_route r;

	memset(&r, 0, sizeof(r));
	if (n > 24 || o[2] > 128 || o[2] > (n - 8) * 8 || !read_preference(o[3], &r.preference))
		return false;
	read_prefix(r.prefix, o + 8, n - 8, o[2]);
	r.len = o[2];
	r.lifetime_s = vs_be_get32(o + 4);
	if (ra->n_routes == VS_NDP_ROUTES_MAX)
		ra->surplus++;
	else
		ra->routes[ra->n_routes++] = r;
	return true;
}

static bool read_rdnss(const uint8_t *o, size_t n, struct vs_ndp_ra *ra)
{
	bool good = true;

	if (n < 24 || n % 16 != 8)
		return false;
	for (size_t at = 8; at < n; at += 16) {
		if (!vs_ip6_is_host(o + at)) {
			good = false;
		} else if (ra->n_dns == VS_NDP_DNS_MAX) {
			ra->surplus++;
		} else {
			struct vs_ndp_server *s = &ra->dns[ra->n_dns++];
			memcpy(s->addr, o + at, 16);
			s->lifetime_s = vs_be_get32(o + 4);
		}
	}
	return good;
}

static bool read_dnssl(const uint8_t *o, size_t n, struct vs_ndp_ra *ra)
{
	char name[VS_DNS_NAME_TEXT];

	if (n < 16)
		return false;
	for (size_t at = 8, taken; at < n; at += taken) { /* first all must be names */
		taken = vs_dns_name_decode(o, n, at, 0, name);
		if (taken == 0)
			return false;
	}
	for (size_t at = 8; at < n;) {
		at += vs_dns_name_decode(o, n, at, 0, name);
		if (name[0] == '\0')
			continue; /* padding */
		if (ra->n_search == VS_NDP_SEARCH_MAX) {
			ra->surplus++;
			continue;
		}
		struct vs_ndp_domain *d = &ra->search[ra->n_search++];
		memcpy(d->name, name, strlen(name) + 1);
		d->lifetime_s = vs_be_get32(o + 4);
	}
	return true;
}

static read_option *reader_of(uint8_t type)
{
	switch (type) {
	case OPTION_SOURCE_MAC:
		return read_source_mac;
	case OPTION_PREFIX:
		return read_prefix_option;
	case OPTION_MTU:
		return read_mtu;
	case OPTION_ROUTE:
		return read_route;
	case OPTION_RDNSS:
		return read_rdnss;
	case OPTION_DNSSL:
		return read_dnssl;
	default:
		return NULL;
	}
}

/* The options fill the message exactly, and none has length 0. */
static bool in_order(const uint8_t *bytes, size_t n)
{
	size_t at = RA_FIXED;

	while (n - at >= 2 && bytes[at + 1] != 0 && bytes[at + 1] * 8u <= n - at)
		at += bytes[at + 1] * 8u;
	return at == n;
}

static void read_fixed(const uint8_t *bytes, struct vs_ndp_ra *ra)
{
	memset(ra, 0, sizeof(*ra));
	ra->hop_limit = bytes[4];
	ra->managed = (bytes[5] & FLAG_MANAGED) != 0;
	ra->other = (bytes[5] & FLAG_OTHER) != 0;
	(void)read_preference(bytes[5], &ra->preference); /* reserved: medium, RFC 4191 section 2.2 */
	ra->lifetime_s = vs_be_get16(bytes + 6);
	ra->reachable_ms = vs_be_get32(bytes + 8);
	ra->retransmit_ms = vs_be_get32(bytes + 12);
}

enum vs_ndp_result vs_ndp_ra_parse(const uint8_t *bytes, size_t n, struct vs_ndp_ra *out)
{
	if (n < RA_FIXED)
		return VS_NDP_SHORT;
	if (bytes[0] != TYPE_RA || bytes[1] != 0)
		return VS_NDP_KIND;
	if (!in_order(bytes, n))
		return VS_NDP_OPTION;
	read_fixed(bytes, out);
	for (size_t at = RA_FIXED; at < n; at += bytes[at + 1] * 8u) {
		read_option *reader = reader_of(bytes[at]);
		if (reader != NULL && !reader(bytes + at, bytes[at + 1] * 8u, out))
			out->refused++;
	}
	return VS_NDP_OK;
}

/* ------------------------------------------------------------------ encoding */

struct writer {
	uint8_t *bytes;
	size_t n, room;
	bool full;
};

/* Room for an option, zeroed, with its type and length; NULL: there is none. */
static uint8_t *add_option(struct writer *w, enum option type, size_t n)
{
	uint8_t *o = w->bytes + w->n;

	if (w->full || w->room - w->n < n) {
		w->full = true;
		return NULL;
	}
	memset(o, 0, n);
	o[0] = (uint8_t)type;
	o[1] = (uint8_t)(n / 8);
	w->n += n;
	return o;
}

static uint8_t preference_bits(int8_t preference)
{
	return (uint8_t)((preference & 3) << 3);
}

static void add_prefix(struct writer *w, const struct vs_ndp_prefix *p)
{
	uint8_t *o = add_option(w, OPTION_PREFIX, 32);

	if (o == NULL)
		return;
	o[2] = p->len;
	o[3] = (uint8_t)((p->on_link ? FLAG_ON_LINK : 0) | (p->autonomous ? FLAG_AUTONOMOUS : 0));
	vs_be_put32(o + 4, p->valid_s);
	vs_be_put32(o + 8, p->preferred_s);
	memcpy(o + 16, p->prefix, 16);
}

static void add_route(struct writer *w, const struct vs_ndp_route *r)
{
	size_t bytes = r->len == 0 ? 0 : r->len <= 64 ? 8 : 16;
	uint8_t *o = add_option(w, OPTION_ROUTE, 8 + bytes);

	if (o == NULL)
		return;
	o[2] = r->len;
	o[3] = preference_bits(r->preference);
	vs_be_put32(o + 4, r->lifetime_s);
	memcpy(o + 8, r->prefix, bytes);
}

static void add_server(struct writer *w, const struct vs_ndp_server *s)
{
	uint8_t *o = add_option(w, OPTION_RDNSS, 24);

	if (o == NULL)
		return;
	vs_be_put32(o + 4, s->lifetime_s);
	memcpy(o + 8, s->addr, 16);
}

static void add_domain(struct writer *w, const struct vs_ndp_domain *d)
{
	uint8_t wire[VS_DNS_NAME_WIRE];
	size_t n = vs_dns_name_encode(d->name, wire);
	uint8_t *o = n > 0 ? add_option(w, OPTION_DNSSL, 8 + (n + 7) / 8 * 8) : NULL;

	if (o == NULL)
		return;
	vs_be_put32(o + 4, d->lifetime_s);
	memcpy(o + 8, wire, n);
}

static void add_fixed(struct writer *w, const struct vs_ndp_ra *ra)
{
	uint8_t *o = w->bytes;

	memset(o, 0, RA_FIXED);
	o[0] = TYPE_RA;
	o[4] = ra->hop_limit;
	o[5] = (uint8_t)((ra->managed ? FLAG_MANAGED : 0) | (ra->other ? FLAG_OTHER : 0) |
			 preference_bits(ra->preference));
	vs_be_put16(o + 6, ra->lifetime_s);
	vs_be_put32(o + 8, ra->reachable_ms);
	vs_be_put32(o + 12, ra->retransmit_ms);
	w->n = RA_FIXED;
}

size_t vs_ndp_ra_encode(uint8_t *out, size_t room, const struct vs_ndp_ra *ra)
{
	struct writer w = { .bytes = out, .room = room };
	uint8_t *o;

	if (room < RA_FIXED)
		return 0;
	add_fixed(&w, ra);
	for (unsigned i = 0; i < ra->n_prefixes; i++)
		add_prefix(&w, &ra->prefixes[i]);
	for (unsigned i = 0; i < ra->n_routes; i++)
		add_route(&w, &ra->routes[i]);
	for (unsigned i = 0; i < ra->n_dns; i++)
		add_server(&w, &ra->dns[i]);
	for (unsigned i = 0; i < ra->n_search; i++)
		add_domain(&w, &ra->search[i]);
	if (ra->has_mac && (o = add_option(&w, OPTION_SOURCE_MAC, 8)) != NULL)
		memcpy(o + 2, ra->mac, 6);
	if (ra->mtu != 0 && (o = add_option(&w, OPTION_MTU, 8)) != NULL)
		vs_be_put32(o + 4, ra->mtu);
	return w.full ? 0 : w.n;
}
