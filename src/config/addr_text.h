/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_ADDR_TEXT_H
#define VS_CONFIG_ADDR_TEXT_H

/*
 * Addresses as people write them, to and from bytes. Pure. Strict: no white space, no signs,
 * no short forms (10.1), no zones (%eth0), nothing behind.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "config.h"

#define VS_ADDR_TEXT_MAX INET6_ADDRSTRLEN
#define VS_PREFIX_TEXT_MAX (INET6_ADDRSTRLEN + 4) /* "/128" */

enum vs_addr_kind {
	VS_ADDR_ORDINARY,
	VS_ADDR_UNSPECIFIED, /* 0.0.0.0, :: */
	VS_ADDR_MULTICAST,
	VS_ADDR_BROADCAST, /* 255.255.255.255 */
};

enum vs_prefix_text {
	VS_PREFIX_OK,
	VS_PREFIX_NO_ADDR, /* what is before '/' is not an address */
	VS_PREFIX_NO_LEN,  /* there is no '/' */
	VS_PREFIX_BAD_LEN, /* not one to three decimal digits, or more than the family has bits */
};

/* text[0..length) is one address. prefixlen becomes that of a single host. */
bool vs_addr_from_text(const char *text, size_t length, struct vs_conf_addr *out);

/*
 * text[0..length) is ADDR/LEN. *out is written unless the result is VS_PREFIX_NO_ADDR; where
 * the text has no good length, with the default of the family (24, 64), so that a remedy can show it.
 */
enum vs_prefix_text vs_prefix_from_text(const char *text, size_t length, struct vs_conf_addr *out);

/* 32 or 128. */
unsigned vs_addr_bits(const struct vs_conf_addr *addr);

enum vs_addr_kind vs_addr_kind(const struct vs_conf_addr *addr);

/* Family and bytes; not prefixlen. */
bool vs_addr_equal(const struct vs_conf_addr *a, const struct vs_conf_addr *b);

/* Clears the host bits below prefixlen. True if any was set. */
bool vs_prefix_clear_host(struct vs_conf_addr *addr);

void vs_addr_to_text(const struct vs_conf_addr *addr, char text[VS_ADDR_TEXT_MAX]);
void vs_prefix_to_text(const struct vs_conf_addr *addr, char text[VS_PREFIX_TEXT_MAX]);

/* Six times two hex digits, with ':' or '-' between them, the same one throughout. */
bool vs_mac_from_text(const char *text, unsigned char mac[6]);

/* text[0..length) is one to most_digits (<= 9) decimal digits. */
bool vs_number_from_text(const char *text, size_t length, size_t most_digits, unsigned *out);

#endif
