/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_REPLY_H
#define NM_REPLY_H

/* Questions to other servers, and what their replies mean. Nothing here knows sockets. */

#include "message.h"

struct nm_asked {
	uint16_t id, type;
	bool edns;
	struct nm_name name;
};

enum nm_verdict {
	NM_REPLY_OTHER,     /* it is not the reply to this question */
	NM_REPLY_GOOD,      /* records, or there are none */
	NM_REPLY_TRUNCATED, /* ask by TCP */
	NM_REPLY_PLAIN,     /* ask without EDNS */
	NM_REPLY_USELESS    /* ask another server */
};

/* The bytes of the question; the caller frees them. 0 or -ENOMEM. */
int nm_asked_write(const struct nm_asked *q, uint8_t **bytes, size_t *n);

/*
 * Reads a message from the server that was asked. NM_REPLY_GOOD: *a has the records that the question asks
 * for, with the chain of CNAMEs that leads to them, or the SOA record of a negative answer, and nothing else.
 * *ttl_s: how long it may be kept, 0: not at all.
 */
enum nm_verdict nm_reply_read(const struct nm_asked *q, const uint8_t *bytes, size_t n, struct nm_answer *a,
			      uint32_t *ttl_s);

#endif
