/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* UDP datagrams in IPv4 packets, with their checksums. */

#include "udp4.h"

#include <netinet/in.h>
#include <string.h>

#include "be.h"
#include "checksum.h"

#define IP_BYTES 20
#define UDP_BYTES 8
#define TTL 64

#define FLAG_DF 0x4000u
#define FLAG_MORE 0x2000u
#define OFFSET 0x1fffu

/* The result of the checksum functions is in network order already. */
static void put_check(uint8_t *at, uint16_t check)
{
	memcpy(at, &check, sizeof(check));
}

size_t vs_udp4_wrap(const struct vs_udp4 *udp, uint8_t *out, size_t room)
{
	size_t total = VS_UDP4_HEADERS + udp->n;

	if (total > room || total > UINT16_MAX)
		return 0;
	uint16_t udp_len = (uint16_t)(UDP_BYTES + udp->n);
	uint8_t *l4 = out + IP_BYTES;

	memset(out, 0, VS_UDP4_HEADERS);
	out[0] = 0x45;
	vs_be_put16(out + 2, (uint16_t)total);
	vs_be_put16(out + 6, FLAG_DF); /* with DF the identification may be 0, RFC 6864 section 4.1 */
	out[8] = TTL;
	out[9] = IPPROTO_UDP;
	vs_be_put32(out + 12, udp->src);
	vs_be_put32(out + 16, udp->dst);
	put_check(out + 10, vs_csum_finish(vs_csum_add(0, out, IP_BYTES)));

	vs_be_put16(l4, udp->src_port);
	vs_be_put16(l4 + 2, udp->dst_port);
	vs_be_put16(l4 + 4, udp_len);
	memcpy(l4 + UDP_BYTES, udp->payload, udp->n);
	uint64_t sum = vs_csum_pseudo4(out, IPPROTO_UDP, udp_len);
	put_check(l4 + 6, vs_csum_finish_udp(vs_csum_add(sum, l4, udp_len)));
	return total;
}

enum vs_udp4_result vs_udp4_unwrap(const uint8_t *bytes, size_t n, bool unfinished, struct vs_udp4 *out)
{
	if (n < IP_BYTES || bytes[0] >> 4 != 4)
		return VS_UDP4_IP_HEADER;
	size_t header = (bytes[0] & 15u) * 4;
	size_t total = vs_be_get16(bytes + 2);
	if (header < IP_BYTES || header > total || total > n)
		return VS_UDP4_IP_HEADER;
	if (!vs_csum_good(vs_csum_add(0, bytes, header)))
		return VS_UDP4_IP_CHECKSUM;
	if ((vs_be_get16(bytes + 6) & (FLAG_MORE | OFFSET)) != 0)
		return VS_UDP4_FRAGMENT;
	if (bytes[9] != IPPROTO_UDP)
		return VS_UDP4_NOT_UDP;

	const uint8_t *l4 = bytes + header;
	size_t room = total - header;
	if (room < UDP_BYTES)
		return VS_UDP4_UDP_HEADER;
	uint16_t udp_len = vs_be_get16(l4 + 4);
	if (udp_len < UDP_BYTES || udp_len > room)
		return VS_UDP4_UDP_HEADER;
	/* A checksum of 0: the sender has made none (RFC 768). */
	if (!unfinished && vs_be_get16(l4 + 6) != 0) {
		uint64_t sum = vs_csum_pseudo4(bytes, IPPROTO_UDP, udp_len);
		if (!vs_csum_good(vs_csum_add(sum, l4, udp_len)))
			return VS_UDP4_UDP_CHECKSUM;
	}
	*out = (struct vs_udp4){
		.src = vs_be_get32(bytes + 12),
		.dst = vs_be_get32(bytes + 16),
		.src_port = vs_be_get16(l4),
		.dst_port = vs_be_get16(l4 + 2),
		.payload = l4 + UDP_BYTES,
		.n = (size_t)udp_len - UDP_BYTES,
	};
	return VS_UDP4_OK;
}
