/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* iothnamed asks other servers: good ones of Debian, and some that are dead, slow, or lie. */

#include <sys/resource.h>

#include "named_ground.h"

static struct name_server server;

static void good(const struct question *q, struct dns_message *m, const char *name, uint32_t addr)
{
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	if (addr != 0)
		dns_a(m, name, 60, addr);
}

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

/* ------------------------------------------------------------------ answers are kept */

static bool answer_all(const struct question *q, struct dns_message *m)
{
	good(q, m, q->name, 0x0a080001);
	return true;
}

static void check_kept(enum named_kind kind)
{
	named_begin(kind, NAMED_NETS NAMED_FORWARDS);
	name_server_start(&server, up, answer_all);
	struct named_answer *a = named_ask("one.example", 1, false);
	CHECK(a->records == 1 && a->rcode == 0 && a->addr[0] == 10);
	CHECK_EQ(a->flags, 0x8180); /* RD RA, and not AA */
	a = named_ask("ONE.example", 1, true);
	CHECK(a->records == 1 && a->ttl <= 60 && a->ttl > 30);
	CHECK_EQ(atomic_load(&server.questions), 1);
	CHECK_EQ(named_ask("two.example", 1, true)->records, 1);
	CHECK_EQ(atomic_load(&server.questions), 2);
	end();
}

CASE(answers_are_kept)
{
	check_kept(NAMED_VDESTACK);
}

CASE(answers_are_kept_in_the_network_of_the_process)
{
	check_kept(NAMED_KERNEL);
}

#ifdef HAS_PICOX
CASE_FLAGS(answers_are_kept_in_user_space, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	check_kept(NAMED_PICOX);
}
#endif

/* The first question only. */
static bool answer_once(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	dns_a(m, q->name, 6, 1);
	return q->number == 1;
}

/* The second question is sent before the answer to the first one expires. The client does not wait for it. */
CASE(a_popular_answer_is_asked_for_before_it_expires)
{
	begin(answer_once, NAMED_FORWARDS);
	long long start = now_us();
	while (atomic_load(&server.questions) < 2) {
		CHECK_EQ(named_ask("one.example", 1, false)->records, 1);
		CHECK(now_us() - start < SOON_MS * 1000LL);
		sleep_ms(50);
	}
	CHECK(now_us() - start >= 5300000);
	end();
}

static bool answer_negative(const struct question *q, struct dns_message *m)
{
	static const uint8_t soa[] = { 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9 };

	dns_begin(m, q->id, strncmp(q->name, "no", 2) == 0 ? 0x8183 : 0x8180, q->name, q->type);
	if (strstr(q->name, "nosoa") == NULL)
		dns_record(m, 2, "example", 6, 30, soa, sizeof(soa));
	return true;
}

CASE(negative_answers_are_kept_with_their_soa)
{
	begin(answer_negative, NAMED_FORWARDS);
	for (int i = 0; i < 2; i++) {
		struct named_answer *a = named_ask("nothing.example", 1, false);
		CHECK(a->rcode == 3 && a->records == 0 && a->authorities == 1);
		a = named_ask("empty.example", 1, false);
		CHECK(a->rcode == 0 && a->records == 0 && a->authorities == 1);
	}
	CHECK_EQ(atomic_load(&server.questions), 2);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(named_ask("nosoa.example", 1, false)->rcode, 3);
	CHECK_EQ(atomic_load(&server.questions), 4);
	end();
}

static bool answer_chain(const struct question *q, struct dns_message *m)
{
	static const uint8_t b[] = { 1, 'b', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0 };

	dns_begin(m, q->id, 0x8180, q->name, q->type);
	if (strcmp(q->name, "a.example") == 0)
		dns_record(m, 1, "a.example", 5, 60, b, sizeof(b));
	dns_a(m, "b.example", 60, strcmp(q->name, "b.example") == 0 ? 2 : 1);
	return true;
}

/* The records of a chain serve the question for its beginning only. */
CASE(a_chain_of_cnames_is_kept_for_its_question)
{
	begin(answer_chain, NAMED_FORWARDS);
	for (int i = 0; i < 2; i++) {
		struct named_answer *a = named_ask("a.example", 1, false);
		CHECK(a->records == 2 && a->addr[3] == 1);
	}
	CHECK_EQ(atomic_load(&server.questions), 1);
	CHECK_EQ(named_ask("b.example", 1, false)->addr[3], 2);
	CHECK_EQ(atomic_load(&server.questions), 2);
	end();
}

