/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_ADDR_H
#define VS_LAB_ADDR_H

/* Addresses and prefixes of both families, as values. Pure. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address with the length of its prefix. family 0: none. */
struct vs_lab_addr {
	int family;
	unsigned bits;
	uint8_t bytes[16];
};

#define VS_LAB_ADDR_TEXT (INET6_ADDRSTRLEN + 4)

/* Families have indexes: 0 is IPv4, 1 is IPv6. */
static inline int vs_lab_family(int index)
{
	return index == 0 ? AF_INET : AF_INET6;
}

static inline int vs_lab_family_index(const struct vs_lab_addr *a)
{
	return a->family == AF_INET ? 0 : 1;
}

/* The number of bits of an address of this family. */
unsigned vs_lab_addr_width(const struct vs_lab_addr *a);

/* "10.0.0.1", "10.0.0.0/24", "fd00::1". Without a length, bits is the width and *has_bits is false. */
bool vs_lab_addr_parse(const char *text, struct vs_lab_addr *a, bool *has_bits);

/* Text without and with "/LEN". */
void vs_lab_addr_text(const struct vs_lab_addr *a, char text[VS_LAB_ADDR_TEXT]);
void vs_lab_addr_prefix_text(const struct vs_lab_addr *a, char text[VS_LAB_ADDR_TEXT]);

bool vs_lab_addr_same(const struct vs_lab_addr *a, const struct vs_lab_addr *b); /* but for bits */
bool vs_lab_addr_contains(const struct vs_lab_addr *prefix, const struct vs_lab_addr *a);

/* Clears the bits behind the prefix. Returns whether one was set. */
bool vs_lab_addr_clear(struct vs_lab_addr *a);

/* An address that an interface can have: no group, loopback, unspecified or broadcast address. */
bool vs_lab_addr_unicast(const struct vs_lab_addr *a);

/* An address of IPv4 that means the whole network: all bits behind the prefix are 0, or 1; of IPv6: all 0. */
bool vs_lab_addr_reserved(const struct vs_lab_addr *a);

/* The n-th address of a prefix, n from 1. false: the prefix does not have so many. */
bool vs_lab_addr_nth(const struct vs_lab_addr *prefix, uint32_t n, struct vs_lab_addr *a);

#endif
