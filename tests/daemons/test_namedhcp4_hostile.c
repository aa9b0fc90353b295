/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * namedhcp4 with name servers that are slow or dead, and with a hostile station, while another one has its
 * address all the same. The hostile one sends messages that are none. Or it wants all lookups: as many
 * messages as the server keeps, each with a name whose name server does not answer, in a domain of its own.
 */

#include "dhcp4_ground.h"

#define PATIENCE_US 5000000 /* in turns the other station would wait for minutes */

/* The station repeats itself, as clients do: the other one may have filled the server's socket. */
static void check_served(const struct dhcp_message *m, uint32_t src, unsigned port, uint32_t addr)
{
	struct dhcp_answer a = { .n = 0 };

	for (long long until = now_us() + PATIENCE_US; a.reply.xid != vs_be_get32(m->bytes + 4);) {
		if (now_us() > until)
			FAIL("no answer in time; namedhcp4 said: %s", dhcp_said());
		dhcp_send_from(src, port, port == 67 ? SERVER_ID : UINT32_MAX, m);
		(void)dhcp_receive(&a, 300);
	}
	CHECK_EQ(a.reply.yiaddr, addr);
}

/* ------------------------------------------------------------------ messages that are none */

static uint32_t dice(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* A good message with some bytes changed, cut, or filled with what crashed the family's earlier server. */
static struct dhcp_message spoilt(uint32_t *seed)
{
	static const uint8_t odd[][4] = { { 81, 2 },    { 81, 0 },   { 55, 255 }, { 0 },
					  { 52, 1, 3 }, { 61, 255 }, { 82, 255 } };
	struct dhcp_message m = dhcp_message(1 + dice(seed) % 9, dice(seed) % 2 ? "one.test" : NULL);

	for (unsigned i = dice(seed) % 4; i > 0; i--) {
		memcpy(m.bytes + m.n, odd[dice(seed) % 7], 4);
		m.n += 2 + dice(seed) % 3;
	}
	for (unsigned i = dice(seed) % 300; i > 0; i--)
		m.bytes[m.n++] = (uint8_t)dice(seed);
	for (unsigned i = dice(seed) % 5; i > 0; i--)
		m.bytes[dice(seed) % m.n] = (uint8_t)dice(seed);
	if (dice(seed) % 4 == 0)
		m.n = dice(seed) % m.n;
	return m;
}

/* The log has its limit, memory does not grow, and good clients are served. */
CASE(hostile_messages_change_nothing)
{
	uint32_t seed = (uint32_t)now_us();
	long rss = 0;

	printf("seed %u\n", seed);
	dhcp_begin(DHCP_VDESTACK, "");
	int hostile = open_wire(up);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 200; i++) {
			struct dhcp_message m = spoilt(&seed);
			uint32_t src = i % 3 == 0 ? dice(&seed) : 0;
			dhcp_send_by(hostile, src, 68, i % 5 == 0 ? SERVER_ID : UINT32_MAX, &m);
		}
		struct dhcp_message good = dhcp_message(1, "one.test");
		check_served(&good, 0, 68, 0x0a090032);
		if (round == 4)
			rss = rss_kib_of(daemon4.pid);
	}
	CHECK(*case_sanitizer() != '\0' || rss_kib_of(daemon4.pid) < rss + 2000);
	CHECK(strlen(dhcp_said()) < 30000); /* 50 lines of each kind in ten seconds */
	close(hostile);
	dhcp_end();
}

/* ------------------------------------------------------------------ name servers */

