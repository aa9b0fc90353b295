/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* iothnamed answers from what it knows, in stacks of each kind; clients are dig, and hostile ones. */

#include <sys/stat.h>

#include "named_ground.h"

#define RECORDS                                                                                              \
	"auth error all .bad.test\nauth static all .static.test\nauth static all static.test\n"              \
	"auth hash all .hash.test fc09::1\nauth otip all .otip.test base.static.test mypassword\n"           \
	"auth hrev all base.static.test/16\nauth hrev all fc09::/64\n"                                       \
	"static A one.static.test 10.9.0.7\nstatic AAAA one.static.test fd00::7\n"                           \
	"static AAAA base.static.test fc01::\nstatic TXT one.static.test 'hello, world' second\n"            \
	"static CNAME www.static.test one.static.test\nstatic MX static.test 10 one.static.test\n"

static void check_dig(const char *server)
{
	char words[300];

	(void)snprintf(words, sizeof(words), "@%s ONE.static.TEST A www.static.test AAAA", server);
	CHECK_CONTAINS(named_dig(words), "10.9.0.7");
	CHECK_CONTAINS(named_dig(words), "fd00::7");
	(void)snprintf(words, sizeof(words), "@%s one.static.test TXT", server);
	CHECK_CONTAINS(named_dig(words), "\"hello, world\" \"second\"");
	(void)snprintf(words, sizeof(words), "@%s +tcp static.test MX", server);
	CHECK_CONTAINS(named_dig(words), "10 one.static.test.");
	(void)snprintf(words, sizeof(words), "@%s host.lab.hash.test AAAA", server);
	CHECK_CONTAINS(named_dig(words), "fc09::");
	(void)snprintf(words, sizeof(words), "@%s host.otip.test AAAA", server);
	CHECK_CONTAINS(named_dig(words), "fc01::");
	(void)snprintf(words, sizeof(words), "@%s +comments x.bad.test", server);
	CHECK_CONTAINS(named_dig(words), "REFUSED");
	(void)snprintf(words, sizeof(words), "@%s +comments x.static.test", server);
	CHECK_CONTAINS(named_dig(words), "NXDOMAIN");
}

static void check_kind(enum named_kind kind)
{
	named_begin(kind, NAMED_NETS RECORDS);
	check_dig("10.9.0.53");
	check_dig("fd00::53");
	named_end();
}

CASE(dig_is_answered_in_a_stack_of_the_kernel)
{
	check_kind(NAMED_VDESTACK);
}

CASE(dig_is_answered_in_the_network_of_the_process)
{
	check_kind(NAMED_KERNEL);
}

#ifdef HAS_PICOX
CASE_FLAGS(dig_is_answered_in_a_stack_in_user_space, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	check_kind(NAMED_PICOX);
}
#endif

/* The vectors of the family. */
CASE(hash_addresses_are_those_of_the_family)
{
	uint8_t addr[16];

	named_begin(NAMED_VDESTACK, NAMED_NETS "auth hash all .hash.local fc00::\n"
					       "auth hash all .example.com 2001:db8:1:2::\n");
	CHECK_EQ(inet_pton(AF_INET6, "fc00::4cc:8049:6765:d03a", addr), 1);
	struct named_answer *a = named_ask("renzo.hash.local", 28, false);
	CHECK(a->records == 1 && memcmp(a->addr, addr, 16) == 0);
	CHECK_EQ(a->ttl, 600);
	CHECK_EQ(a->flags, 0x8580); /* AA RD RA */
	CHECK_EQ(inet_pton(AF_INET6, "2001:db8:1:2:a8ce:ff17:b7b4:2c30", addr), 1);
	a = named_ask("WWW.example.com", 28, false); /* the letters count */
	CHECK(a->records == 1 && memcmp(a->addr, addr, 16) == 0);
	a = named_ask("renzo.hash.local", 1, false);
	CHECK(a->rcode == 0 && a->records == 0 && a->authorities == 1);
	named_end();
}

