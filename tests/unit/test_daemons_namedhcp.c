/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namedhcp: what a client gets, and what stands below it: messages, the identifier, names of before. */

#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemons/namedhcp/decide.h"
#include "daemons/namedhcp/duid.h"
#include "daemons/namedhcp/known.h"

static const uint8_t duid[] = { 0, 3, 0, 1, 2, 0, 0, 0, 0, 1 };
static const uint8_t client_duid[] = { 0, 3, 0, 1, 2, 0, 0, 0, 0, 9 };

/* ------------------------------------------------------------------ the identifier */

static void the_identifier_is_made_once(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	char path[] = "/tmp/duid-XXXXXX";
	struct nd_duid first, second;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(nd_duid_open(&first, path, mac), 0);
	assert_int_equal(first.n, 14);
	assert_memory_equal(first.bytes, "\0\1\0\1", 4);
	assert_memory_equal(first.bytes + 8, mac, 6);
	assert_int_equal(nd_duid_open(&second, path, mac), -1);
	nd_duid_close(&first);
	assert_int_equal(nd_duid_open(&second, path, (const uint8_t[6]){ 4 }), 0);
	assert_int_equal(second.n, first.n);
	assert_memory_equal(second.bytes, first.bytes, first.n);
	nd_duid_close(&second);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(nd_duid_open(&second, path, (const uint8_t[6]){ 0 }), 0);
	assert_int_equal(second.n, 18); /* random */
	nd_duid_close(&second);
	assert_int_equal(unlink(path), 0);
}

static void an_identifier_is_stored_as_a_whole(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	char path[] = "/tmp/duid-XXXXXX";
	struct rlimit before, small;
	struct nd_duid d;
	struct stat st;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){ 10, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(nd_duid_open(&d, path, mac), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	close(fd);
	assert_int_equal(nd_duid_open(&d, path, mac), 0);
	nd_duid_close(&d);
	assert_int_equal(unlink(path), 0);
}

/* Without a place for the file it comes from the MAC address, so it stays the same all the same. */
static void the_default_file_may_be_missing(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	struct nd_duid d;

	(void)state;
	assert_int_equal(setenv("STATE_DIRECTORY", "/nonexistent", 1), 0);
	assert_int_equal(nd_duid_open(&d, NULL, mac), 0);
	assert_int_equal(d.n, 10);
	assert_memory_equal(d.bytes, "\0\3\0\1\2\0\0\0\0\7", 10);
	assert_int_equal(d.lock, -1);
	nd_duid_close(&d);
}

static void other_files_are_no_identifier(void **state)
{
	static const char *const texts[] = { "00:03\n00", "0:3",      "00:03:", "zz:00:01",
					     "00:01",     "00 03 01", "\n" };
	static const uint8_t mac[6] = { 2 };
	char path[] = "/tmp/duid-XXXXXX";
	struct nd_duid d;
	int fd = mkstemp(path);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, texts[i], strlen(texts[i]), 0), strlen(texts[i]));
		assert_int_equal(nd_duid_open(&d, path, mac), -1);
	}
	close(fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(nd_duid_open(&d, "/nonexistent/duid", mac), -1);
	assert_int_equal(nd_duid_open(&d, "/tmp", mac), -1);
}

/* ------------------------------------------------------------------ messages */

struct bytes {
	uint8_t b[4096];
	size_t n;
};

static void put(struct bytes *m, const void *bytes, size_t n)
{
	assert_true(m->n + n <= sizeof(m->b));
	memcpy(m->b + m->n, bytes, n);
	m->n += n;
}

static void option(struct bytes *m, unsigned code, const void *bytes, size_t n)
{
	put(m, (uint8_t[]){ (uint8_t)(code >> 8), (uint8_t)code, (uint8_t)(n >> 8), (uint8_t)n }, 4);
	put(m, bytes, n);
}

static struct bytes solicit(void)
{
	struct bytes m = { .b = { VS_DHCP6_SOLICIT, 1, 2, 3 }, .n = 4 };

	option(&m, VS_DHCP6_CLIENT_ID, client_duid, sizeof(client_duid));
	option(&m, VS_DHCP6_FQDN, "\1\3one\4test", 11);
	option(&m, VS_DHCP6_IA_NA, "\0\0\0\7\0\0\0\0\0\0\0", 12);
	return m;
}

static struct bytes relayed(const struct bytes *inner, uint8_t hops)
{
	struct bytes m = { .b = { VS_DHCP6_RELAY_FORW, hops }, .n = 34 };

