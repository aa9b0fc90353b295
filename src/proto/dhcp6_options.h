/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_DHCP6_OPTIONS_H
#define VS_PROTO_DHCP6_OPTIONS_H

/*
 * Options of DHCPv6, read and written one after the other: what the codecs of clients and servers share.
 *
 * A reader walks over the options of one container: a message, or another option. It gets exactly the bytes
 * of its container.
 *
 * A writer counts all bytes that it gets, and stores those for which there is room. So no step checks the
 * room: the end does. An option whose length is not known before is opened, and closed behind its data.
 */

#include <string.h>

#include "be.h"
#include "dhcp6.h"

#define VS_DHCP6_HEADER 4 /* of a message that is not a relay's */
#define VS_DHCP6_OPTION_HEADER 4
#define VS_DHCP6_NTP_ADDRESS 1 /* RFC 5908: the suboption of a unicast address */
#define VS_DHCP6_FQDN_S 0x01   /* RFC 4704 section 4.1: the server updates the AAAA record */
#define VS_DHCP6_FQDN_O 0x02   /* the server has overridden S */
#define VS_DHCP6_FQDN_N 0x04   /* the server updates nothing */

struct vs_dhcp6_reader {
	const uint8_t *bytes;
	size_t n; /* what is left */
};

struct vs_dhcp6_read {
	uint32_t code;
	struct vs_dhcp6_bytes data;
};

/* The next option. Returns 1; 0 at the end; -1 if the option does not fit. */
static inline int vs_dhcp6_next(struct vs_dhcp6_reader *r, struct vs_dhcp6_read *o)
{
	if (r->n == 0)
		return 0;
	if (r->n < VS_DHCP6_OPTION_HEADER)
		return -1;
	o->code = vs_be_get16(r->bytes);
	o->data = (struct vs_dhcp6_bytes){ r->bytes + VS_DHCP6_OPTION_HEADER, vs_be_get16(r->bytes + 2) };
	if (o->data.n > r->n - VS_DHCP6_OPTION_HEADER)
		return -1;
	r->bytes += VS_DHCP6_OPTION_HEADER + o->data.n;
	r->n -= VS_DHCP6_OPTION_HEADER + (size_t)o->data.n;
	return 1;
}

/* The options behind the first `at` bytes of an option. The caller has checked that there are as many. */
static inline struct vs_dhcp6_reader vs_dhcp6_within(const struct vs_dhcp6_read *o, uint16_t at)
{
	return (struct vs_dhcp6_reader){ o->data.bytes + at, (size_t)o->data.n - at };
}

/* The first one counts. */
static inline enum vs_dhcp6_result vs_dhcp6_take_duid(const struct vs_dhcp6_read *o,
						      struct vs_dhcp6_bytes *out)
{
	if (o->data.n < VS_DHCP6_DUID_MIN || o->data.n > VS_DHCP6_DUID_MAX)
		return VS_DHCP6_LENGTH;
	if (out->bytes == NULL)
		*out = o->data;
	return VS_DHCP6_OK;
}

/* Whether an option request contains that option. */
static inline bool vs_dhcp6_lists(const struct vs_dhcp6_bytes *wanted, enum vs_dhcp6_option option)
{
	for (size_t at = 0; at + 2 <= wanted->n; at += 2)
		if (vs_be_get16(wanted->bytes + at) == (uint32_t)option)
			return true;
	return false;
}

struct vs_dhcp6_writer {
	uint8_t *bytes;
	size_t n, room;
};

static inline void vs_dhcp6_put(struct vs_dhcp6_writer *w, const void *bytes, size_t n)
{
	if (n != 0 && w->n + n <= w->room)
		memcpy(w->bytes + w->n, bytes, n);
	w->n += n;
}

static inline void vs_dhcp6_put8(struct vs_dhcp6_writer *w, uint8_t number)
{
	vs_dhcp6_put(w, &number, 1);
}

static inline void vs_dhcp6_put16(struct vs_dhcp6_writer *w, uint16_t number)
{
	uint8_t bytes[2];

	vs_be_put16(bytes, number);
	vs_dhcp6_put(w, bytes, sizeof(bytes));
}

static inline void vs_dhcp6_put32(struct vs_dhcp6_writer *w, uint32_t number)
{
	uint8_t bytes[4];

	vs_be_put32(bytes, number);
	vs_dhcp6_put(w, bytes, sizeof(bytes));
}

static inline void vs_dhcp6_put_zeros(struct vs_dhcp6_writer *w, size_t n)
{
	while (n-- > 0)
		vs_dhcp6_put8(w, 0);
}

static inline void vs_dhcp6_put_header(struct vs_dhcp6_writer *w, enum vs_dhcp6_option code, size_t n)
{
	vs_dhcp6_put16(w, (uint16_t)code);
	vs_dhcp6_put16(w, (uint16_t)n);
}

static inline void vs_dhcp6_put_option(struct vs_dhcp6_writer *w, enum vs_dhcp6_option code,
				       const uint8_t *bytes, size_t n)
{
	vs_dhcp6_put_header(w, code, n);
	vs_dhcp6_put(w, bytes, n);
}

/* Begins an option. Returns what vs_dhcp6_close() needs. */
static inline size_t vs_dhcp6_open(struct vs_dhcp6_writer *w, enum vs_dhcp6_option code)
{
	vs_dhcp6_put_header(w, code, 0);
	return w->n;
}

/* Writes the length of the option, which must be below 65536: `room` must be. */
static inline void vs_dhcp6_close(struct vs_dhcp6_writer *w, size_t from)
{
	if (w->n <= w->room)
		vs_be_put16(w->bytes + from - 2, (uint16_t)(w->n - from));
}

#endif
