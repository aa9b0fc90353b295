/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "argv.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "scan.h"

char **vs_argv_split(const char *line)
{
	/* No more words or ends than bytes: pointers first, then the text, which never grows. */
	size_t len = strlen(line), n = 0;
	char **argv = malloc((len + 3) * sizeof(*argv) + 2 * len + 2);

	if (argv == NULL)
		return NULL;
	struct vs_scan scan = { .grammar = VS_SCAN_COMMAND, .at = line, .put = (char *)(argv + len + 3) };
	while (*scan.at != '\0') {
		if (*scan.at == ';') {
			if (n > 0 && argv[n - 1] != NULL)
				argv[n++] = NULL;
			scan.at++;
		} else if (vs_scan_is_blank(VS_SCAN_COMMAND, *scan.at)) {
			scan.at++;
		} else {
			argv[n++] = scan.put;
			if (vs_scan_word(&scan) != VS_SCAN_WORD) {
				free(argv);
				errno = EINVAL;
				return NULL;
			}
		}
	}
	if (n > 0 && argv[n - 1] != NULL)
		argv[n++] = NULL;
	argv[n] = NULL;
	return argv;
}

char **vs_argv_next(char **argv)
{
	while (*argv != NULL)
		argv++;
	return argv[1] != NULL ? argv + 1 : NULL;
}
