/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DM_LINES_H
#define DM_LINES_H

/*
 * The lines of a configuration file. Blanks at both ends, empty lines and comments are gone: a comment goes
 * from a '#' at the beginning of the line, or behind a blank and outside of quotes, to the end of the line. A
 * line may end in CR LF, and the last one without either. Both ' and " quote; quotes stay in the text.
 */

#include "report.h"

/*
 * Calls line() for each line that says something. The text is writable and ends with the call; where has
 * the number of the line. line() reports what is wrong by dm_wrong(), and is called for the next line all the
 * same. A file that cannot be read, a line with a byte 0, a quote that does not end and a line over 64 KiB
 * are reported, too. path "-": standard input.
 */
void dm_lines_read(const char *path, struct dm_where *where,
		   void (*line)(void *to, char *text, struct dm_where *where), void *to);

/*
 * The next word of *text, which is moved behind it; NULL: there is none. Blanks stand between words. Quotes
 * keep them together and are removed.
 */
char *dm_lines_word(char **text);

#endif
