/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "addr_text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "config/hex.h"

unsigned vs_addr_bits(const struct vs_conf_addr *addr)
{
	return addr->family == AF_INET ? 32 : 128;
}

static size_t addr_size(const struct vs_conf_addr *addr)
{
	return vs_addr_bits(addr) / 8;
}

bool vs_addr_from_text(const char *text, size_t length, struct vs_conf_addr *out)
{
	char copy[VS_ADDR_TEXT_MAX];
	struct vs_conf_addr addr = { 0 };

	if (length >= sizeof(copy)) /* inet_pton needs a NUL where the caller has '/' or '@' */
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	addr.family = strchr(copy, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(addr.family, copy, addr.bytes) != 1)
		return false;
	addr.prefixlen = vs_addr_bits(&addr);
	*out = addr;
	return true;
}

enum vs_prefix_text vs_prefix_from_text(const char *text, size_t length, struct vs_conf_addr *out)
{
	const char *slash = memchr(text, '/', length);
	size_t addr_length = slash != NULL ? (size_t)(slash - text) : length;
	unsigned prefixlen;

	if (!vs_addr_from_text(text, addr_length, out))
		return VS_PREFIX_NO_ADDR;
	out->prefixlen = out->family == AF_INET ? 24 : 64;
	if (slash == NULL)
		return VS_PREFIX_NO_LEN;
	if (!vs_number_from_text(slash + 1, length - addr_length - 1, 3, &prefixlen) ||
	    prefixlen > vs_addr_bits(out))
		return VS_PREFIX_BAD_LEN;
	out->prefixlen = prefixlen;
	return VS_PREFIX_OK;
}

enum vs_addr_kind vs_addr_kind(const struct vs_conf_addr *addr)
{
	static const unsigned char zeros[16];
	static const unsigned char ones[4] = { 255, 255, 255, 255 };
	unsigned char first = addr->bytes[0];

	if (memcmp(addr->bytes, zeros, addr_size(addr)) == 0)
		return VS_ADDR_UNSPECIFIED;
	if (addr->family == AF_INET6)
		return first == 0xff ? VS_ADDR_MULTICAST : VS_ADDR_ORDINARY;
	if (memcmp(addr->bytes, ones, sizeof(ones)) == 0)
		return VS_ADDR_BROADCAST;
	return first >= 224 && first <= 239 ? VS_ADDR_MULTICAST : VS_ADDR_ORDINARY;
}

bool vs_addr_equal(const struct vs_conf_addr *a, const struct vs_conf_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, addr_size(a)) == 0;
}

bool vs_prefix_clear_host(struct vs_conf_addr *addr)
{
	bool found = false;

	for (unsigned bit = addr->prefixlen; bit < vs_addr_bits(addr); bit++) {
		unsigned char mask = (unsigned char)(0x80u >> (bit % 8));
		found = found || (addr->bytes[bit / 8] & mask) != 0;
		addr->bytes[bit / 8] &= (unsigned char)~mask;
	}
	return found;
}

void vs_addr_to_text(const struct vs_conf_addr *addr, char text[VS_ADDR_TEXT_MAX])
{
	(void)inet_ntop(addr->family, addr->bytes, text, VS_ADDR_TEXT_MAX); /* the size fits both families */
}

void vs_prefix_to_text(const struct vs_conf_addr *addr, char text[VS_PREFIX_TEXT_MAX])
{
	char host[VS_ADDR_TEXT_MAX];

	vs_addr_to_text(addr, host);
	/* the remainder only bounds the text */
	(void)snprintf(text, VS_PREFIX_TEXT_MAX, "%s/%u", host, addr->prefixlen % 1000);
}

bool vs_mac_from_text(const char *text, unsigned char mac[6])
{
	unsigned char bytes[6];

	if (strlen(text) != 17 || (text[2] != ':' && text[2] != '-'))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		int high = vs_hex_digit(text[3 * i]);
		int low = vs_hex_digit(text[3 * i + 1]);
		if (high < 0 || low < 0 || (i > 0 && text[3 * i - 1] != text[2]))
			return false;
		bytes[i] = (unsigned char)(high * 16 + low);
	}
	memcpy(mac, bytes, sizeof(bytes));
	return true;
}

bool vs_number_from_text(const char *text, size_t length, size_t most_digits, unsigned *out)
{
	unsigned number = 0;

	if (length == 0 || length > most_digits)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (unsigned)(text[i] - '0');
	}
	*out = number;
	return true;
}