	option(&m, VS_DHCP6_INTERFACE_ID, "eth7", 4);
	option(&m, VS_DHCP6_RELAY_MSG, inner->b, inner->n);
	return m;
}

static void no_part_of_a_message_is_a_message(void **state)
{
	struct bytes m = solicit(), r = relayed(&m, 0);
	struct vs_dhcp6_request request;
	unsigned whole = 0;

	(void)state;
	assert_int_equal(vs_dhcp6_request_parse(m.b, m.n, &request), VS_DHCP6_OK);
	assert_int_equal(request.n_ias, 1);
	assert_int_equal(request.ias[0].iaid, 7);
	assert_int_equal(request.xid, 0x010203);
	for (size_t n = 0; n < m.n; n++)
		whole += vs_dhcp6_request_parse(m.b, n, &request) == VS_DHCP6_OK;
	assert_int_equal(whole, 3); /* behind the header, and behind two options */
	for (size_t n = 0; n < r.n; n++)
		assert_int_not_equal(vs_dhcp6_request_parse(r.b, n, &request), VS_DHCP6_OK);
	assert_int_equal(vs_dhcp6_request_parse(r.b, r.n, &request), VS_DHCP6_OK);
	assert_int_equal(request.n_relays, 1);
	m.b[0] = VS_DHCP6_REPLY;
	assert_int_equal(vs_dhcp6_request_parse(m.b, m.n, &request), VS_DHCP6_TYPE);
}

static void relays_are_bounded(void **state)
{
	struct bytes m = solicit();
	struct vs_dhcp6_request request;

	(void)state;
	for (uint8_t i = 0; i < VS_DHCP6_RELAYS_MAX; i++) {
		m = relayed(&m, i);
		assert_int_equal(vs_dhcp6_request_parse(m.b, m.n, &request), VS_DHCP6_OK);
	}
	m = relayed(&m, 1);
	assert_int_equal(vs_dhcp6_request_parse(m.b, m.n, &request), VS_DHCP6_RELAYS);
	m = solicit();
	m = relayed(&m, VS_DHCP6_HOPS_MAX + 1);
	assert_int_equal(vs_dhcp6_request_parse(m.b, m.n, &request), VS_DHCP6_RELAYS);
	struct bytes none = { .b = { VS_DHCP6_RELAY_FORW }, .n = 34 };
	assert_int_equal(vs_dhcp6_request_parse(none.b, none.n, &request), VS_DHCP6_RELAYS);
}

/* ------------------------------------------------------------------ decisions */

static const struct nd_self self = { duid, sizeof(duid), 1000 };

/* A request of that type, with IAs NA 1, 2...: each has the address fd00::ADDR, or none if it is 0. */
static struct vs_dhcp6_request request_of(enum vs_dhcp6_type type, unsigned n, const uint8_t *addrs)
{
	struct vs_dhcp6_request r = { .type = type,
				      .client = { client_duid, sizeof(client_duid) },
				      .n_ias = (uint8_t)n };

	if (type == VS_DHCP6_REQUEST || type == VS_DHCP6_RENEW)
		r.server = (struct vs_dhcp6_bytes){ duid, sizeof(duid) };
	for (unsigned i = 0; i < n; i++) {
		r.ias[i] = (struct vs_dhcp6_asked){ .code = VS_DHCP6_IA_NA, .iaid = i + 1 };
		if (addrs[i] == 0)
			continue;
		r.ias[i].n = 1;
		r.ias[i].addrs[0][0] = 0xfd;
		r.ias[i].addrs[0][15] = addrs[i];
	}
	return r;
}

static struct nd_facts facts_of(unsigned n)
{
	struct nd_facts f = { .name = "one.test", .n_addrs = (uint8_t)n };

	for (unsigned i = 0; i < n; i++) {
		f.addrs[i][0] = 0xfd;
		f.addrs[i][15] = (uint8_t)(i + 1);
	}
	return f;
}

static enum nd_verdict decide(const struct vs_dhcp6_request *r, const struct nd_facts *f,
			      struct vs_dhcp6_answer *a)
{
	static uint8_t fqdn[VS_DNS_NAME_WIRE];
	const struct nd_way way = { .unicast = false };

	assert_int_not_equal(nd_check(r, &self, &way, true), ND_MALFORMED);
	return nd_decide(r, &self, &way, f, fqdn, a);
}

