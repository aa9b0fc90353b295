/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Name servers that lie, are broken or silent. A resolver returns what is right, or an error, in time.
 */

#include <arpa/nameser.h>
#include <stdint.h>

#include "name_server.h"
#include "stacks.h"
#include <vdestack/dns.h>

static struct name_server server;
static struct vdestack *home, *far;

#define TRUE_ADDR 0x0a090007u
#define FALSE_ADDR 0x06060606u

static void begin(answer_fn *answer, struct vdestack_dns_opts opts)
{
	home = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	far = new_stack("vnl=inproc://lan ip=10.9.0.2/24 ip=10.9.0.3/24");
	name_server_start(&server, far, answer);
	opts.size = sizeof(opts);
	if (opts.servers == NULL)
		opts.servers = "10.9.0.2";
	opts.search = "";
	if (vdestack_dns_set(home, &opts) < 0)
		FAIL("vdestack_dns_set: %s", vdestack_dns_last_error());
}

static void end(void)
{
	name_server_stop(&server);
	MUST(vdestack_delete(home));
	MUST(vdestack_delete(far));
}

/* Looks up an IPv4 address. Returns the code; *first and *n may be NULL. */
static int look_up(const char *name, uint32_t *first, int *n)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct addrinfo *res;
	int code = vdestack_getaddrinfo(home, name, NULL, &hints, &res);

	if (code != 0)
		return code;
	if (first != NULL)
		*first = ntohl(((struct sockaddr_in *)(void *)res->ai_addr)->sin_addr.s_addr);
	for (int i = 0; n != NULL && (i == 0 || res != NULL); i++) {
		*n = i + 1;
		struct addrinfo *next = res->ai_next;
		res->ai_next = NULL;
		vdestack_freeaddrinfo(res);
		res = next;
	}
	vdestack_freeaddrinfo(n == NULL ? res : NULL);
	return 0;
}

static void check_true(const char *name)
{
	uint32_t addr;
	int code = look_up(name, &addr, NULL);

	if (code != 0)
		FAIL("%s: %s (%s)", name, gai_strerror(code), vdestack_dns_last_error());
	CHECK_EQ(addr, TRUE_ADDR);
}

static void send_now(const struct question *q, const struct dns_message *m)
{
	MUST(sendto(q->fd, m->bytes, m->n, 0, q->from, q->from_len));
}

static bool say(const struct question *q, struct dns_message *m, uint32_t addr)
{
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	dns_a(m, q->name, 300, addr);
	return true;
}

/* ------------------------------------------------------------------ forged replies */