/* ------------------------------------------------------------------ servers that fail */

CASE(a_dead_server_is_replaced)
{
	begin(answer_all, "dns 10.9.0.66\ndns 10.9.0.67\n" NAMED_FORWARDS);
	for (int i = 0; i < 3; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "n%d.example", i);
		long long start = now_us();
		CHECK_EQ(named_ask(name, 1, false)->records, 1);
		CHECK(now_us() - start < 5000000);
	}
	end();
}

static bool silent(const struct question *q, struct dns_message *m)
{
	(void)q;
	(void)m;
	return false;
}

CASE(without_an_answer_clients_get_servfail_within_5_seconds)
{
	begin(silent, "dns 10.9.0.66\n" NAMED_FORWARDS);
	long long start = now_us();
	CHECK_EQ(named_ask("one.example", 1, false)->rcode, 2);
	CHECK(now_us() - start < 5500000);
	start = now_us();
	CHECK_EQ(named_ask("two.example", 1, true)->rcode, 2);
	CHECK(now_us() - start < 5500000);
	end();
}

/* Nothing listens at port 53 there: the stack says so, and nothing is waited for. */
CASE(a_server_that_refuses_is_not_waited_for)
{
	begin(answer_all, "dns 10.9.0.9\n" NAMED_FORWARDS);
	long long start = now_us();
	for (int i = 0; i < 4; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "n%d.example", i);
		CHECK_EQ(named_ask(name, 1, false)->records, 1);
	}
	CHECK(now_us() - start < 4000000);
	end();
}

static bool answer_second_try(const struct question *q, struct dns_message *m)
{
	good(q, m, q->name, 1);
	return q->number > 1;
}

/* The first question is lost. All who asked for the same get the answer to the second one. */
CASE(clients_with_the_same_question_share_one)
{
	static struct dns_message m;
	struct named_answer a;

	begin(answer_second_try, NAMED_FORWARDS);
	int fd = named_socket(SOCK_DGRAM);
	for (unsigned i = 0; i < 20; i++) {
		dns_begin(&m, i, 0x0100, "one.example", 1);
		CHECK_EQ(send(fd, m.bytes, m.n, 0), m.n);
	}
	for (unsigned i = 0; i < 20; i++) {
		CHECK(named_receive(fd, false, &a, SOON_MS));
		CHECK_EQ(a.records, 1);
	}
	CHECK_EQ(atomic_load(&server.questions), 2);
	close(fd);
	end();
}

/* The answer comes after 1.3 seconds. */
CASE(the_time_of_another_server_is_not_that_of_a_client)
{
	begin(answer_second_try, NAMED_FORWARDS "option tcptimeout 1\n");
	CHECK_EQ(named_ask("one.example", 1, true)->records, 1);
	CHECK_EQ(atomic_load(&server.questions), 2);
	end();
}

CASE(one_stack_serves_and_another_one_asks)
{
	struct vdestack *other = new_stack("vnl=local://other nodad ip=10.8.0.2/24");

	name_server_start(&server, other, answer_all);
	named_begin(NAMED_OWN, "rstack stack=vdestack,vnl=local://lan\nrstack eth ip=10.9.0.53/24\n"
			       "fstack stack=vdestack,vnl=local://other\nfstack eth ip=10.8.0.53/24\n"
			       "dns 10.8.0.2\n" NAMED_NETS "auth fwd all .\n");
	CHECK_EQ(named_ask("one.example", 1, false)->records, 1);
	CHECK_EQ(named_ask("one.example", 1, true)->records, 1);
	CHECK_EQ(atomic_load(&server.questions), 2); /* without a rule cache nothing is kept */
	end();
	MUST(vdestack_delete(other));
}

static atomic_int truncate_now;

/* The question is answered when the case says so, by TC. Nothing comes by TCP. */
static bool answer_late(const struct question *q, struct dns_message *m)
{
	static atomic_int left = 5000;

	while (!q->tcp && !atomic_load(&truncate_now) && atomic_fetch_sub(&left, 1) > 0)
		sleep_ms(1);
	dns_begin(m, q->id, 0x8380, q->name, q->type);
	return !q->tcp;
}

