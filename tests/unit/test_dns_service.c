/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SRV and TXT records as a hostile server could write them. */

#include "unit.h"

#include <errno.h>
#include <netdb.h>

#include <vdestack/dns.h>

#define QUESTION 12 /* where the name "a.b" stands in each message */

/* An answer with one record, whose data is copied behind the question. */
struct made {
	unsigned char message[2048];
	struct vdestack_dns_record record;
	struct vdestack_dns_answer answer;
};

static void make(struct made *m, const void *data, size_t n)
{
	static const unsigned char name[] = { 1, 'a', 1, 'b', 0, 0, 33, 0, 1 };

	memset(m, 0, sizeof(*m));
	memcpy(m->message + QUESTION, name, sizeof(name));
	unsigned char *at = m->message + QUESTION + sizeof(name);
	memcpy(at, data, n);
	m->record = (struct vdestack_dns_record){ .data = at, .size = n, .ttl_s = 7 };
	m->answer = (struct vdestack_dns_answer){
		.name = "a.b",
		.message = m->message,
		.message_size = QUESTION + sizeof(name) + n,
		.n = 1,
		.records = &m->record,
	};
}

#define BYTES(...) ((const unsigned char[]){ __VA_ARGS__ })
#define MAKE(m, ...) make(m, BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)))

static void expect_srv(const struct made *m, int code)
{
	struct vdestack_dns_srv *list = NULL;

	assert_int_equal(vdestack_dns_read_srv(&m->answer, &list), code);
	assert_true((list != NULL) == (code == 0));
	vdestack_dns_free_srv(list);
}

static void expect_txt(const struct made *m, int code)
{
	struct vdestack_dns_txt *list = NULL;

	assert_int_equal(vdestack_dns_read_txt(&m->answer, &list), code);
	assert_true((list != NULL) == (code == 0));
	vdestack_dns_free_txt(list);
}

static void a_place_has_target_port_priority_and_weight(void **state)
{
	struct vdestack_dns_srv *list;
	struct made m;

	(void)state;
	MAKE(&m, 0x01, 0x02, 0x03, 0x04, 0xff, 0xfe, 3, 'w', 'w', 'w', 0xc0, QUESTION); /* compressed */
	assert_int_equal(vdestack_dns_read_srv(&m.answer, &list), 0);
	assert_string_equal(list->target, "www.a.b");
	assert_int_equal(list->priority, 0x0102);
	assert_int_equal(list->weight, 0x0304);
	assert_int_equal(list->port, 0xfffe);
	assert_int_equal(list->ttl_s, 7);
	assert_null(list->next);
	vdestack_dns_free_srv(list);
}

static void a_lone_root_says_that_there_is_no_such_service(void **state)
{
	struct made m;

	(void)state;
	MAKE(&m, 0, 0, 0, 0, 0, 0, 0);
	expect_srv(&m, EAI_SERVICE);
	/* Beside another place it is a place. */
	struct vdestack_dns_record two[] = { m.record, m.record };
	m.answer.records = two;
	m.answer.n = 2;
	expect_srv(&m, 0);
}

static void malformed_places_are_refused(void **state)
{
	struct made m;

	(void)state;
	MAKE(&m, 0);
	expect_srv(&m, EAI_FAIL);
	MAKE(&m, 0, 0, 0, 0, 0, 0); /* no target */
	expect_srv(&m, EAI_FAIL);
	MAKE(&m, 0, 0, 0, 0, 0, 0, 3, 'w', 'w'); /* the target goes on behind the message */
	expect_srv(&m, EAI_FAIL);
	MAKE(&m, 0, 0, 0, 0, 0, 0, 1, 'w'); /* it does not end */
	expect_srv(&m, EAI_FAIL);
	MAKE(&m, 0, 0, 0, 0, 0, 0, 1, 'w', 0, 0); /* bytes follow it */
	expect_srv(&m, EAI_FAIL);
	MAKE(&m, 0, 0, 0, 0, 0, 0, 0xc0, QUESTION + 9 + 6); /* it points to itself */
	expect_srv(&m, EAI_FAIL);
	MAKE(&m, 0, 0, 0, 0, 0, 0, 0xff, 0xff); /* behind the message */
	expect_srv(&m, EAI_FAIL);
	MAKE(&m, 0, 0, 0, 0, 0, 0, 1, 'w', 0);
	m.record.size--; /* the name ends behind the record */
	expect_srv(&m, EAI_FAIL);
}

