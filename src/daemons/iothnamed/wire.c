/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "wire.h"

#define HEADER 12
#define POINTER 0xc0
#define QUESTION_BYTES 4 /* type and class */
#define RECORD_BYTES 10  /* type, class, TTL and the length of the data */
#define TYPE_OPT 41
#define TYPE_TSIG 250

struct cursor {
	const uint8_t *bytes;
	size_t at, n; /* at <= n */
};

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static bool skip(struct cursor *c, size_t n)
{
	if (n > c->n - c->at)
		return false;
	c->at += n;
	return true;
}

/* A pointer ends a name: what it points to is not looked at. */
static bool skip_name(struct cursor *c)
{
	while (c->at < c->n) {
		uint8_t length = c->bytes[c->at];
		if (length >= POINTER)
			return skip(c, 2);
		if (!skip(c, 1u + length) || length == 0)
			return length == 0;
	}
	return false;
}

/* The type of the next record, which is skipped; -1: the message is cut. */
static int skip_record(struct cursor *c)
{
	const uint8_t *record = c->bytes;

	if (!skip_name(c))
		return -1;
	record += c->at;
	if (!skip(c, RECORD_BYTES) || !skip(c, get16(record + RECORD_BYTES - 2)))
		return -1;
	return (int)get16(record);
}

bool nm_wire_check(const uint8_t *bytes, size_t n)
{
	struct cursor c = { bytes, HEADER, n };
	unsigned opts = 0, tsigs = 0;

	if (n < HEADER)
		return false;
	for (unsigned i = get16(bytes + 4); i > 0; i--)
		if (!skip_name(&c) || !skip(&c, QUESTION_BYTES))
			return false;
	unsigned records = get16(bytes + 6) + get16(bytes + 8) + get16(bytes + 10);
	for (; records > 0; records--) {
		int type = skip_record(&c);
		if (type < 0)
			return false;
		opts += type == TYPE_OPT;
		tsigs += type == TYPE_TSIG;
	}
	return opts <= 1 && tsigs <= 1;
}
