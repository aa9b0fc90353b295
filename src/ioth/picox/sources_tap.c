/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames for the sources, before lwIP sees them. */

#include <lwip/inet_chksum.h>
#include <string.h>

#include "host.h"
#include "settings.h"
#include "sources_inside.h"

static void tap4(struct px_iface *iface, const uint8_t *frame, size_t n)
{
	struct px_source *s = px_source_find(iface, VS_SOURCE_DHCP4);
	bool arp = frame[13] == 0x06;
	size_t ihl = n > 14 ? (size_t)(frame[14] & 15) * 4 : 0;
	struct vs_auto_packet p = { .way = arp ? VS_WAY_ARP : VS_WAY_IP4, .bytes = frame + 14, .n = n - 14 };

	if (s == NULL)
		return;
	memcpy(p.mac, frame + 6, 6);
	/* UDP to port 68 only: the machine is called for nothing else. */
	if (arp || (n >= 14 + ihl + 4 && frame[14 + 9] == 17 && frame[14 + ihl + 2] == 0 &&
		    frame[14 + ihl + 3] == 68))
		px_source_give(s, &p);
}

/* The ICMPv6 checksum of a packet without extension headers, RFC 4443 section 2.3. */
static bool checksum_fits(const uint8_t *ip, size_t n)
{
	uint8_t bytes[40 + PX_SOURCE_BYTES] = { 0 };

	memcpy(bytes, ip + 8, 32);
	bytes[34] = (uint8_t)(n >> 8);
	bytes[35] = (uint8_t)n;
	bytes[39] = 58;
	memcpy(bytes + 40, ip + 40, n);
	return inet_chksum(bytes, (u16_t)(40 + n)) == 0;
}

static bool for_us(const struct px_iface *iface, const uint8_t dst[16])
{
	static const uint8_t nodes[16] = { 0xff, 0x02, [15] = 1 };

	return memcmp(dst, nodes, 16) == 0 || memcmp(dst, netif_ip6_addr(&iface->netif, 0)->addr, 16) == 0;
}

/* A router advertisement. One with extension headers is none of a router in use. */
static void tap6(struct px_iface *iface, const uint8_t *frame, size_t n)
{
	struct px_source *s = px_source_find(iface, VS_SOURCE_RA);
	const uint8_t *ip = frame + 14;
	size_t payload;

	if (s == NULL || n < 14 + 40 + 16 || ip[6] != 58 || ip[40] != 134)
		return;
	payload = (size_t)(ip[4] << 8 | ip[5]);
	if (payload < 16 || payload > PX_SOURCE_BYTES || payload > n - 54 || !for_us(iface, ip + 24) ||
	    !checksum_fits(ip, payload))
		return;
	struct vs_auto_packet p = { .way = VS_WAY_ICMP6,
				    .bytes = ip + 40,
				    .n = payload,
				    .hop_limit = ip[7],
				    .peer.family = AF_INET6 };
	memcpy(p.peer.bytes, ip + 8, 16);
	px_source_give(s, &p);
}

bool px_sources_frame(struct px_iface *iface, const void *bytes, size_t n)
{
	const uint8_t *frame = bytes;

	if (n < 14)
		return false;
	if (px_source_first() != NULL && frame[12] == 0x08 && (frame[13] == 0x00 || frame[13] == 0x06))
		tap4(iface, frame, n);
	else if (px_source_first() != NULL && frame[12] == 0x86 && frame[13] == 0xdd)
		tap6(iface, frame, n);
	return px_host_takes(iface, bytes, n) && px_settings_may_input(bytes, n);
}
