/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "scan.h"

#include <string.h>

bool vs_scan_is_blank(enum vs_scan_grammar grammar, char c)
{
	return c == ' ' || c == '\t' || c == '\n' || (grammar == VS_SCAN_CONFIG && (c == ';' || c == ','));
}

static bool ends_word(const struct vs_scan *scan)
{
	return *scan->at == '\0' || *scan->at == ';' || vs_scan_is_blank(scan->grammar, *scan->at);
}

/* At a backslash outside of quotes: takes the byte behind it. */
static enum vs_scan_result take_escaped(struct vs_scan *scan)
{
	const char *backslash = scan->at++;

	if (*scan->at != '\0') {
		*scan->put++ = *scan->at++;
	} else if (scan->grammar == VS_SCAN_CONFIG) {
		scan->problem = backslash;
		return VS_SCAN_BACKSLASH;
	}
	return VS_SCAN_WORD;
}

/* At an opening quote: takes everything up to the closing one. */
static enum vs_scan_result take_quoted(struct vs_scan *scan)
{
	const char *open = scan->at++;

	while (*scan->at != *open) {
		/* a backslash at the very end leaves the quote open, which is the better error */
		if (*scan->at == '\\' && *open == '"' && scan->at[1] != '\0') {
			if (scan->grammar == VS_SCAN_COMMAND)
				*scan->put++ = '\\';
			scan->at++;
		}
		if (*scan->at == '\0') {
			scan->problem = open;
			return *open == '"' ? VS_SCAN_OPEN_DOUBLE : VS_SCAN_OPEN_SINGLE;
		}
		*scan->put++ = *scan->at++;
	}
	scan->at++;
	return VS_SCAN_WORD;
}

enum vs_scan_result vs_scan_word(struct vs_scan *scan)
{
	enum vs_scan_result result = VS_SCAN_WORD;

	while (result == VS_SCAN_WORD && !ends_word(scan)) {
		if (*scan->at == '\'' || *scan->at == '"')
			result = take_quoted(scan);
		else if (*scan->at == '\\')
			result = take_escaped(scan);
		else
			*scan->put++ = *scan->at++;
	}
	*scan->put++ = '\0';
	return result;
}
