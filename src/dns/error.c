/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Messages of this library, one per thread. The buffer is in the thread's own memory, so no call frees it.
 */

#include "error.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <vdestack/dns.h>

static _Thread_local char message[512];

__attribute__((format(printf, 1, 0))) static void record(const char *fmt, va_list args)
{
	int saved = errno;
	char text[sizeof(message)];

	/* The arguments may be parts of the old message. */
	vsnprintf(text, sizeof(text), fmt, args);
	memcpy(message, text, sizeof(text));
	errno = saved;
}

void vs_dns_error_set(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	record(fmt, args);
	va_end(args);
}

int vs_dns_fail(int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	record(fmt, args);
	va_end(args);
	return code;
}

int vs_dns_fail_errno(int err, const char *what)
{
	vs_dns_error_set("%s: %s", what, strerrordesc_np(err));
	errno = err;
	return err == ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
}

const char *vdestack_dns_last_error(void)
{
	return message;
}
