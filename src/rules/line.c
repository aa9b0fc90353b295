/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "line.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct vs_rules_line *line)
{
	while (line->at < line->end && is_blank(*line->at))
		line->at++;
}

static unsigned column_of(const struct vs_rules_line *line, const char *at)
{
	return (unsigned)(at - line->start) + 1;
}

enum vs_rules_word_result vs_rules_take_word(struct vs_rules_line *line, struct vs_rules_word *word)
{
	const char *quote = NULL;

	skip_blanks(line);
	*word = (struct vs_rules_word){ .text = line->put, .column = column_of(line, line->at) };
	if (line->at == line->end || *line->at == '#') {
		line->at = line->end;
		*line->put = '\0';
		return VS_RULES_LINE_END;
	}
	for (; line->at < line->end && (quote != NULL || !is_blank(*line->at)); line->at++) {
		if (*line->at == '"')
			quote = quote == NULL ? line->at : NULL;
		else
			*line->put++ = *line->at;
	}
	*line->put++ = '\0';
	if (quote == NULL)
		return VS_RULES_WORD;
	word->column = column_of(line, quote);
	return VS_RULES_OPEN_QUOTE;
}

const char *vs_rules_take_rest(struct vs_rules_line *line, unsigned *column)
{
	const char *text = line->put;

	skip_blanks(line);
	*column = column_of(line, line->at);
	while (line->end > line->at && is_blank(line->end[-1]))
		line->end--;
	memcpy(line->put, line->at, (size_t)(line->end - line->at));
	line->put += line->end - line->at;
	*line->put++ = '\0';
	line->at = line->end;
	return text;
}
