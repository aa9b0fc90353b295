/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Blocks of capture files, and the queue in front of the file. tests/support/pcapng.py reads whole files. */

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "pump/pcapng.h"
#include "pump/ring.h"
#include "unit.h"

static unsigned char memory[65536];

static uint32_t at32(size_t offset)
{
	uint32_t value;

	memcpy(&value, memory + offset, sizeof(value));
	return value;
}

/* Both lengths agree, and blocks follow each other without a gap. Returns how many there are. */
static size_t check_blocks(const struct vs_pcapng *out)
{
	size_t n = 0;

	for (size_t at = 0; at < out->len; n++) {
		uint32_t len = at32(at + 4);
		assert_true(len >= 12 && len % 4 == 0 && at + len <= out->len);
		assert_int_equal(at32(at + len - 4), len);
		at += len;
	}
	return n;
}

static void every_length_of_texts_and_frames_is_padded(void **state)
{
	char text[VS_PCAPNG_TEXT_MAX + 50];
	unsigned char frame[100] = { 1 };

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		struct vs_pcapng out = { memory, sizeof(memory), 0 };
		struct iovec iov[2] = { { frame, i / 2 }, { frame, i - i / 2 } };
		struct vs_pcapng_frame f = { .time_ns = 1, .iov = iov, .n_iov = 2, .len = 1000, .rx = i % 2 };
		memset(text, 'x', sizeof(text));
		text[i] = '\0';
		assert_true(vs_pcapng_section(&out, text, NULL, "", text));
		assert_true(vs_pcapng_interface(&out, text, text, 100));
		assert_true(vs_pcapng_frame(&out, &f));
		assert_int_equal(check_blocks(&out), 3);
	}
}

static void a_text_that_is_too_long_is_cut(void **state)
{
	static char text[4 * VS_PCAPNG_TEXT_MAX];
	struct vs_pcapng out = { memory, sizeof(memory), 0 };

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_true(vs_pcapng_section(&out, text, text, text, text));
	assert_int_equal(check_blocks(&out), 1);
	assert_int_equal(out.len, 28 + 4 + 4 * (4 + VS_PCAPNG_TEXT_MAX));
}

static void a_block_that_does_not_fit_leaves_nothing(void **state)
{
	unsigned char frame[60] = { 0 };
	struct iovec iov = { frame, sizeof(frame) };
	struct vs_pcapng_comments comments = { { "one", "two" }, 2 };
	struct vs_pcapng_frame f = { .iov = &iov, .n_iov = 1, .len = 60, .comments = &comments };
	struct vs_pcapng_counts counts = { 0 };
	struct vs_pcapng all = { memory, sizeof(memory), 0 };

	(void)state;
	assert_true(vs_pcapng_frame(&all, &f));
	size_t needed = all.len;
	for (size_t size = 0; size < needed; size++) {
		unsigned char *small = malloc(size + 1);
		struct vs_pcapng out = { small, size, 0 };
		assert_false(vs_pcapng_frame(&out, &f));
		assert_int_equal(out.len, 0);
		free(small);
	}
	for (size_t size = 0; size < 60; size++) {
		struct vs_pcapng out = { memory, size, 0 };
		assert_false(vs_pcapng_statistics(&out, &counts, NULL));
		assert_int_equal(out.len, 0);
	}
}

static void a_frame_has_its_time_lengths_and_direction(void **state)
{
	unsigned char frame[60];
	struct iovec iov = { frame, 50 };
	struct vs_pcapng out = { memory, sizeof(memory), 0 };

	(void)state;
	memset(frame, 7, sizeof(frame));
	assert_true(vs_pcapng_frame(&out, &(struct vs_pcapng_frame){ .time_ns = 0x1122334455667788,
								      .iov = &iov,
								      .n_iov = 1,
								      .len = 60,
								      .rx = true,
								      .dropped = 9 }));
	assert_int_equal(at32(0), 6);
	assert_int_equal(at32(8), 0);
	assert_int_equal(at32(12), 0x11223344);
	assert_int_equal(at32(16), 0x55667788);
	assert_int_equal(at32(20), 50);
	assert_int_equal(at32(24), 60);
	assert_int_equal(at32(28), 0x07070707);
	assert_int_equal(at32(28 + 48), 0x00000707); /* padding is zero */
	assert_int_equal(at32(28 + 52 + 4), 1);      /* inbound */
	assert_int_equal(at32(28 + 52 + 12), 9);     /* dropped */
}

static void whole_blocks_are_found_in_what_was_cut(void **state)
{
	struct vs_pcapng out = { memory, sizeof(memory), 0 };
	size_t ends[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_true(vs_pcapng_interface(&out, "vde0", "text", 100));
		ends[i] = out.len;
	}
	for (size_t len = 0; len <= out.len; len++) {
		size_t expected = 0;
		for (int i = 0; i < 3 && ends[i] <= len; i++)
			expected = ends[i];
		assert_int_equal(vs_pcapng_whole(memory, len), expected);
	}
}

