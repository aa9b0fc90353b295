/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * namedhcp4 without a network: texts as terms, what a message gets, the answer, and how many messages there
 * are.
 */

#include <stdlib.h>

#include "daemons/namedhcp4/notices.h"
#include "daemons/namedhcp4/reply.h"
#include "daemons/namedhcp4/txt.h"
#include "proto/be.h"
#include "unit.h"

/* ------------------------------------------------------------------ texts */

struct names {
	unsigned asked;
	const char *unknown; /* a name that is not known yet */
};

/* "nN" has N addresses. */
static bool resolve(void *arg, const char *name, struct n4_list *list)
{
	struct names *n = arg;

	n->asked++;
	if (n->unknown != NULL && strcmp(name, n->unknown) == 0)
		return false;
	for (int i = 0; name[0] == 'n' && i < atoi(name + 1); i++)
		n4_list_add(list, 0x0a000100u + (unsigned)i);
	return true;
}

static struct n4_terms read_text(const char *text)
{
	struct n4_terms t = { .mask = 0 };
	struct names n = { .unknown = NULL };

	assert_true(n4_txt_read(text, resolve, &n, &t));
	return t;
}

static void all_tags_are_read(void **state)
{
	struct n4_terms t = read_text("mask=255.255.255.0,router=10.0.0.1,broadcast=10.0.0.255,"
				      "dns='10.0.0.2,10.0.0.3',domname='a.test b.test',ntp=\"n2 10.0.0.4\","
				      "lease=3600,mtu=1400,routes='10.1.2.3/8/10.0.0.9,0.0.0.0/0/n1'");

	(void)state;
	assert_true(t.mask == 0xffffff00 && t.broadcast == 0x0a0000ff && t.lease_s == 3600 && t.mtu == 1400);
	assert_true(t.routers.n == 1 && t.dns.n == 2 && t.dns.addrs[1] == 0x0a000003);
	assert_true(t.ntp.n == 3 && t.ntp.addrs[0] == 0x0a000100 && t.ntp.addrs[2] == 0x0a000004);
	assert_string_equal(t.search, "a.test b.test");
	assert_true(t.n_routes == 2 && t.routes[0].dst == 0x0a000000 && t.routes[0].len == 8);
	assert_true(t.routes[1].dst == 0 && t.routes[1].gw == 0x0a000100);
}

static void what_is_wrong_or_unknown_is_skipped(void **state)
{
	struct n4_terms t = read_text(
		"v=spf1 -all,mask,mask=,mask=255.0.255.0,mask=33,mask=0,MASK=/20,=x,router=1.2.3,"
		"router=0.0.0.0,router=a_!,router=10.0.0.1,router=10.0.0.2,lease=-1,lease=1h,"
		"lease=4294967296,mtu=67,mtu=65536,broadcast=n0,domname=..,domname=-a,"
		"routes=10.0.0.0,routes=10.0.0.0/33/10.0.0.1,routes=x/8/10.0.0.1,routes=1.0.0.0/8/n0");

	(void)state;
	assert_int_equal(t.mask, 0xfffff000);
	assert_true(t.routers.n == 1 && t.routers.addrs[0] == 0x0a000001);
	assert_true(t.lease_s == 0 && t.mtu == 0 && t.broadcast == 0 && t.n_routes == 0 &&
		    t.search[0] == '\0');
	assert_int_equal(read_text("lease=Infinite").lease_s, 0xffffffff);
	t = read_text("dns='10.0.0.1"); /* a quote that does not end */
	assert_int_equal(t.dns.n, 0);
}

static void reading_stops_at_a_name_that_is_not_known(void **state)
{
	struct n4_terms t = { .mask = 0 };
	struct names n = { .unknown = "later" };

	(void)state;
	assert_false(n4_txt_read("dns=n1,router=later,ntp=n1", resolve, &n, &t));
	assert_int_equal(n.asked, 2);
	assert_false(n4_txt_read("routes=10.0.0.0/8/later", resolve, &n, &t));
	assert_false(n4_txt_read("broadcast=later", resolve, &n, &t));
	assert_false(n4_txt_addresses("10.0.0.1 later", resolve, &n, &t.ntp));
}

