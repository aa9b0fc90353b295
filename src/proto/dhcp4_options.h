/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_DHCP4_OPTIONS_H
#define VS_PROTO_DHCP4_OPTIONS_H

/* The layout of DHCPv4 messages and their options: what a client and a server read and write the same way. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dhcp4.h"

#define VS_DHCP4_OP_REQUEST 1
#define VS_DHCP4_OP_REPLY 2
#define VS_DHCP4_ETHERNET 1 /* htype */

/* Offsets of the fixed fields. */
#define VS_DHCP4_AT_HTYPE 1
#define VS_DHCP4_AT_HLEN 2
#define VS_DHCP4_AT_HOPS 3
#define VS_DHCP4_AT_XID 4
#define VS_DHCP4_AT_SECS 8
#define VS_DHCP4_AT_FLAGS 10
#define VS_DHCP4_AT_CIADDR 12
#define VS_DHCP4_AT_YIADDR 16
#define VS_DHCP4_AT_GIADDR 24
#define VS_DHCP4_AT_CHADDR 28
#define VS_DHCP4_AT_MAGIC 236
#define VS_DHCP4_AT_OPTIONS 240
#define VS_DHCP4_BOOTP_MIN 300 /* bytes: servers and relays may drop what is shorter, RFC 1542 section 2.1 */

#define VS_DHCP4_BROADCAST 0x8000u /* of the field flags */

extern const uint8_t vs_dhcp4_magic[4];

enum vs_dhcp4_option {
	VS_DHCP4_OPT_PAD = 0,
	VS_DHCP4_OPT_MASK = 1,
	VS_DHCP4_OPT_ROUTER = 3,
	VS_DHCP4_OPT_DNS = 6,
	VS_DHCP4_OPT_HOST = 12,
	VS_DHCP4_OPT_DOMAIN = 15,
	VS_DHCP4_OPT_MTU = 26,
	VS_DHCP4_OPT_BROADCAST = 28,
	VS_DHCP4_OPT_NTP = 42,
	VS_DHCP4_OPT_REQUESTED = 50,
	VS_DHCP4_OPT_LEASE = 51,
	VS_DHCP4_OPT_OVERLOAD = 52,
	VS_DHCP4_OPT_TYPE = 53,
	VS_DHCP4_OPT_SERVER = 54,
	VS_DHCP4_OPT_PARAMETERS = 55,
	VS_DHCP4_OPT_TEXT = 56,
	VS_DHCP4_OPT_MAX_SIZE = 57,
	VS_DHCP4_OPT_T1 = 58,
	VS_DHCP4_OPT_T2 = 59,
	VS_DHCP4_OPT_CLIENT_ID = 61,
	VS_DHCP4_OPT_RAPID = 80,
	VS_DHCP4_OPT_FQDN = 81,
	VS_DHCP4_OPT_RELAY = 82,
	VS_DHCP4_OPT_IPV6_ONLY = 108,
	VS_DHCP4_OPT_SEARCH = 119,
	VS_DHCP4_OPT_ROUTES = 121,
	VS_DHCP4_OPT_END = 255,
};

/* Flags of option 81, RFC 4702 section 2.1. */
#define VS_DHCP4_FQDN_S 0x01 /* the server updates the address record */
#define VS_DHCP4_FQDN_O 0x02 /* the server did not follow the client's S */
#define VS_DHCP4_FQDN_E 0x04 /* the name is in the form of the wire */
#define VS_DHCP4_FQDN_N 0x08 /* the server makes no updates */

/* ------------------------------------------------------------------ reading */

/* A field with options. */
struct vs_dhcp4_field {
	const uint8_t *bytes;
	size_t n;
};

/* The options of a message, and the pieces of one of them, joined (RFC 3396). */
struct vs_dhcp4_options {
	struct vs_dhcp4_field fields[3]; /* options, file, sname */
	size_t n_fields;
	uint8_t joined[VS_DHCP4_MESSAGE_MAX];
	size_t n_joined;
	bool found;    /* it was there, maybe empty */
	bool overflow; /* its pieces do not fit */
};

/*
 * Finds the fields with options. The message has VS_DHCP4_AT_OPTIONS bytes at least. False: they are
 * malformed: an option does not end in its field, or option 52 has another value than 1, 2 or 3.
 */
bool vs_dhcp4_options_find(struct vs_dhcp4_options *o, const uint8_t *bytes, size_t n);

/* Joins the pieces of an option. Returns whether it is there and fits. */
bool vs_dhcp4_options_join(struct vs_dhcp4_options *o, enum vs_dhcp4_option wanted);

/* A number of `size` bytes, 4 at most. False: it is there with another length. */
bool vs_dhcp4_options_number(struct vs_dhcp4_options *o, enum vs_dhcp4_option code, size_t size, uint32_t *v);

/* Option 56, a text to read for humans; bytes that are not printable are '?'. */
void vs_dhcp4_options_text(struct vs_dhcp4_options *o, char *text, size_t room);

/* ------------------------------------------------------------------ writing */

struct vs_dhcp4_writer {
	uint8_t *out;
	size_t n, room;
	bool full; /* an option did not fit; what was written of it stays */
};

/* An option; a long one in pieces of 255 bytes (RFC 3396 section 6). */
void vs_dhcp4_put(struct vs_dhcp4_writer *w, enum vs_dhcp4_option code, const void *bytes, size_t n);
void vs_dhcp4_put_u32(struct vs_dhcp4_writer *w, enum vs_dhcp4_option code, uint32_t v);

/* The bytes that an option of this length takes. */
size_t vs_dhcp4_option_size(size_t n);

/* The end of the options, and padding. Returns the length of the message; 0: it does not fit. */
size_t vs_dhcp4_finish(struct vs_dhcp4_writer *w);

#endif
