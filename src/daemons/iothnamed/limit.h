/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_LIMIT_H
#define NM_LIMIT_H

/*
 * How many answers by UDP a network of clients gets in a second. Requests with forged sources make a server
 * send to others: so what is over the limit gets no answer, or every second time an empty one with the bit
 * TC, which is no larger than the request. A real client asks again, by TCP.
 */

#include <netinet/in.h>
#include <stdint.h>

#define NM_LIMIT_SLOTS 4096

struct nm_limit {
	struct {
		uint64_t net; /* the first 56 bits, or 24 of an IPv4 address */
		int64_t tokens_ms, since_ms;
		unsigned over;
	} slots[NM_LIMIT_SLOTS];
	uint64_t key;
};

enum nm_limited { NM_PASSES, NM_TRUNCATED, NM_DROPPED };

/* per_second 0: there is no limit. */
enum nm_limited nm_limit_ask(struct nm_limit *limit, int64_t now_ms, const struct in6_addr *client,
			     unsigned long per_second);

#endif
