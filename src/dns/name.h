/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_NAME_H
#define VS_DNS_NAME_H

/*
 * Domain names: as text, and as labels in a message (RFC 1035 section 3.1 and 4.1.4). Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_NAME_WIRE_MAX 255  /* bytes of labels with their lengths */
#define VS_NAME_TEXT_MAX 1025 /* bytes of text: each byte may become \DDD; with the NUL */

/*
 * Text to labels. A final dot is allowed. \DDD is a byte by its number; behind another backslash the next
 * character has no meaning of its own (RFC 1035 section 5.1). Returns the number of bytes, or -EINVAL: an
 * empty or too long label, a name that is too long, another use of a backslash, a space or a byte that is not
 * ASCII.
 */
int vs_name_pack(const char *text, uint8_t wire[VS_NAME_WIRE_MAX]);

/*
 * The name at `at` of a message, without compression. Returns how many bytes it has at that place, or
 * -EBADMSG. *wire_len is the length of the labels. Compression points backwards only, so it ends. A name of
 * more than 127 pointers is refused: it would be a chain of pointers to pointers, made to cost time.
 */
int vs_name_unpack(const uint8_t *message, size_t n, size_t at, uint8_t wire[VS_NAME_WIRE_MAX],
		   size_t *wire_len);

/* Labels to text without final dot; "." is the root. Returns its length, or -ERANGE. */
int vs_name_text(const uint8_t *wire, size_t wire_len, char *text, size_t size);

/* Whether two packed names are the same: ASCII letters match in both cases. */
bool vs_name_same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* Whether the text could be the name of a host: letters, digits, '-', '_' and dots. */
bool vs_name_is_host(const char *text);

/* Whether the text ends in a dot that belongs to no label: no domain is to be added. */
bool vs_name_is_absolute(const char *text);

/* Whether `text` is `tail`, or ends in '.' and `tail`; a final dot of text is ignored. */
bool vs_name_ends_in(const char *text, const char *tail);

#endif
