/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "opts.h"

#include <errno.h>
#include <string.h>

#include "error.h"

int vs_opts_read(const void *given, size_t least_bytes, void *known, size_t known_bytes)
{
	const unsigned char *bytes = given;
	size_t size = 0;

	if (given != NULL) {
		memcpy(&size, given, sizeof(size));
		if (size < least_bytes)
			return -EINVAL;
	}
	for (size_t i = known_bytes; i < size; i++)
		if (bytes[i] != 0)
			return -E2BIG;
	vs_opts_write(known, known_bytes, given, size);
	return 0;
}

void vs_opts_write(void *given, size_t given_bytes, const void *known, size_t known_bytes)
{
	size_t both = given_bytes < known_bytes ? given_bytes : known_bytes;

	if (both > 0)
		memcpy(given, known, both);
	memset((char *)given + both, 0, given_bytes - both);
}

int vs_opts_fail(int result, const char *step, const char *type)
{
	if (result == -E2BIG)
		return vs_fail(E2BIG,
			       "cannot %s: struct %s has members that are newer than this library; leave "
			       "them zero or use the library they came with",
			       step, type);
	return vs_fail(EINVAL, "cannot %s: the size of struct %s is not set; set it to sizeof(struct %s)",
		       step, type, type);
}
