/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DHCP unique identifiers, as bytes. */

#include "duid.h"

#include <string.h>

#include "proto/be.h"

#define TYPE_LLT 1
#define TYPE_LL 3
#define TYPE_UUID 4
#define ETHERNET 1
#define MAC_BYTES 6
#define EPOCH_2000_S 946684800 /* times of DUID-LLTs count from 2000-01-01 */

uint8_t vs_duid_ll(uint8_t *duid, const uint8_t *mac)
{
	vs_be_put16(duid, TYPE_LL);
	vs_be_put16(duid + 2, ETHERNET);
	memcpy(duid + 4, mac, MAC_BYTES);
	return 4 + MAC_BYTES;
}

uint8_t vs_duid_llt(uint8_t *duid, const uint8_t *mac, int64_t realtime_s)
{
	vs_be_put16(duid, TYPE_LLT);
	vs_be_put16(duid + 2, ETHERNET);
	vs_be_put32(duid + 4, (uint32_t)(realtime_s - EPOCH_2000_S)); /* modulo 2^32, as the RFC says */
	memcpy(duid + 8, mac, MAC_BYTES);
	return 8 + MAC_BYTES;
}

uint8_t vs_duid_uuid(uint8_t *duid, const uint8_t *uuid)
{
	vs_be_put16(duid, TYPE_UUID);
	memcpy(duid + 2, uuid, 16);
	return 2 + 16;
}

uint32_t vs_duid_iaid(const uint8_t *mac)
{
	return vs_be_get32(mac + 2);
}
