/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_BE_H
#define VS_PROTO_BE_H

/* Numbers in network order, at any alignment. The caller has checked that the bytes are there. */

#include <stdint.h>

static inline uint16_t vs_be_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t vs_be_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void vs_be_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void vs_be_put32(uint8_t *p, uint32_t v)
{
	vs_be_put16(p, (uint16_t)(v >> 16));
	vs_be_put16(p + 2, (uint16_t)v);
}

#endif
