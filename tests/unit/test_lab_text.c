/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The text of a lab: what is refused, where and why; addresses and routes that it leaves out; the text that
 * comes back.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lab/config.h"
#include "lab/draw.h"
#include "lab/line.h"
#include "lab/parse.h"
#include "unit.h"

static struct vs_lab_topology *parse(const char *text)
{
	struct vs_lab_topology *t = NULL;
	struct vs_lab_mistake m;

	if (vs_lab_parse(text, strlen(text), false, &t, &m) != 0)
		fail_msg("%u:%u: %s", m.place.line, m.place.column, m.why);
	return t;
}

struct refusal {
	const char *text;
	unsigned line, column;
	const char *says;
};

static void check_refused(const struct refusal *r)
{
	struct vs_lab_topology *t = NULL;
	struct vs_lab_mistake m;
	int result = vs_lab_parse(r->text, strlen(r->text), false, &t, &m);

	if (result != -EINVAL)
		fail_msg("\"%s\" returned %d", r->text, result);
	assert_null(t);
	if (m.place.line != r->line || m.place.column != r->column || strstr(m.why, r->says) == NULL)
		fail_msg("\"%s\": %u:%u: %s\nis not at %u:%u, or does not contain: %s", r->text, m.place.line,
			 m.place.column, m.why, r->line, r->column, r->says);
	if (strchr(m.why, ';') == NULL)
		fail_msg("no remedy: %s", m.why);
}

#define CHECK_REFUSALS(list)                                                                                 \
	for (size_t i = 0; i < sizeof(list) / sizeof((list)[0]); i++)                                        \
		check_refused(&(list)[i]);

#define LAN "network lan 10.0.0.0/24\n"
#define WEB LAN "host web on lan\n"

static void lines_that_are_not_known_are_refused_at_their_place(void **state)
{
	(void)state;
	static const struct refusal list[] = {
		{ "netwrk lan", 1, 1, "\"netwrk\" begins no line" },
		{ LAN "  Host web", 2, 3, "\"Host\" begins no line" },
		{ LAN "host \"web", 2, 6, "quote is not closed" },
		{ LAN "host 'web", 2, 6, "quote is not closed" },
		{ LAN "host web\\", 2, 9, "backslash" },
		{ LAN "host we\x01"
		      "b",
		  2, 8, "control character" },
		{ LAN "host w\x7f", 2, 7, "control character" },
	};
	CHECK_REFUSALS(list);
}

static void each_wrong_word_of_a_network_is_refused_at_its_place(void **state)
{
	(void)state;
	static const struct refusal list[] = {
		{ "network", 1, 8, "the name of the network" },
		{ "network # lan", 1, 14, "the name of the network" },
		{ "network lo", 1, 9, "cannot be the name" },
		{ "network all", 1, 9, "cannot be the name" },
		{ "network -a", 1, 9, "cannot be the name" },
		{ "network ..", 1, 9, "cannot be the name" },
		{ "network a/b", 1, 9, "cannot be the name" },
		{ "network 'a b'", 1, 9, "cannot be the name" },
		{ "network ''", 1, 9, "cannot be the name" },
		{ "network 0123456789abcdef", 1, 9, "cannot be the name" },
		{ "network a\nnetwork a", 2, 9, "a second network" },
		{ "network a 10.0.0.0", 1, 11, "has no length; write 10.0.0.0/24" },
		{ "network a fd00::", 1, 11, "write fd00::/64" },
		{ "network a 10.0.0.1/24", 1, 11, "write 10.0.0.0/24" },
		{ "network a 10.0.0.0/33", 1, 11, "no prefix" },
		{ "network a 10.0.0.0/024", 1, 11, "no prefix" },
		{ "network a 10.0.0.0/", 1, 11, "no prefix" },
		{ "network a 10.0.0.0/-1", 1, 11, "no prefix" },
		{ "network a 10.0.0/24", 1, 11, "no prefix" },
		{ "network a 0.0.0.0/0", 1, 11, "cannot have addresses" },
		{ "network a 224.0.0.0/8", 1, 11, "cannot have addresses" },
		{ "network a 127.0.0.0/8", 1, 11, "cannot have addresses" },
		{ "network a fe80::/64", 1, 11, "cannot have addresses" },
		{ "network a ff02::/64", 1, 11, "cannot have addresses" },
		{ "network a 10.0.0.0/8 10.1.0.0/16", 1, 22, "a second prefix" },
		{ "network a vde:///x vde:///y", 1, 20, "a second locator" },
	};
	CHECK_REFUSALS(list);
}

