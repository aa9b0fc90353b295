/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_OUTCOME_H
#define VS_DNS_OUTCOME_H

/* How a lookup ends, and which families it wants. */

#include <stdbool.h>

struct vdestack_dns_lookup;
struct vs_addresses;

/* Ends with an EAI_... and a message. */
__attribute__((format(printf, 3, 4))) void vs_outcome_fail(struct vdestack_dns_lookup *l, int code,
							   const char *fmt, ...);
/* Ends with the message of the thread. */
void vs_outcome_fail_told(struct vdestack_dns_lookup *l, int code);
void vs_outcome_fail_errno(struct vdestack_dns_lookup *l, int err);
/*
 * Ends with addresses, which are freed. sort: in the order of RFC 6724. mapped: those of IPv4 become IPv6
 * addresses. canonical may be NULL.
 */
void vs_outcome_succeed(struct vdestack_dns_lookup *l, struct vs_addresses *a, bool sort, bool mapped,
			const char *canonical);

bool vs_outcome_wants(const struct vdestack_dns_lookup *l, int family);
/* Whether IPv4 addresses may stand for those of IPv6. */
bool vs_outcome_wants_mapped(const struct vdestack_dns_lookup *l);
/*
 * Removes IPv4 addresses that a hint for IPv6 does not want. Says whether those that are left become mapped
 * ones.
 */
bool vs_outcome_choose_mapped(const struct vdestack_dns_lookup *l, struct vs_addresses *a);

#endif
