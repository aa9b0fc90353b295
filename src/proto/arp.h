/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_ARP_H
#define VS_PROTO_ARP_H

/*
 * ARP packets for IPv4 over Ethernet (RFC 826). IPv4 addresses are numbers in the byte order of the machine.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_ARP_BYTES 28

enum vs_arp_op {
	VS_ARP_REQUEST = 1,
	VS_ARP_REPLY = 2,
};

struct vs_arp {
	enum vs_arp_op op;
	uint8_t sender_mac[6], target_mac[6];
	uint32_t sender_ip, target_ip;
};

/* Writes VS_ARP_BYTES bytes, from the ARP header on. */
void vs_arp_encode(const struct vs_arp *arp, uint8_t *out);

/*
 * Reads a packet from the ARP header on; bytes behind it are Ethernet padding. False: it is none of IPv4 over
 * Ethernet, or neither request nor reply; *out is not written.
 */
bool vs_arp_parse(const uint8_t *bytes, size_t n, struct vs_arp *out);

#endif
