/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RULES_ENDPOINT_H
#define VS_RULES_ENDPOINT_H

/* [ADDRESS[/LENGTH]][:PORT[-PORT]]: a set of addresses and a range of ports. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct vs_rules_endpoint {
	int family; /* AF_INET, AF_INET6; AF_UNSPEC: all addresses of both */
	unsigned char bytes[16];
	unsigned length;      /* of the prefix */
	uint16_t first, last; /* ports; 0 and 65535: all */
};

/*
 * Parses the whole text. NULL and *out; or what is wrong, with a remedy, as a text in `problem`, and in
 * *at the place of it in the text.
 */
const char *vs_rules_endpoint_parse(const char *text, struct vs_rules_endpoint *out, char *problem,
				    size_t size, size_t *at);

/*
 * Whether the address is in the set. An IPv4-mapped address is matched as IPv4 address, too. An address of
 * the family AF_UNSPEC is one of IPv4, as for bind(2).
 */
bool vs_rules_endpoint_matches(const struct vs_rules_endpoint *endpoint, const struct sockaddr *addr);

/* Whether each address and port of `inner` is in `outer`. */
bool vs_rules_endpoint_covers(const struct vs_rules_endpoint *outer, const struct vs_rules_endpoint *inner);

/* Whether the address or the port of a bound socket is not "any". */
bool vs_rules_is_bound(const struct sockaddr *addr);

#endif
