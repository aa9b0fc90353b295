/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "notices.h"

#include <stdarg.h>
#include <stdio.h>

#define PERIOD_MS 10000
#define MOST 50 /* in a period */

void n4_notice(struct n4_notices *notices, int64_t now_ms, enum dm_level level, const char *format, ...)
{
	char text[512];
	va_list args;

	if (level == DM_DEBUG && !notices->verbose)
		return;
	unsigned *n = level == DM_DEBUG ? &notices->n_debug : &notices->n;
	if ((notices->n == 0 && notices->n_debug == 0) || now_ms - notices->since_ms >= PERIOD_MS) {
		if (notices->left_out > 0)
			dm_report(DM_NOTICE, "%u messages about requests were left out", notices->left_out);
		*notices = (struct n4_notices){ .verbose = notices->verbose, .since_ms = now_ms };
	}
	if (*n == MOST) {
		notices->left_out++;
		return;
	}
	++*n;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	dm_report(level, "%s", text);
}
