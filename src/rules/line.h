/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RULES_LINE_H
#define VS_RULES_LINE_H

/* The words of one line. A word that begins with # ends the line: it begins a comment. */

#include <stdbool.h>
#include <stddef.h>

struct vs_rules_line {
	const char *start, *at, *end; /* start and end of the line, the next byte to read */
	char *put;                    /* room for the texts of all words: a byte more than the line has */
	unsigned number;
};

struct vs_rules_word {
	const char *text; /* without quotes */
	unsigned column;  /* of its first byte, counted from 1 */
};

enum vs_rules_word_result { VS_RULES_WORD, VS_RULES_LINE_END, VS_RULES_OPEN_QUOTE };

/* At the end of the line the column is that of the end. With an open quote it is that of the quote. */
enum vs_rules_word_result vs_rules_take_word(struct vs_rules_line *line, struct vs_rules_word *word);

/* The rest of the line as it is, without blanks around it. */
const char *vs_rules_take_rest(struct vs_rules_line *line, unsigned *column);

#endif
