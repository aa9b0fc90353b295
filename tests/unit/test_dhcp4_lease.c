/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The life of a lease in a simulated world, where a month passes in less than a second: renewals, late
 * timers, refusals, remembered leases, release, and cables that are pulled.
 */

#include "dhcp4_world.h"

/* Leases */

static void a_lease_is_renewed_for_a_month(void **state)
{
	struct world *w = bound(20);

	(void)state;
	world_run(w, 30 * DAY);
	assert_int_equal(w->news[VS_NEWS_LOST], 0);
	assert_int_equal(w->news[VS_NEWS_GAINED], 1);
	/* T1 is after 9.4 to 10 s. */
	assert_in_range(w->news[VS_NEWS_RENEWED], 30 * 86400 / 10, 30 * 86400 / 9);
	assert_int_equal(count_of(w, MSG_RELEASE), 0);
	assert_true(last_of(w, MSG_REQUEST)->unicast);
	world_free(w);
}

static void a_renewal_is_unicast_and_has_the_address_in_ciaddr(void **state)
{
	struct world *w = bound(3600);
	vs_auto_ms t1 = world_state(w).t1;

	(void)state;
	world_run_until(w, t1);
	const struct seen *s = last_of(w, MSG_REQUEST);
	assert_int_equal(s->at, t1);
	assert_true(s->unicast);
	assert_int_equal(s->dst, IP(10, 0, 0, 1));
	assert_int_equal(s->ciaddr, OURS);
	assert_int_equal(s->requested, 0);
	assert_int_equal(s->server, 0);
	assert_state(w, "RENEWING");
	world_run(w, 2);
	assert_state(w, "BOUND");
	assert_int_equal(w->news[VS_NEWS_RENEWED], 1);
	assert_int_equal(world_state(w).expiry, t1 + 3600000);
	assert_int_equal(w->last_addr.valid_s, 3600);
	world_free(w);
}

