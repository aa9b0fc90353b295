/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Other hosts: those that use the same address, and those that send hostile messages. */

#include "dhcp4_world.h"

/* Conflicts */

static void a_conflict_while_probing_is_declined(void **state)
{
	(void)state;
	for (int probe = 0; probe <= 1; probe++) { /* the other host uses the address, or probes for it too */
		struct world *w = world_new(3600);
		world_start(w, NULL);
		world_run(w, 60);
		assert_state(w, "PROBING");
		world_arp(w, world_other_mac, probe ? 0 : OURS, OURS);
		world_run(w, 1);
		assert_state(w, "DECLINED");
		assert_int_equal(w->news[VS_NEWS_CONFLICT], 1);
		assert_int_equal(w->news[VS_NEWS_GAINED], 0);
		const struct seen *s = last_of(w, MSG_DECLINE);
		assert_int_equal(s->requested, OURS);
		assert_int_equal(s->server, IP(10, 0, 0, 1));
		assert_int_equal(s->ciaddr, 0);
		assert_int_equal(s->dst, UINT32_MAX);
		assert_string_equal(world_state(w).problem, "02:00:00:00:00:99 uses the address too");
		w->servers[0].addr = IP(10, 0, 0, 51);
		world_run(w, 9990);
		assert_state(w, "DECLINED");
		world_run(w, 1000);
		assert_int_equal(w->addr, IP(10, 0, 0, 51));
		assert_int_equal(last_of(w, MSG_DISCOVER)->requested, 0);
		world_free(w);
	}
}

static void arp_of_others_is_no_conflict(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	world_start(w, NULL);
	world_run(w, 60);
	world_arp(w, world_other_mac, IP(10, 0, 0, 7), OURS);            /* asks for the address */
	world_arp(w, world_other_mac, IP(10, 0, 0, 7), IP(10, 0, 0, 1)); /* others talk */
	world_arp(w, world_mac, 0, OURS);                                /* our own probe comes back */
	world_run(w, 1000);
	assert_int_equal(w->addr, OURS);
	world_arp(w, world_other_mac, 0, OURS); /* a probe: the kernel answers it */
	world_arp(w, world_mac, OURS, OURS);
	world_run(w, 10);
	assert_int_equal(w->addr, OURS);
	assert_int_equal(w->news[VS_NEWS_CONFLICT], 0);
	world_free(w);
}

static void an_address_in_use_is_defended_once_in_ten_seconds(void **state)
{
	struct world *w = bound(3600);

	(void)state;
	world_run(w, 5000);
	size_t sent = w->n_seen;
	for (int i = 0; i < 5; i++) { /* rare conflicts are all answered */
		world_arp(w, world_other_mac, OURS, IP(10, 0, 0, 1));
		world_run(w, 11000);
		assert_int_equal(w->n_seen, ++sent);
		assert_int_equal(world_seen(w, 0)->arp_sender, OURS);
	}
	world_arp(w, world_other_mac, OURS, IP(10, 0, 0, 1));
	world_run(w, 9000);
	world_arp(w, world_other_mac, OURS, IP(10, 0, 0, 1));
	world_run(w, 10);
	assert_state(w, "DECLINED");
	assert_int_equal(w->addr, 0);
	assert_int_equal(w->news[VS_NEWS_LOST], 1);
	assert_non_null(last_of(w, MSG_DECLINE));
	assert_false(w->has_stored);
	world_free(w);
}

static void with_nodad_the_address_is_defended_too(void **state)
{
	struct world *w = world_new(3600);

	(void)state;
	w->config.nodad = true;
	world_start(w, NULL);
	world_run(w, 3000);
	world_arp(w, world_other_mac, OURS, OURS);
	world_run(w, 10);
	world_arp(w, world_other_mac, OURS, OURS);
	world_run(w, 10);
	assert_state(w, "DECLINED");
	world_free(w);
}

