/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What stands in another root at the path of the library of lookups: a program that loads it ends. */

#include <unistd.h>

__attribute__((constructor)) static void loaded(void)
{
	_exit(99);
}
