/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The DHCPv4 client in a simulated world (dhcp4_world.h): how it gets an address, and what it sets. The world
 * checks with each call that the address is set only while its lease lasts, that routes are possible, and
 * that nothing is sent without a link.
 */

#include "dhcp4_world.h"

/* Getting an address */

static void an_address_is_set_within_half_a_second(void **state)
{
	struct world *w = world_new(3600);
	vs_auto_ms began = w->now;

	(void)state;
	world_start(w, NULL);
	assert_state(w, "SELECTING");
	get_address(w);
	assert_in_range(w->now - began, 200, 500);
	assert_int_equal(w->addr, OURS);
	assert_int_equal(w->prefix_len, 24);
	assert_int_equal(w->last_addr.valid_s, 3600);
	assert_int_equal(w->news[VS_NEWS_GAINED], 1);
	assert_true(world_state(w).ready);
	assert_int_equal(server_of(w), IP(10, 0, 0, 1));
	assert_int_equal(ignored(w), 0);
	world_free(w);
}

static void messages_have_the_fields_of_rfc_2131(void **state)
{
	struct world *w = bound(3600);
	const struct seen *discover = last_of(w, MSG_DISCOVER), *request = last_of(w, MSG_REQUEST);
	static const uint8_t id[7] = { 1, 0x02, 0, 0, 0, 0, 0x22 };
	size_t n = 0;

	(void)state;
	assert_int_equal(discover->requested, 0);
	assert_int_equal(discover->server, 0);
	assert_int_equal(discover->ciaddr, 0);
	assert_int_equal(discover->src, 0);
	assert_int_equal(discover->dst, UINT32_MAX);
	assert_int_equal(request->xid, discover->xid);
	assert_int_equal(request->secs, discover->secs);
	assert_int_equal(request->requested, OURS);
	assert_int_equal(request->server, IP(10, 0, 0, 1));
	assert_int_equal(request->ciaddr, 0);
	assert_memory_equal(world_option(request->bytes, request->n, 61, &n), id, 7);
	assert_int_equal(n, 7);
	/* The same parameters are asked for in both; 121 before 3. */
	const uint8_t *wanted = world_option(discover->bytes, discover->n, 55, &n);
	assert_memory_equal(wanted, world_option(request->bytes, request->n, 55, &n), n);
	assert_true((uint8_t *)memchr(wanted, 121, n) < (uint8_t *)memchr(wanted, 3, n));
	assert_null(memchr(wanted, 108, n));
	assert_int_equal(discover->bytes[10] & 0x80, 0); /* unicast replies are received */
	world_free(w);
}

static void the_fqdn_is_sent_in_the_form_of_the_wire(void **state)
{
	static const uint8_t expected[] = "\x05\0\0\4host\3lab\4test";
	struct world *w = world_new(3600);
	size_t n;

	(void)state;
	w->config.fqdn = "host.lab.test";
	world_start(w, NULL);
	get_address(w);
	assert_memory_equal(world_option(last_of(w, MSG_DISCOVER)->bytes, 1000, 81, &n), expected,
			    sizeof(expected));
	assert_int_equal(n, sizeof(expected));
	assert_memory_equal(world_option(last_of(w, MSG_REQUEST)->bytes, 1000, 81, &n), expected,
			    sizeof(expected));
	assert_null(world_option(last_of(w, MSG_REQUEST)->bytes, 1000, 12, &n));
	world_free(w);
}

static void a_name_that_cannot_be_sent_does_not_cost_the_address(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	w->config.fqdn = "not a name";
	world_start(w, NULL);
	get_address(w);
	world_free(w);
}

static void the_client_id_is_made_of_duid_and_iaid(void **state)
{
	static const uint8_t expected[] = { 255, 0x11, 0x22, 0x33, 0x44, 0, 3, 0, 1, 9, 8, 7 };
	struct world *w = world_new(3600);
	size_t n;

	(void)state;
	w->config.iaid = 0x11223344;
	w->config.duid_len = 7;
	memcpy(w->config.duid, expected + 5, 7);
	world_option_add(&w->servers[0].terms, 61, expected, sizeof(expected));
	world_start(w, NULL);
	get_address(w);
	assert_memory_equal(world_option(last_of(w, MSG_REQUEST)->bytes, 1000, 61, &n), expected,
			    sizeof(expected));
	assert_int_equal(n, sizeof(expected));
	world_free(w);
}

