/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The words of the configuration string, by the tokenizer of scan.h.
 *
 * Words are separated by any run of space, tab, newline, ';' and ','. A '#' that begins a word begins a
 * comment up to the end of the line; later in a word it is an ordinary byte (URLs have it).
 *
 * All texts are in one store as long as the string: removing quotes only shortens a word, and the byte
 * of the separator behind it has room for its NUL.
 */

#include "words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scan.h"

#define SHOWN_MAX 60 /* bytes of a word in a message */

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
	(void)vs_config_fail(error, err, "configuration word \"%s\" at position %zu: %s", shown,
			     word->position, cause);
	error->position = word->position;
	return -err;
}

static const char *next_word(const char *at)
{
	for (;;) {
		while (vs_scan_is_blank(VS_SCAN_CONFIG, *at))
			at++;
		if (*at != '#')
			return at;
		at += strcspn(at, "\n");
	}
}

/* start: of the whole string. */
static int take_word(struct vs_scan *scan, const char *start, struct vs_config_error *error,
		     struct vs_word *word)
{
	static const char *const problems[] = {
		[VS_SCAN_OPEN_SINGLE] = "no second ' closes the one",
		[VS_SCAN_OPEN_DOUBLE] = "no second \" closes the one",
		[VS_SCAN_BACKSLASH] = "nothing follows the backslash",
	};

	*word = (struct vs_word){ .text = scan->put, .position = (size_t)(scan->at - start) + 1 };
	enum vs_scan_result result = vs_scan_word(scan);
	if (result == VS_SCAN_WORD)
		return 0;
	return vs_word_fail(error, EINVAL, word,
			    "%s at position %zu; a single one is written with a backslash before it",
			    problems[result], (size_t)(scan->problem - start) + 1);
}

static int take_words(const char *text, struct vs_config_error *error, struct vs_words *words)
{
	struct vs_scan scan = { .grammar = VS_SCAN_CONFIG, .at = next_word(text), .put = words->store };
	int result = 0;

	for (; result == 0 && *scan.at != '\0'; scan.at = next_word(scan.at)) {
		if (words->n == VS_CONFIG_WORDS_MAX)
			return vs_config_fail(
				error, E2BIG,
				"cannot read the configuration: more than %d words, at position "
				"%zu; add the rest with vdestack_iface_add()",
				VS_CONFIG_WORDS_MAX, (size_t)(scan.at - text) + 1);
		result = take_word(&scan, text, error, &words->list[words->n++]);
	}
	return result;
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
			       "with vdestack_iface_add()",
			       VS_CONFIG_TEXT_MAX);
	int result = make_room(&words, length, error);
	if (result == 0)
		result = take_words(text, error, &words);
	if (result < 0)
		vs_words_free(&words);
	else
		*out = words;
	return result;
}
