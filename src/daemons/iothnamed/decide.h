/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_DECIDE_H
#define NM_DECIDE_H

/* What a client gets, by the rules, the static records and what is kept. No sockets, and no waiting. */

#include "cache.h"
#include "config.h"

enum nm_counted {
	NM_N_REQUESTS,
	NM_N_STATIC,
	NM_N_HASH, /* and OTIP */
	NM_N_HREV,
	NM_N_CACHED,
	NM_N_FORWARDED,
	NM_N_REFUSED,
	NM_N_MALFORMED,
	NM_N_FAILED, /* no other server has answered */
	NM_N_LIMITED,
	NM_N_COUNTED
};

struct nm_mind {
	const struct nm_config *config;
	struct nm_cache *cache, *hrev;
	uint64_t counted[NM_N_COUNTED];
};

enum nm_decision {
	NM_ANSWERED, /* the answer is in *a */
	NM_AGED, /* the answer is in *a, and another server is to be asked all the same: it expires soon */
	NM_FORWARDED,  /* another server is to be asked */
	NM_TRANSFERRED /* the records of a zone are in *a: by TCP, in as many messages as they need */
};

/* Without memory the answer is SERVFAIL. */
enum nm_decision nm_decide(struct nm_mind *mind, int64_t now_ms, const struct in6_addr *client,
			   const struct nm_request *r, struct nm_answer *a);

/* Keeps what another server has said, if there are CACHE rules. */
void nm_decide_keep(struct nm_mind *mind, int64_t now_ms, const struct nm_name *name, uint16_t type,
		    const struct nm_answer *a, uint32_t ttl_s);

#endif
