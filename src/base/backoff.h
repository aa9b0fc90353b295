/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_BACKOFF_H
#define VS_BASE_BACKOFF_H

/*
 * How long to wait before another attempt: doubling from a tenth of a second to five, and of
 * that a random part between half and all, so that what has lost the same network does not
 * come back to it in step.
 */

#include <stdint.h>

#define VS_BACKOFF_FIRST_MS 100
#define VS_BACKOFF_MOST_MS 5000

/* attempt: how many have failed. random: any 32 bits. */
static inline int vs_backoff_ms(unsigned attempt, uint32_t random)
{
	unsigned doublings = attempt < 6 ? attempt : 6;
	int full = VS_BACKOFF_FIRST_MS << doublings;

	if (full > VS_BACKOFF_MOST_MS)
		full = VS_BACKOFF_MOST_MS;
	return full / 2 + (int)(random % (uint32_t)(full / 2 + 1));
}

#endif