static void times_of_the_server_are_used_if_they_are_in_order(void **state)
{
	static const struct {
		uint32_t t1, t2, expected_t1, expected_t2;
	} cases[] = {
		{ 0, 0, 500, 875 },      { 300, 600, 300, 600 }, { 600, 300, 500, 875 },
		{ 300, 1000, 500, 875 }, { 1, 600, 500, 875 },   { 600, 0, 600, 875 },
		{ 0, 700, 500, 700 },    { 900, 0, 500, 875 },   { 2000, 3000, 500, 875 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w = world_new(1000);
		w->servers[0].terms.t1_s = cases[i].t1;
		w->servers[0].terms.t2_s = cases[i].t2;
		world_start(w, NULL);
		get_address(w);
		struct vs_auto_state s = world_state(w);
		vs_auto_ms began = s.expiry - 1000000;
		vs_auto_ms t1 = (vs_auto_ms)cases[i].expected_t1 * 1000,
			   t2 = (vs_auto_ms)cases[i].expected_t2 * 1000;
		assert_in_range(s.t1 - began, t1 - t1 / 16, t1);
		assert_in_range(s.t2 - began, t2 - (t2 - t1) / 16, t2);
		world_free(w);
	}
}

static void the_lease_counts_from_the_request(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	world_start(w, NULL);
	get_address(w);
	assert_int_equal(world_state(w).expiry, last_of(w, MSG_REQUEST)->at + 3600000);
	world_free(w);
}

/* The server is gone after the first lease: unicast, broadcast, the end, and DISCOVER for the old address. */
static void an_address_ends_with_its_lease(void **state)
{
	struct world *w = bound(3600);
	vs_auto_ms t2 = world_state(w).t2, expiry = world_state(w).expiry;
	unsigned unicasts = 0, broadcasts = 0;

	(void)state;
	world_run(w, 5000);
	w->servers[0].silent = true;
	w->n_seen = 0;
	world_run_until(w, expiry - 1);
	assert_state(w, "REBINDING");
	assert_string_equal(world_state(w).problem, "the server does not answer");
	assert_int_equal(w->addr, OURS);
	for (size_t i = 0; i < w->n_seen; i++) {
		const struct seen *s = world_seen(w, i);
		assert_int_equal(s->type, MSG_REQUEST);
		assert_int_equal(s->ciaddr, OURS);
		assert_int_equal(s->src, OURS);
		assert_true(s->unicast == (s->at < t2));
		unicasts += s->unicast;
		broadcasts += !s->unicast;
		if (i > 0)
			assert_true(world_seen(w, i - 1)->at - s->at >= 60000 ||
				    world_seen(w, i - 1)->at == t2);
	}
	assert_in_range(unicasts, 4, 6);
	assert_in_range(broadcasts, 3, 4);
	world_run(w, 1);
	assert_int_equal(w->addr, 0);
	assert_int_equal(w->news[VS_NEWS_LOST], 1);
	assert_state(w, "SELECTING");
	assert_int_equal(last_of(w, MSG_DISCOVER)->requested, OURS);
	assert_false(w->has_stored);
	world_free(w);
}

static void another_server_may_answer_in_rebinding(void **state)
{
	struct world *w = bound(3600);

	(void)state;
	w->servers[1] = w->servers[0];
	w->servers[1].ip = SECOND_SERVER;
	w->servers[0].silent = true;
	world_run_until(w, world_state(w).t2 + 10);
	assert_state(w, "BOUND");
	assert_int_equal(server_of(w), SECOND_SERVER);
	assert_int_equal(w->news[VS_NEWS_LOST], 0);
	world_free(w);
}

static void an_infinite_lease_causes_no_wake_up(void **state)
{
	struct world *w = bound(UINT32_MAX);

	(void)state;
	assert_int_equal(w->last_addr.valid_s, VS_AUTO_FOREVER);
	world_run(w, 3000);
	assert_true(vs_dhcp4_kind.deadline(w->m) == VS_AUTO_NEVER);
	world_free(w);
}

/* Whichever packet is lost, the address comes, and stays. */
static void any_packet_may_be_lost(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 40; n++) {
		struct world *w = world_new(20);
		w->lost = n;
		world_start(w, NULL);
		world_run(w, 10000);
		assert_int_equal(w->addr, OURS);
		world_run(w, 2 * MINUTE);
		assert_int_equal(w->addr, OURS);
		assert_int_equal(w->news[VS_NEWS_LOST], 0);
		assert_int_equal(w->news[VS_NEWS_GAINED], 1);
		world_free(w);
	}
}

static void a_changed_address_replaces_the_old_one(void **state)
{
	struct world *w = bound(60);

	(void)state;
	w->servers[0].addr = IP(10, 0, 0, 77);
	world_run(w, 40000);
	assert_int_equal(w->addr, IP(10, 0, 0, 77));
	assert_int_equal(w->news[VS_NEWS_LOST], 1);
	assert_int_equal(w->news[VS_NEWS_GAINED], 2);
	assert_int_equal(world_ip(&w->stored.addrs[0].ip), IP(10, 0, 0, 77));
	world_free(w);
}

static void changed_routes_and_facts_are_reported(void **state)
{
	struct world *w = world_new(60);
	struct reply *terms = &w->servers[0].terms;

	(void)state;
	world_option_add(terms, 3, "\x0a\0\0\1", 4);
	world_start(w, NULL);
	get_address(w);
	terms->extra[terms->n_extra - 1] = 2; /* another router */
	world_run(w, 40000);
	assert_int_equal(w->news[VS_NEWS_CHANGED], 1);
	assert_int_equal(w->n_routes, 1);
	assert_int_equal(world_ip(&w->routes[0].gw), IP(10, 0, 0, 2));
	terms->mask = IP(255, 255, 0, 0);
	world_run(w, 40000);
	assert_int_equal(w->news[VS_NEWS_CHANGED], 2);
	assert_int_equal(w->prefix_len, 16);
	assert_int_equal(w->news[VS_NEWS_LOST], 0);
	world_free(w);
}

