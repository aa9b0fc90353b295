/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_CAPTURE_FILES_H
#define VDESTACK_TESTS_CAPTURE_FILES_H

/* A reader of capture files, a program in Python that does not know the library. */

#include <stdio.h>

#include "case.h"

static char output[4 << 20];

/* What the reader in Python says of the files; it fails the case if a file is not as the format says. */
__attribute__((unused)) static const char *read_files(const char *names)
{
	char command[2048];

	(void)snprintf(command, sizeof(command), "exec python3 -B %s %s 2>&1", PCAPNG_READER, names);
	FILE *p = popen(command, "re");
	CHECK(p != NULL);
	size_t n = fread(output, 1, sizeof(output) - 1, p);
	output[n] = '\0';
	if (pclose(p) != 0)
		FAIL("the file is not valid: %s", output);
	return output;
}

#endif
