/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Strings of ioth_config() and its sisters: what each tag means, which strings are refused and at which
 * position, and the words of vdestack_config(7) that come out.
 */

#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "config/words.h"
#include "ioth/conf/plan.h"
#include "ioth/conf/words.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct vs_config_error error;

static struct vs_plan read_good(const char *text, enum vs_plan_call call)
{
	struct vs_plan plan;

	if (vs_plan_read(text, call, &error, &plan) != 0)
		fail_msg("\"%s\": %s", text, error.text);
	return plan;
}

static void check_words(char *words, bool none, const char *expected)
{
	if (expected == NULL) {
		assert_null(words);
		assert_true(none);
		return;
	}
	assert_non_null(words);
	assert_false(none);
	assert_string_equal(words, expected);
	free(words);
}

/* ------------------------------------------------------------------ tags */

#define ETH VS_PLAN_ETH
#define DHCP VS_PLAN_DHCP
#define DHCP6 VS_PLAN_DHCP6
#define RD VS_PLAN_RD
#define SLAAC VS_PLAN_SLAAC
#define STATIC VS_PLAN_STATIC

static void each_tag_means_its_parts(void **state)
{
	static const struct {
		const char *text;
		unsigned want, undo;
	} rows[] = {
		{ "", 0, 0 },
		{ "debug", 0, 0 },
		{ "iface=vde1", 0, 0 },
		{ "mac=02:00:00:00:00:01", 0, 0 },
		{ "fqdn=h.example.org", 0, 0 },
		{ "eth", ETH, 0 },
		{ "dhcp", DHCP, 0 },
		{ "dhcp4", DHCP, 0 },
		{ "dhcpv4", DHCP, 0 },
		{ "dhcp6", DHCP6, 0 },
		{ "dhcpv6", DHCP6, 0 },
		{ "rd", RD, 0 },
		{ "rd6", RD, 0 },
		{ "slaac", RD | SLAAC, 0 },
		{ "auto", ETH | DHCP | DHCP6 | RD, 0 },
		{ "auto4", ETH | DHCP, 0 },
		{ "autov4", ETH | DHCP, 0 },
		{ "auto6", ETH | DHCP6 | RD, 0 },
		{ "autov6", ETH | DHCP6 | RD, 0 },
		{ "auto slaac", ETH | DHCP | DHCP6 | RD | SLAAC, 0 },
		{ "ip=10.0.0.1", STATIC, 0 },
		{ "gw=10.0.0.1", STATIC, 0 },
		{ "dns=10.0.0.1", STATIC, 0 },
		{ "domain=example.org", STATIC, 0 },
		{ "-ip=10.0.0.1", 0, 0 },
		{ "-static", 0, STATIC },
		{ "-eth", 0, ETH },
		{ "-dhcp", 0, DHCP },
		{ "-dhcp4", 0, DHCP },
		{ "-dhcpv4", 0, DHCP },
		{ "-dhcp6", 0, DHCP6 },
		{ "-dhcpv6", 0, DHCP6 },
		{ "-rd", 0, RD | SLAAC },
		{ "-rd6", 0, RD | SLAAC },
		{ "-slaac", 0, SLAAC },
		{ "-auto", 0, ETH | DHCP | DHCP6 | RD | SLAAC },
		{ "-all", 0, ETH | DHCP | DHCP6 | RD | SLAAC },
		{ "-auto4", 0, ETH | DHCP },
		{ "-autov4", 0, ETH | DHCP },
		{ "-auto6", 0, ETH | DHCP6 | RD | SLAAC },
		{ "-autov6", 0, ETH | DHCP6 | RD | SLAAC },
		{ "-dhcp,eth,dhcp", ETH | DHCP, DHCP },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct vs_plan plan = read_good(rows[i].text, VS_CALL_CONFIG);
		if (plan.want != rows[i].want || plan.undo != rows[i].undo)
			fail_msg("\"%s\": want %x, undo %x", rows[i].text, plan.want, plan.undo);
		vs_plan_free(&plan);
	}
}