/* Late timers: the process was stopped. */

static void a_late_renewal_starts_where_the_time_is(void **state)
{
	static const struct {
		unsigned percent;
		const char *state;
	} cases[] = { { 60, "RENEWING" }, { 90, "REBINDING" }, { 100, "SELECTING" }, { 1000, "SELECTING" } };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct world *w = bound(1000);
		w->servers[0].silent = true;
		world_run(w, 3000);
		size_t sent = w->n_seen;
		world_suspend(w, (vs_auto_ms)cases[i].percent * 10000);
		assert_state(w, cases[i].state);
		assert_int_equal(w->addr != 0, cases[i].percent < 100);
		assert_int_equal(w->n_seen, sent + 1); /* one message, that of the state */
		w->servers[0].silent = false;
		world_run(w, 5 * MINUTE);
		assert_state(w, "BOUND");
		world_free(w);
	}
}

/* From T1 on each wake-up is late by more than a lease. */
static void an_answer_that_is_read_after_the_lease_is_over_sets_nothing(void **state)
{
	struct world *w = bound(20);

	(void)state;
	world_run_until(w, world_state(w).t1); /* the answer is under way */
	w->servers[0].silent = true;
	world_suspend(w, 100000);
	assert_int_equal(w->addr, 0);
	assert_state(w, "SELECTING");
	assert_int_equal(ignored(w), 1);
	world_free(w);
}

static void a_late_ack_of_a_lease_that_is_over_is_ignored(void **state)
{
	struct world *w = world_new(20);

	(void)state;
	world_start(w, NULL);
	world_run(w, 1); /* the offer is there, the request is sent */
	assert_state(w, "REQUESTING");
	world_suspend(w, 30000);
	assert_int_equal(w->addr, 0);
	assert_int_equal(world_state(w).ignored[VS_IGNORED_CONTENT], 1);
	world_run(w, 20000);
	assert_int_equal(w->addr, OURS);
	world_free(w);
}

/* Refusals */

static void a_refused_request_starts_anew_at_once_and_then_with_pauses(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	w->servers[0].refuses = true;
	world_option_add(&w->servers[0].terms, 56, "no", 2);
	world_start(w, NULL);
	world_run(w, 10);
	assert_int_equal(w->news[VS_NEWS_REFUSED], 2);
	world_run(w, 10 * MINUTE);
	assert_in_range(w->news[VS_NEWS_REFUSED], 12, 20);
	w->servers[0].refuses = false;
	world_run(w, 66000);
	assert_int_equal(w->addr, OURS);
	world_free(w);
}

static void a_refused_renewal_takes_the_address_away(void **state)
{
	struct world *w = bound(60);

	(void)state;
	w->servers[0].refuses = true;
	world_run_until(w, world_state(w).t1 + 1);
	assert_int_equal(w->addr, 0);
	assert_int_equal(w->news[VS_NEWS_REFUSED], 1);
	assert_int_equal(w->news[VS_NEWS_LOST], 1);
	assert_false(w->has_stored);
	w->servers[0].refuses = false;
	get_address(w);
	world_free(w);
}

/* Remembered leases */

static struct vs_auto_lease remembered(const struct world *w, uint32_t valid_s, vs_auto_ms ago)
{
	struct vs_auto_lease lease = { .n_addrs = 1, .obtained = w->now - ago, .server_len = 4 };

	lease.addrs[0].ip.family = AF_INET;
	frame_put(lease.addrs[0].ip.bytes, OURS, 4);
	lease.addrs[0].prefix_len = 24;
	lease.addrs[0].valid_s = valid_s;
	frame_put(lease.server, IP(10, 0, 0, 1), 4);
	return lease;
}

