/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When libiothradvd sends: intervals, delays, limits, on a clock of the test. */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "ioth/radv/pace.h"
#include "unit.h"

#define START 1000000
#define LEAST 0u
#define MOST UINT32_MAX

static struct radv_pace pace;
static struct radv_host host;

static struct radv_host from(const char *text)
{
	struct radv_host h = { .mac = { 2 } };

	assert_int_equal(inet_pton(AF_INET6, text, &h.addr), 1);
	return h;
}

static void begin(unsigned min_s, unsigned max_s)
{
	memset(&pace, 0, sizeof(pace));
	radv_pace_begin(&pace, min_s, max_s, START);
}

/* At this time one to all is due, and is sent. */
static void sends_to_all(int64_t at, uint32_t chance)
{
	assert_int_equal(radv_pace_next(&pace), at);
	assert_int_equal(radv_pace_due(&pace, at - 1, &host), RADV_NOTHING);
	assert_int_equal(radv_pace_due(&pace, at, &host), RADV_TO_ALL);
	radv_pace_sent(&pace, true, at, chance);
	assert_int_equal(radv_pace_due(&pace, at, &host), RADV_NOTHING);
}

static void sends_to_one(int64_t at, const char *text)
{
	struct radv_host right = from(text);

	assert_int_equal(radv_pace_next(&pace), at);
	assert_int_equal(radv_pace_due(&pace, at, &host), RADV_TO_ONE);
	assert_memory_equal(&host, &right, sizeof(host));
}

static void the_first_three_are_16_s_apart_at_most(void **state)
{
	(void)state;
	begin(0, 600);
	sends_to_all(START, MOST);
	sends_to_all(START + 16000, LEAST);
	sends_to_all(START + 32000, MOST);
	sends_to_all(START + 632000, LEAST);
	sends_to_all(START + 832000, LEAST);
}

