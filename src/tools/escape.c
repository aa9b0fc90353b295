/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "escape.h"

#include <stdbool.h>
#include <string.h>

#include "report.h"

/* The character at p. Returns its bytes; 0: there is no valid one, and *code is U+FFFD. */
static size_t decode(const unsigned char *p, unsigned *code)
{
	size_t n = *p < 0x80 ? 1 : vs_report_utf8(p);

	*code = n == 0 ? 0xfffd : n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		*code = *code << 6 | (p[i] & 0x3f);
	return n;
}

/* Control characters, those that change the direction of text or are not seen, and noncharacters. */
static bool is_harmful(unsigned code)
{
	return code < ' ' || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
	       (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb) ||
	       (code & 0xfffe) == 0xfffe || (code >= 0xe0000 && code <= 0xe0fff);
}

/* The next character as it is written, at most 4 bytes. Returns how many. Moves *at on. */
static size_t next(const char **at, char out[5])
{
	unsigned code;
	size_t n = decode((const unsigned char *)*at, &code);
	size_t step = n > 0 ? n : 1;

	if (n == 0 || is_harmful(code)) {
		memcpy(out, "?", 2);
		n = 1;
	} else {
		memcpy(out, *at, n);
		out[n] = '\0';
	}
	*at += step;
	return n;
}

void vs_escape_plain(FILE *out, const char *text)
{
	char c[5];

	while (*text != '\0') {
		(void)next(&text, c);
		(void)fputs(c, out);
	}
}

void vs_escape_xml(FILE *out, const char *text)
{
	char c[5];

	while (*text != '\0') {
		(void)next(&text, c);
		(void)fputs(c[0] == '<'    ? "&lt;"
			    : c[0] == '>'  ? "&gt;"
			    : c[0] == '&'  ? "&amp;"
			    : c[0] == '"'  ? "&quot;"
			    : c[0] == '\'' ? "&#39;"
					   : c,
			    out);
	}
}

void vs_escape_dot(FILE *out, const char *text)
{
	char c[5];

	while (*text != '\0') {
		(void)next(&text, c);
		if (c[0] == '"' || c[0] == '\\')
			(void)fputc('\\', out);
		(void)fputs(c, out);
	}
}

int vs_escape_fit(char *buf, size_t size, const char *text, int columns)
{
	size_t used = 0, before_last = 0;
	int n = 0;
	char c[5];

	buf[0] = '\0';
	while (*text != '\0') {
		size_t len = next(&text, c);
		if (n == columns || used + len >= size) {
			if (n > 0)
				memcpy(buf + before_last, "~", 2);
			return n;
		}
		before_last = used;
		memcpy(buf + used, c, len + 1);
		used += len;
		n++;
	}
	return n;
}
