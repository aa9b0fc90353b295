/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * iothnamed without memory: each allocation of a step fails, and each call of ldns that allocates. A step
 * gives an error or a whole answer then, never a part of one, and loses nothing.
 *
 * Allocations inside of ldns do not fail here: several of its functions do not look at the result, and there
 * is nothing that this program could do.
 */

#include "unit.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <dns_message.h>

#include "base/cleanup.h"
#include "daemons/iothnamed/decide.h"
#include "daemons/iothnamed/reply.h"
#include "daemons/iothnamed/transfer.h"

#define TIMES 100
#define LEAST_BYTES 24 /* that an allocation takes */

static unsigned long calls, fails_at; /* 0: none */

static bool fails(void)
{
	if (fails_at == 0 || ++calls != fails_at)
		return false;
	errno = ENOMEM;
	return true;
}

#define WRAP(type, failure, name, parameters, arguments)                                                     \
	type __real_##name parameters;                                                                       \
	type __wrap_##name parameters;                                                                       \
	type __wrap_##name parameters                                                                        \
	{                                                                                                    \
		return fails() ? (failure) : __real_##name arguments;                                        \
	}

WRAP(void *, NULL, malloc, (size_t size), (size))
WRAP(void *, NULL, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, NULL, realloc, (void *old, size_t size), (old, size))
WRAP(ldns_rr *, NULL, ldns_rr_new, (void), ())
WRAP(ldns_rr *, NULL, ldns_rr_clone, (const ldns_rr *rr), (rr))
WRAP(ldns_rdf *, NULL, ldns_rdf_new_frm_data, (ldns_rdf_type type, size_t n, const void *data),
     (type, n, data))
WRAP(ldns_rr_list *, NULL, ldns_rr_list_new, (void), ())
WRAP(bool, false, ldns_rr_list_push_rr, (ldns_rr_list * list, const ldns_rr *rr), (list, rr))
WRAP(bool, false, ldns_rr_push_rdf, (ldns_rr * rr, const ldns_rdf *rdf), (rr, rdf))
WRAP(ldns_pkt *, NULL, ldns_pkt_new, (void), ())
WRAP(bool, false, ldns_pkt_push_rr, (ldns_pkt * p, ldns_pkt_section section, ldns_rr *rr), (p, section, rr))
WRAP(ldns_status, LDNS_STATUS_MEM_ERR, ldns_wire2pkt, (ldns_pkt * *p, const uint8_t *wire, size_t n),
     (p, wire, n))
WRAP(ldns_status, LDNS_STATUS_MEM_ERR, ldns_pkt2wire, (uint8_t * *wire, const ldns_pkt *p, size_t *n),
     (wire, p, n))

static void repeat(void (*step)(void), unsigned long at, int times)
{
	for (int i = 0; i < times; i++) {
		calls = 0;
		fails_at = at;
		step();
		fails_at = 0;
	}
}

/*
 * Runs a step with each of its allocations failing. malloc() keeps some freed memory, which counts as used.
 * So a step is repeated: what it loses each time is more than that.
 */
static void sweep(void (*step)(void))
{
	for (unsigned long at = 1;; at++) {
		repeat(step, at, TIMES);
		size_t before = mallinfo2().uordblks;
		repeat(step, at, TIMES);
		size_t after = mallinfo2().uordblks;
		if (after >= before + TIMES * LEAST_BYTES)
			fail_msg("allocation %lu: %zu bytes, and %zu before", at, after, before);
		if (calls < at)
			break;
	}
}

/* ------------------------------------------------------------------ steps */

static struct nm_config *config;
static struct nm_mind mind;
static struct dns_message m;

static struct nm_name named(const char *text)
{
	unsigned long at = fails_at;
	struct nm_name name;

	fails_at = 0;
	assert_true(nm_name_read(&name, text));
	fails_at = at;
	return name;
}

