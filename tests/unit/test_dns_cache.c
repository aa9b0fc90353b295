/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The cache of answers. */

#include <dns_message.h>
#include <stdio.h>

#include "dns/answer.h"
#include "dns/cache.h"
#include "unit.h"

static struct dns_message m;

static struct vs_answer *answer(uint32_t ttl, uint32_t addr)
{
	dns_begin(&m, 1, 0x8180, "a.example", 1);
	dns_a(&m, "a.example", ttl, addr);
	struct vs_answer *a = vs_answer_new(m.bytes, m.n, 1, 0);
	assert_non_null(a);
	return a;
}

static void put(struct vs_cache *c, const char *name, int type, uint32_t ttl, int64_t now_s)
{
	struct vs_answer *a = answer(ttl, 0x0a000001);

	vs_cache_put(c, name, type, a, now_s);
	vs_answer_unref(a);
}

static bool has(struct vs_cache *c, const char *name, int type, int64_t now_s)
{
	struct vs_answer *a = vs_cache_get(c, name, type, now_s, NULL);

	vs_answer_unref(a);
	return a != NULL;
}

static void an_answer_lives_as_long_as_its_ttl(void **state)
{
	struct vs_cache *c = vs_cache_new(4);
	uint32_t age;

	(void)state;
	put(c, "a.example", 1, 10, 1000);
	assert_true(has(c, "a.example", 1, 1000));
	struct vs_answer *a = vs_cache_get(c, "A.Example.", 1, 1009, &age);
	assert_non_null(a);
	assert_int_equal(age, 9);
	vs_answer_unref(a);
	assert_false(has(c, "a.example", 28, 1000));
	assert_false(has(c, "a.exampl", 1, 1000));
	assert_false(has(c, "a.example", 1, 1010));
	assert_int_equal(vs_cache_count(c), 0);
	put(c, "a.example", 1, 0, 1000);
	assert_int_equal(vs_cache_count(c), 0);
	vs_cache_delete(c);
}

/* RFC 2308: no such name, and no records of the type. */
static void a_negative_answer_lives_as_its_soa_says(void **state)
{
	static const struct {
		unsigned flags;
		uint32_t ttl, minimum, lives;
	} cases[] = { { 0x8183, 300, 60, 60 },
		      { 0x8183, 30, 60, 30 },
		      { 0x8180, 300, 60, 60 },
		      { 0x8180, 1000000, 1000000, 10800 } };
	struct vs_cache *c = vs_cache_new(4);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dns_begin(&m, 1, cases[i].flags, "none.example", 1);
		dns_soa(&m, "example", cases[i].ttl, cases[i].minimum);
		struct vs_answer *a = vs_answer_new(m.bytes, m.n, 1, 0);
		assert_non_null(a);
		vs_cache_put(c, "none.example", 1, a, 5000);
		vs_answer_unref(a);
		assert_true(has(c, "none.example", 1, 5000 + cases[i].lives - 1));
		assert_false(has(c, "none.example", 1, 5000 + cases[i].lives));
	}
	dns_begin(&m, 1, 0x8183, "none.example", 1); /* without a SOA record */
	struct vs_answer *a = vs_answer_new(m.bytes, m.n, 1, 0);
	vs_cache_put(c, "none.example", 1, a, 5000);
	vs_answer_unref(a);
	assert_int_equal(vs_cache_count(c), 0);
	vs_cache_delete(c);
}

/* Of an alias and an address, and of several addresses, the smallest TTL counts. */
static void the_smallest_ttl_of_an_answer_counts(void **state)
{
	struct vs_cache *c = vs_cache_new(4);

	(void)state;
	dns_begin(&m, 1, 0x8180, "a.example", 1);
	dns_cname(&m, "a.example", 7, "b.example");
	dns_a(&m, "b.example", 100, 1);
	dns_a(&m, "b.example", 50, 2);
	struct vs_answer *a = vs_answer_new(m.bytes, m.n, 1, 0);
	vs_cache_put(c, "a.example", 1, a, 100);
	vs_answer_unref(a);
	assert_true(has(c, "a.example", 1, 106));
	assert_false(has(c, "a.example", 1, 107));
	vs_cache_delete(c);
}

