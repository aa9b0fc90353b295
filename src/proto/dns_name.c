/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Domain names. Each label is copied only after its length and its characters were checked. */

#include "dns_name.h"

#include <string.h>
#include <strings.h>

#define POINTER 0xc0u

static bool is_alnum(uint8_t c) /* of no locale */
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_label(const uint8_t *label, size_t n)
{
	if (n == 0 || n > VS_DNS_LABEL_MAX || label[0] == '-' || label[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(label[i]) && label[i] != '-' && label[i] != '_')
			return false;
	return true;
}

size_t vs_dns_name_encode(const char *text, uint8_t *wire)
{
	uint8_t out[VS_DNS_NAME_WIRE];
	size_t at = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, ".");
		if (!is_label((const uint8_t *)text, n) || at + 1 + n + 1 > sizeof(out))
			return 0;
		out[at] = (uint8_t)n;
		memcpy(out + at + 1, text, n);
		at += 1 + n;
		text += n;
		if (*text == '.')
			text++;
	}
	if (at == 0)
		return 0;
	out[at++] = 0;
	memcpy(wire, out, at);
	return at;
}

bool vs_dns_name_valid(const char *text)
{
	uint8_t wire[VS_DNS_NAME_WIRE];

	return vs_dns_name_encode(text, wire) != 0;
}

/* A name while it is decoded. */
struct decoding {
	const uint8_t *bytes;
	size_t n;
	size_t at;    /* the next label */
	size_t run;   /* where the labels since the last pointer begin */
	size_t taken; /* bytes of the name at its place; 0: no pointer was followed yet */
	size_t start; /* its place */
	char text[VS_DNS_NAME_TEXT];
	size_t len; /* of text */
};

/* Appends the label at the place, whose length is in its first byte. */
static bool add_label(struct decoding *d)
{
	size_t n = d->bytes[d->at], dot = d->len > 0;

	if (n > d->n - d->at - 1 || !is_label(d->bytes + d->at + 1, n) ||
	    d->len + dot + n + 1 > sizeof(d->text))
		return false;
	if (dot)
		d->text[d->len++] = '.';
	memcpy(d->text + d->len, d->bytes + d->at + 1, n);
	d->len += n;
	d->at += 1 + n;
	return true;
}

static bool follow_pointer(struct decoding *d)
{
	if (d->n - d->at < 2)
		return false;
	size_t to = (size_t)(d->bytes[d->at] & ~POINTER) << 8 | d->bytes[d->at + 1];
	if (to >= d->run)
		return false;
	if (d->taken == 0)
		d->taken = d->at + 2 - d->start;
	d->at = d->run = to;
	return true;
}

size_t vs_dns_name_decode(const uint8_t *bytes, size_t n, size_t at, unsigned how, char *text)
{
	struct decoding d = { .bytes = bytes, .n = n, .at = at, .run = at, .start = at };
	bool partial = (how & VS_DNS_PARTIAL) != 0;

	for (;;) {
		if (d.at >= n) {
			if (!partial || d.at != n || d.len == 0)
				return 0;
			break;
		}
		uint8_t first = bytes[d.at];
		if (first == 0) {
			d.at++;
			break;
		}
		bool pointer = (first & POINTER) == POINTER && (how & VS_DNS_POINTERS) != 0;
		if (pointer ? !follow_pointer(&d) : !add_label(&d))
			return 0;
	}
	d.text[d.len] = '\0';
	memcpy(text, d.text, d.len + 1);
	return d.taken != 0 ? d.taken : d.at - at;
}

/* The name is one of those in the list, without regard to case. */
static bool has(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; *p != '\0'; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");
		if (len == n && strncasecmp(p, name, n) == 0)
			return true;
		p += len;
	}
	return false;
}

/* Appends a name if it fits. */
static bool append(char *list, size_t room, const char *name)
{
	size_t at = strlen(list), n = strlen(name), space = at > 0;

	if (at + space + n + 1 > room)
		return false;
	if (space)
		list[at++] = ' ';
	memcpy(list + at, name, n + 1);
	return true;
}

/* One pass over a list; with list NULL it only checks. */
static int walk(const uint8_t *bytes, size_t n, unsigned how, char *list, size_t room)
{
	char name[VS_DNS_NAME_TEXT];
	bool full = list == NULL;
	int names = 0;

	for (size_t at = 0, taken; at < n; at += taken) {
		taken = vs_dns_name_decode(bytes, n, at, how, name);
		if (taken == 0)
			return -1;
		if (full || name[0] == '\0' || has(list, name))
			continue;
		full = !append(list, room, name);
		names += !full;
	}
	return names;
}

int vs_dns_name_list(const uint8_t *bytes, size_t n, unsigned how, char *text, size_t room)
{
	if (walk(bytes, n, how, NULL, 0) < 0)
		return -1;
	text[0] = '\0';
	return walk(bytes, n, how, text, room);
}
