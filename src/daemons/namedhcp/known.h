/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ND_KNOWN_H
#define ND_KNOWN_H

/*
 * The names that clients have said, by their identifiers. RFC 4704 section 5 does not let a client say its
 * name in a Confirm or an Information-request. The last ones are kept, in memory only: a client that is not
 * known is treated as one without a name.
 */

#include <stddef.h>

#include "proto/dhcp6.h"
#include "proto/dns_name.h"

#define ND_KNOWN_MAX 512

struct nd_client {
	uint16_t n; /* bytes of the identifier; 0: no client */
	uint8_t duid[VS_DHCP6_DUID_MAX];
	char name[VS_DNS_NAME_TEXT];
};

/* All zero at first. */
struct nd_known {
	struct nd_client clients[ND_KNOWN_MAX];
	size_t oldest; /* the one that is replaced next */
};

void nd_known_put(struct nd_known *known, const struct vs_dhcp6_bytes *duid, const char *name);

/* The name, or NULL. Valid until the next put. */
const char *nd_known_get(const struct nd_known *known, const struct vs_dhcp6_bytes *duid);

#endif