static void a_remembered_lease_is_confirmed_with_one_request(void **state)
{
	struct world *w = world_new(3600);
	struct vs_auto_lease lease = remembered(w, 3600, 60000);

	(void)state;
	world_start(w, &lease);
	assert_state(w, "REBOOTING");
	const struct seen *s = world_seen(w, 0);
	assert_int_equal(s->type, MSG_REQUEST);
	assert_int_equal(s->requested, OURS);
	assert_int_equal(s->server, 0);
	assert_int_equal(s->ciaddr, 0);
	get_address(w);
	assert_int_equal(count_of(w, MSG_DISCOVER), 0);
	assert_int_equal(world_state(w).expiry, s->at + 3600000);
	world_free(w);
}

static void a_refused_remembered_lease_is_forgotten(void **state)
{
	struct world *w = world_new(3600);
	struct vs_auto_lease lease = remembered(w, 3600, 60000);

	(void)state;
	w->servers[0].addr = IP(10, 0, 0, 88);
	world_start(w, &lease);
	get_address(w);
	assert_int_equal(w->addr, IP(10, 0, 0, 88));
	assert_int_equal(w->news[VS_NEWS_REFUSED], 1);
	assert_int_equal(last_of(w, MSG_DISCOVER)->requested, 0);
	world_free(w);
}

static void a_server_that_does_not_know_the_lease_is_asked_for_a_new_one(void **state)
{
	struct world *w = world_new(3600);
	struct vs_auto_lease lease = remembered(w, 3600, 60000);

	(void)state;
	w->servers[0].addr = IP(10, 0, 0, 88);
	w->servers[0].ignorant = true;
	world_start(w, &lease);
	get_address(w);
	assert_in_range(w->now - 5000000, 2000, 4500);
	assert_int_equal(w->addr, IP(10, 0, 0, 88));
	assert_int_equal(last_of(w, MSG_DISCOVER)->requested, OURS);
	world_free(w);
}

static void an_old_lease_is_a_hint_only(void **state)
{
	struct world *w = world_new(3600);
	struct vs_auto_lease lease = remembered(w, 3600, 3600000);

	(void)state;
	world_start(w, &lease);
	assert_state(w, "SELECTING");
	assert_int_equal(last_of(w, MSG_DISCOVER)->requested, OURS);
	world_free(w);
}

static void a_lease_from_the_future_is_not_longer(void **state)
{
	struct world *w = world_new(3600);
	struct vs_auto_lease lease = remembered(w, 100, -1000000);

	(void)state;
	w->link = false;
	WORLD_CALL(w, link(w->m, w->now, false));
	w->link = true;
	world_start(w, &lease);
	assert_true(vs_dhcp4_kind.lease(w->m, &lease));
	assert_int_equal(lease.obtained, w->now);
	world_free(w);
}

static void a_lease_that_makes_no_sense_is_not_used(void **state)
{
	struct world *w = world_new(3600);
	struct vs_auto_lease lease = remembered(w, 3600, 0);

	(void)state;
	lease.addrs[0].prefix_len = 33;
	world_start(w, &lease);
	assert_state(w, "SELECTING");
	assert_int_equal(last_of(w, MSG_DISCOVER)->requested, 0);
	world_free(w);
}

static void the_lease_that_is_stored_can_be_used_again(void **state)
{
	struct world *w = bound(3600), *again = world_new(3600);

	(void)state;
	assert_true(w->has_stored);
	assert_int_equal(w->stored.addrs[0].valid_s, 3600);
	again->now = w->now + 1000;
	world_start(again, &w->stored);
	assert_state(again, "REBOOTING");
	get_address(again);
	world_free(w);
	world_free(again);
}

/* The end */

