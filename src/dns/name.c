/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define POINTERS_MAX 127 /* a name has no more labels than this */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads one byte of a label and moves *text behind it (RFC 1035 section 5.1). -1: it is malformed. */
static int next_byte(const char **text)
{
	const char *at = *text;
	unsigned char c = (unsigned char)at[0];

	*text = at + 1;
	if (c != '\\')
		return c <= ' ' || c >= 0x7f ? -1 : c;
	c = (unsigned char)at[1];
	if (!is_digit(at[1])) {
		*text = at + 2;
		return c < ' ' || c >= 0x7f ? -1 : c;
	}
	if (!is_digit(at[2]) || !is_digit(at[3]))
		return -1;
	*text = at + 4;
	int value = (at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0');
	return value <= 255 ? value : -1;
}

int vs_name_pack(const char *text, uint8_t wire[VS_NAME_WIRE_MAX])
{
	size_t n = 0;

	if (strcmp(text, ".") == 0)
		text++;
	while (*text != '\0') {
		size_t len = 0;
		while (*text != '\0' && *text != '.') {
			int c = next_byte(&text);
			if (c < 0 || len == 63 || n + 1 + len + 1 + 1 > VS_NAME_WIRE_MAX)
				return -EINVAL;
			wire[n + 1 + len++] = (uint8_t)c;
		}
		if (len == 0)
			return -EINVAL;
		wire[n] = (uint8_t)len;
		n += 1 + len;
		if (*text == '.')
			text++;
	}
	wire[n] = 0;
	return (int)n + 1;
}

int vs_name_unpack(const uint8_t *message, size_t n, size_t at, uint8_t wire[VS_NAME_WIRE_MAX],
		   size_t *wire_len)
{
	size_t out = 0, used = 0, start = at;
	int jumps = 0;

	for (;;) {
		if (at >= n)
			return -EBADMSG;
		unsigned c = message[at];
		if (c >= 0xc0) {
			if (at + 1 >= n)
				return -EBADMSG;
			size_t to = (c & 0x3fu) << 8 | message[at + 1];
			if (jumps++ == 0)
				used = at + 2 - start;
			/*
			 * A pointer to an earlier place than the last one: the places only fall, so there
			 * is no loop. The limit is for chains of pointers: a message has room for thousands
			 * of them, and for thousands of names that lead there.
			 */
			if (to >= at || to < 12 || jumps > POINTERS_MAX)
				return -EBADMSG;
			at = to;
			continue;
		}
		if (c > 63 || at + 1 + c > n || out + 1 + c > VS_NAME_WIRE_MAX)
			return -EBADMSG;
		memcpy(wire + out, message + at, 1 + c);
		out += 1 + c;
		at += 1 + c;
		if (c == 0)
			break;
	}
	*wire_len = out;
	return (int)(jumps > 0 ? used : at - start);
}

/* Writes one byte of a label. Returns its length as text. */
static size_t byte_text(char *out, unsigned char c)
{
	if (c == '.' || c == '\\') {
		out[0] = '\\';
		out[1] = (char)c;
		return 2;
	}
	if (c > ' ' && c < 0x7f) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	out[1] = (char)('0' + c / 100);
	out[2] = (char)('0' + c / 10 % 10);
	out[3] = (char)('0' + c % 10);
	return 4;
}

int vs_name_text(const uint8_t *wire, size_t wire_len, char *text, size_t size)
{
	char all[4 * VS_NAME_WIRE_MAX + 8];
	size_t n = 0;

	for (size_t at = 0; at < wire_len && wire[at] != 0;) {
		size_t len = wire[at++];
		if (n > 0)
			all[n++] = '.';
		for (; len > 0 && at < wire_len; len--)
			n += byte_text(all + n, wire[at++]);
	}
	if (n == 0)
		all[n++] = '.';
	if (n + 1 > size)
		return -ERANGE;
	memcpy(text, all, n);
	text[n] = '\0';
	return (int)n;
}

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

bool vs_name_same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	if (a_len != b_len)
		return false;
	/* Lengths of labels are below 'A', so they are compared as they are. */
	for (size_t i = 0; i < a_len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool vs_name_is_host(const char *text)
{
	if (*text == '\0' || *text == '-')
		return false;
	for (; *text != '\0'; text++) {
		unsigned char c = lower((unsigned char)*text);
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
			return false;
	}
	return true;
}

/* Whether the byte before text[n] is a dot between labels. One with an escape belongs to its label. */
static bool is_separator(const char *text, size_t n)
{
	size_t escapes = 0;

	if (n == 0 || text[n - 1] != '.')
		return false;
	while (escapes + 1 < n && text[n - 2 - escapes] == '\\')
		escapes++;
	return escapes % 2 == 0;
}

bool vs_name_is_absolute(const char *text)
{
	return is_separator(text, strlen(text));
}

bool vs_name_ends_in(const char *text, const char *tail)
{
	size_t n = strlen(text), m = strlen(tail);

	if (is_separator(text, n))
		n--;
	return n >= m && strncasecmp(text + n - m, tail, m) == 0 && (n == m || is_separator(text, n - m));
}
