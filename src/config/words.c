/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tokenizer of the configuration string.
 *
 * Words are separated by any run of space, tab, newline, ';' and ','. Quotes may stand
 * anywhere in a word, as in a shell: everything is literal between two ', a backslash keeps
 * the next byte between two " and outside of quotes. A '#' that begins a word begins a
 * comment up to the end of the line; later in a word it is an ordinary byte (URLs have it).
 *
 * All texts live in one store as long as the string: taking quotes away only shortens a
 * word, and the byte of the separator behind it has room for its NUL.
 */

#include "words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 60 /* bytes of a word in a message */

#define OPEN_SINGLE "no second ' closes the one"
#define OPEN_DOUBLE "no second \" closes the one"

struct scan {
	const char *start; /* of the whole string, for positions */
	const char *at;    /* next byte to read */
	char *put;         /* next byte of the store to write */
	struct vs_config_error *error;
};

/* The word as a message shows it. */
static void show_word(const char *text, char shown[SHOWN_MAX + 1])
{
	bool whole = strnlen(text, SHOWN_MAX + 1) <= SHOWN_MAX;
	size_t n = whole ? strlen(text) : SHOWN_MAX - 3;

	for (size_t i = 0; i < n; i++)
		shown[i] = text[i];
	for (size_t i = 0; i < n; i++)
		if (shown[i] < ' ' || shown[i] > '~')
			shown[i] = '?';
	strcpy(shown + n, whole ? "" : "...");
}

int vs_word_fail(struct vs_config_error *error, int err, const struct vs_word *word, const char *fmt, ...)
{
	char shown[SHOWN_MAX + 1];
	char cause[VS_CONFIG_ERROR_MAX];
	va_list ap;

	show_word(word->text, shown);
	va_start(ap, fmt);
	(void)vsnprintf(cause, sizeof(cause), fmt, ap);
	va_end(ap);
	(void)vs_config_fail(error, err, "configuration word \"%s\" at position %zu: %s", shown, word->position,
			     cause);
	error->position = word->position;
	return -err;
}

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == ';' || c == ',';
}

static size_t position(const struct scan *scan)
{
	return (size_t)(scan->at - scan->start) + 1;
}

static void skip_to_word(struct scan *scan)
{
	for (;;) {
		while (is_separator(*scan->at))
			scan->at++;
		if (*scan->at != '#')
			return;
		while (*scan->at != '\0' && *scan->at != '\n')
			scan->at++;
	}
}

/* A failure inside a word; what has been read of it so far names it. */
static int fail_unfinished(struct scan *scan, const struct vs_word *word, const char *what, size_t where)
{
	*scan->put = '\0';
	return vs_word_fail(scan->error, EINVAL, word,
			    "%s at position %zu; a single one is written with a backslash before it", what,
			    where);
}

/* At a backslash: takes the byte behind it. */
static int take_escaped(struct scan *scan, const struct vs_word *word)
{
	size_t where = position(scan);

	scan->at++;
	if (*scan->at == '\0')
		return fail_unfinished(scan, word, "nothing follows the backslash", where);
	*scan->put++ = *scan->at++;
	return 0;
}

/* At an opening quote: takes everything up to the closing one. */
static int take_quoted(struct scan *scan, const struct vs_word *word)
{
	size_t where = position(scan);
	char quote = *scan->at++;

	while (*scan->at != quote) {
		/* a backslash at the very end leaves the quote open, which is the better complaint */
		if (*scan->at == '\\' && quote == '"' && scan->at[1] != '\0')
			scan->at++;
		if (*scan->at == '\0')
			return fail_unfinished(scan, word, quote == '"' ? OPEN_DOUBLE : OPEN_SINGLE, where);
		*scan->put++ = *scan->at++;
	}
	scan->at++;
	return 0;
}

static int take_word(struct scan *scan, struct vs_word *word)
{
	int result = 0;

	word->text = scan->put;
	word->position = position(scan);
	while (result == 0 && *scan->at != '\0' && !is_separator(*scan->at)) {
		if (*scan->at == '\'' || *scan->at == '"')
			result = take_quoted(scan, word);
		else if (*scan->at == '\\')
			result = take_escaped(scan, word);
		else
			*scan->put++ = *scan->at++;
	}
	if (result == 0)
		*scan->put++ = '\0';
	return result;
}

static int take_words(struct scan *scan, struct vs_words *words)
{
	for (;;) {
		skip_to_word(scan);
		if (*scan->at == '\0')
			return 0;
		if (words->n == VS_CONFIG_WORDS_MAX)
			return vs_config_fail(scan->error, E2BIG,
				       "cannot read the configuration: more than %d words, at position "
				       "%zu; add the rest with vdestack_add()",
				       VS_CONFIG_WORDS_MAX, position(scan));
		int result = take_word(scan, &words->list[words->n]);
		if (result < 0)
			return result;
		words->n++;
	}
}

/* Room for every word that a string of length bytes can have, and for their texts. */
static int make_room(struct vs_words *words, size_t length, struct vs_config_error *error)
{
	size_t most = length / 2 + 1; /* a word and its separator take two bytes at least */

	if (most > VS_CONFIG_WORDS_MAX)
		most = VS_CONFIG_WORDS_MAX;
	words->list = calloc(most, sizeof(*words->list));
	words->store = malloc(length + 1);
	if (words->list == NULL || words->store == NULL)
		return vs_config_fail_memory(error);
	return 0;
}

void vs_words_free(struct vs_words *words)
{
	free(words->list);
	free(words->store);
	*words = (struct vs_words){ 0 };
}

int vs_words_split(const char *text, struct vs_config_error *error, struct vs_words *out)
{
	size_t length = strnlen(text, VS_CONFIG_TEXT_MAX + 1);
	struct vs_words words = { 0 };

	if (length > VS_CONFIG_TEXT_MAX)
		return vs_config_fail(error, E2BIG,
			       "cannot read the configuration: it is longer than %d bytes; add the rest "
			       "with vdestack_add()",
			       VS_CONFIG_TEXT_MAX);
	int result = make_room(&words, length, error);
	if (result == 0) {
		struct scan scan = { .start = text, .at = text, .put = words.store, .error = error };
		result = take_words(&scan, &words);
	}
	if (result < 0)
		vs_words_free(&words);
	else
		*out = words;
	return result;
}
