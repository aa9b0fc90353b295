/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Router discovery and SLAAC with a clock and a network of the test. What the machine does is kept as the
 * kernel would keep it, so that each case compares what is set in the end.
 */

#include <arpa/inet.h>
#include <stdlib.h>

#include "auto/ra.h"
#include "proto/hash_addr.h"
#include "proto/ndp.h"
#include "unit.h"

#define SETS_MAX 64

static struct {
	struct vs_auto_addr addrs[SETS_MAX];
	struct vs_auto_route routes[SETS_MAX];
	size_t n_addrs, n_routes;
	struct vs_auto_facts facts;
	unsigned n_facts, sent, sent_with_mac, calls;
	unsigned news[VS_NEWS_IPV6_ONLY + 1];
	vs_auto_ms sent_at;
} seen;

static vs_auto_ms now;
static uint16_t chance; /* what random() returns */
static struct vs_auto_config config;
static void *machine;
static struct vs_ndp_ra ra; /* what advertise() sends */
static const char *const router = "fe80::1";

/* ------------------------------------------------------------------ the driver of the test */

static void on_send(void *arg, const struct vs_auto_packet *p)
{
	static const uint8_t all_routers[16] = { 0xff, 0x02, [15] = 2 };

	(void)arg;
	assert_int_equal(p->way, VS_WAY_ICMP6);
	assert_memory_equal(p->peer.bytes, all_routers, 16);
	assert_int_equal(p->bytes[0], 133);
	assert_true(p->n == 8 || p->n == 16);
	seen.sent++;
	seen.sent_with_mac += p->n == 16;
	seen.sent_at = now;
}

static size_t find_addr(const struct vs_auto_addr *a)
{
	size_t i = 0;

	while (i < seen.n_addrs && memcmp(seen.addrs[i].ip.bytes, a->ip.bytes, 16) != 0)
		i++;
	return i;
}

static void on_addr_set(void *arg, const struct vs_auto_addr *a)
{
	size_t i = find_addr(a);

	(void)arg;
	assert_true(i < SETS_MAX);
	assert_true(a->no_prefix_route && a->prefix_len == 64 && a->ip.family == AF_INET6);
	assert_true(a->valid_s > 0 && a->preferred_s <= a->valid_s);
	seen.addrs[i] = *a;
	seen.n_addrs += i == seen.n_addrs;
	seen.calls++;
}

static void on_addr_del(void *arg, const struct vs_auto_addr *a)
{
	size_t i = find_addr(a);

	(void)arg;
	assert_true(i < seen.n_addrs);
	seen.addrs[i] = seen.addrs[--seen.n_addrs];
	seen.calls++;
}

/* As the kernel compares routes. */
static size_t find_route(const struct vs_auto_route *r)
{
	size_t i = 0;

	while (i < seen.n_routes &&
	       (memcmp(seen.routes[i].dst.bytes, r->dst.bytes, 16) != 0 ||
		seen.routes[i].prefix_len != r->prefix_len || seen.routes[i].metric != r->metric))
		i++;
	return i;
}

static void on_route_set(void *arg, const struct vs_auto_route *r)
{
	size_t i = find_route(r);

	(void)arg;
	assert_true(i < SETS_MAX && r->lifetime_s > 0 && r->metric > 0);
	assert_int_equal(r->dst.family, AF_INET6);
	if (i < seen.n_routes) /* a route never takes the place of that through another router */
		assert_memory_equal(seen.routes[i].gw.bytes, r->gw.bytes, 16);
	seen.routes[i] = *r;
	seen.n_routes += i == seen.n_routes;
	seen.calls++;
}

static void on_route_del(void *arg, const struct vs_auto_route *r)
{
	size_t i = find_route(r);

	(void)arg;
	assert_true(i < seen.n_routes);
	seen.routes[i] = seen.routes[--seen.n_routes];
	seen.calls++;
}

static void on_facts(void *arg, const struct vs_auto_facts *facts)
{
	(void)arg;
	seen.facts = *facts;
	seen.n_facts++;
}

static void on_news(void *arg, enum vs_auto_news what, const struct vs_auto_addr *about, const char *why)
{
	(void)arg, (void)about, (void)why;
	seen.news[what]++;
}

static void on_save(void *arg)
{
	(void)arg;
	fail();
}

static void on_random(void *arg, void *bytes, size_t n)
{
	(void)arg;
	assert_int_equal(n, sizeof(chance));
	memcpy(bytes, &chance, n);
}

static const struct vs_auto_ops ops = {
	.send = on_send, .addr_set = on_addr_set, .addr_del = on_addr_del, .route_set = on_route_set,
	.route_del = on_route_del, .facts = on_facts, .news = on_news, .save = on_save, .random = on_random,
};

static struct vs_auto_state describe(void)
{
	struct vs_auto_state state;

	vs_ra_kind.describe(machine, &state);
	return state;
}

static void start(enum vs_auto_iid iid)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	memset(&seen, 0, sizeof(seen));
	memset(&ra, 0, sizeof(ra));
	free(machine);
	now = 1000000;
	chance = 1000; /* in the middle: no jitter */
	strcpy(config.ifname, "vde0");
	memcpy(config.mac, mac, 6);
	config.iid = iid;
	machine = calloc(1, vs_ra_kind.size);
	assert_non_null(machine);
	vs_ra_kind.init(machine, &config, &ops, NULL);
	assert_int_equal(vs_ra_kind.deadline(machine), VS_AUTO_NEVER);
	assert_int_equal(seen.sent, 0);
	assert_string_equal(describe().state, "INIT");
	vs_ra_kind.start(machine, now, NULL);
	ra.lifetime_s = 1800;
}

/* Lets time pass, with the timer exactly when it is due. */
static void pass(vs_auto_ms ms)
{
	vs_auto_ms until = now + ms;

	for (vs_auto_ms due; (due = vs_ra_kind.deadline(machine)) <= until;) {
		now = due > now ? due : now;
		vs_ra_kind.timer(machine, now);
		assert_true(vs_ra_kind.deadline(machine) > now); /* otherwise it would be called for ever */
	}
	now = until;
	/* What the kernel ends by itself. */
	for (size_t i = 0; i < seen.n_routes; i++)
		assert_true(seen.routes[i].lifetime_s > 0);
}

