/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lease files and files of identities, as text. The first byte of the input chooses the parser and whether
 * the checksum is made right, which mutations never do. What is accepted is written and read again, with the
 * same result. Nothing is read beyond the end.
 */

#include <fuzz.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto/lease.h"

enum { IDENTITY = 1, SUMMED = 2, SIX = 4 };

/* The text with a line that has its checksum; a copy of its exact length, so a read beyond it is seen. */
static char *with_sum(const char *text, size_t *len)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	char line[32];

	for (size_t i = 0; i < *len; i++)
		sum = (sum ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	size_t n = (size_t)snprintf(line, sizeof(line), "sum %016" PRIx64 "\n", sum);
	char *copy = malloc(*len + n);
	CHECK(copy != NULL);
	memcpy(copy, text, *len);
	memcpy(copy + *len, line, n);
	*len += n;
	return copy;
}

static void check_lease(const char *text, size_t len, const char *name)
{
	struct vs_auto_lease lease, again;
	int64_t obtained = 0, obtained_again = 0;
	char written[VS_LEASE_TEXT_MAX];

	if (!vs_lease_read(text, len, name, &lease, &obtained))
		return;
	CHECK(lease.n_addrs <= VS_AUTO_LEASE_ADDRS_MAX && lease.server_len <= VS_AUTO_DUID_MAX);
	size_t n = vs_lease_write(&lease, name, obtained, written);
	CHECK(n < VS_LEASE_TEXT_MAX);
	CHECK(vs_lease_read(written, n, name, &again, &obtained_again) && obtained_again == obtained);
	CHECK(again.n_addrs == lease.n_addrs && again.server_len == lease.server_len);
	CHECK(memcmp(again.server, lease.server, lease.server_len) == 0);
	CHECK(again.prefix_len == lease.prefix_len);
	CHECK(memcmp(&again.prefix, &lease.prefix, sizeof(lease.prefix)) == 0);
	for (int i = 0; i < lease.n_addrs; i++) {
		CHECK(lease.addrs[i].prefix_len <= (lease.addrs[i].ip.family == AF_INET ? 32 : 128));
		CHECK(memcmp(&again.addrs[i].ip, &lease.addrs[i].ip, sizeof(lease.addrs[i].ip)) == 0);
	}
	CHECK(vs_lease_age_ms(obtained, INT64_MAX) >= 0 && vs_lease_age_ms(obtained, 0) >= 0);
}

static void check_identity(const char *text, size_t len)
{
	uint8_t bytes[VS_AUTO_DUID_MAX], again[VS_AUTO_DUID_MAX];
	char written[VS_LEASE_TEXT_MAX];
	size_t n = vs_lease_read_bytes(text, len, "duid", bytes, sizeof(bytes));

	CHECK(n <= sizeof(bytes));
	if (n == 0)
		return;
	size_t length = vs_lease_write_bytes(bytes, n, "duid", written);
	CHECK(vs_lease_read_bytes(written, length, "duid", again, sizeof(again)) == n);
	CHECK(memcmp(again, bytes, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > VS_LEASE_TEXT_MAX)
		return 0;
	size_t len = size - 1;
	char *text = malloc(len > 0 ? len : 1);
	CHECK(text != NULL);
	memcpy(text, data + 1, len);
	if (data[0] & SUMMED) {
		char *summed = with_sum(text, &len);
		free(text);
		text = summed;
	}
	if (data[0] & IDENTITY)
		check_identity(text, len);
	else
		check_lease(text, len, data[0] & SIX ? "dhcp6" : "dhcp4");
	free(text);
	return 0;
}