static void with_nodad_the_address_is_used_at_once(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	w->config.nodad = true;
	world_start(w, NULL);
	world_run(w, 2);
	assert_int_equal(w->addr, OURS);
	assert_int_equal(world_seen(w, 0)->arp_sender, OURS);
	world_free(w);
}

static void three_probes_precede_the_address_and_two_announcements_follow(void **state)
{
	struct world *w = world_new(3600);
	unsigned probes = 0, announcements = 0;

	(void)state;
	world_start(w, NULL);
	get_address(w);
	world_run(w, 5000);
	for (size_t i = 0; i < w->n_seen; i++) {
		const struct seen *s = world_seen(w, i);
		if (s->type != 0)
			continue;
		assert_int_equal(s->arp_target, OURS);
		probes += s->arp_sender == 0;
		announcements += s->arp_sender == OURS;
	}
	assert_int_equal(probes, 3);
	assert_int_equal(announcements, 2);
	assert_in_range(world_seen(w, 0)->at - world_seen(w, 1)->at, 2000, 2000);
	world_free(w);
}

static void rapid_commit_saves_two_messages(void **state)
{
	struct world *w = world_new(3600);
	static const uint8_t nothing[1];
	size_t n;

	(void)state;
	w->config.rapid = w->config.nodad = true;
	w->servers[0].rapid = true;
	world_option_add(&w->servers[0].terms, 80, nothing, 0);
	world_start(w, NULL);
	world_run(w, 1);
	assert_int_equal(w->addr, OURS);
	assert_null(last_of(w, MSG_REQUEST));
	assert_non_null(world_option(last_of(w, MSG_DISCOVER)->bytes, 1000, 80, &n));
	world_free(w);
}

/* The server comes hours after the client. The lease must not count from the first DISCOVER. */
static void rapid_commit_works_after_hours_without_a_server(void **state)
{
	struct world *w = world_new(3600);
	size_t n;

	(void)state;
	w->config.rapid = w->config.nodad = true;
	w->servers[0].rapid = w->servers[0].silent = true;
	world_option_add(&w->servers[0].terms, 80, "", 0);
	world_start(w, NULL);
	uint32_t xid = world_seen(w, 0)->xid;
	world_run(w, 60000);
	assert_int_equal(world_seen(w, 0)->xid, xid); /* a slow server may still answer the first one */
	world_run(w, 2 * HOUR);
	w->servers[0].silent = false;
	world_run(w, 66000);
	assert_int_equal(w->addr, OURS);
	assert_non_null(world_option(last_of(w, MSG_DISCOVER)->bytes, 1000, 80, &n));
	assert_in_range(w->last_addr.valid_s, 3599, 3600);
	assert_int_equal(last_of(w, MSG_DISCOVER)->secs, (last_of(w, MSG_DISCOVER)->at - 5000000) / 1000);
	world_free(w);
}

static void an_ack_in_selecting_is_ignored_unless_rapid_commit_was_asked_for(void **state)
{
	(void)state;
	for (int asked = 0; asked < 2; asked++) { /* not asked for, but with the option; or the reverse */
		struct world *w = world_new(3600);
		struct reply ack = {
			.type = MSG_ACK, .yiaddr = OURS, .server = IP(10, 0, 0, 1), .lease_s = 60
		};
		w->config.rapid = asked == 1;
		w->servers[0].silent = true;
		if (asked == 0)
			world_option_add(&ack, 80, "", 0);
		world_start(w, NULL);
		ack.xid = world_seen(w, 0)->xid;
		world_reply(w, &ack);
		world_run(w, 500);
		assert_state(w, "SELECTING");
		assert_int_equal(world_state(w).ignored[VS_IGNORED_STATE], 1);
		world_free(w);
	}
}

