/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ARP packets: a header of constants, then four addresses. */

#include "arp.h"

#include <string.h>

#include "be.h"

/* Ethernet, IPv4, and the lengths of their addresses. */
static const uint8_t kinds[6] = { 0x00, 0x01, 0x08, 0x00, 6, 4 };

void vs_arp_encode(const struct vs_arp *arp, uint8_t *out)
{
	memcpy(out, kinds, sizeof(kinds));
	vs_be_put16(out + 6, (uint16_t)arp->op);
	memcpy(out + 8, arp->sender_mac, 6);
	vs_be_put32(out + 14, arp->sender_ip);
	memcpy(out + 18, arp->target_mac, 6);
	vs_be_put32(out + 24, arp->target_ip);
}

bool vs_arp_parse(const uint8_t *bytes, size_t n, struct vs_arp *out)
{
	if (n < VS_ARP_BYTES || memcmp(bytes, kinds, sizeof(kinds)) != 0)
		return false;
	uint16_t op = vs_be_get16(bytes + 6);
	if (op != VS_ARP_REQUEST && op != VS_ARP_REPLY)
		return false;
	out->op = (enum vs_arp_op)op;
	memcpy(out->sender_mac, bytes + 8, 6);
	out->sender_ip = vs_be_get32(bytes + 14);
	memcpy(out->target_mac, bytes + 18, 6);
	out->target_ip = vs_be_get32(bytes + 24);
	return true;
}
