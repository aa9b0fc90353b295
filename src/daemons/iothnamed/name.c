/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "name.h"

#include <stdio.h>
#include <string.h>

bool nm_name_read(struct nm_name *name, const char *text)
{
	ldns_rdf *rdf = NULL;

	if (*text == '\0' || strlen(text) >= NM_TEXT_MAX || strpbrk(text, " \t\"'") != NULL ||
	    ldns_str2rdf_dname(&rdf, text) != LDNS_STATUS_OK)
		return false;
	bool fits = ldns_rdf_size(rdf) >= 1 && ldns_rdf_size(rdf) <= NM_NAME_MAX;
	if (fits)
		nm_name_take(name, rdf);
	ldns_rdf_deep_free(rdf);
	return fits;
}

void nm_name_take(struct nm_name *name, const ldns_rdf *from)
{
	size_t n = ldns_rdf_size(from);

	if (n == 0 || n > NM_NAME_MAX) { /* ldns makes no such names */
		name->n = 1;
		name->wire[0] = 0;
		return;
	}
	name->n = (uint8_t)n;
	memcpy(name->wire, ldns_rdf_data(from), n);
}

ldns_rdf *nm_name_rdf(const struct nm_name *name)
{
	return ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, name->n, name->wire);
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

void nm_name_lower(struct nm_name *name)
{
	for (unsigned i = 0; i < name->n; i++)
		name->wire[i] = lower(name->wire[i]);
}

static bool same(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool nm_name_equal(const struct nm_name *a, const struct nm_name *b)
{
	return a->n == b->n && same(a->wire, b->wire, a->n);
}

bool nm_name_below(const struct nm_name *name, const struct nm_name *above)
{
	unsigned at = 0;

	if (name->n <= above->n)
		return false;
	while (name->n - at > above->n)
		at += 1u + name->wire[at];
	return name->n - at == above->n && same(name->wire + at, above->wire, above->n);
}

const char *nm_name_text(const struct nm_name *name, char *to)
{
	char *out = to;

	for (unsigned at = 0; name->wire[at] != 0; at += 1u + name->wire[at]) {
		if (at > 0)
			*out++ = '.';
		for (unsigned i = 1; i <= name->wire[at]; i++) {
			uint8_t c = name->wire[at + i];
			if (c <= ' ' || c >= 127 || strchr(".;()\"@$\\", c) != NULL)
				out += sprintf(out, "\\%03u", c);
			else
				*out++ = (char)c;
		}
	}
	if (out == to)
		*out++ = '.';
	*out = '\0';
	return to;
}

bool nm_name_raw(const struct nm_name *name, char *to)
{
	unsigned n = name->n - 1u; /* without the empty label */

	if (n == 0) {
		*to = '\0';
		return true;
	}
	memcpy(to, name->wire + 1, n - 1u);
	to[n - 1] = '\0';
	for (unsigned at = 1u + name->wire[0]; at < n; at += 1u + name->wire[at])
		to[at - 1] = '.';
	return strlen(to) == n - 1u;
}

/* A label. */
static void append(struct nm_name *name, const void *bytes, size_t n)
{
	name->wire[name->n] = (uint8_t)n;
	memcpy(name->wire + name->n + 1, bytes, n);
	name->n = (uint8_t)(name->n + 1u + n);
}

static void append_number(struct nm_name *name, unsigned value)
{
	char text[4];
	int n = snprintf(text, sizeof(text), "%u", value);

	append(name, text, (size_t)n);
}

/* Each hash answer may take one: without ldns, and for IPv6 without text. At most 74 bytes. */
void nm_name_reverse(struct nm_name *name, const struct in6_addr *addr, bool v4, unsigned bits)
{
	static const char digits[] = "0123456789abcdef";

	name->n = 0;
	if (v4) {
		for (unsigned i = bits / 8; i > 0; i--)
			append_number(name, addr->s6_addr[11 + i]);
		append(name, "in-addr", 7);
	} else {
		for (unsigned i = bits / 4; i > 0; i--)
			append(name, &digits[addr->s6_addr[(i - 1) / 2] >> (i % 2 == 1 ? 4 : 0) & 15], 1);
		append(name, "ip6", 3);
	}
	append(name, "arpa", 4);
	name->wire[name->n++] = 0;
}
