/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_BACKOFF_H
#define VS_BASE_BACKOFF_H

/*
 * The time to wait before another attempt. It doubles from 0.1 s to 5 s. A random part of it, between one
 * half and all, is used: interfaces that lost the same network at the same time do not all come back at the
 * same time.
 */

#include <stdint.h>

#define VS_BACKOFF_FIRST_MS 100
#define VS_BACKOFF_MOST_MS 5000

/* attempt: how many attempts have failed. random: any 32 bits. */
static inline int vs_backoff_ms(unsigned attempt, uint32_t random)
{
	unsigned doublings = attempt < 6 ? attempt : 6;
	int full = VS_BACKOFF_FIRST_MS << doublings;

	if (full > VS_BACKOFF_MOST_MS)
		full = VS_BACKOFF_MOST_MS;
	return full / 2 + (int)(random % (uint32_t)(full / 2 + 1));
}

#endif
