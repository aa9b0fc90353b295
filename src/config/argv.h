/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_ARGV_H
#define VS_CONFIG_ARGV_H

/*
 * Splits a line into commands and their words, as libexecs' s2argv(3) does for libvdestack 0.1: space, tab
 * and newline separate words, ';' separates commands; scan.h has the quoting. There is no shell and no
 * expansion: "$NAME" stays as it is. Empty commands are skipped.
 *
 * Returns NULL-terminated argument vectors one behind the other, ended by an empty one, in one
 * allocation that the caller frees. NULL with errno: ENOMEM, or EINVAL for a quote that is not closed.
 */
char **vs_argv_split(const char *line);

/* The vector after this one; NULL when there is none. */
char **vs_argv_next(char **argv);

#endif