/* Without servers in the new file, a question that is on its way must not go to this program itself. */
CASE(a_question_ends_when_its_server_is_no_more_in_the_file)
{
	static struct dns_message m;
	struct named_answer a;

	atomic_store(&truncate_now, 0);
	begin(answer_late, NAMED_FORWARDS);
	int fd = named_socket(SOCK_DGRAM);
	dns_begin(&m, 7, 0x0100, "one.example", 1);
	CHECK_EQ(send(fd, m.bytes, m.n, 0), m.n);
	while (atomic_load(&server.questions) == 0)
		sleep_ms(1);
	named_config(
		named_text(NAMED_VDESTACK, NAMED_NETS "auth static all .\nstatic A one.example 1.1.1.1\n"));
	MUST(kill(named.pid, SIGHUP));
	CHECK(wait_until(said, (void *)(uintptr_t) "the new configuration is in use", SOON_MS));
	atomic_store(&truncate_now, 1);
	CHECK(named_receive(fd, false, &a, SOON_MS));
	CHECK_EQ(a.rcode, 2);
	MUST(kill(named.pid, SIGHUP)); /* it reports counters */
	CHECK(wait_until(said, (void *)(uintptr_t) ", 1 failed", SOON_MS));
	CHECK_CONTAINS(tool_output(&named), ": 1 requests");
	close(fd);
	end();
}

static bool answer_by_tcp(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, q->tcp ? 0x8180 : 0x8380, q->name, q->type);
	for (uint32_t i = 0; q->tcp && i < 250; i++)
		dns_a(m, q->name, 60, 0x0a080000 + i);
	return true;
}

static void check_truncated(enum named_kind kind)
{
	named_begin(kind, NAMED_NETS NAMED_FORWARDS);
	name_server_start(&server, up, answer_by_tcp);
	struct named_answer *a = named_ask("big.example", 1, false);
	CHECK(a->records == 0 && (a->flags & 0x0200) && a->n <= 512);
	CHECK_EQ(named_ask("big.example", 1, true)->records, 250); /* whole, and kept */
	CHECK_EQ(atomic_load(&server.questions), 2);
	end();
}

CASE(a_truncated_reply_is_asked_for_by_tcp)
{
	check_truncated(NAMED_VDESTACK);
}

#ifdef HAS_PICOX
CASE_FLAGS(a_truncated_reply_is_asked_for_by_tcp_in_user_space,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	check_truncated(NAMED_PICOX);
}
#endif

static bool answer_without_edns(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, q->bytes[11] != 0 ? 0x8181 : 0x8180, q->name, q->type);
	if (q->bytes[11] == 0)
		dns_a(m, q->name, 60, 1);
	return true;
}

CASE(a_server_without_edns_is_asked_without)
{
	begin(answer_without_edns, NAMED_FORWARDS);
	CHECK_EQ(named_ask("one.example", 1, false)->records, 1);
	end();
}

static bool answer_badly(const struct question *q, struct dns_message *m)
{
	good(q, m, q->name, 1);
	switch (q->number) {
	case 1:
		m->bytes[7] = 9; /* records that are not there */
		break;
	case 2:
		m->bytes[3] = 0x82; /* SERVFAIL */
		break;
	case 3:
		m->bytes[3] = 0x85; /* REFUSED */
		break;
	}
	return true;
}

CASE(a_server_that_fails_is_asked_again)
{
	begin(answer_badly, NAMED_FORWARDS);
	CHECK_EQ(named_ask("one.example", 1, false)->records, 1);
	CHECK_EQ(atomic_load(&server.questions), 4);
	end();
}

/* ------------------------------------------------------------------ forgers */

static int forger; /* a socket of the server's address, with another port */

