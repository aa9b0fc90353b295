/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_CHECKSUM_H
#define VS_PROTO_CHECKSUM_H

/*
 * The Internet checksum (RFC 1071). A sum has 64 bits, over the bytes in the order of memory. Numbers that
 * are added to it must be in network order, and so is the result, on any machine. Only the last of the
 * pieces that are added may have an odd length; it counts as padded with a zero.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds bytes to a sum. Any thread. */
uint64_t vs_csum_add(uint64_t sum, const void *bytes, size_t len);

/* Adds one sum to another. The carry is added at the bottom, so a sum never overflows. */
static inline uint64_t vs_csum_join(uint64_t a, uint64_t b)
{
	uint64_t sum = a + b;

	return sum + (sum < a);
}

/*
 * The 16 bits of a sum, not complemented, as in a header with an unfinished checksum. 0 only if all was
 * zero.
 */
static inline uint16_t vs_csum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	uint32_t low = (uint32_t)(sum & 0xffff) + (uint32_t)(sum >> 16);
	low = (low & 0xffff) + (low >> 16);
	return (uint16_t)low;
}

/* The checksum for a header. */
static inline uint16_t vs_csum_finish(uint64_t sum)
{
	return (uint16_t)~vs_csum_fold(sum);
}

/* The same for UDP, where 0 means that there is none (RFC 768). */
static inline uint16_t vs_csum_finish_udp(uint64_t sum)
{
	uint16_t check = vs_csum_finish(sum);

	return check != 0 ? check : 0xffff;
}

/* For the sum of data with its checksum included: true if it is right. */
static inline bool vs_csum_good(uint64_t sum)
{
	return vs_csum_fold(sum) == 0xffff;
}

/*
 * Sums of the pseudo-headers (RFC 9293 section 3.1, RFC 8200 section 8.1). `ip` is the IP header's first
 * byte, `len` that of the transport header and its payload.
 */
uint64_t vs_csum_pseudo4(const void *ip, uint8_t proto, uint32_t len);
uint64_t vs_csum_pseudo6(const void *ip, uint8_t proto, uint32_t len);

/* The implementations, for tests and measurements. The first that is usable here is in use. */
struct vs_csum_kernel {
	const char *name;
	bool (*usable)(void);
	uint64_t (*add)(uint64_t sum, const void *bytes, size_t len);
};
extern const struct vs_csum_kernel vs_csum_kernels[]; /* up to one without a name */

#endif
