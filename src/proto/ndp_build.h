/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_NDP_BUILD_H
#define VS_PROTO_NDP_BUILD_H

/*
 * Router advertisements, written piece by piece in the order of the calls. A writer that has no room for a
 * piece leaves it out, and its end reports that. The checksum stays 0.
 *
 *     struct vs_ndp_writer w;
 *
 *     vs_ndp_begin_ra(&w, bytes, sizeof(bytes), &router);
 *     vs_ndp_add_mtu(&w, 1400);
 *     size_t n = vs_ndp_end(&w);
 */

#include "ndp.h"

struct vs_ndp_writer {
	uint8_t *bytes;
	size_t n, room;
	bool full;
};

/* What is in front of the options. */
struct vs_ndp_router {
	uint8_t hop_limit;
	uint8_t flags; /* as on the wire */
	uint16_t lifetime_s;
	uint32_t reachable_ms, retransmit_ms;
};

/* The bits of a preference in the flags of a router and of a route. */
uint8_t vs_ndp_preference_bits(int8_t preference);

void vs_ndp_begin_ra(struct vs_ndp_writer *w, uint8_t *out, size_t room, const struct vs_ndp_router *router);
/* The R flag: the prefix has all bits of an address of the router (RFC 6275 section 7.2). */
void vs_ndp_add_prefix(struct vs_ndp_writer *w, const struct vs_ndp_prefix *p, bool router_address);
void vs_ndp_add_route(struct vs_ndp_writer *w, const struct vs_ndp_route *r);
void vs_ndp_add_servers(struct vs_ndp_writer *w, const uint8_t (*addrs)[16], size_t n, uint32_t lifetime_s);
/* A name that is not valid is left out. */
void vs_ndp_add_domain(struct vs_ndp_writer *w, const char *name, uint32_t lifetime_s);
void vs_ndp_add_mac(struct vs_ndp_writer *w, const uint8_t mac[6]);
void vs_ndp_add_mtu(struct vs_ndp_writer *w, uint32_t mtu);
/* RFC 8910. A text that fits into no option makes the writer full. */
void vs_ndp_add_captive(struct vs_ndp_writer *w, const char *uri);

#define VS_NDP_PREF64_S_MAX 65528u /* 8191 times 8 */

/* len: 96, 64, 56, 48, 40 or 32 (RFC 8781). The lifetime is rounded up to a multiple of 8. */
bool vs_ndp_pref64_valid(unsigned len);
void vs_ndp_add_pref64(struct vs_ndp_writer *w, const uint8_t prefix[16], unsigned len, uint32_t lifetime_s);

/* The length of the message, 0 if something had no room. */
size_t vs_ndp_end(const struct vs_ndp_writer *w);

#endif
