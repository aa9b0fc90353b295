/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Router discovery: solicitations, changes of the link, late timers, the end. */

#include "ra_net.h"

/* ------------------------------------------------------------------ solicitations */

static void solicitations_go_on_less_and_less_often(void **state)
{
	static const vs_auto_ms at_s[] = { 4, 12, 28, 60, 124, 252, 508, 1020, 2044, 4092, 7692 };

	(void)state;
	start(VS_IID_NONE);
	vs_auto_ms began = now;
	assert_int_equal(seen.sent, 1);
	assert_string_equal(describe().state, "SOLICITING");
	for (size_t i = 0; i < sizeof(at_s) / sizeof(at_s[0]); i++) {
		pass(began + at_s[i] * 1000 - 1 - now);
		assert_int_equal(seen.sent, i + 1);
		pass(1);
		assert_int_equal(seen.sent, i + 2);
	}
	assert_int_equal(seen.news[VS_NEWS_SILENT], 1);
	assert_string_equal(describe().problem, "no router has answered 12 solicitations");
	pass((vs_auto_ms)30 * 86400 * 1000); /* a month */
	assert_in_range(seen.sent, 12 + 30 * 24 - 1, 12 + 30 * 24 + 1);
}

static void the_times_of_solicitations_vary_by_a_tenth(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		start(VS_IID_NONE);
		free(machine);
		machine = calloc(1, vs_ra_kind.size);
		chance = i == 0 ? 0 : 2000;
		vs_ra_kind.init(machine, &config, &ops, NULL);
		vs_ra_kind.start(machine, now, NULL);
		assert_int_equal(vs_ra_kind.deadline(machine), now + (i == 0 ? 3600 : 4400));
		pass((vs_auto_ms)20 * 3600 * 1000);
		assert_int_equal(vs_ra_kind.deadline(machine) - seen.sent_at, i == 0 ? 3240000 : 3960000);
	}
}

static void the_mac_is_sent_once_the_address_is_ours(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	assert_int_equal(seen.sent_with_mac, 0);
	pass(1000);
	link_local_is_ours(); /* the first one may have had no address to be sent from */
	assert_int_equal(seen.sent, 2);
	assert_int_equal(seen.sent_with_mac, 1);
	link_local_is_ours();
	assert_int_equal(seen.sent, 2);
	assert_int_equal(vs_ra_kind.deadline(machine), now + 4000);

	start(VS_IID_NONE);
	advertise(); /* the first one was answered */
	link_local_is_ours();
	assert_int_equal(seen.sent, 1);
}

static void a_router_ends_the_search(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	pass(10000);
	assert_int_equal(seen.sent, 2);
	advertise();
	assert_string_equal(describe().state, "CONFIGURED");
	assert_int_equal(describe().since, now);
	assert_string_equal(describe().problem, "");
	assert_true(describe().ready);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 1);
	assert_true(goes_through(the_route("::", 0), router));
	pass(1799000);
	assert_int_equal(seen.sent, 2);
	advertise();
	assert_int_equal(describe().since, now - 1799000);
	assert_int_equal(ignored(VS_IGNORED_CONTENT), 0);

	start(VS_IID_NONE); /* one that is no default router does not */
	ra.lifetime_s = 0;
	advertise();
	assert_string_equal(describe().state, "SOLICITING");
	pass(4000);
	assert_int_equal(seen.sent, 2);
}

/* ------------------------------------------------------------------ link, stop, late timers */

static void on_another_network_the_old_one_goes(void **state)
{
	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 86400, 86400);
	set_server(0, "2001:db8:1::53", 86400);
	set_domain(0, "old", 86400);
	advertise();
	vs_ra_kind.link(machine, now, false);
	assert_string_equal(describe().state, "DOWN");
	pass(60000);
	assert_int_equal(seen.sent, 1);
	vs_ra_kind.link(machine, now, true);
	assert_int_equal(seen.sent, 2);
	assert_non_null(the_addr("2001:db8:1::ff:fe00:1")); /* it may be the same network */
	pass(60000);
	assert_int_equal(seen.addrs[0].preferred_s, 86400);
	ra.n_dns = ra.n_search = 0;
	set_prefix(0, "2001:db8:2::", 86400, 86400);
	set_domain(0, "new", 86400);
	advertise_from("fe80::2");
	assert_true(goes_through(the_route("::", 0), router));
	pass(4000);
	assert_true(goes_through(the_route("::", 0), "fe80::2"));
	assert_int_equal(seen.n_routes, 2);
	assert_int_equal(the_addr("2001:db8:1::ff:fe00:1")->preferred_s, 0);
	assert_int_equal(the_addr("2001:db8:2::ff:fe00:1")->preferred_s, 86400);
	assert_int_equal(seen.facts.dns[0].family, 0);
	assert_string_equal(seen.facts.search, "new");
}