/* Forged replies come first; then the true one, which has records that were not asked for. */
static bool answer_with_forgeries(const struct question *q, struct dns_message *m)
{
	static struct dns_message f;

	if (strcmp(q->name, "one.example") != 0)
		return answer_all(q, m);
	good(q, &f, q->name, 0x06060606);
	CHECK_EQ(sendto(forger, f.bytes, f.n, MSG_NOSIGNAL, q->from, q->from_len), f.n); /* another port */
	for (int i = 1; i < 10; i++) {
		good(q, &f, q->name, 0x06060606);
		f.bytes[1] ^= (uint8_t)i; /* another identifier */
		CHECK_EQ(sendto(q->fd, f.bytes, f.n, MSG_NOSIGNAL, q->from, q->from_len), f.n);
	}
	dns_begin(&f, q->id, 0x8180, "bank.example", q->type); /* another question */
	dns_a(&f, "bank.example", 60, 0x06060606);
	CHECK_EQ(sendto(q->fd, f.bytes, f.n, MSG_NOSIGNAL, q->from, q->from_len), f.n);
	good(q, m, q->name, 0x0a080001);
	dns_a(m, "bank.example", 86400, 0x06060606);
	dns_record(m, 3, "bank.example", 1, 86400, "\6\6\6\6", 4);
	return true;
}

CASE(forged_replies_are_neither_passed_on_nor_kept)
{
	forger = -1;
	begin(answer_with_forgeries, NAMED_FORWARDS);
	forger = socket_in(up, AF_INET6, SOCK_DGRAM);
	struct named_answer *a = named_ask("one.example", 1, false);
	CHECK(a->records == 1 && a->addr[0] == 10);
	a = named_ask("bank.example", 1, false);
	CHECK(a->records == 1 && a->addr[0] == 10);
	CHECK_EQ(atomic_load(&server.questions), 2);
	close(forger);
	end();
}

/* Many wrong guesses: the attempt goes on by TCP. */
static bool answer_among_guesses(const struct question *q, struct dns_message *m)
{
	good(q, m, q->name, 0x0a080001);
	if (q->tcp)
		return true;
	for (int i = 1; i < 60; i++) {
		m->bytes[1] = (uint8_t)(q->id + (unsigned)i);
		(void)sendto(q->fd, m->bytes, m->n, MSG_NOSIGNAL, q->from, q->from_len);
	}
	return false;
}

CASE(after_many_wrong_replies_it_asks_by_tcp)
{
	begin(answer_among_guesses, NAMED_FORWARDS);
	struct named_answer *a = named_ask("one.example", 1, false);
	CHECK(a->records == 1 && a->addr[0] == 10);
	CHECK_EQ(atomic_load(&server.tcp_questions), 1);
	end();
}

/* Spellings of one name: few of them are asked for at the same time, and all clients get the answer. */
CASE(spellings_of_a_name_are_few_targets)
{
	static struct dns_message m;
	struct named_answer a;

	begin(answer_second_try, NAMED_FORWARDS);
	int fd = named_socket(SOCK_DGRAM);
	for (unsigned i = 0; i < 64; i++) {
		char name[] = "abcdef.example";
		for (unsigned bit = 0; bit < 6; bit++)
			name[bit] ^= (char)((i >> bit & 1) * ('a' - 'A'));
		dns_begin(&m, i, 0x0100, name, 1);
		CHECK_EQ(send(fd, m.bytes, m.n, 0), m.n);
	}
	for (unsigned i = 0; i < 64; i++) {
		CHECK(named_receive(fd, false, &a, SOON_MS));
		CHECK_EQ(a.rcode, 0);
		CHECK_EQ(a.records, 1);
	}
	CHECK(atomic_load(&server.questions) <= 4);
	close(fd);
	end();
}

static uint16_t seen_ids[64], seen_ports[64];

static bool note_question(const struct question *q, struct dns_message *m)
{
	if (q->number <= 64) {
		seen_ids[q->number - 1] = (uint16_t)q->id;
		seen_ports[q->number - 1] =
			ntohs(((const struct sockaddr_in6 *)(const void *)q->from)->sin6_port);
	}
	return answer_all(q, m);
}

static int differing(const uint16_t *values, int n)
{
	int different = 0;

	for (int i = 1; i < n; i++)
		different += values[i] != values[i - 1] && values[i] != values[i - 1] + 1;
	return different;
}

CASE(each_question_has_an_identifier_and_a_port_of_its_own)
{
	begin(note_question, NAMED_FORWARDS);
	for (int i = 0; i < 30; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "n%d.example", i);
		CHECK_EQ(named_ask(name, 1, false)->records, 1);
	}
	CHECK(differing(seen_ids, 30) > 25);
	CHECK(differing(seen_ports, 30) > 25);
	end();
}