CASE(a_name_without_a_name_server_does_not_stop_others)
{
	char name[32];

	zone_set(21, (struct zone_line){ "half.test", { 0x0a090038 }, { "router=dead.gone" } });
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m =
		dhcp_message(1, "half.test"); /* no answer is better than one without its router */
	dhcp_send(&m);
	int other = open_wire(up); /* a client that asks for all of these waits for its own ones */
	for (int i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "dead%d.gone", i);
		struct dhcp_message dead = dhcp_message(1, name);
		dhcp_send_by(other, 0, 68, UINT32_MAX, &dead);
	}
	long long since = now_us();
	ask_one("one.test", 0x0a090032);
	ask_one("bare.test", 0x0a090033);
	CHECK(now_us() - since < 3000000);
	m = renewal("dead1.gone", 0x0a090032); /* no NAK: nothing is known */
	dhcp_send_from(0x0a090032, 68, SERVER_ID, &m);
	struct dhcp_answer a;
	while (dhcp_receive(&a, 6000))
		CHECK(a.reply.type != VS_DHCP4_NAK && a.reply.yiaddr != 0x0a090038);
	CHECK_CONTAINS(dhcp_said(), "no name server answers");
	ask_one("one.test", 0x0a090032);
	close(other);
	dhcp_end();
}

/* The client has asked once. Meanwhile others are served, and it does not ask the name server again. */
CASE(a_name_server_that_is_slow_gets_the_client_its_address)
{
	zone_set(20, (struct zone_line){ "slow.test", { 0x0a090038 }, { "router=slow-gw.test" } });
	zone_set(21, (struct zone_line){ "slow-gw.test", { 0x0a0900fd }, { NULL } });
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message slow = dhcp_message(1, "slow.test"), other;
	for (int i = 0; i < 5; i++)
		dhcp_send(&slow); /* it repeats itself: one of them waits */
	long long since = now_us();
	for (int i = 0; i < 3; i++) {
		other = dhcp_message(1, i == 1 ? "bare.test" : "one.test");
		CHECK_EQ(dhcp_ask(&other)->reply.type, VS_DHCP4_OFFER);
	}
	struct dhcp_answer *a = dhcp_await(&slow);
	CHECK(now_us() - since > 500000); /* three lookups, one behind the other */
	CHECK(a->reply.yiaddr == 0x0a090038 && a->reply.routers[0] == 0x0a0900fd);
	other = dhcp_message(1, "one.test");
	a = dhcp_ask(&other); /* nothing is there between: the five got one answer */
	/* Two for each other name, two for each lookup of the slow one, and those for what is forgotten. */
	CHECK(atomic_load(&names.questions) < 3 * 2 + 3 * 2 + 8);
	CHECK(strstr(strstr(dhcp_said(), "slow.test: OFFER") + 1, "slow.test: OFFER") == NULL);
	dhcp_end();
}

/* One behind the other they would take ten seconds, and answers are kept for two. */
CASE(a_record_of_many_slow_names_is_answered)
{
	static char slow[6][16];

	zone_set(20, (struct zone_line){ "slow.test",
					 { 0x0a090038 },
					 { "dns='slow0.test,slow1.test,slow2.test'",
					   "ntp='slow3.test,slow4.test,slow5.test'", "router=slow0.test" } });
	for (unsigned i = 0; i < 6; i++) {
		(void)snprintf(slow[i], sizeof(slow[i]), "slow%u.test", i);
		zone_set(21 + i, (struct zone_line){ slow[i], { 0x0a0900c0 + i }, { NULL } });
	}
	dhcp_begin(DHCP_VDESTACK, "");
	struct dhcp_message m = dhcp_message(1, "slow.test");
	dhcp_option(&m, 55, "\3\6\x2a", 3);
	long long since = now_us();
	struct dhcp_answer *a = dhcp_ask(&m);
	CHECK(now_us() - since < 7500000);
	CHECK(a->reply.n_dns == 3 && a->reply.n_ntp == 3 && a->reply.ntp[2] == 0x0a0900c5);
	CHECK(a->reply.routers[0] == 0x0a0900c0);
	dhcp_end();
}

CASE(the_name_servers_can_be_those_of_a_file)
{
	char text[300], path[256];

	(void)snprintf(path, sizeof(path), "%s", case_path("servers"));
	(void)snprintf(text, sizeof(text), "resolvconf %s\nverbose\n", path);
	FILE *f = fopen(path, "we");
	CHECK(f != NULL && fprintf(f, "nameserver 10.9.0.2\n") > 0);
	CHECK_EQ(fclose(f), 0);
	dhcp_begin(DHCP_NETWORK, text);
	ask_one("one.test", 0x0a090032);
	dhcp_end();
}

