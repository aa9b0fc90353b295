/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_WORDS_H
#define DH_WORDS_H

/*
 * Lists as text: those of options, and those of TXT records. Blanks, tabs, ',' and ';' stand between words,
 * any number of each. ' and " quote, and so does a backslash the byte behind it.
 *
 *     dns='192.168.1.24,192.168.1.23',domname=example.org
 */

#include <stdbool.h>
#include <stddef.h>

/*
 * The next word of *text, which is moved behind it, without its quotes. False at the end. A word that does
 * not fit into `size` bytes with its NUL is skipped, and so is one whose quote does not end.
 */
bool dh_word(const char **text, char *word, size_t size);

/*
 * The same for a word TAG=VALUE: *value is the text behind the first '=', inside word, which ends with the
 * tag then. NULL: there is no '='.
 */
bool dh_tag(const char **text, char *word, size_t size, char **value);

#endif
