/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PROXY protocol, version 2, section 2.2 of HAProxy's proxy-protocol.txt:
 *
 *     12 bytes signature, version << 4 | command, family << 4 | transport, 2 bytes length of what follows,
 *     source address, destination address, source port, destination port
 */

#include "proxy.h"

#include <string.h>

static const unsigned char signature[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
					   0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

#define VERSION_2_PROXY 0x21
#define TCP_OVER_IPV4 0x11
#define TCP_OVER_IPV6 0x21

static size_t put(unsigned char *header, size_t at, const void *bytes, size_t n)
{
	memcpy(header + at, bytes, n);
	return at + n;
}

size_t vs_proxy_header(const union vs_endpoint *client, const union vs_endpoint *at,
		       unsigned char header[VS_PROXY_MAX])
{
	union vs_endpoint from = *client, to = *at;
	size_t n = put(header, 0, signature, sizeof(signature));

	if (from.sa.sa_family != to.sa.sa_family) {
		vs_endpoint_map(&from);
		vs_endpoint_map(&to);
	}
	if (from.sa.sa_family == AF_INET) {
		n = put(header, n, (const unsigned char[]){ VERSION_2_PROXY, TCP_OVER_IPV4, 0, 12 }, 4);
		n = put(header, n, &from.in.sin_addr, sizeof(from.in.sin_addr));
		n = put(header, n, &to.in.sin_addr, sizeof(to.in.sin_addr));
		n = put(header, n, &from.in.sin_port, sizeof(from.in.sin_port));
		return put(header, n, &to.in.sin_port, sizeof(to.in.sin_port));
	}
	n = put(header, n, (const unsigned char[]){ VERSION_2_PROXY, TCP_OVER_IPV6, 0, 36 }, 4);
	n = put(header, n, &from.in6.sin6_addr, sizeof(from.in6.sin6_addr));
	n = put(header, n, &to.in6.sin6_addr, sizeof(to.in6.sin6_addr));
	n = put(header, n, &from.in6.sin6_port, sizeof(from.in6.sin6_port));
	return put(header, n, &to.in6.sin6_port, sizeof(to.in6.sin6_port));
}
