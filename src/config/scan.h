/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_SCAN_H
#define VS_CONFIG_SCAN_H

/*
 * The tokenizer: takes one word out of a string, without its quotes. Pure.
 *
 * Two grammars use it. Both quote as a shell does: quotes may stand anywhere in a word, everything is
 * literal between two ', a backslash keeps the next byte between two " and outside of quotes. They
 * differ on purpose: the configuration is our own language, command lines are split as libvdestack 0.1
 * splits them (by s2argv(3) of libexecs).
 *
 *                                  VS_SCAN_CONFIG            VS_SCAN_COMMAND
 *     bytes that end a word        space tab newline ; ,     space tab newline ;
 *     a backslash between two "    is removed                stays in the word
 *     a backslash at the very end  is an error               is dropped
 */

#include <stdbool.h>
#include <stddef.h>

enum vs_scan_grammar {
	VS_SCAN_CONFIG,
	VS_SCAN_COMMAND,
};

enum vs_scan_result {
	VS_SCAN_WORD,
	VS_SCAN_OPEN_SINGLE, /* a ' is not closed */
	VS_SCAN_OPEN_DOUBLE, /* a " is not closed */
	VS_SCAN_BACKSLASH,   /* nothing follows a backslash */
};

struct vs_scan {
	enum vs_scan_grammar grammar;
	const char *at;      /* next byte to read */
	/* Next byte to write; a word needs no more bytes than it is read from, and a NUL. */
	char *put;
	const char *problem; /* the quote or backslash in question, unless the result is VS_SCAN_WORD */
};

/* Spaces, tabs and newlines; for VS_SCAN_CONFIG ';' and ',' too. */
bool vs_scan_is_blank(enum vs_scan_grammar grammar, char c);

/* Takes the word that begins at scan->at, up to the byte that ends it. Writes a NUL behind it in any case. */
enum vs_scan_result vs_scan_word(struct vs_scan *scan);

#endif
