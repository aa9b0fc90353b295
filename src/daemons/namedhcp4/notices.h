/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef N4_NOTICES_H
#define N4_NOTICES_H

/*
 * Messages about what the network sends: at most some dozens in ten seconds, so that a flood does not fill
 * the log. Those of --verbose are counted apart: they leave room for what concerns the administrator. How
 * many were left out is reported with the next message.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemons/common/report.h"

struct n4_notices {
	bool verbose; /* DM_DEBUG messages count */
	/* Private. */
	int64_t since_ms;
	unsigned n, n_debug, left_out; /* in this period */
};

__attribute__((format(printf, 4, 5))) void n4_notice(struct n4_notices *notices, int64_t now_ms,
						     enum dm_level level, const char *format, ...);

#endif