static void each_wrong_word_of_a_host_is_refused_at_its_place(void **state)
{
	(void)state;
	static const struct refusal list[] = {
		{ "host", 1, 5, "write a name" },
		{ "host a:b", 1, 6, "cannot be the name" },
		{ "host 0123456789012345678901234567890123", 1, 6, "cannot be the name" },
		{ "host a\nrouter a", 2, 8, "a second host" },
		{ "host why", 1, 6, "a file of a failure has it" },
		{ "server lab", 1, 8, "a file of a failure has it" },
		{ "router lab.addresses", 1, 8, "a file of a failure has it" },
		{ "server nft run x", 1, 8, "a file of a failure has it" },
		{ LAN "host a in lan", 2, 8, "\"in\" is unknown here" },
		{ LAN "host a on", 2, 10, "the name of a network" },
		{ LAN "host a on lna", 2, 11, "no network \"lna\"" },
		{ LAN "host a on lan on lan", 2, 18, "on this network already" },
		{ LAN "host a on lan 10.0.1.1", 2, 15, "not in the prefix" },
		{ LAN "host a on lan 10.0.0.1/25", 2, 15, "not in the prefix" },
		{ LAN "host a on lan 10.0.0.0", 2, 15, "the network's own" },
		{ LAN "host a on lan 10.0.0.255", 2, 15, "the network's own" },
		{ LAN "host a on lan 10.0.0.256", 2, 15, "no address of a host" },
		{ LAN "host a on lan 10.0.0.1 10.0.0.2", 2, 24, "a second address" },
		{ LAN "host a on lan fd00::1", 2, 15, "has no prefix; write fd00::1/64" },
		{ LAN "host a on lan fd00::/64", 2, 15, "the network's own" },
		{ LAN "host a on lan 10.0.0.7\nhost b on lan 10.0.0.7", 2, 11, "another host has" },
		{ LAN "host a config x", 2, 15, "belongs to the \"on\"" },
		{ LAN "host a on lan config", 2, 21, "words of vdestack_config" },
		{ LAN "host a on lan nat lan", 2, 19, "only routers" },
		{ LAN "router a nat lan on lan", 2, 14, "not on network" },
		{ LAN "router a on lan nat wan", 2, 21, "no network \"wan\"" },
		{ LAN "host a run", 2, 11, "a command" },
		{ LAN "host a run ''", 2, 12, "empty or has an open quote" },
		{ LAN "host a run \"x 'y\"", 2, 12, "empty or has an open quote" },
		{ LAN "host a run x run y", 2, 18, "a second command" },
		{ LAN "server a on lan", 2, 8, "has no command" },
		{ LAN "host a ready tcp 1", 2, 6, "no command that could be ready" },
		{ LAN "host a run x ready", 2, 19, "tcp PORT" },
		{ LAN "host a run x ready udp 1", 2, 20, "no kind of readiness" },
		{ LAN "host a run x ready tcp", 2, 23, "a port" },
		{ LAN "host a run x ready tcp 0", 2, 24, "no port" },
		{ LAN "host a run x ready tcp 65536", 2, 24, "no port" },
		{ LAN "host a run x ready tcp 1x", 2, 24, "no port" },
		{ LAN "host a run x ready file", 2, 24, "a path" },
		{ LAN "host a run x ready output ''", 2, 27, "empty" },
		{ LAN "host a run x ready tcp 1 ready tcp 2", 2, 32, "a second \"ready\"" },
		{ LAN "host a run x within", 2, 20, "a time" },
		{ LAN "host a run x within 5", 2, 21, "no time" },
		{ LAN "host a run x within 0s", 2, 21, "no time" },
		{ LAN "host a run x within 3601s", 2, 21, "no time" },
		{ LAN "host a run x within 5min", 2, 21, "no time" },
		{ "network p 10.0.0.0/30\nhost a on p\nhost b on p\nhost c on p", 4, 11, "no address left" },
	};
	CHECK_REFUSALS(list);
}

