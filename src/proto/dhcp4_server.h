/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_DHCP4_SERVER_H
#define VS_PROTO_DHCP4_SERVER_H

/*
 * DHCPv4 messages as a server reads and writes them. IPv4 addresses are numbers in the byte order of the
 * machine; 0: none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dhcp4_options.h"
#include "dns_name.h"

#define VS_DHCP4_RELAY_MAX 512 /* bytes of option 82 that are sent back */

/* A message of a client, or of a relay for a client. Lists and texts that were not there are empty. */
struct vs_dhcp4_query {
	enum vs_dhcp4_type type; /* DISCOVER, REQUEST, DECLINE, RELEASE or INFORM */
	uint8_t htype, hlen;
	uint8_t chaddr[16];
	uint32_t xid;
	uint16_t flags;
	uint32_t ciaddr, giaddr;
	uint32_t requested; /* option 50 */
	uint32_t server;    /* option 54 */
	uint32_t lease_s;   /* option 51: what the client wants */
	uint16_t max_size;  /* option 57: of an IP packet; 576 or more */
	bool rapid;         /* option 80 */
	bool has_fqdn;      /* option 81 */
	uint8_t fqdn_flags;
	char fqdn[VS_DNS_NAME_TEXT]; /* its name; "": it has none, or it is no host name */
	char host[VS_DNS_NAME_TEXT]; /* option 12; "": there is none, or it is no host name */
	uint8_t n_parameters;
	uint8_t parameters[255]; /* option 55: numbers of options in the order that the client prefers */
	bool has_client_id;      /* option 61 */
	uint8_t client_id_len;
	uint8_t client_id[255];
	bool has_relay; /* option 82 */
	uint16_t relay_len;
	uint8_t relay[VS_DHCP4_RELAY_MAX];
	char text[VS_DHCP4_TEXT_MAX]; /* option 56; what is not printable is '?' */
};

/*
 * Reads a message from its first byte on, without IP and UDP headers. False: it is malformed, or it is not of
 * a client; *out is undefined then. Numbers have exactly the length that RFC 2132 says, or the message is
 * malformed; so it is with a client identifier or relay information that is too long to be sent back. A name
 * that is impossible is skipped as if it were not there. Values are not judged.
 */
bool vs_dhcp4_query_parse(const uint8_t *bytes, size_t n, struct vs_dhcp4_query *out);

/*
 * Begins an answer (OFFER, ACK or NAK) of at most `room` bytes: the fixed fields, options 53 and 54. The
 * caller puts further options, and then calls vs_dhcp4_answer_end(). What the client and its relay get back,
 * options 61 (RFC 6842) and 82 (RFC 3046), is written there; room for it is kept until then.
 */
struct vs_dhcp4_answer {
	enum vs_dhcp4_type type;
	uint32_t ciaddr, yiaddr, server;
	const struct vs_dhcp4_query *to;
};
void vs_dhcp4_answer_begin(struct vs_dhcp4_writer *w, const struct vs_dhcp4_answer *a, uint8_t *out,
			   size_t room);

/* An option that is left out if it does not fit. Returns whether it did. */
bool vs_dhcp4_answer_put(struct vs_dhcp4_writer *w, enum vs_dhcp4_option code, const void *bytes, size_t n);

/* Option 81 with this name, in the form that the client has used; the flags of RFC 4702 section 4. */
bool vs_dhcp4_answer_fqdn(struct vs_dhcp4_writer *w, const struct vs_dhcp4_query *to, const char *name);

/* The length of the message; 0: it does not fit. */
size_t vs_dhcp4_answer_end(struct vs_dhcp4_writer *w, const struct vs_dhcp4_query *to);

#endif
