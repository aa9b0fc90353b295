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
#include "ndp_options.h"

size_t vs_ndp_rs_encode(uint8_t out[VS_NDP_RS_MAX], const uint8_t *mac)
{
	memset(out, 0, VS_NDP_RS_MAX);
	out[0] = VS_NDP_TYPE_RS;
	if (mac == NULL)
		return 8;
	out[8] = VS_NDP_OPTION_SOURCE_MAC;
	out[9] = 1;
	memcpy(out + 10, mac, 6);
	return 16;
}

enum vs_ndp_result vs_ndp_rs_parse(const uint8_t *bytes, size_t n, const uint8_t from[16],
				   struct vs_ndp_rs *out)
{
	if (n < VS_NDP_RS_FIXED)
		return VS_NDP_SHORT;
	if (bytes[0] != VS_NDP_TYPE_RS || bytes[1] != 0)
		return VS_NDP_KIND;
	if (!vs_ndp_in_order(bytes, n, VS_NDP_RS_FIXED))
		return VS_NDP_OPTION;
	if (vs_ip6_is_unspecified(from) &&
	    vs_ndp_has_option(bytes, n, VS_NDP_RS_FIXED, VS_NDP_OPTION_SOURCE_MAC))
		return VS_NDP_SENDER; /* RFC 4861 section 6.1.1 */
	const uint8_t *mac = vs_ndp_short_option(bytes, n, VS_NDP_RS_FIXED, VS_NDP_OPTION_SOURCE_MAC);
	memset(out, 0, sizeof(*out));
	out->has_mac = mac != NULL;
	if (mac != NULL)
		memcpy(out->mac, mac, 6);
	return VS_NDP_OK;
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
	p.on_link = (o[3] & VS_NDP_FLAG_ON_LINK) != 0;
	p.autonomous = (o[3] & VS_NDP_FLAG_AUTONOMOUS) != 0;
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
	case VS_NDP_OPTION_SOURCE_MAC:
		return read_source_mac;
	case VS_NDP_OPTION_PREFIX:
		return read_prefix_option;
	case VS_NDP_OPTION_MTU:
		return read_mtu;
	case VS_NDP_OPTION_ROUTE:
		return read_route;
	case VS_NDP_OPTION_RDNSS:
		return read_rdnss;
	case VS_NDP_OPTION_DNSSL:
		return read_dnssl;
	default:
		return NULL;
	}
}

static void read_fixed(const uint8_t *bytes, struct vs_ndp_ra *ra)
{
	memset(ra, 0, sizeof(*ra));
	ra->hop_limit = bytes[4];
	ra->managed = (bytes[5] & VS_NDP_FLAG_MANAGED) != 0;
	ra->other = (bytes[5] & VS_NDP_FLAG_OTHER) != 0;
	(void)read_preference(bytes[5], &ra->preference); /* reserved: medium, RFC 4191 section 2.2 */
	ra->lifetime_s = vs_be_get16(bytes + 6);
	ra->reachable_ms = vs_be_get32(bytes + 8);
	ra->retransmit_ms = vs_be_get32(bytes + 12);
}

enum vs_ndp_result vs_ndp_ra_parse(const uint8_t *bytes, size_t n, struct vs_ndp_ra *out)
{
	if (n < VS_NDP_RA_FIXED)
		return VS_NDP_SHORT;
	if (bytes[0] != VS_NDP_TYPE_RA || bytes[1] != 0)
		return VS_NDP_KIND;
	if (!vs_ndp_in_order(bytes, n, VS_NDP_RA_FIXED))
		return VS_NDP_OPTION;
	read_fixed(bytes, out);
	for (size_t at = VS_NDP_RA_FIXED; at < n; at += bytes[at + 1] * 8u) {
		read_option *reader = reader_of(bytes[at]);
		if (reader != NULL && !reader(bytes + at, bytes[at + 1] * 8u, out))
			out->refused++;
	}
	return VS_NDP_OK;
}
