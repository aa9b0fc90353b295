/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The options of DHCPv4 messages.
 *
 * A message is 236 bytes of fixed fields, a magic number, and options up to its end. Option 52 says that
 * options go on in the fields `file` and `sname` (RFC 2131 section 4.1). An option of more than 255 bytes is
 * cut into several of the same number. Its pieces are joined in the order options, file, sname (RFC 3396).
 *
 * The reader first checks that the options of each field end within it. Then it collects the pieces of each
 * option it knows into a buffer and interprets that. It passes over the message once for each known option.
 * That is cheap enough for messages of this size, and needs no index of a size that a sender could choose.
 */

#include "dhcp4_options.h"

#include <string.h>

#include "be.h"

#define AT_SNAME 44
#define SNAME_BYTES 64
#define AT_FILE 108
#define FILE_BYTES 128

#define OVERLOAD_FILE 1
#define OVERLOAD_SNAME 2

const uint8_t vs_dhcp4_magic[4] = { 99, 130, 83, 99 };

/* ------------------------------------------------------------------ reading */

/* An option at offset *at of a field; *at moves behind it. False: there is no other, or it is cut off. */
static bool next_option(const struct vs_dhcp4_field *f, size_t *at, uint8_t *code,
			struct vs_dhcp4_field *value)
{
	while (*at < f->n && f->bytes[*at] == VS_DHCP4_OPT_PAD)
		++*at;
	if (f->n - *at < 2 || f->bytes[*at] == VS_DHCP4_OPT_END)
		return false;
	size_t len = f->bytes[*at + 1];
	if (len > f->n - *at - 2)
		return false;
	*code = f->bytes[*at];
	*value = (struct vs_dhcp4_field){ .bytes = f->bytes + *at + 2, .n = len };
	*at += 2 + len;
	return true;
}

/* The options end with END, or exactly at the end of the field, which some servers do. */
static bool well_formed(const struct vs_dhcp4_field *f)
{
	struct vs_dhcp4_field value;
	uint8_t code;
	size_t at = 0;

	while (next_option(f, &at, &code, &value))
		;
	return at == f->n || f->bytes[at] == VS_DHCP4_OPT_END;
}

bool vs_dhcp4_options_join(struct vs_dhcp4_options *o, enum vs_dhcp4_option wanted)
{
	struct vs_dhcp4_field value;
	uint8_t code;

	o->n_joined = 0;
	o->found = o->overflow = false;
	for (size_t i = 0; i < o->n_fields; i++) {
		size_t at = 0;
		while (next_option(&o->fields[i], &at, &code, &value)) {
			if (code != wanted)
				continue;
			o->found = true;
			o->overflow = o->overflow || value.n > sizeof(o->joined) - o->n_joined;
			if (o->overflow)
				continue;
			memcpy(o->joined + o->n_joined, value.bytes, value.n);
			o->n_joined += value.n;
		}
	}
	return o->found && !o->overflow;
}

/* Option 52 counts only where it is not itself in an overloaded field. */
bool vs_dhcp4_options_find(struct vs_dhcp4_options *o, const uint8_t *bytes, size_t n)
{
	uint8_t overload = 0;

	o->fields[0] =
		(struct vs_dhcp4_field){ .bytes = bytes + VS_DHCP4_AT_OPTIONS, .n = n - VS_DHCP4_AT_OPTIONS };
	o->n_fields = 1;
	if (!well_formed(&o->fields[0]))
		return false;
	if (vs_dhcp4_options_join(o, VS_DHCP4_OPT_OVERLOAD)) {
		overload = o->n_joined == 1 ? o->joined[0] : 0;
		if (overload < OVERLOAD_FILE || overload > (OVERLOAD_FILE | OVERLOAD_SNAME))
			return false;
	}
	if (overload & OVERLOAD_FILE)
		o->fields[o->n_fields++] =
			(struct vs_dhcp4_field){ .bytes = bytes + AT_FILE, .n = FILE_BYTES };
	if (overload & OVERLOAD_SNAME)
		o->fields[o->n_fields++] =
			(struct vs_dhcp4_field){ .bytes = bytes + AT_SNAME, .n = SNAME_BYTES };
	for (size_t i = 1; i < o->n_fields; i++)
		if (!well_formed(&o->fields[i]))
			return false;
	return true;
}

bool vs_dhcp4_options_number(struct vs_dhcp4_options *o, enum vs_dhcp4_option code, size_t size, uint32_t *v)
{
	if (!vs_dhcp4_options_join(o, code))
		return !o->found;
	if (o->n_joined != size)
		return false;
	*v = 0;
	for (size_t i = 0; i < size; i++)
		*v = *v << 8 | o->joined[i];
	return true;
}

void vs_dhcp4_options_text(struct vs_dhcp4_options *o, char *text, size_t room)
{
	size_t n = 0;

	vs_dhcp4_options_join(o, VS_DHCP4_OPT_TEXT);
	for (; n < o->n_joined && n < room - 1 && o->joined[n] != '\0'; n++)
		text[n] = o->joined[n] >= ' ' && o->joined[n] <= '~' ? (char)o->joined[n] : '?';
	text[n] = '\0';
}

/* ------------------------------------------------------------------ writing */

void vs_dhcp4_put(struct vs_dhcp4_writer *w, enum vs_dhcp4_option code, const void *bytes, size_t n)
{
	const uint8_t *from = bytes;

	do {
		size_t piece = n < 255 ? n : 255;
		if (w->full || w->room - w->n < piece + 2) {
			w->full = true;
			return;
		}
		w->out[w->n++] = (uint8_t)code;
		w->out[w->n++] = (uint8_t)piece;
		memcpy(w->out + w->n, from, piece);
		w->n += piece;
		from += piece;
		n -= piece;
	} while (n > 0);
}

void vs_dhcp4_put_u32(struct vs_dhcp4_writer *w, enum vs_dhcp4_option code, uint32_t v)
{
	uint8_t bytes[4];

	vs_be_put32(bytes, v);
	vs_dhcp4_put(w, code, bytes, sizeof(bytes));
}

size_t vs_dhcp4_option_size(size_t n)
{
	return n == 0 ? 2 : n + 2 * ((n + 254) / 255);
}

size_t vs_dhcp4_finish(struct vs_dhcp4_writer *w)
{
	if (w->full || w->n == w->room)
		return 0;
	w->out[w->n++] = VS_DHCP4_OPT_END;
	if (w->n < VS_DHCP4_BOOTP_MIN && w->room >= VS_DHCP4_BOOTP_MIN) {
		memset(w->out + w->n, VS_DHCP4_OPT_PAD, VS_DHCP4_BOOTP_MIN - w->n);
		w->n = VS_DHCP4_BOOTP_MIN;
	}
	return w->n;
}
