/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_ZONE_H
#define NM_ZONE_H

/* The static records. */

#include "message.h"

struct nm_record;

struct nm_zone {
	struct nm_record *records;
	size_t n;
};

/* Takes a record. 0 or -ENOMEM. */
int nm_zone_add(struct nm_zone *zone, ldns_rr *rr);

/* After the last record has been added, and before the calls below. */
void nm_zone_sort(struct nm_zone *zone);

/*
 * Answers a question: records, no records if there is such a name, or NXDOMAIN. A CNAME is followed while it
 * leads to names of the zone. *end: the name that it ends at, whose records were asked for. 0 or -ENOMEM.
 */
int nm_zone_answer(const struct nm_zone *zone, const struct nm_name *name, uint16_t type, struct nm_answer *a,
		   struct nm_name *end);

/*
 * The records of a zone for its transfer, RFC 5936: the SOA record, those of the name and of all below it,
 * and the SOA record again. 0, -ENOENT: there is no SOA record of this name, or -ENOMEM.
 */
int nm_zone_transfer(const struct nm_zone *zone, const struct nm_name *name, struct nm_answer *a);

/* The SOA record of the nearest zone that has the name; the zone's. NULL: there is none. */
const ldns_rr *nm_zone_soa(const struct nm_zone *zone, const struct nm_name *name);

/*
 * The addresses of a name, at most n of them: IPv6, else IPv4 as v4-mapped ones. Returns how many there are.
 */
size_t nm_zone_addresses(const struct nm_zone *zone, const struct nm_name *name, struct in6_addr *to,
			 size_t n, bool *v4);

void nm_zone_free(struct nm_zone *zone);

#endif