static void lists_are_bounded(void **state)
{
	char text[8192] = "dns='", routes[8192] = "routes='";
	struct n4_terms t;

	(void)state;
	for (int i = 0; i < 200; i++) {
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "10.0.0.%d,", i + 1);
		(void)snprintf(routes + strlen(routes), sizeof(routes) - strlen(routes),
			       "10.%d.0.0/16/10.0.0.1 ", i);
	}
	strcat(text, "'");
	t = read_text(text);
	assert_int_equal(t.dns.n, N4_LIST_MAX);
	routes[3000] = '\0';
	strcat(routes, "'");
	assert_int_equal(read_text(routes).n_routes, N4_ROUTES_MAX);
	assert_int_equal(read_text("dns=n200").dns.n, N4_LIST_MAX);
	strcpy(text, "domname='");
	for (int i = 0; i < 200; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "domain%d.test ", i);
	strcat(text, "'");
	t = read_text(text);
	assert_true(strlen(t.search) > N4_SEARCH_MAX - 20 && strlen(t.search) < N4_SEARCH_MAX);
}

static void a_mask_has_no_holes(void **state)
{
	(void)state;
	assert_int_equal(n4_txt_mask("255.255.255.255"), 0xffffffff);
	assert_int_equal(n4_txt_mask("128.0.0.0"), 0x80000000);
	assert_int_equal(n4_txt_mask("32"), 0xffffffff);
	assert_int_equal(n4_txt_mask("/1"), 0x80000000);
	assert_int_equal(n4_txt_mask("0.0.0.0"), 0);
	assert_int_equal(n4_txt_mask("0"), 0);
	assert_int_equal(n4_txt_mask("33"), 0);
	assert_int_equal(n4_txt_mask("255.255.0.255"), 0);
	assert_int_equal(n4_txt_mask(""), 0);
}

/* ------------------------------------------------------------------ decisions */

#define ID 0x0a000001u

static const struct n4_place place = { .serverid = ID, .addr = ID, .prefix_len = 24 };

static enum n4_aim aim_of(enum vs_dhcp4_type type, uint32_t server, uint32_t requested, uint32_t ciaddr,
			  bool unicast)
{
	const struct vs_dhcp4_query q = {
		.type = type, .server = server, .requested = requested, .ciaddr = ciaddr
	};
	const char *why = NULL;

	enum n4_aim aim = n4_aim(&q, unicast, ID, &why);
	assert_int_equal(why != NULL, aim == N4_IGNORED);
	return aim;
}

static void aims_are_those_of_the_rfc(void **state)
{
	(void)state;
	assert_int_equal(aim_of(VS_DHCP4_DISCOVER, 0, 0, 0, false), N4_DISCOVER);
	assert_int_equal(aim_of(VS_DHCP4_REQUEST, ID, 5, 0, false), N4_SELECTING);
	assert_int_equal(aim_of(VS_DHCP4_REQUEST, 0, 5, 0, false), N4_REBOOT);
	assert_int_equal(aim_of(VS_DHCP4_REQUEST, 0, 0, 5, true), N4_RENEWING);
	assert_int_equal(aim_of(VS_DHCP4_REQUEST, 0, 0, 5, false), N4_REBINDING);
	assert_int_equal(aim_of(VS_DHCP4_REQUEST, ID, 0, 5, false), N4_RENEWING);
	assert_int_equal(aim_of(VS_DHCP4_REQUEST, 0, 0, 0, false), N4_IGNORED);
	assert_int_equal(aim_of(VS_DHCP4_INFORM, 0, 0, 5, false), N4_INFORM);
	assert_int_equal(aim_of(VS_DHCP4_INFORM, 0, 0, 0, false), N4_IGNORED);
	assert_int_equal(aim_of(VS_DHCP4_RELEASE, ID, 0, 5, true), N4_RELEASE);
	assert_int_equal(aim_of(VS_DHCP4_DECLINE, ID, 5, 0, false), N4_DECLINE);
	for (int type = 1; type <= 8; type++)
		if (type != VS_DHCP4_OFFER && type != VS_DHCP4_ACK && type != VS_DHCP4_NAK)
			assert_int_equal(aim_of((enum vs_dhcp4_type)type, ID + 1, 5, 5, true), N4_IGNORED);
}

static bool honest(struct vs_dhcp4_query q, bool routed, uint32_t src)
{
	const char *why = NULL;

	bool ok = n4_is_honest(&q, routed, src, &place, &why);
	assert_int_equal(ok, why == NULL);
	return ok;
}

