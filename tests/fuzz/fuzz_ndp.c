/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is read from any advertisement is possible, and comes out the same after encoding. */

#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ndp.h"

static struct vs_ndp_ra ra, again;

static void check_content(void)
{
	CHECK(ra.n_prefixes <= VS_NDP_PREFIXES_MAX && ra.n_routes <= VS_NDP_ROUTES_MAX);
	CHECK(ra.n_dns <= VS_NDP_DNS_MAX && ra.n_search <= VS_NDP_SEARCH_MAX);
	CHECK(ra.mtu == 0 || ra.mtu >= 1280);
	for (unsigned i = 0; i < ra.n_prefixes; i++) {
		CHECK(ra.prefixes[i].len <= 128);
		CHECK(ra.prefixes[i].preferred_s <= ra.prefixes[i].valid_s);
	}
	for (unsigned i = 0; i < ra.n_routes; i++)
		CHECK(ra.routes[i].len <= 128 && abs(ra.routes[i].preference) <= 1);
	for (unsigned i = 0; i < ra.n_search; i++)
		CHECK(vs_dns_name_valid(ra.search[i].name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[8192];

	memset(&ra, 0xa5, sizeof(ra));
	again = ra;
	if (vs_ndp_ra_parse(data, size, &ra) != VS_NDP_OK) {
		CHECK(memcmp(&ra, &again, sizeof(ra)) == 0);
		return 0;
	}
	check_content();
	size_t n = vs_ndp_ra_encode(bytes, sizeof(bytes), &ra);
	CHECK(n >= 16 && n % 8 == 0);
	CHECK(vs_ndp_ra_parse(bytes, n, &again) == VS_NDP_OK);
	ra.refused = ra.surplus = 0;
	CHECK(memcmp(&ra, &again, sizeof(ra)) == 0);
	return 0;
}
