/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_ENDPOINT_H
#define VS_PUBLISH_ENDPOINT_H

/* An address with a port, of IPv4 or IPv6. Pure. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

union vs_endpoint {
	struct sockaddr sa; /* AF_UNSPEC: no address */
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

#define VS_ENDPOINT_TEXT 64 /* "[ADDRESS]:PORT", with its NUL */

socklen_t vs_endpoint_len(const union vs_endpoint *e);
uint16_t vs_endpoint_port(const union vs_endpoint *e); /* host order */
void vs_endpoint_set_port(union vs_endpoint *e, uint16_t port);

/* "10.0.0.1" or "fc00::1" with this port. false: text is no address. */
bool vs_endpoint_parse(const char *text, uint16_t port, union vs_endpoint *e);
void vs_endpoint_format(const union vs_endpoint *e, char text[VS_ENDPOINT_TEXT]);

/* Makes an IPv4-mapped address an IPv4 address. Others stay as they are. */
void vs_endpoint_unmap(union vs_endpoint *e);
/* Makes an IPv4 address an IPv4-mapped one. */
void vs_endpoint_map(union vs_endpoint *e);

bool vs_endpoint_same_addr(const union vs_endpoint *a, const union vs_endpoint *b);
/* Address and port. */
bool vs_endpoint_same(const union vs_endpoint *a, const union vs_endpoint *b);

/* Whether other hosts could have it as their address: no loopback, link-local, group or zero address. */
bool vs_endpoint_is_global(const union vs_endpoint *e);

#endif