static void an_answer_goes_to_the_one_who_asks(void **state)
{
	const uint32_t near = 0x0a000005, far = 0x0b000005, group = 0xe0000001, all = 0xffffffff;
	struct vs_dhcp4_query q = { .htype = 1, .hlen = 6, .chaddr = { 1 } };

	(void)state;
	assert_false(honest(q, false, 0));
	q.htype = 6; /* the first bit means nothing there */
	assert_true(honest(q, false, 0));
	q = (struct vs_dhcp4_query){ .htype = 1, .hlen = 6 };
	assert_true(honest(q, false, 0) && honest(q, true, 0) && honest(q, true, near));
	assert_true(honest(q, false, far)); /* an address of before */
	assert_false(honest(q, true, far));
	q.ciaddr = far;
	assert_true(honest(q, false, 0) && honest(q, true, far) && honest(q, false, far));
	assert_false(honest(q, true, near) || honest(q, false, near));
	q.giaddr = far;
	assert_true(honest(q, true, near)); /* a relay has several addresses */
	for (int i = 0; i < 3; i++) {
		const uint32_t bad[] = { group, all, 0x7f000001 };
		q = (struct vs_dhcp4_query){ .ciaddr = bad[i] };
		assert_false(honest(q, false, 0) || honest(q, true, bad[i]));
		q = (struct vs_dhcp4_query){ .giaddr = bad[i] };
		assert_false(honest(q, true, far));
	}
}

/* A frame whose sender is zero comes from a station, too. */
static void a_client_is_what_the_frame_says(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 }, other[6] = { 2, 0, 0, 0, 0, 2 }, zero[6] = { 0 };
	struct vs_dhcp4_query q = { .chaddr = { 2, 7 } }, r = { .chaddr = { 2, 8 } };

	(void)state;
	struct dh_client a = n4_client(&q, mac, 0, &place), b = n4_client(&r, mac, 0x0a000032, &place);
	assert_true(
		dh_client_same(&a, &b)); /* chaddr, and an address of this network, are said by it alone */
	b = n4_client(&q, other, 0, &place);
	assert_false(dh_client_same_station(&a, &b));
	b = n4_client(&q, zero, 0, &place);
	assert_false(dh_client_same_station(&a, &b));
	q.giaddr = r.giaddr = 0x0a0000fe;
	a = n4_client(&q, mac, q.giaddr, &place);
	b = n4_client(&r, mac, r.giaddr, &place);
	assert_true(dh_client_same_relay(&a, &b) && !dh_client_same(&a, &b));
	r.giaddr++;
	b = n4_client(&r, mac, r.giaddr, &place);
	assert_true(dh_client_same_station(&a, &b) && !dh_client_same_relay(&a, &b));
	q.giaddr = 0; /* two that renew, behind a router */
	a = n4_client(&q, mac, 0x0b000001, &place);
	b = n4_client(&q, mac, 0x0b000002, &place);
	assert_true(dh_client_same_station(&a, &b) && !dh_client_same(&a, &b));
}

static void a_network_has_addresses_of_no_host(void **state)
{
	const struct n4_place one = { .addr = ID, .prefix_len = 32 }, two = { .addr = ID, .prefix_len = 31 },
			      nowhere = { .serverid = ID }, whole = { .addr = ID };

	(void)state;
	assert_true(n4_is_of_all(0x0a0000ff, &place) && n4_is_of_all(0x0a000000, &place));
	assert_false(n4_is_of_all(0x0a000001, &place) || n4_is_of_all(0x0b0000ff, &place));
	assert_false(n4_is_of_all(ID, &one) || n4_is_of_all(0x0a000000, &two));
	assert_false(n4_is_of_all(0x0a0000ff, &nowhere) || n4_is_of_all(0x0a0000ff, &whole));
	assert_true(n4_is_host(0x01000001) && n4_is_host(0xdfffffff));
	assert_false(n4_is_host(0) || n4_is_host(0x00ffffff) || n4_is_host(0x7f000001) ||
		     n4_is_host(0xe0000000) || n4_is_host(0xffffffff));
}

static enum n4_what verdict(enum n4_aim aim, uint32_t requested, uint32_t ciaddr, struct n4_known known)
{
	const struct vs_dhcp4_query q = { .requested = requested, .ciaddr = ciaddr };
	struct n4_verdict v = n4_decide(&q, aim, &known, &place);

	assert_int_equal(v.why != NULL, v.what == N4_SILENT || v.what == N4_NAK);
	return v.what;
}

