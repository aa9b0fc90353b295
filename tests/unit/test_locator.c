/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which locators a keeper opens, and which not, in every spelling that means the same to libvdeplug and its
 * plugins.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "config/locator.h"
#include "unit.h"

struct judged {
	const char *text;
	enum vs_locator_verdict verdict;
};

static void check(const struct judged *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum vs_locator_verdict verdict = vs_locator_judge(list[i].text);
		if (verdict != list[i].verdict)
			fail_msg("\"%s\": %d instead of %d", list[i].text, (int)verdict,
				 (int)list[i].verdict);
	}
}

#define CHECK_LIST(list) check(list, sizeof(list) / sizeof((list)[0]))

static void descriptors_are_found(void **state)
{
	static const struct judged list[] = {
		{ "seqpacket://0", VS_LOCATOR_DESCRIPTOR },
		{ "seqpacket://", VS_LOCATOR_DESCRIPTOR },
		{ "seqpacket:// 0x7", VS_LOCATOR_DESCRIPTOR },
		{ "vlan://1{seqpacket://5}", VS_LOCATOR_DESCRIPTOR },
		{ "vlan://1{vlan://2{seqpacket://5}}", VS_LOCATOR_DESCRIPTOR },
		{ "agno:///key[ethtype=copy]{seqpacket://5", VS_LOCATOR_DESCRIPTOR },
		{ "vlan://1{'seqpacket'://5}", VS_LOCATOR_DESCRIPTOR },
		{ "vlan://1{seq\\packet://5}", VS_LOCATOR_DESCRIPTOR },
		{ "vlan://1%7b%73eqpacket:%2f/5}", VS_LOCATOR_DESCRIPTOR },
	};

	(void)state;
	CHECK_LIST(list);
}

static void commands_are_found(void **state)
{
	static const struct judged list[] = {
		{ "cmd://true", VS_LOCATOR_COMMAND },
		{ "=true", VS_LOCATOR_COMMAND },
		{ "vlan://1{cmd://true}", VS_LOCATOR_COMMAND },
		{ "vlan://1{=true}", VS_LOCATOR_COMMAND },
		{ "agno://{vlan://1{cmd://true}}", VS_LOCATOR_COMMAND },
		{ "slirp:///cmdfwd=7:true", VS_LOCATOR_COMMAND },
		{ "slirp://x/cmdfwd=7:true", VS_LOCATOR_COMMAND },
		{ "slirp:///verbose/c=7:true", VS_LOCATOR_COMMAND },
		{ "slirp:///cmdf=7:true/verbose", VS_LOCATOR_COMMAND },
		{ "slirp:///'c'mdfwd=7:true", VS_LOCATOR_COMMAND },
		{ "slirp:///c\\m=7:true", VS_LOCATOR_COMMAND },
		{ "slirp:///%63mdfwd=7:true", VS_LOCATOR_COMMAND },
		{ "slirp:///%63mdfwd%3d7:true", VS_LOCATOR_COMMAND },
		{ "vlan://1{slirp:///cmdfwd=7:true}", VS_LOCATOR_COMMAND },
		{ "pcap://dbus-session", VS_LOCATOR_COMMAND },
		{ "pcap://x/dbus://unixexec:path=true", VS_LOCATOR_COMMAND },
		{ "vlan://1{pcap://dbus-system}", VS_LOCATOR_COMMAND },
	};

	(void)state;
	CHECK_LIST(list);
}

static void plugins_by_path_are_found(void **state)
{
	static const struct judged list[] = {
		{ "a/b://", VS_LOCATOR_PLUGIN },
		{ "../../b://x", VS_LOCATOR_PLUGIN },
		{ "vlan://1{a/b://x}", VS_LOCATOR_PLUGIN },
		{ "vlan://1{/tmp/x}/../b://x}", VS_LOCATOR_PLUGIN },
	};

	(void)state;
	CHECK_LIST(list);
}