CASE(an_address_that_was_given_has_a_name)
{
	named_begin(NAMED_VDESTACK,
		    NAMED_NETS "auth hash all .hash.test fc09::\nauth hash all .net.test fd00::\n"
			       "auth hrev all fc09::/64\nauth hrev all fd00::/64\noption hrevmode net\n"
			       "auth static all .\n");
	CHECK_CONTAINS(named_dig("@fd00::53 +short a.net.test AAAA"), "fd00::");
	char words[200], addr[64];
	(void)snprintf(addr, sizeof(addr), "%s", text_of(case_path("dig")));
	addr[strcspn(addr, "\n")] = '\0';
	(void)snprintf(words, sizeof(words), "@fd00::53 +short -x %s", addr);
	CHECK_STR(named_dig(words), "a.net.test.\n");
	CHECK_CONTAINS(named_dig("@fd00::53 +short a.hash.test AAAA"), "fc09::"); /* of another network */
	(void)snprintf(addr, sizeof(addr), "%s", text_of(case_path("dig")));
	addr[strcspn(addr, "\n")] = '\0';
	(void)snprintf(words, sizeof(words), "@fd00::53 +comments -x %s", addr);
	CHECK_CONTAINS(named_dig(words), "NXDOMAIN");
	named_end();
}

CASE(the_answer_leaves_from_the_address_that_was_asked)
{
	char text[1000];

	(void)snprintf(text, sizeof(text),
		       "stack ip=10.9.0.53/24 ip=10.9.0.54/24 ip=fd00::53/64 ip=fd00::54/64\n"
		       "%s%s",
		       NAMED_NETS, RECORDS);
	named_begin(NAMED_VDESTACK, text);
	CHECK_CONTAINS(named_dig("@10.9.0.54 one.static.test A"), "10.9.0.7");
	CHECK_CONTAINS(named_dig("@10.9.0.53 one.static.test A"), "10.9.0.7");
	CHECK_CONTAINS(named_dig("@fd00::54 one.static.test A"), "10.9.0.7");
	CHECK_CONTAINS(named_dig("@fd00::53 one.static.test A"), "10.9.0.7");
	named_end();
}

/* 60 addresses: by UDP with EDNS, without it only TC, and all by TCP. */
CASE(long_answers_come_by_edns_or_by_tcp)
{
	static char text[16384] = NAMED_NETS "auth static all .\n";

	for (int i = 0; i < 60; i++)
		(void)sprintf(text + strlen(text), "static A many.test 10.8.0.%d\n", i);
	named_begin(NAMED_VDESTACK, text);
	struct named_answer *a = named_ask("many.test", 1, false);
	CHECK(a->records == 0 && (a->flags & 0x0200) && a->n <= 512);
	a = named_ask("many.test", 1, true);
	CHECK(a->records == 60 && !(a->flags & 0x0200));
	CHECK_CONTAINS(named_dig("@10.9.0.53 +ignore +comments +bufsize=4096 many.test"), "10.8.0.59");
	CHECK_CONTAINS(text_of(case_path("dig")), "ANSWER: 60");
	CHECK_CONTAINS(named_dig("@10.9.0.53 +noedns many.test"), "10.8.0.59");
	named_end();
}

