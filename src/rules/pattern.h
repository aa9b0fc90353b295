/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RULES_PATTERN_H
#define VS_RULES_PATTERN_H

/*
 * Shell patterns: * is any text, ? one byte, [a-z] and [!a-z] one byte of these and none of these. Not
 * fnmatch(3), which depends on the locale and may call malloc(3): a rule is matched in signal handlers, too.
 */

#include <stdbool.h>
#include <stddef.h>

/* Whether the brackets of the pattern are closed. If not, *at is the place of the [. */
bool vs_rules_pattern_valid(const char *pattern, size_t *at);

/* no_case: for the letters of ASCII. */
bool vs_rules_pattern_matches(const char *pattern, const char *text, bool no_case);

#endif