static void the_one_that_was_not_used_for_the_longest_time_goes(void **state)
{
	struct vs_cache *c = vs_cache_new(3);

	(void)state;
	put(c, "a", 1, 10, 0);
	put(c, "b", 1, 10, 0);
	put(c, "c", 1, 10, 0);
	assert_true(has(c, "a", 1, 1));
	put(c, "d", 1, 10, 1);
	assert_int_equal(vs_cache_count(c), 3);
	assert_false(has(c, "b", 1, 1));
	assert_true(has(c, "a", 1, 1));
	assert_true(has(c, "c", 1, 1));
	assert_true(has(c, "d", 1, 1));
	vs_cache_delete(c);
}

static void a_new_answer_takes_the_place_of_an_old_one(void **state)
{
	struct vs_cache *c = vs_cache_new(3);

	(void)state;
	put(c, "a", 1, 10, 0);
	put(c, "a", 1, 10, 5);
	assert_int_equal(vs_cache_count(c), 1);
	assert_true(has(c, "a", 1, 14));
	vs_cache_clear(c);
	assert_int_equal(vs_cache_count(c), 0);
	assert_false(has(c, "a", 1, 6));
	vs_cache_delete(c);
}

static void ten_thousand_names_do_not_grow_it(void **state)
{
	struct vs_cache *c = vs_cache_new(64);
	char name[32];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		put(c, name, 1, 100, i / 100);
		assert_true(vs_cache_count(c) <= 64);
	}
	for (int i = 10000 - 64; i < 10000; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		assert_true(has(c, name, 1, 100));
	}
	vs_cache_delete(c);
}

static void large_answers_are_not_kept(void **state)
{
	struct vs_cache *c = vs_cache_new(4);

	(void)state;
	dns_begin(&m, 1, 0x8180, "a.example", 1);
	for (int i = 0; i < 300; i++)
		dns_a(&m, "a.example", 60, 0x0a000000u + (unsigned)i);
	struct vs_answer *a = vs_answer_new(m.bytes, m.n, 1, 0);
	assert_int_equal(a->face.n, 300);
	assert_int_equal(a->face.records[299].data[3], 299 - 256);
	assert_true(a->face.message_size > VS_CACHE_ANSWER_MAX);
	vs_cache_put(c, "a.example", 1, a, 0);
	assert_int_equal(vs_cache_count(c), 0);
	vs_answer_unref(a);
	vs_cache_delete(c);
}

static void an_answer_outlives_the_cache(void **state)
{
	struct vs_cache *c = vs_cache_new(4);

	(void)state;
	put(c, "a", 1, 10, 0);
	struct vs_answer *a = vs_cache_get(c, "a", 1, 0, NULL);
	vs_cache_delete(c);
	assert_string_equal(a->face.name, "a.example");
	vs_answer_unref(a);
}

static void an_aged_answer_has_smaller_ttls(void **state)
{
	(void)state;
	struct vs_answer *a = answer(100, 1),
			 *b = vs_answer_new(a->face.message, a->face.message_size, 1, 30);
	assert_int_equal(b->face.ttl_s, 70);
	assert_int_equal(b->face.records[0].ttl_s, 70);
	vs_answer_unref(a);
	vs_answer_unref(b);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_answer_lives_as_long_as_its_ttl),
	cmocka_unit_test(a_negative_answer_lives_as_its_soa_says),
	cmocka_unit_test(the_smallest_ttl_of_an_answer_counts),
	cmocka_unit_test(the_one_that_was_not_used_for_the_longest_time_goes),
	cmocka_unit_test(a_new_answer_takes_the_place_of_an_old_one),
	cmocka_unit_test(ten_thousand_names_do_not_grow_it),
	cmocka_unit_test(large_answers_are_not_kept),
	cmocka_unit_test(an_answer_outlives_the_cache),
	cmocka_unit_test(an_aged_answer_has_smaller_ttls),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