/* ------------------------------------------------------------------ many */

CASE(many_questions_at_the_same_time_are_answered)
{
	static struct dns_message m;
	struct named_answer a;
	int answers = 0, size = 1 << 20;

	begin(answer_all, NAMED_FORWARDS "option cachesize 50\n");
	int fd = named_socket(SOCK_DGRAM);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	for (unsigned i = 0; i < 200; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "n%u.example", i);
		dns_begin(&m, i, 0x0100, name, 1);
		CHECK_EQ(send(fd, m.bytes, m.n, 0), m.n);
	}
	while (answers < 200 && named_receive(fd, false, &a, SOON_MS)) {
		CHECK_EQ(a.records, 1);
		answers++;
	}
	CHECK_EQ(answers, 200);
	close(fd);
	end();
}

/* No server answers them. Those that are too many get SERVFAIL at once, and others go on. */
CASE(questions_over_the_limit_fail_at_once)
{
	static struct dns_message m;
	struct named_answer a;
	int size = 1 << 22;

	begin(silent, "auth static all .test\nstatic A a.test 10.0.0.1\n" NAMED_FORWARDS);
	int fd = named_socket(SOCK_DGRAM), n = 0;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	long long start = now_us();
	do { /* a few at a time, so that none is lost on the way */
		for (unsigned i = 0; i < 20; i++, n++) {
			char name[32];
			(void)snprintf(name, sizeof(name), "n%d.example", n);
			dns_begin(&m, (unsigned)n, 0x0100, name, 1);
			CHECK_EQ(send(fd, m.bytes, m.n, 0), m.n);
		}
		CHECK_EQ(named_ask("a.test", 1, false)->records, 1);
	} while (n < 1100 && !wait_readable(fd, 0));
	CHECK(now_us() - start < 4000000);
	CHECK(named_receive(fd, false, &a, SOON_MS));
	CHECK_EQ(a.rcode, 2);
	CHECK(n <= 520);
	static struct dns_message other; /* of another client, which waits for its answer */
	struct sockaddr_in to = address("10.9.0.53", 53);
	int fd2 = socket_in(up, AF_INET, SOCK_DGRAM);
	MUST(connect(fd2, (struct sockaddr *)&to, sizeof(to)));
	dns_begin(&other, 7, 0x0100, "other.example", 1);
	CHECK_EQ(send(fd2, other.bytes, other.n, 0), other.n);
	CHECK_EQ(named_ask("a.test", 1, false)->records, 1);
	CHECK(!wait_readable(fd2, 0));
	close(fd2);
	close(fd);
	end();
}

/* Impatient clients ask again at once, and get what is known: no server answers. */
CASE(a_failure_is_kept_for_a_moment)
{
	begin(silent, NAMED_FORWARDS);
	CHECK_EQ(named_ask("one.example", 1, false)->rcode, 2);
	int questions = atomic_load(&server.questions);
	long long start = now_us();
	for (int i = 0; i < 20; i++)
		CHECK_EQ(named_ask("one.example", 1, i % 2 == 0)->rcode, 2);
	CHECK(now_us() - start < 1500000);
	CHECK_EQ(atomic_load(&server.questions), questions);
	end();
}

/* Idle clients by TCP do not take the descriptors that questions need. */
CASE(idle_clients_leave_descriptors_for_questions)
{
	const struct rlimit few = { 80, 80 };
	int fds[150];

	begin(answer_all, NAMED_FORWARDS "option tcpclients 1000\noption tcpperclient 1000\n"
					 "option tcplistenbacklog 200\n");
	MUST(prlimit(named.pid, RLIMIT_NOFILE, &few, NULL));
	MUST(kill(named.pid, SIGHUP));
	CHECK(wait_until(said, (void *)(uintptr_t) "the new configuration is in use", SOON_MS));
	for (int i = 0; i < 150; i++)
		fds[i] = named_socket(SOCK_STREAM);
	CHECK_EQ(named_ask("one.example", 1, true)->records, 1);
	CHECK_EQ(named_ask("two.example", 1, false)->records, 1);
	for (int i = 0; i < 150; i++)
		close(fds[i]);
	end();
}