CASE(many_clients_of_one_name_cost_one_lookup)
{
	struct dhcp_message m;

	dhcp_begin(DHCP_VDESTACK, "");
	int before = atomic_load(&names.questions);
	for (int i = 0; i < 50; i++) {
		m = dhcp_message(1, "one.test");
		dhcp_send(&m);
	}
	CHECK_EQ(dhcp_await(&m)->reply.yiaddr, 0x0a090032);
	CHECK(atomic_load(&names.questions) - before <= 4);
	dhcp_end();
}

/* ------------------------------------------------------------------ names of dead servers */

static struct attack {
	int wire; /* of the hostile station */
	void (*change)(struct dhcp_message *m, unsigned i);
	uint32_t src;
	unsigned port, n;
} attack;

/* Sends some, and says whether the server has more than it keeps. */
static bool server_is_full(void *arg)
{
	char name[64];

	(void)arg;
	for (int i = 0; i < 40; i++, attack.n++) {
		(void)snprintf(name, sizeof(name), "dead%u.domain%u.gone", attack.n, attack.n);
		struct dhcp_message m = dhcp_message(1, name);
		if (attack.change != NULL)
			attack.change(&m, attack.n);
		dhcp_send_by(attack.wire, attack.src, attack.port, attack.port == 67 ? SERVER_ID : UINT32_MAX,
			     &m);
	}
	return strstr(dhcp_said(), "dropped: too many lookups wait") != NULL;
}

static void attack_from(struct vdestack *stack, uint32_t src, unsigned port,
			void (*change)(struct dhcp_message *m, unsigned i))
{
	attack = (struct attack){ .wire = open_wire(stack), .change = change, .src = src, .port = port };
	if (!wait_until(server_is_full, NULL, SOON_MS))
		FAIL("%u messages do not fill the server: %s", attack.n, dhcp_said());
}

static void check_others_are_served(void)
{
	struct dhcp_message m = dhcp_message(1, "one.test");

	check_served(&m, 0, 68, 0x0a090032);
	m = dhcp_message(1, "two.test");
	vs_be_put32(m.bytes + 24, 0x0a0900fe); /* a relay */
	check_served(&m, 0x0a0900fe, 67, 0x0a090034);
}

static void end_attack(void)
{
	close(attack.wire);
	dhcp_end();
}

/* Another Ethernet address of the client in each message, while the frame has that of the station. */
static void say_another_client(struct dhcp_message *m, unsigned i)
{
	vs_be_put32(m->bytes + 30, i);
}

CASE(names_of_dead_servers_do_not_stop_other_stations)
{
	dhcp_begin(DHCP_VDESTACK, "");
	attack_from(up, 0, 68, say_another_client);
	check_others_are_served();
	end_attack();
}

static void relay_another_client(struct dhcp_message *m, unsigned i)
{
	say_another_client(m, i);
	vs_be_put32(m->bytes + 24, 0x0a090002);
}

CASE(a_relay_of_names_of_dead_servers_does_not_stop_others)
{
	dhcp_begin(DHCP_VDESTACK, "");
	attack_from(up, 0x0a090002, 67, relay_another_client);
	check_others_are_served();
	end_attack();
}

static void relay_from_anywhere(struct dhcp_message *m, unsigned i)
{
	say_another_client(m, i);
	vs_be_put32(m->bytes + 24, 0x0a0a0000 + i);
}

CASE(relays_that_are_made_up_do_not_stop_others)
{
	dhcp_begin(DHCP_VDESTACK, "");
	attack_from(up, 0x0a090002, 67, relay_from_anywhere);
	check_others_are_served();
	end_attack();
}

static void relay_one_client(struct dhcp_message *m, unsigned i)
{
	(void)i;
	vs_be_put32(m->bytes + 24, 0x0a0900fe);
	m->bytes[33] = 0x99;
}

/* The relay is good. */
CASE(a_client_of_names_of_dead_servers_does_not_stop_others_of_its_relay)
{
	dhcp_begin(DHCP_VDESTACK, "");
	attack_from(client, 0x0a0900fe, 67, relay_one_client);
	check_others_are_served();
	end_attack();
}
