/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef N4_DECIDE_H
#define N4_DECIDE_H

/* What a message asks for, and what it gets. Pure: message, settings and what is known of the name in. */

#include "daemons/dhcp/client.h"
#include "proto/dhcp4_server.h"
#include "settings.h"
#include "terms.h"

/* Where the server stands. */
struct n4_place {
	uint32_t serverid;
	uint32_t addr; /* of the interface; 0: it has none */
	unsigned prefix_len;
};

/* What the client is about, RFC 2131 sections 4.3.1 to 4.3.5. */
enum n4_aim {
	N4_IGNORED, /* not for this server, or impossible; why says it */
	N4_DISCOVER,
	N4_SELECTING, /* a REQUEST that takes our offer */
	N4_REBOOT,    /* INIT-REBOOT: a REQUEST for an address of before */
	N4_RENEWING,  /* a REQUEST to this server */
	N4_REBINDING, /* a REQUEST to any server */
	N4_INFORM,
	N4_RELEASE,
	N4_DECLINE
};

/* What a host can have: not 0/8, not 127/8, no group, no broadcast. */
bool n4_is_host(uint32_t addr);

/* Whether it is one of the addresses that the interface's network has, but no host of it. */
bool n4_is_of_all(uint32_t addr, const struct n4_place *place);

/*
 * Whether the answer would go to the one who asks, as far as can be seen. src is where the packet came from;
 * routed: it was sent to an address that routers pass on. False: *why is written.
 */
bool n4_is_honest(const struct vs_dhcp4_query *q, bool routed, uint32_t src, const struct n4_place *place,
		  const char **why);

/*
 * Who asks, as limits see it. mac: whose frame it was, the only thing that others than the client say, and
 * src: where the packet came from.
 *
 *  - The station itself, whatever Ethernet address the message says. It may say many.
 *  - What a relay sends: the client's Ethernet address, behind the address of the relay.
 *  - What comes from another network without a relay, as renewals do: the address of the client.
 */
struct dh_client n4_client(const struct vs_dhcp4_query *q, const uint8_t mac[6], uint32_t src,
			   const struct n4_place *place);

/* unicast: it was sent to an address of this host. *why is written for N4_IGNORED. */
enum n4_aim n4_aim(const struct vs_dhcp4_query *q, bool unicast, uint32_t serverid, const char **why);

/* The name that a client has. name has VS_DNS_NAME_TEXT bytes. False: none that counts. */
bool n4_name(const struct vs_dhcp4_query *q, const struct n4_settings *s, char *name);

/* What the name servers say of a name. */
struct n4_known {
	bool failed; /* no answer: nothing is known */
	unsigned n;
	uint32_t addrs[16];
};

enum n4_what { N4_SILENT, N4_OFFER, N4_ACK, N4_NAK };

struct n4_verdict {
	enum n4_what what;
	uint32_t addr;   /* of OFFER and ACK; 0 for an INFORM */
	bool rapid;      /* an ACK for a DISCOVER */
	const char *why; /* of silence and NAK */
};

/* Not for N4_IGNORED, N4_RELEASE and N4_DECLINE. */
struct n4_verdict n4_decide(const struct vs_dhcp4_query *q, enum n4_aim aim, const struct n4_known *known,
			    const struct n4_place *place);

/* The lease of a client that wants this one, in seconds (0: any). most is what it can have. */
uint32_t n4_lease(uint32_t wanted_s, uint32_t most_s);

/*
 * The mask of an address: of the TXT record, of the interface if it is there, of the settings, of its class.
 */
uint32_t n4_mask(uint32_t addr, uint32_t of_record, const struct n4_place *place,
		 const struct n4_settings *s);

#endif