static void ordinary_locators_are_accepted(void **state)
{
	static const struct judged list[] = {
		{ "", VS_LOCATOR_FINE },
		{ "/tmp/sw", VS_LOCATOR_FINE },
		{ "sw", VS_LOCATOR_FINE },
		{ "vde:///tmp/my net[port=3]", VS_LOCATOR_FINE },
		{ "vde://", VS_LOCATOR_FINE },
		{ "ptp:///tmp/cmd/seqpacket", VS_LOCATOR_FINE },
		{ "hub:///tmp/a=b", VS_LOCATOR_FINE },
		{ "udp://127.0.0.1:1->127.0.0.1:2", VS_LOCATOR_FINE },
		{ "vxvde://239.1.2.3/vni=5", VS_LOCATOR_FINE },
		{ "vxlan://239.1.2.3/if=eth0", VS_LOCATOR_FINE },
		{ "slirp://", VS_LOCATOR_FINE },
		{ "slirp:///tcpfwd=8080:10.0.2.15:80/udpfwd=53:10.0.2.15:53", VS_LOCATOR_FINE },
		{ "slirp:///tftp_path=/srv/cmd/c/cmdfwd", VS_LOCATOR_FINE },
		{ "vlan://3[untag=4/trunk/tag=10:11-12:12-11]{vde:///tmp/myswitch}", VS_LOCATOR_FINE },
		{ "vlan://4{vlan://5[qinq]{vxvde://234.1.2.3}}", VS_LOCATOR_FINE },
		{ "vlan://3{/tmp/sw}", VS_LOCATOR_FINE },
		{ "agno:///tmp/key[ethtype=copy]{vde:///tmp/sw}", VS_LOCATOR_FINE },
		{ "agno://~/key{vde:///tmp/sw}", VS_LOCATOR_FINE },
		{ "pcap://eth0", VS_LOCATOR_FINE },
		{ "vdesl:///dev/ttyS0[speed=115200]", VS_LOCATOR_FINE },
		{ "tap://cable", VS_LOCATOR_FINE },
		{ "null://", VS_LOCATOR_FINE },
		{ "inproc://lan", VS_LOCATOR_FINE },
		{ "/tmp/100%", VS_LOCATOR_FINE },
		{ "/tmp/%00%zz\\", VS_LOCATOR_FINE },
	};

	(void)state;
	CHECK_LIST(list);
}

static void unlimited_braces_are_refused(void **state)
{
	static char text[8193];

	(void)state;
	memset(text, '{', sizeof(text) - 1);
	assert_int_equal(vs_locator_judge(text), VS_LOCATOR_DEEP);
	memset(text, '}', sizeof(text) - 1);
	assert_int_equal(vs_locator_judge(text), VS_LOCATOR_DEEP);
}

/* The heap block has the exact size: a sanitizer detects a read beyond the end. */
static void any_bytes_are_checked(void **state)
{
	static const char pieces[] = "{}%'\"\\=:/cmdseqpacketslirpcmdfwd0123456789abcdef";
	unsigned seed = 7;

	(void)state;
	print_message("seed %u\n", seed);
	for (int i = 0; i < 20000; i++) {
		size_t len = (size_t)rand_r(&seed) % 40;
		char *text = calloc(1, len + 1);
		for (size_t j = 0; j < len; j++)
			text[j] = pieces[(size_t)rand_r(&seed) % (sizeof(pieces) - 1)];
		struct vs_locator locator;
		vs_locator_parse(text, &locator);
		assert_int_equal(locator.verdict, vs_locator_judge(text));
		assert_in_range(locator.rest - text, 0, (long)len);
		free(text);
	}
}

static int refuse(const char *text, struct vs_config_error *error)
{
	struct vs_locator locator;

	vs_locator_parse(text, &locator);
	return vs_locator_refuse("vde0", text, locator.verdict, error);
}

static void the_message_names_a_remedy(void **state)
{
	struct vs_config_error error;

	(void)state;
	assert_int_equal(refuse("vde:///tmp/sw", &error), 0);
	assert_int_equal(refuse("seqpacket://5", &error), -ENOTSUP);
	assert_int_equal(error.err, ENOTSUP);
	assert_non_null(strstr(error.text, "vde0"));
	assert_non_null(strstr(error.text, "ptp://"));
	assert_int_equal(refuse("vlan://1{cmd://true}", &error), -ENOTSUP);
	assert_non_null(strstr(error.text, "=COMMAND"));
	assert_int_equal(refuse("a/b://", &error), -EPROTONOSUPPORT);
	assert_int_equal(refuse("{{{{{{{{{{{{{{{{{", &error), -EINVAL);
}

/* ------------------------------------------------------------------ the struct */