static void requests_are_repeated_with_growing_pauses(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	w->servers[0].pool_empty = true;
	world_start(w, NULL);
	world_run(w, 10 * MINUTE);
	assert_int_equal(w->news[VS_NEWS_SILENT], 1);
	assert_string_equal(world_state(w).problem, "no DHCP server answers");
	for (size_t i = 0; i + 1 < w->n_seen; i++) {
		const struct seen *a = world_seen(w, w->n_seen - 1 - i),
				  *b = world_seen(w, w->n_seen - 2 - i);
		vs_auto_ms base = 1000 << (i < 6 ? i : 6), spread = base / 4 < 1000 ? base / 4 : 1000;
		assert_in_range(b->at - a->at, base - spread, base + spread);
		assert_int_equal(b->secs, (b->at - 5000000) / 1000);
	}
	assert_in_range(w->n_seen, 13, 17);
	/* The address is there soon when the pool has one again. */
	w->servers[0].pool_empty = false;
	world_run(w, 66000);
	assert_int_equal(w->addr, OURS);
	assert_string_equal(world_state(w).problem, "");
	world_free(w);
}

static void transactions_have_random_ids(void **state)
{
	struct world *w = bound(20);
	uint32_t first = last_of(w, MSG_DISCOVER)->xid;

	(void)state;
	world_run(w, 15000);
	uint32_t second = last_of(w, MSG_REQUEST)->xid;
	world_run(w, 10000);
	assert_int_not_equal(first, second);
	assert_int_not_equal(second, last_of(w, MSG_REQUEST)->xid);
	assert_int_not_equal(second + 1, last_of(w, MSG_REQUEST)->xid);
	world_free(w);
}

static void the_first_of_two_offers_wins(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	w->servers[1] = w->servers[0];
	w->servers[1].ip = SECOND_SERVER;
	w->servers[1].addr = IP(10, 0, 0, 60);
	world_start(w, NULL);
	get_address(w);
	assert_int_equal(w->addr, OURS);
	assert_int_equal(count_of(w, MSG_REQUEST), 1);
	world_free(w);
}

static void the_second_offer_is_used_if_the_first_server_becomes_silent(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	w->servers[0].unwilling = true;
	w->servers[1] = w->servers[0];
	w->servers[1].ip = SECOND_SERVER;
	w->servers[1].addr = IP(10, 0, 0, 60);
	w->servers[1].unwilling = false;
	world_start(w, NULL);
	world_run(w, 5000);
	assert_int_equal(w->addr, IP(10, 0, 0, 60));
	assert_int_equal(count_of(w, MSG_DISCOVER), 1);
	world_free(w);
}

static void a_server_that_only_offers_is_asked_again_with_pauses(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	w->servers[0].unwilling = true;
	world_start(w, NULL);
	world_run(w, 5 * MINUTE);
	assert_int_equal(w->addr, 0);
	assert_in_range(w->n_seen, 60, 120);
	w->servers[0].unwilling = false;
	world_run(w, 20000);
	assert_int_equal(w->addr, OURS);
	world_free(w);
}

/* Facts and routes */

static void what_the_ack_says_counts_and_not_the_offer(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	w->servers[0].unwilling = true; /* offers, and does not answer requests */
	world_option_add(&w->servers[0].terms, 26, "\5\x78", 2);
	world_start(w, NULL);
	world_run(w, 500);
	assert_state(w, "REQUESTING");
	w->servers[0].unwilling = false;
	w->servers[0].terms = (struct reply){ .lease_s = 1800, .mask = IP(255, 255, 0, 0) };
	get_address(w);
	assert_int_equal(w->prefix_len, 16);
	assert_int_equal(w->facts.mtu, 0);
	assert_in_range(w->facts.lifetime_s, 1790, 1800);
	world_free(w);
}