static void after_ten_conflicts_there_is_one_attempt_a_minute(void **state)
{
	struct world *w = world_new(3600);
	unsigned declined = 0;
	vs_auto_ms at = 0;

	(void)state;
	world_start(w, NULL);
	for (int i = 0; i < 12; i++) {
		while (strcmp(world_state(w).state, "PROBING") != 0)
			world_run(w, 10);
		if (i == 10)
			assert_in_range(w->now - at, 60000, 61000);
		world_arp(w, world_other_mac, OURS, OURS);
		world_run(w, 1);
		at = w->now;
		declined++;
	}
	assert_int_equal(w->news[VS_NEWS_CONFLICT], declined);
	world_free(w);
}

/* Hostile messages */

enum { IN_SELECTING, IN_REQUESTING, IN_RENEWING };

/* One fault in an otherwise right message. */
struct attack {
	const char *what;
	int when;
	enum vs_auto_ignored why;
	struct reply reply; /* zeros: what is right */
	uint32_t xid_change;
	int change_at, change_to; /* a byte of the IP packet; then checksums are wrong, or no more there */
	size_t cut_to;
};

#define CASE(text, state, reason, ...)                                                                       \
	{                                                                                                    \
		.what = text, .when = state, .why = VS_IGNORED_##reason, __VA_ARGS__                         \
	}

static const struct attack attacks[] = {
	CASE("another transaction", IN_SELECTING, XID, .xid_change = 1),
	CASE("another transaction, ACK", IN_REQUESTING, XID, .xid_change = 0x80000000),
	CASE("another transaction, renewal", IN_RENEWING, XID, .xid_change = 256),
	CASE("another client", IN_SELECTING, CLIENT, .reply.mac = { 2, 0, 0, 0, 0, 0x23 }),
	CASE("another client id", IN_REQUESTING, CLIENT, .reply.extra = { 61, 2, 1, 2 }, .reply.n_extra = 4),
	CASE("a long client id", IN_REQUESTING, CLIENT, .reply.extra = { 61, 200 }, .reply.n_extra = 202),
	CASE("an ACK instead of an OFFER", IN_SELECTING, STATE, .reply.type = MSG_ACK),
	CASE("a NAK instead of an OFFER", IN_SELECTING, STATE, .reply.type = MSG_NAK),
	CASE("an OFFER instead of an ACK", IN_REQUESTING, STATE, .reply.type = MSG_OFFER),
	CASE("an OFFER for a renewal", IN_RENEWING, STATE, .reply.type = MSG_OFFER),
	CASE("an ACK of another server", IN_REQUESTING, SERVER, .reply.server = SECOND_SERVER),
	CASE("a NAK of another server", IN_REQUESTING, SERVER, .reply.type = MSG_NAK,
	     .reply.server = SECOND_SERVER),
	CASE("an ACK of another server, renewal", IN_RENEWING, SERVER, .reply.server = SECOND_SERVER),
	CASE("a NAK of another server, renewal", IN_RENEWING, SERVER, .reply.type = MSG_NAK,
	     .reply.server = SECOND_SERVER),
	CASE("no server", IN_REQUESTING, CONTENT, .reply.bare = true),
	CASE("a NAK of no server", IN_RENEWING, CONTENT, .reply.bare = true, .reply.type = MSG_NAK),
	CASE("another address", IN_REQUESTING, CONTENT, .reply.yiaddr = IP(10, 0, 0, 51)),
	CASE("another port", IN_SELECTING, SENDER, .reply.src_port = 53),
	CASE("another destination", IN_SELECTING, SENDER, .reply.dst = IP(10, 0, 0, 51)),
	CASE("a message of a client", IN_SELECTING, MALFORMED, .reply.type = MSG_DISCOVER),
	CASE("no type", IN_SELECTING, MALFORMED, .reply.type = 99),
	CASE("two types", IN_SELECTING, MALFORMED, .reply.extra = { 53, 1, 5 }, .reply.n_extra = 3),
	CASE("two servers", IN_SELECTING, MALFORMED, .reply.extra = { 54, 4, 1, 2, 3, 4 },
	     .reply.n_extra = 6),
	CASE("a short T1", IN_SELECTING, MALFORMED, .reply.extra = { 58, 3, 1, 2, 3 }, .reply.n_extra = 5),
	CASE("a mask that is too long", IN_SELECTING, MALFORMED, .reply.extra = { 1, 1, 255 },
	     .reply.n_extra = 3),
	CASE("an option beyond the end", IN_SELECTING, MALFORMED, .reply.extra = { 12, 255, 1 },
	     .reply.n_extra = 3),
	CASE("overload 0", IN_SELECTING, MALFORMED, .reply.extra = { 52, 1, 0 }, .reply.n_extra = 3),
	CASE("overload 4", IN_SELECTING, MALFORMED, .reply.extra = { 52, 1, 4 }, .reply.n_extra = 3),
	CASE("IPv6", IN_SELECTING, MALFORMED, .change_at = 0, .change_to = 0x65),
	CASE("a short IP header", IN_SELECTING, MALFORMED, .change_at = 0, .change_to = 0x44),
	CASE("a wrong IP checksum", IN_SELECTING, MALFORMED, .change_at = 10, .change_to = -1),
	CASE("a fragment", IN_SELECTING, MALFORMED, .change_at = 6, .change_to = 0x20),
	CASE("TCP", IN_SELECTING, MALFORMED, .change_at = 9, .change_to = 6),
	CASE("a wrong UDP checksum", IN_SELECTING, MALFORMED, .change_at = 26, .change_to = -1),
	CASE("a UDP length beyond the packet", IN_SELECTING, MALFORMED, .change_at = 24, .change_to = 0x7f),
	CASE("another cookie", IN_SELECTING, MALFORMED, .change_at = 28 + 236, .change_to = -1),
	CASE("a request", IN_SELECTING, MALFORMED, .change_at = 28, .change_to = 1),
	CASE("Token Ring", IN_SELECTING, MALFORMED, .change_at = 29, .change_to = 6),
	CASE("another hlen", IN_SELECTING, MALFORMED, .change_at = 30, .change_to = 16),
	CASE("nothing", IN_SELECTING, MALFORMED, .cut_to = 1),
	CASE("an IP header", IN_SELECTING, MALFORMED, .cut_to = 20),
	CASE("a cut packet", IN_SELECTING, MALFORMED, .cut_to = 270),
};