CASE(a_zone_is_transferred_to_clients_of_a_rule)
{
	named_begin(
		NAMED_VDESTACK, NAMED_NETS
		"net other 10.1.0.0/16\nauth axfr local zone.test\nauth axfr other closed.test\n"
		"auth axfr local nosoa.test\nauth static all .\n"
		"static A a.zone.test 10.0.0.1\nstatic SOA zone.test ns.test root.test 7 3600 600 86400 60\n"
		"static TXT deep.below.zone.test 'x'\nstatic NS zone.test ns.test\n"
		"static A otherzone.test 10.0.0.9\nstatic SOA closed.test ns.test root.test 1 1 1 1 1\n"
		"static A nosoa.test 10.0.0.8\n");
	const char *zone = named_dig("@10.9.0.53 +nottlid zone.test AXFR");
	CHECK_CONTAINS(zone, "ns.test. root.test. 7 ");
	CHECK_CONTAINS(zone, "10.0.0.1");
	CHECK_CONTAINS(zone, "deep.below.zone.test.");
	CHECK(strstr(zone, "10.0.0.9") == NULL);
	CHECK_EQ(named_ask("zone.test", 252, true)->records, 5); /* the SOA record is there twice */
	CHECK_EQ(named_ask("zone.test", 252, false)->rcode, 5);
	CHECK_EQ(named_ask("closed.test", 252, true)->rcode, 5);
	CHECK_EQ(named_ask("a.zone.test", 252, true)->rcode, 5);
	CHECK_EQ(named_ask("nosoa.test", 252, true)->rcode, 9);
	named_end();
}

/* About 300 KiB. The records of all messages are those of the zone, and SOA is the first and the last one. */
CASE(a_long_zone_is_transferred_in_several_messages)
{
	static char text[1 << 19] = NAMED_NETS "auth axfr all zone.test\nauth static all .\n"
					       "static SOA zone.test ns.test root.test 7 3600 600 86400 60\n";
	static struct dns_message m;
	static struct named_answer a;
	char *at = text + strlen(text);
	unsigned records = 0, messages = 0;

	for (int i = 0; i < 1000; i++)
		at += sprintf(at, "static TXT n%d.zone.test %0250d\n", i, i);
	named_begin(NAMED_VDESTACK, text);
	int fd = named_socket(SOCK_STREAM);
	dns_begin(&m, 7, 0, "zone.test", 252);
	named_send_tcp(fd, &m);
	named_send_tcp(fd, &m); /* twice, one after the other */
	while (records < 2 * 1002) {
		CHECK(named_receive(fd, true, &a, SOON_MS));
		CHECK(a.rcode == 0 && a.records > 0 && named_16(&a, 0) == 7 && !(a.flags & 0x0200));
		records += a.records;
		messages++;
	}
	CHECK_EQ(records, 2 * 1002);
	CHECK(messages >= 2 * 5);
	close(fd);
	CHECK_EQ(named_ask("n9.zone.test", 16, false)->records, 1);
	named_end();
}

/* ------------------------------------------------------------------ hostile clients */

struct hostile {
	const char *bytes;
	size_t n;
	int rcode; /* -1: no answer */
};

static const struct hostile hostile[] = {
	{ "", 0, -1 },
	{ "\x12", 1, -1 },
	{ "\x12\x34\1\0\0\1\0\0\0\0\0", 11, -1 },
	{ "\x12\x34\1\0\0\0\0\0\0\0\0\0", 12, 1 },                           /* no question */
	{ "\x12\x34\1\0\0\2\0\0\0\0\0\0\1a\0\0\1\0\1\1a\0\0\1\0\1", 26, 1 }, /* two */
	{ "\x12\x34\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", 18, 1 },           /* a pointer to itself */
	{ "\x12\x34\1\0\0\1\0\0\0\0\0\0\x41"
	  "a\0\0\1\0\1",
	  19, 1 },
	{ "\x12\x34\1\0\0\1\0\0\0\0\0\1\1a\0\0\1\0\1\0\0\x29", 22, 1 },         /* an OPT that is cut */
	{ "\x12\x34\1\0\xff\xff\xff\xff\xff\xff\xff\xff\1a\0\0\1\0\1", 19, 1 }, /* counts that lie */
	{ "\x12\x34\x81\x80\0\1\0\0\0\0\0\0\1a\0\0\1\0\1", 19, -1 },            /* a response */
	{ "\x12\x34\x11\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1", 19, 4 },               /* STATUS */
	{ "\x12\x34\x28\0\0\1\0\0\0\0\0\0\1a\0\0\6\0\1", 19, 4 },               /* UPDATE */
	{ "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\3", 19, 5 },                 /* CHAOS */
	{ "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\0\0\xfc\0\1", 19, 5 },               /* AXFR */
	{ "\x12\x34\1\0\0\1\0\0\0\0\0\1\1a\0\0\1\0\1\0\0\x29\4\xd0\0\1\0\0\0\0", 30,
	  0 }, /* EDNS 1: BADVERS */
	/* A cookie of 4 bytes, and an option that is longer than the record. */
	{ "\x12\x34\1\0\0\1\0\0\0\0\0\1\1a\0\0\1\0\1\0\0\x29\4\xd0\0\0\0\0\0\10\0\12\0\4"
	  "abcd",
	  38, 1 },
	{ "\x12\x34\1\0\0\1\0\0\0\0\0\1\1a\0\0\1\0\1\0\0\x29\4\xd0\0\0\0\0\0\10\0\12\0\10"
	  "abcd",
	  38, 1 },
};

