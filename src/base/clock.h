/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_CLOCK_H
#define VS_BASE_CLOCK_H

/* CLOCK_MONOTONIC: deadlines in milliseconds, and short times in nanoseconds. */

#include <stdbool.h>
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

/* Time-outs of public calls, in milliseconds: -1 waits for ever, 0 looks once, more waits that long. */
static inline bool vs_timeout_valid(int timeout_ms)
{
	return timeout_ms >= -1;
}

static inline int64_t vs_deadline_ms(int timeout_ms)
{
	return timeout_ms < 0 ? INT64_MAX : vs_now_ms() + timeout_ms;
}

/* What is left until deadline_ms, for poll(2): 0 when it has passed. */
static inline int vs_left_ms(int64_t deadline_ms)
{
	int64_t left = deadline_ms - vs_now_ms();

	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

#endif
