/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_NDP_OPTIONS_H
#define VS_PROTO_NDP_OPTIONS_H

/* Types and numbers of neighbour discovery, and the walk along its options. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vs_ndp_type {
	VS_NDP_TYPE_RS = 133,
	VS_NDP_TYPE_RA = 134,
	VS_NDP_TYPE_NS = 135,
	VS_NDP_TYPE_NA = 136,
};

enum vs_ndp_option {
	VS_NDP_OPTION_SOURCE_MAC = 1,
	VS_NDP_OPTION_TARGET_MAC = 2,
	VS_NDP_OPTION_PREFIX = 3,
	VS_NDP_OPTION_MTU = 5,
	VS_NDP_OPTION_ROUTE = 24,
	VS_NDP_OPTION_RDNSS = 25,
	VS_NDP_OPTION_DNSSL = 31,
	VS_NDP_OPTION_CAPTIVE = 37,
	VS_NDP_OPTION_PREF64 = 38,
};

#define VS_NDP_RA_FIXED 16
#define VS_NDP_RS_FIXED 8
#define VS_NDP_NS_FIXED 24

#define VS_NDP_FLAG_MANAGED 0x80u
#define VS_NDP_FLAG_OTHER 0x40u
#define VS_NDP_FLAG_ON_LINK 0x80u
#define VS_NDP_FLAG_AUTONOMOUS 0x40u
#define VS_NDP_FLAG_ROUTER_ADDRESS 0x20u

/* The options from `at` on fill the message exactly, and none has length 0. at is not behind the message. */
static inline bool vs_ndp_in_order(const uint8_t *bytes, size_t n, size_t at)
{
	while (n - at >= 2 && bytes[at + 1] != 0 && bytes[at + 1] * 8u <= n - at)
		at += bytes[at + 1] * 8u;
	return at == n;
}

/* Whether there is an option of a type, of any length. The message is in order. */
static inline bool vs_ndp_has_option(const uint8_t *bytes, size_t n, size_t at, uint8_t type)
{
	while (at < n && bytes[at] != type)
		at += bytes[at + 1] * 8u;
	return at < n;
}

/* The content of the first option of a type that has 8 bytes; NULL: none. The message is in order. */
static inline const uint8_t *vs_ndp_short_option(const uint8_t *bytes, size_t n, size_t at, uint8_t type)
{
	for (; at < n; at += bytes[at + 1] * 8u)
		if (bytes[at] == type && bytes[at + 1] == 1)
			return bytes + at + 2;
	return NULL;
}

#endif
