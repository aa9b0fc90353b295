/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * namedhcp4 and a hostile station, while another one has its address all the same. It sends messages that are
 * none. Or it wants all lookups: as many messages as the server keeps, each with a name whose name server
 * does not answer, in a domain of its own.
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
