/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_ADDRESSES_H
#define VS_DNS_ADDRESSES_H

/* Addresses that a lookup has found, and the list that getaddrinfo() returns. */

#include <stddef.h>
#include <stdint.h>

#include "order.h"
#include "targets.h"
#include <vdestack/dns.h>

struct vs_addresses {
	struct vs_dest *list; /* free() */
	size_t n, room;
};

/* Adds an address; 0 or -ENOMEM. */
int vs_addresses_add(struct vs_addresses *a, int family, const void *bytes, uint32_t scope_id);
void vs_addresses_free(struct vs_addresses *a);

/* Orders them as RFC 6724 says, by the sources that the stack has for them. 0, or -errno. */
int vs_addresses_sort(struct vs_addresses *a, struct vdestack_dns *dns);

/*
 * The list: each address with each target. mapped: those of IPv4 become IPv6 addresses. canonical may be
 * NULL. NULL: out of memory.
 */
struct addrinfo *vs_addresses_list(const struct vs_addresses *a, const struct vs_target *targets,
				   int n_targets, int mapped, const char *canonical);

#endif
