/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who takes containers: probes, answers, and time. */

#include <stdlib.h>

#include "pump/peers.h"
#include "unit.h"

#define S VS_PEERS_S
#define START (1000 * S)

static const uint8_t a[6] = { 2, 0, 0, 0, 0, 1 };

static uint64_t asked; /* the nonce of the last probe */

/* Something is sent to it now. True: a probe was sent, too. */
static bool use(struct vs_peers *peers, const uint8_t *mac, int64_t now)
{
	struct vs_peer *peer = vs_peers_use(peers, mac, now);

	if (!vs_peers_due(peers, peer, now))
		return false;
	vs_peer_asked(peer, ++asked, now);
	return true;
}

static bool valid(struct vs_peers *peers, const uint8_t *mac, int64_t now)
{
	return vs_peer_valid(vs_peers_use(peers, mac, now), now);
}

static bool answer(struct vs_peers *peers, const uint8_t *mac, int64_t now)
{
	return vs_peers_answered(peers, mac, asked, 9230, 7, now);
}

static void number(uint8_t mac[6], unsigned n)
{
	memcpy(mac, a, 6);
	mac[3] = (uint8_t)(1 + n / 256);
	mac[4] = (uint8_t)n;
}

static void a_station_is_asked_and_takes_containers_when_it_has_answered(void **state)
{
	struct vs_peers peers = { 0 };

	(void)state;
	assert_true(use(&peers, a, START));
	assert_false(valid(&peers, a, START));
	assert_true(answer(&peers, a, START + 1000));
	assert_true(valid(&peers, a, START + 1000));
	assert_int_equal(vs_peers_use(&peers, a, START)->limit, 9230);
	assert_int_equal(vs_peers_use(&peers, a, START)->takes, 7);
}

static void a_station_that_never_answers_gets_four_probes_and_then_silence(void **state)
{
	struct vs_peers peers = { 0 };
	int64_t when[8];
	unsigned n = 0;

	(void)state;
	for (int64_t t = 0; t < 599 * S; t += S / 100)
		if (use(&peers, a, START + t)) {
			assert_true(n < 4);
			when[n++] = t;
		}
	assert_int_equal(n, 4);
	assert_int_equal(when[1], S);
	assert_int_equal(when[2], 3 * S);
	assert_int_equal(when[3], 7 * S);
	assert_false(use(&peers, a, START + 606 * S));
	assert_true(use(&peers, a, START + 608 * S));
}

static void a_station_in_use_is_asked_each_half_second_and_stays_valid(void **state)
{
	struct vs_peers peers = { 0 };
	unsigned n = 0;

	(void)state;
	assert_true(use(&peers, a, START));
	assert_true(answer(&peers, a, START));
	for (int64_t t = 0; t < 60 * S; t += S / 100) {
		assert_true(valid(&peers, a, START + t));
		if (use(&peers, a, START + t)) {
			n++;
			assert_true(answer(&peers, a, START + t));
		}
	}
	assert_in_range(n, 118, 120);
}

/* Replaced by one that does not know containers: it is given up within two seconds. */
static void a_station_that_answers_no_more_gets_ordinary_frames_after_two_seconds(void **state)
{
	struct vs_peers peers = { 0 };
	unsigned n = 0;

	(void)state;
	assert_true(use(&peers, a, START));
	assert_true(answer(&peers, a, START));
	for (int64_t t = 0; t < 100 * S; t += S / 100) {
		n += use(&peers, a, START + t);
		assert_int_equal(valid(&peers, a, START + t), t < 2 * S);
	}
	assert_int_equal(n, 4);
}

static void a_lost_answer_changes_nothing_for_a_station_in_use(void **state)
{
	struct vs_peers peers = { 0 };

	(void)state;
	assert_true(use(&peers, a, START));
	assert_true(answer(&peers, a, START));
	assert_true(use(&peers, a, START + S / 2)); /* its answer is lost */
	assert_false(use(&peers, a, START + S));
	assert_true(use(&peers, a, START + 3 * S / 2));
	assert_true(answer(&peers, a, START + 3 * S / 2));
	assert_true(valid(&peers, a, START + 3 * S));
}

static void only_the_nonce_of_the_outstanding_probe_counts_and_only_once(void **state)
{
	struct vs_peers peers = { 0 };
	static const uint8_t b[6] = { 2, 0, 0, 0, 0, 2 };

	(void)state;
	assert_false(vs_peers_answered(&peers, a, 0, 9230, 7, START)); /* nobody was asked */
	assert_true(use(&peers, a, START));
	uint64_t of_a = asked;
	assert_true(use(&peers, b, START));
	assert_false(vs_peers_answered(&peers, a, asked, 9230, 7, START)); /* the nonce of another */
	assert_false(vs_peers_answered(&peers, b, of_a, 9230, 7, START));
	assert_false(vs_peers_answered(&peers, a, of_a + 100, 9230, 7, START));
	assert_true(vs_peers_answered(&peers, a, of_a, 9230, 7, START));
	assert_false(vs_peers_answered(&peers, a, of_a, 100, 0, START));
	assert_int_equal(vs_peers_use(&peers, a, START)->limit, 9230);
	assert_false(valid(&peers, b, START));
}

static void an_old_nonce_does_not_count_after_the_next_probe(void **state)
{
	struct vs_peers peers = { 0 };

	(void)state;
	assert_true(use(&peers, a, START));
	uint64_t old = asked;
	assert_true(use(&peers, a, START + S));
	assert_false(vs_peers_answered(&peers, a, old, 9230, 7, START + S));
	assert_true(answer(&peers, a, START + S));
}

