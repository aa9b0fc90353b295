/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "duid.h"

#include <string.h>

#define TYPE_LLT 1
#define TYPE_LL 3
#define TYPE_UUID 4
#define ETHERNET 1
#define MAC_BYTES 6
#define EPOCH_2000_S 946684800 /* times of DUID-LLTs count from 2000-01-01 */

uint8_t vs_duid_ll(uint8_t *duid, const uint8_t *mac)
{
	const uint8_t head[4] = {0, TYPE_LL, 0, ETHERNET};

	memcpy(duid, head, sizeof(head));
	memcpy(duid + sizeof(head), mac, MAC_BYTES);
	return sizeof(head) + MAC_BYTES;
}

uint8_t vs_duid_llt(uint8_t *duid, const uint8_t *mac, int64_t realtime_s)
{
	uint32_t t = (uint32_t)(realtime_s - EPOCH_2000_S); /* modulo 2^32, as the RFC says */
	const uint8_t head[8] = {0,
				 TYPE_LLT,
				 0,
				 ETHERNET,
				 (uint8_t)(t >> 24),
				 (uint8_t)(t >> 16),
				 (uint8_t)(t >> 8),
				 (uint8_t)t};

	memcpy(duid, head, sizeof(head));
	memcpy(duid + sizeof(head), mac, MAC_BYTES);
	return sizeof(head) + MAC_BYTES;
}

uint8_t vs_duid_uuid(uint8_t *duid, const uint8_t *uuid)
{
	duid[0] = 0;
	duid[1] = TYPE_UUID;
	memcpy(duid + 2, uuid, 16);
	return 2 + 16;
}

uint32_t vs_duid_iaid(const uint8_t *mac)
{
	return (uint32_t)mac[2] << 24 | (uint32_t)mac[3] << 16 | (uint32_t)mac[4] << 8 | mac[5];
}
