/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int vs_config_fail(struct vs_config_error *error, int err, const char *fmt, ...)
{
	va_list ap;

	error->err = err;
	error->position = 0;
	va_start(ap, fmt);
	(void)vsnprintf(error->text, sizeof(error->text), fmt, ap);
	va_end(ap);
	return -err;
}

int vs_config_fail_memory(struct vs_config_error *error)
{
	error->err = ENOMEM;
	error->position = 0;
	error->text[0] = '\0';
	return -ENOMEM;
}