static void one_malformed_record_refuses_all(void **state)
{
	struct made m;

	(void)state;
	MAKE(&m, 0, 0, 0, 0, 0, 0, 1, 'w', 0);
	struct vdestack_dns_record records[] = { m.record, m.record };
	records[1].size = 3;
	m.answer.records = records;
	m.answer.n = 2;
	expect_srv(&m, EAI_FAIL);
}

static void strings_of_a_text_are_apart_and_joined(void **state)
{
	struct vdestack_dns_txt *list;
	struct made m;

	(void)state;
	MAKE(&m, 2, 'h', 'i', 0, 3, 'a', 0, 'b');
	assert_int_equal(vdestack_dns_read_txt(&m.answer, &list), 0);
	assert_int_equal(list->n, 3);
	assert_string_equal(list->strings[0].text, "hi");
	assert_int_equal(list->strings[1].size, 0);
	assert_string_equal(list->strings[1].text, "");
	assert_int_equal(list->strings[2].size, 3);
	assert_memory_equal(list->strings[2].text, "a\0b", 4);
	assert_int_equal(list->size, 5);
	assert_memory_equal(list->text, "hia\0b", 6);
	assert_int_equal(list->ttl_s, 7);
	vdestack_dns_free_txt(list);
}

static void malformed_texts_are_refused(void **state)
{
	struct made m;

	(void)state;
	MAKE(&m, 3, 'a', 'b'); /* the string goes on behind the record */
	expect_txt(&m, EAI_FAIL);
	MAKE(&m, 1, 'a', 255);
	expect_txt(&m, EAI_FAIL);
	MAKE(&m, 0);
	expect_txt(&m, 0);
	m.record.size = 0; /* no string at all */
	expect_txt(&m, EAI_FAIL);
}

static void the_longest_text_is_read(void **state)
{
	unsigned char data[1536];
	struct vdestack_dns_txt *list;
	struct made m;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i % 256 == 0 ? 255 : (unsigned char)i;
	make(&m, data, sizeof(data));
	assert_int_equal(vdestack_dns_read_txt(&m.answer, &list), 0);
	assert_int_equal(list->n, 6);
	assert_int_equal(list->size, 6 * 255);
	assert_memory_equal(list->strings[5].text, data + 5 * 256 + 1, 255);
	assert_memory_equal(list->text + 5 * 255, data + 5 * 256 + 1, 255);
	vdestack_dns_free_txt(list);
}

static void null_is_refused(void **state)
{
	struct vdestack_dns_srv *srv;
	struct vdestack_dns_txt *txt;

	(void)state;
	assert_int_equal(vdestack_dns_read_srv(NULL, &srv), EAI_SYSTEM);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(vdestack_dns_read_txt(NULL, &txt), EAI_SYSTEM);
	vdestack_dns_free_srv(NULL);
	vdestack_dns_free_txt(NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_place_has_target_port_priority_and_weight),
	cmocka_unit_test(a_lone_root_says_that_there_is_no_such_service),
	cmocka_unit_test(malformed_places_are_refused),
	cmocka_unit_test(one_malformed_record_refuses_all),
	cmocka_unit_test(strings_of_a_text_are_apart_and_joined),
	cmocka_unit_test(malformed_texts_are_refused),
	cmocka_unit_test(the_longest_text_is_read),
	cmocka_unit_test(null_is_refused),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