CASE(malformed_requests_get_an_error_or_nothing)
{
	struct named_answer a;

	named_begin(NAMED_VDESTACK, NAMED_NETS RECORDS);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		int fd = named_socket(SOCK_DGRAM);
		CHECK_EQ(send(fd, hostile[i].bytes, hostile[i].n, 0), hostile[i].n);
		if (hostile[i].rcode >= 0) {
			CHECK(named_receive(fd, false, &a, SOON_MS));
			if ((int)a.rcode != hostile[i].rcode || a.records != 0)
				FAIL("case %zu: rcode %u, %u records", i, a.rcode, a.records);
		} else { /* the answer to a good request comes first */
			static struct dns_message m;
			dns_begin(&m, 0x4321, 0x0100, "one.static.test", 1);
			CHECK_EQ(send(fd, m.bytes, m.n, 0), m.n);
			CHECK(named_receive(fd, false, &a, SOON_MS));
			if (named_16(&a, 0) != 0x4321)
				FAIL("case %zu was answered", i);
		}
		close(fd);
	}
	CHECK_EQ(named_ask("one.static.test", 1, true)->records, 1);
	named_end();
}

/* ------------------------------------------------------------------ TCP */

static void check_connection(enum named_kind kind)
{
	static struct dns_message m;
	struct named_answer a;
	int one = 1;

	named_begin(kind, NAMED_NETS RECORDS);
	int fd = named_socket(SOCK_STREAM);
	for (unsigned i = 0; i < 100; i++) { /* many before the first answer is read */
		dns_begin(&m, i, 0x0100, "one.static.test", 1);
		named_send_tcp(fd, &m);
	}
	for (unsigned i = 0; i < 100; i++) {
		CHECK(named_receive(fd, true, &a, SOON_MS));
		CHECK_EQ(named_16(&a, 0), i);
	}
	MUST(setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one)));
	uint8_t head[2] = { 0, (uint8_t)m.n };
	for (size_t i = 0; i < m.n + 2; i++) /* byte by byte */
		CHECK_EQ(send(fd, i < 2 ? head + i : m.bytes + i - 2, 1, MSG_NOSIGNAL), 1);
	MUST(shutdown(fd, SHUT_WR)); /* the answer comes all the same, and then the end */
	CHECK(named_receive(fd, true, &a, SOON_MS));
	CHECK(wait_readable(fd, SOON_MS));
	CHECK_EQ(recv(fd, head, 1, 0), 0);
	close(fd);
	named_end();
}

CASE(requests_on_one_connection_are_all_answered)
{
	check_connection(NAMED_VDESTACK);
}

#ifdef HAS_PICOX
CASE_FLAGS(requests_on_one_connection_are_all_answered_in_user_space,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	check_connection(NAMED_PICOX);
}
#endif