static int begin(void **state)
{
	char file[] = "/tmp/named-XXXXXX";
	int fd = mkstemp(file);
	static const char text[] =
		"net all ::/0\nauth axfr all z.test\nauth static all .z.test\n"
		"auth hash all .hash fc09::\nauth cache all .\nstatic A a.z.test 10.0.0.1\n"
		"static A a.z.test 10.0.0.2\nstatic CNAME c.z.test a.z.test\n"
		"static SOA z.test a.test b.test 1 2 3 4 5\n";

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	config = nm_config_read(file);
	unlink(file);
	mind = (struct nm_mind){ .config = config,
				 .cache = nm_cache_new(10, 65536),
				 .hrev = nm_cache_new(10, 65536) };
	return config == NULL || mind.cache == NULL || mind.hrev == NULL ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	nm_cache_free(mind.cache);
	nm_cache_free(mind.hrev);
	nm_config_free(config);
	return 0;
}

/* A request from its bytes to those of its answer. */
static void answer(const char *name, unsigned type, bool tcp, unsigned records)
{
	struct in6_addr client = { .s6_addr = { [15] = 1 } };
	struct nm_request r;
	struct nm_answer a;
	uint8_t *bytes = NULL;
	size_t n = 0, at = 0;

	dns_begin(&m, 1, 0x0100, name, type);
	dns_record(&m, 3, "", 41, 0, "\0\12\0\10abcdefgh", 12);
	if (nm_request_read(&r, m.bytes, m.n) != NM_HEARD_QUESTION)
		return;
	r.tcp = tcp;
	enum nm_decision d = nm_decide(&mind, 0, &client, &r, &a);
	int e = d == NM_TRANSFERRED ? nm_transfer_write(&a, &r, &at, &bytes, &n)
				    : nm_answer_write(&a, &r, tcp, &bytes, &n);
	if (e == 0 && a.rcode == 0)
		assert_int_equal(bytes[7], records);
	if (e == 0)
		free(bytes);
	nm_answer_clear(&a);
}

static void ask_static(void)
{
	answer("c.z.test", 1, false, 3);
}

static void ask_nothing(void)
{
	answer("c.z.test", 28, false, 1);
	answer("none.z.test", 28, false, 0);
}

static void ask_hash(void)
{
	answer("a.hash", 28, false, 1);
	nm_cache_set(mind.hrev, 0, 0); /* so that nothing is kept */
	nm_cache_set(mind.hrev, 10, 65536);
}

static void ask_zone(void)
{
	answer("z.test", 252, true, 5);
}

static void take_reply(void)
{
	struct nm_asked asked = { .id = 1, .type = 1, .edns = true, .name = named("www.example") };
	struct nm_answer a = { .rcode = 0 }, kept;
	uint32_t ttl = 0;

	dns_begin(&m, 1, 0x8180, "www.example", 1);
	dns_cname(&m, "www.example", 60, "a.example");
	dns_a(&m, "a.example", 60, 1);
	dns_a(&m, "a.example", 60, 2);
	if (nm_reply_read(&asked, m.bytes, m.n, &a, &ttl) != NM_REPLY_GOOD)
		return;
	assert_int_equal(ldns_rr_list_rr_count(a.answer), 3);
	nm_cache_put(mind.cache, 0, &asked.name, 1, &a, ttl);
	nm_answer_clear(&a);
	if (nm_cache_get(mind.cache, 0, &asked.name, 1, &kept)) {
		assert_int_equal(ldns_rr_list_rr_count(kept.answer), 3);
		nm_answer_clear(&kept);
	}
	nm_cache_set(mind.cache, 0, 0);
	nm_cache_set(mind.cache, 10, 65536);
}

static void answers_are_whole_without_memory(void **state)
{
	(void)state;
	sweep(ask_static);
	sweep(ask_nothing);
	sweep(ask_hash);
	sweep(ask_zone);
}

static void replies_are_whole_without_memory(void **state)
{
	(void)state;
	sweep(take_reply);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(answers_are_whole_without_memory, begin, end),
	cmocka_unit_test_setup_teardown(replies_are_whole_without_memory, begin, end),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
