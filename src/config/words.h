/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_WORDS_H
#define VS_CONFIG_WORDS_H

/* The words of a configuration string. Pure: knows quoting and positions, not meanings. */

#include <stddef.h>

#include "error.h"

#define VS_CONFIG_TEXT_MAX 65536 /* bytes, without the final NUL */
#define VS_CONFIG_WORDS_MAX 4096

struct vs_word {
	const char *text; /* without quotes and backslashes; may be "" (written as '') */
	size_t position;  /* of its first byte, quotes included, counted in bytes from 1 */
};

struct vs_words {
	struct vs_word *list;
	size_t n;
	char *store; /* what the texts point into */
};

/*
 * Splits text into *out, which the caller releases with vs_words_free(). Returns 0, or, with
 * *error filled, -E2BIG (a limit above), -EINVAL (a quote that is not closed, a backslash
 * at the very end) or -ENOMEM. *out is written only on success.
 */
int vs_words_split(const char *text, struct vs_config_error *error, struct vs_words *out);

/* Leaves *words empty; an empty one is allowed. */
void vs_words_free(struct vs_words *words);

/*
 * Fills *error with "configuration word \"…\" at position N: " and what fmt makes, and returns -err.
 * The word is shortened, and bytes that are not printable ASCII are shown as '?'. Write cause
 * and remedy, "<cause>; <remedy>", and put nothing unchecked from the string into it.
 */
int vs_word_fail(struct vs_config_error *error, int err, const struct vs_word *word, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
