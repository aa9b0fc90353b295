/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_LINE_H
#define VS_LAB_LINE_H

/*
 * A line of a lab's text as words. Blanks separate words; '...' and "..." keep blanks, a backslash within
 * "..." and outside of quotes takes the next byte as it is. '#' at the beginning of a word begins a
 * comment. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

struct vs_lab_word {
	char *text;      /* without its quotes */
	unsigned column; /* of its first byte, from 1 */
};

struct vs_lab_line {
	unsigned number; /* from 1 */
	unsigned end;    /* the column behind the line, for what is missing there */
	struct vs_lab_word *words;
	size_t n;
	char *bytes; /* of all words */
};

/*
 * Splits text[0..len), which has no newline. -EINVAL: *column is where, *why what is wrong. -ENOMEM. The line
 * must be freed only after success.
 */
int vs_lab_line_split(const char *text, size_t len, struct vs_lab_line *line, unsigned *column,
		      const char **why);
void vs_lab_line_free(struct vs_lab_line *line);

/*
 * The arguments of a command that stands in one word, split in the same way, NULL behind the last. One block,
 * for free(3). NULL with *err -EINVAL (an open quote, no word) or -ENOMEM.
 */
char **vs_lab_line_argv(const char *command, int *err);

#endif
