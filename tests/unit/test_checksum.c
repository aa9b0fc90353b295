/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each implementation of the checksum is compared with the definition, for every length and alignment. */

#include <arpa/inet.h>
#include <frames.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/checksum.h"
#include "unit.h"

#define LENGTHS 3000
#define ALIGNMENTS 64

static uint8_t bytes[65536 + 2 * ALIGNMENTS] __attribute__((aligned(64)));

static void fill_random(void)
{
	uint32_t x = 1;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(x >> 24);
	}
}

/* All lengths at one alignment; the sum by the definition is continued from length to length. */
static void check_lengths(const struct vs_csum_kernel *kernel, size_t align)
{
	const uint8_t *p = bytes + align;
	uint32_t even = 0; /* of the bytes up to an even length */

	for (size_t len = 0; len <= LENGTHS; len++) {
		if (len > 0 && len % 2 == 0)
			even = frame_sum(even, p + len - 2, 2);
		uint32_t expected = len % 2 == 0 ? even : frame_sum(even, p + len - 1, 1);
		uint16_t found = ntohs(vs_csum_fold(kernel->add(0, p, len)));
		if (found != expected)
			fail_msg("%s: alignment %zu, length %zu: %04x, not %04x", kernel->name, align, len,
				 found, expected);
	}
}

static void check_kernels(void)
{
	for (const struct vs_csum_kernel *k = vs_csum_kernels; k->name != NULL; k++)
		for (size_t align = 0; k->usable() && align < ALIGNMENTS; align++)
			check_lengths(k, align);
}

static void random_bytes(void **state)
{
	(void)state;
	fill_random();
	check_kernels();
}

static void all_ones(void **state)
{
	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	check_kernels();
}

static void all_zeros(void **state)
{
	(void)state;
	memset(bytes, 0, sizeof(bytes));
	check_kernels();
}

/* Words that carry at every addition: 0xffffffff and 1, 0xffffffffffffffff and 1. */
static void carries(void **state)
{
	(void)state;
	for (size_t width = 4; width <= 64; width *= 2) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (i / width) % 2 == 0 ? 0xff : i % width == 0 || i % width == width - 1;
		check_kernels();
	}
}

static void any_initial_sum(void **state)
{
	static const uint64_t sums[] = { 0,          1,           0xffff,         0x10000,
					 0xffffffff, 0x100000000, UINT64_MAX - 1, UINT64_MAX };

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	for (const struct vs_csum_kernel *k = vs_csum_kernels; k->name != NULL; k++) {
		for (size_t i = 0; k->usable() && i < sizeof(sums) / sizeof(sums[0]); i++) {
			for (size_t len = 0; len < 300; len++) {
				/*
				 * Modulo 0xffff, where 2^16 is 1; ntohs because the numbers are in the
				 * machine's byte order.
				 */
				uint64_t expected =
					(sums[i] % 0xffff + vs_csum_fold(k->add(0, bytes, len))) % 0xffff;
				assert_int_equal(vs_csum_fold(k->add(sums[i], bytes, len)) % 0xffff,
						 expected);
			}
		}
	}
}

static void longest_frame(void **state)
{
	(void)state;
	for (int ones = 0; ones < 2; ones++) {
		if (ones)
			memset(bytes, 0xff, sizeof(bytes));
		else
			fill_random();
		for (size_t align = 0; align < ALIGNMENTS; align += 7)
			assert_int_equal(ntohs(vs_csum_fold(vs_csum_add(0, bytes + align, 65535))),
					 frame_sum(0, bytes + align, 65535));
	}
}

static void pieces_add_up(void **state)
{
	(void)state;
	fill_random();
	for (size_t cut = 0; cut <= 400; cut += 2) {
		uint64_t sum = vs_csum_add(vs_csum_add(0, bytes, cut), bytes + cut, 401 - cut);
		assert_int_equal(vs_csum_fold(sum), vs_csum_fold(vs_csum_add(0, bytes, 401)));
	}
}

