/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Internet checksum, as fast as memory.
 *
 * It is a sum modulo 0xffff, and 2^16, 2^32 and 2^64 are all 1 modulo 0xffff. So words of any width may be
 * added in the byte order of memory, on any machine, if the carry out of a register is added at its bottom
 * (RFC 1071 section 2). The vector implementations have no carries: they widen 32-bit words to 64 bits
 * before they add, which leaves room for 2^32 of them.
 *
 * The first call chooses the implementation. Threads that make it at the same time choose the same one
 * and write the same pointer.
 */

#include "checksum.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
#include <sys/platform/x86.h>
#endif
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define SHORT_BYTES 64 /* below this a call through a pointer costs more than it saves */

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline uint64_t load32(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline uint64_t load16(const uint8_t *p)
{
	uint16_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* A last byte, padded with a zero. */
static inline uint64_t load8(const uint8_t *p)
{
	const uint8_t padded[2] = { *p, 0 };

	return load16(padded);
}

/* The rest: fewer than 32 bytes. */
static inline uint64_t add_tail(uint64_t sum, const uint8_t *p, size_t len)
{
	uint64_t small = 0; /* of words so narrow that it cannot overflow */

	for (; len >= 8; p += 8, len -= 8)
		sum = vs_csum_join(sum, load64(p));
	if (len & 4) {
		small += load32(p);
		p += 4;
	}
	if (len & 2) {
		small += load16(p);
		p += 2;
	}
	if (len & 1)
		small += load8(p);
	return vs_csum_join(sum, small);
}

static inline uint64_t add_words(uint64_t sum, const uint8_t *p, size_t len)
{
	uint64_t carries = 0;

	for (; len >= 32; p += 32, len -= 32) {
		for (int i = 0; i < 4; i++) {
			uint64_t w = load64(p + 8 * i);
			sum += w;
			carries += sum < w;
		}
	}
	return add_tail(vs_csum_join(sum, carries), p, len);
}

static uint64_t add_portable(uint64_t sum, const void *bytes, size_t len)
{
	return add_words(sum, bytes, len);
}

static bool always(void)
{
	return true;
}

#if defined(__x86_64__)

static uint64_t add_sse2(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	const __m128i low = _mm_set1_epi64x(0xffffffff);
	__m128i a = _mm_setzero_si128(), b = a, c = a, d = a;
	uint64_t lanes[2];

	for (; len >= 32; p += 32, len -= 32) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		__m128i w = _mm_loadu_si128((const __m128i *)(p + 16));
		a = _mm_add_epi64(a, _mm_and_si128(v, low));
		b = _mm_add_epi64(b, _mm_srli_epi64(v, 32));
		c = _mm_add_epi64(c, _mm_and_si128(w, low));
		d = _mm_add_epi64(d, _mm_srli_epi64(w, 32));
	}
	/* Each lane has room to spare: two words of 32 bits per 32 bytes, and frames are short. */
	_mm_storeu_si128((__m128i *)lanes, _mm_add_epi64(_mm_add_epi64(a, b), _mm_add_epi64(c, d)));
	return add_tail(vs_csum_join(vs_csum_join(sum, lanes[0]), lanes[1]), p, len);
}

__attribute__((target("avx2"))) static uint64_t add_avx2(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	const __m256i low = _mm256_set1_epi64x(0xffffffff);
	__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
	uint64_t lanes[4];

	for (; len >= 128; p += 128, len -= 128) {
		__m256i v = _mm256_loadu_si256((const __m256i *)p);
		__m256i w = _mm256_loadu_si256((const __m256i *)(p + 32));
		__m256i x = _mm256_loadu_si256((const __m256i *)(p + 64));
		__m256i y = _mm256_loadu_si256((const __m256i *)(p + 96));
		a = _mm256_add_epi64(a, _mm256_and_si256(v, low));
		b = _mm256_add_epi64(b, _mm256_srli_epi64(v, 32));
		c = _mm256_add_epi64(c, _mm256_and_si256(w, low));
		d = _mm256_add_epi64(d, _mm256_srli_epi64(w, 32));
		a = _mm256_add_epi64(a, _mm256_and_si256(x, low));
		b = _mm256_add_epi64(b, _mm256_srli_epi64(x, 32));
		c = _mm256_add_epi64(c, _mm256_and_si256(y, low));
		d = _mm256_add_epi64(d, _mm256_srli_epi64(y, 32));
	}
	for (; len >= 32; p += 32, len -= 32) {
		__m256i v = _mm256_loadu_si256((const __m256i *)p);
		a = _mm256_add_epi64(a, _mm256_and_si256(v, low));
		b = _mm256_add_epi64(b, _mm256_srli_epi64(v, 32));
	}
	_mm256_storeu_si256((__m256i *)lanes,
			    _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d)));
	for (int i = 0; i < 4; i++)
		sum = vs_csum_join(sum, lanes[i]);
	return add_tail(sum, p, len);
}