static struct world *in_state(int when)
{
	struct world *w = world_new(3600);

	world_start(w, NULL);
	if (when == IN_REQUESTING) {
		w->servers[0].unwilling = true;
		world_run(w, 1);
		assert_state(w, "REQUESTING");
	} else if (when == IN_RENEWING) {
		get_address(w);
		w->servers[0].silent = true;
		world_run_until(w, world_state(w).t1);
		assert_state(w, "RENEWING");
	}
	w->n_flights = 0;
	w->servers[0].silent = true;
	return w;
}

static void make_attack(struct world *w, const struct attack *a)
{
	static const uint8_t none[6];
	struct reply r = a->reply;

	r.xid = world_seen(w, 0)->xid ^ a->xid_change;
	r.type = r.type != 0 ? r.type : a->when == IN_SELECTING ? MSG_OFFER : MSG_ACK;
	r.server = r.server != 0 ? r.server : IP(10, 0, 0, 1);
	r.yiaddr = r.type == MSG_NAK ? 0 : r.yiaddr != 0 ? r.yiaddr : OURS;
	r.mask = IP(255, 255, 255, 0);
	r.lease_s = 3600;
	if (memcmp(r.mac, none, 6) == 0)
		memcpy(r.mac, world_mac, 6);
	struct flying *f = world_fly(w, VS_WAY_IP4);
	f->n = world_make_reply(&r, f->bytes);
	if (a->change_to != 0) {
		f->bytes[a->change_at] =
			a->change_to == -1 ? f->bytes[a->change_at] ^ 1 : (uint8_t)a->change_to;
		/* A fault in a header is not to be hidden behind its checksum. */
		if (a->change_at < 20 && a->change_at != 10) {
			frame_put(f->bytes + 10, 0, 2);
			size_t header = (f->bytes[0] & 15u) * 4;
			frame_put(f->bytes + 10, ~frame_sum(0, f->bytes, header) & 0xffff, 2);
		} else if (a->change_at != 10 && a->change_at != 26) {
			frame_put(f->bytes + 26, 0, 2);
		}
	}
	if (a->cut_to != 0)
		f->n = a->cut_to;
}