static void on_the_same_network_all_stays(void **state)
{
	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 86400, 86400);
	set_server(0, "2001:db8:1::53", 86400);
	advertise();
	vs_ra_kind.link(machine, now, false);
	pass(60000);
	vs_ra_kind.link(machine, now, true);
	advertise();
	pass(60000);
	assert_int_equal(the_addr("2001:db8:1::ff:fe00:1")->preferred_s, 86400);
	assert_int_equal(seen.n_routes, 2);
	assert_int_equal(seen.facts.dns[0].family, AF_INET6);
	assert_int_equal(seen.news[VS_NEWS_LOST] + seen.news[VS_NEWS_CHANGED], 0);
}

static void a_router_that_answers_late_stays(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	advertise_from("fe80::1");
	advertise_from("fe80::2");
	vs_ra_kind.link(machine, now, false);
	vs_ra_kind.link(machine, now, true);
	advertise_from("fe80::1");
	pass(3500);
	advertise_from("fe80::2");
	pass(60000);
	assert_int_equal(seen.n_routes, 2);
	vs_ra_kind.link(machine, now, false);
	vs_ra_kind.link(machine, now, true);
	for (int i = 0; i < 5; i++) { /* many answers of one do not keep the other alive */
		advertise_from("fe80::1");
		pass(1000);
	}
	assert_int_equal(seen.n_routes, 1);
}

static void nothing_is_sent_without_carrier(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	pass(100000);
	unsigned sent = seen.sent;
	vs_ra_kind.link(machine, now, true); /* it was up: nothing new */
	assert_int_equal(seen.sent, sent);
	now += 5;
	vs_ra_kind.link(machine, now, false);
	assert_int_equal(describe().since, now);
	assert_int_equal(vs_ra_kind.deadline(machine), VS_AUTO_NEVER);
	pass(10000000);
	assert_int_equal(seen.sent, sent);
	vs_ra_kind.link(machine, now, true);
	assert_int_equal(seen.sent, sent + 1);
	assert_int_equal(describe().sent, sent + 1);
	assert_int_equal(vs_ra_kind.deadline(machine), now + 4000); /* a search that begins anew */
	assert_string_equal(describe().problem, "");
}

static void a_duplicate_of_the_link_local_address_is_reported(void **state)
{
	struct vs_auto_ip ip = { AF_INET6, { 0xfe, 0x80, [15] = 7 } };

	(void)state;
	start(VS_IID_NONE);
	vs_ra_kind.detected(machine, now, &ip, true);
	assert_string_equal(describe().problem, "another host uses the link-local address");
	assert_int_equal(seen.sent, 1);
	vs_ra_kind.link(machine, now, false);
	vs_ra_kind.link(machine, now, true);
	assert_string_equal(describe().problem, "");
}

static void the_state_says_when_the_first_lifetime_ends(void **state)
{
	(void)state;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 7200, 1800);
	set_prefix(1, "2001:db8:2::", 3600, 1800);
	advertise();
	assert_int_equal(describe().expiry, now + 3600000);
	assert_int_equal(describe().t1, VS_AUTO_NEVER);
	assert_int_equal(describe().t2, VS_AUTO_NEVER);
	start(VS_IID_NONE);
	advertise();
	assert_int_equal(describe().expiry, now + 1800000);
}

