/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The records of address sources: what is read of a keeper's memory file, and the resolv.conf made of it. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/learned_list.h"
#include "auto/auto.h"
#include "base/error.h"
#include "unit.h"
#include "wire/messages.h"

/* ------------------------------------------------------------------ making records */

static struct vs_wire_learned list[64];
static struct vs_learned learned = { .list = list };

static struct vs_wire_learned *add(uint32_t kind, uint32_t source, const char *ifname)
{
	struct vs_wire_learned *record = &list[learned.n++];

	assert_true(learned.n <= sizeof(list) / sizeof(list[0]));
	*record = (struct vs_wire_learned){ .kind = kind, .source = source };
	strcpy(record->ifname, ifname);
	return record;
}

static void add_dns(uint32_t source, const char *ifname, const char *addr)
{
	struct vs_wire_learned *record = add(VS_LEARNED_DNS, source, ifname);

	record->addr.family = strchr(addr, ':') != NULL ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(record->addr.family, addr, record->addr.bytes), 1);
}

static void add_search(uint32_t source, const char *name)
{
	(void)snprintf(add(VS_LEARNED_SEARCH, source, "vde0")->text, sizeof(list[0].text), "%s", name);
}

static int none(void **state)
{
	(void)state;
	learned.n = 0;
	return 0;
}

