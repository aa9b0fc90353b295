/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which acknowledgements the user-space stack leaves out. */

#include <string.h>

#include "unit.h"

#include "acks.h"

#define V4 54
#define V6 74

/* An acknowledgement without data, from lwIP's kind of header. */
static size_t ack(unsigned char *f, size_t len, unsigned number)
{
	unsigned char *tcp = f + len - 20;

	memset(f, 0, len);
	memset(f, 0x02, 12);
	f[12] = len == V4 ? 0x08 : 0x86;
	f[13] = len == V4 ? 0x00 : 0xdd;
	f[14] = len == V4 ? 0x45 : 0x60;
	f[len == V4 ? 17 : 19] = len == V4 ? 40 : 20;
	f[len == V4 ? 23 : 20] = 6;
	memset(tcp - 8, 0x0a, 8);
	tcp[0] = tcp[2] = 0x13;
	tcp[8] = (unsigned char)(number >> 24);
	tcp[9] = (unsigned char)(number >> 16);
	tcp[10] = (unsigned char)(number >> 8);
	tcp[11] = (unsigned char)number;
	tcp[12] = 0x50;
	tcp[13] = 0x10;
	return len;
}

static bool replaced(size_t len, unsigned older, unsigned newer)
{
	unsigned char a[V6], b[V6];

	return px_acks_replace(a, ack(a, len, older), b, ack(b, len, newer));
}

static void a_later_number_replaces_an_earlier_one(void **state)
{
	(void)state;
	assert_true(replaced(V4, 1000, 3920));
	assert_true(replaced(V6, 1000, 3920));
	assert_true(replaced(V4, 0xfffffff0, 16)); /* numbers wrap */
}

static void duplicates_and_old_numbers_stay(void **state)
{
	(void)state;
	assert_false(replaced(V4, 1000, 1000));
	assert_false(replaced(V6, 1000, 1000));
	assert_false(replaced(V4, 3920, 1000));
	assert_false(replaced(V4, 16, 0xfffffff0));
}

/* Bytes that may differ: checksums, the identification of IPv4, the window and the number. */
static bool may_differ(size_t len, size_t at)
{
	size_t tcp = len - 20;

	if ((at >= tcp + 8 && at < tcp + 12) || at >= tcp + 14)
		return true;
	if (len == V4)
		return at == 15 || at == 18 || at == 19 || at == 22 || at == 24 || at == 25; /* DSCP, TTL */
	return at == 14 || (at >= 15 && at <= 17) || at == 21; /* class and label, hop limit */
}

static void any_other_difference_keeps_both(void **state)
{
	static const size_t lens[] = { V4, V6 };
	unsigned char a[V6], b[V6];

	(void)state;
	for (int l = 0; l < 2; l++) {
		for (size_t at = 0; at < lens[l]; at++) {
			size_t len = ack(a, lens[l], 1000);
			(void)ack(b, lens[l], 3920);
			b[at] ^= 0x01;
			if (!may_differ(len, at))
				assert_false(px_acks_replace(a, len, b, len));
		}
	}
}

static void frames_with_data_options_or_flags_stay(void **state)
{
	static const unsigned char flags[] = { 0x11, 0x12, 0x14, 0x18, 0x30, 0x50, 0x90, 0x00 };
	unsigned char a[V6 + 12], b[V6 + 12];

	(void)state;
	for (size_t i = 0; i < sizeof(flags); i++) {
		size_t len = ack(a, V4, 1000);
		(void)ack(b, V4, 3920);
		a[V4 - 7] = b[V4 - 7] = flags[i];
		assert_false(px_acks_replace(a, len, b, len));
	}
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	(void)ack(a, V4, 1000);
	(void)ack(b, V4, 3920);
	a[17] = b[17] = 52; /* 12 bytes more */
	assert_false(px_acks_replace(a, V4 + 12, b, V4 + 12));
	for (size_t len = 0; len < V4; len++)
		assert_false(px_acks_replace(a, len, b, len));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_later_number_replaces_an_earlier_one),
	cmocka_unit_test(duplicates_and_old_numbers_stay),
	cmocka_unit_test(any_other_difference_keeps_both),
	cmocka_unit_test(frames_with_data_options_or_flags_stay),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