/* False replies of many kinds, and then the true one. */
static bool lie_first(const struct question *q, struct dns_message *m)
{
	struct sockaddr_in6 other = { .sin6_family = AF_INET6 };

	say(q, m, FALSE_ADDR);
	m->bytes[0] ^= 0xff; /* another id */
	send_now(q, m);
	dns_begin(m, q->id, 0x8180, "other.example", q->type); /* another question */
	dns_a(m, "other.example", 300, FALSE_ADDR);
	send_now(q, m);
	dns_begin(m, q->id, 0x8180, q->name, ns_t_txt);
	dns_a(m, q->name, 300, FALSE_ADDR);
	send_now(q, m);
	say(q, m, FALSE_ADDR);
	m->bytes[2] &= 0x7f; /* a question, not a reply */
	send_now(q, m);
	m->n = 0;
	send_now(q, m);
	m->n = 5;
	send_now(q, m);
	/* From another port, and from another address. */
	say(q, m, FALSE_ADDR);
	for (int i = 0; i < 2; i++) {
		int fd = (int)MUST(vdestack_msocket(far, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		if (i == 1) {
			other.sin6_port = htons(5353);
			inet_pton(AF_INET6, "::ffff:10.9.0.3", &other.sin6_addr);
			MUST(bind(fd, (struct sockaddr *)&other, sizeof(other)));
		}
		(void)sendto(fd, m->bytes, m->n, MSG_NOSIGNAL, q->from, q->from_len);
		close(fd);
	}
	return say(q, m, TRUE_ADDR);
}

CASE(forged_replies_are_ignored)
{
	begin(lie_first, (struct vdestack_dns_opts){ 0 });
	check_true("a.example");
	CHECK_EQ(atomic_load(&server.questions), 1);
	end();
}

static bool add_strangers(const struct question *q, struct dns_message *m)
{
	if (strcmp(q->name, "bank.example") == 0)
		return say(q, m, TRUE_ADDR);
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	dns_a(m, "bank.example", 300, FALSE_ADDR);
	dns_a(m, q->name, 300, TRUE_ADDR);
	dns_a(m, "bank.example", 300, FALSE_ADDR);
	return true;
}

CASE(records_of_other_names_are_neither_returned_nor_kept)
{
	int n;

	begin(add_strangers, (struct vdestack_dns_opts){ 0 });
	CHECK_EQ(look_up("a.example", NULL, &n), 0);
	CHECK_EQ(n, 1);
	check_true("bank.example");
	end();
}

static uint16_t ids[64];
static in_port_t ports[64];

static bool remember_ids(const struct question *q, struct dns_message *m)
{
	if (q->number <= 64) {
		ids[q->number - 1] = (uint16_t)q->id;
		ports[q->number - 1] = ((const struct sockaddr_in6 *)(const void *)q->from)->sin6_port;
	}
	return say(q, m, TRUE_ADDR);
}

CASE(ids_and_ports_of_questions_are_unpredictable)
{
	char name[32];
	int same_step = 0, same_port = 0;

	begin(remember_ids, (struct vdestack_dns_opts){ 0 });
	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		check_true(name);
	}
	for (int i = 2; i < 64; i++) {
		same_step += (uint16_t)(ids[i] - ids[i - 1]) == (uint16_t)(ids[i - 1] - ids[i - 2]);
		same_port += ports[i] == ports[i - 1];
	}
	CHECK(same_step < 4); /* by chance once in 65536 */
	CHECK(same_port < 4);
	end();
}

/* ------------------------------------------------------------------ malformed replies */

static bool break_one_by_one(const struct question *q, struct dns_message *m)
{
	uint8_t loop[4] = { 0xc0, 0, 0xc0, 0 };

	dns_begin(m, q->id, 0x8180, q->name, q->type);
	if (strcmp(q->name, "circle.example") == 0) {
		dns_cname(m, "circle.example", 300, "b.example");
		dns_cname(m, "b.example", 300, "circle.example");
	} else if (strcmp(q->name, "self.example") == 0) {
		dns_cname(m, "self.example", 300, "self.example");
	} else if (strcmp(q->name, "pointer.example") == 0) {
		loop[1] = (uint8_t)(m->n + 27); /* the record's own data */
		dns_record(m, 1, q->name, ns_t_cname, 300, loop, 2);
	} else if (strcmp(q->name, "cut.example") == 0) {
		dns_a(m, q->name, 300, FALSE_ADDR);
		m->n -= 2;
	} else if (strcmp(q->name, "counts.example") == 0) {
		dns_a(m, q->name, 300, FALSE_ADDR);
		m->bytes[6] = m->bytes[7] = 0xff;
	} else if (strcmp(q->name, "long.example") == 0) {
		dns_a(m, q->name, 300, FALSE_ADDR);
		m->bytes[m->n - 6] = 0xff; /* the length of the data */
	} else if (strcmp(q->name, "chain.example") == 0) {
		char a[32], b[32] = "chain.example";
		for (int i = 0; i < 40; i++) {
			snprintf(a, sizeof(a), "%s", b);
			snprintf(b, sizeof(b), "c%d.example", i);
			dns_cname(m, a, 300, b);
		}
		dns_a(m, b, 300, FALSE_ADDR);
	}
	return true;
}

CASE(malformed_replies_are_no_addresses)
{
	static const char *const names[] = { "circle.example", "self.example",   "pointer.example",
					     "cut.example",    "counts.example", "long.example",
					     "chain.example" };

	begin(break_one_by_one, (struct vdestack_dns_opts){ .timeout_ms = 300, .tries = 1 });
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int code = look_up(names[i], NULL, NULL);
		if (code != EAI_AGAIN)
			FAIL("%s: %s", names[i], code == 0 ? "an address" : gai_strerror(code));
	}
	CHECK_CONTAINS(vdestack_dns_last_error(), "malformed");
	end();
}

