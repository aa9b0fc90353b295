/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order and the times of connection attempts (RFC 8305), by a clock of the test. */

#include "unit.h"

#include <errno.h>

#include "dns/race.h"

#define IP6(i) (i)
#define IP4(i) (VS_RACE_FAMILY_MAX + (i))

static void answer(struct vs_race *race, int64_t now, enum vs_race_family family, size_t n)
{
	union vs_race_addr addrs[VS_RACE_MAX] = { 0 };

	for (size_t i = 0; i < n; i++)
		addrs[i].in.sin_port = (in_port_t)(1 + i);
	vs_race_answer(race, now, family, addrs, n);
}

static void expect_start(struct vs_race *race, int64_t now, unsigned number)
{
	struct vs_race_step step = vs_race_next(race, now);

	assert_int_equal(step.action, VS_RACE_START);
	assert_int_equal(step.number, number);
}

static void expect_wait(struct vs_race *race, int64_t now, int64_t until)
{
	struct vs_race_step step = vs_race_next(race, now);

	assert_int_equal(step.action, VS_RACE_WAIT);
	assert_int_equal(step.until, until);
}

static void expect(struct vs_race *race, int64_t now, enum vs_race_action action)
{
	assert_int_equal(vs_race_next(race, now).action, action);
}

/* Both families are awaited. */
static struct vs_race awaiting(int64_t deadline)
{
	struct vs_race race;

	vs_race_init(&race, true, true, deadline);
	return race;
}

/* n6 and n4 addresses have come at time 0. */
static struct vs_race answered(size_t n6, size_t n4)
{
	struct vs_race race = awaiting(VS_RACE_NEVER);

	answer(&race, 0, VS_RACE_IP6, n6);
	answer(&race, 0, VS_RACE_IP4, n4);
	return race;
}

static void ipv6_addresses_are_tried_as_soon_as_they_come(void **state)
{
	struct vs_race race = awaiting(VS_RACE_NEVER);

	(void)state;
	expect_wait(&race, 0, VS_RACE_NEVER);
	answer(&race, 7, VS_RACE_IP6, 1);
	expect_start(&race, 7, IP6(0));
	expect_wait(&race, 7, VS_RACE_NEVER);
}

static void ipv4_addresses_wait_50_ms_for_those_of_ipv6(void **state)
{
	struct vs_race race = awaiting(VS_RACE_NEVER);

	(void)state;
	answer(&race, 100, VS_RACE_IP4, 1);
	expect_wait(&race, 100, 150);
	expect_wait(&race, 149, 150);
	expect_start(&race, 150, IP4(0));
}

static void ipv6_that_comes_within_the_delay_is_first(void **state)
{
	struct vs_race race = awaiting(VS_RACE_NEVER);

	(void)state;
	answer(&race, 100, VS_RACE_IP4, 1);
	answer(&race, 130, VS_RACE_IP6, 1);
	expect_start(&race, 130, IP6(0));
	expect_wait(&race, 130, 380);
	expect_start(&race, 380, IP4(0));
}

static void no_ipv6_address_ends_the_delay(void **state)
{
	struct vs_race race = awaiting(VS_RACE_NEVER);

	(void)state;
	answer(&race, 100, VS_RACE_IP4, 1);
	answer(&race, 110, VS_RACE_IP6, 0);
	expect_start(&race, 110, IP4(0));
}

static void a_family_that_is_not_asked_is_not_waited_for(void **state)
{
	struct vs_race race;

	(void)state;
	vs_race_init(&race, false, true, VS_RACE_NEVER);
	answer(&race, 5, VS_RACE_IP4, 1);
	expect_start(&race, 5, IP4(0));
}

static void no_ipv4_address_does_not_start_the_delay(void **state)
{
	struct vs_race race = awaiting(VS_RACE_NEVER);

	(void)state;
	answer(&race, 0, VS_RACE_IP4, 0);
	expect_wait(&race, 0, VS_RACE_NEVER);
	answer(&race, 900, VS_RACE_IP6, 1);
	expect_start(&race, 900, IP6(0));
}

static void families_take_turns_every_250_ms(void **state)
{
	static const unsigned order[] = { IP6(0), IP4(0), IP6(1), IP4(1), IP6(2), IP6(3) };
	struct vs_race race = answered(4, 2);

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		int64_t now = (int64_t)i * 250;

		if (i > 0)
			expect_wait(&race, now - 1, now);
		expect_start(&race, now, order[i]);
	}
	expect_wait(&race, 1250, VS_RACE_NEVER);
}

static void the_preferred_family_begins(void **state)
{
	struct vs_race race = answered(1, 1);

	(void)state;
	assert_ptr_equal(vs_race_first(&race, VS_RACE_IP4), &race.attempts[IP4(0)].addr);
	vs_race_prefer(&race, VS_RACE_IP4);
	expect_start(&race, 0, IP4(0));
	vs_race_prefer(&race, VS_RACE_IP4); /* too late */
	expect_start(&race, 250, IP6(0));
}

