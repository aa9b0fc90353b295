/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "numbers.h"

#include <sys/resource.h>

#define FLOOR_MAX 512 /* half of the usual soft limit */

int vs_numbers_floor(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 2 > FLOOR_MAX)
		return FLOOR_MAX;
	return limit.rlim_cur / 2 > 3 ? (int)(limit.rlim_cur / 2) : 3;
}
