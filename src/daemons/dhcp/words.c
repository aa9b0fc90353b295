/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "words.h"

#include <string.h>

static bool separates(char c)
{
	return c == ' ' || c == '\t' || c == ',' || c == ';' || c == '\n' || c == '\r';
}

/* Reads one word. Returns what is behind it; *ok: the word is complete, and fits. */
static const char *read_word(const char *from, char *word, size_t size, bool *ok)
{
	char quote = '\0';
	size_t n = 0;

	for (; *from != '\0' && (quote != '\0' || !separates(*from)); from++) {
		char c = *from;

		if (quote == '\0' && (c == '\'' || c == '"')) {
			quote = c;
			continue;
		}
		if (c == quote) {
			quote = '\0';
			continue;
		}
		if (c == '\\' && from[1] != '\0')
			c = *++from;
		if (n < size)
			word[n] = c;
		n++;
	}
	*ok = quote == '\0' && n < size;
	if (*ok)
		word[n] = '\0';
	return from;
}

bool dh_word(const char **text, char *word, size_t size)
{
	bool ok = false;

	while (!ok) {
		while (separates(**text))
			(*text)++;
		if (**text == '\0')
			return false;
		*text = read_word(*text, word, size, &ok);
	}
	return true;
}

bool dh_tag(const char **text, char *word, size_t size, char **value)
{
	if (!dh_word(text, word, size))
		return false;
	*value = strchr(word, '=');
	if (*value != NULL)
		*(*value)++ = '\0';
	return true;
}
