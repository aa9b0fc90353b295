/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

unsigned vs_lab_addr_width(const struct vs_lab_addr *a)
{
	return a->family == AF_INET ? 32 : 128;
}

/* A decimal number of one to three digits without leading zeros. */
static bool parse_bits(const char *text, unsigned most, unsigned *bits)
{
	unsigned n = 0;
	size_t len = strlen(text);

	if (len == 0 || len > 3 || strspn(text, "0123456789") != len || (text[0] == '0' && len > 1))
		return false;
	for (; *text != '\0'; text++)
		n = 10 * n + (unsigned)(*text - '0');
	*bits = n;
	return n <= most;
}

bool vs_lab_addr_parse(const char *text, struct vs_lab_addr *a, bool *has_bits)
{
	struct vs_lab_addr found = { 0 };
	const char *slash = strchr(text, '/');
	char number[INET6_ADDRSTRLEN];
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof(number))
		return false;
	memcpy(number, text, len);
	number[len] = '\0';
	found.family = strchr(number, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(found.family, number, found.bytes) != 1)
		return false;
	found.bits = vs_lab_addr_width(&found);
	if (slash != NULL && !parse_bits(slash + 1, found.bits, &found.bits))
		return false;
	*a = found;
	*has_bits = slash != NULL;
	return true;
}

void vs_lab_addr_text(const struct vs_lab_addr *a, char text[VS_LAB_ADDR_TEXT])
{
	if (a->family == 0 || inet_ntop(a->family, a->bytes, text, VS_LAB_ADDR_TEXT) == NULL)
		text[0] = '\0';
}

void vs_lab_addr_prefix_text(const struct vs_lab_addr *a, char text[VS_LAB_ADDR_TEXT])
{
	size_t len;

	vs_lab_addr_text(a, text);
	len = strlen(text);
	if (len > 0)
		(void)snprintf(text + len, VS_LAB_ADDR_TEXT - len, "/%u", a->bits);
}

bool vs_lab_addr_same(const struct vs_lab_addr *a, const struct vs_lab_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool bit(const struct vs_lab_addr *a, unsigned at)
{
	return (a->bytes[at / 8] >> (7 - at % 8)) & 1;
}

bool vs_lab_addr_contains(const struct vs_lab_addr *prefix, const struct vs_lab_addr *a)
{
	if (prefix->family != a->family)
		return false;
	for (unsigned i = 0; i < prefix->bits; i++)
		if (bit(prefix, i) != bit(a, i))
			return false;
	return true;
}

bool vs_lab_addr_clear(struct vs_lab_addr *a)
{
	bool cleared = false;

	for (unsigned i = a->bits; i < vs_lab_addr_width(a); i++)
		if (bit(a, i)) {
			a->bytes[i / 8] &= (uint8_t) ~(1u << (7 - i % 8));
			cleared = true;
		}
	return cleared;
}

bool vs_lab_addr_unicast(const struct vs_lab_addr *a)
{
	static const uint8_t loopback[16] = { [15] = 1 }, none[16];

	if (a->family == AF_INET)
		return a->bytes[0] != 0 && a->bytes[0] != 127 && a->bytes[0] < 224;
	return a->bytes[0] != 0xff && memcmp(a->bytes, loopback, 16) != 0 &&
	       memcmp(a->bytes, none, 16) != 0 &&
	       !(a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80); /* link-local: the kernel's own */
}

bool vs_lab_addr_reserved(const struct vs_lab_addr *a)
{
	unsigned zeros = 0, ones = 0, width = vs_lab_addr_width(a), n = width - a->bits;

	if (n < 2) /* RFC 3021, RFC 6164 */
		return false;
	for (unsigned i = a->bits; i < width; i++)
		*(bit(a, i) ? &ones : &zeros) += 1;
	return zeros == n || (a->family == AF_INET && ones == n);
}

bool vs_lab_addr_nth(const struct vs_lab_addr *prefix, uint32_t n, struct vs_lab_addr *a)
{
	unsigned free_bits = vs_lab_addr_width(prefix) - prefix->bits;
	unsigned bytes = vs_lab_addr_width(prefix) / 8;
	struct vs_lab_addr found = *prefix;

	if (free_bits < 32 && n >> free_bits != 0)
		return false;
	for (unsigned i = 0; i < 4; i++)
		found.bytes[bytes - 1 - i] |= (uint8_t)(n >> (8 * i));
	if (vs_lab_addr_reserved(&found))
		return false;
	*a = found;
	return true;
}