/* A server of a line dns that is this one: questions end. */
CASE(a_circle_of_servers_ends)
{
	begin(answer_all, "dns 10.9.0.53\nauth fwd all .\n");
	long long start = now_us();
	CHECK_EQ(named_ask("one.example", 1, false)->rcode, 2);
	CHECK(now_us() - start < 5500000);
	end();
}

/* ------------------------------------------------------------------ servers of Debian */

static void spawn_server(const char *path, const char *words)
{
	char line[600];
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, line, NULL };
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .cwd = case_tmp() };

	if (access(path, X_OK) != 0)
		SKIP("there is no %s: see cmake/packages.sh", path);
	(void)snprintf(line, sizeof(line), "exec %s %s >log 2>&1", path, words);
	close((int)MUST(vdestack_spawn(up, argv, &opts, NULL)));
}

static bool has_answer(void *arg)
{
	(void)arg;
	return named_ask("one.example", 1, false)->records == 1;
}

/* Each has one.example, text.example, and many.example with 100 addresses. */
static void check_server(void)
{
	if (!wait_until(has_answer, NULL, 2 * SOON_MS))
		FAIL("no answer: %s", text_of(case_path("log")));
	for (int i = 0; i < 2; i++) { /* asked for, and kept */
		CHECK_CONTAINS(named_dig("@10.9.0.53 one.example A"), "10.9.0.7");
		CHECK_CONTAINS(named_dig("@fd00::53 text.example TXT"), "\"hello\" \"world\"");
		CHECK_CONTAINS(named_dig("@10.9.0.53 +comments no.such.example"), "NXDOMAIN");
		CHECK_CONTAINS(named_dig("@10.9.0.53 many.example"), "10.8.0.99");
		CHECK_CONTAINS(named_dig("@10.9.0.53 +tcp +comments many.example"), "ANSWER: 100");
	}
}

CASE(dnsmasq_is_asked)
{
	FILE *f = fopen(case_path("hosts"), "we");

	CHECK(f != NULL);
	(void)fputs("10.9.0.7 one.example\n", f);
	for (int i = 0; i < 100; i++)
		(void)fprintf(f, "10.8.0.%d many.example\n", i);
	CHECK(fclose(f) == 0);
	named_begin(NAMED_VDESTACK, NAMED_NETS NAMED_FORWARDS);
	char words[500];
	(void)snprintf(words, sizeof(words),
		       "-k -C /dev/null --no-resolv --no-hosts --addn-hosts=%s --pid-file= --user= --group= "
		       "--log-facility=- --local=/example/ --txt-record=text.example,hello,world",
		       case_path("hosts"));
	spawn_server("/usr/sbin/dnsmasq", words);
	check_server();
	named_end();
}

CASE(unbound_is_asked)
{
	FILE *f = fopen(case_path("unbound.conf"), "we");

	CHECK(f != NULL);
	(void)fprintf(f,
		      "server:\n interface: 10.9.0.2\n username: \"\"\n chroot: \"\"\n directory: \"%s\"\n"
		      " pidfile: \"\"\n use-syslog: no\n do-daemonize: no\n access-control: 0.0.0.0/0 allow\n"
		      " module-config: \"iterator\"\n num-threads: 1\nremote-control:\n control-enable: no\n"
		      "auth-zone:\n name: example.\n zonefile: names.zone\n for-upstream: no\n",
		      case_tmp());
	CHECK(fclose(f) == 0);
	f = fopen(case_path("names.zone"), "we");
	CHECK(f != NULL);
	(void)fputs("$ORIGIN example.\n$TTL 60\n@ SOA ns root 1 3600 600 86400 30\n@ NS ns\nns A 10.9.0.2\n"
		    "one A 10.9.0.7\ntext TXT hello world\n",
		    f);
	for (int i = 0; i < 100; i++)
		(void)fprintf(f, "many A 10.8.0.%d\n", i);
	CHECK(fclose(f) == 0);
	named_begin(NAMED_VDESTACK, NAMED_NETS NAMED_FORWARDS);
	spawn_server("/usr/sbin/unbound", "-d -c unbound.conf");
	check_server();
	named_end();
}
