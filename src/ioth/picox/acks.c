/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lwIP acknowledges every second segment while it takes a batch of frames. All of them leave at
 * the end of the turn, where only the last one says something new (RFC 9293 section 3.8.6.3: they are
 * cumulative). Each costs a frame, and work of the stack at the other end.
 */

#include "acks.h"

#include <stdint.h>
#include <string.h>

#define ETH 14
#define TCP 20
#define ACK 0x10

static uint32_t number(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Where TCP starts in a frame of which nothing follows the TCP header; 0: another frame. */
static size_t bare_tcp(const unsigned char *f, size_t len)
{
	if (len == ETH + 20 + TCP && f[12] == 0x08 && f[13] == 0x00 && f[ETH] == 0x45 && f[ETH + 9] == 6 &&
	    f[ETH + 2] == 0 && f[ETH + 3] == 20 + TCP && (f[ETH + 6] & 0x3f) == 0 && f[ETH + 7] == 0)
		return ETH + 20;
	if (len == ETH + 40 + TCP && f[12] == 0x86 && f[13] == 0xdd && (f[ETH] & 0xf0) == 0x60 &&
	    f[ETH + 4] == 0 && f[ETH + 5] == TCP && f[ETH + 6] == 6)
		return ETH + 40;
	return 0;
}

static bool is_pure_ack(const unsigned char *tcp)
{
	return tcp[12] == (TCP / 4) << 4 && tcp[13] == ACK;
}

/* Ethernet addresses, type, class of traffic, IP addresses. */
static bool same_headers(const unsigned char *a, const unsigned char *b, size_t tcp)
{
	size_t addresses = tcp == ETH + 20 ? ETH + 12 : ETH + 8;

	return memcmp(a, b, ETH + 2) == 0 && memcmp(a + addresses, b + addresses, tcp - addresses) == 0;
}

bool px_acks_replace(const unsigned char *older, size_t older_len, const unsigned char *newer,
		     size_t newer_len)
{
	size_t at = bare_tcp(older, older_len);

	if (at == 0 || older_len != newer_len || bare_tcp(newer, newer_len) != at ||
	    !same_headers(older, newer, at))
		return false;
	const unsigned char *a = older + at, *b = newer + at;
	if (!is_pure_ack(a) || !is_pure_ack(b) || memcmp(a, b, 8) != 0) /* ports, sequence number */
		return false;
	return (int32_t)(number(b + 8) - number(a + 8)) > 0;
}
