/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_ESCAPE_H
#define VS_TOOLS_ESCAPE_H

/*
 * Text of other programs: names of processes, stacks and interfaces, locators. It may be any bytes. What is
 * written is valid UTF-8, and the terminal gets no control characters and nothing that changes the direction
 * of text: '?' stands for these. A string of JSON: vs_report_json_string().
 */

#include <stdio.h>

void vs_escape_plain(FILE *out, const char *text); /* for a terminal */
void vs_escape_xml(FILE *out, const char *text);   /* text or an attribute in quotes */
void vs_escape_dot(FILE *out, const char *text);   /* inside a quoted string of Graphviz */

/*
 * The same as vs_escape_plain() into a buffer, cut to at most `columns` characters; a cut text ends with '~'.
 * size is at least 2. Returns how many characters there are, each a column.
 */
int vs_escape_fit(char *buf, size_t size, const char *text, int columns);

#endif