static void a_stopped_client_releases_its_address(void **state)
{
	struct world *w = bound(3600);

	(void)state;
	world_stop(w);
	assert_int_equal(w->addr, 0);
	assert_state(w, "STOPPED");
	const struct seen *s = last_of(w, MSG_RELEASE);
	assert_int_equal(s->ciaddr, OURS);
	assert_int_equal(s->server, IP(10, 0, 0, 1));
	assert_int_equal(s->requested, 0);
	assert_int_equal(s->dst, IP(10, 0, 0, 1));
	assert_memory_equal(s->mac, world_server_mac, 6);
	assert_int_equal(w->news[VS_NEWS_LOST], 1);
	assert_false(w->has_stored);
	assert_true(vs_dhcp4_kind.deadline(w->m) == VS_AUTO_NEVER);
	world_stop(w);
	assert_int_equal(w->releases, 1);
	world_start(w, NULL);
	get_address(w);
	world_free(w);
}

static void without_release_the_lease_is_kept_for_the_next_start(void **state)
{
	struct world *w = bound(3600);

	(void)state;
	w->config.release = false;
	world_stop(w);
	assert_int_equal(w->releases, 0);
	assert_true(w->has_stored);
	world_free(w);
}

static void a_client_stopped_while_it_probes_releases_its_lease(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	world_start(w, NULL);
	world_run(w, 60);
	assert_state(w, "PROBING");
	world_stop(w);
	assert_int_equal(w->releases, 1);
	assert_int_equal(w->news[VS_NEWS_LOST], 0);
	world_free(w);
}

static void nothing_is_sent_by_a_client_stopped_without_link(void **state)
{
	struct world *w = bound(3600);

	(void)state;
	world_set_link(w, false);
	world_stop(w); /* the world fails if anything is sent */
	assert_int_equal(w->addr, 0);
	world_free(w);
}

/* The link */

static void after_a_pulled_cable_the_address_is_confirmed(void **state)
{
	struct world *w = bound(3600);

	(void)state;
	world_set_link(w, false);
	world_run(w, 5000);
	assert_int_equal(w->addr, OURS);
	world_set_link(w, true);
	assert_state(w, "REBOOTING");
	assert_int_equal(last_of(w, MSG_REQUEST)->requested, OURS);
	world_run(w, 10);
	assert_state(w, "BOUND");
	assert_int_equal(w->news[VS_NEWS_LOST], 0);
	assert_int_equal(w->news[VS_NEWS_RENEWED], 1);
	world_free(w);
}

static void on_another_network_the_address_is_given_up(void **state)
{
	struct world *w = bound(3600);

	(void)state;
	world_set_link(w, false);
	w->servers[0].ip = IP(192, 168, 0, 1);
	w->servers[0].addr = IP(192, 168, 0, 9);
	world_set_link(w, true);
	world_run(w, 1000);
	assert_int_equal(w->addr, IP(192, 168, 0, 9));
	assert_int_equal(w->news[VS_NEWS_LOST], 1);
	world_free(w);
}

static void a_silent_server_behind_a_new_link_does_not_cost_the_address(void **state)
{
	struct world *w = bound(3600);

	(void)state;
	world_set_link(w, false);
	w->servers[0].silent = true;
	world_set_link(w, true);
	world_run(w, MINUTE);
	assert_state(w, "BOUND");
	assert_int_equal(w->addr, OURS);
	world_free(w);
}

static void a_cable_may_be_pulled_over_t2(void **state)
{
	struct world *w = bound(1000);

	(void)state;
	world_run(w, 100000);
	world_set_link(w, false);
	world_run_until(w, world_state(w).t2 + 1000);
	assert_state(w, "BOUND");
	assert_int_equal(w->addr, OURS);
	w->servers[0].silent = true;
	world_set_link(w, true);
	world_run(w, 5000);
	assert_state(w, "REBINDING");
	w->servers[0].silent = false;
	world_run(w, 2 * MINUTE);
	assert_state(w, "BOUND");
	assert_int_equal(w->news[VS_NEWS_LOST], 0);
	world_free(w);
}

