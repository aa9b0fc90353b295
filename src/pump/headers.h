/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_HEADERS_H
#define VS_PUMP_HEADERS_H

/* Offsets of fields, and the TCP flags. */

enum {
	VS_IP4_TOS = 1,
	VS_IP4_LEN = 2,
	VS_IP4_ID = 4,
	VS_IP4_FRAG = 6,
	VS_IP4_TTL = 8,
	VS_IP4_CHECK = 10,
	VS_IP4_ADDRS = 12,
	VS_IP6_LEN = 4,
	VS_IP6_NEXT = 6,
	VS_IP6_ADDRS = 8,
	VS_TCP_SEQ = 4,
	VS_TCP_ACK = 8,
	VS_TCP_FLAGS = 12, /* 16 bits: data offset, reserved, flags */
	VS_TCP_WINDOW = 14,
	VS_TCP_CHECK = 16,
	VS_TCP_URGENT = 18,
	VS_TCP_OPTIONS = 20,
	VS_UDP_LEN = 4,
	VS_UDP_CHECK = 6,
};

#define VS_IP4_DF 0x4000u

#define VS_TCP_FIN 0x01u
#define VS_TCP_SYN 0x02u
#define VS_TCP_RST 0x04u
#define VS_TCP_PSH 0x08u
#define VS_TCP_ACKED 0x10u
#define VS_TCP_URG 0x20u
#define VS_TCP_ECE 0x40u
#define VS_TCP_CWR 0x80u

#endif
