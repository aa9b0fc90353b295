/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A name that is decoded from any bytes can be encoded, and is the same then. A list has only characters of
 * host names. The first byte says how to decode, the second how much room a list has.
 */

#include <ctype.h>
#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/dns_name.h"

static void check_name(const uint8_t *data, size_t size, size_t at, unsigned how)
{
	char text[VS_DNS_NAME_TEXT], again[VS_DNS_NAME_TEXT];
	uint8_t wire[VS_DNS_NAME_WIRE];
	size_t taken = vs_dns_name_decode(data, size, at, how, text);

	if (taken == 0)
		return;
	CHECK(at + taken <= size);
	if (text[0] == '\0')
		return;
	size_t n = vs_dns_name_encode(text, wire);
	CHECK(n == strlen(text) + 2);
	CHECK(vs_dns_name_decode(wire, n, 0, 0, again) == n && strcmp(text, again) == 0);
}

static void check_list(const uint8_t *data, size_t size, unsigned how, size_t room)
{
	char *text = malloc(room);

	if (text == NULL)
		return;
	int names = vs_dns_name_list(data, size, how, text, room), spaces = 0;
	if (names >= 0) {
		size_t n = strnlen(text, room);
		CHECK(n < room);
		for (size_t i = 0; i < n; i++) {
			CHECK(isalnum((unsigned char)text[i]) || strchr("-_. ", text[i]) != NULL);
			spaces += text[i] == ' ';
		}
		CHECK(names == (n > 0 ? spaces + 1 : 0));
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	unsigned how = data[0] & 3;
	size_t room = (size_t)data[1] * 2 + 1;
	data += 2, size -= 2;
	for (size_t at = 0; at <= size && at < 64; at++)
		check_name(data, size, at, how);
	check_list(data, size, how, room);
	return 0;
}
