/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_UDP4_H
#define VS_PROTO_UDP4_H

/*
 * UDP datagrams in IPv4 packets, for packet sockets: an interface without an address sends and receives no
 * others. IPv4 addresses are numbers in the byte order of the machine.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_UDP4_HEADERS 28 /* bytes before the payload, without IP options */

struct vs_udp4 {
	uint32_t src, dst;
	uint16_t src_port, dst_port;
	const uint8_t *payload; /* in the caller's packet */
	size_t n;
};

/* Why a packet is no whole, valid UDP datagram. */
enum vs_udp4_result {
	VS_UDP4_OK,
	VS_UDP4_IP_HEADER, /* cut off, wrong version, impossible lengths */
	VS_UDP4_IP_CHECKSUM,
	VS_UDP4_FRAGMENT,
	VS_UDP4_NOT_UDP,
	VS_UDP4_UDP_HEADER, /* cut off, or a length that is not within the packet */
	VS_UDP4_UDP_CHECKSUM,
};

/* Writes headers and payload to `out`. Returns how many bytes; 0: they do not fit into `room`. */
size_t vs_udp4_wrap(const struct vs_udp4 *udp, uint8_t *out, size_t room);

/*
 * Reads a packet from the IP header on. IP options are skipped. What follows the IP packet is Ethernet
 * padding. unfinished: the UDP checksum is not there yet, because the sender's kernel has left it to the
 * hardware. *out is written only if the result is VS_UDP4_OK.
 */
enum vs_udp4_result vs_udp4_unwrap(const uint8_t *bytes, size_t n, bool unfinished, struct vs_udp4 *out);

#endif
