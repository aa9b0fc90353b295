/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ND_KNOWN_H
#define ND_KNOWN_H

/*
 * The names that clients have said, by their identifiers. RFC 4704 section 5 does not let a client say its
 * name in a Confirm or an Information-request. The last ones are kept, in memory only: a client that is not
 * known is treated as one without a name. A client that says many identifiers replaces its own ones.
 */

#include <stddef.h>

#include "daemons/dhcp/client.h"
#include "proto/dhcp6.h"
#include "proto/dns_name.h"

#define ND_KNOWN_MAX 512
#define ND_KNOWN_OF_A_CLIENT 8
#define ND_KNOWN_OF_A_STATION 256 /* a relay has many clients */

struct nd_client {
	struct dh_client from;
	uint64_t turn; /* of its last message; greater ones are later */
	uint16_t n;    /* bytes of the identifier; 0: no client */
	uint8_t duid[VS_DHCP6_DUID_MAX];
	char name[VS_DNS_NAME_TEXT];
};

/* All zero at first. */
struct nd_known {
	struct nd_client clients[ND_KNOWN_MAX];
	uint64_t turns;
};

void nd_known_put(struct nd_known *known, const struct dh_client *from, const struct vs_dhcp6_bytes *duid,
		  const char *name);

/* The name, or NULL. Valid until the next put. */
const char *nd_known_get(const struct nd_known *known, const struct vs_dhcp6_bytes *duid);

#endif
