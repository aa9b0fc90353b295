/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* iothnamed: what is read and written without ldns is the same as with it. */

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemons/iothnamed/plain.h"

#define HEAD "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00"
#define NAME "\4Host\3lab\4test"
#define QUESTION NAME "\0\0\x1c\0\1"
#define OPT "\0\0\x29\x04\xd0\0\0\0\0"

/* Bytes behind the end are ignored by ldns, and are not plain: so both ways read the same. */
static bool read_both(const void *bytes, size_t n, struct nm_request *r, enum nm_heard *heard)
{
	uint8_t longer[600];
	struct nm_request by_ldns, scratch;
	struct nm_opt opt;

	assert_true(n < sizeof(longer));
	memcpy(longer, bytes, n);
	longer[n] = 0;
	*heard = nm_request_read(r, bytes, n);
	assert_int_equal(nm_request_read(&by_ldns, longer, n + 1), *heard);
	assert_memory_equal(r, &by_ldns, sizeof(by_ldns));
	assert_false(nm_plain_read(&scratch, &opt, longer, n + 1));
	return nm_plain_read(&scratch, &opt, bytes, n);
}

static void usual_requests_are_read_as_by_ldns(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool plain;
		enum nm_heard heard;
		unsigned udp_size, cookie_n;
	} rows[] = {
#define ROW(bytes, ...) { bytes, sizeof(bytes) - 1, __VA_ARGS__ }
		ROW(HEAD "\0" QUESTION, true, NM_HEARD_QUESTION, 512, 0),
		ROW(HEAD "\0\0\0\2\0\1", true, NM_HEARD_QUESTION, 512, 0), /* the root */
		ROW(HEAD "\1" QUESTION OPT "\0\0", true, NM_HEARD_QUESTION, 1232, 0),
		ROW(HEAD "\1" QUESTION OPT "\0\x0c\0\x0a\0\x08"
			 "12345678",
		    true, NM_HEARD_QUESTION, 1232, 8),
		ROW(HEAD "\1" QUESTION OPT "\0\x0a\0\x0a\0\x06"
			 "123456",
		    true, NM_HEARD_FORMERR, 1232, 0),
		ROW(HEAD "\1" QUESTION "\0\0\x29\x01\0\0\0\x80\0\0\0", true, NM_HEARD_QUESTION, 512, 0),
		ROW(HEAD "\1" QUESTION "\0\0\x29\xff\xff\0\0\x80\0\0\0", true, NM_HEARD_QUESTION, 1232, 0),
		ROW(HEAD "\1" QUESTION "\0\0\x29\x04\xd0\0\1\0\0\0\0", true, NM_HEARD_BADVERS, 1232, 0),
		ROW(HEAD "\1" QUESTION "\0\0\x29\0\0\0\0\0\0\0\0", true, NM_HEARD_QUESTION, 512, 0),
		ROW(HEAD "\1" QUESTION "\0\0\x29\0\0\1\0\0\0\0\0", true, NM_HEARD_QUESTION, 512, 0),
		ROW(HEAD "\1" QUESTION "\0\0\x29\0\0\0\0\x7f\xff\0\0", true, NM_HEARD_QUESTION, 512, 0),
		ROW(HEAD "\1"
			 "\0\0\2\0\1" OPT "\0\0",
		    true, NM_HEARD_QUESTION, 1232, 0),
		ROW(HEAD "\1" QUESTION NAME "\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4", false, NM_HEARD_QUESTION, 512,
		    0),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_request r;
		enum nm_heard heard;
		assert_int_equal(read_both(rows[i].bytes, rows[i].n, &r, &heard), rows[i].plain);
		assert_int_equal(heard, rows[i].heard);
		assert_int_equal(r.udp_size, rows[i].udp_size);
		assert_int_equal(r.cookie_n, rows[i].cookie_n);
	}
}

/* The longest name, and one with a byte more. */
static void long_names_are_read_as_by_ldns(void **state)
{
	uint8_t bytes[NM_HEADER + NM_NAME_MAX + 1 + 4] = HEAD;
	struct nm_request r;
	struct nm_opt opt;
	enum nm_heard heard;

	(void)state;
	for (unsigned last = 61; last <= 62; last++) { /* 3 * 64 + 1 + last + 1 */
		size_t at = NM_HEADER;
		for (unsigned i = 0; i < 4; i++) {
			bytes[at] = (uint8_t)(i < 3 ? 63 : last);
			memset(bytes + at + 1, 'a', bytes[at]);
			at += 1u + bytes[at];
		}
		const uint8_t end[] = { 0, 0, 1, 0, 1 };
		memcpy(bytes + at, end, sizeof(end));
		at += sizeof(end);
		if (last == 61) {
			assert_true(read_both(bytes, at, &r, &heard));
			assert_int_equal(r.name.n, NM_NAME_MAX);
			assert_int_equal(heard, NM_HEARD_QUESTION);
		} else {
			assert_false(nm_plain_read(&r, &opt, bytes, at));
			assert_int_equal(nm_request_read(&r, bytes, at), NM_HEARD_FORMERR);
		}
	}
}

/* Each beginning of a request, and each with a byte changed. */
static void no_broken_request_is_plain_and_wrong(void **state)
{
	static const char whole[] = HEAD "\1" QUESTION OPT "\0\x0c\0\x0a\0\x08"
					 "12345678";
	const size_t n = sizeof(whole) - 1;
	struct nm_request r;
	struct nm_opt opt;
	char changed[sizeof(whole)];
	enum nm_heard heard;

	(void)state;
	for (size_t i = NM_HEADER; i < n; i++)
		assert_false(nm_plain_read(&r, &opt, (const uint8_t *)whole, i));
	for (size_t i = NM_HEADER; i < n; i++)
		for (unsigned c = 1; c < 256; c++) {
			memcpy(changed, whole, n);
			changed[i] = (char)(whole[i] ^ (int)c);
			if (nm_plain_read(&r, &opt, (const uint8_t *)changed, n))
				(void)read_both(changed, n, &r, &heard);
		}
}