/* What each IA gets: "1" the address fd00::1, "-2" not fd00::2 any more, "n" NoAddrsAvail, "b" NoBinding. */
static const char *summary(const struct vs_dhcp6_answer *a)
{
	static char text[256];
	size_t n = 0;

	text[0] = '\0';
	for (uint8_t i = 0; i < a->n_ias; i++) {
		for (uint8_t j = 0; j < a->ias[i].n; j++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u",
					      a->ias[i].addrs[j].lifetime_s == 0 ? "-" : "",
					      a->ias[i].addrs[j].ip[15]);
		if (a->ias[i].said.text != NULL)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s",
					      a->ias[i].said.status == VS_DHCP6_NO_BINDING ? "b" : "n");
		n += (size_t)snprintf(text + n, sizeof(text) - n, " ");
	}
	return text;
}

static void addresses_are_shared_out_among_ias(void **state)
{
	static const struct {
		enum vs_dhcp6_type type;
		unsigned n, has;
		uint8_t asked[4];
		const char *expected;
	} rows[] = {
		{ VS_DHCP6_SOLICIT, 1, 1, { 0 }, "1 " },      { VS_DHCP6_SOLICIT, 3, 2, { 0 }, "1 2 n " },
		{ VS_DHCP6_SOLICIT, 2, 2, { 2, 0 }, "2 1 " }, { VS_DHCP6_SOLICIT, 2, 2, { 0, 1 }, "2 1 " },
		{ VS_DHCP6_REQUEST, 2, 2, { 9, 1 }, "2 1 " }, { VS_DHCP6_REQUEST, 1, 0, { 9 }, "n " },
		{ VS_DHCP6_REQUEST, 2, 2, { 1, 1 }, "1 2 " }, { VS_DHCP6_RENEW, 1, 1, { 1 }, "1 " },
		{ VS_DHCP6_RENEW, 1, 2, { 9 }, "1-9 " },      { VS_DHCP6_RENEW, 2, 1, { 1, 1 }, "1 -1 " },
		{ VS_DHCP6_RENEW, 2, 0, { 1, 0 }, "-1 b " },  { VS_DHCP6_REBIND, 2, 1, { 1, 0 }, "1 b " },
	};
	struct vs_dhcp6_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vs_dhcp6_request r = request_of(rows[i].type, rows[i].n, rows[i].asked);
		struct nd_facts f = facts_of(rows[i].has);
		assert_int_equal(decide(&r, &f, &a), ND_ANSWER);
		assert_string_equal(summary(&a), rows[i].expected);
		assert_int_equal(a.type,
				 rows[i].type == VS_DHCP6_SOLICIT ? VS_DHCP6_ADVERTISE : VS_DHCP6_REPLY);
	}
}

static void a_client_is_not_answered_without_facts(void **state)
{
	static const uint8_t none[4];
	struct vs_dhcp6_request r = request_of(VS_DHCP6_SOLICIT, 1, none);
	struct nd_facts f = facts_of(0);
	struct vs_dhcp6_answer a;

	(void)state;
	assert_int_equal(decide(&r, &f, &a), ND_NO_ADDRESS);
	r = request_of(VS_DHCP6_REBIND, 1, (const uint8_t[]){ 1 });
	assert_int_equal(decide(&r, &f, &a), ND_NO_ADDRESS); /* it may be a client of another server */
	r.type = VS_DHCP6_CONFIRM;
	assert_int_equal(decide(&r, &f, &a), ND_NO_ADDRESS);
	f.failed = true;
	assert_int_equal(decide(&r, &f, &a), ND_NO_SERVER);
	r = request_of(VS_DHCP6_RENEW, 1, none);
	assert_int_equal(decide(&r, &f, &a), ND_NO_SERVER); /* a dead name server takes no address away */
	f = facts_of(1);
	r = request_of(VS_DHCP6_RENEW, 0, none);
	assert_int_equal(decide(&r, &f, &a), ND_NO_QUESTION);
}

static void rapid_commit_needs_something_to_commit(void **state)
{
	static const uint8_t none[4];
	struct vs_dhcp6_request r = request_of(VS_DHCP6_SOLICIT, 1, none);
	struct nd_facts f = facts_of(1);
	struct vs_dhcp6_answer a;

	(void)state;
	r.rapid = true;
	assert_int_equal(decide(&r, &f, &a), ND_ANSWER);
	assert_true(a.rapid && a.type == VS_DHCP6_REPLY);
	r.ias[0].code = VS_DHCP6_IA_PD;
	assert_int_equal(decide(&r, &f, &a), ND_ANSWER);
	assert_true(!a.rapid && a.type == VS_DHCP6_ADVERTISE);
}

