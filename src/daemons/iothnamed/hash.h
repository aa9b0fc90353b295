/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_HASH_H
#define NM_HASH_H

/* Addresses that are computed from names (HASH, OTIP), and the names of those that were given (HREV). */

#include "cache.h"
#include "config.h"

/* One-time addresses change after so many seconds, and their records are valid for one. */
#define NM_OTIP_PERIOD_S 32
#define NM_OTIP_TTL_S 1

/*
 * Answers a question for a name of a HASH or OTIP rule: AAAA and ANY get the address, other types no records.
 * Names with a byte 0 do not exist. *given: the address, if it has been answered. 0 or -ENOMEM.
 */
int nm_hash_answer(const struct nm_rule *rule, const struct nm_options *options, const struct nm_request *r,
		   struct nm_answer *a, struct in6_addr *given);

/* Keeps the name of an address that was given to a client, as options say, in hrev. */
void nm_hash_keep(struct nm_cache *hrev, int64_t now_ms, const struct nm_options *options,
		  const struct in6_addr *client, const struct nm_name *name, const struct in6_addr *given);

#endif