static void each_wrong_word_of_links_and_routes_is_refused_at_its_place(void **state)
{
	(void)state;
	static const struct refusal list[] = {
		{ WEB "link", 3, 5, "HOST:NETWORK" },
		{ WEB "link web", 3, 6, "is no port" },
		{ WEB "link wbe:lan loss=1%", 3, 6, "no host \"wbe\"" },
		{ WEB "link web:wan loss=1%", 3, 6, "not on network \"wan\"" },
		{ WEB "link web:lan", 3, 13, "ends too early" },
		{ WEB "link web:lan cut 'a b'", 3, 18, "no word of an impairment" },
		{ WEB "link web:lan 'x#'", 3, 14, "no word of an impairment" },
		{ WEB "link web:lan ''", 3, 14, "no word of an impairment" },
		{ WEB "link web:lan cut\nlink web:lan cut", 4, 6, "a second link" },
		{ WEB "route", 3, 6, "HOST PREFIX via GATEWAY" },
		{ WEB "route wbe", 3, 7, "no host \"wbe\"" },
		{ WEB "route web", 3, 10, "a prefix" },
		{ WEB "route web 1.2.3", 3, 11, "is no prefix" },
		{ WEB "route web 1.2.3.4/8", 3, 11, "write 1.0.0.0/8" },
		{ WEB "route web default", 3, 18, "via GATEWAY" },
		{ WEB "route web default at", 3, 19, "not \"via\"" },
		{ WEB "route web default via", 3, 22, "a gateway" },
		{ WEB "route web default via web", 3, 23, "choose a neighbour" },
		{ WEB "route web default via 10.1.0.1", 3, 23, "on no network of web" },
		{ WEB "route web default via 10.0.0.9/24", 3, 23, "no gateway" },
		{ WEB "route web fd01::/64 via 10.0.0.9", 3, 25, "no gateway" },
		{ WEB "route web default via 10.0.0.9 x", 3, 32, "unknown here" },
		{ WEB "route web default via 10.0.0.9\nroute web default via 10.0.0.8", 4, 11,
		  "a second route" },
	};
	CHECK_REFUSALS(list);
}

static const struct vs_lab_host *host(const struct vs_lab_topology *t, const char *name)
{
	int found = vs_lab_find_host(t, name);

	assert_true(found >= 0);
	return &t->hosts[found];
}

static void check_config(const struct vs_lab_topology *t, const char *name, const char *part, bool expected)
{
	char *config = vs_lab_config(t, (size_t)(host(t, name) - t->hosts), "x");

	assert_non_null(config);
	if ((strstr(config, part) != NULL) != expected)
		fail_msg("%s%s: %s", expected ? "" : "not ", part, config);
	free(config);
}

static void addresses_are_given_in_order_around_those_of_the_text(void **state)
{
	(void)state;
	struct vs_lab_topology *t = parse("host a on lan\nhost b on lan 10.0.0.2\nhost c on lan\n"
					  "network lan 10.0.0.0/24 fd00::/64");

	check_config(t, "a", "ip=10.0.0.1/24 ip=fd00::1/64", true);
	check_config(t, "b", "ip=10.0.0.2/24 ip=fd00::2/64", true);
	check_config(t, "c", "ip=10.0.0.3/24 ip=fd00::3/64", true);
	vs_lab_topology_free(t);
}

static void ways_through_routers_are_the_shortest_ones(void **state)
{
	(void)state;
	struct vs_lab_topology *t =
		parse("network a 10.0.1.0/24\nnetwork b 10.0.2.0/24\nnetwork c 10.0.3.0/24\n"
		      "network d 10.0.4.0/24\n"
		      "router r1 on a on b\nrouter r2 on b on c\nrouter r3 on c on d\n"
		      "host x on a\nhost y on d\nhost m on b\nhost n on b noroute\n");

	check_config(t, "x", "route=default@10.0.1.1", true);
	check_config(t, "y", "route=default@10.0.4.1", true);
	check_config(t, "m", "route=default@10.0.2.1", true);
	check_config(t, "m", "route=10.0.3.0/24@10.0.2.2", true);
	check_config(t, "m", "route=10.0.4.0/24@10.0.2.2", true);
	check_config(t, "m", "route=10.0.1.0/24", false);
	check_config(t, "r1", "route=10.0.4.0/24@10.0.2.2", true);
	check_config(t, "r1", "default", false);
	check_config(t, "n", "route=", false);
	vs_lab_topology_free(t);
}

static void what_is_behind_nat_is_private(void **state)
{
	(void)state;
	struct vs_lab_topology *t = parse("network lan 10.0.0.0/24\nnetwork mid 10.0.1.0/24\n"
					  "network wan 192.0.2.0/24\n"
					  "router in on lan on mid\nrouter r on mid on wan nat wan\n"
					  "host a on lan\nhost out on wan\n");

	check_config(t, "out", "route=", false);
	check_config(t, "in", "route=default@10.0.1.2", true);
	check_config(t, "a", "route=default@10.0.0.1", true);
	check_config(t, "r", "route=10.0.0.0/24@10.0.1.1", true);
	check_config(t, "r", "default", false);
	vs_lab_topology_free(t);
}

