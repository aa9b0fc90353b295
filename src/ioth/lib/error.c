/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "error.h"

#include <errno.h>
#include <ioth.h>
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

static __thread char message[2048];
static __thread unsigned failures;

__attribute__((format(printf, 2, 0))) static int fail(int err, const char *fmt, va_list ap)
{
	char text[sizeof(message)]; /* an argument may be the message itself */

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	for (size_t i = 0; (message[i] = text[i]) != '\0'; i++)
		if (message[i] == '\n')
			message[i] = ' ';
	failures++;
	errno = err;
	return -1;
}

int vs_ioth_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int r = fail(err, fmt, ap);
	va_end(ap);
	return r;
}

int ioth_internal_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int r = fail(err, fmt, ap);
	va_end(ap);
	return r;
}

unsigned vs_ioth_failures(void)
{
	return failures;
}

const char *ioth_last_error(void)
{
	return message;
}