static void intervals_are_between_the_two(void **state)
{
	static const struct {
		unsigned min_s, max_s;
		int64_t least, most;
	} table[] = { { 0, 600, 200000, 600000 }, { 0, 8, 6000, 8000 },        { 0, 9, 3000, 9000 },
		      { 4, 10, 4000, 10000 },     { 0, 1, 3000, 3000 },        { 0, 2, 3000, 3000 },
		      { 0, 4, 3000, 4000 },       { 3, 65535, 3000, 65535000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		begin(table[i].min_s, table[i].max_s);
		pace.first_ones = 0;
		sends_to_all(START, LEAST);
		sends_to_all(START + table[i].least, MOST);
		assert_int_equal(radv_pace_next(&pace), START + table[i].least + table[i].most);
	}
}

static void a_server_without_period_only_answers(void **state)
{
	(void)state;
	begin(0, 0);
	assert_true(radv_pace_next(&pace) == RADV_NEVER);
	host = from("fe80::1");
	radv_pace_solicited(&pace, &host, START, LEAST);
	sends_to_one(START, "fe80::1");
	host = from("::");
	radv_pace_solicited(&pace, &host, START + 10, MOST);
	sends_to_all(START + 510, MOST);
	assert_true(radv_pace_next(&pace) == RADV_NEVER);
}

static void a_host_is_answered_once_within_half_a_second(void **state)
{
	(void)state;
	begin(0, 600);
	sends_to_all(START, MOST);
	for (int i = 0; i < 10; i++) {
		host = from("fe80::1");
		radv_pace_solicited(&pace, &host, START + 4000 + i, MOST);
	}
	host = from("fe80::2");
	radv_pace_solicited(&pace, &host, START + 4005, LEAST);
	sends_to_one(START + 4005, "fe80::2");
	sends_to_one(START + 4500, "fe80::1");
	assert_int_equal(radv_pace_next(&pace), START + 16000);
}

static void hosts_that_cannot_be_sent_to_are_answered_to_all(void **state)
{
	static const char *const table[] = { "::", "2001:db8::1", "fd00::1" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		begin(0, 600);
		sends_to_all(START, MOST);
		host = from(table[i]);
		radv_pace_solicited(&pace, &host, START + 5000, MOST);
		sends_to_all(START + 5500, MOST);
	}
}

static void answers_to_all_are_3_s_apart(void **state)
{
	int64_t now = START, before = 0;
	unsigned sent = 0;

	(void)state;
	begin(0, 600);
	for (; now < START + 60000; now++) {
		host = from("::");
		radv_pace_solicited(&pace, &host, now, (uint32_t)now * 2654435761u);
		if (radv_pace_due(&pace, now, &host) != RADV_TO_ALL)
			continue;
		assert_true(now - before >= 3000);
		before = now;
		sent++;
		radv_pace_sent(&pace, true, now, MOST);
	}
	assert_in_range(sent, 17, 20);
}

/* Each from another address. */
static void a_flood_causes_a_bounded_number_of_answers(void **state)
{
	unsigned to_one = 0, to_all = 0;

	(void)state;
	begin(0, 600);
	host = from("fe80::1");
	for (int64_t now = START; now < START + 10000; now++) {
		host.addr.s6_addr32[3] = (uint32_t)now;
		radv_pace_solicited(&pace, &host, now, (uint32_t)now * 2654435761u);
		struct radv_host to;
		enum radv_due due;
		while ((due = radv_pace_due(&pace, now, &to)) != RADV_NOTHING) {
			to_one += due == RADV_TO_ONE;
			to_all += due == RADV_TO_ALL;
			if (due == RADV_TO_ALL)
				radv_pace_sent(&pace, true, now, MOST);
		}
	}
	assert_in_range(to_one, 10, 25 + 50);
	assert_in_range(to_all, 3, 4);
}

static void one_that_could_not_be_sent_is_tried_again(void **state)
{
	(void)state;
	begin(0, 600);
	assert_int_equal(radv_pace_due(&pace, START, &host), RADV_TO_ALL);
	radv_pace_sent(&pace, false, START, MOST);
	assert_int_equal(radv_pace_due(&pace, START, &host), RADV_NOTHING);
	sends_to_all(START + 500, MOST);
	sends_to_all(START + 16500, MOST); /* it was the first one */
}

static void new_settings_are_advertised_like_at_the_start(void **state)
{
	(void)state;
	begin(0, 600);
	sends_to_all(START, MOST);
	radv_pace_begin(&pace, 0, 300, START + 1000);
	sends_to_all(START + 3000, MOST); /* 3 s after the last one */
	sends_to_all(START + 19000, MOST);
	sends_to_all(START + 35000, MOST);
	sends_to_all(START + 335000, MOST);
	radv_pace_begin(&pace, 0, 0, START + 400000); /* only answers, but this is news */
	sends_to_all(START + 400000, MOST);
	assert_true(radv_pace_next(&pace) == RADV_NEVER);
}

static void a_lost_network_is_opened_again_by_one_to_all(void **state)
{
	(void)state;
	begin(0, 0);
	radv_pace_lost(&pace, START);
	radv_pace_lost(&pace, START + 100);
	assert_int_equal(radv_pace_due(&pace, START + 500, &host), RADV_TO_ALL);
	radv_pace_sent(&pace, false, START + 500, MOST);
	sends_to_all(START + 1000, MOST);
	assert_true(radv_pace_next(&pace) == RADV_NEVER);
}

static void one_to_all_answers_those_that_wait(void **state)
{
	(void)state;
	begin(0, 600);
	sends_to_all(START, MOST);
	host = from("fe80::1");
	radv_pace_solicited(&pace, &host, START + 15900, MOST);
	sends_to_all(START + 16000, MOST);
	assert_int_equal(radv_pace_next(&pace), START + 32000);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_first_three_are_16_s_apart_at_most),
	cmocka_unit_test(intervals_are_between_the_two),
	cmocka_unit_test(a_server_without_period_only_answers),
	cmocka_unit_test(a_host_is_answered_once_within_half_a_second),
	cmocka_unit_test(hosts_that_cannot_be_sent_to_are_answered_to_all),
	cmocka_unit_test(answers_to_all_are_3_s_apart),
	cmocka_unit_test(a_flood_causes_a_bounded_number_of_answers),
	cmocka_unit_test(one_that_could_not_be_sent_is_tried_again),
	cmocka_unit_test(new_settings_are_advertised_like_at_the_start),
	cmocka_unit_test(a_lost_network_is_opened_again_by_one_to_all),
	cmocka_unit_test(one_to_all_answers_those_that_wait),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
