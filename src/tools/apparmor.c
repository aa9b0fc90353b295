/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apparmor.h"

#include <errno.h>
#include <string.h>

/* A path in quotes. There only the characters of globs have a meaning, so they are escaped. */
static void write_path(FILE *out, const char *path)
{
	(void)fputc('"', out);
	for (; *path != '\0'; path++) {
		if (strchr("*?[]{}^,", *path) != NULL)
			(void)fputc('\\', out);
		(void)fputc(*path, out);
	}
	(void)fputc('"', out);
}

int vs_apparmor_write(FILE *out, const char *path)
{
	if (path[0] != '/')
		return -EINVAL;
	for (const char *at = path; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f || strchr("\"@\\", *at) != NULL)
			return -EINVAL;
	(void)fputs("# Save below /etc/apparmor.d and load with: apparmor_parser -r FILE\n"
		    "abi <abi/4.0>,\n\nprofile ", out);
	write_path(out, path);
	(void)fputs(" flags=(unconfined) {\n  userns,\n}\n", out);
	return 0;
}
