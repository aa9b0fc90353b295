/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_AUTO_DUID_H
#define VS_AUTO_DUID_H

/*
 * DHCP unique identifiers, RFC 8415 section 11: what a client is called. Ethernet only. Each function writes
 * at most VS_AUTO_DUID_MAX bytes and returns how many.
 */

#include <stdint.h>

/* DUID-LL: from a MAC alone. For interfaces that keep their MAC. */
uint8_t vs_duid_ll(uint8_t *duid, const uint8_t *mac);

/* DUID-LLT: from a MAC and the time at which it is made, in seconds since 1970. It must be stored. */
uint8_t vs_duid_llt(uint8_t *duid, const uint8_t *mac, int64_t realtime_s);

/* DUID-UUID, RFC 6355: from 16 bytes. */
uint8_t vs_duid_uuid(uint8_t *duid, const uint8_t *uuid);

/* An IAID that stays the same as long as the MAC does. */
uint32_t vs_duid_iaid(const uint8_t *mac);

#endif