static void a_timer_that_is_late_catches_up(void **state)
{
	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 600, 300);
	set_server(0, "2001:db8:1::53", 700);
	advertise();
	now += 86400000; /* stopped for a day */
	vs_ra_kind.timer(machine, now);
	assert_int_equal(seen.n_addrs + seen.n_routes, 0);
	assert_int_equal(seen.facts.dns[0].family, 0);
	assert_int_equal(seen.news[VS_NEWS_LOST], 1);
	assert_in_range(vs_ra_kind.deadline(machine), now, now + 1000);

	start(VS_IID_EUI64); /* a packet before the late timer */
	set_prefix(0, "2001:db8:1::", 600, 300);
	advertise();
	now += 86400000;
	advertise();
	assert_int_equal(seen.addrs[0].valid_s, 600);
	assert_int_equal(seen.n_addrs, 1);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 1);

	config.nodad = false; /* the kernel has removed the address: what comes is a new, tentative one */
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 600, 300);
	advertise();
	detected(&seen.addrs[0], false);
	now += 86400000;
	advertise();
	assert_false(describe().ready);
	assert_int_equal(seen.news[VS_NEWS_LOST], 1);
}

static void a_timer_that_is_early_does_nothing(void **state)
{
	(void)state;
	start(VS_IID_EUI64);
	vs_ra_kind.timer(machine, now + 3999);
	assert_int_equal(seen.sent, 1);
}

static void stop_takes_everything_back(void **state)
{
	struct vs_auto_addr addrs[4];

	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 600, 300);
	set_prefix(1, "2001:db8:2::", 600, 300);
	set_server(0, "2001:db8:1::53", 700);
	set_domain(0, "test", 700);
	ra.mtu = 1400;
	ra.n_routes = 1;
	ra.routes[0].len = 32, ra.routes[0].lifetime_s = 9;
	advertise();
	assert_int_equal(vs_ra_kind.addrs(machine, addrs, 4), 2);
	assert_int_equal(vs_ra_kind.addrs(machine, addrs, 1), 1);
	vs_ra_kind.stop(machine, now);
	assert_int_equal(seen.n_addrs + seen.n_routes, 0);
	assert_int_equal(seen.facts.dns[0].family + seen.facts.mtu, 0);
	assert_string_equal(seen.facts.search, "");
	assert_int_equal(seen.news[VS_NEWS_LOST], 1);
	assert_int_equal(vs_ra_kind.deadline(machine), VS_AUTO_NEVER);
	assert_int_equal(vs_ra_kind.addrs(machine, addrs, 4), 0);
	advertise();
	vs_ra_kind.link(machine, now, true);
	assert_int_equal(seen.n_addrs + seen.n_routes, 0);
	assert_int_equal(ignored(VS_IGNORED_STATE), 1);
	assert_string_equal(describe().state, "INIT");

	start(VS_IID_NONE); /* while it searches, with the MTU as the only fact */
	ra.mtu = 1400;
	ra.lifetime_s = 0;
	advertise();
	assert_int_equal(seen.facts.mtu, 1400);
	vs_ra_kind.stop(machine, now);
	assert_int_equal(seen.facts.mtu, 0);
	assert_int_equal(vs_ra_kind.deadline(machine), VS_AUTO_NEVER);
}

static void a_machine_is_small(void **state)
{
	(void)state;
	assert_in_range(vs_ra_kind.size, 1, 4096);
}

static void each_kind_of_id_has_its_sysctls(void **state)
{
	unsigned stable = 0, n = 0;

	(void)state;
	for (const struct vs_ra_sysctl *s = vs_ra_sysctls; s->name != NULL; s++, n++)
		if (s->value == NULL) {
			assert_int_equal(s->iids, 1u << VS_IID_STABLE);
			stable++;
		}
	assert_int_equal(stable, 1);
	assert_true(n > 5);
}

static const struct CMUnitTest tests[] = {
	TEST(solicitations_go_on_less_and_less_often),
	TEST(the_times_of_solicitations_vary_by_a_tenth),
	TEST(the_mac_is_sent_once_the_address_is_ours),
	TEST(a_router_ends_the_search),
	TEST(on_another_network_the_old_one_goes),
	TEST(on_the_same_network_all_stays),
	TEST(a_router_that_answers_late_stays),
	TEST(nothing_is_sent_without_carrier),
	TEST(a_duplicate_of_the_link_local_address_is_reported),
	TEST(the_state_says_when_the_first_lifetime_ends),
	TEST(a_timer_that_is_late_catches_up),
	TEST(a_timer_that_is_early_does_nothing),
	TEST(stop_takes_everything_back),
	TEST(a_machine_is_small),
	TEST(each_kind_of_id_has_its_sysctls),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