static void routes_of_the_text_take_the_place_of_others(void **state)
{
	(void)state;
	struct vs_lab_topology *t =
		parse("network lan 10.0.0.0/24\nnetwork wan 10.0.1.0/24\nrouter r on lan on wan\n"
		      "router s on lan on wan\nhost a on lan\nroute a default via s\n"
		      "route a 198.51.100.0/24 via 10.0.0.1");

	check_config(t, "a", "route=default@10.0.0.2", true);
	check_config(t, "a", "route=198.51.100.0/24@10.0.0.1", true);
	check_config(t, "a", "default@10.0.0.1", false);
	vs_lab_topology_free(t);
}

static char *drawn(const struct vs_lab_topology *t, unsigned format)
{
	char *text = NULL;

	assert_int_equal(vs_lab_draw(t, format, &text), 0);
	return text;
}

static void the_text_that_is_drawn_parses_to_itself(void **state)
{
	(void)state;
	struct vs_lab_topology *t = parse(
		"network lan 10.0.0.0/24 fd00::/64\nnetwork bare 'vde:///tmp/a b\"c\\'\nnetwork wan "
		"192.0.2.0/28\n"
		"router r on lan on wan nat wan\nhost h on bare 10.9.0.1/16 config \"mtu=9000\"\n"
		"server s on lan run \"sh -c 'echo \\\"x\\\" # y'\" ready output 'a \"b\" \\c' within 7s\n"
		"host q on lan run x ready file '/tmp/ f'\nhost n on lan noroute\n"
		"link r:lan delay=1ms loss=1%\nroute n default via r\n");
	char *first = drawn(t, 0);
	struct vs_lab_topology *again = parse(first);
	char *second = drawn(again, 0);

	assert_string_equal(first, second);
	assert_string_equal(host(t, "s")->run, host(again, "s")->run);
	free(first);
	free(second);
	vs_lab_topology_free(t);
	vs_lab_topology_free(again);
}

static void hostile_texts_are_escaped_in_pictures(void **state)
{
	(void)state;
	struct vs_lab_topology *t =
		parse("network lan 'vde:///<a>&\"'\nserver s on lan run '</text> & \"<script>\xff\"'\n"
		      "link s:lan <![CDATA[\n");
	char *svg = drawn(t, 2), *dot = drawn(t, 1);

	assert_null(strstr(svg, "<script"));
	assert_null(strstr(svg, "<![CDATA"));
	assert_non_null(strstr(svg, "&lt;/text&gt; &amp; &quot;&lt;script&gt;?"));
	assert_non_null(strstr(dot, "\\\"<script>"));
	free(svg);
	free(dot);
	vs_lab_topology_free(t);
}

static void a_part_of_a_text_may_name_what_comes_later(void **state)
{
	(void)state;
	struct vs_lab_topology *t = NULL;
	struct vs_lab_mistake m;
	static const char part[] =
		"router r on lan on wan nat wan\nlink web:lan loss=1%\nroute web default via r\n";

	assert_int_equal(vs_lab_parse(part, strlen(part), true, &t, &m), 0);
	vs_lab_topology_free(t);
	assert_int_equal(vs_lab_parse(part, strlen(part), false, &t, &m), -EINVAL);
	assert_int_equal(vs_lab_parse("host a on l/n", 13, true, &t, &m), -EINVAL);
}

static void commands_are_split_as_lines_are(void **state)
{
	(void)state;
	int err;
	char **argv = vs_lab_line_argv(" sh -c 'a  b' \"c\\\"d\" e\\ f ''", &err);
	static const char *const expected[] = { "sh", "-c", "a  b", "c\"d", "e f", "" };

	assert_non_null(argv);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(argv[i], expected[i]);
	assert_null(argv[6]);
	free(argv);
	assert_null(vs_lab_line_argv("  ", &err));
	assert_int_equal(err, -EINVAL);
}

int main(int argc, char *argv[])
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_that_are_not_known_are_refused_at_their_place),
		cmocka_unit_test(each_wrong_word_of_a_network_is_refused_at_its_place),
		cmocka_unit_test(each_wrong_word_of_a_host_is_refused_at_its_place),
		cmocka_unit_test(each_wrong_word_of_links_and_routes_is_refused_at_its_place),
		cmocka_unit_test(addresses_are_given_in_order_around_those_of_the_text),
		cmocka_unit_test(ways_through_routers_are_the_shortest_ones),
		cmocka_unit_test(what_is_behind_nat_is_private),
		cmocka_unit_test(routes_of_the_text_take_the_place_of_others),
		cmocka_unit_test(the_text_that_is_drawn_parses_to_itself),
		cmocka_unit_test(hostile_texts_are_escaped_in_pictures),
		cmocka_unit_test(a_part_of_a_text_may_name_what_comes_later),
		cmocka_unit_test(commands_are_split_as_lines_are),
	};
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