static void input(const uint8_t *bytes, size_t n, const char *from, uint8_t hop_limit)
{
	struct vs_auto_packet packet = { .way = VS_WAY_ICMP6, .n = n, .hop_limit = hop_limit };
	uint8_t *exact = malloc(n > 0 ? n : 1);

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	packet.bytes = exact;
	packet.peer.family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, from, packet.peer.bytes), 1);
	vs_ra_kind.input(machine, now, &packet);
	free(exact);
}

static void advertise_from(const char *from)
{
	uint8_t bytes[1500];
	size_t n = vs_ndp_ra_encode(bytes, sizeof(bytes), &ra);

	assert_true(n > 0);
	input(bytes, n, from, 255);
}

static void advertise(void)
{
	advertise_from(router);
}

static void read_addr(const char *text, uint8_t bytes[16])
{
	assert_int_equal(inet_pton(AF_INET6, text, bytes), 1);
}

static void set_prefix(unsigned i, const char *prefix, uint32_t valid_s, uint32_t preferred_s)
{
	struct vs_ndp_prefix *p = &ra.prefixes[i];

	read_addr(prefix, p->prefix);
	p->len = 64;
	p->on_link = p->autonomous = true;
	p->valid_s = valid_s;
	p->preferred_s = preferred_s;
	if (ra.n_prefixes <= i)
		ra.n_prefixes = i + 1;
}

static void set_server(unsigned i, const char *addr, uint32_t lifetime_s)
{
	read_addr(addr, ra.dns[i].addr);
	ra.dns[i].lifetime_s = lifetime_s;
	if (ra.n_dns <= i)
		ra.n_dns = i + 1;
}

static void set_domain(unsigned i, const char *name, uint32_t lifetime_s)
{
	assert_true(strlen(name) < sizeof(ra.search[i].name));
	strcpy(ra.search[i].name, name);
	ra.search[i].lifetime_s = lifetime_s;
	if (ra.n_search <= i)
		ra.n_search = i + 1;
}

static const struct vs_auto_addr *the_addr(const char *text)
{
	struct vs_auto_addr a;

	read_addr(text, a.ip.bytes);
	size_t i = find_addr(&a);
	return i < seen.n_addrs ? &seen.addrs[i] : NULL;
}

/* The route to a prefix, the one with the least metric. */
static const struct vs_auto_route *the_route(const char *dst, uint8_t len)
{
	const struct vs_auto_route *best = NULL;
	uint8_t bytes[16];

	read_addr(dst, bytes);
	for (size_t i = 0; i < seen.n_routes; i++) {
		const struct vs_auto_route *r = &seen.routes[i];
		if (r->prefix_len == len && memcmp(r->dst.bytes, bytes, 16) == 0 &&
		    (best == NULL || r->metric < best->metric))
			best = r;
	}
	return best;
}

static bool goes_through(const struct vs_auto_route *r, const char *gw)
{
	uint8_t bytes[16];

	read_addr(gw, bytes);
	return r != NULL && r->gw.family == AF_INET6 && memcmp(r->gw.bytes, bytes, 16) == 0;
}

static void detected(const struct vs_auto_addr *a, bool duplicate)
{
	struct vs_auto_ip ip = a->ip;

	vs_ra_kind.detected(machine, now, &ip, duplicate);
}

static void link_local_is_ours(void)
{
	struct vs_auto_ip ip = { AF_INET6, { 0xfe, 0x80, [15] = 7 } };

	vs_ra_kind.detected(machine, now, &ip, false);
}

static uint32_t ignored(enum vs_auto_ignored why)
{
	return describe().ignored[why];
}

/* ------------------------------------------------------------------ solicitations */

static void solicitations_go_on_less_and_less_often(void **state)
{
	static const vs_auto_ms at_s[] = { 4, 12, 28, 60, 124, 252, 508, 1020, 2044, 4092, 7692 };

	(void)state;
	start(VS_IID_NONE);
	vs_auto_ms began = now;
	assert_int_equal(seen.sent, 1);
	assert_string_equal(describe().state, "SOLICITING");
	for (size_t i = 0; i < sizeof(at_s) / sizeof(at_s[0]); i++) {
		pass(began + at_s[i] * 1000 - 1 - now);
		assert_int_equal(seen.sent, i + 1);
		pass(1);
		assert_int_equal(seen.sent, i + 2);
	}
	assert_int_equal(seen.news[VS_NEWS_SILENT], 1);
	assert_string_equal(describe().problem, "no router has answered 12 solicitations");
	pass((vs_auto_ms)30 * 86400 * 1000); /* a month */
	assert_in_range(seen.sent, 12 + 30 * 24 - 1, 12 + 30 * 24 + 1);
}

static void the_times_of_solicitations_vary_by_a_tenth(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		start(VS_IID_NONE);
		free(machine);
		machine = calloc(1, vs_ra_kind.size);
		chance = i == 0 ? 0 : 2000;
		vs_ra_kind.init(machine, &config, &ops, NULL);
		vs_ra_kind.start(machine, now, NULL);
		assert_int_equal(vs_ra_kind.deadline(machine), now + (i == 0 ? 3600 : 4400));
		pass((vs_auto_ms)20 * 3600 * 1000);
		assert_int_equal(vs_ra_kind.deadline(machine) - seen.sent_at, i == 0 ? 3240000 : 3960000);
	}
}

static void the_mac_is_sent_once_the_address_is_ours(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	assert_int_equal(seen.sent_with_mac, 0);
	pass(1000);
	link_local_is_ours(); /* the first one may have had no address to be sent from */
	assert_int_equal(seen.sent, 2);
	assert_int_equal(seen.sent_with_mac, 1);
	link_local_is_ours();
	assert_int_equal(seen.sent, 2);
	assert_int_equal(vs_ra_kind.deadline(machine), now + 4000);

	start(VS_IID_NONE);
	advertise(); /* the first one was answered */
	link_local_is_ours();
	assert_int_equal(seen.sent, 1);
}