static void hostile_messages_are_ignored_and_counted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		struct world *w = in_state(attacks[i].when);
		struct vs_auto_state before = world_state(w);
		vs_auto_ms deadline = vs_dhcp4_kind.deadline(w->m);
		uint32_t addr = w->addr;
		size_t sent = w->n_seen;
		make_attack(w, &attacks[i]);
		world_run(w, 1);
		struct vs_auto_state after = world_state(w);
		if (after.ignored[attacks[i].why] != before.ignored[attacks[i].why] + 1 || ignored(w) != 1)
			fail_msg("not counted as expected: %s", attacks[i].what);
		if (strcmp(before.state, after.state) != 0 || before.received != after.received ||
		    w->addr != addr || w->n_seen != sent || vs_dhcp4_kind.deadline(w->m) != deadline)
			fail_msg("it had an effect: %s", attacks[i].what);
		world_free(w);
	}
}

/* The same messages without their fault are believed: the table above tests the faults only. */
static void the_same_messages_without_a_fault_have_an_effect(void **state)
{
	(void)state;
	for (int when = IN_SELECTING; when <= IN_RENEWING; when++) {
		struct world *w = in_state(when);
		const struct attack none = { .when = when };
		make_attack(w, &none);
		uint32_t received = world_state(w).received;
		world_run(w, 1);
		assert_int_equal(world_state(w).received, received + 1);
		assert_int_equal(ignored(w), 0);
		world_free(w);
	}
}

static void an_unfinished_checksum_is_accepted_if_the_kernel_says_so(void **state)
{
	(void)state;
	for (int unfinished = 0; unfinished <= 1; unfinished++) {
		struct world *w = in_state(IN_SELECTING);
		const struct attack wrong = { .when = IN_SELECTING, .change_at = 26, .change_to = -1 };
		make_attack(w, &wrong);
		struct flying f = w->flights[--w->n_flights];
		struct vs_auto_packet packet = {
			.way = VS_WAY_IP4, .bytes = f.bytes, .n = f.n, .unfinished = unfinished
		};
		WORLD_CALL(w, input(w->m, w->now, &packet));
		assert_state(w, unfinished ? "REQUESTING" : "SELECTING");
		world_free(w);
	}
}

static void malformed_arp_is_counted(void **state)
{
	struct world *w = bound(3600);

	(void)state;
	world_arp(w, world_other_mac, OURS, OURS);
	w->flights[0].bytes[5] = 16; /* plen */
	world_run(w, 1);
	world_arp(w, world_other_mac, OURS, OURS);
	w->flights[0].n = 27;
	world_run(w, 1);
	assert_int_equal(world_state(w).ignored[VS_IGNORED_MALFORMED], 2);
	assert_state(w, "BOUND");
	world_free(w);
}

static void a_refusal_cannot_put_control_characters_into_a_message(void **state)
{
	struct world *w = in_state(IN_REQUESTING);
	struct attack nak = { .when = IN_REQUESTING, .reply.type = MSG_NAK };

	(void)state;
	world_option_add(&nak.reply, 56, "a\nb\x1b[2J\xff", 8);
	make_attack(w, &nak);
	world_run(w, 1);
	assert_string_equal(w->why, "the server has refused: a?b?[2J?");
	world_free(w);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_conflict_while_probing_is_declined),
	cmocka_unit_test(arp_of_others_is_no_conflict),
	cmocka_unit_test(an_address_in_use_is_defended_once_in_ten_seconds),
	cmocka_unit_test(with_nodad_the_address_is_defended_too),
	cmocka_unit_test(after_ten_conflicts_there_is_one_attempt_a_minute),
	cmocka_unit_test(hostile_messages_are_ignored_and_counted),
	cmocka_unit_test(the_same_messages_without_a_fault_have_an_effect),
	cmocka_unit_test(an_unfinished_checksum_is_accepted_if_the_kernel_says_so),
	cmocka_unit_test(malformed_arp_is_counted),
	cmocka_unit_test(a_refusal_cannot_put_control_characters_into_a_message),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
