/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_IMPAIR_CORRUPT_H
#define VS_PUMP_IMPAIR_CORRUPT_H

/* Wrong bits in frames. Pure functions on bytes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the Ethernet header with its VLAN tags, two at most; never more than len. */
size_t vs_ether_len(const uint8_t *frame, size_t len);

/* Changes one bit behind the Ethernet header; `choice` says which. False: there is none. */
bool vs_corrupt(uint8_t *frame, size_t len, uint64_t choice);

/*
 * Changes payload so that no checksum shows it: of TCP, UDP, ICMP and ICMPv6 in a whole packet a bit, with
 * the checksum updated (a wrong one stays wrong); of a fragment two words that are exchanged. False: there is
 * no such payload.
 */
bool vs_corrupt_valid(uint8_t *frame, size_t len, uint64_t choice);

#endif
