/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_BYTES_H
#define VS_PUMP_BYTES_H

/*
 * Fields of headers. The parser has checked that they are there. load and store keep the byte order; get and
 * put convert from and to network order. No alignment is needed.
 */

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t vs_load16(const uint8_t *p)
{
	uint16_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline uint32_t vs_load32(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline uint64_t vs_load64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline void vs_store16(uint8_t *p, uint16_t w)
{
	memcpy(p, &w, sizeof(w));
}

/* 32 bits wide, so that arithmetic on it does not wrap and is not done in int. */
static inline uint32_t vs_get16(const uint8_t *p)
{
	return ntohs(vs_load16(p));
}

static inline uint32_t vs_get32(const uint8_t *p)
{
	return ntohl(vs_load32(p));
}

static inline void vs_put16(uint8_t *p, uint32_t number)
{
	vs_store16(p, htons((uint16_t)number));
}

static inline void vs_put32(uint8_t *p, uint32_t number)
{
	number = htonl(number);
	memcpy(p, &number, sizeof(number));
}

#endif
