/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_AUTO_DHCP4_TERMS_H
#define VS_AUTO_DHCP4_TERMS_H

/* What a DHCPv4 server offers or grants, judged and completed. */

#include <stdbool.h>
#include <stdint.h>

#include "proto/dhcp4.h"

#define VS_DHCP4_LEASE_MIN_S 4 /* a shorter lease would be more traffic than use: refused */
#define VS_DHCP4_MTU_MIN 576   /* a smaller MTU is not passed on */
#define VS_DHCP4_TERMS_ROUTES (VS_DHCP4_ROUTES_MAX + 4)

/* Without holes, so that two of them can be compared as memory. */
struct vs_dhcp4_given {
	struct vs_dhcp4_route routes[VS_DHCP4_TERMS_ROUTES]; /* in the order in which they can be set */
	uint32_t dns[VS_DHCP4_LIST_MAX];                     /* 0: none */
	uint32_t ntp[VS_DHCP4_LIST_MAX];
	uint16_t mtu;
	uint8_t n_routes;
	uint8_t prefix_len;
	char search[VS_DHCP4_SEARCH_MAX];
};

struct vs_dhcp4_terms {
	uint32_t addr;
	uint32_t server;
	uint32_t lease_s, t1_s, t2_s; /* VS_DHCP4_INFINITE: for ever */
	struct vs_dhcp4_given given;
};

/*
 * The terms of an OFFER or an ACK. False: it lacks what it needs, or has impossible values; *out is undefined
 * then.
 *
 * Decisions: without a mask the address has the prefix of its class (RFC 950). A mask with holes is refused.
 * T1 and T2 are ours, 1/2 and 7/8 of the lease (RFC 2131 section 4.4.5), unless the server's are in order and
 * T1 is at least 1/8 of the lease or a minute. A router outside of the prefix gets a route of its own. Only
 * the first router that is possible gets the default route.
 */
bool vs_dhcp4_judge(const struct vs_dhcp4_reply *reply, struct vs_dhcp4_terms *out);

#endif