static void what_the_server_says_is_set_and_taken_back(void **state)
{
	static const uint8_t dns[] = { 10, 0, 0, 5, 127, 0, 0, 1, 10, 0, 0, 6 };
	static const uint8_t search[] = "\3lab\4test\0\1b\xc0\4";
	struct world *w = world_new(3600);
	struct reply *terms = &w->servers[0].terms;

	(void)state;
	world_option_add(terms, 3, "\xc0\0\2\1\x0a\0\0\xfe", 8); /* 192.0.2.1 first: not in the prefix */
	world_option_add(terms, 6, dns, sizeof(dns));
	world_option_add(terms, 15, "ignored.test", 12);
	world_option_add(terms, 26, "\5\x78", 2);
	world_option_add(terms, 42, "\x0a\0\0\7", 4);
	world_option_add(terms, 119, search, sizeof(search) - 1);
	world_start(w, NULL);
	get_address(w);
	assert_int_equal(w->n_routes, 2);
	assert_int_equal(world_ip(&w->routes[0].dst), IP(192, 0, 2, 1));
	assert_int_equal(w->routes[0].prefix_len, 32);
	assert_int_equal(w->routes[1].prefix_len, 0);
	assert_int_equal(world_ip(&w->routes[1].gw), IP(192, 0, 2, 1));
	assert_int_equal(world_ip(&w->facts.dns[0]), IP(10, 0, 0, 5));
	assert_int_equal(world_ip(&w->facts.dns[1]), IP(10, 0, 0, 6));
	assert_int_equal(w->facts.dns[2].family, 0);
	assert_int_equal(world_ip(&w->facts.ntp[0]), IP(10, 0, 0, 7));
	assert_int_equal(w->facts.mtu, 1400);
	assert_string_equal(w->facts.search, "lab.test b.test");
	assert_int_equal(w->facts.lifetime_s, 3600);
	world_stop(w);
	assert_int_equal(w->n_routes, 0);
	assert_int_equal(w->facts.dns[0].family, 0);
	assert_int_equal(w->facts.mtu, 0);
	world_free(w);
}

static void classless_routes_replace_the_router_option(void **state)
{
	/* default by 10.0.0.254; 172.16/12 by 192.0.2.1, which the third says is on the link, twice */
	static const uint8_t routes[] = { 0, 10, 0, 0, 254, 12, 172, 16,  192, 0, 2, 1, 24, 192,
					  0, 2,  0, 0, 0,   0,  24,  192, 0,   2, 0, 0, 0,  0 };
	struct world *w = world_new(3600);

	(void)state;
	world_option_add(&w->servers[0].terms, 3, "\x0a\0\0\1", 4);
	world_option_add(&w->servers[0].terms, 121, routes, sizeof(routes));
	world_start(w, NULL);
	get_address(w);
	assert_int_equal(w->n_routes, 3);
	assert_int_equal(world_ip(&w->routes[0].dst), IP(192, 0, 2, 0));
	assert_int_equal(w->routes[0].gw.family, 0);
	assert_int_equal(world_ip(&w->routes[1].gw), IP(10, 0, 0, 254));
	assert_int_equal(world_ip(&w->routes[2].dst), IP(172, 16, 0, 0));
	assert_int_equal(w->routes[2].prefix_len, 12);
	world_free(w);
}

static void malformed_classless_routes_count_as_absent(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	world_option_add(&w->servers[0].terms, 3, "\x0a\0\0\1", 4);
	world_option_add(&w->servers[0].terms, 121, "\x21\x0a\0\0\0\0\x0a\0\0\1", 10);
	world_start(w, NULL);
	get_address(w);
	assert_int_equal(w->n_routes, 1);
	assert_int_equal(world_ip(&w->routes[0].gw), IP(10, 0, 0, 1));
	world_free(w);
}

static void impossible_routers_are_skipped(void **state)
{
	static const uint8_t routers[] = { 0,   0,  0, 0, 255, 255, 255, 255, 127, 0, 0, 1, 10, 0, 0, 50,
					   224, 0,  0, 1, 10,  0,   0,   255, 10,  0, 0, 0, 10, 0, 0, 9 };
	struct world *w = world_new(3600);

	(void)state;
	world_option_add(&w->servers[0].terms, 3, routers, sizeof(routers));
	world_start(w, NULL);
	get_address(w);
	assert_int_equal(w->n_routes, 1);
	assert_int_equal(world_ip(&w->routes[0].gw), IP(10, 0, 0, 9));
	world_free(w);
}

