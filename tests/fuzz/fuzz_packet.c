/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The offsets of any frame are in order and within it, and do not depend on bytes outside. */

#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/packet.h"

static void check_offsets(const uint8_t *data, size_t size, const struct vs_packet *p)
{
	CHECK(p->n_tags <= 2 && p->l3 == 14 + 4u * p->n_tags);
	CHECK(p->version == data[p->l3] >> 4);
	CHECK(p->version == 4 || p->version == 6);
	CHECK(p->l4 >= p->l3 + (p->version == 4 ? 20 : 40));
	CHECK((p->l4 - p->l3) % 4 == 0);
	CHECK(p->extended == (p->l4 != p->l3 + (p->version == 4 ? 20 : 40)));
	CHECK(p->extended || !p->authenticated);
	CHECK(p->proto == 6 || p->proto == 17);
	CHECK(p->payload >= p->l4 + (p->proto == 6 ? 20 : 8));
	CHECK(p->end >= p->payload && p->end <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vs_packet p, again;

	memset(&p, 0xa5, sizeof(p));
	again = p;
	enum vs_packet_result result = vs_packet_parse(data, size, &p);
	CHECK(result <= VS_PACKET_UDP_HEADER);
	if (result != VS_PACKET_OK) {
		CHECK(memcmp(&p, &again, sizeof(p)) == 0);
		return 0;
	}
	check_offsets(data, size, &p);

	/* The result does not depend on bytes after the packet, and needs the whole packet. */
	uint8_t *exact = malloc(p.end);
	if (exact == NULL)
		return 0;
	memcpy(exact, data, p.end);
	CHECK(vs_packet_parse(exact, p.end, &again) == VS_PACKET_OK);
	CHECK(again.l3 == p.l3 && again.l4 == p.l4 && again.payload == p.payload && again.end == p.end);
	CHECK(vs_packet_parse(exact, p.end - 1, &again) != VS_PACKET_OK);
	free(exact);
	return 0;
}
