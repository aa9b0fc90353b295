/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Where the scanner is. Quotes are removed on the way, so what is written is never longer than what was
 * read.
 */
struct scanner {
	const char *text;
	size_t len, at;
	char *out;
	unsigned column; /* of a mistake */
	const char *why;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int mistake(struct scanner *s, size_t at, const char *why)
{
	s->column = (unsigned)at + 1;
	s->why = why;
	return -EINVAL;
}

/* One byte that counts, perhaps behind a backslash. */
static int take(struct scanner *s)
{
	unsigned char c = (unsigned char)s->text[s->at];

	if (c < ' ' && c != '\t')
		return mistake(s, s->at, "a control character; remove it");
	if (c == 0x7f)
		return mistake(s, s->at, "a control character; remove it");
	*s->out++ = s->text[s->at++];
	return 0;
}

static int take_quoted(struct scanner *s)
{
	size_t begin = s->at;
	char quote = s->text[s->at++];
	int r = 0;

	while (r == 0 && s->at < s->len && s->text[s->at] != quote) {
		if (quote == '"' && s->text[s->at] == '\\' && s->at + 1 < s->len)
			s->at++;
		r = take(s);
	}
	if (r < 0)
		return r;
	if (s->at == s->len)
		return mistake(s, begin, "the quote is not closed; write it once more at the end");
	s->at++;
	return 0;
}

static int take_word(struct scanner *s)
{
	int r = 0;

	while (r == 0 && s->at < s->len && !is_blank(s->text[s->at])) {
		char c = s->text[s->at];
		if (c == '\'' || c == '"') {
			r = take_quoted(s);
			continue;
		}
		if (c == '\\') {
			if (++s->at == s->len)
				return mistake(s, s->at - 1, "a backslash at the end; remove it");
		}
		r = take(s);
	}
	*s->out++ = '\0';
	return r;
}

static int add_words(struct scanner *s, struct vs_lab_line *line)
{
	for (;;) {
		while (s->at < s->len && is_blank(s->text[s->at]))
			s->at++;
		if (s->at == s->len || s->text[s->at] == '#')
			return 0;
		line->words[line->n] = (struct vs_lab_word){ .text = s->out, .column = (unsigned)s->at + 1 };
		line->n++;
		int r = take_word(s);
		if (r < 0)
			return r;
	}
}

int vs_lab_line_split(const char *text, size_t len, struct vs_lab_line *line, unsigned *column,
		      const char **why)
{
	/* Each word but the last has a blank behind it, which leaves room for its NUL. */
	struct vs_lab_line found = {
		.number = line->number,
		.end = (unsigned)len + 1,
		.words = calloc(len / 2 + 1, sizeof(*found.words)),
		.bytes = malloc(len + 2),
	};
	struct scanner s = { .text = text, .len = len, .out = found.bytes };
	int r = found.words != NULL && found.bytes != NULL ? add_words(&s, &found) : -ENOMEM;

	if (r < 0) {
		vs_lab_line_free(&found);
		*column = s.column;
		*why = s.why;
		return r;
	}
	*line = found;
	return 0;
}

void vs_lab_line_free(struct vs_lab_line *line)
{
	free(line->words);
	free(line->bytes);
	line->words = NULL;
	line->bytes = NULL;
	line->n = 0;
}

char **vs_lab_line_argv(const char *command, int *err)
{
	struct vs_lab_line line = { 0 };
	const char *why;
	unsigned column;
	size_t len = strlen(command);
	char **argv = NULL;

	*err = vs_lab_line_split(command, len, &line, &column, &why);
	if (*err < 0)
		return NULL;
	size_t list = (line.n + 1) * sizeof(*argv);
	*err = line.n == 0 ? -EINVAL : -ENOMEM;
	if (line.n > 0)
		argv = malloc(list + len + 2);
	if (argv != NULL) {
		char *bytes = (char *)argv + list;
		memcpy(bytes, line.bytes,
		       (size_t)(line.words[line.n - 1].text - line.bytes) +
			       strlen(line.words[line.n - 1].text) + 1);
		for (size_t i = 0; i < line.n; i++)
			argv[i] = bytes + (line.words[i].text - line.bytes);
		argv[line.n] = NULL;
		*err = 0;
	}
	vs_lab_line_free(&line);
	return argv;
}