static void without_a_mask_the_prefix_is_that_of_the_class(void **state)
{
	static const struct {
		uint32_t addr;
		unsigned prefix_len;
	} cases[] = { { IP(10, 1, 2, 3), 8 }, { IP(172, 16, 2, 3), 16 }, { IP(192, 168, 2, 3), 24 } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w = world_new(3600);
		w->servers[0].terms.mask = 0;
		w->servers[0].addr = cases[i].addr;
		world_start(w, NULL);
		get_address(w);
		assert_int_equal(w->prefix_len, cases[i].prefix_len);
		world_free(w);
	}
}

/* Offers and ACKs that nobody may believe: nothing is set, each is counted. */
static void impossible_values_are_refused(void **state)
{
	static const struct {
		uint32_t addr, mask, lease_s, server;
	} cases[] = {
		{ 0, 0, 60, 1 },                                    /* no address */
		{ IP(127, 0, 0, 1), 0, 60, 1 },                     /* loopback */
		{ IP(224, 0, 0, 1), 0, 60, 1 },                     /* multicast */
		{ UINT32_MAX, 0, 60, 1 },                           /* broadcast */
		{ IP(10, 0, 0, 0), IP(255, 255, 255, 0), 60, 1 },   /* the network */
		{ IP(10, 0, 0, 255), IP(255, 255, 255, 0), 60, 1 }, /* broadcast of the prefix */
		{ OURS, IP(255, 0, 255, 0), 60, 1 },                /* a mask with a hole */
		{ OURS, IP(0, 255, 255, 255), 60, 1 },              /* the wrong end */
		{ OURS, IP(255, 255, 255, 0), 0, 1 },               /* no lease time */
		{ OURS, IP(255, 255, 255, 0), 3, 1 },               /* too short to be used */
		{ OURS, IP(255, 255, 255, 0), 60, 0 },              /* a server without an address */
		{ OURS, IP(255, 255, 255, 0), 60, UINT32_MAX },
		{ OURS, IP(255, 255, 255, 0), 60, OURS },           /* the server's own address */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w = world_new(cases[i].lease_s);
		struct reply offer = { .type = MSG_OFFER,
				       .yiaddr = cases[i].addr,
				       .mask = cases[i].mask,
				       .lease_s = cases[i].lease_s };
		offer.server = cases[i].server == 1 ? IP(10, 0, 0, 1) : cases[i].server;
		w->servers[0].silent = true;
		world_start(w, NULL);
		offer.xid = world_seen(w, 0)->xid;
		world_reply(w, &offer);
		world_run(w, 100);
		if (world_state(w).ignored[VS_IGNORED_CONTENT] != 1)
			fail_msg("case %zu was not refused", i);
		assert_state(w, "SELECTING");
		world_free(w);
	}
}

static void prefixes_of_31_and_32_bits_are_used(void **state)
{
	(void)state;
	for (uint32_t bits = 31; bits <= 32; bits++) {
		struct world *w = world_new(3600);
		w->servers[0].terms.mask = bits == 31 ? 0xfffffffe : 0xffffffff;
		world_option_add(&w->servers[0].terms, 3, "\x0a\0\0\1", 4);
		world_start(w, NULL);
		get_address(w);
		assert_int_equal(w->prefix_len, bits);
		assert_int_equal(w->n_routes, 2);
		world_free(w);
	}
}

/* RFC 8925 */

static struct world *ipv6_only_network(const char *wait_s)
{
	struct world *w = world_new(3600);

	w->config.ipv6_only = true;
	world_option_add(&w->servers[0].terms, 108, wait_s, 4);
	return w;
}