static void each_request_gets_what_its_name_says(void **state)
{
	const struct n4_known five = { .n = 1, .addrs = { 5 } }, none = { .n = 0 },
			      failed = { .failed = true };

	(void)state;
	for (int aim = N4_DISCOVER; aim <= N4_INFORM; aim++)
		assert_int_equal(verdict((enum n4_aim)aim, 5, 0, failed), N4_SILENT);
	assert_int_equal(verdict(N4_DISCOVER, 0, 0, five), N4_OFFER);
	assert_int_equal(verdict(N4_DISCOVER, 0, 0, none), N4_SILENT);
	for (int aim = N4_SELECTING; aim <= N4_REBINDING; aim++) {
		bool selects = aim == N4_SELECTING || aim == N4_REBOOT;
		uint32_t right = 5, wrong = 6;
		assert_int_equal(verdict((enum n4_aim)aim, selects ? right : 0, selects ? 0 : right, five),
				 N4_ACK);
		assert_int_equal(verdict((enum n4_aim)aim, selects ? wrong : 0, selects ? 0 : wrong, five),
				 N4_NAK);
		assert_int_equal(verdict((enum n4_aim)aim, selects ? right : 0, selects ? 0 : right, none),
				 aim == N4_SELECTING || aim == N4_RENEWING ? N4_NAK : N4_SILENT);
	}
	assert_int_equal(verdict(N4_INFORM, 0, 5, five), N4_ACK);
	assert_int_equal(verdict(N4_INFORM, 0, 5, none), N4_SILENT);
}

static void a_name_is_that_of_option_81_with_the_domain(void **state)
{
	struct n4_settings s = { .hostname = false };
	struct vs_dhcp4_query q = { .has_fqdn = true, .fqdn = "one", .host = "two" };
	char name[VS_DNS_NAME_TEXT];

	(void)state;
	assert_true(n4_name(&q, &s, name));
	assert_string_equal(name, "one");
	s.shared.domain = (char[]){ "lab.test" };
	assert_true(n4_name(&q, &s, name));
	assert_string_equal(name, "one.lab.test");
	q.has_fqdn = false;
	assert_false(n4_name(&q, &s, name));
	s.hostname = true;
	assert_true(n4_name(&q, &s, name));
	assert_string_equal(name, "two.lab.test");
	(void)snprintf(q.host, sizeof(q.host), "%0250d", 0);
	assert_false(n4_name(&q, &s, name)); /* too long with its domain */
}

static void a_client_may_want_a_shorter_lease(void **state)
{
	(void)state;
	assert_int_equal(n4_lease(0, 3600), 3600);
	assert_int_equal(n4_lease(1800, 3600), 1800);
	assert_int_equal(n4_lease(7200, 3600), 3600);
	assert_int_equal(n4_lease(0xffffffff, 3600), 3600);
	assert_int_equal(n4_lease(0, 0xffffffff), 0xffffffff);
	assert_int_equal(n4_lease(1800, 0xffffffff), 1800);
	assert_int_equal(n4_lease(1, 3600), 60);
	assert_int_equal(n4_lease(1, 8), 8); /* of a record */
}

static void a_mask_is_always_there(void **state)
{
	struct n4_settings s = { .mask = 0 };
	const struct n4_place nowhere = { .serverid = ID };

	(void)state;
	assert_int_equal(n4_mask(0x0a000005, 0xffff0000, &place, &s), 0xffff0000);
	assert_int_equal(n4_mask(0x0a000005, 0, &place, &s), 0xffffff00);
	assert_int_equal(n4_mask(0x0a000105, 0, &place, &s), 0xff000000); /* classes A, B, C */
	assert_int_equal(n4_mask(0xac100001, 0, &nowhere, &s), 0xffff0000);
	assert_int_equal(n4_mask(0xc0a80001, 0, &nowhere, &s), 0xffffff00);
	s.mask = 0xfffffff0;
	assert_int_equal(n4_mask(0x0a000005, 0, &place, &s), 0xffffff00);
	assert_int_equal(n4_mask(0x0a000105, 0, &place, &s), 0xfffffff0);
}

/* ------------------------------------------------------------------ answers */

static struct n4_facts facts(const struct vs_dhcp4_query *q)
{
	struct n4_facts f = { .q = q, .name = "one.test", .serverid = ID };

