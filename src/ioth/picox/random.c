/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lwIP takes ports and identifiers from rand(), which gives the same numbers in each process. So this program
 * has a rand() of its own, with the kernel's random numbers; liblwip finds it first.
 *
 * The number of timer ticks starts at random: timestamps of TCP come from it.
 */

#include "random.h"

#include <errno.h>
#include <lwip/priv/tcp_priv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* With the lock of lwIP. */
int rand(void)
{
	static unsigned char pool[256];
	static size_t left;
	int number;

	if (left < sizeof(number)) {
		if (getrandom(pool, sizeof(pool), 0) != (ssize_t)sizeof(pool))
			abort(); /* the kernel gives 256 bytes at once, always */
		left = sizeof(pool);
	}
	left -= sizeof(number);
	memcpy(&number, pool + left, sizeof(number));
	return number & RAND_MAX;
}

int px_random_start(void)
{
	u32_t ticks;

	if (getrandom(&ticks, sizeof(ticks), 0) != (ssize_t)sizeof(ticks))
		return -EIO;
	tcp_ticks = ticks;
	return 0;
}
