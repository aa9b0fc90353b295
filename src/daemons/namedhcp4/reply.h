/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef N4_REPLY_H
#define N4_REPLY_H

/* The answer as bytes, and where it goes. Pure. */

#include <stddef.h>

#include "decide.h"

#define N4_REPLY_MAX 1472 /* bytes: a packet of 1500 */

/* What an answer is made of. */
struct n4_facts {
	const struct vs_dhcp4_query *q;
	struct n4_verdict verdict; /* not N4_SILENT */
	const char *name;          /* of the client */
	struct n4_terms terms;     /* complete: with the settings' */
	uint32_t serverid;
	bool small; /* whatever the client takes, the packet has at most 576 bytes */
};

/* Returns the length of the message, 0: it does not fit into what the client takes. */
size_t n4_reply_write(const struct n4_facts *f, uint8_t out[N4_REPLY_MAX]);

/* Where a frame goes. */
struct n4_target {
	uint32_t ip;
	uint16_t port;
	uint8_t mac[6];
};

/* sender: the Ethernet address that the request came from: of the client, a relay or a router. */
struct n4_target n4_reply_target(const struct n4_facts *f, const uint8_t sender[6]);

#endif
