/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "edge.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>

#include "error.h"

int vs_dns_edge(int err, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	vs_dns_error_set("%s", text);
	errno = err;
	return -1;
}

int vs_dns_is_absence(int code)
{
	return code == EAI_NONAME || code == EAI_NODATA || code == EAI_ADDRFAMILY;
}

int vs_dns_errno_of(int code)
{
	switch (code) {
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
	case EAI_SERVICE:
		return ENOENT;
	case EAI_AGAIN:
	case EAI_FAIL:
		return EAGAIN;
	case EAI_MEMORY:
		return ENOMEM;
	case EAI_SYSTEM:
		return errno != 0 ? errno : EIO;
	default:
		return EINVAL;
	}
}
