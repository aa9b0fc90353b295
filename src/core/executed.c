/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "executed.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>

/* Only a file that can be executed has it (entry.c), and no program that contains parts of the library. */
extern const char vs_interpreter[] __attribute__((weak));

/* The start of this file in memory, by the linker. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

bool vs_executed(void)
{
	uintptr_t own = (uintptr_t)&__ehdr_start + __ehdr_start.e_phoff;

	return vs_interpreter != NULL && own == getauxval(AT_PHDR);
}