static void a_router_ends_the_search(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	pass(10000);
	assert_int_equal(seen.sent, 2);
	advertise();
	assert_string_equal(describe().state, "CONFIGURED");
	assert_int_equal(describe().since, now);
	assert_string_equal(describe().problem, "");
	assert_true(describe().ready);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 1);
	assert_true(goes_through(the_route("::", 0), router));
	pass(1799000);
	assert_int_equal(seen.sent, 2);
	advertise();
	assert_int_equal(describe().since, now - 1799000);
	assert_int_equal(ignored(VS_IGNORED_CONTENT), 0);

	start(VS_IID_NONE); /* one that is no default router does not */
	ra.lifetime_s = 0;
	advertise();
	assert_string_equal(describe().state, "SOLICITING");
	pass(4000);
	assert_int_equal(seen.sent, 2);
}

/* ------------------------------------------------------------------ routers and routes */

static void a_month_of_advertisements_keeps_address_route_and_names(void **state)
{
	unsigned n = 0;

	(void)state;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 3600, 1800);
	set_server(0, "2001:db8:1::53", 1200);
	for (vs_auto_ms end = now + (vs_auto_ms)30 * 86400 * 1000; now < end; n++) {
		advertise();
		assert_int_equal(seen.n_addrs, 1);
		if (n == 0)
			detected(&seen.addrs[0], false);
		assert_true(describe().ready);
		assert_true(goes_through(the_route("::", 0), router));
		pass(200000 + n % 5 * 100000); /* RFC 4861: 200 to 600 s by default */
	}
	assert_in_range(n, 6400, 6500);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 1);
	assert_int_equal(seen.news[VS_NEWS_LOST], 0);
	assert_int_equal(seen.news[VS_NEWS_CHANGED], 0);
	assert_int_equal(seen.facts.dns[0].family, AF_INET6);
	assert_true(seen.sent <= 2); /* solicitations, all at the start */
}

static void a_router_that_says_goodbye_is_forgotten(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	pass(100000);
	advertise();
	unsigned sent = seen.sent;
	ra.lifetime_s = 0;
	advertise();
	assert_int_equal(seen.n_routes, 0);
	assert_int_equal(seen.news[VS_NEWS_LOST], 1);
	assert_false(describe().ready);
	pass(1000); /* another one is searched for, not at the same moment as all other hosts do */
	assert_int_equal(seen.sent, sent + 1);
}

static void a_router_that_is_silent_is_forgotten(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	advertise();
	pass(1799999);
	assert_int_equal(seen.n_routes, 1);
	pass(1);
	assert_int_equal(seen.n_routes, 0);
	assert_int_equal(seen.news[VS_NEWS_LOST], 1);
	pass(500);
	assert_int_equal(seen.sent, 2);
	advertise();
	assert_int_equal(seen.news[VS_NEWS_GAINED], 2);
}

static void a_goodbye_that_is_repeated_does_not_make_us_flood(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	for (int i = 0; i < 100; i++) { /* 100 seconds of a forger */
		ra.lifetime_s = i % 2 == 0 ? 1800 : 0;
		advertise();
		pass(i % 2 == 0 ? 100 : 1900);
	}
	assert_in_range(seen.sent, 5, 26); /* one in four seconds */
}

static void the_other_router_takes_over(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	advertise_from("fe80::1");
	advertise_from("fe80::2");
	assert_int_equal(seen.n_routes, 2);
	assert_true(goes_through(the_route("::", 0), "fe80::1"));
	ra.lifetime_s = 0;
	advertise_from("fe80::1");
	assert_int_equal(seen.n_routes, 1);
	assert_true(goes_through(the_route("::", 0), "fe80::2"));
	assert_int_equal(seen.news[VS_NEWS_LOST], 0);
	assert_int_equal(seen.news[VS_NEWS_CHANGED], 2);
	assert_int_equal(seen.sent, 1);
}

static void the_preferred_router_is_used(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	advertise_from("fe80::1");
	assert_in_range(the_route("::", 0)->metric, 1025, 1032);
	ra.preference = VS_NDP_HIGH;
	advertise_from("fe80::2");
	assert_true(goes_through(the_route("::", 0), "fe80::2"));
	ra.preference = VS_NDP_LOW;
	advertise_from("fe80::2");
	assert_int_equal(seen.n_routes, 2);
	assert_true(goes_through(the_route("::", 0), "fe80::1"));
	struct vs_auto_state s = describe();
	assert_int_equal(s.server.bytes[15], 1);
}

static void routes_come_and_go(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	ra.n_routes = 2;
	read_addr("2001:db8:77::", ra.routes[0].prefix);
	ra.routes[0].len = 48;
	ra.routes[0].lifetime_s = 600;
	read_addr("2001:db8:88::", ra.routes[1].prefix);
	ra.routes[1].len = 48;
	ra.routes[1].lifetime_s = VS_NDP_FOREVER;
	advertise();
	assert_true(goes_through(the_route("2001:db8:77::", 48), router));
	assert_int_equal(the_route("2001:db8:77::", 48)->lifetime_s, 600);
	assert_int_equal(the_route("2001:db8:88::", 48)->lifetime_s, VS_AUTO_FOREVER);
	pass(600000);
	assert_null(the_route("2001:db8:77::", 48));
	ra.routes[1].lifetime_s = 0;
	ra.n_routes = 2;
	advertise();
	assert_non_null(the_route("2001:db8:77::", 48));
	assert_null(the_route("2001:db8:88::", 48));
}

static void a_route_to_everything_is_the_default_route(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	ra.lifetime_s = 0;
	ra.n_routes = 1;
	ra.routes[0].preference = VS_NDP_HIGH;
	ra.routes[0].lifetime_s = 300;
	advertise();
	assert_int_equal(seen.n_routes, 1);
	assert_int_equal(the_route("::", 0)->lifetime_s, 300);
	assert_in_range(the_route("::", 0)->metric, 513, 520);
}

static void a_prefix_on_the_link_is_a_route(void **state)
{
	(void)state;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 3600, 1800);
	ra.prefixes[0].autonomous = false;
	advertise();
	assert_int_equal(seen.n_addrs, 0);
	assert_non_null(the_route("2001:db8:1::", 64));
	assert_int_equal(the_route("2001:db8:1::", 64)->gw.family, 0);
	assert_int_equal(the_route("2001:db8:1::", 64)->metric, 257); /* not that of a static address */
	ra.prefixes[0].valid_s = ra.prefixes[0].preferred_s = 0;
	advertise(); /* RFC 4861 section 6.3.4: at once */
	assert_null(the_route("2001:db8:1::", 64));

	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 3600, 1800);
	ra.prefixes[0].on_link = false;
	advertise();
	assert_int_equal(seen.n_addrs, 1);
	assert_null(the_route("2001:db8:1::", 64));
}

