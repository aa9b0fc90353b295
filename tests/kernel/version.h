/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef KERNEL_VERSION_H
#define KERNEL_VERSION_H

/* Which kernel runs, for cases about what older ones do not have. */

#include <stdbool.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "case.h"

static bool kernel_is_before(unsigned major, unsigned minor)
{
	struct utsname name;
	unsigned its_major = 0, its_minor = 0;

	MUST(uname(&name));
	CHECK_EQ(sscanf(name.release, "%u.%u", &its_major, &its_minor), 2);
	return its_major < major || (its_major == major && its_minor < minor);
}

#endif