static bool is_closed(int fd)
{
	uint8_t byte;

	return wait_readable(fd, SOON_MS) && recv(fd, &byte, 1, 0) <= 0;
}

CASE(clients_that_send_parts_are_closed_and_others_are_served)
{
	int fds[30];
	uint8_t byte = 0;

	named_begin(NAMED_VDESTACK, NAMED_NETS RECORDS "option tcptimeout 1\n");
	for (int i = 0; i < 30; i++) {
		fds[i] = named_socket(SOCK_STREAM);
		CHECK_EQ(send(fds[i], &byte, 1, MSG_NOSIGNAL), 1);
	}
	CHECK_EQ(named_ask("one.static.test", 1, true)->records, 1);
	CHECK_EQ(named_ask("one.static.test", 1, false)->records, 1);
	for (int i = 0; i < 30; i++) {
		CHECK(is_closed(fds[i]));
		close(fds[i]);
	}
	named_end();
}

CASE(a_new_client_takes_the_place_of_one_that_is_idle)
{
	int fds[10];

	named_begin(NAMED_VDESTACK, NAMED_NETS RECORDS "option tcpclients 5\n");
	for (int i = 0; i < 10; i++)
		fds[i] = named_socket(SOCK_STREAM);
	CHECK_EQ(named_ask("one.static.test", 1, true)->records, 1);
	for (int i = 0; i < 5; i++)
		CHECK(is_closed(fds[i]));
	for (int i = 0; i < 10; i++)
		close(fds[i]);
	named_end();
}

CASE(an_address_takes_the_place_of_its_own_clients)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(53) };
	int fds[10];
	static struct dns_message m;
	static struct named_answer answer;

	named_begin(NAMED_VDESTACK, NAMED_NETS RECORDS "option tcpperclient 3\n");
	int other = socket_in(client, AF_INET6, SOCK_STREAM);
	CHECK_EQ(inet_pton(AF_INET6, "fd00::53", &a.sin6_addr), 1);
	MUST(connect(other, (struct sockaddr *)&a, sizeof(a)));
	for (int i = 0; i < 10; i++)
		fds[i] = named_socket(SOCK_STREAM);
	for (int i = 0; i < 7; i++)
		CHECK(is_closed(fds[i]));
	dns_begin(&m, 7, 0x0100, "one.static.test", 1);
	named_send_tcp(other, &m); /* it is the oldest one */
	CHECK(named_receive(other, true, &answer, SOON_MS));
	for (int i = 0; i < 10; i++)
		close(fds[i]);
	close(other);
	named_end();
}

static long kib_of_memory(void)
{
	char path[64], *at;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)named.pid);
	at = strstr(text_of(path), "VmRSS:");
	CHECK(at != NULL);
	return strtol(at + 6, NULL, 10);
}