static void values_are_read(void **state)
{
	struct vs_plan plan =
		read_good("iface=vde3 fqdn=h.example.org. macaddr=02-00-00-00-00-0a timeout=3 eth",
			  VS_CALL_CONFIG);

	(void)state;
	assert_string_equal(plan.ifname, "vde3");
	assert_int_equal(plan.ifindex, 0);
	assert_string_equal(plan.fqdn, "h.example.org");
	assert_true(plan.has_mac);
	assert_memory_equal(plan.mac, "\2\0\0\0\0\12", 6);
	assert_int_equal(plan.timeout_ms, 3000);
	assert_true(vs_plan_needs_iface(&plan));
	vs_plan_free(&plan);
	plan = read_good("ifindex=2090826452", VS_CALL_CONFIG);
	assert_int_equal(plan.ifindex, 2090826452u);
	assert_true(vs_plan_needs_iface(&plan));
	vs_plan_free(&plan);
	plan = read_good(NULL, VS_CALL_CONFIG);
	assert_false(vs_plan_needs_iface(&plan));
	assert_int_equal(plan.timeout_ms, VS_PLAN_TIMEOUT_MS);
	vs_plan_free(&plan);
}

static void the_mac_address_is_from_the_name_unless_it_is_given(void **state)
{
	static const unsigned char of_name[6] = { 0x3e, 0x0e, 0xe1, 0x89, 0x0b, 0x58 };
	struct vs_plan plan = read_good("eth,fqdn=host.lab.test", VS_CALL_CONFIG);

	(void)state;
	assert_true(plan.has_mac);
	assert_memory_equal(plan.mac, of_name, 6);
	vs_plan_free(&plan);
	plan = read_good("eth,mac=02:00:00:00:00:01,fqdn=host.lab.test", VS_CALL_CONFIG);
	assert_memory_equal(plan.mac, "\2\0\0\0\0\1", 6);
	vs_plan_free(&plan);
	plan = read_good("eth", VS_CALL_CONFIG);
	assert_false(plan.has_mac);
	vs_plan_free(&plan);
}