static void a_network_that_prefers_ipv6_gets_no_request(void **state)
{
	struct world *w = ipv6_only_network("\0\0\1\0"); /* 256 s, less than allowed */
	size_t n = 0;

	(void)state;
	world_start(w, NULL);
	const uint8_t *wanted = world_option(world_seen(w, 0)->bytes, 1000, 55, &n);
	assert_non_null(memchr(wanted, 108, n));
	world_run(w, 299000);
	assert_state(w, "V6ONLY_WAIT");
	assert_int_equal(w->n_seen, 1);
	assert_int_equal(w->news[VS_NEWS_IPV6_ONLY], 1);
	assert_true(world_state(w).ready);
	world_run(w, 2000);
	assert_int_equal(w->n_seen, 2);
	world_free(w);
}

/* RFC 8925 section 3.3: the server need not reserve an address for such an offer. */
static void an_offer_without_address_may_prefer_ipv6(void **state)
{
	struct world *w = ipv6_only_network("\0\0\x0e\x10");

	(void)state;
	w->servers[0].addr = 0;
	w->servers[0].terms.lease_s = w->servers[0].terms.mask = 0;
	world_start(w, NULL);
	world_run(w, 1000);
	assert_state(w, "V6ONLY_WAIT");
	assert_int_equal(ignored(w), 0);
	world_free(w);
}

static void a_longer_wait_for_ipv4_is_kept(void **state)
{
	struct world *w = ipv6_only_network("\0\0\x0e\x10");

	(void)state;
	world_start(w, NULL);
	world_run(w, HOUR - 1000);
	assert_int_equal(w->n_seen, 1);
	world_run(w, 2000);
	assert_int_equal(w->n_seen, 2);
	world_free(w);
}

static void a_new_link_ends_the_wait_for_ipv4(void **state)
{
	struct world *w = ipv6_only_network("\0\0\x0e\x10");

	(void)state;
	world_start(w, NULL);
	world_run(w, 1000);
	world_set_link(w, false);
	w->servers[0].terms.n_extra = 0;
	world_set_link(w, true);
	get_address(w);
	world_free(w);
}

static void option_108_counts_only_if_asked_for(void **state)
{
	struct world *w = ipv6_only_network("\0\0\x0e\x10");

	(void)state;
	w->config.ipv6_only = false;
	world_start(w, NULL);
	get_address(w);
	world_free(w);
}

/* A server that commits at once has no offer in which to prefer IPv6. */
static void rapid_commit_is_not_asked_for_together_with_option_108(void **state)
{
	struct world *w = ipv6_only_network("\0\0\x0e\x10");
	size_t n;

	(void)state;
	w->config.rapid = true;
	w->servers[0].rapid = true;
	world_start(w, NULL);
	assert_null(world_option(world_seen(w, 0)->bytes, 1000, 80, &n));
	world_run(w, 10);
	assert_state(w, "V6ONLY_WAIT");
	world_free(w);
}

static void a_lease_that_was_requested_is_kept_in_spite_of_option_108(void **state)
{
	struct world *w = ipv6_only_network("\0\0\x0e\x10");

	(void)state;
	w->servers[0].terms.n_extra = 0;
	world_start(w, NULL);
	world_run(w, 1);
	assert_state(w, "REQUESTING");
	w->n_flights = 0;
	w->servers[0].terms.n_extra = 6;
	get_address(w);
	world_free(w);
}

static void a_remembered_lease_is_given_up_for_ipv6(void **state)
{
	struct world *w = ipv6_only_network("\0\0\x0e\x10");

	(void)state;
	w->servers[0].terms.n_extra = 0;
	world_start(w, NULL);
	get_address(w);
	world_set_link(w, false);
	w->servers[0].terms.n_extra = 6;
	world_set_link(w, true);
	world_run(w, 1);
	assert_state(w, "V6ONLY_WAIT");
	assert_int_equal(w->addr, 0);
	assert_int_equal(w->news[VS_NEWS_LOST], 1);
	assert_false(w->has_stored);
	world_free(w);
}

