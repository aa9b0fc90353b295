/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "deadline.h"

#include <time.h>

int64_t vs_lab_deadline(int timeout_ms)
{
	struct timespec now;

	if (timeout_ms < 0)
		return -1;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec + timeout_ms * INT64_C(1000000);
}

int64_t vs_lab_sooner(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

int vs_lab_left_ms(int64_t deadline)
{
	int64_t left = deadline - vs_lab_deadline(0);

	if (deadline < 0)
		return -1;
	return left <= 0 ? 0 : (int)((left + 999999) / 1000000);
}