/* ------------------------------------------------------------------ the queue */

static void records_come_out_as_they_went_in(void **state)
{
	struct vs_ring ring = { 0 };
	unsigned put = 0, taken = 0;
	size_t len;

	(void)state;
	assert_int_equal(vs_ring_init(&ring, 5000), 0);
	assert_int_equal(ring.size, 8192);
	srand(4711);
	for (int i = 0; i < 200000; i++) {
		size_t want = sizeof(put) + (size_t)(rand() % 3000);
		unsigned *to = rand() % 2 ? vs_ring_reserve(&ring, want) : NULL;
		if (to != NULL) {
			memset(to, 0x55, want);
			*to = put++;
			vs_ring_commit(&ring);
		}
		const unsigned *from = rand() % 2 ? vs_ring_peek(&ring, &len) : NULL;
		if (from != NULL) {
			assert_int_equal(*from, taken++);
			assert_true(len >= sizeof(put));
			vs_ring_drop(&ring);
		}
	}
	assert_true(taken > 10000 && put - taken < 2000);
	vs_ring_free(&ring);
}

static void a_full_queue_refuses_and_loses_nothing(void **state)
{
	struct vs_ring ring = { 0 };
	unsigned n = 0, *to;
	size_t len;

	(void)state;
	assert_int_equal(vs_ring_init(&ring, 4096), 0);
	assert_null(vs_ring_reserve(&ring, 4096)); /* it needs a head */
	assert_null(vs_ring_reserve(&ring, SIZE_MAX));
	assert_null(vs_ring_peek(&ring, &len));
	while ((to = vs_ring_reserve(&ring, 100)) != NULL) {
		*to = n++;
		vs_ring_commit(&ring);
	}
	assert_int_equal(n, 4096 / 112);
	for (unsigned i = 0; i < n; i++) {
		const unsigned *from = vs_ring_peek(&ring, &len);
		assert_non_null(from);
		assert_int_equal(*from, i);
		assert_int_equal(len, 100);
		vs_ring_drop(&ring);
	}
	assert_int_equal(vs_ring_used(&ring), 0);
	vs_ring_free(&ring);
}

#define PASSED 300000u

static void *put_all(void *arg)
{
	struct vs_ring *ring = arg;

	for (uint32_t i = 0; i < PASSED;) {
		size_t len = 8 + i % 300;
		uint32_t *to = vs_ring_reserve(ring, len);
		if (to == NULL) {
			(void)sched_yield();
			continue;
		}
		to[0] = i;
		to[1] = ~i;
		vs_ring_commit(ring);
		i++;
	}
	return NULL;
}

static void a_record_is_not_seen_before_it_is_complete(void **state)
{
	struct vs_ring ring = { 0 };
	size_t len;

	(void)state;
	assert_int_equal(vs_ring_init(&ring, 4096), 0);
	assert_non_null(vs_ring_reserve(&ring, 8));
	assert_null(vs_ring_peek(&ring, &len));
	vs_ring_commit(&ring);
	assert_non_null(vs_ring_peek(&ring, &len));
	assert_int_equal(len, 8);
	vs_ring_free(&ring);
}

static void two_threads_pass_all_records_in_order(void **state)
{
	struct vs_ring ring = { 0 };
	pthread_t thread;
	size_t len;

	(void)state;
	assert_int_equal(vs_ring_init(&ring, 16384), 0);
	assert_int_equal(pthread_create(&thread, NULL, put_all, &ring), 0);
	for (uint32_t i = 0; i < PASSED;) {
		const uint32_t *from = vs_ring_peek(&ring, &len);
		if (from == NULL) {
			(void)sched_yield();
			continue;
		}
		assert_int_equal(from[0], i);
		assert_int_equal(from[1], ~i);
		assert_int_equal(len, 8 + i % 300);
		vs_ring_drop(&ring);
		i++;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	vs_ring_free(&ring);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_length_of_texts_and_frames_is_padded),
	cmocka_unit_test(a_text_that_is_too_long_is_cut),
	cmocka_unit_test(a_block_that_does_not_fit_leaves_nothing),
	cmocka_unit_test(a_frame_has_its_time_lengths_and_direction),
	cmocka_unit_test(whole_blocks_are_found_in_what_was_cut),
	cmocka_unit_test(records_come_out_as_they_went_in),
	cmocka_unit_test(a_full_queue_refuses_and_loses_nothing),
	cmocka_unit_test(a_record_is_not_seen_before_it_is_complete),
	cmocka_unit_test(two_threads_pass_all_records_in_order),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
