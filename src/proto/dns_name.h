/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_DNS_NAME_H
#define VS_PROTO_DNS_NAME_H

/*
 * Domain names: text, and labels on the wire (RFC 1035 section 3.1).
 *
 * Only host names are accepted: letters, digits, '-' and '_', and labels neither begin nor end with '-'. What
 * is decoded here gets into resolv.conf, so a server must not be able to put a space or a new line into it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_DNS_LABEL_MAX 63
#define VS_DNS_NAME_WIRE 255 /* bytes of a name, the zero byte at its end included */
#define VS_DNS_NAME_TEXT 254 /* bytes of its text without a final dot, the NUL included */

/* How names are decoded. */
#define VS_DNS_POINTERS 0x1u /* compressed, RFC 3397: pointers are offsets from the first byte */
#define VS_DNS_PARTIAL 0x2u  /* the end of the bytes may end the name, as in FQDN options */

/* A host name that can be encoded; it may have a final dot. */
bool vs_dns_name_valid(const char *text);

/*
 * The labels of a name, with the zero byte at the end. wire has room for VS_DNS_NAME_WIRE bytes. Returns how
 * many were written, 0 if the name is not valid. A partial name is the same without its last byte.
 */
size_t vs_dns_name_encode(const char *text, uint8_t *wire);

/*
 * The name at offset `at` as text without a final dot. text has room for VS_DNS_NAME_TEXT bytes. Returns how
 * many bytes the name takes at that offset, 0 if it is malformed or no host name; then text is not written.
 * The name of the root takes one byte and is the text "". A pointer must point before the labels that it
 * follows, so there is no loop.
 */
size_t vs_dns_name_decode(const uint8_t *bytes, size_t n, size_t at, unsigned how, char *text);

/*
 * A list of names as text, with one space between two. Names of the root are skipped: they are the padding of
 * RFC 8106. So is a name that was there before. Names that do not fit into `room` bytes, 1 at least, are left
 * out, and so are all that follow. Returns how many names there are in the text, -1 if one of the list is
 * malformed or no host name; then text is not written.
 */
int vs_dns_name_list(const uint8_t *bytes, size_t n, unsigned how, char *text, size_t room);

#endif