static void a_renewal_is_not_ended_by_option_108(void **state)
{
	struct world *w = ipv6_only_network("\0\0\x0e\x10");

	(void)state;
	w->servers[0].terms.n_extra = 0;
	world_start(w, NULL);
	get_address(w);
	w->servers[0].terms.n_extra = 6;
	world_run(w, 2 * HOUR);
	assert_int_equal(w->addr, OURS);
	assert_int_equal(w->news[VS_NEWS_LOST], 0);
	world_free(w);
}

static void early_timers_and_stopped_clients_do_nothing(void **state)
{
	struct world *w = bound(3600);
	size_t sent;

	(void)state;
	world_run(w, 5000);
	sent = w->n_seen;
	for (int i = 0; i < 100; i++)
		WORLD_CALL(w, timer(w->m, w->now + i));
	assert_int_equal(w->n_seen, sent);
	world_stop(w);
	sent = w->n_seen;
	WORLD_CALL(w, timer(w->m, w->now + 10 * DAY));
	WORLD_CALL(w, link(w->m, w->now, false));
	WORLD_CALL(w, link(w->m, w->now, true));
	world_arp(w, world_other_mac, OURS, OURS);
	world_run(w, 10);
	assert_int_equal(w->n_seen, sent);
	assert_state(w, "STOPPED");
	world_free(w);
}

static void a_machine_takes_at_most_two_kib(void **state)
{
	(void)state;
	assert_in_range(vs_dhcp4_kind.size, 1, 2048);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_address_is_set_within_half_a_second),
	cmocka_unit_test(messages_have_the_fields_of_rfc_2131),
	cmocka_unit_test(the_fqdn_is_sent_in_the_form_of_the_wire),
	cmocka_unit_test(a_name_that_cannot_be_sent_does_not_cost_the_address),
	cmocka_unit_test(the_client_id_is_made_of_duid_and_iaid),
	cmocka_unit_test(with_nodad_the_address_is_used_at_once),
	cmocka_unit_test(three_probes_precede_the_address_and_two_announcements_follow),
	cmocka_unit_test(rapid_commit_saves_two_messages),
	cmocka_unit_test(rapid_commit_works_after_hours_without_a_server),
	cmocka_unit_test(an_ack_in_selecting_is_ignored_unless_rapid_commit_was_asked_for),
	cmocka_unit_test(requests_are_repeated_with_growing_pauses),
	cmocka_unit_test(transactions_have_random_ids),
	cmocka_unit_test(the_first_of_two_offers_wins),
	cmocka_unit_test(the_second_offer_is_used_if_the_first_server_becomes_silent),
	cmocka_unit_test(a_server_that_only_offers_is_asked_again_with_pauses),
	cmocka_unit_test(what_the_ack_says_counts_and_not_the_offer),
	cmocka_unit_test(what_the_server_says_is_set_and_taken_back),
	cmocka_unit_test(classless_routes_replace_the_router_option),
	cmocka_unit_test(malformed_classless_routes_count_as_absent),
	cmocka_unit_test(impossible_routers_are_skipped),
	cmocka_unit_test(without_a_mask_the_prefix_is_that_of_the_class),
	cmocka_unit_test(impossible_values_are_refused),
	cmocka_unit_test(prefixes_of_31_and_32_bits_are_used),
	cmocka_unit_test(a_network_that_prefers_ipv6_gets_no_request),
	cmocka_unit_test(an_offer_without_address_may_prefer_ipv6),
	cmocka_unit_test(a_longer_wait_for_ipv4_is_kept),
	cmocka_unit_test(a_new_link_ends_the_wait_for_ipv4),
	cmocka_unit_test(option_108_counts_only_if_asked_for),
	cmocka_unit_test(rapid_commit_is_not_asked_for_together_with_option_108),
	cmocka_unit_test(a_lease_that_was_requested_is_kept_in_spite_of_option_108),
	cmocka_unit_test(a_remembered_lease_is_given_up_for_ipv6),
	cmocka_unit_test(a_renewal_is_not_ended_by_option_108),
	cmocka_unit_test(early_timers_and_stopped_clients_do_nothing),
	cmocka_unit_test(a_machine_takes_at_most_two_kib),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
