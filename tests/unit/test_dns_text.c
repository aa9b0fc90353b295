/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of name servers, resolv.conf, hosts and services. */

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "dns/hosts.h"
#include "dns/services.h"
#include "dns/settings.h"
#include "unit.h"

static struct vs_settings s;

static const char *server(size_t i)
{
	static char text[96];

	vs_server_text(&s.servers[i], text, sizeof(text));
	return text;
}

static const char *domain(size_t i)
{
	return s.search + s.domains[i];
}

static void servers_have_ports_and_zones(void **state)
{
	(void)state;
	vs_settings_init(&s);
	assert_int_equal(
		vs_settings_servers(
			&s, " 10.0.0.53,10.0.0.54:5353 fc00::53 [fc00::54]:54 [fc00::55] fe80::1%vde0\n"),
		0);
	assert_int_equal(s.n_servers, 6);
	assert_string_equal(server(0), "10.0.0.53");
	assert_string_equal(server(1), "10.0.0.54 port 5353");
	assert_string_equal(server(2), "fc00::53");
	assert_string_equal(server(3), "fc00::54 port 54");
	assert_string_equal(server(4), "fc00::55");
	assert_string_equal(server(5), "fe80::1%vde0");
}

static void malformed_servers_are_refused(void **state)
{
	static const char *const bad[] = {
		"10.0.0",        "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:",
		"[fc00::1",      "[fc00::1]x", "fe80::1%",       "fe80::1%a_name_of_20_bytes",
		"10.0.0.1%vde0", "ns.example", "10.0.0.1:1x"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		vs_settings_init(&s);
		assert_int_equal(vs_settings_servers(&s, bad[i]), -EINVAL);
	}
	assert_int_equal(vs_settings_servers(
				 &s,
				 "1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1"),
			 -E2BIG);
}

static void a_resolv_conf_is_read_as_others_read_it(void **state)
{
	(void)state;
	vs_settings_init(&s);
	vs_settings_resolv_conf(
		&s,
		"# nameserver 1.1.1.1\n; x\nnameserver 10.0.0.53\nnameserver\tfe80::1%vde0 # c\n"
		"nameserver nonsense\nsearch old.example\nsearch a.example  b.example. .. c\n"
		"options ndots:2 timeout:3 attempts:9 rotate use-vc edns0\nunknown x\noptions ndots:99",
		false);
	assert_int_equal(s.n_servers, 2);
	assert_string_equal(server(1), "fe80::1%vde0");
	assert_int_equal(s.n_search, 3);
	assert_string_equal(domain(0), "a.example");
	assert_string_equal(domain(1), "b.example");
	assert_string_equal(domain(2), "c");
	assert_int_equal(s.ndots, 15);
	assert_int_equal(s.timeout_ms, 3000);
	assert_int_equal(s.tries, 5);
	assert_true(s.tcp);
}

static void loopback_servers_of_the_host_are_left_out(void **state)
{
	static const char text[] =
		"nameserver 127.0.0.53\nnameserver ::1\nnameserver 10.0.0.1\nnameserver 0.0.0.0\n"
		"nameserver ::ffff:127.0.0.1\n";

	(void)state;
	vs_settings_init(&s);
	vs_settings_resolv_conf(&s, text, true);
	assert_int_equal(s.n_servers, 1);
	assert_string_equal(server(0), "10.0.0.1");
	assert_string_equal(s.refused, "127.0.0.53");
	vs_settings_init(&s);
	vs_settings_resolv_conf(&s, text, false);
	assert_int_equal(s.n_servers, 5);
	assert_string_equal(s.refused, "");
}