/* Bytes without sense, different for each question. */
static bool babble(const struct question *q, struct dns_message *m)
{
	static uint32_t x = 12345;

	say(q, m, TRUE_ADDR);
	if (q->number % 2)
		return true;
	for (size_t i = 12; i < m->n; i++) {
		x = x * 1664525 + 1013904223;
		if (x >> 30 == 0)
			m->bytes[i] = (uint8_t)(x >> 16);
	}
	send_now(q, m);
	for (size_t i = 2; i < 600; i++) {
		x = x * 1664525 + 1013904223;
		m->bytes[i] = (uint8_t)(x >> 16);
	}
	m->n = 600;
	return true;
}

CASE(random_bytes_do_no_harm)
{
	char name[32];

	begin(babble, (struct vdestack_dns_opts){ .timeout_ms = 20, .tries = 2, .deadline_ms = 100 });
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		int code = look_up(name, NULL, NULL);
		CHECK(code == 0 || code == EAI_AGAIN || code == EAI_NODATA || code == EAI_NONAME);
	}
	end();
}

/* ------------------------------------------------------------------ large replies */

static bool answer_many(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, q->tcp ? 0x8180 : 0x8380, q->name, q->type); /* truncated by UDP */
	for (int i = 0; q->tcp && i < 300; i++)
		dns_a(m, q->name, 300, 0x0a090100u + (unsigned)i);
	return true;
}

CASE(a_truncated_reply_is_asked_for_by_tcp)
{
	int n = 0;

	begin(answer_many, (struct vdestack_dns_opts){ 0 });
	CHECK_EQ(look_up("many.example", NULL, &n), 0);
	CHECK_EQ(n, 300);
	CHECK_EQ(atomic_load(&server.tcp_questions), 1);
	end();
}

CASE(tcp_only_asks_by_tcp_only)
{
	int n = 0;

	begin(answer_many, (struct vdestack_dns_opts){ .flags = VDESTACK_DNS_TCP });
	CHECK_EQ(look_up("many.example", NULL, &n), 0);
	CHECK_EQ(n, 300);
	CHECK_EQ(atomic_load(&server.questions), atomic_load(&server.tcp_questions));
	end();
}

/* By TCP it closes the connection. */
static bool hang_up(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8380, q->name, q->type);
	return !q->tcp;
}

CASE(a_server_that_hangs_up_by_tcp_is_a_failure_in_time)
{
	begin(hang_up, (struct vdestack_dns_opts){ .timeout_ms = 200, .tries = 1 });
	CHECK_EQ(look_up("a.example", NULL, NULL), EAI_AGAIN);
	end();
}

static bool has_opt(const struct question *q)
{
	return q->bytes[11] != 0;
}

static bool know_no_edns(const struct question *q, struct dns_message *m)
{
	if (has_opt(q)) {
		dns_begin(m, q->id, 0x8181, q->name, q->type); /* FORMERR */
		return true;
	}
	return say(q, m, TRUE_ADDR);
}

CASE(a_server_without_edns_is_asked_again_without_it)
{
	begin(know_no_edns, (struct vdestack_dns_opts){ 0 });
	check_true("a.example");
	CHECK_EQ(atomic_load(&server.questions), 2);
	struct vdestack_dns_opts o = { .size = sizeof(o),
				       .servers = "10.9.0.2",
				       .flags = VDESTACK_DNS_NO_EDNS };
	MUST(vdestack_dns_set(home, &o));
	check_true("a.example");
	CHECK_EQ(atomic_load(&server.questions), 3);
	end();
}

/* ------------------------------------------------------------------ failures */

static bool fail_servers(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180 | (strcmp(q->name, "refused.example") == 0 ? 5u : 2u), q->name, q->type);
	return true;
}

