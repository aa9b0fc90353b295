/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ndp_build.h"

#include <string.h>

#include "be.h"
#include "ip6.h"
#include "ndp_options.h"

#define LONGEST_OPTION (255u * 8)

/* Room for an option, zeroed, with its type and length; NULL: there is none. */
static uint8_t *add_option(struct vs_ndp_writer *w, enum vs_ndp_option type, size_t n)
{
	if (w->full || n > LONGEST_OPTION || w->room - w->n < n) {
		w->full = true;
		return NULL;
	}
	uint8_t *o = w->bytes + w->n;
	memset(o, 0, n);
	o[0] = (uint8_t)type;
	o[1] = (uint8_t)(n / 8);
	w->n += n;
	return o;
}

static size_t in_eights(size_t n)
{
	return (n + 7) / 8 * 8;
}

uint8_t vs_ndp_preference_bits(int8_t preference)
{
	return (uint8_t)((preference & 3) << 3);
}

void vs_ndp_begin_ra(struct vs_ndp_writer *w, uint8_t *out, size_t room, const struct vs_ndp_router *router)
{
	*w = (struct vs_ndp_writer){ .bytes = out, .room = room, .full = room < VS_NDP_RA_FIXED };
	if (w->full)
		return;
	memset(out, 0, VS_NDP_RA_FIXED);
	out[0] = VS_NDP_TYPE_RA;
	out[4] = router->hop_limit;
	out[5] = router->flags;
	vs_be_put16(out + 6, router->lifetime_s);
	vs_be_put32(out + 8, router->reachable_ms);
	vs_be_put32(out + 12, router->retransmit_ms);
	w->n = VS_NDP_RA_FIXED;
}

void vs_ndp_add_prefix(struct vs_ndp_writer *w, const struct vs_ndp_prefix *p, bool router_address)
{
	uint8_t *o = add_option(w, VS_NDP_OPTION_PREFIX, 32);

	if (o == NULL)
		return;
	o[2] = p->len;
	o[3] = (uint8_t)((p->on_link ? VS_NDP_FLAG_ON_LINK : 0) |
			 (p->autonomous ? VS_NDP_FLAG_AUTONOMOUS : 0) |
			 (router_address ? VS_NDP_FLAG_ROUTER_ADDRESS : 0));
	vs_be_put32(o + 4, p->valid_s);
	vs_be_put32(o + 8, p->preferred_s);
	memcpy(o + 16, p->prefix, 16);
	if (!router_address)
		vs_ip6_clear_behind(o + 16, p->len);
}

void vs_ndp_add_route(struct vs_ndp_writer *w, const struct vs_ndp_route *r)
{
	size_t bytes = r->len == 0 ? 0 : r->len <= 64 ? 8 : 16;
	uint8_t *o = add_option(w, VS_NDP_OPTION_ROUTE, 8 + bytes), prefix[16];

	if (o == NULL)
		return;
	memcpy(prefix, r->prefix, sizeof(prefix));
	vs_ip6_clear_behind(prefix, r->len);
	o[2] = r->len;
	o[3] = vs_ndp_preference_bits(r->preference);
	vs_be_put32(o + 4, r->lifetime_s);
	memcpy(o + 8, prefix, bytes);
}

void vs_ndp_add_servers(struct vs_ndp_writer *w, const uint8_t (*addrs)[16], size_t n, uint32_t lifetime_s)
{
	uint8_t *o = n > 0 ? add_option(w, VS_NDP_OPTION_RDNSS, 8 + 16 * n) : NULL;

	if (o == NULL)
		return;
	vs_be_put32(o + 4, lifetime_s);
	memcpy(o + 8, addrs, 16 * n);
}

void vs_ndp_add_domain(struct vs_ndp_writer *w, const char *name, uint32_t lifetime_s)
{
	uint8_t wire[VS_DNS_NAME_WIRE];
	size_t n = vs_dns_name_encode(name, wire);
	uint8_t *o = n > 0 ? add_option(w, VS_NDP_OPTION_DNSSL, 8 + in_eights(n)) : NULL;

	if (o == NULL)
		return;
	vs_be_put32(o + 4, lifetime_s);
	memcpy(o + 8, wire, n);
}

