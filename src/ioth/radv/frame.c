/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "frame.h"

#include <string.h>

#include "proto/be.h"
#include "proto/checksum.h"
#include "proto/ip6.h"

#define ETHER 14
#define TYPE_IP6 0x86dd
#define ICMP6 58
#define HOPS 255

static bool is_right(const uint8_t *ip, const uint8_t *message, size_t n)
{
	return vs_csum_good(vs_csum_add(vs_csum_pseudo6(ip, ICMP6, (uint32_t)n), message, n));
}

bool radv_frame_read(const uint8_t *bytes, size_t n, struct radv_frame *out)
{
	if (n < RADV_HEADERS || vs_be_get16(bytes + 12) != TYPE_IP6)
		return false;
	const uint8_t *ip = bytes + ETHER;
	size_t len = vs_be_get16(ip + 4);
	if (ip[0] >> 4 != 6 || ip[6] != ICMP6 || ip[7] != HOPS || len < 4 || len > n - RADV_HEADERS)
		return false;
	if ((bytes[6] & 1) != 0 || vs_ip6_is_multicast(ip + 8)) /* a group sends nothing */
		return false;
	if (!is_right(ip, bytes + RADV_HEADERS, len))
		return false;
	memcpy(out->to_mac, bytes, 6);
	memcpy(out->from_mac, bytes + 6, 6);
	memcpy(out->from, ip + 8, 16);
	memcpy(out->to, ip + 24, 16);
	out->message = bytes + RADV_HEADERS;
	out->n = len;
	return true;
}

size_t radv_frame_write(const struct radv_frame *f, uint8_t out[RADV_FRAME_MAX])
{
	uint8_t *ip = out + ETHER, *message = out + RADV_HEADERS;

	if (f->n < 4 || f->n > RADV_FRAME_MAX - RADV_HEADERS)
		return 0;
	memcpy(out, f->to_mac, 6);
	memcpy(out + 6, f->from_mac, 6);
	vs_be_put16(out + 12, TYPE_IP6);
	vs_be_put32(ip, 0x60000000);
	vs_be_put16(ip + 4, (uint16_t)f->n);
	ip[6] = ICMP6;
	ip[7] = HOPS;
	memcpy(ip + 8, f->from, 16);
	memcpy(ip + 24, f->to, 16);
	memcpy(message, f->message, f->n);
	memset(message + 2, 0, 2);
	uint16_t sum = vs_csum_finish(vs_csum_add(vs_csum_pseudo6(ip, ICMP6, (uint32_t)f->n), message, f->n));
	memcpy(message + 2, &sum, sizeof(sum)); /* in network order already */
	return RADV_HEADERS + f->n;
}

void radv_frame_group_mac(const uint8_t group[16], uint8_t mac[6])
{
	mac[0] = mac[1] = 0x33;
	memcpy(mac + 2, group + 12, 4);
}

void radv_frame_link_local(const uint8_t mac[6], uint8_t addr[16])
{
	memset(addr, 0, 16);
	addr[0] = 0xfe;
	addr[1] = 0x80;
	memcpy(addr + 8, mac, 3);
	addr[8] ^= 2;
	addr[11] = 0xff;
	addr[12] = 0xfe;
	memcpy(addr + 13, mac + 3, 3);
}
