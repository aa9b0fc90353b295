/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Solicitations that are malformed, and floods of good ones: a raw host sends them and counts the answers. */

#include "iothradvd_net.h"

#define TYPE_RA 134
#define TYPE_NS 135
#define TYPE_NA 136

static const struct iothradata data = { .router_lifetime = 1800, .reachable = 30000 };
static const uint8_t mac[6] = { 0x80, 1, 1, 1, 1, 1 };

static struct iothradvd *server;
static struct received got;

static void begin_stack(void)
{
	struct iothradvd_opts o = { .data = &data };

	new_router("vdestack");
	new_raw_host("inproc://lan");
	server = serve(&o);
}

static void begin_station(void)
{
	struct iothradvd_opts o = { .data = &data, .vnl = case_path("hub"), .macaddr = mac };
	char locator[300];

	(void)snprintf(locator, sizeof(locator), "hub://%s", case_path("hub"));
	new_raw_host(locator);
	server = serve(&o);
}

static void end(void)
{
	close(tap);
	iothradvd_stop(server);
	if (router != NULL)
		MUST(ioth_delstack(router));
	MUST(vdestack_delete(host));
}

/* One from "::" is answered to all. The answer is the first advertisement since the last call. */
static void fence(void)
{
	struct packet p = solicitation("::");
	struct in6_addr all_hosts = addr6("ff02::1");

	do /* the first ones may come before the router has an address, and are answered then */
		send_packet(&p);
	while (!next_message(TYPE_RA, &got, 5000));
	check_advertisement(&got);
	CHECK(memcmp(got.bytes + 14 + 24, &all_hosts, 16) == 0);
	CHECK(memcmp(got.bytes, "\x33\x33\0\0\0\1", 6) == 0);
}