CASE(messages_say_which_server_failed_how)
{
	begin(fail_servers, (struct vdestack_dns_opts){ .servers = "10.9.0.2 10.9.0.2:54 10.9.0.99",
							.timeout_ms = 100,
							.tries = 1 });
	CHECK_EQ(look_up("fail.example", NULL, NULL), EAI_AGAIN);
	CHECK_CONTAINS(vdestack_dns_last_error(), "10.9.0.2: it has failed (SERVFAIL)");
	CHECK_CONTAINS(vdestack_dns_last_error(), "10.9.0.2 port 54: Connection refused");
	CHECK_CONTAINS(vdestack_dns_last_error(), "10.9.0.99: timed out");
	CHECK_EQ(look_up("refused.example", NULL, NULL), EAI_AGAIN);
	CHECK_CONTAINS(vdestack_dns_last_error(), "10.9.0.2: it has refused (REFUSED)");
	end();
}

static bool be_silent(const struct question *q, struct dns_message *m)
{
	(void)q;
	(void)m;
	return false;
}

CASE(a_silent_server_ends_at_the_deadline)
{
	begin(be_silent, (struct vdestack_dns_opts){ .timeout_ms = 10000, .deadline_ms = 200 });
	long long since = now_us();
	CHECK_EQ(look_up("a.example", NULL, NULL), EAI_AGAIN);
	CHECK(now_us() - since >= 199000);
	CHECK(now_us() - since < 9000000);
	CHECK_CONTAINS(vdestack_dns_last_error(), "time limit");
	CHECK_CONTAINS(vdestack_dns_last_error(), "10.9.0.2: timed out");

	struct vdestack_dns_lookup *l = vdestack_dns_start(vdestack_dns_of(home), "a.example", NULL, NULL);
	struct addrinfo *res;
	int r;
	while ((r = vdestack_dns_finish(l, &res)) == 0)
		CHECK(wait_readable(vdestack_dns_fd(l), SOON_MS));
	CHECK_EQ(r, EAI_AGAIN);
	end();
}

/* Each reply is a false one, without a pause. */
static bool never_stop(const struct question *q, struct dns_message *m)
{
	say(q, m, FALSE_ADDR);
	m->bytes[0] ^= 0xff;
	long long until = now_us() + 600000;
	while (now_us() < until)
		(void)sendto(q->fd, m->bytes, m->n, MSG_NOSIGNAL, q->from, q->from_len);
	return false;
}

CASE(a_flood_of_false_replies_does_not_move_the_deadline)
{
	begin(never_stop, (struct vdestack_dns_opts){ .timeout_ms = 10000, .deadline_ms = 200, .tries = 1 });
	long long since = now_us();
	CHECK_EQ(look_up("a.example", NULL, NULL), EAI_AGAIN);
	CHECK(now_us() - since < 9000000);
	end();
}

static bool answer_the_second_time(const struct question *q, struct dns_message *m)
{
	return q->number > 1 && say(q, m, TRUE_ADDR);
}

CASE(a_lost_question_is_asked_again)
{
	begin(answer_the_second_time, (struct vdestack_dns_opts){ .timeout_ms = 50 });
	check_true("a.example");
	CHECK(atomic_load(&server.questions) >= 2);
	end();
}

CASE(the_next_server_is_asked_when_one_is_not_there)
{
	begin(answer_the_second_time,
	      (struct vdestack_dns_opts){ .servers = "10.9.0.99 10.9.0.2:55 10.9.0.2", .timeout_ms = 50 });
	check_true("a.example");
	end();
}

CASE(a_stack_that_is_deleted_during_a_lookup_ends_it)
{
	struct addrinfo *res;

	begin(be_silent, (struct vdestack_dns_opts){ .timeout_ms = 50, .tries = 2, .deadline_ms = 2000 });
	struct vdestack_dns_lookup *l = vdestack_dns_start(vdestack_dns_of(home), "a.example", NULL, NULL);
	CHECK(l != NULL);
	MUST(vdestack_delete(home));
	home = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	CHECK(vdestack_dns_of(home) != NULL); /* ends resolvers of deleted stacks */
	int r;
	while ((r = vdestack_dns_finish(l, &res)) == 0)
		CHECK(wait_readable(vdestack_dns_fd(l), SOON_MS));
	CHECK(r == EAI_AGAIN || r == EAI_SYSTEM);
	end();
}
