/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_ORDER_H
#define VS_DNS_ORDER_H

/* The order of destination addresses: RFC 6724 section 6. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Addresses are those of IPv6; those of IPv4 are mapped (::ffff:a.b.c.d). */
struct vs_dest {
	uint8_t family;    /* not looked at */
	uint8_t addr[16];
	uint32_t scope_id;
	bool usable;       /* there is a route and a source address */
	uint8_t source[16];
	uint8_t source_prefix; /* bits of the source's prefix */
	bool deprecated;   /* the source is */
};

/* Sorts; those that are equal keep their order. Returns 0 or -ENOMEM. */
int vs_order_sort(struct vs_dest *dests, size_t n);

#endif
