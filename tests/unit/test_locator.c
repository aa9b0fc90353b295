/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which locators a keeper opens, and which not, in every spelling that libvdeplug and its plugins read alike. */

#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include <vdestack.h>

#include <base/error.h>
#include <config/locator.h>

struct judged {
	const char *text;
	enum vs_locator verdict;
};

static void check(const struct judged *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum vs_locator verdict = vs_locator_judge(list[i].text);
		if (verdict != list[i].verdict)
			fail_msg("\"%s\": %d instead of %d", list[i].text, (int)verdict, (int)list[i].verdict);
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

static void what_people_write_is_fine(void **state)
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

static void braces_without_end_are_an_end(void **state)
{
	static char text[8193];

	(void)state;
	memset(text, '{', sizeof(text) - 1);
	assert_int_equal(vs_locator_judge(text), VS_LOCATOR_DEEP);
	memset(text, '}', sizeof(text) - 1);
	assert_int_equal(vs_locator_judge(text), VS_LOCATOR_DEEP);
}

/* Each byte of the heap block is its own: a sanitizer sees a look behind the end. */
static void any_bytes_are_judged(void **state)
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
		(void)vs_locator_judge(text);
		free(text);
	}
}

static void the_sentence_tells_what_to_do(void **state)
{
	(void)state;
	assert_int_equal(vs_locator_check("vde0", "vde:///tmp/sw"), 0);
	assert_int_equal(vs_locator_check("vde0", "seqpacket://5"), -ENOTSUP);
	assert_non_null(strstr(vs_sentence(), "vde0"));
	assert_non_null(strstr(vs_sentence(), "ptp://"));
	assert_int_equal(vs_locator_check("vde0", "vlan://1{cmd://true}"), -ENOTSUP);
	assert_non_null(strstr(vs_sentence(), "=COMMAND"));
	assert_int_equal(vs_locator_check("vde0", "a/b://"), -EPROTONOSUPPORT);
	assert_int_equal(vs_locator_check("vde0", "{{{{{{{{{{{{{{{{{"), -EINVAL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(descriptors_are_found),
	cmocka_unit_test(commands_are_found),
	cmocka_unit_test(plugins_by_path_are_found),
	cmocka_unit_test(what_people_write_is_fine),
	cmocka_unit_test(braces_without_end_are_an_end),
	cmocka_unit_test(any_bytes_are_judged),
	cmocka_unit_test(the_sentence_tells_what_to_do),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