static void an_answer_that_comes_late_takes_the_next_turn(void **state)
{
	struct vs_race race = awaiting(VS_RACE_NEVER);

	(void)state;
	answer(&race, 0, VS_RACE_IP4, 3);
	expect_start(&race, 50, IP4(0));
	expect_start(&race, 300, IP4(1));
	answer(&race, 310, VS_RACE_IP6, 1);
	expect_wait(&race, 310, 550);
	expect_start(&race, 550, IP6(0));
	expect_start(&race, 800, IP4(2));
}

static void a_failure_starts_the_next_attempt_at_once(void **state)
{
	struct vs_race race = answered(2, 1);

	(void)state;
	expect_start(&race, 0, IP6(0));
	vs_race_failed(&race, 3, IP6(0), ENETUNREACH);
	expect_start(&race, 3, IP4(0));
	expect_wait(&race, 4, 253);
	expect_start(&race, 253, IP6(1));
	vs_race_failed(&race, 260, IP4(0), ECONNREFUSED); /* nothing is left to start */
	expect_wait(&race, 260, VS_RACE_NEVER);
}

static void a_failure_while_others_run_starts_one_attempt_and_not_two(void **state)
{
	struct vs_race race = answered(4, 0);

	(void)state;
	expect_start(&race, 0, IP6(0));
	expect_start(&race, 250, IP6(1));
	vs_race_failed(&race, 260, IP6(0), ECONNREFUSED);
	expect_start(&race, 260, IP6(2));
	expect_wait(&race, 260, 510);
}

static void the_first_connection_wins(void **state)
{
	struct vs_race race = answered(2, 2);

	(void)state;
	expect_start(&race, 0, IP6(0));
	expect_start(&race, 250, IP4(0));
	vs_race_connected(&race, IP4(0));
	vs_race_connected(&race, IP6(0));
	struct vs_race_step step = vs_race_next(&race, 260);
	assert_int_equal(step.action, VS_RACE_WON);
	assert_int_equal(step.number, IP4(0));
	expect(&race, 9999999, VS_RACE_WON);
}

static void all_failed_is_lost(void **state)
{
	struct vs_race race = answered(1, 1);

	(void)state;
	expect_start(&race, 0, IP6(0));
	vs_race_failed(&race, 0, IP6(0), ENETUNREACH);
	expect_start(&race, 0, IP4(0));
	vs_race_failed(&race, 1, IP4(0), ECONNREFUSED);
	expect(&race, 1, VS_RACE_LOST);
}

static void all_failed_is_not_lost_while_an_answer_is_awaited(void **state)
{
	struct vs_race race = awaiting(VS_RACE_NEVER);

	(void)state;
	answer(&race, 0, VS_RACE_IP6, 1);
	expect_start(&race, 0, IP6(0));
	vs_race_failed(&race, 0, IP6(0), ENETUNREACH);
	expect_wait(&race, 0, VS_RACE_NEVER);
	answer(&race, 400, VS_RACE_IP4, 1);
	expect_start(&race, 400, IP4(0));
	vs_race_failed(&race, 500, IP4(0), ECONNREFUSED);
	expect(&race, 500, VS_RACE_LOST);
}

static void no_address_is_lost(void **state)
{
	struct vs_race race = awaiting(VS_RACE_NEVER);

	(void)state;
	answer(&race, 0, VS_RACE_IP4, 0);
	expect_wait(&race, 0, VS_RACE_NEVER);
	answer(&race, 0, VS_RACE_IP6, 0);
	expect(&race, 0, VS_RACE_LOST);
	assert_int_equal(vs_race_errno(&race), 0);
	assert_null(vs_race_first(&race, VS_RACE_IP6));
}

static void every_wait_ends_at_the_deadline(void **state)
{
	struct vs_race race = awaiting(100);

	(void)state;
	expect_wait(&race, 0, 100);
	answer(&race, 60, VS_RACE_IP4, 2);
	expect_wait(&race, 60, 100); /* the delay would end at 110 */
	answer(&race, 70, VS_RACE_IP6, 0);
	expect_start(&race, 70, IP4(0));
	expect_wait(&race, 70, 100);
	expect(&race, 100, VS_RACE_LATE);
}

static void without_time_to_wait_one_attempt_is_made(void **state)
{
	struct vs_race race = awaiting(100);

	(void)state;
	answer(&race, 100, VS_RACE_IP6, 2);
	answer(&race, 100, VS_RACE_IP4, 0);
	expect_start(&race, 100, IP6(0));
	expect(&race, 100, VS_RACE_LATE);
	vs_race_connected(&race, IP6(0));
	expect(&race, 100, VS_RACE_WON);
}

static void the_delay_ends_at_the_deadline(void **state)
{
	struct vs_race race = awaiting(100);

	(void)state;
	answer(&race, 90, VS_RACE_IP4, 1);
	expect_wait(&race, 99, 100);
	expect_start(&race, 100, IP4(0));
	expect(&race, 100, VS_RACE_LATE);
}