/* What it proves is as old as the probe. */
static void an_answer_that_comes_too_late_makes_nobody_valid(void **state)
{
	struct vs_peers peers = { 0 };

	(void)state;
	assert_true(use(&peers, a, START));
	assert_false(answer(&peers, a, START + 2 * S));
	assert_false(valid(&peers, a, START + 2 * S));
}

static uint64_t as_number(const uint8_t mac[6])
{
	uint64_t n = 1;

	for (int i = 0; i < 6; i++)
		n = n << 8 | mac[i];
	return n;
}

static void a_full_table_loses_the_station_that_was_used_longest_ago(void **state)
{
	struct vs_peers peers = { 0 };
	uint8_t mac[6];

	(void)state;
	for (unsigned i = 0; i < VS_PEERS; i++) {
		number(mac, i);
		assert_true(use(&peers, mac, START + i));
		assert_true(answer(&peers, mac, START + i));
	}
	number(mac, 0);
	assert_true(valid(&peers, mac, START + 1000)); /* now the second one was used longest ago */
	(void)vs_peers_use(&peers, a, START + 1001);
	for (unsigned i = 0; i < VS_PEERS; i++) {
		bool there = false;
		number(mac, i);
		for (size_t k = 0; k < VS_PEERS; k++)
			there |= peers.peer[k].mac == as_number(mac);
		assert_int_equal(there, i != 1);
	}
}

/* More stations than the table has room for, none of which answers: the network is not full of probes. */
static void many_mute_stations_get_few_probes(void **state)
{
	struct vs_peers peers = { 0 };
	unsigned probes = 0;
	uint8_t mac[6];

	(void)state;
	for (unsigned i = 0; i < 100000; i++) { /* in ten seconds */
		number(mac, i % 1000);
		probes += use(&peers, mac, START + i * (S / 10000));
	}
	assert_in_range(probes, VS_PEERS_FIRST, VS_PEERS_FIRST + 11);
}

static void what_is_received_adds_no_station(void **state)
{
	struct vs_peers peers = { 0 };
	struct vs_peer none = { 0 };
	uint8_t mac[6];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		number(mac, i);
		(void)vs_peers_may_answer(&peers, mac, START);
		(void)vs_peers_answered(&peers, mac, i, 9230, 7, START);
	}
	for (size_t i = 0; i < VS_PEERS; i++)
		assert_memory_equal(&peers.peer[i], &none, sizeof(none));
}

static void answers_are_limited_to_fifty_a_second(void **state)
{
	struct vs_peers peers = { 0 };
	unsigned n = 0;

	(void)state;
	for (int64_t t = 0; t < 10 * S; t += S / 10000)
		n += vs_peers_may_answer(&peers, a, START + t);
	assert_in_range(n, 11 * VS_PEERS_ANSWERS - 2, 11 * VS_PEERS_ANSWERS);
}

static void stations_that_are_made_up_take_no_answers_of_those_in_use(void **state)
{
	struct vs_peers peers = { 0 };
	uint8_t mac[6];

	(void)state;
	(void)use(&peers, a, START);
	for (unsigned i = 0; i < 1000; i++) {
		number(mac, i);
		(void)vs_peers_may_answer(&peers, mac, START);
	}
	assert_false(vs_peers_may_answer(&peers, mac, START));
	assert_true(vs_peers_may_answer(&peers, a, START));
}

static void a_probe_from_a_silent_station_ends_the_silence(void **state)
{
	struct vs_peers peers = { 0 };

	(void)state;
	for (int64_t t = 0; t < 20 * S; t += S / 10)
		(void)use(&peers, a, START + t);
	assert_false(use(&peers, a, START + 20 * S));
	assert_true(vs_peers_may_answer(&peers, a, START + 21 * S));
	assert_true(use(&peers, a, START + 21 * S));
	assert_true(answer(&peers, a, START + 21 * S));
	assert_true(valid(&peers, a, START + 21 * S));
}

/* Who claims to be a silent station cannot have it flooded with long probes. */
static void probes_that_are_made_up_cause_few_probes(void **state)
{
	struct vs_peers peers = { 0 };
	unsigned n = 0;

	(void)state;
	for (int64_t t = 0; t < 100 * S; t += S / 100) {
		n += use(&peers, a, START + t);
		(void)vs_peers_may_answer(&peers, a, START + t);
	}
	assert_in_range(n, 8, 4 * (100 / 17 + 1));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_station_is_asked_and_takes_containers_when_it_has_answered),
	cmocka_unit_test(a_station_that_never_answers_gets_four_probes_and_then_silence),
	cmocka_unit_test(a_station_in_use_is_asked_each_half_second_and_stays_valid),
	cmocka_unit_test(a_station_that_answers_no_more_gets_ordinary_frames_after_two_seconds),
	cmocka_unit_test(a_lost_answer_changes_nothing_for_a_station_in_use),
	cmocka_unit_test(only_the_nonce_of_the_outstanding_probe_counts_and_only_once),
	cmocka_unit_test(an_old_nonce_does_not_count_after_the_next_probe),
	cmocka_unit_test(an_answer_that_comes_too_late_makes_nobody_valid),
	cmocka_unit_test(a_full_table_loses_the_station_that_was_used_longest_ago),
	cmocka_unit_test(many_mute_stations_get_few_probes),
	cmocka_unit_test(what_is_received_adds_no_station),
	cmocka_unit_test(answers_are_limited_to_fifty_a_second),
	cmocka_unit_test(stations_that_are_made_up_take_no_answers_of_those_in_use),
	cmocka_unit_test(a_probe_from_a_silent_station_ends_the_silence),
	cmocka_unit_test(probes_that_are_made_up_cause_few_probes),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
