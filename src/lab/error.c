/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The message is in the thread's own memory, so no call frees it. */

#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <vdestack/lab.h>

static _Thread_local char message[1024];

int vs_lab_error(int err, const char *fmt, ...)
{
	char text[sizeof(message)]; /* the arguments may be parts of the old message */
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	memcpy(message, text, sizeof(text));
	return -err;
}

int vs_lab_error_below(const char *fmt, ...)
{
	int err = errno;
	char text[256];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return vs_lab_error(err, "%s: %s", text, vdestack_last_error());
}

int vs_lab_edge(int r)
{
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

const char *vdestack_lab_last_error(void)
{
	return message;
}
