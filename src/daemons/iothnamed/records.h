/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_RECORDS_H
#define NM_RECORDS_H

/* Records that are computed. Each is the caller's; NULL: no memory. */

#include "name.h"

ldns_rr *nm_record_aaaa(const struct nm_name *owner, uint32_t ttl, const struct in6_addr *addr);
ldns_rr *nm_record_ptr(const struct nm_name *owner, uint32_t ttl, const struct nm_name *to);

/* The SOA record of a zone that has none: for negative answers, which may be kept ttl seconds. */
ldns_rr *nm_record_soa(const struct nm_name *zone, uint32_t ttl);

/* What is answered to ANY instead of all records, RFC 8482 section 4.2. */
ldns_rr *nm_record_hinfo(const struct nm_name *owner);

#endif
