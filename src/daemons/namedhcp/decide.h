/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ND_DECIDE_H
#define ND_DECIDE_H

/*
 * What a client gets (RFC 8415 section 18.3): from its message, and what is known of its name. Pure.
 *
 * A message that has come is first checked: whether it needs a name, or is ignored. When the facts are known
 * the answer is made.
 */

#include "facts.h"

/* What becomes of a message. The names are in log.c. */
enum nd_verdict {
	ND_ANSWER,
	ND_NEEDS,       /* of the check: facts are needed */
	ND_MALFORMED,   /* identifiers that such a message must not have, or must have */
	ND_NOT_OURS,    /* it is for another server */
	ND_UNICAST,     /* a message that must not come by unicast */
	ND_NO_NAME,     /* the client does not say its name */
	ND_NO_ADDRESS,  /* the name has none, and the client has asked all servers */
	ND_NO_SERVER,   /* no name server has answered */
	ND_NO_QUESTION, /* nothing in it can be answered */
};

struct nd_self {
	const uint8_t *duid;
	uint16_t duid_len;
	uint32_t lease_s;
};

/* How a message has come. */
struct nd_way {
	bool unicast;
};

/* Whether a message needs addresses of the client's name. */
bool nd_needs_addresses(const struct vs_dhcp6_request *request);

/*
 * Checks a message. name: whether it has one. ND_ANSWER: nd_decide() needs no facts, ND_NEEDS: it does.
 * Others: the message is dropped.
 */
enum nd_verdict nd_check(const struct vs_dhcp6_request *request, const struct nd_self *self,
			 const struct nd_way *way, bool name);

/*
 * The answer to a message that has been checked. ND_ANSWER, or why there is none. *answer points into
 * request, self and facts, and to fqdn, which has room for a name as messages have it.
 */
enum nd_verdict nd_decide(const struct vs_dhcp6_request *request, const struct nd_self *self,
			  const struct nd_way *way, const struct nd_facts *facts,
			  uint8_t fqdn[VS_DNS_NAME_WIRE], struct vs_dhcp6_answer *answer);

#endif