	f.verdict = (struct n4_verdict){ .what = N4_OFFER, .addr = 0x0a000005 };
	f.terms = (struct n4_terms){ .mask = 0xffffff00, .lease_s = 3600, .mtu = 1400 };
	n4_list_add(&f.terms.routers, 0x0a000001);
	n4_list_add(&f.terms.dns, 0x0a000002);
	f.terms.n_routes = 1;
	f.terms.routes[0] = (struct n4_route){ .dst = 0xc0000200, .gw = 0x0a000009, .len = 24 };
	n4_txt_domains("a.test b.test", f.terms.search);
	return f;
}

static void options_stand_in_the_order_of_the_client(void **state)
{
	static const uint8_t expected[] =
		"\x35\1\2\x36\4\x0a\0\0\1\x33\4\0\0\x0e\x10\x3a\4\0\0\7\x08\x3b\4\0\0\x0c\x4e"
		"\1\4\xff\xff\xff\0\x1a\2\5\x78\x79\x0d\x18\xc0\0\2\x0a\0\0\x09\0\x0a\0\0\1"
		"\3\4\x0a\0\0\1\x0f\6a.test\6\4\x0a\0\0\2\x77\x10\1a\4test\0\1b\4test\0\xff";
	const struct vs_dhcp4_query q = { .max_size = 576,
					  .n_parameters = 9,
					  .parameters = { 26, 26, 3, 15, 1, 121, 6, 119, 200 } };
	struct n4_facts f = facts(&q);
	uint8_t out[N4_REPLY_MAX];

	(void)state;
	assert_int_not_equal(n4_reply_write(&f, out), 0);
	assert_memory_equal(out + 240, expected, sizeof(expected) - 1);
}

/* Numbers up to 255 and any number of them: the family's earlier server had tables of less. */
static void every_list_of_parameters_fits(void **state)
{
	struct vs_dhcp4_query q = { .max_size = 65535, .n_parameters = 255 };
	uint8_t out[N4_REPLY_MAX];

	(void)state;
	for (unsigned i = 0; i < 255; i++)
		q.parameters[i] = (uint8_t)(i + 1);
	struct n4_facts f = facts(&q);
	while (f.terms.n_routes < N4_ROUTES_MAX)
		f.terms.routes[f.terms.n_routes++] =
			(struct n4_route){ .dst = 0x01020304, .gw = 1, .len = 32 };
	for (int i = 0; i < 100; i++)
		n4_txt_domains((const char[]){ 'a', (char)('a' + i % 26), (char)('a' + i / 26), '\0' },
			       f.terms.search);
	size_t n = n4_reply_write(&f, out);
	assert_true(n > 700 && n <= N4_REPLY_MAX);
	q.max_size = 576;
	n = n4_reply_write(&f, out);
	assert_true(n >= 300 && n <= 548);
}

/* Where an option begins in an answer. 0: it is not there. */
static size_t find_option(const uint8_t *out, size_t n, unsigned code)
{
	for (size_t at = 240; at + 1 < n && out[at] != 255; at += 2u + out[at + 1])
		if (out[at] == code)
			return at;
	return 0;
}

/* 308 bytes for options: 227 of the name, some of the client's identifier, and what it cannot do without. */
static void a_small_client_keeps_mask_router_server_and_lease(void **state)
{
	static const uint8_t lists[3][4] = { { 6, 119, 3, 51 }, { 119, 6, 121, 3 }, { 119, 6, 121, 121 } };
	struct vs_dhcp4_query q = {
		.max_size = 576, .n_parameters = 4, .has_fqdn = true, .has_client_id = true
	};
	struct n4_facts f = facts(&q);
	char name[VS_DNS_NAME_TEXT];
	uint8_t out[N4_REPLY_MAX];

	(void)state;
	(void)snprintf(name, sizeof(name), "%063d.%063d.%063d.%030d", 1, 1, 1, 1);
	f.name = name;
	while (f.terms.dns.n < N4_LIST_MAX)
		n4_list_add(&f.terms.dns, 0x0a000080u + f.terms.dns.n);
	for (int i = 0; i < 3; i++)
		for (unsigned id = 0; id < 240; id++) {
			memcpy(q.parameters, lists[i], 4);
			q.client_id_len = (uint8_t)id;
			size_t n = n4_reply_write(&f, out);
			assert_true(n >= 300 && n <= 548);
			assert_true(find_option(out, n, 54) && find_option(out, n, 51));
			assert_true(find_option(out, n, 1) != 0);
			assert_true(find_option(out, n, 3) || find_option(out, n, 121));
			assert_true(find_option(out, n, 61) != 0);
		}
	q.has_relay = true; /* no room for a router: no answer */
	memcpy(q.parameters, lists[0], 4);
	for (unsigned relay = 0; relay < 100; relay++) {
		q.relay_len = (uint16_t)relay;
		size_t n = n4_reply_write(&f, out);
		assert_true(n == 0 || find_option(out, n, 3) != 0);
		assert_int_equal(n == 0, relay > 308 - 1 - 241 - 27 - 6 - 6 - 2);
	}
	q.has_relay = false;
	q.client_id_len = 20; /* there is room for some of the name servers */
	size_t n = n4_reply_write(&f, out), at = find_option(out, n, 6);
	assert_true(at != 0 && out[at + 1] >= 4 && out[at + 1] < 32 && out[at + 1] % 4 == 0);
}

