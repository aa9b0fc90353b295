/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "base/cleanup.h"

#define LONGEST_LINE 65536

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

/* Where the comment begins, or the end of the text. NULL: a quote does not end. */
static char *end_of_text(char *text)
{
	char quote = '\0';
	char *c = text;

	for (; *c != '\0'; c++) {
		if (quote != '\0') {
			if (*c == quote)
				quote = '\0';
		} else if (*c == '\'' || *c == '"') {
			quote = *c;
		} else if (*c == '#' && (c == text || is_blank(c[-1]))) {
			break;
		}
	}
	return quote == '\0' ? c : NULL;
}

static char *trimmed(char *text, char *end)
{
	while (is_blank(*text) && text < end)
		text++;
	while (end > text && is_blank(end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* One line as the file has it, of n bytes. What it says, "" for nothing, NULL after a report. */
static char *said(char *text, size_t n, struct dm_where *where)
{
	if (strlen(text) != n) {
		(void)dm_wrong(where, "there is a byte 0: this is no text");
		return NULL;
	}
	if (n > LONGEST_LINE) {
		(void)dm_wrong(where, "the line is longer than %d bytes", LONGEST_LINE);
		return NULL;
	}
	char *end = end_of_text(text);
	if (end == NULL)
		(void)dm_wrong(where, "a quote does not end");
	return end == NULL ? NULL : trimmed(text, end);
}

void dm_lines_read(const char *path, struct dm_where *where,
		   void (*line)(void *to, char *text, struct dm_where *where), void *to)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	VS_AUTO_FREE char *buffer = NULL;
	size_t size = 0;
	ssize_t n;

	where->file = path;
	where->line = 0;
	if (file == NULL) {
		dm_report(DM_ERROR, "cannot read %s: %s", path, strerror(errno));
		where->errors++;
		return;
	}
	errno = 0;
	while ((n = getline(&buffer, &size, file)) >= 0) {
		where->line++;
		char *text = said(buffer, (size_t)n, where);
		if (text != NULL && *text != '\0')
			line(to, text, where);
		errno = 0;
	}
	if (!feof(file)) {
		dm_report(DM_ERROR, "cannot read %s: %s", path, strerror(errno));
		where->errors++;
	}
	if (file != stdin)
		(void)fclose(file);
}

char *dm_lines_word(char **text)
{
	char quote = '\0';
	char *from = *text, *to;

	while (is_blank(*from))
		from++;
	if (*from == '\0')
		return NULL;
	char *word = to = from;
	for (; *from != '\0' && (quote != '\0' || !is_blank(*from)); from++) {
		if (quote == '\0' && (*from == '\'' || *from == '"'))
			quote = *from;
		else if (*from == quote)
			quote = '\0';
		else
			*to++ = *from;
	}
	*text = *from == '\0' ? from : from + 1;
	*to = '\0';
	return word;
}