/*
 * The C library knows, as its start has asked the processor. The compiler's own functions would ask again,
 * when each program that links this library starts. In a virtual machine that can take 0.1 ms: each
 * question is a call of the hypervisor.
 */
static bool have_avx2(void)
{
#ifdef CPU_FEATURE_ACTIVE
	return CPU_FEATURE_ACTIVE(AVX2);
#else
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx2") != 0;
#endif
}

#elif defined(__aarch64__)

static uint64_t add_neon(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64x2_t a = vdupq_n_u64(0), b = a;

	for (; len >= 32; p += 32, len -= 32) {
		a = vpadalq_u32(a, vreinterpretq_u32_u8(vld1q_u8(p)));
		b = vpadalq_u32(b, vreinterpretq_u32_u8(vld1q_u8(p + 16)));
	}
	a = vaddq_u64(a, b);
	sum = vs_csum_join(vs_csum_join(sum, vgetq_lane_u64(a, 0)), vgetq_lane_u64(a, 1));
	return add_tail(sum, p, len);
}

#endif

const struct vs_csum_kernel vs_csum_kernels[] = {
#if defined(__x86_64__)
	{ "avx2", have_avx2, add_avx2 },
	{ "sse2", always, add_sse2 },
#elif defined(__aarch64__)
	{ "neon", always, add_neon },
#endif
	{ "portable", always, add_portable },
	{ NULL, NULL, NULL },
};

typedef uint64_t add_function(uint64_t sum, const void *bytes, size_t len);

static add_function choose;
static _Atomic(add_function *) chosen = choose;

static uint64_t choose(uint64_t sum, const void *bytes, size_t len)
{
	const struct vs_csum_kernel *kernel = vs_csum_kernels;

	while (!kernel->usable())
		kernel++;
	atomic_store_explicit(&chosen, kernel->add,
			      memory_order_relaxed); /* it points to code: nothing else to publish */
	return kernel->add(sum, bytes, len);
}

uint64_t vs_csum_add(uint64_t sum, const void *bytes, size_t len)
{
	if (len < SHORT_BYTES)
		return add_words(sum, bytes, len);
	return atomic_load_explicit(&chosen, memory_order_relaxed)(sum, bytes, len);
}

static uint64_t add_numbers(uint64_t sum, uint8_t proto, uint32_t len)
{
	return vs_csum_join(sum, (uint64_t)htonl(len) + htons(proto));
}

uint64_t vs_csum_pseudo4(const void *ip, uint8_t proto, uint32_t len)
{
	return add_numbers(add_tail(0, (const uint8_t *)ip + 12, 8), proto, len);
}

uint64_t vs_csum_pseudo6(const void *ip, uint8_t proto, uint32_t len)
{
	return add_numbers(add_words(0, (const uint8_t *)ip + 8, 32), proto, len);
}
