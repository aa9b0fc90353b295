/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ndp_neigh.h"

#include <string.h>

#include "ip6.h"
#include "ndp_options.h"

#define FLAG_ROUTER 0x80u
#define FLAG_SOLICITED 0x40u
#define FLAG_OVERRIDE 0x20u

enum vs_ndp_result vs_ndp_ns_parse(const uint8_t *bytes, size_t n, const uint8_t from[16],
				   struct vs_ndp_ns *out)
{
	if (n < VS_NDP_NS_FIXED)
		return VS_NDP_SHORT;
	if (bytes[0] != VS_NDP_TYPE_NS || bytes[1] != 0)
		return VS_NDP_KIND;
	if (!vs_ndp_in_order(bytes, n, VS_NDP_NS_FIXED) || vs_ip6_is_multicast(bytes + 8))
		return VS_NDP_OPTION; /* RFC 4861 section 7.1.1 */
	if (vs_ip6_is_unspecified(from) &&
	    vs_ndp_has_option(bytes, n, VS_NDP_NS_FIXED, VS_NDP_OPTION_SOURCE_MAC))
		return VS_NDP_SENDER;
	const uint8_t *mac = vs_ndp_short_option(bytes, n, VS_NDP_NS_FIXED, VS_NDP_OPTION_SOURCE_MAC);
	memset(out, 0, sizeof(*out));
	memcpy(out->target, bytes + 8, 16);
	out->has_mac = mac != NULL;
	if (mac != NULL)
		memcpy(out->mac, mac, 6);
	return VS_NDP_OK;
}

void vs_ndp_na_encode(uint8_t out[VS_NDP_NA_BYTES], const uint8_t target[16], const uint8_t mac[6],
		      bool solicited)
{
	memset(out, 0, VS_NDP_NA_BYTES);
	out[0] = VS_NDP_TYPE_NA;
	out[4] = (uint8_t)(FLAG_ROUTER | FLAG_OVERRIDE | (solicited ? FLAG_SOLICITED : 0));
	memcpy(out + 8, target, 16);
	out[24] = VS_NDP_OPTION_TARGET_MAC;
	out[25] = 1;
	memcpy(out + 26, mac, 6);
}