static void not_everything_is_on_the_link(void **state)
{
	(void)state;
	start(VS_IID_EUI64);
	set_prefix(0, "::", 3600, 1800);
	ra.prefixes[0].len = 0;
	ra.lifetime_s = 0;
	advertise();
	assert_int_equal(seen.n_routes, 0);
	assert_int_equal(ignored(VS_IGNORED_CONTENT), 1);
}

/* ------------------------------------------------------------------ addresses */

static void an_address_is_gained_when_it_is_unique(void **state)
{
	(void)state;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 3600, 1800);
	advertise();
	const struct vs_auto_addr *a = the_addr("2001:db8:1::ff:fe00:1");
	assert_non_null(a);
	assert_int_equal(a->valid_s, 3600);
	assert_int_equal(a->preferred_s, 1800);
	assert_false(a->nodad);
	assert_false(describe().ready);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 0);
	struct vs_auto_addr other = *a; /* of another source, with the same prefix */
	other.ip.bytes[15]++;
	detected(&other, true);
	detected(&other, false);
	assert_int_equal(seen.news[VS_NEWS_GAINED] + seen.news[VS_NEWS_CONFLICT], 0);
	detected(a, false);
	assert_true(describe().ready);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 1);
	detected(a, false);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 1);
	pass(60000);
	advertise();
	assert_int_equal(seen.news[VS_NEWS_RENEWED], 1);
	assert_int_equal(seen.news[VS_NEWS_CHANGED], 0);
	unsigned calls = seen.calls;
	advertise(); /* nothing new */
	assert_int_equal(seen.calls, calls);
	assert_int_equal(seen.news[VS_NEWS_RENEWED], 1);
}

static void without_detection_an_address_is_gained_at_once(void **state)
{
	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 3600, 1800);
	advertise();
	assert_int_equal(ignored(VS_IGNORED_CONTENT), 0);
	assert_true(the_addr("2001:db8:1::ff:fe00:1")->nodad);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 1);
}

static void the_id_is_the_hash_of_the_name(void **state)
{
	(void)state;
	config.fqdn = "host.lab.test";
	start(VS_IID_HASH);
	set_prefix(0, "fc09::", 3600, 1800);
	advertise();
	assert_non_null(the_addr("fc09::3c0e:e1cc:8889:b58"));
	start(VS_IID_EUI64); /* only if asked for */
	set_prefix(0, "fc09::", 3600, 1800);
	advertise();
	assert_non_null(the_addr("fc09::ff:fe00:1"));
}

static void a_hash_address_that_another_host_has_is_given_up(void **state)
{
	(void)state;
	config.fqdn = "host.lab.test";
	start(VS_IID_HASH);
	set_prefix(0, "fc09::", 3600, 1800);
	advertise();
	detected(&seen.addrs[0], true);
	assert_int_equal(seen.n_addrs, 0);
	assert_int_equal(seen.news[VS_NEWS_CONFLICT], 1);
	assert_string_equal(describe().problem, "another host uses the address");
	pass(1000);
	advertise(); /* does not make it again */
	assert_int_equal(seen.n_addrs, 0);
	vs_ra_kind.link(machine, now, false);
	vs_ra_kind.link(machine, now, true); /* another try */
	advertise();
	assert_int_equal(seen.n_addrs, 1);
}

static void a_stable_address_that_another_host_has_is_replaced(void **state)
{
	struct vs_auto_addr had[5];
	uint8_t counter, right[16];

	(void)state;
	memset(config.secret, 7, sizeof(config.secret));
	start(VS_IID_STABLE);
	set_prefix(0, "2001:db8:1::", 3600, 1800);
	advertise();
	for (uint8_t i = 0; i < 4; i++) {
		assert_int_equal(seen.n_addrs, 1);
		read_addr("2001:db8:1::", right);
		counter = i;
		vs_stable_addr(right, "vde0", config.secret, &counter);
		assert_memory_equal(seen.addrs[0].ip.bytes, right, 16);
		had[i] = seen.addrs[0];
		detected(&had[i], true);
	}
	assert_int_equal(seen.n_addrs, 0); /* enough */
	assert_int_equal(seen.news[VS_NEWS_CONFLICT], 4);
	detected(&had[0], false); /* late, of an address that is not set any more */
	assert_int_equal(seen.news[VS_NEWS_GAINED], 0);
}

static void renumbering_deprecates_the_old_prefix(void **state)
{
	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 7 * 86400, 86400);
	advertise();
	pass(60000);
	set_prefix(0, "2001:db8:1::", 0, 0);
	set_prefix(1, "2001:db8:2::", 7 * 86400, 86400);
	advertise();
	const struct vs_auto_addr *old = the_addr("2001:db8:1::ff:fe00:1");
	assert_int_equal(old->preferred_s, 0);
	assert_int_equal(old->valid_s, 7200);
	assert_int_equal(the_addr("2001:db8:2::ff:fe00:1")->preferred_s, 86400);
	assert_int_equal(seen.news[VS_NEWS_CHANGED], 1);
	for (int i = 0; i < 23; i++) {
		pass(300000);
		advertise(); /* does not keep the old one alive */
	}
	assert_non_null(the_addr("2001:db8:1::ff:fe00:1"));
	pass(300000);
	assert_null(the_addr("2001:db8:1::ff:fe00:1"));
	assert_int_equal(seen.news[VS_NEWS_LOST], 0);
}

