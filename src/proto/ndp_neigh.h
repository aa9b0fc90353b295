/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_NDP_NEIGH_H
#define VS_PROTO_NDP_NEIGH_H

/* Neighbour solicitations and advertisements (RFC 4861 sections 4.3 and 4.4), for a host of one address. */

#include "ndp.h"

struct vs_ndp_ns {
	uint8_t target[16];
	bool has_mac;
	uint8_t mac[6]; /* of the sender */
};

/* from: the address of the sender. *out is written only if the result is VS_NDP_OK. */
enum vs_ndp_result vs_ndp_ns_parse(const uint8_t *bytes, size_t n, const uint8_t from[16],
				   struct vs_ndp_ns *out);

#define VS_NDP_NA_BYTES 32

/* The answer of a router that has the address and the MAC. solicited: it was not asked from "::". */
void vs_ndp_na_encode(uint8_t out[VS_NDP_NA_BYTES], const uint8_t target[16], const uint8_t mac[6],
		      bool solicited);

#endif