static void times_are_parts_of_the_lease(void **state)
{
	static const uint8_t none[4];
	struct vs_dhcp6_request r = request_of(VS_DHCP6_SOLICIT, 1, none);
	struct nd_self other = { duid, sizeof(duid), DH_INFINITE };
	struct nd_facts f = facts_of(1);
	const struct nd_way way = { .unicast = false };
	uint8_t fqdn[VS_DNS_NAME_WIRE];
	struct vs_dhcp6_answer a;

	(void)state;
	assert_int_equal(decide(&r, &f, &a), ND_ANSWER);
	assert_int_equal(a.ias[0].t1_s, 500);
	assert_int_equal(a.ias[0].t2_s, 800);
	assert_int_equal(nd_decide(&r, &other, &way, &f, fqdn, &a), ND_ANSWER);
	assert_int_equal(a.ias[0].t1_s, 0);
	assert_int_equal(a.ias[0].t2_s, 0);
	assert_int_equal(a.ias[0].addrs[0].lifetime_s, UINT32_MAX);
	other.lease_s = DH_INFINITE - 1;
	assert_int_equal(nd_decide(&r, &other, &way, &f, fqdn, &a), ND_ANSWER);
	assert_true(a.ias[0].t1_s < a.ias[0].t2_s && a.ias[0].t2_s > 3000000000);
}

/* ------------------------------------------------------------------ facts */

/* Name servers that have these answers; a name that begins with 'd' has a dead one. */
static enum dh_got get(void *arg, const char *name, enum dh_kind kind, const struct dh_answer **answer,
		       uint64_t *ticket)
{
	static struct dh_answer a;
	static char some[] = "dns='fd00::5301,dead.test'", none[] = "dns=dead.test";

	(void)arg;
	(void)ticket;
	a = (struct dh_answer){ .outcome = *name == 'd' ? DH_FAILED : DH_FOUND };
	if (kind == DH_TXT)
		a.text = strcmp(name, "some.test") == 0 ? some : strcmp(name, "none.test") == 0 ? none : NULL;
	if (kind == DH_AAAA && *name != 'd') {
		a.n = 7;
		a.addrs[1][15] = 1;
		memcpy(a.addrs[2], "\xff\2\0\0\0\0\0\0\0\0\0\0\0\1\0\2", 16);
		memcpy(a.addrs[3], "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
		memcpy(a.addrs[4], "\0\0\0\0\0\0\0\0\0\0\xff\xff\12\0\0\1", 16);
		memcpy(a.addrs[5], "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5", 16);
		memcpy(a.addrs[6], "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\6", 16);
	}
	*answer = &a;
	return DH_KNOWN;
}

static struct nd_facts found(const char *name, struct vs_dhcp6_request *r)
{
	static struct nd_settings settings;
	const struct nd_lookup lookup = { get, NULL };
	struct nd_facts f = { .name = "" };
	uint64_t ticket;

	(void)snprintf(f.name, sizeof(f.name), "%s", name);
	r->wanted = (struct vs_dhcp6_bytes){ (const uint8_t *)"\0\27", 2 };
	assert_int_equal(nd_facts_find(&f, r, true, &settings, &lookup, &ticket), DH_KNOWN);
	return f;
}

static void addresses_are_those_that_hosts_can_have(void **state)
{
	static const uint8_t none[4];
	struct vs_dhcp6_request r = request_of(VS_DHCP6_SOLICIT, 1, none);
	struct nd_facts f = found("one.test", &r);

	(void)state;
	assert_int_equal(f.n_addrs, 2);
	assert_int_equal(f.addrs[0][15], 5);
	assert_int_equal(f.addrs[1][15], 6);
	assert_false(f.failed);
}

/* Else a client would have an address for ever, without what belongs to it. */
static void an_answer_needs_all_its_lookups(void **state)
{
	static const uint8_t none[4];
	struct vs_dhcp6_request r = request_of(VS_DHCP6_SOLICIT, 1, none);
	struct vs_dhcp6_answer a;
	struct nd_facts f = found("some.test", &r);

	(void)state;
	assert_int_equal(f.n_dns, 1);
	assert_int_equal(decide(&r, &f, &a), ND_ANSWER);
	f = found("none.test", &r);
	assert_int_equal(decide(&r, &f, &a), ND_NO_SERVER);
	f = found("dead.test", &r);
	assert_int_equal(decide(&r, &f, &a), ND_NO_SERVER);
}

/* ------------------------------------------------------------------ names */

static void names_are_host_names(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *name; /* NULL: none */
	} rows[] = {
		{ "\0\3one\4test\0", 11, "one.test" },
		{ "\0\3one\4test", 10, "one.test" },
		{ "\0\3one", 5, "one.home" },
		{ "\0\3one\0", 6, "one.home" },
		{ "\0", 1, NULL },
		{ "\0\0", 2, NULL },
		{ "\0\4one", 5, NULL },
		{ "\0\3a b", 5, NULL },
		{ "\0\xc0\0", 3, NULL },
		{ "\0\3a/b", 5, NULL },
	};
	char name[VS_DNS_NAME_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vs_dhcp6_request r = { .fqdn = { (const uint8_t *)rows[i].bytes,
							(uint16_t)rows[i].n } };
		assert_int_equal(nd_facts_name(&r, "home", name), rows[i].name != NULL);
		if (rows[i].name != NULL)
			assert_string_equal(name, rows[i].name);
	}
}

