/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_PACKET_H
#define VS_PROTO_PACKET_H

/* Where the headers of an Ethernet frame are. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a frame is not TCP or UDP in a whole, valid IP packet. */
enum vs_packet_result {
	VS_PACKET_OK,
	VS_PACKET_SHORT,     /* no room for the Ethernet header and its tags */
	VS_PACKET_NOT_IP,    /* another protocol, or more than two tags */
	VS_PACKET_IP_HEADER, /* cut off, wrong version, or an impossible header length */
	VS_PACKET_IP_LENGTH, /* longer than the frame, or shorter than the header */
	VS_PACKET_FRAGMENT,  /* a part of a packet */
	VS_PACKET_EXTENSION, /* IPv6 extension headers cut off, too many, or without a transport header */
	VS_PACKET_TRANSPORT, /* neither TCP nor UDP */
	VS_PACKET_TCP_HEADER,
	VS_PACKET_UDP_HEADER, /* cut off, or a length that is not the packet's */
};

struct vs_packet {
	uint32_t l3;        /* offset of the IP header */
	uint32_t l4;        /* offset of the transport header */
	uint32_t payload;   /* offset of the transport payload */
	uint32_t end;       /* offset behind the IP packet; what follows is Ethernet padding */
	uint8_t version;    /* 4 or 6 */
	uint8_t proto;      /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t n_tags;     /* VLAN tags */
	bool extended;      /* IPv4 options or IPv6 extension headers */
	bool authenticated; /* among them an authentication header */
};

/* *out is written only if the result is VS_PACKET_OK. */
enum vs_packet_result vs_packet_parse(const void *frame, size_t len, struct vs_packet *out);

#endif
