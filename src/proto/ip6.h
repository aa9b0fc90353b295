/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_IP6_H
#define VS_PROTO_IP6_H

/* Kinds of IPv6 addresses, of 16 bytes each. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool vs_ip6_is_multicast(const uint8_t *ip)
{
	return ip[0] == 0xff;
}

static inline bool vs_ip6_is_link_local(const uint8_t *ip)
{
	return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

/* The first 64 bits are 0: "::", "::1", an IPv4 address in an IPv6 address. No host has one on a link. */
static inline bool vs_ip6_is_special(const uint8_t *ip)
{
	static const uint8_t zeros[8];

	return memcmp(ip, zeros, sizeof(zeros)) == 0;
}

static inline bool vs_ip6_is_unspecified(const uint8_t *ip)
{
	return vs_ip6_is_special(ip) && vs_ip6_is_special(ip + 8);
}

/* Whether a host of the network can have it: unicast. */
static inline bool vs_ip6_is_host(const uint8_t *ip)
{
	return !vs_ip6_is_multicast(ip) && !vs_ip6_is_special(ip);
}

/* Clears the bits behind the first `len`, 128 at most. */
static inline void vs_ip6_clear_behind(uint8_t *ip, unsigned len)
{
	for (unsigned bit = len; bit < 128; bit++)
		ip[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

#endif
