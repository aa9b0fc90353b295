/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_CONTAINER_WIRE_H
#define VDESTACK_TESTS_CONTAINER_WIRE_H

/* The bytes of containers, probes and answers (docs/offload.md), without code of the library. */

#include "wire.h"

#define CONTAINER_LONGEST 9230

enum { FRAMES = 1, PROBE = 2, ANSWER = 3 };

/* A container, a probe or an answer: container_kind() tells. */
static inline bool container_is(const uint8_t *f, size_t len)
{
	return len >= 24 && f[12] == 0x88 && f[13] == 0xb5;
}

static inline int container_kind(const uint8_t *f)
{
	return f[19];
}

static inline void put16(uint8_t *p, size_t n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

/* Writes the header before what is there already, with a right checksum. Returns len. */
static inline size_t container_seal(uint8_t *c, size_t len, int kind, const uint8_t to[6],
				    const uint8_t from[6])
{
	memcpy(c, to, 6);
	memcpy(c + 6, from, 6);
	memcpy(c + 12, "\x88\xb5VdeC\1", 7);
	c[19] = (uint8_t)kind;
	put16(c + 20, len);
	put16(c + 22, 0);
	put16(c + 22, ~wire_sum(0, c + 18, len - 18) & 0xffff);
	return len;
}

static inline size_t container_probe(uint8_t *c, size_t len, unsigned nonce, const uint8_t to[6],
				     const uint8_t from[6])
{
	memset(c, 0, len);
	put16(c + 28, nonce >> 16);
	put16(c + 30, nonce);
	return container_seal(c, len, PROBE, to, from);
}

/* The answer to a probe, from the station that it is for. Any station that has read the probe can send it. */
static inline size_t container_answer(uint8_t *c, const uint8_t *probe, unsigned limit, unsigned takes)
{
	memset(c, 0, 64);
	memcpy(c + 24, probe + 24, 8);
	put16(c + 32, limit);
	put16(c + 34, takes);
	return container_seal(c, 64, ANSWER, probe + 6, probe);
}

#endif
