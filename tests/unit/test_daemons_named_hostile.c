/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* iothnamed: messages that have records twice which may be there once. */

#include "unit.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <dns_message.h>

#include "base/cleanup.h"
#include "daemons/iothnamed/reply.h"

#define OPT 41
#define TSIG 250
#define CLASS_ANY 255
#define ROUNDS 200

static struct dns_message m;

/* A TSIG record of RFC 8945 without a name of an algorithm, and with nothing in its other fields. */
static void put_tsig(void)
{
	static const uint8_t data[17] = { 0 };

	dns_record(&m, 3, "", TSIG, 0, data, sizeof(data));
	m.bytes[m.n - sizeof(data) - 7] = CLASS_ANY;
}

static void put_opt(void)
{
	dns_record(&m, 3, "", OPT, 0, "\0\77\0\4abcd", 8);
}

static void begin(unsigned flags, unsigned opts, unsigned tsigs)
{
	dns_begin(&m, 0x1234, flags, "a.example", 1);
	for (unsigned i = 0; i < opts; i++)
		put_opt();
	for (unsigned i = 0; i < tsigs; i++)
		put_tsig();
}

static enum nm_heard heard(void)
{
	struct nm_request r;

	return nm_request_read(&r, m.bytes, m.n);
}

static enum nm_verdict verdict(void)
{
	struct nm_asked asked = { .id = 0x1234, .type = 1, .edns = true };
	struct nm_answer a = { .rcode = 0 };
	uint32_t ttl;

	assert_true(nm_name_read(&asked.name, "a.example"));
	enum nm_verdict v = nm_reply_read(&asked, m.bytes, m.n, &a, &ttl);
	nm_answer_clear(&a);
	return v;
}

/* RFC 6891 section 6.1.1 for OPT, RFC 8945 section 5.1 for TSIG. */
static void records_that_may_be_there_once_are_not_taken_twice(void **state)
{
	(void)state;
	begin(0x0100, 1, 0);
	assert_int_equal(heard(), NM_HEARD_QUESTION);
	begin(0x0100, 1, 1);
	assert_int_equal(heard(), NM_HEARD_QUESTION);
	begin(0x0100, 2, 0);
	assert_int_equal(heard(), NM_HEARD_FORMERR);
	begin(0x0100, 0, 2);
	assert_int_equal(heard(), NM_HEARD_FORMERR);
	begin(0x8180, 1, 1);
	assert_int_equal(verdict(), NM_REPLY_GOOD);
	begin(0x8180, 2, 0);
	assert_int_equal(verdict(), NM_REPLY_USELESS);
	begin(0x8180, 0, 2);
	assert_int_equal(verdict(), NM_REPLY_USELESS);
}

/* ldns frees only the last one of several. So any client could make the server grow. */
static void nothing_is_lost_with_records_that_come_twice(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		size_t before = 0;
		for (int i = 0; i < ROUNDS; i++) {
			begin(kind < 2 ? 0x0100 : 0x8180, kind % 2 == 0 ? 4 : 0, kind % 2 == 1 ? 4 : 0);
			(void)(kind < 2 ? (int)heard() : (int)verdict());
			if (i == ROUNDS / 2)
				before = mallinfo2().uordblks;
		}
		assert_true(mallinfo2().uordblks < before + 1000);
	}
}

/* The OPT record of an answer to a request with these flags of OPT and options. Returns the flags. */
static unsigned answered_flags(unsigned version_and_flags, const char *options, size_t n)
{
	struct nm_answer a = { .ra = true };
	struct nm_request r;
	uint8_t *bytes;
	size_t size;

	dns_begin(&m, 1, 0x0100, "a.example", 1);
	dns_record(&m, 3, "", OPT, version_and_flags, options, n);
	enum nm_heard h = nm_request_read(&r, m.bytes, m.n);
	assert_int_equal(h, version_and_flags >> 16 != 0 ? NM_HEARD_BADVERS : NM_HEARD_QUESTION);
	a.rcode = h == NM_HEARD_BADVERS ? 16 : 0;
	assert_int_equal(nm_answer_write(&a, &r, false, &bytes, &size), 0);
	assert_int_equal(bytes[size - 2] << 8 | bytes[size - 1], 0); /* no options */
	unsigned flags = (unsigned)bytes[size - 4] << 8 | bytes[size - 3];
	free(bytes);
	return flags;
}

/* RFC 3225 section 3; a cookie that has not been looked at is not sent back. */
static void the_bit_do_is_copied_and_unknown_cookies_are_not(void **state)
{
	(void)state;
	assert_int_equal(answered_flags(0x8000, "", 0), 0x8000);
	assert_int_equal(answered_flags(0, "", 0), 0);
	assert_int_equal(answered_flags(0x18000, "\0\12\0\10abcdefgh", 12), 0x8000);
}

/* RFC 2181 section 8. */
static void a_ttl_that_is_negative_is_none(void **state)
{
	struct nm_asked asked = { .id = 0x1234, .type = 1, .edns = true };
	struct nm_answer a;
	uint32_t ttl;

	(void)state;
	assert_true(nm_name_read(&asked.name, "a.example"));
	begin(0x8180, 0, 0);
	dns_a(&m, "a.example", 0x80000001, 1);
	assert_int_equal(nm_reply_read(&asked, m.bytes, m.n, &a, &ttl), NM_REPLY_GOOD);
	assert_int_equal(ldns_rr_ttl(ldns_rr_list_rr(a.answer, 0)), 0);
	assert_int_equal(ttl, 0);
	nm_answer_clear(&a);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_bit_do_is_copied_and_unknown_cookies_are_not),
	cmocka_unit_test(a_ttl_that_is_negative_is_none),
	cmocka_unit_test(records_that_may_be_there_once_are_not_taken_twice),
	cmocka_unit_test(nothing_is_lost_with_records_that_come_twice),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
