/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any frame on a VDE network: what is read from it lies in it, and is written the same. Any solicitation. */

#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ioth/radv/frame.h"
#include "proto/ndp.h"
#include "proto/ndp_neigh.h"

static void solicitations(const uint8_t *bytes, size_t n, const uint8_t from[16])
{
	struct vs_ndp_rs rs;
	struct vs_ndp_ns ns;

	if (vs_ndp_rs_parse(bytes, n, from, &rs) == VS_NDP_OK)
		CHECK(n % 8 == 0 && bytes[0] == 133);
	if (vs_ndp_ns_parse(bytes, n, from, &ns) == VS_NDP_OK)
		CHECK(n % 8 == 0 && bytes[0] == 135 && ns.target[0] != 0xff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[RADV_FRAME_MAX];
	static const uint8_t nowhere[16];
	struct radv_frame f;

	solicitations(data, size, nowhere);
	if (!radv_frame_read(data, size, &f))
		return 0;
	CHECK(f.message == data + RADV_HEADERS && f.n >= 4 && f.n <= size - RADV_HEADERS);
	solicitations(f.message, f.n, f.from);
	size_t n = radv_frame_write(&f, again);
	if (f.n > RADV_FRAME_MAX - RADV_HEADERS) {
		CHECK(n == 0);
		return 0;
	}
	CHECK(n == RADV_HEADERS + f.n);
	CHECK(memcmp(again, data, 14) == 0 && memcmp(again + 18, data + 18, RADV_HEADERS + 2 - 18) == 0);
	/* 0 and 0xffff are the same checksum. */
	CHECK(memcmp(again + RADV_HEADERS + 4, data + RADV_HEADERS + 4, f.n - 4) == 0);
	return 0;
}
