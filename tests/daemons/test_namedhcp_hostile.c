/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namedhcp with relays, name servers that are slow, its own death, and what is no message. */

#include <time.h>

#include "dhcp6_ground.h"

static struct message *solicit(const char *name)
{
	struct message *m = message(SOLICIT);

	fqdn(m, 1, name);
	ia(m, IA_NA, 7, NULL);
	return m;
}

static void check_served(const char *name)
{
	CHECK(*given(ask(solicit(name), ADVERTISE), IA_NA, 0) != '\0');
}

/* ------------------------------------------------------------------ relays */

static struct message *relayed(const struct message *inner, unsigned hops, bool ids)
{
	static struct message turns[2];
	static unsigned turn;
	struct message *m = &turns[turn++ % 2];
	uint8_t addrs[32] = { 0xfd, [15] = 1, [16] = 0xfe, 0x80, [31] = (uint8_t)(2 + hops) };

	m->n = 0;
	put(m, (uint8_t[]){ FORW, (uint8_t)hops }, 2);
	put(m, addrs, 32);
	if (ids) {
		option(m, INTERFACE_ID, "port 7", 6);
		option(m, REMOTE_ID, "\0\0\0\1who", 7);
	}
	option(m, RELAY_MSG, inner->bytes, inner->n);
	return m;
}

/* The message inside; the header of the relay is that of the request. */
static struct message unwrapped(const struct message *answer, const struct message *request, bool ids)
{
	struct message inner = { .n = 0 };
	size_t len;

	CHECK_EQ(answer->bytes[0], REPL);
	CHECK(memcmp(answer->bytes + 1, request->bytes + 1, 33) == 0);
	const uint8_t *o = find_in(answer->bytes + 34, answer->n - 34, INTERFACE_ID, 0, &len);
	CHECK(ids ? o != NULL && len == 6 && memcmp(o, "port 7", 6) == 0 : o == NULL);
	o = find_in(answer->bytes + 34, answer->n - 34, REMOTE_ID, 0, &len);
	CHECK(ids ? o != NULL && len == 7 : o == NULL);
	o = find_in(answer->bytes + 34, answer->n - 34, RELAY_MSG, 0, &len);
	CHECK(o != NULL);
	put(&inner, o, len);
	return inner;
}

CASE(relays_get_the_answer_back_through_all_of_them)
{
	static struct message one, two;
	static struct answer a, inner;

	dhcp_begin(NULL);
	struct message *m = solicit("one.static.test");
	memcpy(&one, relayed(m, 0, true), sizeof(one));
	memcpy(&two, relayed(&one, 1, false), sizeof(two));
	int fd = dhcp_socket(client, 547);
	dhcp_send(fd, &two, "fd00::547"); /* a relay may use unicast */
	if (!dhcp_receive(fd, &a, SOON_MS))
		FAIL("no answer: %s", tool_output(&dhcp));
	struct message first = unwrapped(&a.m, &two, false);
	inner.m = unwrapped(&first, &one, true);
	CHECK_EQ(inner.m.bytes[0], ADVERTISE);
	CHECK(memcmp(inner.m.bytes + 1, m->bytes + 1, 3) == 0);
	CHECK_STR(given(&inner, IA_NA, 0), "fd00::101 4294967295");
	close(fd);
	dhcp_end();
}

CASE(too_many_relays_are_no_message)
{
	static struct answer a;

	dhcp_begin(NULL);
	struct message *m = solicit("one.static.test");
	for (unsigned hops = 0; hops < 9; hops++)
		m = relayed(m, hops, false);
	int fd = dhcp_socket(client, 547);
	dhcp_send(fd, m, NULL);
	CHECK(dhcp_receive(fd, &a, SOON_MS));
	CHECK_EQ(a.m.bytes[0], REPL);
	dhcp_send(fd, relayed(m, 8, false), NULL);
	dhcp_says("a message malformed");
	CHECK(!wait_readable(fd, 0));
	close(fd);
	dhcp_end();
}

/* ------------------------------------------------------------------ what is no message */

static unsigned long long chance;

static unsigned any(unsigned below)
{
	chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(chance >> 33) % below;
}

/* A message that is changed in some bytes, cut, or made longer. */
static void spoil(struct message *m)
{
	for (unsigned n = any(8); n > 0; n--)
		m->bytes[any((unsigned)m->n)] = (uint8_t)(any(2) ? any(256) : 0xff * any(2));
	if (any(4) == 0)
		m->n = any((unsigned)m->n) + 1;
	else if (any(8) == 0)
		m->n += any(1000);
}

static bool has_few_fds(void *before)
{
	return count_fds_of(dhcp.pid) <= *(int *)before + 32;
}

CASE_TIMED(hostile_bytes_do_not_end_or_grow_it, CASE_F_ROOT | CASE_F_USER, 200)
{
	static struct message m;

	chance = (unsigned long long)now_us();
	printf("seed %llu\n", chance);
	dhcp_begin(WORDS("--dns", "fd00::5300"));
	check_served("one.static.test");
	int fds = count_fds_of(dhcp.pid), fd = dhcp_socket(client, 546);
	long before = 0;
	const char *full = getenv("VDESTACK_TESTS_FULL");
	for (int i = 0; i < (full != NULL && *full == '1' ? 40000 : 4000); i++) {
		struct message *from = solicit(any(2) ? "one.static.test" : "two.static.test");
		WANTS(from, DNS, SEARCH, NTP, FQDN);
		ia(from, any(2) ? IA_PD : IA_TA, 3, any(2) ? "fd00::1" : NULL);
		if (any(3) == 0)
			from = relayed(from, any(12), any(2) != 0);
		memcpy(&m, from, sizeof(m));
		spoil(&m);
		dhcp_send(fd, &m, NULL);
		if (i % 100 != 99)
			continue;
		close(fd); /* forgets the answers */
		check_served("one.static.test");
		if (i == 999)
			before = rss_kib_of(dhcp.pid);
		fd = dhcp_socket(client, 546);
	}
	close(fd);
	/* Lookups under way have some: each of 8 threads a resolver with a few. */
	if (!wait_until(has_few_fds, &fds, SOON_MS))
		FAIL("it had %d descriptors, and has %d", fds, count_fds_of(dhcp.pid));
	if (case_sanitizer()[0] == '\0' && rss_kib_of(dhcp.pid) > before + 2048)
		FAIL("it has grown from %ld KiB to %ld KiB", before, rss_kib_of(dhcp.pid));
	dhcp_end();
}

