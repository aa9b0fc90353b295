/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_ANSWER_H
#define VS_DNS_ANSWER_H

/*
 * What a name server has said to one question. It does not change any more, so threads and the cache share
 * it by a count of references.
 */

#include <stdatomic.h>

#include "message.h"
#include <vdestack/dns.h>

struct vs_answer {
	struct vdestack_dns_answer face; /* first: what callers have */
	enum vs_message_kind kind;
	unsigned rcode;
	atomic_int refs;
};

/*
 * Reads a reply; it is copied. All TTLs, those in the copy too, are less by age_s. NULL with errno: EBADMSG,
 * ENOMEM. The caller has a reference.
 */
struct vs_answer *vs_answer_new(const uint8_t *message, size_t n, int type, uint32_t age_s);
struct vs_answer *vs_answer_ref(struct vs_answer *answer);
/* NULL is allowed. */
void vs_answer_unref(struct vs_answer *answer);

#endif
