/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* iothnamed: what is taken of replies, what is kept of it, and for how long. */

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dns_message.h>

#include "base/cleanup.h"
#include "daemons/iothnamed/cache.h"
#include "daemons/iothnamed/reply.h"

static struct nm_name named(const char *text)
{
	struct nm_name name;

	assert_true(nm_name_read(&name, text));
	return name;
}

/* ------------------------------------------------------------------ the cache */

static struct nm_answer answer(const char *text)
{
	struct nm_answer a = { .ra = true };
	ldns_rr *rr = NULL;

	assert_int_equal(ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL), LDNS_STATUS_OK);
	assert_int_equal(nm_answer_add(&a, rr), 0);
	return a;
}

static void put(struct nm_cache *cache, int64_t now_ms, const char *name, uint32_t ttl_s)
{
	struct nm_answer a = answer("a.test. 100 IN A 10.0.0.1");
	struct nm_name n = named(name);

	nm_cache_put(cache, now_ms, &n, 1, &a, ttl_s);
	nm_answer_clear(&a);
}

/* The TTL that is left; -1: there is none. */
static long ttl_of(struct nm_cache *cache, int64_t now_ms, const char *name, uint16_t type)
{
	struct nm_name n = named(name);
	struct nm_answer a;

	if (!nm_cache_get(cache, now_ms, &n, type, &a))
		return -1;
	long ttl = (long)ldns_rr_ttl(ldns_rr_list_rr(a.answer, 0));
	nm_answer_clear(&a);
	return ttl;
}

static void answers_expire(void **state)
{
	struct nm_cache *cache = nm_cache_new(10, 100000);

	(void)state;
	put(cache, 5000, "A.test", 100);
	assert_int_equal(ttl_of(cache, 5000, "a.TEST", 1), 100);
	assert_int_equal(ttl_of(cache, 5000, "a.test", 28), -1);
	assert_int_equal(ttl_of(cache, 65000, "a.test", 1), 40);
	assert_int_equal(ttl_of(cache, 104999, "a.test", 1), 1);
	assert_int_equal(ttl_of(cache, 105000, "a.test", 1), -1);
	assert_int_equal(nm_cache_count(cache), 0);
	put(cache, 0, "old.test", 100);
	struct nm_name old = named("OLD.test"), none = named("none.test");
	assert_false(nm_cache_ages(cache, 90000, &old, 1));
	assert_true(nm_cache_ages(cache, 90001, &old, 1));
	assert_false(nm_cache_ages(cache, 90001, &old, 1)); /* once */
	assert_false(nm_cache_ages(cache, 90001, &none, 1));
	put(cache, 100000, "old.test", 0);
	put(cache, 0, "zero.test", 0);
	assert_int_equal(nm_cache_count(cache), 0);
	put(cache, 0, "again.test", 10);
	put(cache, 0, "AGAIN.test", 20);
	assert_int_equal(nm_cache_count(cache), 1);
	nm_cache_free(cache);
	nm_cache_free(NULL);
}

static void the_cache_is_bounded_and_what_is_used_stays(void **state)
{
	struct nm_cache *cache = nm_cache_new(100, 10000000);
	char name[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "n%d.test", i);
		put(cache, i, name, 1000);
		assert_true(nm_cache_count(cache) <= 100);
		if (i > 0)
			assert_true(ttl_of(cache, i, "n0.test", 1) > 0);
	}
	assert_int_equal(nm_cache_count(cache), 100);
	assert_int_equal(ttl_of(cache, 1000, "n900.test", 1), -1);
	assert_int_equal(ttl_of(cache, 1000, "n999.test", 1), 100);
	nm_cache_set(cache, 10, 10000000);
	assert_int_equal(nm_cache_count(cache), 10);
	assert_int_equal(ttl_of(cache, 1000, "n999.test", 1), 100);
	nm_cache_free(cache);
	cache = nm_cache_new(100000, 20000);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "n%d.test", i);
		put(cache, 0, name, 1000);
		assert_true(nm_cache_bytes(cache) <= 20000);
	}
	assert_true(nm_cache_count(cache) > 5);
	nm_cache_free(cache);
	cache = nm_cache_new(0, 0);
	put(cache, 0, "a.test", 1000);
	assert_int_equal(nm_cache_count(cache), 0);
	nm_cache_free(cache);
}

/* ------------------------------------------------------------------ replies */

static struct dns_message m;
static struct nm_asked asked;

static void begin(unsigned flags)
{
	asked = (struct nm_asked){ .id = 0x1234, .type = 1, .edns = true, .name = named("A.example") };
	dns_begin(&m, 0x1234, flags, "a.example", 1);
}

static enum nm_verdict verdict(void)
{
	struct nm_answer a = { .rcode = 0 };
	uint32_t ttl;
	enum nm_verdict v = nm_reply_read(&asked, m.bytes, m.n, &a, &ttl);

	nm_answer_clear(&a);
	return v;
}

static void put_cname(const char *from, const char *to, uint32_t ttl)
{
	struct dns_message name = { .n = 0 };

	dns_put_name(&name, to);
	dns_record(&m, 1, from, 5, ttl, name.bytes, name.n);
}

static void put_soa(const char *zone, uint32_t ttl, uint32_t minimum)
{
	static struct dns_message data;

	data.n = 0;
	dns_put_name(&data, "ns.example");
	dns_put_name(&data, "root.example");
	for (int i = 0; i < 4; i++)
		dns_put32(&data, 1);
	dns_put32(&data, minimum);
	dns_record(&m, 2, zone, 6, ttl, data.bytes, data.n);
}