/* RFC 4862 section 5.5.3 e, case by case. */
static void a_lifetime_is_not_cut_below_two_hours(void **state)
{
	static const struct {
		uint32_t left, received, then;
	} cases[] = {
		{ 10000, 20000, 20000 }, { 10000, 8000, 8000 }, { 10000, 7201, 7201 }, { 10000, 7199, 7200 },
		{ 10000, 1, 7200 },      { 10000, 0, 7200 },    { 7000, 6999, 7000 },  { 7000, 0, 7000 },
		{ 7000, 7100, 7100 },    { 60, 10, 60 },        { 60, 61, 61 },
		{ VS_NDP_FOREVER, 0, 7200 },
		{ VS_NDP_FOREVER, 90000, 90000 },
		{ 60, VS_NDP_FOREVER, VS_AUTO_FOREVER },
	};

	(void)state;
	config.nodad = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(VS_IID_EUI64);
		set_prefix(0, "2001:db8:1::", cases[i].left, 30);
		advertise();
		set_prefix(0, "2001:db8:1::", cases[i].received, 0);
		advertise();
		assert_int_equal(seen.addrs[0].valid_s, cases[i].then);
		assert_int_equal(seen.addrs[0].preferred_s, 0);
	}
}

static void the_last_address_that_expires_is_lost(void **state)
{
	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 600, 300);
	advertise();
	pass(599999);
	assert_int_equal(seen.n_addrs, 1);
	pass(1);
	assert_int_equal(seen.n_addrs, 0);
	assert_int_equal(seen.news[VS_NEWS_LOST], 1);
	assert_false(describe().ready);
}

static void prefixes_that_make_no_address_are_refused(void **state)
{
	(void)state;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 600, 300);
	ra.prefixes[0].len = 63;
	advertise();
	assert_int_equal(seen.n_addrs, 0);
	assert_int_equal(ignored(VS_IGNORED_CONTENT), 1);
	ra.prefixes[0].len = 64;
	ra.prefixes[0].valid_s = ra.prefixes[0].preferred_s = 0; /* it would end at once */
	advertise();
	assert_int_equal(seen.n_addrs, 0);
	assert_int_equal(ignored(VS_IGNORED_CONTENT), 1);
	set_prefix(0, "::", 600, 300); /* of the unspecified address, loopback and IPv4 in IPv6 */
	ra.prefixes[0].on_link = false;
	advertise();
	assert_int_equal(seen.n_addrs, 0);
	assert_int_equal(ignored(VS_IGNORED_CONTENT), 2);
}

/* ------------------------------------------------------------------ name servers, flags */

static void name_servers_have_lifetimes(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	set_server(0, "2001:db8::53", 600);
	set_server(1, "fe80::53", 1200);
	set_domain(0, "example.org", 600);
	set_domain(1, "test", 1200);
	ra.mtu = 1400;
	advertise();
	assert_int_equal(seen.n_facts, 1);
	assert_int_equal(seen.facts.dns[0].family, AF_INET6);
	assert_int_equal(seen.facts.dns[1].bytes[0], 0xfe);
	assert_int_equal(seen.facts.dns[2].family, 0);
	assert_string_equal(seen.facts.search, "example.org test");
	assert_int_equal(seen.facts.lifetime_s, 600);
	assert_int_equal(seen.facts.mtu, 1400);
	pass(600000);
	assert_int_equal(seen.facts.dns[0].bytes[0], 0xfe);
	assert_int_equal(seen.facts.dns[1].family, 0);
	assert_string_equal(seen.facts.search, "test");
	assert_int_equal(seen.news[VS_NEWS_CHANGED], 1);
	set_server(1, "fe80::53", 0);
	set_domain(1, "TEST", 0);
	advertise();
	assert_int_equal(seen.facts.dns[0].bytes[0], 0x20); /* heard of again */
	assert_int_equal(seen.facts.dns[1].family, 0);
	assert_string_equal(seen.facts.search, "example.org");
	assert_int_equal(seen.facts.lifetime_s, 600);
}

static void name_servers_that_are_heard_of_again_are_renewed(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	set_server(0, "2001:db8::53", 0); /* never heard of before */
	set_domain(0, "example.org", 0);
	advertise();
	assert_int_equal(seen.n_facts, 0);
	for (int i = 0; i < 2; i++) { /* one without the other */
		start(VS_IID_NONE);
		if (i == 0)
			set_server(0, "2001:db8::53", 600);
		else
			set_domain(0, "example.org", 600);
		advertise();
		assert_int_equal(vs_ra_kind.deadline(machine), now + 600000);
		pass(599999);
		advertise();
		assert_int_equal(seen.n_facts, 2);
		assert_int_equal(seen.facts.lifetime_s, 600);
		pass(599999);
		assert_int_equal(seen.facts.dns[0].family != 0, i == 0);
		assert_string_equal(seen.facts.search, i == 0 ? "" : "example.org");
		pass(1);
		assert_int_equal(seen.facts.dns[0].family, 0);
		assert_string_equal(seen.facts.search, "");
	}
}

static void domains_are_others_if_one_begins_with_the_other(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	set_domain(0, "example.org", 600);
	set_domain(1, "example", 600);
	set_domain(2, "Example.Org", 600);
	advertise();
	assert_string_equal(seen.facts.search, "example.org example");
}

/* A name of so many bytes, of labels with 49. */
static void set_long_domain(unsigned i, char letter, size_t n, uint32_t lifetime_s)
{
	char name[VS_DNS_NAME_TEXT];

	memset(name, letter, n);
	for (size_t dot = 49; dot < n - 1; dot += 50)
		name[dot] = '.';
	name[n] = '\0';
	set_domain(i, name, lifetime_s);
}

static void a_search_list_may_be_as_long_as_its_room(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	set_long_domain(0, 'a', 253, 600);
	set_long_domain(1, 'b', 253, 600);
	set_domain(2, "abc", 600);
	advertise();
	assert_int_equal(strlen(seen.facts.search), VS_AUTO_SEARCH_MAX - 1);
	start(VS_IID_NONE);
	set_domain(2, "abcd", 600);
	set_long_domain(0, 'a', 253, 600);
	set_long_domain(1, 'b', 253, 600);
	advertise();
	assert_int_equal(strlen(seen.facts.search), 253 + 1 + 253);
}

static void a_domain_without_room_pushes_nothing_out(void **state)
{
	char before[VS_AUTO_SEARCH_MAX];

	(void)state;
	start(VS_IID_NONE);
	set_domain(0, "short.test", 100);
	set_long_domain(1, 'b', 250, 300);
	set_long_domain(2, 'c', 240, 300);
	advertise();
	memcpy(before, seen.facts.search, sizeof(before));
	assert_int_equal(strlen(before), 10 + 1 + 250 + 1 + 240);
	ra.n_search = 0;
	set_long_domain(0, 'd', 200, 200); /* the place of the short one would not be enough */
	advertise();
	assert_string_equal(seen.facts.search, before);
	set_long_domain(0, 'd', 200, 400); /* the others end before it */
	advertise();
	assert_int_equal(seen.facts.search[strlen(seen.facts.search) - 1], 'd');
}

