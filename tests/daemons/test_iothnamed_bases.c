/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* iothnamed asks other servers for the addresses of bases: at its start, at SIGHUP, and when they expire. */

#include "named_ground.h"

static struct name_server server;

static void begin(answer_fn *answer, const char *lines)
{
	char text[1000];

	(void)snprintf(text, sizeof(text), "%s%s", NAMED_NETS, lines);
	named_begin(NAMED_VDESTACK, text);
	name_server_start(&server, up, answer);
}

static void end(void)
{
	name_server_stop(&server);
	named_end();
}

static bool said(void *piece)
{
	return strstr(tool_output(&named), piece) != NULL;
}

static bool silent(const struct question *q, struct dns_message *m)
{
	(void)q;
	(void)m;
	return false;
}

static bool answer_base(const struct question *q, struct dns_message *m)
{
	static const uint8_t addr[16] = { 0xfc, 0x0b };

	dns_begin(m, q->id, 0x8180, q->name, q->type);
	if (q->type == 28)
		dns_record(m, 1, q->name, 28, 60, addr, 16);
	return true;
}

CASE(base_addresses_and_zones_come_from_names)
{
	named_network(NAMED_VDESTACK);
	name_server_start(&server, up, answer_base);
	named_start(NAMED_VDESTACK, NAMED_NETS "dns 10.9.0.2\nauth hash all .hash.test base.example\n"
					       "auth hrev all base.example/64\n");
	struct named_answer *a = named_ask("a.hash.test", 28, false);
	CHECK(a->records == 1 && a->addr[0] == 0xfc && a->addr[1] == 0x0b);
	CHECK_CONTAINS(named_dig("@10.9.0.53 +short a.hash.test AAAA"), "fc0b::");
	char words[200], addr[64];
	(void)snprintf(addr, sizeof(addr), "%s", text_of(case_path("dig")));
	addr[strcspn(addr, "\n")] = '\0';
	(void)snprintf(words, sizeof(words), "@10.9.0.53 +short -x %s", addr);
	CHECK_STR(named_dig(words), "a.hash.test.\n");
	end();
}

static atomic_int base_byte; /* 0: there is no such name */

static bool answer_moving_base(const struct question *q, struct dns_message *m)
{
	const uint8_t addr[16] = { 0xfc, (uint8_t)atomic_load(&base_byte) };

	dns_begin(m, q->id, addr[1] == 0 ? 0x8183 : 0x8180, q->name, q->type);
	if (q->type == 28 && addr[1] != 0)
		dns_record(m, 1, q->name, 28, 1, addr, 16);
	return true;
}

static bool has_base(void *byte)
{
	const struct named_answer *a = named_ask("a.hash.test", 28, false);

	return a->records == 1 && a->addr[0] == 0xfc && a->addr[1] == *(uint8_t *)byte;
}

CASE(base_addresses_are_asked_for_when_they_expire)
{
	uint8_t first = 11, second = 12;

	atomic_store(&base_byte, 11);
	named_network(NAMED_VDESTACK);
	name_server_start(&server, up, answer_moving_base);
	named_start(NAMED_VDESTACK, NAMED_NETS "dns 10.9.0.2\nauth hash all .hash.test base.example\n"
					       "auth hrev all base.example/64\n");
	CHECK(has_base(&first));
	atomic_store(&base_byte, 12);
	CHECK(wait_until(has_base, &second, SOON_MS));
	CHECK_EQ(named_ask("1.0.0.0.0.0.0.0.0.0.0.0.0.b.0.c.f.ip6.arpa", 12, false)->rcode, 5);
	CHECK_EQ(named_ask("1.0.0.0.0.0.0.0.0.0.0.0.0.c.0.c.f.ip6.arpa", 12, false)->rcode, 3);
	atomic_store(&base_byte, 0);
	CHECK(wait_until(said, (void *)(uintptr_t) "base.example has no address now", SOON_MS));
	CHECK(has_base(&second)); /* the old one stays */
	end();
}

/* No server knows the base of the new file: looking for it takes seconds. */
CASE(requests_are_answered_while_a_new_file_is_read)
{
	begin(silent, "dns 10.9.0.2\nauth static all .test\nstatic A a.test 10.0.0.1\n");
	named_config(
		named_text(NAMED_VDESTACK, NAMED_NETS "dns 10.9.0.2\nauth hash all .h.test base.example\n"));
	MUST(kill(named.pid, SIGHUP));
	long long start = now_us();
	int answers = 0;
	while (!said((void *)(uintptr_t) "the old configuration stays in use")) {
		CHECK_EQ(named_ask("a.test", 1, false)->addr[3], 1);
		CHECK(now_us() - start < SOON_MS * 1000LL);
		answers++;
		sleep_ms(20);
	}
	CHECK(now_us() - start > 500000 && answers > 10);
	CHECK_CONTAINS(tool_output(&named), "no name server answers for base.example");
	CHECK_EQ(named_ask("a.test", 1, false)->addr[3], 1);
	MUST(kill(named.pid, SIGHUP)); /* and it ends while it looks */
	end();
}

/* Each of them takes seconds, as no server answers. */
CASE(sigterm_waits_for_no_more_than_one_name)
{
	static char text[8192] = NAMED_NETS "dns 10.9.0.2\n";

	begin(silent, "dns 10.9.0.2\nauth fwd all .\n");
	for (int i = 0; i < 50; i++)
		(void)sprintf(text + strlen(text), "auth hash all .h%d.test base%d.example\n", i, i);
	named_config(named_text(NAMED_VDESTACK, text));
	MUST(kill(named.pid, SIGHUP));
	while (atomic_load(&server.questions) == 0)
		sleep_ms(1);
	long long start = now_us();
	end();
	CHECK(now_us() - start < 10000000);
}