static void separators_quotes_and_comments_are_as_documented(void **state)
{
	static const char *const texts[] = {
		"eth,ip=10.0.0.1/24,dns=10.0.0.2",
		" \t,;eth;;ip=10.0.0.1/24\tdns=10.0.0.2 , ",
		"'eth' \"ip=10.0.0.1/24\" dns=10.0.\\0.2",
		"eth # a comment, mac=zz ip=foo\nip=10.0.0.1/24 dns=10.0.0.2#",
		"#eth foo\neth ip='10.0.0.1'\"/24\" dns=10.0.0.2 # 'not closed",
		"dns=10.0.0.2\nip=10.0.0.1/24\neth",
		"eth,debug,ip=10.0.0.1,dns=10.0.0.2",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		bool has_hash = strstr(texts[i], "0.2#") != NULL;
		struct vs_plan plan;
		int r = vs_plan_read(texts[i], VS_CALL_CONFIG, &error, &plan);
		if (has_hash) { /* a '#' inside a word is a part of it */
			assert_int_equal(r, -EINVAL);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(plan.want, ETH | STATIC);
		assert_int_equal(plan.add.n, 2);
		assert_string_equal(plan.add.list[0], "ip=10.0.0.1/24");
		assert_string_equal(plan.add.list[1], "dns=10.0.0.2");
		vs_plan_free(&plan);
	}
}

static void static_items_have_one_spelling(void **state)
{
	static const char *const expected[] = { "ip=10.0.0.1/24",  "ip=fc00::1/64", "ip=fc00::2/128",
						"ip=10.1.0.1/0",   "gw=10.0.0.254", "gw=fe80::1",
						"dns=fc00::53",    "dns=10.0.0.53", "domain=b.example",
						"domain=a.example" };
	static const char *const gone[] = { "ip=10.0.0.9", "ip=fc00::9/64", "gw=10.0.0.9", "dns=10.0.0.9",
					    "domain=x.example" };
	struct vs_plan plan = read_good(
		"domain=b.example dns=FC00:0::53 gw=10.0.0.254 ip=10.0.0.1 ip=fc00:0:0::1 "
		"ip=fc00::2/128 ip=10.1.0.1/0 gw=fe80::1 dns=10.0.0.53 dns=10.0.0.53 domain=a.example. "
		"-ip=10.0.0.9 -ip=fc00::9/64 -gw=10.0.0.9 -dns=10.0.0.9 -domain=x.example",
		VS_CALL_CONFIG);

	(void)state;
	assert_int_equal(plan.add.n, COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_string_equal(plan.add.list[i], expected[i]);
	assert_int_equal(plan.remove.n, COUNT(gone));
	for (size_t i = 0; i < COUNT(gone); i++)
		assert_string_equal(plan.remove.list[i], gone[i]);
	vs_plan_free(&plan);
}

static void a_new_stack_has_a_kind_and_networks(void **state)
{
	struct vs_plan plan = read_good("stack='vdestack,x',vnl=vde:///tmp/a,eth,vnl=\"eth1:=ssh a, b\",vnl=",
					VS_CALL_NEWSTACK);

	(void)state;
	assert_string_equal(plan.stack, "vdestack,x");
	assert_int_equal(plan.n_vnl, 3);
	assert_string_equal(plan.vnlv[0], "vde:///tmp/a");
	assert_string_equal(plan.vnlv[1], "eth1:=ssh a, b");
	assert_string_equal(plan.vnlv[2], "");
	assert_null(plan.vnlv[3]);
	assert_int_equal(plan.want, ETH);
	vs_plan_free(&plan);
	plan = read_good("stack=kernel", VS_CALL_NEWSTACK);
	assert_null(plan.vnlv);
	assert_false(vs_plan_needs_iface(&plan));
	vs_plan_free(&plan);
}

/* ------------------------------------------------------------------ what is refused */

static void wrong_words_are_refused_at_their_position(void **state)
{
	static const struct {
		const char *text;
		size_t position;
		enum vs_plan_call call;
		const char *part; /* of the message */
	} rows[] = {
		/* the old defects */
		{ "eth,dns", 5, VS_CALL_CONFIG, "value is missing" },
		{ "eth dns=", 5, VS_CALL_CONFIG, "value is missing" },
		{ "ip=foo", 1, VS_CALL_CONFIG, "not an address" },
		{ "eth ; ip=10.0.0.1/99", 7, VS_CALL_CONFIG, "prefix length" },
		{ "ip=fc00::1/129", 1, VS_CALL_CONFIG, "prefix length" },
		{ "ip=10.0.0.1/", 1, VS_CALL_CONFIG, "prefix length" },
		{ "eth,mac=zz", 5, VS_CALL_CONFIG, "hardware address" },
		{ "mac=03:00:00:00:00:01", 1, VS_CALL_CONFIG, "first one even" },
		{ "mac=00:00:00:00:00:00", 1, VS_CALL_CONFIG, "hardware address" },
		{ "macaddress=02:00:00:00:00:01", 1, VS_CALL_CONFIG, "unknown word" },
		/* tags */
		{ "dhcpv44", 1, VS_CALL_CONFIG, "unknown word" },
		{ "DHCP", 1, VS_CALL_CONFIG, "unknown word" },
		{ "eth,,foo", 6, VS_CALL_CONFIG, "unknown word" },
		{ "et", 1, VS_CALL_CONFIG, "unknown word" },
		{ "ethx", 1, VS_CALL_CONFIG, "unknown word" },
		{ "''", 1, VS_CALL_CONFIG, "unknown word" },
		{ "=x", 1, VS_CALL_CONFIG, "unknown word" },
		{ "-debug", 1, VS_CALL_CONFIG, "unknown word" },
		{ "vdestack", 1, VS_CALL_CONFIG, "unknown word" },
		/* words of vdestack_config(7) that are none here */
		{ "route=10.0.0.0/8", 1, VS_CALL_CONFIG, "unknown word" },
		{ "delay=10ms", 1, VS_CALL_CONFIG, "unknown word" },
		{ "name=x", 1, VS_CALL_CONFIG, "unknown word" },
		{ "leases=/tmp", 1, VS_CALL_CONFIG, "unknown word" },
		{ "capture=/etc/x", 1, VS_CALL_CONFIG, "unknown word" },
		/* forms */
		{ "eth=1", 1, VS_CALL_CONFIG, "takes no value" },
		{ "auto=", 1, VS_CALL_CONFIG, "takes no value" },
		{ "-static=x", 1, VS_CALL_CONFIG, "takes no value" },
		{ "-ip", 1, VS_CALL_CONFIG, "value is missing" },
		{ "-dns=", 1, VS_CALL_CONFIG, "value is missing" },
		{ "ip", 1, VS_CALL_CONFIG, "value is missing" },
		{ "iface=", 1, VS_CALL_CONFIG, "value is missing" },
		/* values */
		{ "iface=a/b", 1, VS_CALL_CONFIG, "not a name" },
		{ "iface=0123456789abcdef", 1, VS_CALL_CONFIG, "not a name" },
		{ "iface=..", 1, VS_CALL_CONFIG, "not a name" },
		{ "ifindex=0", 1, VS_CALL_CONFIG, "not the index" },
		{ "ifindex=-1", 1, VS_CALL_CONFIG, "not the index" },
		{ "ifindex=+1", 1, VS_CALL_CONFIG, "not the index" },
		{ "ifindex=1x", 1, VS_CALL_CONFIG, "not the index" },
		{ "ifindex=4294967296", 1, VS_CALL_CONFIG, "not the index" },
		{ "ifindex=99999999999999999999999", 1, VS_CALL_CONFIG, "not the index" },
		{ "timeout=0", 1, VS_CALL_CONFIG, "seconds" },
		{ "timeout=3601", 1, VS_CALL_CONFIG, "seconds" },
		{ "timeout=1.5", 1, VS_CALL_CONFIG, "seconds" },
		{ "gw=10.0.0.1/24", 1, VS_CALL_CONFIG, "gateway" },
		{ "gw=default", 1, VS_CALL_CONFIG, "gateway" },
		{ "dns=example.org", 1, VS_CALL_CONFIG, "not an address" },
		{ "dns=fe80::1%vde0", 1, VS_CALL_CONFIG, "not an address" },
		{ "ip=224.0.0.1", 1, VS_CALL_CONFIG, "multicast" },
		{ "eth ip=0.0.0.0", 5, VS_CALL_CONFIG, "unspecified" },
		{ "domain=a..b", 1, VS_CALL_CONFIG, "domain name" },
		{ "domain='a b'", 1, VS_CALL_CONFIG, "domain name" },
		{ "eth # fqdn=..\n  fqdn=.", 17, VS_CALL_CONFIG, "domain name" },
		{ "-ip=foo", 1, VS_CALL_CONFIG, "not an address" },
		{ "-domain=.", 1, VS_CALL_CONFIG, NULL },
		/* twice */
		{ "iface=vde0 iface=vde1", 12, VS_CALL_CONFIG, "position 1" },
		{ "ifindex=2 iface=vde1", 11, VS_CALL_CONFIG, "position 1" },
		{ "mac=02:00:00:00:00:01 macaddr=02:00:00:00:00:02", 23, VS_CALL_CONFIG, "position 1" },
		{ "ip=10.0.0.1 eth ip=10.0.0.1", 17, VS_CALL_CONFIG, "already" },
		{ "fqdn=a.b eth fqdn=a.c", 14, VS_CALL_CONFIG, "position 1" },
		{ "timeout=1 timeout=1", 11, VS_CALL_CONFIG, "position 1" },
		{ "stack=a stack=b", 9, VS_CALL_NEWSTACK, "position 1" },
		/* quoting */
		{ "eth 'ip=10.0.0.1", 5, VS_CALL_CONFIG, NULL },
		{ "eth \"ip=10.0.0.1", 5, VS_CALL_CONFIG, NULL },
		{ "eth \\", 5, VS_CALL_CONFIG, NULL },
		/* the wrong call */
		{ "stack=vdestack", 1, VS_CALL_CONFIG, "does not take" },
		{ "eth vnl=vde:///tmp/x", 5, VS_CALL_CONFIG, "does not take" },
		{ "vnl", 1, VS_CALL_NEWSTACK, "needs '='" },
		{ "stack=", 1, VS_CALL_NEWSTACK, "value is missing" },
		{ "eth", 1, VS_CALL_RESOLVCONF, "does not take" },
		{ "iface=vde0,dns=10.0.0.1", 12, VS_CALL_RESOLVCONF, "does not take" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct vs_plan plan;
		int r = vs_plan_read(rows[i].text, rows[i].call, &error, &plan);
		if (rows[i].part == NULL && r == 0) {
			vs_plan_free(&plan);
			fail_msg("\"%s\" is taken", rows[i].text);
		}
		if (r != -EINVAL)
			fail_msg("\"%s\": %d", rows[i].text, r);
		char position[32];
		(void)snprintf(position, sizeof(position), "at position %zu", rows[i].position);
		if (strstr(error.text, position) == NULL ||
		    (rows[i].part != NULL && strstr(error.text, rows[i].part) == NULL))
			fail_msg("\"%s\" (position %zu): %s", rows[i].text, rows[i].position, error.text);
		assert_false(vs_plan_needs_iface(&plan)); /* empty */
	}
}

static void a_string_without_end_is_refused(void **state)
{
	size_t size = 70000;
	char *text = malloc(size + 1);
	struct vs_plan plan;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', size);
	memcpy(text, "eth", 3);
	text[size] = '\0';
	assert_int_equal(vs_plan_read(text, VS_CALL_CONFIG, &error, &plan), -E2BIG);
	for (size_t i = 0; i + 4 < 60000; i += 4)
		memcpy(text + i, "eth,", 4);
	text[60000] = '\0';
	assert_int_equal(vs_plan_read(text, VS_CALL_CONFIG, &error, &plan), -E2BIG);
	free(text);
}

/* ------------------------------------------------------------------ words of vdestack_config(7) */

static void a_plan_becomes_words(void **state)
{
	struct vs_plan plan =
		read_good("dhcp slaac fqdn=h.example.org -rd -dhcp dhcp6 eth ip=10.0.0.1 dns=10.0.0.2",
			  VS_CALL_CONFIG);
	bool none;
	char *words;

	(void)state;
	words = vs_words_start(&plan, "vde0", VS_PLAN_SOURCES, &none);
	check_words(words, none, "iface=vde0 rd slaac dhcp6 dhcp fqdn=h.example.org");
	words = vs_words_start(&plan, "vde0", VS_PLAN_DHCP6, &none);
	check_words(words, none, "iface=vde0 dhcp6 fqdn=h.example.org");
	words = vs_words_start(&plan, "vde0", 0, &none);
	check_words(words, none, NULL);
	words = vs_words_stop(&plan, "vde0", &none);
	check_words(words, none, "iface=vde0 -rd -slaac -dhcp");
	struct vs_items nothing = { 0 };
	words = vs_words_static("vde0", &nothing, &plan.add, &none);
	check_words(words, none, "iface=vde0 ip=10.0.0.1/24 dns=10.0.0.2");
	words = vs_words_static("vde0", &plan.add, &nothing, &none);
	check_words(words, none, "iface=vde0 -ip=10.0.0.1/24 -dns=10.0.0.2");
	words = vs_words_static("vde0", &nothing, &nothing, &none);
	check_words(words, none, NULL);
	vs_plan_free(&plan);
}

/* What comes out is taken by the parser of vdestack_configure(), also for a strange name. */
static void the_words_are_good_ones(void **state)
{
	struct vs_plan plan = read_good(
		"iface='a,b;#\"\\c' auto slaac fqdn=h.b ip=10.0.0.1 gw=10.0.0.2 domain=x.y -ip=10.0.0.3 -all",
		VS_CALL_CONFIG);
	struct vs_config *config;
	bool none;
	char *words[3];

	(void)state;
	words[0] = vs_words_start(&plan, plan.ifname, VS_PLAN_SOURCES, &none);
	words[1] = vs_words_stop(&plan, plan.ifname, &none);
	words[2] = vs_words_static(plan.ifname, &plan.remove, &plan.add, &none);
	for (size_t i = 0; i < COUNT(words); i++) {
		assert_non_null(words[i]);
		if (vs_config_parse_change(words[i], &error, &config) < 0)
			fail_msg("%s: %s", words[i], error.text);
		assert_int_equal(config->n_ifaces, 1);
		assert_string_equal(config->ifaces[0].name, "a,b;#\"\\c");
		vs_config_free(config);
		free(words[i]);
	}
	vs_plan_free(&plan);
}

/* ------------------------------------------------------------------ lists of items */

static void an_item_is_removed_by_what_means_it(void **state)
{
	struct vs_items items = { 0 }, gone = { 0 };

	(void)state;
	assert_true(vs_items_add(&items, "ip", "10.0.0.1/24") && vs_items_add(&items, "ip", "10.0.0.11/24") &&
		    vs_items_add(&items, "ip", "10.0.0.1/24") && vs_items_add(&items, "dns", "10.0.0.1") &&
		    vs_items_add(&items, "dns", "10.0.0.12"));
	assert_int_equal(items.n, 4);
	assert_true(vs_items_add(&gone, "ip", "10.0.0.1"));
	vs_items_remove(&items, &gone);
	assert_int_equal(items.n, 3);
	assert_false(vs_items_have(&items, "ip=10.0.0.1/24"));
	vs_items_free(&gone);
	assert_true(vs_items_add(&gone, "dns", "10.0.0.1") && vs_items_add(&gone, "ip", "10.0.0.11/25"));
	vs_items_remove(&items, &gone);
	assert_int_equal(items.n, 2);
	assert_string_equal(items.list[0], "ip=10.0.0.11/24");
	assert_string_equal(items.list[1], "dns=10.0.0.12");
	vs_items_free(&gone);
	vs_items_free(&items);
	vs_items_free(&items);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_tag_means_its_parts),
	cmocka_unit_test(values_are_read),
	cmocka_unit_test(the_mac_address_is_from_the_name_unless_it_is_given),
	cmocka_unit_test(separators_quotes_and_comments_are_as_documented),
	cmocka_unit_test(static_items_have_one_spelling),
	cmocka_unit_test(a_new_stack_has_a_kind_and_networks),
	cmocka_unit_test(wrong_words_are_refused_at_their_position),
	cmocka_unit_test(a_string_without_end_is_refused),
	cmocka_unit_test(a_plan_becomes_words),
	cmocka_unit_test(the_words_are_good_ones),
	cmocka_unit_test(an_item_is_removed_by_what_means_it),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, COUNT(tests));
}