static void facts_are_reported_only_when_they_change(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	set_server(0, "2001:db8::53", VS_NDP_FOREVER);
	advertise();
	for (int i = 0; i < 10; i++) {
		pass(200000);
		advertise();
	}
	assert_int_equal(seen.n_facts, 1);
	assert_int_equal(seen.news[VS_NEWS_CHANGED], 0);
}

static void a_full_list_keeps_what_lives_longest(void **state)
{
	char name[VS_DNS_NAME_TEXT], text[] = "2001:db8::0";

	(void)state;
	start(VS_IID_NONE);
	for (unsigned i = 0; i < 8; i++) {
		text[sizeof(text) - 2] = (char)('1' + i);
		set_server(i, text, 1000 + (i + 5) % 8);
	}
	advertise();
	ra.n_dns = 0;
	set_server(0, "2001:db8::a", 999); /* less than all */
	advertise();
	assert_int_equal(seen.facts.dns[7].bytes[15], 8);
	set_server(0, "2001:db8::a", 3000);
	advertise();
	assert_int_equal(seen.facts.dns[7].bytes[15], 0xa);
	for (unsigned i = 0; i < 8; i++) /* the fourth had the shortest lifetime */
		assert_int_not_equal(seen.facts.dns[i].bytes[15], 4);

	ra.n_dns = 0;
	for (unsigned i = 0; i < 4; i++) { /* three are too long for the list */
		memset(name, 'a' + (int)i, 170);
		for (int dot = 40; dot < 170; dot += 41)
			name[dot] = '.';
		name[170] = '\0';
		set_domain(i, name, 100 + i);
	}
	advertise();
	assert_int_equal(strlen(seen.facts.search), 341);
	assert_int_equal(seen.facts.search[0], 'c');
	assert_int_equal(seen.facts.search[171], 'd');
}

static void flags_are_reported_once_for_a_network(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	ra.other = true;
	advertise();
	advertise();
	assert_int_equal(seen.news[VS_NEWS_OTHER], 1);
	ra.managed = true;
	advertise();
	advertise();
	assert_int_equal(seen.news[VS_NEWS_MANAGED], 1);
	assert_int_equal(seen.news[VS_NEWS_OTHER], 1);
	vs_ra_kind.link(machine, now, false);
	vs_ra_kind.link(machine, now, true);
	advertise();
	assert_int_equal(seen.news[VS_NEWS_MANAGED], 2);
	assert_int_equal(seen.news[VS_NEWS_OTHER], 1); /* M includes O */
}

/* ------------------------------------------------------------------ link, stop, late timers */

static void on_another_network_the_old_one_goes(void **state)
{
	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 86400, 86400);
	set_server(0, "2001:db8:1::53", 86400);
	set_domain(0, "old", 86400);
	advertise();
	vs_ra_kind.link(machine, now, false);
	assert_string_equal(describe().state, "DOWN");
	pass(60000);
	assert_int_equal(seen.sent, 1);
	vs_ra_kind.link(machine, now, true);
	assert_int_equal(seen.sent, 2);
	assert_non_null(the_addr("2001:db8:1::ff:fe00:1")); /* it may be the same network */
	pass(60000);
	assert_int_equal(seen.addrs[0].preferred_s, 86400);
	ra.n_dns = ra.n_search = 0;
	set_prefix(0, "2001:db8:2::", 86400, 86400);
	set_domain(0, "new", 86400);
	advertise_from("fe80::2");
	assert_true(goes_through(the_route("::", 0), router));
	pass(4000);
	assert_true(goes_through(the_route("::", 0), "fe80::2"));
	assert_int_equal(seen.n_routes, 2);
	assert_int_equal(the_addr("2001:db8:1::ff:fe00:1")->preferred_s, 0);
	assert_int_equal(the_addr("2001:db8:2::ff:fe00:1")->preferred_s, 86400);
	assert_int_equal(seen.facts.dns[0].family, 0);
	assert_string_equal(seen.facts.search, "new");
}

static void on_the_same_network_all_stays(void **state)
{
	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 86400, 86400);
	set_server(0, "2001:db8:1::53", 86400);
	advertise();
	vs_ra_kind.link(machine, now, false);
	pass(60000);
	vs_ra_kind.link(machine, now, true);
	advertise();
	pass(60000);
	assert_int_equal(the_addr("2001:db8:1::ff:fe00:1")->preferred_s, 86400);
	assert_int_equal(seen.n_routes, 2);
	assert_int_equal(seen.facts.dns[0].family, AF_INET6);
	assert_int_equal(seen.news[VS_NEWS_LOST] + seen.news[VS_NEWS_CHANGED], 0);
}

static void a_router_that_answers_late_stays(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	advertise_from("fe80::1");
	advertise_from("fe80::2");
	vs_ra_kind.link(machine, now, false);
	vs_ra_kind.link(machine, now, true);
	advertise_from("fe80::1");
	pass(3500);
	advertise_from("fe80::2");
	pass(60000);
	assert_int_equal(seen.n_routes, 2);
	vs_ra_kind.link(machine, now, false);
	vs_ra_kind.link(machine, now, true);
	for (int i = 0; i < 5; i++) { /* many answers of one do not keep the other alive */
		advertise_from("fe80::1");
		pass(1000);
	}
	assert_int_equal(seen.n_routes, 1);
}

static void nothing_is_sent_without_carrier(void **state)
{
	(void)state;
	start(VS_IID_NONE);
	pass(100000);
	unsigned sent = seen.sent;
	vs_ra_kind.link(machine, now, true); /* it was up: nothing new */
	assert_int_equal(seen.sent, sent);
	now += 5;
	vs_ra_kind.link(machine, now, false);
	assert_int_equal(describe().since, now);
	assert_int_equal(vs_ra_kind.deadline(machine), VS_AUTO_NEVER);
	pass(10000000);
	assert_int_equal(seen.sent, sent);
	vs_ra_kind.link(machine, now, true);
	assert_int_equal(seen.sent, sent + 1);
	assert_int_equal(describe().sent, sent + 1);
	assert_int_equal(vs_ra_kind.deadline(machine), now + 4000); /* a search that begins anew */
	assert_string_equal(describe().problem, "");
}

