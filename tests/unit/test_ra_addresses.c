/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SLAAC: addresses, their ids and lifetimes. */

#include "ra_net.h"

static void an_address_is_gained_when_it_is_unique(void **state)
{
	(void)state;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 3600, 1800);
	advertise();
	const struct vs_auto_addr *a = the_addr("2001:db8:1::ff:fe00:1");
	assert_non_null(a);
	assert_int_equal(a->valid_s, 3600);
	assert_int_equal(a->preferred_s, 1800);
	assert_false(a->nodad);
	assert_false(describe().ready);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 0);
	struct vs_auto_addr other = *a; /* of another source, with the same prefix */
	other.ip.bytes[15]++;
	detected(&other, true);
	detected(&other, false);
	assert_int_equal(seen.news[VS_NEWS_GAINED] + seen.news[VS_NEWS_CONFLICT], 0);
	detected(a, false);
	assert_true(describe().ready);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 1);
	detected(a, false);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 1);
	pass(60000);
	advertise();
	assert_int_equal(seen.news[VS_NEWS_RENEWED], 1);
	assert_int_equal(seen.news[VS_NEWS_CHANGED], 0);
	unsigned calls = seen.calls;
	advertise(); /* nothing new */
	assert_int_equal(seen.calls, calls);
	assert_int_equal(seen.news[VS_NEWS_RENEWED], 1);
}

static void without_detection_an_address_is_gained_at_once(void **state)
{
	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 3600, 1800);
	advertise();
	assert_int_equal(ignored(VS_IGNORED_CONTENT), 0);
	assert_true(the_addr("2001:db8:1::ff:fe00:1")->nodad);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 1);
}

static void the_id_is_the_hash_of_the_name(void **state)
{
	(void)state;
	config.fqdn = "host.lab.test";
	start(VS_IID_HASH);
	set_prefix(0, "fc09::", 3600, 1800);
	advertise();
	assert_non_null(the_addr("fc09::3c0e:e1cc:8889:b58"));
	start(VS_IID_EUI64); /* only if asked for */
	set_prefix(0, "fc09::", 3600, 1800);
	advertise();
	assert_non_null(the_addr("fc09::ff:fe00:1"));
}

static void a_hash_address_that_another_host_has_is_given_up(void **state)
{
	(void)state;
	config.fqdn = "host.lab.test";
	start(VS_IID_HASH);
	set_prefix(0, "fc09::", 3600, 1800);
	advertise();
	detected(&seen.addrs[0], true);
	assert_int_equal(seen.n_addrs, 0);
	assert_int_equal(seen.news[VS_NEWS_CONFLICT], 1);
	assert_string_equal(describe().problem, "another host uses the address");
	pass(1000);
	advertise(); /* does not make it again */
	assert_int_equal(seen.n_addrs, 0);
	vs_ra_kind.link(machine, now, false);
	vs_ra_kind.link(machine, now, true); /* another try */
	advertise();
	assert_int_equal(seen.n_addrs, 1);
}

static void a_stable_address_that_another_host_has_is_replaced(void **state)
{
	struct vs_auto_addr had[5];
	uint8_t counter, right[16];

	(void)state;
	memset(config.secret, 7, sizeof(config.secret));
	start(VS_IID_STABLE);
	set_prefix(0, "2001:db8:1::", 3600, 1800);
	advertise();
	for (uint8_t i = 0; i < 4; i++) {
		assert_int_equal(seen.n_addrs, 1);
		read_addr("2001:db8:1::", right);
		counter = i;
		vs_stable_addr(right, "vde0", config.secret, &counter);
		assert_memory_equal(seen.addrs[0].ip.bytes, right, 16);
		had[i] = seen.addrs[0];
		detected(&had[i], true);
	}
	assert_int_equal(seen.n_addrs, 0); /* enough */
	assert_int_equal(seen.news[VS_NEWS_CONFLICT], 4);
	detected(&had[0], false); /* late, of an address that is not set any more */
	assert_int_equal(seen.news[VS_NEWS_GAINED], 0);
}

