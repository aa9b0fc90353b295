/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_MESSAGE_H
#define VS_DNS_MESSAGE_H

/*
 * DNS messages: the question that is sent, and what a reply says (RFC 1035, 2308, 6891). Pure, without
 * allocation.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "name.h"

#define VS_MESSAGE_QUESTION_MAX (12 + VS_NAME_WIRE_MAX + 4 + 11)
#define VS_MESSAGE_UDP_MAX 1232 /* bytes of a reply by UDP that pass every network without fragments */
#define VS_MESSAGE_ALIASES_MAX 16

enum vs_message_kind {
	VS_MESSAGE_FOUND,   /* records of the wanted type */
	VS_MESSAGE_NODATA,  /* the name exists, and has none */
	VS_MESSAGE_NXDOMAIN,/* there is no such name */
	VS_MESSAGE_FAILURE, /* another RCODE */
};

/* What a reply says. */
struct vs_message {
	enum vs_message_kind kind;
	unsigned rcode;
	uint8_t owner[VS_NAME_WIRE_MAX]; /* of the records: the name after aliases */
	size_t owner_len;
	uint32_t ttl_s; /* for which it may be kept; 0: not at all */
	size_t n;       /* records of the wanted type */
};

struct vs_message_record {
	size_t at, size; /* RDATA in the message */
	uint32_t ttl_s;
};

/* Writes a recursive question. Returns its length, or -EINVAL: not a name. edns: with an OPT record. */
int vs_message_ask(uint8_t buf[VS_MESSAGE_QUESTION_MAX], const char *name, int type, uint16_t id, bool edns);

/*
 * Reads a reply to a question for `type`; ns_t_any: all types match, and aliases are records. Returns 0, or
 * -EBADMSG: malformed, aliases in a circle, or more than 16 of them. At most `max` records are written.
 */
int vs_message_read(const uint8_t *message, size_t n, int type, struct vs_message *out,
		    struct vs_message_record *records, size_t max);

/*
 * Takes age_s from the TTL of each record of a message, down to 0. It ends where the message is malformed.
 */
void vs_message_age(uint8_t *message, size_t n, uint32_t age_s);

/*
 * Whether a reply only says which servers may know more (RFC 2308 section 2.2). A server that does this was
 * not made for clients.
 */
bool vs_message_is_referral(const uint8_t *message, size_t n);

#endif