static void a_duplicate_of_the_link_local_address_is_reported(void **state)
{
	struct vs_auto_ip ip = { AF_INET6, { 0xfe, 0x80, [15] = 7 } };

	(void)state;
	start(VS_IID_NONE);
	vs_ra_kind.detected(machine, now, &ip, true);
	assert_string_equal(describe().problem, "another host uses the link-local address");
	assert_int_equal(seen.sent, 1);
	vs_ra_kind.link(machine, now, false);
	vs_ra_kind.link(machine, now, true);
	assert_string_equal(describe().problem, "");
}

static void the_state_says_when_the_first_lifetime_ends(void **state)
{
	(void)state;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 7200, 1800);
	set_prefix(1, "2001:db8:2::", 3600, 1800);
	advertise();
	assert_int_equal(describe().expiry, now + 3600000);
	assert_int_equal(describe().t1, VS_AUTO_NEVER);
	assert_int_equal(describe().t2, VS_AUTO_NEVER);
	start(VS_IID_NONE);
	advertise();
	assert_int_equal(describe().expiry, now + 1800000);
}

static void a_timer_that_is_late_catches_up(void **state)
{
	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 600, 300);
	set_server(0, "2001:db8:1::53", 700);
	advertise();
	now += 86400000; /* stopped for a day */
	vs_ra_kind.timer(machine, now);
	assert_int_equal(seen.n_addrs + seen.n_routes, 0);
	assert_int_equal(seen.facts.dns[0].family, 0);
	assert_int_equal(seen.news[VS_NEWS_LOST], 1);
	assert_in_range(vs_ra_kind.deadline(machine), now, now + 1000);

	start(VS_IID_EUI64); /* a packet before the late timer */
	set_prefix(0, "2001:db8:1::", 600, 300);
	advertise();
	now += 86400000;
	advertise();
	assert_int_equal(seen.addrs[0].valid_s, 600);
	assert_int_equal(seen.n_addrs, 1);
	assert_int_equal(seen.news[VS_NEWS_GAINED], 1);

	config.nodad = false; /* the kernel has removed the address: what comes is a new, tentative one */
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 600, 300);
	advertise();
	detected(&seen.addrs[0], false);
	now += 86400000;
	advertise();
	assert_false(describe().ready);
	assert_int_equal(seen.news[VS_NEWS_LOST], 1);
}

static void a_timer_that_is_early_does_nothing(void **state)
{
	(void)state;
	start(VS_IID_EUI64);
	vs_ra_kind.timer(machine, now + 3999);
	assert_int_equal(seen.sent, 1);
}

static void stop_takes_everything_back(void **state)
{
	struct vs_auto_addr addrs[4];

	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 600, 300);
	set_prefix(1, "2001:db8:2::", 600, 300);
	set_server(0, "2001:db8:1::53", 700);
	set_domain(0, "test", 700);
	ra.mtu = 1400;
	ra.n_routes = 1;
	ra.routes[0].len = 32, ra.routes[0].lifetime_s = 9;
	advertise();
	assert_int_equal(vs_ra_kind.addrs(machine, addrs, 4), 2);
	assert_int_equal(vs_ra_kind.addrs(machine, addrs, 1), 1);
	vs_ra_kind.stop(machine, now);
	assert_int_equal(seen.n_addrs + seen.n_routes, 0);
	assert_int_equal(seen.facts.dns[0].family + seen.facts.mtu, 0);
	assert_string_equal(seen.facts.search, "");
	assert_int_equal(seen.news[VS_NEWS_LOST], 1);
	assert_int_equal(vs_ra_kind.deadline(machine), VS_AUTO_NEVER);
	assert_int_equal(vs_ra_kind.addrs(machine, addrs, 4), 0);
	advertise();
	vs_ra_kind.link(machine, now, true);
	assert_int_equal(seen.n_addrs + seen.n_routes, 0);
	assert_int_equal(ignored(VS_IGNORED_STATE), 1);
	assert_string_equal(describe().state, "INIT");

	start(VS_IID_NONE); /* while it searches, with the MTU as the only fact */
	ra.mtu = 1400;
	ra.lifetime_s = 0;
	advertise();
	assert_int_equal(seen.facts.mtu, 1400);
	vs_ra_kind.stop(machine, now);
	assert_int_equal(seen.facts.mtu, 0);
	assert_int_equal(vs_ra_kind.deadline(machine), VS_AUTO_NEVER);
}

/* ------------------------------------------------------------------ attacks */

static void what_comes_from_afar_is_ignored(void **state)
{
	uint8_t bytes[64];

	(void)state;
	start(VS_IID_NONE);
	size_t n = vs_ndp_ra_encode(bytes, sizeof(bytes), &ra);
	input(bytes, n, router, 254);
	input(bytes, n, router, 64);
	input(bytes, n, "2001:db8::1", 255);
	input(bytes, n, "fec0::1", 255);
	input(bytes, n, "::", 255);
	assert_int_equal(ignored(VS_IGNORED_SENDER), 5);
	bytes[1] = 1;
	input(bytes, n, router, 255);
	bytes[1] = 0;
	input(bytes, n - 1, router, 255);
	assert_int_equal(ignored(VS_IGNORED_MALFORMED), 2);
	assert_int_equal(describe().received, 0);
	assert_int_equal(seen.calls, 0);
	input(bytes, n, "febf::1", 255);
	assert_int_equal(describe().received, 1);
}

