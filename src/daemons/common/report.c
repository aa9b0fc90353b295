/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define LONGEST 1024

static const char *program = "";
static bool verbose, to_syslog;

void dm_report_name(const char *name)
{
	program = name;
}

void dm_report_verbose(bool on)
{
	verbose = on;
}

void dm_report_to_syslog(void)
{
	openlog(program, LOG_PID, LOG_DAEMON);
	to_syslog = true;
}

/* In place. Bytes above 127 may be UTF-8 and stay. */
static void without_controls(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++)
		if (*c < ' ' || *c == 127)
			*c = '?';
}

static void write_line(enum dm_level level, char *text)
{
	static const int priorities[] = {
		[DM_ERROR] = LOG_ERR, [DM_NOTICE] = LOG_NOTICE, [DM_DEBUG] = LOG_DEBUG
	};

	without_controls(text);
	if (to_syslog)
		syslog(priorities[level], "%s", text);
	else
		(void)fprintf(stderr, "%s: %s\n", program, text);
}

void dm_report(enum dm_level level, const char *format, ...)
{
	char text[LONGEST];
	va_list args;

	if (level == DM_DEBUG && !verbose)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	write_line(level, text);
}

int dm_wrong(struct dm_where *where, const char *format, ...)
{
	char text[LONGEST];
	size_t at = 0;
	va_list args;

	if (where->file != NULL)
		at = (size_t)snprintf(text, sizeof(text) / 2, "%s:%u: ", where->file, where->line);
	if (at >= sizeof(text) / 2)
		at = sizeof(text) / 2 - 1;
	va_start(args, format);
	(void)vsnprintf(text + at, sizeof(text) - at, format, args);
	va_end(args);
	write_line(DM_ERROR, text);
	where->errors++;
	return -1;
}
