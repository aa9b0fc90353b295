/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words of --publish, the header of the PROXY protocol, addresses. */

#include "unit.h"

#include <errno.h>
#include <string.h>

#include "publish/endpoint.h"
#include "publish/proxy.h"
#include "publish/word.h"

/* What a word means, as text: LISTEN>TARGET and the options; or the message. */
static const char *meaning(enum vs_publish_way way, const char *text)
{
	static char out[512];
	char message[256] = "", listen[VS_ENDPOINT_TEXT] = "*", target[VS_ENDPOINT_TEXT] = "*";
	struct vs_word w;

	if (vs_word_parse(way, text, &w, message, sizeof(message)) != 0) {
		(void)snprintf(out, sizeof(out), "%s", message);
		return out;
	}
	if (w.listen.sa.sa_family != AF_UNSPEC)
		vs_endpoint_format(&w.listen, listen);
	if (w.target.sa.sa_family != AF_UNSPEC)
		vs_endpoint_format(&w.target, target);
	(void)snprintf(out, sizeof(out), "%s %u > %s %u%s%s%s", listen, w.listen_port, target, w.target_port,
		       w.udp ? " udp" : "", w.proxy ? " proxy" : "", w.from_stack ? " from=stack" : "");
	return out;
}

static void words_mean_what_the_manual_says(void **state)
{
	(void)state;
	assert_string_equal(meaning(VS_PUBLISH_IN, "8080:80"), "* 8080 > * 80");
	assert_string_equal(meaning(VS_PUBLISH_IN, "0:80/tcp"), "* 0 > * 80");
	assert_string_equal(meaning(VS_PUBLISH_IN, "127.0.0.1:53:53/udp"), "127.0.0.1:0 53 > * 53 udp");
	assert_string_equal(meaning(VS_PUBLISH_IN, "[::1]:8080:10.0.0.1:80,proxy"),
			    "[::1]:0 8080 > 10.0.0.1:0 80 proxy");
	assert_string_equal(meaning(VS_PUBLISH_IN, "1:[fc00::1]:65535/tcp,from=stack,proxy"),
			    "* 1 > [fc00::1]:0 65535 proxy from=stack");
	assert_string_equal(meaning(VS_PUBLISH_OUT, "10.0.0.1:5432:192.0.2.1:5432"),
			    "10.0.0.1:0 5432 > 192.0.2.1:0 5432");
}

static void wrong_words_are_refused_with_the_reason(void **state)
{
	static const struct {
		const char *word, *reason;
	} wrong[] = {
		{ "", "no port" },
		{ "80", "a port is missing" },
		{ "80:", "no port" },
		{ ":80", "no port" },
		{ "80:0", "0 as the port" },
		{ "65536:80", "no port" },
		{ "80:-1", "no port" },
		{ "80: 80", "no port" },
		{ "80:80:80", "more than two ports" },
		{ "1.2.3:80:80", "no IPv4 address" },
		{ "1.2.3.4:80", "a port is missing" },
		{ "::1:80:80", "no port" },
		{ "[::1:80:80", "a \"[\" without" },
		{ "[::1]80:80", "a \"[\" without" },
		{ "[1.2.3.4]:80:80", "no IPv6 address" },
		{ "80:80/sctp", "neither tcp nor udp" },
		{ "80:80/", "neither tcp nor udp" },
		{ "80:80,", "an unknown option" },
		{ "80:80,proxy2", "an unknown option" },
		{ "80:80/udp,proxy", "proxy is for TCP" },
	};
	char longer[400];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(strstr(meaning(VS_PUBLISH_IN, wrong[i].word), wrong[i].reason));
	assert_non_null(strstr(meaning(VS_PUBLISH_OUT, "80:80,from=stack"), "an unknown option"));
	memset(longer, '1', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_non_null(strstr(meaning(VS_PUBLISH_IN, longer), "too long"));
}

static union vs_endpoint at(const char *text, uint16_t port)
{
	union vs_endpoint e;

	assert_true(vs_endpoint_parse(text, port, &e));
	return e;
}

/* The layout is that of proxy-protocol.txt, section 2.2. */
static void the_proxy_header_has_both_addresses(void **state)
{
	static const unsigned char v4[] =
		"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\7\x9c\x40\0\x50";
	static const unsigned char v6[] = "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24"
					  "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
					  "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1\x9c\x40\0\x50";
	unsigned char header[VS_PROXY_MAX];
	union vs_endpoint a = at("192.0.2.1", 40000), b = at("198.51.100.7", 80);

	(void)state;
	assert_int_equal(vs_proxy_header(&a, &b, header), sizeof(v4) - 1);
	assert_memory_equal(header, v4, sizeof(v4) - 1);
	a = at("2001:db8::1", 40000);
	b = at("10.0.0.1", 80);
	assert_int_equal(vs_proxy_header(&a, &b, header), sizeof(v6) - 1);
	assert_memory_equal(header, v6, sizeof(v6) - 1);
}

static void only_addresses_that_hosts_have_are_global(void **state)
{
	static const char *const global[] = { "192.0.2.1", "10.0.0.1", "1.0.0.0", "fc00::1", "2001:db8::1" };
	static const char *const other[] = {
		"127.1.2.3", "0.0.0.0", "169.254.1.1", "224.0.0.1", "255.255.255.255",
		"::",        "::1",     "fe80::1",     "ff02::1",   "::ffff:10.0.0.1"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(global) / sizeof(global[0]); i++) {
		union vs_endpoint e = at(global[i], 1);
		assert_true(vs_endpoint_is_global(&e));
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		union vs_endpoint e = at(other[i], 1);
		assert_false(vs_endpoint_is_global(&e));
	}
}

static void mapped_addresses_are_those_of_ipv4(void **state)
{
	union vs_endpoint a = at("::ffff:10.0.0.1", 5), b = at("10.0.0.1", 5), c = b;

	(void)state;
	assert_false(vs_endpoint_same(&a, &b));
	vs_endpoint_map(&c);
	assert_true(vs_endpoint_same(&a, &c));
	vs_endpoint_unmap(&a);
	assert_true(vs_endpoint_same(&a, &b));
	c = at("fc00::1", 5);
	vs_endpoint_unmap(&c);
	assert_int_equal(c.sa.sa_family, AF_INET6);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(words_mean_what_the_manual_says),
	cmocka_unit_test(wrong_words_are_refused_with_the_reason),
	cmocka_unit_test(the_proxy_header_has_both_addresses),
	cmocka_unit_test(only_addresses_that_hosts_have_are_global),
	cmocka_unit_test(mapped_addresses_are_those_of_ipv4),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
