/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_NETS_H
#define NM_NETS_H

/* Networks by name. IPv4 addresses are v4-mapped, ::ffff:a.b.c.d, in all of this program. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct nm_range {
	struct in6_addr addr;
	unsigned bits;
};

struct nm_net {
	char *name;
	struct nm_range *ranges;
	size_t n;
};

struct nm_nets {
	struct nm_net *nets;
	size_t n;
};

/* An address as text, of either family. *v4: which one; may be NULL. False: it is none. */
bool nm_addr_read(struct in6_addr *addr, const char *text, bool *v4);

/* ADDR or ADDR/BITS; bits count from the beginning of the v4-mapped address. False: it is none. */
bool nm_range_read(struct nm_range *range, const char *text, bool *v4);
bool nm_range_has(const struct nm_range *range, const struct in6_addr *addr);

/* Adds a range to a name. 0 or -ENOMEM. */
int nm_nets_add(struct nm_nets *nets, const char *name, const struct nm_range *range);

/* The index of a name, which is compared without case; -1: there is none. */
int nm_nets_find(const struct nm_nets *nets, const char *name);

bool nm_net_has(const struct nm_net *net, const struct in6_addr *addr);

void nm_nets_free(struct nm_nets *nets);

#endif