void vs_ndp_add_mac(struct vs_ndp_writer *w, const uint8_t mac[6])
{
	uint8_t *o = add_option(w, VS_NDP_OPTION_SOURCE_MAC, 8);

	if (o != NULL)
		memcpy(o + 2, mac, 6);
}

void vs_ndp_add_mtu(struct vs_ndp_writer *w, uint32_t mtu)
{
	uint8_t *o = add_option(w, VS_NDP_OPTION_MTU, 8);

	if (o != NULL)
		vs_be_put32(o + 4, mtu);
}

void vs_ndp_add_captive(struct vs_ndp_writer *w, const char *uri)
{
	size_t n = strlen(uri);
	uint8_t *o = add_option(w, VS_NDP_OPTION_CAPTIVE, in_eights(2 + n));

	if (o != NULL)
		memcpy(o + 2, uri, n); /* padded with NULs: RFC 8910 section 2.3 */
}

/* The length code of RFC 8781 section 4, -1: there is none. */
static int length_code(unsigned len)
{
	static const uint8_t lengths[] = { 96, 64, 56, 48, 40, 32 };

	for (unsigned i = 0; i < sizeof(lengths); i++)
		if (lengths[i] == len)
			return (int)i;
	return -1;
}

bool vs_ndp_pref64_valid(unsigned len)
{
	return length_code(len) >= 0;
}

void vs_ndp_add_pref64(struct vs_ndp_writer *w, const uint8_t prefix[16], unsigned len, uint32_t lifetime_s)
{
	int code = length_code(len);
	uint8_t *o = code >= 0 ? add_option(w, VS_NDP_OPTION_PREF64, 16) : NULL, whole[16];

	if (o == NULL)
		return;
	memcpy(whole, prefix, sizeof(whole));
	vs_ip6_clear_behind(whole, len);
	uint32_t scaled = (lifetime_s > VS_NDP_PREF64_S_MAX ? VS_NDP_PREF64_S_MAX : lifetime_s) + 7;
	vs_be_put16(o + 2, (uint16_t)(scaled / 8 << 3 | (unsigned)code));
	memcpy(o + 4, whole, 12);
}

size_t vs_ndp_end(const struct vs_ndp_writer *w)
{
	return w->full ? 0 : w->n;
}

size_t vs_ndp_ra_encode(uint8_t *out, size_t room, const struct vs_ndp_ra *ra)
{
	struct vs_ndp_router router = {
		.hop_limit = ra->hop_limit,
		.flags = (uint8_t)((ra->managed ? VS_NDP_FLAG_MANAGED : 0) |
				   (ra->other ? VS_NDP_FLAG_OTHER : 0) |
				   vs_ndp_preference_bits(ra->preference)),
		.lifetime_s = ra->lifetime_s,
		.reachable_ms = ra->reachable_ms,
		.retransmit_ms = ra->retransmit_ms,
	};
	struct vs_ndp_writer w;

	vs_ndp_begin_ra(&w, out, room, &router);
	for (unsigned i = 0; i < ra->n_prefixes; i++)
		vs_ndp_add_prefix(&w, &ra->prefixes[i], false);
	for (unsigned i = 0; i < ra->n_routes; i++)
		vs_ndp_add_route(&w, &ra->routes[i]);
	for (unsigned i = 0; i < ra->n_dns; i++)
		vs_ndp_add_servers(&w, &ra->dns[i].addr, 1, ra->dns[i].lifetime_s);
	for (unsigned i = 0; i < ra->n_search; i++)
		vs_ndp_add_domain(&w, ra->search[i].name, ra->search[i].lifetime_s);
	if (ra->has_mac)
		vs_ndp_add_mac(&w, ra->mac);
	if (ra->mtu != 0)
		vs_ndp_add_mtu(&w, ra->mtu);
	return vs_ndp_end(&w);
}