static void folding(void **state)
{
	(void)state;
	assert_int_equal(vs_csum_fold(0), 0);
	assert_int_equal(vs_csum_fold(0xffff), 0xffff);
	assert_int_equal(vs_csum_fold(0x10000), 1);
	assert_int_equal(vs_csum_fold(0x1fffe), 0xffff);
	assert_int_equal(vs_csum_fold(UINT64_MAX), 0xffff);
	assert_int_equal(vs_csum_fold(UINT64_C(0xffffffff00000000)), 0xffff);
	assert_int_equal(vs_csum_fold(UINT64_C(0xfffffffffffffffe)), 0xfffe);
	assert_int_equal(vs_csum_join(UINT64_MAX, UINT64_MAX), UINT64_MAX);
	assert_int_equal(vs_csum_finish(0xffff), 0);
	assert_int_equal(vs_csum_finish_udp(0xffff), 0xffff);
	assert_int_equal(vs_csum_finish_udp(0x1234), 0xedcb);
	assert_true(vs_csum_good(0xffff));
	assert_false(vs_csum_good(0));
}

/* The example of RFC 1071 section 3. */
static void rfc1071_example(void **state)
{
	static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(ntohs(vs_csum_fold(vs_csum_add(0, example, 8))), 0xddf2);
}

static void pseudo_headers(void **state)
{
	(void)state;
	fill_random();
	for (uint32_t len = 0; len < 70000; len += 997) {
		for (int udp = 0; udp < 2; udp++) {
			uint8_t proto = udp ? 17 : 6;
			const uint8_t *ip = bytes + len % 61;
			assert_int_equal(ntohs(vs_csum_fold(vs_csum_pseudo4(ip, proto, len))),
					 frame_pseudo(ip, false, udp, len));
			assert_int_equal(ntohs(vs_csum_fold(vs_csum_pseudo6(ip, proto, len))),
					 frame_pseudo(ip, true, udp, len));
		}
	}
}

/* Between two pages that cannot be read. */
static void nothing_else_is_read(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *pages = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(mprotect(pages + page, page, PROT_READ | PROT_WRITE), 0);
	memset(pages + page, 0xff, page);
	for (const struct vs_csum_kernel *k = vs_csum_kernels; k->name != NULL; k++) {
		for (size_t len = 0; k->usable() && len <= 600; len++) {
			uint64_t sum = k->add(0, pages + page, len);
			assert_int_equal(vs_csum_fold(sum),
					 vs_csum_fold(k->add(0, pages + 2 * page - len, len)));
		}
	}
	assert_int_equal(munmap(pages, 3 * page), 0);
}

static void *sum_at_once(void *arg)
{
	pthread_barrier_wait(arg);
	return (void *)(uintptr_t)vs_csum_fold(vs_csum_add(0, bytes, 1500));
}

/* The first call chooses the implementation; here several threads make it at the same time. */
static void first_call_of_many_threads(void **state)
{
	pthread_t threads[8];
	pthread_barrier_t together;

	(void)state;
	fill_random();
	assert_int_equal(pthread_barrier_init(&together, NULL, 8), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sum_at_once, &together), 0);
	for (int i = 0; i < 8; i++) {
		void *sum;
		assert_int_equal(pthread_join(threads[i], &sum), 0);
		assert_int_equal(ntohs((uint16_t)(uintptr_t)sum), frame_sum(0, bytes, 1500));
	}
	pthread_barrier_destroy(&together);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_call_of_many_threads),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(all_ones),
		cmocka_unit_test(all_zeros),
		cmocka_unit_test(carries),
		cmocka_unit_test(any_initial_sum),
		cmocka_unit_test(longest_frame),
		cmocka_unit_test(nothing_else_is_read),
		cmocka_unit_test(pieces_add_up),
		cmocka_unit_test(folding),
		cmocka_unit_test(rfc1071_example),
		cmocka_unit_test(pseudo_headers),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
