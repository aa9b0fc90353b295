/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_AUTO_LIFETIME_H
#define VS_AUTO_LIFETIME_H

/* Lifetimes in seconds, and the times at which they end. */

#include "auto.h"

static inline vs_auto_ms vs_auto_earlier(vs_auto_ms a, vs_auto_ms b)
{
	return a < b ? a : b;
}

/* The end of a lifetime that began at `from`. */
static inline vs_auto_ms vs_auto_end(vs_auto_ms from, uint32_t lifetime_s)
{
	return lifetime_s == VS_AUTO_FOREVER ? VS_AUTO_NEVER : from + (vs_auto_ms)lifetime_s * 1000;
}

/* What is left until an end, rounded up: the kernel's lifetime never ends before the machine's. */
static inline uint32_t vs_auto_left_s(vs_auto_ms now, vs_auto_ms end)
{
	if (end == VS_AUTO_NEVER)
		return VS_AUTO_FOREVER;
	vs_auto_ms left = end > now ? (end - now + 999) / 1000 : 0;
	return left < VS_AUTO_FOREVER ? (uint32_t)left : VS_AUTO_FOREVER - 1;
}

#endif