/* Each has a sender of its own, fe80::bad:0 and so on; those from "::" would be answered to all. */
static unsigned send_bad_ones(void)
{
	struct packet good = solicitation("fe80::bad:0");
	struct {
		const char *message;
		size_t n;
		uint8_t hops;
		int damage;
		bool from_nobody;
	} table[] = {
		{ "\x85\0\0\0\0\0\0\0", 8, 254, 0, false },                   /* was forwarded */
		{ "\x85\0\0\0\0\0\0\0", 8, 1, 0, true },                      /* likewise */
		{ "\x85\0\0\0\0\0\0\0", 8, 255, 1, false },                   /* checksum */
		{ "\x85\0\0\0\0\0\0\0", 8, 255, 1, true },                    /* checksum */
		{ "\x85\1\0\0\0\0\0\0", 8, 255, 0, true },                    /* code */
		{ "\x85\0\0\0\0\0\0", 7, 255, 0, true },                      /* too short */
		{ "\x85\0\0\0", 4, 255, 0, true },                            /* much too short */
		{ "\x85\0\0\0\0\0\0\0\1\0\2\0\0\0\0\1", 16, 255, 0, false },  /* option of length 0 */
		{ "\x85\0\0\0\0\0\0\0\1\4\2\0\0\0\0\1", 16, 255, 0, true },   /* beyond the end */
		{ "\x85\0\0\0\0\0\0\0\1\1\2\0\0\0\0\1\1", 17, 255, 0, true }, /* a half one */
		{ "\x85\0\0\0\0\0\0\0\1\1\2\0\0\0\0\1", 16, 255, 0, true },   /* "::" and a MAC */
		{ "\x86\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 255, 0, true },   /* an advertisement */
	};
	unsigned n = sizeof(table) / sizeof(table[0]);

	for (unsigned i = 0; i < n; i++) {
		struct packet p = table[i].from_nobody ? solicitation("::") : good;
		p.message = table[i].message;
		p.n = table[i].n;
		p.hops = table[i].hops;
		p.damage = table[i].damage;
		p.from[15] = table[i].from_nobody ? 0 : (uint8_t)i;
		send_packet(&p);
	}
	/* A group as the sender. */
	struct packet p = solicitation("ff02::1");
	send_packet(&p);
	return n + 1;
}

/*
 * The next thing that the network says is the answer to a good one. It is to all: there is no other one for
 * three seconds, so a bad one that is taken as a good one from "::" would have been answered by the same. So
 * a second good one is answered in time, and between the two there is nothing.
 */
static void no_answer_to_bad_ones(void)
{
	long long before;

	fence();
	send_bad_ones();
	before = now_us();
	while (now_us() - before < 3600000) { /* as long as any answer may take */
		int left = 3600 - (int)((now_us() - before) / 1000);
		if (left > 0 && next_message(TYPE_RA, &got, left))
			FAIL("a bad solicitation was answered");
	}
	fence();
	end();
}

CASE(bad_solicitations_get_no_answer_from_a_stack)
{
	begin_stack();
	no_answer_to_bad_ones();
}

STATION_CASE(bad_solicitations_get_no_answer_from_a_station)
{
	begin_station();
	no_answer_to_bad_ones();
}

/* The kernel of the router asks for the MAC address of a host before it sends to it alone. */
CASE(a_good_solicitation_is_answered_alone)
{
	struct packet p = solicitation("fe80::66");
	static const uint8_t target[16] = { 0xfe, 0x80, [15] = 0x66 };

	begin_stack();
	fence();
	send_packet(&p);
	CHECK(next_message(TYPE_NS, &got, SOON_MS));
	while (memcmp(got.bytes + 54 + 8, target, 16) != 0)
		CHECK(next_message(TYPE_NS, &got, SOON_MS));
	struct packet answer = solicitation("fe80::66");
	memcpy(answer.to_mac, got.bytes + 6, 6);
	memcpy(answer.to, got.bytes + 14 + 8, 16);
	answer.message = "\x88\0\0\0\x60\0\0\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x66\2\1\2\0\0\0\0\x66";
	answer.n = 32;
	send_packet(&answer);
	CHECK(next_message(TYPE_RA, &got, SOON_MS));
	check_advertisement(&got);
	CHECK(memcmp(got.bytes, host_mac, 6) == 0);
	CHECK(memcmp(got.bytes + 14 + 24, target, 16) == 0);
	end();
}

STATION_CASE(a_station_answers_alone_and_for_its_address)
{
	struct packet p = solicitation("fe80::66");
	static const uint8_t address[16] = { 0xfe, 0x80, [8] = 0x82, 1, 1, 0xff, 0xfe, 1, 1, 1 };

	begin_station();
	send_packet(&p);
	CHECK(next_message(TYPE_RA, &got, SOON_MS));
	check_advertisement(&got);
	CHECK(memcmp(got.bytes, host_mac, 6) == 0);
	CHECK(memcmp(got.bytes + 14 + 8, address, 16) == 0);
	CHECK(memcmp(got.bytes + 54 + 8, "\0\0\x75\x30", 4) == 0); /* reachable: 30000 */
	p.message = "\x87\0\0\0\0\0\0\0\xfe\x80\0\0\0\0\0\0\x82\1\1\xff\xfe\1\1\1\1\1\2\0\0\0\0\x66";
	p.n = 32;
	memcpy(p.to_mac, "\x33\x33\xff\1\1\1", 6);
	memcpy(p.to, (uint8_t[16]){ 0xff, 2, [11] = 1, 0xff, 1, 1, 1 }, 16);
	send_packet(&p);
	CHECK(next_message(TYPE_NA, &got, SOON_MS));
	check_advertisement(&got);
	CHECK_EQ(got.bytes[54 + 4], 0xe0); /* a router, solicited, override */
	CHECK(memcmp(got.bytes + 54 + 8, address, 16) == 0);
	CHECK(memcmp(got.bytes + 54 + 26, mac, 6) == 0);
	end();
}

/* RFC 4861 section 7.1.1: one from "::" is to the solicited-node group. The answers are in order. */
STATION_CASE(a_station_that_is_asked_by_an_unspecified_address_answers_its_group_only)
{
	struct packet p = solicitation("::");
	struct in6_addr address = addr6("fe80::8201:1ff:fe01:101"), group = addr6("ff02::1:ff01:101");
	struct in6_addr all_hosts = addr6("ff02::1"), asker = addr6("fe80::66");

	begin_station();
	p.message = "\x87\0\0\0\0\0\0\0\xfe\x80\0\0\0\0\0\0\x82\1\1\xff\xfe\1\1\1";
	p.n = 24;
	send_packet(&p); /* to all routers */
	memcpy(p.to, &all_hosts, 16);
	send_packet(&p);
	memcpy(p.to, &address, 16);
	send_packet(&p);
	memcpy(p.to, &group, 16);
	memcpy(p.from, &asker, 16);
	send_packet(&p); /* the first that is answered */
	CHECK(next_message(TYPE_NA, &got, SOON_MS));
	CHECK(memcmp(got.bytes + 14 + 24, &asker, 16) == 0);
	memset(p.from, 0, 16);
	send_packet(&p);
	CHECK(next_message(TYPE_NA, &got, SOON_MS));
	check_advertisement(&got);
	CHECK(memcmp(got.bytes + 14 + 24, &all_hosts, 16) == 0);
	end();
}

static uint32_t random_state;

static uint32_t next_random(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

/* Solicitations with options of any kind, all with a right checksum; then frames of any kind. */
static void send_random_ones(void)
{
	uint8_t message[256], frame[512];

	random_state = (uint32_t)now_us();
	printf("the seed is %u\n", random_state);
	for (int i = 0; i < 5000; i++) {
		struct packet p = solicitation(i % 3 == 0 ? "::" : "fe80::bad:1");
		for (size_t k = 0; k < sizeof(message); k++)
			message[k] = (uint8_t)(next_random() % (k % 8 < 2 ? 4 : 256));
		message[0] = i % 4 == 0 ? TYPE_NS : 0x85;
		message[1] = (uint8_t)(i % 16 == 1);
		p.message = (const char *)message;
		p.n = next_random() % sizeof(message);
		p.hops = i % 8 == 7 ? 64 : 255;
		send_packet(&p);
	}
	for (int i = 0; i < 2000; i++) {
		size_t n = 14 + next_random() % (sizeof(frame) - 14);
		for (size_t k = 0; k < n; k++)
			frame[k] = (uint8_t)next_random();
		memcpy(frame, "\x33\x33\0\0\0\2", 6);
		memcpy(frame + 12, "\x86\xdd", 2);
		frame[14] = i % 2 == 0 ? 0x60 : frame[14];
		frame[20] = i % 2 == 0 ? 58 : frame[20];
		CHECK_EQ(write(tap, frame, n), (ssize_t)n);
	}
}

/* A good one from "::" is answered to all, behind the answers to good ones among the random ones. */
static void fence_behind_answers(void)
{
	struct packet p = solicitation("::");
	long long end_us = now_us() + SOON_MS * 1000LL;

	do {
		CHECK(now_us() < end_us);
		send_packet(&p);
	} while (!next_message(TYPE_RA, &got, 5000) || got.bytes[0] != 0x33);
	check_advertisement(&got);
}

CASE(random_messages_do_a_stack_no_harm)
{
	begin_stack();
	fence();
	send_random_ones();
	fence_behind_answers();
	end();
}

STATION_CASE(random_messages_do_a_station_no_harm)
{
	begin_station();
	fence();
	send_random_ones();
	fence_behind_answers();
	end();
}

/* 2000 senders. Those above the limit are answered by one to all. */
STATION_CASE(a_flood_of_solicitations_gets_few_answers)
{
	struct packet p = solicitation("fe80::");
	unsigned alone = 0;

	begin_station();
	fence();
	long long before = now_us();
	for (unsigned i = 1; i <= 2000; i++) {
		p.from[14] = (uint8_t)(i >> 8), p.from[15] = (uint8_t)i;
		send_packet(&p);
	}
	for (;;) {
		CHECK(next_message(TYPE_RA, &got, SOON_MS));
		if (got.bytes[0] == 0x33)
			break;
		alone++;
	}
	long long seconds = (now_us() - before) / 1000000 + 1;
	CHECK(now_us() - before > 2000000);
	CHECK(alone <= 25 + 5 * seconds);
	end();
}
