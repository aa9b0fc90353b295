/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_ENDPOINT_H
#define VS_DNS_ENDPOINT_H

/*
 * What a program writes to say where it wants to connect or listen: a network ("tcp6") and an address
 * ("www.example:http", "[fc00::1%vde0]:80", ":80"). Pure.
 */

#include <stdbool.h>

#define VS_ENDPOINT_HOST_MAX 320    /* a domain name, or an IPv6 address with a scope, and the NUL */
#define VS_ENDPOINT_SERVICE_MAX 64

struct vs_endpoint {
	int family;   /* AF_UNSPEC, AF_INET, AF_INET6 */
	int type;     /* SOCK_STREAM, SOCK_DGRAM */
	int protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	bool numeric; /* host is an address, not a name */
	char host[VS_ENDPOINT_HOST_MAX];       /* without brackets; "": none was written */
	char service[VS_ENDPOINT_SERVICE_MAX]; /* a name or number; "": none was written */
};

/*
 * Reads both. network: tcp, tcp4, tcp6, udp, udp4, udp6. address: HOST:SERVICE, where HOST may be empty and
 * an IPv6 address stands in brackets. Returns NULL, or what is wrong, as text; *out is then undefined.
 */
const char *vs_endpoint_read(const char *network, const char *address, struct vs_endpoint *out);

#endif