/* RFC 6104: a host that sends advertisements of ever new routers with ever new prefixes. */
static void a_flood_is_bounded_and_the_first_router_stays(void **state)
{
	char from[32], prefix[32];

	(void)state;
	config.nodad = true;
	start(VS_IID_EUI64);
	set_prefix(0, "2001:db8:1::", 600, 300);
	advertise();
	ra.n_routes = 1;
	ra.preference = VS_NDP_HIGH;
	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(from, sizeof(from), "fe80::bad:%x", i);
		for (unsigned j = 0; j < 4; j++) {
			(void)snprintf(prefix, sizeof(prefix), "2001:bad:%x:%x::", i, j);
			set_prefix(j, prefix, VS_NDP_FOREVER, VS_NDP_FOREVER);
		}
		read_addr(prefix, ra.routes[0].prefix);
		ra.routes[0].len = 64, ra.routes[0].lifetime_s = VS_NDP_FOREVER;
		(void)snprintf(prefix, sizeof(prefix), "2001:bad::%x", i);
		set_server(0, prefix, 3600);
		advertise_from(from);
		pass(1);
	}
	/* 8 per second for 20 seconds, after a burst of 16 */
	assert_in_range(describe().received, 8 * 20, 8 * 20 + 16);
	assert_int_equal(describe().received + ignored(VS_IGNORED_STATE), 20001);
	assert_int_equal(seen.n_addrs, 8);
	assert_int_equal(seen.n_routes, 24);
	assert_non_null(the_addr("2001:db8:1::ff:fe00:1"));
	bool there = false;
	for (size_t i = 0; i < seen.n_routes; i++)
		there = there || goes_through(&seen.routes[i], router);
	assert_true(there);
	assert_in_range(seen.calls, 1, 1000);
	assert_true(describe().problem[0] != '\0');
	/* an hour later the honest router is heard again */
	ra.n_dns = ra.n_routes = 0;
	ra.n_prefixes = 1;
	set_prefix(0, "2001:db8:1::", 600, 300);
	pass(590000);
	advertise();
	assert_int_equal(the_addr("2001:db8:1::ff:fe00:1")->valid_s, 600);
}

static void a_table_that_is_full_is_reported(void **state)
{
	char text[32];

	(void)state;
	start(VS_IID_NONE);
	ra.n_routes = 9;
	for (unsigned i = 0; i < 9; i++)
		ra.routes[i].len = (uint8_t)(i + 1), ra.routes[i].lifetime_s = 600;
	advertise();
	assert_string_equal(describe().problem, "there are more routes than 8: the others are not used");
	for (unsigned i = 1; i <= 2; i++) {
		start(i == 1 ? VS_IID_NONE : VS_IID_EUI64);
		for (unsigned j = 0; j < 9; j++) {
			(void)snprintf(text, sizeof(text), "2001:db8:%x::", j);
			set_prefix(j, text, 600, 600);
			ra.prefixes[j].on_link = i == 1;
		}
		advertise();
		assert_string_equal(describe().problem,
				    i == 1 ? "there are more prefixes than 8: the others are not used" :
					     "there are more prefixes than 8: the others get no address");
	}
	start(VS_IID_NONE);
	for (unsigned i = 0; i < 9; i++) {
		assert_string_equal(describe().problem, "");
		(void)snprintf(text, sizeof(text), "fe80::%x", i + 1);
		advertise_from(text);
	}
	assert_string_equal(describe().problem, "there are more routers than 8: the others are not used");
}

static void a_machine_is_small(void **state)
{
	(void)state;
	assert_in_range(vs_ra_kind.size, 1, 4096);
}

static void each_kind_of_id_has_its_sysctls(void **state)
{
	unsigned stable = 0, n = 0;

	(void)state;
	for (const struct vs_ra_sysctl *s = vs_ra_sysctls; s->name != NULL; s++, n++)
		if (s->value == NULL) {
			assert_int_equal(s->iids, 1u << VS_IID_STABLE);
			stable++;
		}
	assert_int_equal(stable, 1);
	assert_true(n > 5);
}

static int reset(void **state)
{
	(void)state;
	memset(&config, 0, sizeof(config));
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

static const struct CMUnitTest tests[] = {
	TEST(solicitations_go_on_less_and_less_often),
	TEST(the_times_of_solicitations_vary_by_a_tenth),
	TEST(the_mac_is_sent_once_the_address_is_ours),
	TEST(a_router_ends_the_search),
	TEST(a_month_of_advertisements_keeps_address_route_and_names),
	TEST(a_router_that_says_goodbye_is_forgotten),
	TEST(a_router_that_is_silent_is_forgotten),
	TEST(a_goodbye_that_is_repeated_does_not_make_us_flood),
	TEST(the_other_router_takes_over),
	TEST(the_preferred_router_is_used),
	TEST(routes_come_and_go),
	TEST(a_route_to_everything_is_the_default_route),
	TEST(a_prefix_on_the_link_is_a_route),
	TEST(not_everything_is_on_the_link),
	TEST(an_address_is_gained_when_it_is_unique),
	TEST(without_detection_an_address_is_gained_at_once),
	TEST(the_id_is_the_hash_of_the_name),
	TEST(a_hash_address_that_another_host_has_is_given_up),
	TEST(a_stable_address_that_another_host_has_is_replaced),
	TEST(renumbering_deprecates_the_old_prefix),
	TEST(a_lifetime_is_not_cut_below_two_hours),
	TEST(the_last_address_that_expires_is_lost),
	TEST(prefixes_that_make_no_address_are_refused),
	TEST(name_servers_have_lifetimes),
	TEST(name_servers_that_are_heard_of_again_are_renewed),
	TEST(domains_are_others_if_one_begins_with_the_other),
	TEST(a_search_list_may_be_as_long_as_its_room),
	TEST(a_domain_without_room_pushes_nothing_out),
	TEST(facts_are_reported_only_when_they_change),
	TEST(a_full_list_keeps_what_lives_longest),
	TEST(flags_are_reported_once_for_a_network),
	TEST(on_another_network_the_old_one_goes),
	TEST(on_the_same_network_all_stays),
	TEST(a_router_that_answers_late_stays),
	TEST(nothing_is_sent_without_carrier),
	TEST(a_duplicate_of_the_link_local_address_is_reported),
	TEST(the_state_says_when_the_first_lifetime_ends),
	TEST(a_timer_that_is_late_catches_up),
	TEST(a_timer_that_is_early_does_nothing),
	TEST(stop_takes_everything_back),
	TEST(what_comes_from_afar_is_ignored),
	TEST(a_flood_is_bounded_and_the_first_router_stays),
	TEST(a_table_that_is_full_is_reported),
	TEST(a_machine_is_small),
	TEST(each_kind_of_id_has_its_sysctls),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
