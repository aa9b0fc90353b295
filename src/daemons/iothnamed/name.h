/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_NAME_H
#define NM_NAME_H

/*
 * Names as messages have them: labels of a length and its bytes, up to the empty one. Letters keep their
 * case, and comparisons ignore it.
 */

#include <ldns/ldns.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NM_NAME_MAX 255
#define NM_TEXT_MAX 1024 /* of a name as text, with escapes and a NUL */

struct nm_name {
	uint8_t n; /* bytes, at least 1 */
	uint8_t wire[NM_NAME_MAX];
};

/* A name of a user, "." and one final dot included. False: it is none, or too long. */
bool nm_name_read(struct nm_name *name, const char *text);

/* From a name of ldns. */
void nm_name_take(struct nm_name *name, const ldns_rdf *from);

/* A name for ldns; the caller frees it. NULL: no memory. */
ldns_rdf *nm_name_rdf(const struct nm_name *name);

/* In small letters. Lengths of labels are below all letters, so bytes are enough. */
void nm_name_lower(struct nm_name *name);

bool nm_name_equal(const struct nm_name *a, const struct nm_name *b);

/* Whether a name is below another one, and not the same. All names but the root are below the root. */
bool nm_name_below(const struct nm_name *name, const struct nm_name *above);

/* As text for messages, without the final dot. to has NM_TEXT_MAX bytes. */
const char *nm_name_text(const struct nm_name *name, char *to);

/*
 * What is hashed: the bytes of the labels with dots between them, as they are. False: there is a byte 0. to
 * has NM_NAME_MAX bytes.
 */
bool nm_name_raw(const struct nm_name *name, char *to);

/*
 * The name of an address in the reverse tree. An IPv4 address is v4-mapped. bits: of the prefix, 32 and 128
 * for the address itself; the zone of a shorter prefix ends at the byte (IPv4) or at four bits (IPv6) that is
 * whole.
 */
void nm_name_reverse(struct nm_name *name, const struct in6_addr *addr, bool v4, unsigned bits);

#endif
