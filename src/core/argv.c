/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "argv.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/*
 * One word from *from to *to, without its quotes. False: a quote is not closed. Between ""
 * a backslash stays, as s2argv has it, and only keeps the next byte from ending the quote.
 */
static bool take_word(const char **from, char **to)
{
	const char *in = *from;
	char *out = *to;
	char quote = '\0';

	for (; *in != '\0'; in++) {
		if (quote == '\0' && (is_blank(*in) || *in == ';'))
			break;
		if (*in == '\\' && quote != '\'') {
			if (quote == '"')
				*out++ = *in;
			if (in[1] != '\0')
				*out++ = *++in;
		} else if (quote == '\0' && (*in == '\'' || *in == '"'))
			quote = *in;
		else if (quote != '\0' && *in == quote)
			quote = '\0';
		else
			*out++ = *in;
	}
	*out++ = '\0';
	*from = in;
	*to = out;
	return quote == '\0';
}

char **vs_argv_split(const char *line)
{
	/* No more words or ends than bytes: pointers first, then the text, which never grows. */
	size_t len = strlen(line), n = 0;
	char **argv = malloc((len + 3) * sizeof(*argv) + 2 * len + 2);
	char *text;

	if (argv == NULL)
		return NULL;
	text = (char *)(argv + len + 3);
	for (const char *at = line; *at != '\0';) {
		if (*at == ';') {
			if (n > 0 && argv[n - 1] != NULL)
				argv[n++] = NULL;
			at++;
		} else if (is_blank(*at)) {
			at++;
		} else {
			argv[n++] = text;
			if (!take_word(&at, &text)) {
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