static void check(size_t n, uint32_t expected_ttl, int rcode)
{
	struct nm_answer a = { .rcode = -1 };
	uint32_t ttl = 77777;

	assert_int_equal(nm_reply_read(&asked, m.bytes, m.n, &a, &ttl), NM_REPLY_GOOD);
	assert_int_equal(a.answer != NULL ? ldns_rr_list_rr_count(a.answer) : 0, n);
	assert_int_equal(ttl, expected_ttl);
	assert_int_equal(a.rcode, rcode);
	nm_answer_clear(&a);
}

static void only_the_reply_to_the_question_is_taken(void **state)
{
	(void)state;
	begin(0x8180);
	dns_a(&m, "a.example", 60, 1);
	check(1, 60, 0);
	m.bytes[1] ^= 1;
	assert_int_equal(verdict(), NM_REPLY_OTHER); /* another identifier */
	begin(0x0180);
	assert_int_equal(verdict(), NM_REPLY_OTHER); /* a question */
	begin(0x8180);
	asked.type = 28;
	assert_int_equal(verdict(), NM_REPLY_OTHER);
	begin(0x8180);
	asked.name = named("b.example");
	assert_int_equal(verdict(), NM_REPLY_OTHER);
	begin(0xa980);
	assert_int_equal(verdict(), NM_REPLY_OTHER); /* another opcode */
	begin(0x8180);
	m.n = 11;
	assert_int_equal(verdict(), NM_REPLY_OTHER);
	begin(0x8180);
	m.bytes[5] = 0;
	assert_int_equal(verdict(), NM_REPLY_OTHER); /* without a question */
}

static void records_that_were_not_asked_for_are_dropped(void **state)
{
	(void)state;
	begin(0x8180);
	dns_a(&m, "bank.example", 60, 6);
	dns_a(&m, "a.example", 30, 1);
	dns_record(&m, 3, "bank.example", 1, 60, "\6\6\6\6", 4);
	dns_record(&m, 2, "example", 2, 60, "\1x\0", 3);
	check(1, 30, 0);
}

static void a_chain_of_cnames_is_taken_in_any_order(void **state)
{
	(void)state;
	begin(0x8180);
	dns_a(&m, "c.example", 50, 1);
	put_cname("b.example", "C.example", 40);
	put_cname("a.example", "b.example", 30);
	put_cname("x.example", "y.example", 10);
	check(3, 30, 0);
	begin(0x8180);
	put_cname("a.example", "b.example", 30);
	put_cname("b.example", "a.example", 30);
	assert_int_equal(verdict(), NM_REPLY_USELESS); /* a circle */
}

static void negative_answers_are_kept_as_their_soa_says(void **state)
{
	(void)state;
	begin(0x8183);
	put_soa("example", 500, 40);
	check(0, 40, 3);
	begin(0x8180);
	put_soa("example", 20, 40);
	check(0, 20, 0);
	begin(0x8183);
	put_soa("other", 500, 40); /* not its zone */
	check(0, 0, 3);
	begin(0x8183);
	check(0, 0, 3);
	begin(0x8180);
	dns_record(&m, 2, "example", 2, 60, "\1x\0", 3);
	assert_int_equal(verdict(), NM_REPLY_USELESS); /* a referral */
}

static void other_replies_lead_to_other_attempts(void **state)
{
	static const struct {
		unsigned flags;
		enum nm_verdict verdict;
	} cases[] = {
		{ 0x8182, NM_REPLY_USELESS }, { 0x8185, NM_REPLY_USELESS },   { 0x8181, NM_REPLY_PLAIN },
		{ 0x8184, NM_REPLY_PLAIN },   { 0x8380, NM_REPLY_TRUNCATED },
	};

	(void)state;
	for (size_t i = 0; i < VS_COUNT(cases); i++) {
		begin(cases[i].flags);
		assert_int_equal(verdict(), cases[i].verdict);
	}
	begin(0x8181);
	asked.edns = false;
	assert_int_equal(verdict(), NM_REPLY_USELESS);
	begin(0x8180);
	m.bytes[7] = 3; /* records that are not there */
	assert_int_equal(verdict(), NM_REPLY_USELESS);
	begin(0x8180);
	dns_a(&m, "a.example", 0x80000000, 1); /* RFC 2181 section 8 */
	check(1, 0, 0);
}

static void a_question_is_written(void **state)
{
	uint8_t *bytes;
	size_t n;

	(void)state;
	begin(0);
	assert_int_equal(nm_asked_write(&asked, &bytes, &n), 0);
	dns_begin(&m, 0x1234, 0x0100, "A.example", 1);
	assert_int_equal(n, m.n + 11);
	m.bytes[11] = 1;
	assert_memory_equal(bytes, m.bytes, m.n);
	free(bytes);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(answers_expire),
	cmocka_unit_test(the_cache_is_bounded_and_what_is_used_stays),
	cmocka_unit_test(only_the_reply_to_the_question_is_taken),
	cmocka_unit_test(records_that_were_not_asked_for_are_dropped),
	cmocka_unit_test(a_chain_of_cnames_is_taken_in_any_order),
	cmocka_unit_test(negative_answers_are_kept_as_their_soa_says),
	cmocka_unit_test(other_replies_lead_to_other_attempts),
	cmocka_unit_test(a_question_is_written),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