/* ------------------------------------------------------------------ answers */

static struct nm_request request(const char *name, uint16_t type)
{
	struct nm_request r = { .id = 0x1234, .type = type, .class = 1, .rd = true, .has_question = true };

	r.udp_size = NM_UDP_MIN;
	assert_true(nm_name_read(&r.name, name));
	return r;
}

static void add(struct nm_answer *a, const char *text)
{
	ldns_rr *rr = NULL;

	assert_int_equal(ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL), LDNS_STATUS_OK);
	assert_int_equal(nm_answer_add(a, rr), 0);
}

/* Whether it is plain; then it is the same as by ldns. */
static bool write_both(const struct nm_answer *a, const struct nm_request *r)
{
	VS_AUTO_FREE uint8_t *by_ldns = NULL;
	uint8_t plain[NM_UDP_MAX];
	size_t n, n_plain = nm_plain_write(a, r, plain, sizeof(plain));

	assert_int_equal(nm_answer_write(a, r, r->tcp, &by_ldns, &n), 0);
	if (n_plain == 0)
		return false;
	assert_int_equal(n_plain, n);
	assert_memory_equal(plain, by_ldns, n);
	return true;
}

/* The flags of an answer, and what the request says of EDNS and cookies, in all combinations. */
static void write_all_flags(struct nm_answer *a, struct nm_request *r)
{
	for (unsigned flags = 0; flags < 128; flags++) {
		a->aa = (flags & 1) != 0;
		a->ra = (flags & 2) != 0;
		r->rd = (flags & 4) != 0;
		r->cd = (flags & 8) != 0;
		r->edns = (flags & 16) != 0;
		r->tcp = (flags & 32) != 0;
		r->cookie_n = (flags & 64) != 0 ? 24 : 0;
		memset(r->cookie, 0xc0, sizeof(r->cookie));
		assert_true(write_both(a, r));
	}
}

static void usual_answers_are_written_as_by_ldns(void **state)
{
	static const char *const records[] = { "host.lab.test. 600 IN AAAA fd00::1",
					       "HOST.lab.test. 2147483647 IN A 10.0.0.1",
					       "host.lab.test. 0 IN TXT \"one\" \"two, and more\" \"\"",
					       "host.lab.test. 5 IN HINFO \"RFC8482\" \"\"" };

	(void)state;
	for (size_t n = 0; n <= sizeof(records) / sizeof(records[0]); n++) {
		struct nm_request r = request("Host.lab.TEST", 255);
		struct nm_answer a = { .rcode = LDNS_RCODE_NOERROR };
		for (size_t i = 0; i < n; i++)
			add(&a, records[i]);
		write_all_flags(&a, &r);
		nm_answer_clear(&a);
	}
}

static void errors_are_written_as_by_ldns(void **state)
{
	static const int rcodes[] = { LDNS_RCODE_FORMERR, LDNS_RCODE_SERVFAIL, LDNS_RCODE_NXDOMAIN,
				      LDNS_RCODE_REFUSED, 16 };

	(void)state;
	for (size_t i = 0; i < sizeof(rcodes) / sizeof(rcodes[0]); i++) {
		struct nm_request r = request("a.test", 1);
		struct nm_answer a = { .rcode = rcodes[i] };
		write_all_flags(&a, &r);
	}
}

static void records_with_other_names_are_left_to_ldns(void **state)
{
	static const char *const records[] = { "b.test. 600 IN A 10.0.0.1", "a.test. 600 IN CNAME b.test.",
					       "test. 600 IN A 10.0.0.1", "a.test. 600 IN MX 5 a.test." };

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct nm_request r = request("a.test", 1);
		struct nm_answer a = { .ra = true };
		add(&a, records[i]);
		assert_false(write_both(&a, &r));
		nm_answer_clear(&a);
	}
	struct nm_request root = request(".", 2);
	struct nm_answer none = { .ra = true };
	assert_false(write_both(&none, &root));
	root.has_question = false;
	assert_false(write_both(&none, &root));
}

static void an_answer_that_is_too_long_is_left_to_ldns(void **state)
{
	struct nm_request r = request("a.test", 28);
	struct nm_answer a = { .ra = true };

	(void)state;
	while (a.answer == NULL || ldns_rr_list_rr_count(a.answer) < 17) /* 500 bytes with 17 of 28 */
		add(&a, "a.test. 600 IN AAAA fd00::1");
	assert_true(write_both(&a, &r));
	add(&a, "a.test. 600 IN AAAA fd00::1");
	assert_false(write_both(&a, &r));
	r.tcp = true;
	assert_true(write_both(&a, &r));
	while (ldns_rr_list_rr_count(a.answer) < 44)
		add(&a, "a.test. 600 IN AAAA fd00::1");
	assert_false(write_both(&a, &r)); /* longer than the room, by TCP too */
	nm_answer_clear(&a);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(usual_requests_are_read_as_by_ldns),
	cmocka_unit_test(long_names_are_read_as_by_ldns),
	cmocka_unit_test(no_broken_request_is_plain_and_wrong),
	cmocka_unit_test(usual_answers_are_written_as_by_ldns),
	cmocka_unit_test(errors_are_written_as_by_ldns),
	cmocka_unit_test(records_with_other_names_are_left_to_ldns),
	cmocka_unit_test(an_answer_that_is_too_long_is_left_to_ldns),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