static void search_lists_have_limits(void **state)
{
	char list[3000] = "";

	(void)state;
	vs_settings_init(&s);
	assert_int_equal(vs_settings_search(&s, ""), 0);
	assert_int_equal(s.n_search, 0);
	assert_int_equal(vs_settings_search(&s, "a b c d e f g h i j k l m n o p"), 0);
	assert_int_equal(s.n_search, 16);
	assert_int_equal(vs_settings_search(&s, "a b c d e f g h i j k l m n o p q"), -E2BIG);
	assert_int_equal(vs_settings_search(&s, "a..b"), -EINVAL);
	for (int i = 0; i < 5; i++) {
		for (int n = 0; n < 4; n++)
			strcat(list, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff.");
		strcat(list, " ");
	}
	assert_int_equal(vs_settings_search(&s, list), -E2BIG);
	vs_settings_init(&s);
	memset(list, 'x', sizeof(list) - 1);
	memcpy(list, "search ", 7);
	list[sizeof(list) - 1] = '\0';
	vs_settings_resolv_conf(&s, list, false);
	assert_int_equal(s.n_search, 0);
}

static const char hosts[] =
	"# comment\n10.0.0.1 one.example one # first\nfc00::1\tone.example\n10.0.0.2 two\r\n"
	"nonsense one\n10.0.0.3 One.Example other\n999.1.1.1 one\n10.0.0.4";

static void hosts_are_found_in_the_order_of_the_file(void **state)
{
	struct vs_host found[8];
	char name[256] = "";

	(void)state;
	assert_int_equal(vs_hosts_find(hosts, "ONE.example.", AF_UNSPEC, found, 8, name), 3);
	assert_string_equal(name, "one.example");
	assert_int_equal(found[0].bytes[3], 1);
	assert_int_equal(found[1].family, AF_INET6);
	assert_int_equal(found[2].bytes[3], 3);
	assert_int_equal(vs_hosts_find(hosts, "one.example", AF_UNSPEC, found, 2, NULL), 2);
	assert_int_equal(vs_hosts_find(hosts, "one.example", AF_INET6, found, 2, NULL), 1);
	assert_int_equal(found[0].family, AF_INET6);
	assert_int_equal(vs_hosts_find(hosts, "other", AF_UNSPEC, found, 8, name), 1);
	assert_string_equal(name, "One.Example");
	assert_int_equal(vs_hosts_find(hosts, "two", AF_UNSPEC, found, 8, NULL), 1);
	assert_int_equal(vs_hosts_find(hosts, "first", AF_UNSPEC, found, 8, NULL), 0);
	assert_int_equal(vs_hosts_find(hosts, "comment", AF_UNSPEC, found, 8, NULL), 0);
	assert_true(vs_hosts_name(hosts, AF_INET, (const uint8_t[]){ 10, 0, 0, 3 }, name));
	assert_string_equal(name, "One.Example");
	assert_false(vs_hosts_name(hosts, AF_INET, (const uint8_t[]){ 10, 0, 0, 4 }, name));
	assert_false(vs_hosts_name(hosts, AF_INET, (const uint8_t[]){ 10, 0, 0, 5 }, name));
}

static void services_are_found_by_name_alias_and_port(void **state)
{
	static const char text[] =
		"# x\nweb 81/tcp http www # y\nweb 82/udp\nbad x/tcp\nhuge 70000/tcp\nlast 9/tcp";
	char name[64];

	(void)state;
	assert_int_equal(vs_services_port(text, "http", "tcp"), 81);
	assert_int_equal(vs_services_port(text, "web", "udp"), 82);
	assert_int_equal(vs_services_port(text, "http", "udp"), -1);
	assert_int_equal(vs_services_port(text, "huge", "tcp"), -1);
	assert_int_equal(vs_services_port(text, "bad", "tcp"), -1);
	assert_int_equal(vs_services_port(text, "y", "tcp"), -1);
	assert_int_equal(vs_services_port(text, "last", "tcp"), 9);
	assert_int_equal(vs_services_port(NULL, "http", "tcp"), 80);
	assert_int_equal(vs_services_port(NULL, "domain", "udp"), 53);
	assert_true(vs_services_name(text, 81, "tcp", name));
	assert_string_equal(name, "web");
	assert_false(vs_services_name(text, 81, "udp", name));
	assert_true(vs_services_name(NULL, 443, "tcp", name));
	assert_string_equal(name, "https");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(servers_have_ports_and_zones),
	cmocka_unit_test(malformed_servers_are_refused),
	cmocka_unit_test(a_resolv_conf_is_read_as_others_read_it),
	cmocka_unit_test(loopback_servers_of_the_host_are_left_out),
	cmocka_unit_test(search_lists_have_limits),
	cmocka_unit_test(hosts_are_found_in_the_order_of_the_file),
	cmocka_unit_test(services_are_found_by_name_alias_and_port),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