static void answers_go_where_the_rfc_says(void **state)
{
	static const uint8_t sender[6] = { 2, 0, 0, 0, 0, 9 };
	struct vs_dhcp4_query q = { .htype = 1, .hlen = 6, .chaddr = { 2, 0, 0, 0, 0, 8 }, .max_size = 576 };
	struct n4_facts f = facts(&q);

	(void)state;
	struct n4_target t = n4_reply_target(&f, sender);
	assert_true(t.ip == 0x0a000005 && t.port == 68 && t.mac[5] == 8);
	q.flags = 0x8000;
	t = n4_reply_target(&f, sender);
	assert_true(t.ip == 0xffffffff && t.port == 68 && t.mac[0] == 255);
	q.ciaddr = 0x0a000007;
	t = n4_reply_target(&f, sender);
	assert_true(t.ip == 0x0a000007 && t.port == 68 && t.mac[5] == 9);
	f.verdict.what = N4_NAK;
	t = n4_reply_target(&f, sender);
	assert_true(t.ip == 0xffffffff && t.port == 68 && t.mac[0] == 255);
	q.giaddr = 0x0a0000fe;
	t = n4_reply_target(&f, sender);
	assert_true(t.ip == 0x0a0000fe && t.port == 67 && t.mac[5] == 9);
	q = (struct vs_dhcp4_query){ .htype = 32,
				     .hlen = 0,
				     .max_size = 576 }; /* no Ethernet address of its own */
	f.verdict.what = N4_OFFER;
	t = n4_reply_target(&f, sender);
	assert_true(t.ip == 0x0a000005 && t.mac[5] == 9);
}

static void messages_are_limited_in_number(void **state)
{
	struct n4_notices n = { .verbose = true };

	(void)state;
	for (int i = 0; i < 10000; i++)
		n4_notice(&n, 1000 + i / 10, DM_DEBUG, "message %d", i);
	assert_true(n.n_debug == 50 && n.left_out == 9950);
	for (int i = 0; i < 60; i++)
		n4_notice(&n, 2000, DM_NOTICE, "notice %d", i);
	assert_true(n.n == 50 && n.left_out == 9960); /* they had room */
	n4_notice(&n, 20000, DM_DEBUG, "next");
	assert_true(n.n_debug == 1 && n.n == 0 && n.left_out == 0);
	n.verbose = false;
	n4_notice(&n, 20000, DM_DEBUG, "not verbose");
	assert_int_equal(n.n_debug, 1);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(all_tags_are_read),
	cmocka_unit_test(what_is_wrong_or_unknown_is_skipped),
	cmocka_unit_test(reading_stops_at_a_name_that_is_not_known),
	cmocka_unit_test(lists_are_bounded),
	cmocka_unit_test(a_mask_has_no_holes),
	cmocka_unit_test(aims_are_those_of_the_rfc),
	cmocka_unit_test(an_answer_goes_to_the_one_who_asks),
	cmocka_unit_test(a_client_is_what_the_frame_says),
	cmocka_unit_test(a_network_has_addresses_of_no_host),
	cmocka_unit_test(each_request_gets_what_its_name_says),
	cmocka_unit_test(a_name_is_that_of_option_81_with_the_domain),
	cmocka_unit_test(a_client_may_want_a_shorter_lease),
	cmocka_unit_test(a_mask_is_always_there),
	cmocka_unit_test(options_stand_in_the_order_of_the_client),
	cmocka_unit_test(every_list_of_parameters_fits),
	cmocka_unit_test(a_small_client_keeps_mask_router_server_and_lease),
	cmocka_unit_test(answers_go_where_the_rfc_says),
	cmocka_unit_test(messages_are_limited_in_number),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
