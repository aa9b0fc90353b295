/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pattern.h"

#include <string.h>

/* The ] of the set that begins at `set`, or NULL. A ] that comes first is a member. */
static const char *set_end(const char *set)
{
	const char *p = set + 1;

	if (*p == '!')
		p++;
	return *p != '\0' ? strchr(p + 1, ']') : NULL;
}

bool vs_rules_pattern_valid(const char *pattern, size_t *at)
{
	for (const char *p = pattern; *p != '\0'; p++) {
		if (*p != '[')
			continue;
		const char *end = set_end(p);
		if (end == NULL) {
			*at = (size_t)(p - pattern);
			return false;
		}
		p = end;
	}
	return true;
}

static unsigned char fold(char c, bool no_case)
{
	return (unsigned char)(no_case && c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool in_set(const char *set, const char *end, unsigned char c, bool no_case)
{
	bool negated = set[1] == '!', found = false;

	for (const char *p = set + 1 + negated; p < end; p++) {
		unsigned char low = fold(*p, no_case), high = low;
		if (p[1] == '-' && p + 2 < end) {
			p += 2;
			high = fold(*p, no_case);
		}
		found = found || (c >= low && c <= high);
	}
	return found != negated;
}

/* Matches one byte. The pattern behind what matched, or NULL. */
static const char *match_one(const char *pattern, char text, bool no_case)
{
	unsigned char c = fold(text, no_case);

	if (*pattern == '?')
		return pattern + 1;
	if (*pattern == '[') {
		const char *end = set_end(pattern);
		return end != NULL && in_set(pattern, end, c, no_case) ? end + 1 : NULL;
	}
	return fold(*pattern, no_case) == c ? pattern + 1 : NULL;
}

/* The last * is the only one that needs to be tried again, so the time is at most length times length. */
bool vs_rules_pattern_matches(const char *pattern, const char *text, bool no_case)
{
	const char *star = NULL, *from = NULL;

	while (*text != '\0') {
		const char *next;
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (*pattern != '\0' && (next = match_one(pattern, *text, no_case)) != NULL) {
			pattern = next;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