/* Sends requests until the socket is full. part: what is left of one, which the next call sends. */
static void send_all(int fd, const struct dns_message *m, size_t *part)
{
	uint8_t bytes[600] = { 0, (uint8_t)m->n };

	memcpy(bytes + 2, m->bytes, m->n);
	for (;;) {
		ssize_t n = send(fd, bytes + *part, m->n + 2 - *part, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return;
		*part = (*part + (size_t)n) % (m->n + 2);
	}
}

/* The buffers of both ends are small, so the answers are never all written. */
CASE_FLAGS(a_client_that_never_reads_all_makes_nothing_grow, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	static char text[65536] = NAMED_NETS "auth static all .\nstatic TXT big.test";
	static uint8_t bytes[65536];
	static struct dns_message m;
	size_t part = 0, got = 0;
	struct sockaddr_in server = address("10.9.0.53", 53);
	int size = 8192;

	for (int i = 0; i < 200; i++)
		(void)sprintf(text + strlen(text), " %0250d", i);
	(void)strcat(text, "\n");
	named_begin(NAMED_KERNEL, text);
	MUST(vdestack_sysctl_set(named_host, "ipv4/tcp_wmem", "4096 8192 16384"));
	dns_begin(&m, 1, 0x0100, "big.test", 16);
	int fd = socket_in(client, AF_INET, SOCK_STREAM);
	MUST(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	MUST(connect(fd, (struct sockaddr *)&server, sizeof(server)));
	send_all(fd, &m, &part);
	CHECK(wait_readable(fd, SOON_MS));
	long before = kib_of_memory();
	while (got < 40 << 20) {
		send_all(fd, &m, &part);
		CHECK(wait_readable(fd, SOON_MS));
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n <= 0)
			FAIL("%zd after %zu bytes: %s", n, got, strerror(errno));
		got += (size_t)n;
	}
	long grown = kib_of_memory() - before;
	if (grown > 16384)
		FAIL("%ld KiB more", grown);
	close(fd);
	named_end();
}

CASE(tcp_is_for_clients_of_accept_rules)
{
	named_begin(NAMED_VDESTACK, "net other 10.1.0.0/16\nnet all ::/0\nauth accept other\n" RECORDS);
	int fd = named_socket(SOCK_STREAM);
	CHECK(is_closed(fd));
	close(fd);
	CHECK_EQ(named_ask("one.static.test", 1, false)->records, 1);
	named_end();
}

/* ------------------------------------------------------------------ the process */

static bool is_gone(void *path)
{
	return access(path, F_OK) != 0;
}

static bool said(void *piece)
{
	return strstr(tool_output(&named), piece) != NULL;
}

CASE(sighup_reads_the_file_and_a_wrong_file_changes_nothing)
{
	struct named_answer a;
	static struct dns_message m;

	named_begin(NAMED_VDESTACK, NAMED_NETS "auth static all .\nstatic A a.test 10.0.0.1\n");
	int fd = named_socket(SOCK_STREAM);
	CHECK_EQ(named_ask("a.test", 1, false)->addr[3], 1);
	named_config(named_text(NAMED_VDESTACK, NAMED_NETS "auth static all .\nstatic A a.test nonsense\n"));
	MUST(kill(named.pid, SIGHUP));
	CHECK(wait_until(said, (void *)(uintptr_t) "the old configuration stays in use", SOON_MS));
	CHECK_CONTAINS(tool_output(&named), "named.conf:7: static A: nonsense");
	CHECK_EQ(named_ask("a.test", 1, false)->addr[3], 1);
	named_config(named_text(NAMED_VDESTACK, NAMED_NETS "auth static all .\nstatic A a.test 10.0.0.2\n"));
	MUST(kill(named.pid, SIGHUP));
	CHECK(wait_until(said, (void *)(uintptr_t) "the new configuration is in use", SOON_MS));
	CHECK_EQ(named_ask("a.test", 1, false)->addr[3], 2);
	dns_begin(&m, 1, 0x0100, "a.test", 1);
	named_send_tcp(fd, &m); /* the connection is from before */
	CHECK(named_receive(fd, true, &a, SOON_MS));
	CHECK_EQ(a.addr[3], 2);
	close(fd);
	named_config("stack stack=kernel\n" NAMED_NETS);
	MUST(kill(named.pid, SIGHUP));
	CHECK(wait_until(said, (void *)(uintptr_t) "change at a restart only", SOON_MS));
	CHECK_EQ(named_ask("a.test", 1, false)->addr[3], 2);
	named_end();
}

/* A pipe has no end, and what it had has been read. */
CASE(a_file_that_has_become_a_pipe_is_not_read)
{
	named_begin(NAMED_VDESTACK, NAMED_NETS "auth static all .\nstatic A a.test 10.0.0.1\n");
	MUST(unlink(case_path("named.conf")));
	MUST(mkfifo(case_path("named.conf"), 0600));
	MUST(kill(named.pid, SIGHUP));
	CHECK(wait_until(said, (void *)(uintptr_t) "the old configuration stays in use", SOON_MS));
	CHECK_CONTAINS(tool_output(&named), "named.conf again: it is no regular file");
	CHECK_EQ(named_ask("a.test", 1, false)->addr[3], 1);
	named_end();
}

CASE(a_wrong_file_ends_the_program_with_all_messages)
{
	struct tool tool;

	named_config("net a\nauth hash b .x.test\noption color red\n");
	tool_start(&tool, WORDS(NAMED_FILE, case_path("named.conf")));
	CHECK_EQ(WEXITSTATUS(tool_wait(&tool, SOON_MS)), 1);
	CHECK_CONTAINS(tool_output(&tool), ":1: ");
	CHECK_CONTAINS(tool_output(&tool), ":2: ");
	CHECK_CONTAINS(tool_output(&tool), ":3: ");
	named_config("net all ::/0\nauth hash all .x.test nowhere.test\n");
	tool_start(&tool, WORDS(NAMED_FILE, case_path("named.conf")));
	CHECK_EQ(WEXITSTATUS(tool_wait(&tool, SOON_MS)), 1);
	CHECK_CONTAINS(tool_output(&tool), ":2: auth: the base nowhere.test has no static record");
	named_config("stack stack=nothing\n");
	tool_start(&tool, WORDS(NAMED_FILE, case_path("named.conf")));
	CHECK_EQ(WEXITSTATUS(tool_wait(&tool, SOON_MS)), 1);
	CHECK_CONTAINS(tool_output(&tool), "cannot make the stack stack=nothing");
}

/* A question for one.static.test with a cookie of n bytes. */
static void question_with_cookie(struct dns_message *m, unsigned id, const uint8_t *cookie, unsigned n)
{
	dns_begin(m, id, 0x0100, "one.static.test", 1);
	m->bytes[11]++;
	m->bytes[m->n++] = 0;
	dns_put16(m, 41);
	dns_put16(m, 1232);
	dns_put32(m, 0);
	dns_put16(m, 4 + n);
	dns_put16(m, 10);
	dns_put16(m, n);
	memcpy(m->bytes + m->n, cookie, n);
	m->n += n;
}

CASE(a_client_with_a_cookie_has_no_limit)
{
	static struct dns_message m;
	struct named_answer a;
	uint8_t cookie[24] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	named_begin(NAMED_VDESTACK, NAMED_NETS RECORDS "option ratelimit 1\n");
	int fd = named_socket(SOCK_DGRAM);
	for (unsigned i = 0; i < 30; i++) {
		question_with_cookie(&m, i, cookie, i == 0 ? 8 : 24);
		CHECK_EQ(send(fd, m.bytes, m.n, 0), m.n);
		CHECK(named_receive(fd, false, &a, SOON_MS));
		CHECK(a.records == 1 && a.n > 24);
		CHECK(memcmp(a.bytes + a.n - 24, cookie, 8) == 0); /* it stands at the end */
		memcpy(cookie, a.bytes + a.n - 24, 24);
	}
	close(fd);
	CHECK_CONTAINS(named_dig("@10.9.0.53 +tcp +cookie +comments one.static.test"), "(good)");
	named_end();
}

/* The file that is installed, on the network of the case. */
CASE(the_example_of_a_configuration_works)
{
	char text[8192], words[200], addr[64];
	const char *example = text_of(EXAMPLE_FILE), *line = strchr(strstr(example, "stack eth"), '\n');

	(void)snprintf(text, sizeof(text), "%s", line);
	named_begin(NAMED_VDESTACK, text);
	CHECK_CONTAINS(named_dig("@10.9.0.53 www.lab.example.org AAAA"), "fd00::1");
	CHECK_CONTAINS(named_dig("@10.9.0.53 +tcp gw.lab.example.org TXT"), "the router of the laboratory");
	CHECK_CONTAINS(named_dig("@fd00::53 +short host.hash.example.org AAAA"), "fd00::");
	(void)snprintf(addr, sizeof(addr), "%s", text_of(case_path("dig")));
	(void)snprintf(words, sizeof(words), "@fd00::53 +short -x %.*s", (int)strcspn(addr, "\n"), addr);
	CHECK_STR(named_dig(words), "host.hash.example.org.\n");
	CHECK_CONTAINS(named_dig("@fd00::53 +short host.otip.example.org AAAA"), "fd00::");
	named_end();
}

CASE(a_daemon_has_a_pidfile_until_sigterm)
{
	char config[256], pidfile[256];

	named_network(NAMED_VDESTACK);
	named_config(named_text(NAMED_VDESTACK, NAMED_NETS RECORDS));
	(void)snprintf(config, sizeof(config), "%s", case_path("named.conf"));
	(void)snprintf(pidfile, sizeof(pidfile), "%s", case_path("pid"));
	tool_run(WORDS(NAMED_FILE, "-d", "-p", pidfile, config)); /* it returns when the server is ready */
	pid_t pid = (pid_t)strtol(text_of(pidfile), NULL, 10);
	CHECK(pid > 1);
	CHECK_CONTAINS(named_dig("@10.9.0.53 one.static.test"), "10.9.0.7");
	MUST(kill(pid, SIGHUP)); /* the path is absolute inside */
	CHECK_CONTAINS(named_dig("@10.9.0.53 one.static.test"), "10.9.0.7");
	MUST(kill(pid, SIGTERM));
	CHECK(wait_until(is_gone, pidfile, SOON_MS));
}

CASE(a_network_that_asks_too_much_is_limited)
{
	static struct dns_message m;
	struct named_answer a;
	int answers = 0, truncated = 0;

	named_begin(NAMED_VDESTACK, NAMED_NETS RECORDS "option ratelimit 5\n");
	int fd = named_socket(SOCK_DGRAM);
	for (unsigned i = 0; i < 40; i++) {
		dns_begin(&m, i, 0x0100, "one.static.test", 1);
		CHECK_EQ(send(fd, m.bytes, m.n, 0), m.n);
	}
	CHECK_EQ(named_ask("one.static.test", 1, true)->records, 1); /* TCP has no limit */
	while (named_receive(fd, false, &a, 0)) {
		answers += a.records == 1;
		truncated += a.records == 0 && (a.flags & 0x0200);
	}
	CHECK(answers >= 5 && answers < 15 && truncated >= 10);
	close(fd);
	named_end();
}

/* The name "x", whose end is a pointer to a zero of the header. */
CASE(a_compressed_question_over_the_rate_limit_is_repeated_whole)
{
	static const char ask[] = "\x12\x34\1\0\0\1\0\0\0\0\0\1"
				  "\1x\xc0\4\0\1\0\1"
				  "\0\0\x29\x04\xd0\0\0\0\0\0";
	static const char question[] = "\1x\0\0\1\0\1";
	struct named_answer a;
	bool truncated = false;

	named_begin(NAMED_VDESTACK, NAMED_NETS RECORDS "option ratelimit 1\n");
	int fd = named_socket(SOCK_DGRAM);
	for (unsigned i = 0; i < 10; i++)
		CHECK_EQ(send(fd, ask, sizeof(ask), 0), (ssize_t)sizeof(ask));
	(void)named_ask("one.static.test", 1, true);
	while (named_receive(fd, false, &a, 0)) {
		if ((a.flags & 0x0200) == 0)
			continue;
		truncated = true;
		CHECK_EQ(a.n, 12 + sizeof(question) - 1);
		CHECK(memcmp(a.bytes + 12, question, sizeof(question) - 1) == 0);
	}
	CHECK(truncated);
	close(fd);
	named_end();
}