/* Without --verbose there is one line for a flood. */
CASE(a_flood_does_not_fill_the_log)
{
	named_begin(NAMED_VDESTACK, RECORDS);
	dhcp_start_by(NULL, STACK, NULL, false);
	int fd = dhcp_socket(client, 546);
	struct message m = { .bytes = { SOLICIT, 0, 0, 1, 9 }, .n = 5 };
	for (int i = 0; i < 200; i++)
		dhcp_send(fd, &m, NULL);
	close(fd);
	check_served("one.static.test");
	dhcp_says("a message malformed");
	const char *line = strchr(tool_output(&dhcp), '\n');
	CHECK(line != NULL && line[1] == '\0');
	MUST(kill(dhcp.pid, SIGHUP));
	dhcp_says("201 messages, 1 answered, 200 malformed");
	dhcp_end();
}

/* ------------------------------------------------------------------ its own end */

static struct message server_of(const struct answer *a)
{
	struct message id = { .n = 0 };
	size_t len;
	const uint8_t *o = find(a, SERVER_ID, 0, &len);

	put(&id, o, len);
	return id;
}

CASE(a_lease_is_renewed_after_the_server_was_killed)
{
	dhcp_begin(NULL);
	struct message id = server_of(ask(solicit("one.static.test"), ADVERTISE));
	CHECK(id.n == 14 && id.bytes[1] == 1); /* DUID-LLT */
	tool_end(&dhcp, SIGKILL);
	dhcp_start(NULL);
	struct message *m = message(RENEW);
	option(m, SERVER_ID, id.bytes, id.n);
	fqdn(m, 1, "one.static.test");
	ia(m, IA_NA, 7, "fd00::101");
	CHECK_STR(given(ask(m, REPLY), IA_NA, 0), "fd00::101 4294967295");
	dhcp_end();
}

CASE(two_servers_do_not_share_an_identifier)
{
	struct tool second;

	dhcp_begin(NULL);
	tool_start(&second, WORDS(NAMEDHCP_FILE, "--stack", "stack=vdestack vnl=local://lan eth",
				  "--nameserver", "fd00::53", "--duidfile", case_path("duid")));
	CHECK_EQ(WEXITSTATUS(tool_wait(&second, SOON_MS)), 1);
	CHECK_CONTAINS(tool_output(&second), "another server uses the identifier in");
	CHECK_CONTAINS(tool_output(&second), "--duidfile");
	dhcp_end();
}

CASE(a_file_without_an_identifier_is_not_replaced)
{
	struct tool server;

	FILE *f = fopen(case_path("duid"), "we");
	CHECK(f != NULL && fputs("my shopping list\n", f) >= 0 && fclose(f) == 0);
	tool_start(&server, WORDS(NAMEDHCP_FILE, "--stack", "stack=vdestack vnl=local://lan eth",
				  "--nameserver", "fd00::53", "--duidfile", case_path("duid")));
	CHECK_EQ(WEXITSTATUS(tool_wait(&server, SOON_MS)), 1);
	CHECK_CONTAINS(tool_output(&server), "has no identifier of a server (DUID): remove it");
	CHECK_STR(text_of(case_path("duid")), "my shopping list\n");
}

/* ------------------------------------------------------------------ name servers */

/* The name server of slow.test is there, and never answers. */
static int silent_name_server(void)
{
	struct sockaddr_in a = address("10.9.0.2", 53);
	int fd = socket_in(up, AF_INET, SOCK_DGRAM);

	MUST(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

CASE(names_of_a_dead_server_do_not_stop_other_clients)
{
	char name[64];

	dhcp_begin(NULL);
	int silent = silent_name_server(), fd = dhcp_socket(up, 546);
	for (int i = 0; i < 600; i++) {
		(void)snprintf(name, sizeof(name), "host%d.slow.test", i);
		dhcp_send(fd, solicit(name), NULL);
	}
	close(fd);
	long long begin = now_us();
	check_served("one.static.test");
	check_served("host.hash.test");
	CHECK(now_us() - begin < 5000000);
	close(silent);
	dhcp_end();
}

/* Descriptors on their way count for the user. A process whose limit is lower than that can send none. */
CASE_FLAGS(few_descriptors_are_enough, CASE_F_ROOT | CASE_F_USER | CASE_F_ALONE)
{
	char line[1000], name[64];

	named_begin(NAMED_VDESTACK, RECORDS);
	(void)snprintf(line, sizeof(line), "ulimit -n 40; exec \"$0\" \"$@\"");
	dhcp_start_by(WORDS("sh", "-c", line), STACK, NULL, true);
	int fd = dhcp_socket(client, 546);
	for (int i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "host%d.hash.test", i);
		dhcp_send(fd, solicit(name), NULL);
	}
	close(fd);
	check_served("one.static.test");
	CHECK(count_fds_of(dhcp.pid) <= 40);
	dhcp_end();
}
