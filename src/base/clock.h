/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_CLOCK_H
#define VS_BASE_CLOCK_H

/* CLOCK_MONOTONIC: deadlines in milliseconds, and short times in nanoseconds. */

#include <stdint.h>
#include <time.h>

static inline int64_t vs_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static inline int64_t vs_now_ms(void)
{
	return vs_now_ns() / 1000000;
}

/* What is left until deadline_ms, for poll(2): 0 when it has passed. */
static inline int vs_left_ms(int64_t deadline_ms)
{
	int64_t left = deadline_ms - vs_now_ms();

	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

#endif