static void check_text(const char *expected)
{
	char text[2048];

	assert_int_equal(vs_resolvconf_write(&learned, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
}

/* ------------------------------------------------------------------ resolv.conf */

static void nothing_is_an_empty_text(void **state)
{
	(void)state;
	check_text("");
}

static void servers_come_in_the_order_of_trust_and_once_each(void **state)
{
	(void)state;
	add_dns(VS_SOURCE_RA, "vde0", "fe80::1");
	add_dns(VS_SOURCE_RA, "vde0", "2001:db8::53");
	add_dns(VS_SOURCE_RA, "vde1", "fe80::1");
	add_dns(VS_SOURCE_DHCP4, "vde0", "10.0.0.53");
	add_dns(VS_SOURCE_DHCP4, "vde0", "10.0.0.1");
	add_dns(VS_SOURCE_DHCP6, "vde0", "2001:db8::1");
	add_dns(VS_SOURCE_DHCP6, "vde1", "2001:db8::53");
	add_dns(VS_SOURCE_STATIC, "vde1", "10.0.0.1");
	add_dns(VS_SOURCE_STATIC, "vde0", "fc00::1");
	check_text("nameserver fc00::1\nnameserver 10.0.0.1\nnameserver 2001:db8::1\n"
		   "nameserver 2001:db8::53\nnameserver 10.0.0.53\nnameserver fe80::1%vde0\n"
		   "nameserver fe80::1%vde1\n");
}

static void the_search_list_has_each_domain_once(void **state)
{
	(void)state;
	add_search(VS_SOURCE_RA, "ra.example");
	add_search(VS_SOURCE_DHCP4, "corp.example");
	add_search(VS_SOURCE_DHCP4, "Static.Example");
	add_search(VS_SOURCE_DHCP4, "example");
	add_search(VS_SOURCE_STATIC, "static.example");
	check_text("search static.example corp.example example ra.example\n");
}

static void names_that_could_be_other_lines_are_left_out(void **state)
{
	(void)state;
	add_search(VS_SOURCE_DHCP4, "a\nnameserver 6.6.6.6");
	add_search(VS_SOURCE_DHCP4, "a b");
	add_search(VS_SOURCE_DHCP4, "a#b");
	add_search(VS_SOURCE_DHCP4, "");
	add_search(VS_SOURCE_DHCP4, "_good-1.example");
	add_dns(VS_SOURCE_DHCP4, "vde0", "10.0.0.1");
	list[learned.n - 1].addr.family = 0;
	check_text("search _good-1.example\n");
}

static void the_search_list_has_six_domains_and_256_bytes(void **state)
{
	char name[128];

	(void)state;
	for (int i = 0; i < 7; i++) {
		(void)snprintf(name, sizeof(name), "d%d", i);
		add_search(VS_SOURCE_DHCP4, name);
	}
	check_text("search d0 d1 d2 d3 d4 d5\n");
	learned.n = 0;
	memset(name, 'a', sizeof(name));
	name[126] = '\0';
	add_search(VS_SOURCE_DHCP4, name); /* with its space 127 bytes */
	name[0] = 'b';
	add_search(VS_SOURCE_DHCP4, name); /* 254 */
	add_search(VS_SOURCE_DHCP4, "cc");
	add_search(VS_SOURCE_DHCP4, "d");
	char text[512];
	size_t length = vs_resolvconf_write(&learned, text, sizeof(text));
	assert_int_equal(length, strlen("search") + 254 + 1);
}

static void a_short_buffer_gets_what_fits(void **state)
{
	char text[16], whole[64];

	(void)state;
	add_dns(VS_SOURCE_STATIC, "vde0", "10.0.0.1");
	size_t length = vs_resolvconf_write(&learned, whole, sizeof(whole));
	for (size_t size = 0; size < sizeof(text); size++) {
		memset(text, 'x', sizeof(text));
		assert_int_equal(vs_resolvconf_write(&learned, text, size), length);
		if (size > 0) {
			assert_int_equal(strlen(text), size - 1);
			assert_memory_equal(text, whole, size - 1);
		}
		assert_int_equal(text[size], 'x');
	}
}

/* ------------------------------------------------------------------ what is missing */

static void missing_sources_are_named_with_their_problem(void **state)
{
	struct vs_conf_iface iface = { .name = "vde1" };
	struct vs_config config = { .ifaces = &iface, .n_ifaces = 1 };
	char text[256], small[8];

	(void)state;
	vs_learned_missing(&learned, NULL, text, sizeof(text));
	assert_string_equal(text, "an address source is not ready yet");
	struct vs_wire_learned *dhcp4 = add(VS_LEARNED_SOURCE, VS_SOURCE_DHCP4, "vde0");
	struct vs_wire_learned *ra = add(VS_LEARNED_SOURCE, VS_SOURCE_RA, "vde0");
	add(VS_LEARNED_SOURCE, VS_SOURCE_DHCP6, "vde1");
	add(VS_LEARNED_DNS, VS_SOURCE_DHCP4, "vde0");
	strcpy(dhcp4->text, "no server");
	strcpy(ra->state, "SOLICITING");
	ra->sent = 3;
	dhcp4->required = ra->required = VS_CONF_RA;
	dhcp4->one_of = ra->one_of = VS_CONF_DHCP4 | VS_CONF_DHCP6;
	list[2].source = 77; /* of a later keeper */
	list[2].required = UINT8_MAX;
	vs_learned_missing(&learned, NULL, text, sizeof(text));
	assert_string_equal(text, "dhcp4 on vde0: no server; rd on vde0: in state SOLICITING, 3 packets "
				  "sent, 0 received");
	vs_learned_missing(&learned, NULL, small, sizeof(small));
	assert_string_equal(small, "dhcp4 o");
	/* One of two is ready: the other is not missing. */
	add(VS_LEARNED_SOURCE, VS_SOURCE_DHCP6, "vde0")->ready = 1;
	vs_learned_missing(&learned, NULL, text, sizeof(text));
	assert_string_equal(text, "rd on vde0: in state SOLICITING, 3 packets sent, 0 received");
	/* Of the interfaces of a configuration only. */
	vs_learned_missing(&learned, &config, text, sizeof(text));
	assert_string_equal(text, "an address source is not ready yet");
	strcpy(iface.name, "vde0");
	vs_learned_missing(&learned, &config, text, sizeof(text));
	assert_string_equal(text, "rd on vde0: in state SOLICITING, 3 packets sent, 0 received");
}

/* ------------------------------------------------------------------ memory files */

/* A file with that head and n records, of `bytes` in all (0: as many as there should be). */
static int file_of(struct vs_wire_learned_head head, size_t n, size_t bytes)
{
	int fd = memfd_create("learned", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &head, sizeof(head), 0), sizeof(head));
	assert_int_equal(pwrite(fd, list, n * sizeof(*list), sizeof(head)), n * sizeof(*list));
	assert_int_equal(ftruncate(fd, (off_t)(bytes != 0 ? bytes : sizeof(head) + n * sizeof(*list))), 0);
	return fd;
}

static void files_of_a_keeper_are_read(void **state)
{
	const struct vs_wire_learned_head head = { VS_WIRE_VERSION, 2, 42 };
	VS_AUTO_LEARNED got = { 0 };

	(void)state;
	add_dns(VS_SOURCE_RA, "vde0", "fe80::1");
	memset(add(VS_LEARNED_SEARCH, VS_SOURCE_RA, "")->text, 'x', sizeof(list[0].text));
	memset(list[1].ifname, 'y', sizeof(list[1].ifname));
	int fd = file_of(head, 2, 0);
	assert_int_equal(vs_learned_read(fd, &got), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* closed */
	assert_int_equal(got.n, 2);
	assert_int_equal(got.generation, 42);
	assert_memory_equal(&got.list[0], &list[0], sizeof(list[0]));
	assert_int_equal(strlen(got.list[1].text), sizeof(list[0].text) - 1); /* ended */
	assert_int_equal(strlen(got.list[1].ifname), sizeof(list[0].ifname) - 1);
}

static void check_malformed(int fd)
{
	struct vs_learned got = { 0 };

	assert_int_equal(vs_learned_read(fd, &got), -EPROTO);
	assert_null(got.list);
	assert_non_null(strstr(vs_message(), "malformed"));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void malformed_files_are_refused(void **state)
{
	struct vs_wire_learned_head head = { VS_WIRE_VERSION, 1, 0 };
	size_t whole = sizeof(head) + sizeof(*list);

	(void)state;
	add_dns(VS_SOURCE_RA, "vde0", "fe80::1");
	check_malformed(file_of(head, 1, whole - 1));
	check_malformed(file_of(head, 1, whole + 1));
	check_malformed(file_of(head, 1, 4));
	head.n = 2;
	check_malformed(file_of(head, 1, 0));
	head.n = UINT32_MAX;
	check_malformed(file_of(head, 1, 0));
	head = (struct vs_wire_learned_head){ VS_WIRE_VERSION + 1, 1, 0 };
	check_malformed(file_of(head, 1, 0));
	head.version = VS_WIRE_VERSION;
	list[0].addr.family = AF_UNIX;
	check_malformed(file_of(head, 1, 0));
	list[0].addr.family = 0;
	list[0].gw.family = 77;
	check_malformed(file_of(head, 1, 0));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup(nothing_is_an_empty_text, none),
	cmocka_unit_test_setup(servers_come_in_the_order_of_trust_and_once_each, none),
	cmocka_unit_test_setup(the_search_list_has_each_domain_once, none),
	cmocka_unit_test_setup(names_that_could_be_other_lines_are_left_out, none),
	cmocka_unit_test_setup(the_search_list_has_six_domains_and_256_bytes, none),
	cmocka_unit_test_setup(a_short_buffer_gets_what_fits, none),
	cmocka_unit_test_setup(missing_sources_are_named_with_their_problem, none),
	cmocka_unit_test_setup(files_of_a_keeper_are_read, none),
	cmocka_unit_test_setup(malformed_files_are_refused, none),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