static void a_connection_at_the_deadline_counts(void **state)
{
	struct vs_race race = awaiting(100);

	(void)state;
	answer(&race, 0, VS_RACE_IP6, 1);
	expect_start(&race, 0, IP6(0));
	vs_race_connected(&race, IP6(0));
	expect(&race, 200, VS_RACE_WON);
}

static void a_failure_before_the_deadline_counts(void **state)
{
	struct vs_race race = awaiting(100);

	(void)state;
	answer(&race, 0, VS_RACE_IP6, 1);
	answer(&race, 0, VS_RACE_IP4, 0);
	expect_start(&race, 0, IP6(0));
	vs_race_failed(&race, 99, IP6(0), ECONNREFUSED);
	expect(&race, 100, VS_RACE_LOST);
}

static void results_that_nobody_awaits_are_ignored(void **state)
{
	struct vs_race race = answered(1, 1);

	(void)state;
	vs_race_connected(&race, IP6(0)); /* not started */
	vs_race_failed(&race, 0, IP6(0), EIO);
	vs_race_connected(&race, 4096);
	answer(&race, 0, VS_RACE_IP6, 3); /* has come already */
	expect_start(&race, 0, IP6(0));
	vs_race_failed(&race, 0, IP6(0), ECONNREFUSED);
	vs_race_connected(&race, IP6(0)); /* has failed already */
	expect_start(&race, 0, IP4(0));
	vs_race_failed(&race, 0, IP4(0), ECONNREFUSED);
	expect(&race, 0, VS_RACE_LOST);
}

static void addresses_are_kept_in_order_and_too_many_are_left_out(void **state)
{
	struct vs_race race = answered(VS_RACE_MAX, VS_RACE_MAX);
	unsigned seen[VS_RACE_FAMILIES] = { 0 };

	(void)state;
	for (int64_t now = 0; now < VS_RACE_MAX; now++) {
		struct vs_race_step step = vs_race_next(&race, now);
		unsigned family = step.number / VS_RACE_FAMILY_MAX;

		assert_int_equal(step.action, VS_RACE_START);
		assert_int_equal(race.attempts[step.number].addr.in.sin_port, ++seen[family]);
		vs_race_failed(&race, now, step.number, ECONNREFUSED);
	}
	expect(&race, VS_RACE_MAX, VS_RACE_LOST);
}

/* The errno of a race whose attempts have failed with a and b. */
static int errno_of(int a, int b)
{
	struct vs_race race = answered(1, 1);

	expect_start(&race, 0, IP6(0));
	vs_race_failed(&race, 0, IP6(0), a);
	expect_start(&race, 0, IP4(0));
	vs_race_failed(&race, 0, IP4(0), b);
	return vs_race_errno(&race);
}

static void the_errno_is_that_of_the_attempt_that_got_furthest(void **state)
{
	(void)state;
	assert_int_equal(errno_of(ENETUNREACH, ECONNREFUSED), ECONNREFUSED);
	assert_int_equal(errno_of(ECONNREFUSED, ENETUNREACH), ECONNREFUSED);
	assert_int_equal(errno_of(EHOSTUNREACH, ETIMEDOUT), ETIMEDOUT);
	assert_int_equal(errno_of(EAFNOSUPPORT, EHOSTUNREACH), EHOSTUNREACH);
	assert_int_equal(errno_of(ECONNREFUSED, EMFILE), EMFILE);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(ipv6_addresses_are_tried_as_soon_as_they_come),
	cmocka_unit_test(ipv4_addresses_wait_50_ms_for_those_of_ipv6),
	cmocka_unit_test(ipv6_that_comes_within_the_delay_is_first),
	cmocka_unit_test(no_ipv6_address_ends_the_delay),
	cmocka_unit_test(a_family_that_is_not_asked_is_not_waited_for),
	cmocka_unit_test(no_ipv4_address_does_not_start_the_delay),
	cmocka_unit_test(families_take_turns_every_250_ms),
	cmocka_unit_test(the_preferred_family_begins),
	cmocka_unit_test(an_answer_that_comes_late_takes_the_next_turn),
	cmocka_unit_test(a_failure_starts_the_next_attempt_at_once),
	cmocka_unit_test(a_failure_while_others_run_starts_one_attempt_and_not_two),
	cmocka_unit_test(the_first_connection_wins),
	cmocka_unit_test(all_failed_is_lost),
	cmocka_unit_test(all_failed_is_not_lost_while_an_answer_is_awaited),
	cmocka_unit_test(no_address_is_lost),
	cmocka_unit_test(every_wait_ends_at_the_deadline),
	cmocka_unit_test(without_time_to_wait_one_attempt_is_made),
	cmocka_unit_test(the_delay_ends_at_the_deadline),
	cmocka_unit_test(a_connection_at_the_deadline_counts),
	cmocka_unit_test(a_failure_before_the_deadline_counts),
	cmocka_unit_test(results_that_nobody_awaits_are_ignored),
	cmocka_unit_test(addresses_are_kept_in_order_and_too_many_are_left_out),
	cmocka_unit_test(the_errno_is_that_of_the_attempt_that_got_furthest),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
