/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_NDP_H
#define VS_PROTO_NDP_H

/*
 * Router solicitations and advertisements (RFC 4861), with the options of RFC 4191 (routes, preference) and
 * RFC 8106 (name servers, search lists). The bytes are ICMPv6 messages from their type on. Their checksum is
 * the kernel's work.
 *
 * Lifetimes are seconds; VS_NDP_FOREVER is 0xffffffff, as on the wire.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns_name.h"

#define VS_NDP_FOREVER UINT32_MAX
#define VS_NDP_PREFIXES_MAX 16
#define VS_NDP_ROUTES_MAX 16
#define VS_NDP_DNS_MAX 8
#define VS_NDP_SEARCH_MAX 8

enum vs_ndp_result {
	VS_NDP_OK,
	VS_NDP_SHORT,  /* shorter than its fixed part */
	VS_NDP_KIND,   /* another type, or a code that is not 0 */
	VS_NDP_OPTION, /* an option has length 0, or ends behind the message; or a target is no address */
	VS_NDP_SENDER, /* it has a hardware address, and comes from "::" */
};

/* As bits on the wire; 10 is reserved. */
enum vs_ndp_preference {
	VS_NDP_LOW = -1,
	VS_NDP_MEDIUM = 0,
	VS_NDP_HIGH = 1,
};

struct vs_ndp_prefix {
	uint8_t prefix[16]; /* bits behind the length are zero */
	uint8_t len;
	bool on_link, autonomous;
	uint32_t valid_s, preferred_s; /* preferred_s is not longer */
};

struct vs_ndp_route {
	uint8_t prefix[16];
	uint8_t len;
	int8_t preference; /* enum vs_ndp_preference */
	uint32_t lifetime_s;
};

struct vs_ndp_server {
	uint8_t addr[16];
	uint32_t lifetime_s;
};

struct vs_ndp_domain {
	char name[VS_DNS_NAME_TEXT];
	uint32_t lifetime_s;
};

struct vs_ndp_ra {
	uint8_t hop_limit;   /* for packets of the host; 0: nothing said */
	bool managed, other; /* the M flag, the O flag */
	int8_t preference;   /* of the default router */
	uint16_t lifetime_s; /* of the default router; 0: it is none */
	uint32_t reachable_ms, retransmit_ms;
	bool has_mac;
	uint8_t mac[6]; /* of the sender */
	uint32_t mtu;   /* 0: nothing said */
	unsigned n_prefixes, n_routes, n_dns, n_search;
	struct vs_ndp_prefix prefixes[VS_NDP_PREFIXES_MAX];
	struct vs_ndp_route routes[VS_NDP_ROUTES_MAX];
	struct vs_ndp_server dns[VS_NDP_DNS_MAX];
	struct vs_ndp_domain search[VS_NDP_SEARCH_MAX];
	unsigned refused; /* options with impossible content: the rest of the message counts */
	unsigned surplus; /* entries without room above */
};

#define VS_NDP_RS_MAX 16

/* A solicitation. mac: of the sender; NULL, if its address is not known to be its own. Returns its length. */
size_t vs_ndp_rs_encode(uint8_t out[VS_NDP_RS_MAX], const uint8_t *mac);

struct vs_ndp_rs {
	bool has_mac;
	uint8_t mac[6]; /* of the sender */
};

/* from: the address of the sender. *out is written only if the result is VS_NDP_OK. */
enum vs_ndp_result vs_ndp_rs_parse(const uint8_t *bytes, size_t n, const uint8_t from[16],
				   struct vs_ndp_rs *out);

/* *out is written only if the result is VS_NDP_OK. */
enum vs_ndp_result vs_ndp_ra_parse(const uint8_t *bytes, size_t n, struct vs_ndp_ra *out);

/* Returns the length, 0 if there is no room. A name that is not valid is left out. ndp_build.h has more. */
size_t vs_ndp_ra_encode(uint8_t *out, size_t room, const struct vs_ndp_ra *ra);

#endif