/* A client with an address of its own, and the identifier of that number. */
static struct vs_dhcp6_bytes number(unsigned i, struct dh_client *from)
{
	static uint8_t bytes[4] = { 0, 3 };

	*from = (struct dh_client){ .station = { 1, (uint8_t)(i >> 8), (uint8_t)i } };
	bytes[2] = (uint8_t)(i >> 8);
	bytes[3] = (uint8_t)i;
	return (struct vs_dhcp6_bytes){ bytes, sizeof(bytes) };
}

static void the_last_clients_are_known(void **state)
{
	static struct nd_known known;
	struct vs_dhcp6_bytes id, none = { NULL, 0 };
	struct dh_client from;

	(void)state;
	id = number(0, &from);
	assert_null(nd_known_get(&known, &id));
	for (unsigned i = 0; i <= ND_KNOWN_MAX; i++) {
		id = number(i, &from);
		nd_known_put(&known, &from, &id, "first.test");
		nd_known_put(&known, &from, &id, i == 1 ? "one.test" : "other.test");
		assert_non_null(nd_known_get(&known, &id));
	}
	id = number(0, &from);
	assert_null(nd_known_get(&known, &id));
	id = number(1, &from);
	assert_string_equal(nd_known_get(&known, &id), "one.test");
	id.n = 3;
	assert_null(nd_known_get(&known, &id));
	nd_known_put(&known, &from, &none, "none.test");
	assert_null(nd_known_get(&known, &none));
}

static void a_client_with_many_identifiers_forgets_its_own(void **state)
{
	static struct nd_known known;
	struct dh_client from, hostile = { .station = { 9 } };
	struct vs_dhcp6_bytes id = number(1, &from);

	(void)state;
	nd_known_put(&known, &from, &id, "one.test");
	for (unsigned i = 2; i < 3 * ND_KNOWN_MAX; i++) {
		id = number(i, &from);
		nd_known_put(&known, &hostile, &id, "hostile.test");
		assert_string_equal(nd_known_get(&known, &id), "hostile.test");
	}
	for (unsigned i = 3 * ND_KNOWN_MAX; i < 6 * ND_KNOWN_MAX; i++) { /* it says that it is a relay */
		hostile.behind[0] = (uint8_t)(i >> 8);
		hostile.behind[1] = (uint8_t)i;
		id = number(i, &from);
		nd_known_put(&known, &hostile, &id, "hostile.test");
	}
	id = number(1, &from);
	assert_string_equal(nd_known_get(&known, &id), "one.test");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_last_clients_are_known),
	cmocka_unit_test(a_client_with_many_identifiers_forgets_its_own),
	cmocka_unit_test(the_identifier_is_made_once),
	cmocka_unit_test(an_identifier_is_stored_as_a_whole),
	cmocka_unit_test(the_default_file_may_be_missing),
	cmocka_unit_test(other_files_are_no_identifier),
	cmocka_unit_test(no_part_of_a_message_is_a_message),
	cmocka_unit_test(relays_are_bounded),
	cmocka_unit_test(addresses_are_shared_out_among_ias),
	cmocka_unit_test(a_client_is_not_answered_without_facts),
	cmocka_unit_test(rapid_commit_needs_something_to_commit),
	cmocka_unit_test(times_are_parts_of_the_lease),
	cmocka_unit_test(addresses_are_those_that_hosts_can_have),
	cmocka_unit_test(an_answer_needs_all_its_lookups),
	cmocka_unit_test(names_are_host_names),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
