/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks and addresses as programs write them for vdestack_dial() and vdestack_listen(). */

#include "unit.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "dns/endpoint.h"

static struct vs_endpoint read_good(const char *network, const char *address)
{
	struct vs_endpoint out;
	const char *wrong = vs_endpoint_read(network, address, &out);

	if (wrong != NULL)
		fail_msg("%s %s: %s", network, address, wrong);
	return out;
}

static void networks_have_a_family_and_a_type(void **state)
{
	static const struct {
		const char *network;
		int family, type, protocol;
	} rows[] = {
		{ "tcp", AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP }, { "tcp4", AF_INET, SOCK_STREAM, IPPROTO_TCP },
		{ "tcp6", AF_INET6, SOCK_STREAM, IPPROTO_TCP }, { "udp", AF_UNSPEC, SOCK_DGRAM, IPPROTO_UDP },
		{ "udp4", AF_INET, SOCK_DGRAM, IPPROTO_UDP },   { "udp6", AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vs_endpoint out = read_good(rows[i].network, ":1");

		assert_int_equal(out.family, rows[i].family);
		assert_int_equal(out.type, rows[i].type);
		assert_int_equal(out.protocol, rows[i].protocol);
	}
}

static void addresses_are_a_host_and_a_service(void **state)
{
	static const struct {
		const char *network, *address, *host, *service;
		bool numeric;
	} rows[] = {
		{ "tcp", "www.example:80", "www.example", "80", false },
		{ "tcp", "www.example:http", "www.example", "http", false },
		{ "tcp4", "10.0.0.1:80", "10.0.0.1", "80", true },
		{ "tcp", "[fc00::1]:80", "fc00::1", "80", true },
		{ "udp6", "[fe80::1%vde0]:domain", "fe80::1%vde0", "domain", true },
		{ "tcp", "[::]:80", "::", "80", true },
		{ "tcp", "[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1", "80", true },
		{ "tcp", ":80", "", "80", false },
		{ "tcp", "host:", "host", "", false },
		{ "tcp", ":", "", "", false },
		{ "tcp", "_a._tcp.example.:1", "_a._tcp.example.", "1", false },
		{ "tcp", "10.0.0.1.example:1", "10.0.0.1.example", "1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vs_endpoint out = read_good(rows[i].network, rows[i].address);

		assert_string_equal(out.host, rows[i].host);
		assert_string_equal(out.service, rows[i].service);
		assert_int_equal(out.numeric, rows[i].numeric);
	}
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *network, *address, *wrong;
	} rows[] = {
		{ "tcp5", "a:1", "tcp, tcp4, tcp6" },
		{ "", "a:1", "tcp, tcp4, tcp6" },
		{ "TCP", "a:1", "tcp, tcp4, tcp6" },
		{ "tcp", "", "port is missing" },
		{ "tcp", "www.example", "port is missing" },
		{ "tcp", "10.0.0.1", "port is missing" },
		{ "tcp", "fc00::1:80", "too many colons" },
		{ "tcp", "a:1:2", "too many colons" },
		{ "tcp", "[fc00::1", "] is missing" },
		{ "tcp", "[fc00::1]", "port is missing" },
		{ "tcp", "[fc00::1]80", "port is missing" },
		{ "tcp", "[]:80", "no IPv6 address" },
		{ "tcp", "[10.0.0.1]:80", "no IPv6 address" },
		{ "tcp", "[www.example]:80", "no IPv6 address" },
		{ "tcp", "[fe80::1%]:80", "no IPv6 address" },
		{ "tcp", "[fe80::1]]:80", "port is missing" },
		{ "tcp", "[fe80::1%a b]:80", "character" },
		{ "tcp", "a b:80", "character" },
		{ "tcp", "a:8 0", "character" },
		{ "tcp", "a[b:80", "character" },
		{ "tcp4", "[fc00::1]:80", "other family" },
		{ "tcp6", "10.0.0.1:80", "other family" },
	};
	struct vs_endpoint out;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *wrong = vs_endpoint_read(rows[i].network, rows[i].address, &out);

		if (wrong == NULL || strstr(wrong, rows[i].wrong) == NULL)
			fail_msg("%s: \"%s\"", rows[i].address, wrong != NULL ? wrong : "accepted");
	}
}

/* The longest that fits, and one byte more. */
static void texts_that_are_too_long_are_refused(void **state)
{
	char text[VS_ENDPOINT_HOST_MAX + 8];
	struct vs_endpoint out;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + VS_ENDPOINT_HOST_MAX - 1, ":1", 3);
	assert_null(vs_endpoint_read("tcp", text, &out));
	memset(text, 'a', sizeof(text));
	memcpy(text + VS_ENDPOINT_HOST_MAX, ":1", 3);
	assert_non_null(vs_endpoint_read("tcp", text, &out));
	memset(text, 'a', sizeof(text));
	text[0] = ':';
	text[VS_ENDPOINT_SERVICE_MAX] = '\0';
	assert_null(vs_endpoint_read("tcp", text, &out));
	text[VS_ENDPOINT_SERVICE_MAX] = 'a';
	text[VS_ENDPOINT_SERVICE_MAX + 1] = '\0';
	assert_non_null(vs_endpoint_read("tcp", text, &out));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(networks_have_a_family_and_a_type),
	cmocka_unit_test(addresses_are_a_host_and_a_service),
	cmocka_unit_test(what_is_wrong_is_said),
	cmocka_unit_test(texts_that_are_too_long_are_refused),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