static void without_a_link_the_lease_ends_too(void **state)
{
	struct world *w = bound(1000);
	vs_auto_ms expiry = world_state(w).expiry;

	(void)state;
	world_set_link(w, false);
	assert_int_equal(vs_dhcp4_kind.deadline(w->m), expiry); /* the only wake-up */
	world_run_until(w, expiry);
	assert_int_equal(w->addr, 0);
	assert_true(vs_dhcp4_kind.deadline(w->m) == VS_AUTO_NEVER);
	world_set_link(w, true);
	get_address(w);
	world_free(w);
}

/* Pulled in each state of the beginning, for each millisecond */
static void a_cable_may_be_pulled_at_any_time(void **state)
{
	(void)state;
	for (int ms = 0; ms < 450; ms++) {
		struct world *w = world_new(3600);
		world_start(w, NULL);
		world_run(w, ms);
		world_set_link(w, false);
		world_run(w, MINUTE);
		world_set_link(w, true);
		get_address(w);
		world_free(w);
	}
}

static void a_declined_address_stays_declined_when_the_cable_is_pulled(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	world_start(w, NULL);
	world_run(w, 60);
	world_arp(w, world_other_mac, OURS, OURS);
	world_run(w, 1);
	world_set_link(w, false);
	world_set_link(w, true);
	assert_state(w, "DECLINED");
	world_run(w, 11000);
	assert_int_equal(w->addr, OURS);
	world_free(w);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_lease_is_renewed_for_a_month),
	cmocka_unit_test(a_renewal_is_unicast_and_has_the_address_in_ciaddr),
	cmocka_unit_test(times_of_the_server_are_used_if_they_are_in_order),
	cmocka_unit_test(the_lease_counts_from_the_request),
	cmocka_unit_test(an_address_ends_with_its_lease),
	cmocka_unit_test(another_server_may_answer_in_rebinding),
	cmocka_unit_test(an_infinite_lease_causes_no_wake_up),
	cmocka_unit_test(any_packet_may_be_lost),
	cmocka_unit_test(a_changed_address_replaces_the_old_one),
	cmocka_unit_test(changed_routes_and_facts_are_reported),
	cmocka_unit_test(a_late_renewal_starts_where_the_time_is),
	cmocka_unit_test(an_answer_that_is_read_after_the_lease_is_over_sets_nothing),
	cmocka_unit_test(a_late_ack_of_a_lease_that_is_over_is_ignored),
	cmocka_unit_test(a_refused_request_starts_anew_at_once_and_then_with_pauses),
	cmocka_unit_test(a_refused_renewal_takes_the_address_away),
	cmocka_unit_test(a_remembered_lease_is_confirmed_with_one_request),
	cmocka_unit_test(a_refused_remembered_lease_is_forgotten),
	cmocka_unit_test(a_server_that_does_not_know_the_lease_is_asked_for_a_new_one),
	cmocka_unit_test(an_old_lease_is_a_hint_only),
	cmocka_unit_test(a_lease_from_the_future_is_not_longer),
	cmocka_unit_test(a_lease_that_makes_no_sense_is_not_used),
	cmocka_unit_test(the_lease_that_is_stored_can_be_used_again),
	cmocka_unit_test(a_stopped_client_releases_its_address),
	cmocka_unit_test(without_release_the_lease_is_kept_for_the_next_start),
	cmocka_unit_test(a_client_stopped_while_it_probes_releases_its_lease),
	cmocka_unit_test(nothing_is_sent_by_a_client_stopped_without_link),
	cmocka_unit_test(after_a_pulled_cable_the_address_is_confirmed),
	cmocka_unit_test(on_another_network_the_address_is_given_up),
	cmocka_unit_test(a_silent_server_behind_a_new_link_does_not_cost_the_address),
	cmocka_unit_test(a_cable_may_be_pulled_over_t2),
	cmocka_unit_test(without_a_link_the_lease_ends_too),
	cmocka_unit_test(a_cable_may_be_pulled_at_any_time),
	cmocka_unit_test(a_declined_address_stays_declined_when_the_cable_is_pulled),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
