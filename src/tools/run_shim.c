/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define _GNU_SOURCE
#include "run_shim.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* As seen from the folder of this program: installed, in the tree of a build, beside it. */
static const char *const places[] = { VS_TOOL_TO_LIBRARY, "../src", "." };

static char *try_place(const char *folder, const char *place)
{
	char path[PATH_MAX * 2];

	(void)snprintf(path, sizeof(path), "%s/%s/" VS_SHIM_NAME, folder, place);
	char *real = realpath(path, NULL);
	if (real != NULL && (strpbrk(real, " :") != NULL || access(real, R_OK) < 0)) {
		free(real);
		real = NULL;
	}
	return real;
}

char *vs_shim_find(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *found = NULL;

	if (n > 0)
		self[n] = '\0';
	else if (realpath((const char *)getauxval(AT_EXECFN), self) == NULL) /* there is no /proc */
		return NULL;
	char *slash = strrchr(self, '/');
	if (slash == NULL)
		return NULL;
	*slash = '\0';
	for (size_t i = 0; found == NULL && i < sizeof(places) / sizeof(places[0]); i++)
		found = try_place(self, places[i]);
	return found;
}