static void renumbering_deprecates_the_old_prefix(void **state)
{
	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 7 * 86400, 86400);
	advertise();
	pass(60000);
	set_prefix(0, "2001:db8:1::", 0, 0);
	set_prefix(1, "2001:db8:2::", 7 * 86400, 86400);
	advertise();
	const struct vs_auto_addr *old = the_addr("2001:db8:1::ff:fe00:1");
	assert_int_equal(old->preferred_s, 0);
	assert_int_equal(old->valid_s, 7200);
	assert_int_equal(the_addr("2001:db8:2::ff:fe00:1")->preferred_s, 86400);
	assert_int_equal(seen.news[VS_NEWS_CHANGED], 1);
	for (int i = 0; i < 23; i++) {
		pass(300000);
		advertise(); /* does not keep the old one alive */
	}
	assert_non_null(the_addr("2001:db8:1::ff:fe00:1"));
	pass(300000);
	assert_null(the_addr("2001:db8:1::ff:fe00:1"));
	assert_int_equal(seen.news[VS_NEWS_LOST], 0);
}

/* RFC 4862 section 5.5.3 e, case by case. */
static void a_lifetime_is_not_cut_below_two_hours(void **state)
{
	static const struct {
		uint32_t left, received, then;
	} cases[] = {
		{ 10000, 20000, 20000 }, { 10000, 8000, 8000 }, { 10000, 7201, 7201 }, { 10000, 7199, 7200 },
		{ 10000, 1, 7200 },      { 10000, 0, 7200 },    { 7000, 6999, 7000 },  { 7000, 0, 7000 },
		{ 7000, 7100, 7100 },    { 60, 10, 60 },        { 60, 61, 61 },
		{ VS_NDP_FOREVER, 0, 7200 },
		{ VS_NDP_FOREVER, 90000, 90000 },
		{ 60, VS_NDP_FOREVER, VS_AUTO_FOREVER },
	};

	(void)state;
	config.nodad = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(VS_IID_EUI64);
		set_prefix(0, "2001:db8:1::", cases[i].left, 30);
		advertise();
		set_prefix(0, "2001:db8:1::", cases[i].received, 0);
		advertise();
		assert_int_equal(seen.addrs[0].valid_s, cases[i].then);
		assert_int_equal(seen.addrs[0].preferred_s, 0);
	}
}

static void the_last_address_that_expires_is_lost(void **state)
{
	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 600, 300);
	advertise();
	pass(599999);
	assert_int_equal(seen.n_addrs, 1);
	pass(1);
	assert_int_equal(seen.n_addrs, 0);
	assert_int_equal(seen.news[VS_NEWS_LOST], 1);
	assert_false(describe().ready);
}

static void prefixes_that_make_no_address_are_refused(void **state)
{
	(void)state;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 600, 300);
	ra.prefixes[0].len = 63;
	advertise();
	assert_int_equal(seen.n_addrs, 0);
	assert_int_equal(ignored(VS_IGNORED_CONTENT), 1);
	ra.prefixes[0].len = 64;
	ra.prefixes[0].valid_s = ra.prefixes[0].preferred_s = 0; /* it would end at once */
	advertise();
	assert_int_equal(seen.n_addrs, 0);
	assert_int_equal(ignored(VS_IGNORED_CONTENT), 1);
	set_prefix(0, "::", 600, 300); /* of the unspecified address, loopback and IPv4 in IPv6 */
	ra.prefixes[0].on_link = false;
	advertise();
	assert_int_equal(seen.n_addrs, 0);
	assert_int_equal(ignored(VS_IGNORED_CONTENT), 2);
}

static const struct CMUnitTest tests[] = {
	TEST(an_address_is_gained_when_it_is_unique),
	TEST(without_detection_an_address_is_gained_at_once),
	TEST(the_id_is_the_hash_of_the_name),
	TEST(a_hash_address_that_another_host_has_is_given_up),
	TEST(a_stable_address_that_another_host_has_is_replaced),
	TEST(renumbering_deprecates_the_old_prefix),
	TEST(a_lifetime_is_not_cut_below_two_hours),
	TEST(the_last_address_that_expires_is_lost),
	TEST(prefixes_that_make_no_address_are_refused),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