static const struct {
	const char *text;
	enum vs_locator_kind kind;
	enum vs_locator_verdict verdict;
	const char *scheme;
	const char *rest;
	bool needs_directory;
	bool opens_terminal;
} parsed[] = {
	{ "inproc://lan", VS_KIND_SEGMENT, VS_LOCATOR_FINE, "inproc", "lan", false, false },
	{ "inproc://", VS_KIND_SEGMENT, VS_LOCATOR_FINE, "inproc", "", false, false },
	{ "local://lan", VS_KIND_LOCAL, VS_LOCATOR_FINE, "local", "lan", false, false },
	{ "local:/lan", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "", "local:/lan", true, false },
	{ "inproc://a{=x}", VS_KIND_SEGMENT, VS_LOCATOR_COMMAND, "inproc", "a{=x}", false, false },
	{ "=ssh host", VS_KIND_COMMAND, VS_LOCATOR_COMMAND, "", "ssh host", false, false },
	{ "=wget http://x", VS_KIND_COMMAND, VS_LOCATOR_COMMAND, "", "wget http://x", false, false },
	{ "=", VS_KIND_COMMAND, VS_LOCATOR_COMMAND, "", "", false, false },
	{ "cmd://ssh host", VS_KIND_COMMAND, VS_LOCATOR_COMMAND, "cmd", "ssh host", false, false },
	{ "cmd://=x", VS_KIND_COMMAND, VS_LOCATOR_COMMAND, "cmd", "=x", false, false },
	/* a command for the keeper, spelled so that the program does not start it */
	{ "c'md://x", VS_KIND_PLUGIN, VS_LOCATOR_COMMAND, "c'md", "x", true, false },
	{ "%3dx", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "", "%3dx", true, false },
	{ "", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "", "", true, false },
	{ "sw", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "", "sw", true, false },
	{ "/run/sw", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "", "/run/sw", false, false },
	{ "/run/sw[3]", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "", "/run/sw[3]", false, false },
	{ "://x", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "", "x", true, false },
	{ "vde://", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "vde", "", true, false },
	{ "vde://sw", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "vde", "sw", true, false },
	{ "vde:///run/sw", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "vde", "/run/sw", false, false },
	{ "ptp:///run/x", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "ptp", "/run/x", false, false },
	{ "udp://1->h:2", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "udp", "1->h:2", false, false },
	{ "udp://1->h:2{", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "udp", "1->h:2{", true, false },
	{ "udpx://1", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "udpx", "1", true, false },
	{ "vxvde://239.1.2.3", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "vxvde", "239.1.2.3", false, false },
	{ "vxlan://239.1.2.3", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "vxlan", "239.1.2.3", false, false },
	{ "slirp://", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "slirp", "", false, false },
	{ "null://", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "null", "", false, false },
	{ "tap://t0", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "tap", "t0", false, false },
	{ "pcap://eth0", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "pcap", "eth0", false, false },
	{ "vlan://3{/run/sw}", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "vlan", "3{/run/sw}", true, false },
	{ "vdesl:///dev/ttyS0", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "vdesl", "/dev/ttyS0", false, true },
	{ "vlan://3{vdesl:///dev/ttyS0}", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "vlan", "3{vdesl:///dev/ttyS0}",
	  true, true },
	{ "vlan://3{v%64esl:///dev/ttyS0}", VS_KIND_PLUGIN, VS_LOCATOR_FINE, "vlan",
	  "3{v%64esl:///dev/ttyS0}", true, true },
	{ "seqpacket://5", VS_KIND_PLUGIN, VS_LOCATOR_DESCRIPTOR, "seqpacket", "5", true, false },
	{ "a/b://x", VS_KIND_PLUGIN, VS_LOCATOR_PLUGIN, "a/b", "x", true, false },
};

static void each_kind_is_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(parsed) / sizeof(parsed[0]); i++) {
		const char *text = parsed[i].text;
		struct vs_locator locator;
		vs_locator_parse(text, &locator);
		if (locator.kind != parsed[i].kind || locator.verdict != parsed[i].verdict)
			fail_msg("\"%s\": kind %d, verdict %d", text, (int)locator.kind,
				 (int)locator.verdict);
		if (locator.scheme_bytes != strlen(parsed[i].scheme) ||
		    strncmp(text, parsed[i].scheme, locator.scheme_bytes) != 0 ||
		    strcmp(locator.rest, parsed[i].rest) != 0)
			fail_msg("\"%s\": scheme %.*s, rest %s", text, (int)locator.scheme_bytes, text,
				 locator.rest);
		if (locator.needs_directory != parsed[i].needs_directory ||
		    locator.opens_terminal != parsed[i].opens_terminal)
			fail_msg("\"%s\": directory %d, terminal %d", text, locator.needs_directory,
				 locator.opens_terminal);
	}
}

/* What has been parsed can be put together again, and reads the same then. */
static void a_locator_put_together_again_is_the_same(void **state)
{
	char again[128];

	(void)state;
	for (size_t i = 0; i < sizeof(parsed) / sizeof(parsed[0]); i++) {
		struct vs_locator one, two;
		vs_locator_parse(parsed[i].text, &one);
		size_t gap = (size_t)(one.rest - one.text) - one.scheme_bytes;
		assert_ptr_equal(one.text, parsed[i].text);
		(void)snprintf(again, sizeof(again), "%.*s%s%s", (int)one.scheme_bytes, one.text,
			       gap == 3 ? "://" : gap == 1 ? "=" : "", one.rest);
		assert_string_equal(again, one.text);
		vs_locator_parse(again, &two);
		assert_true(two.kind == one.kind && two.verdict == one.verdict &&
			    two.scheme_bytes == one.scheme_bytes);
		assert_string_equal(two.rest, one.rest);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(descriptors_are_found),
	cmocka_unit_test(commands_are_found),
	cmocka_unit_test(plugins_by_path_are_found),
	cmocka_unit_test(ordinary_locators_are_accepted),
	cmocka_unit_test(unlimited_braces_are_refused),
	cmocka_unit_test(any_bytes_are_checked),
	cmocka_unit_test(the_message_names_a_remedy),
	cmocka_unit_test(each_kind_is_parsed),
	cmocka_unit_test(a_locator_put_together_again_is_the_same),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
