/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Published UDP ports. */

#include "published.h"

#include "publish/relay.h"

/* Receives one datagram, which must be `text`. *from becomes its sender. */
static void receive(int fd, const char *text, union any *from)
{
	char got[64] = "";
	socklen_t len = sizeof(*from);

	CHECK_EQ(MUST(recvfrom(fd, got, sizeof(got) - 1, 0, &from->sa, &len)), strlen(text));
	CHECK_STR(got, text);
}

static void answer(int server, const char *question, const char *text)
{
	union any from;

	receive(server, question, &from);
	MUST(sendto(server, text, strlen(text), 0, &from.sa, any_len(&from)));
}

/* The relay has a thread. */
CASE_FLAGS(datagrams_and_answers_pass_and_clients_are_kept_apart,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	int c[3];
	char text[8];

	relay_of("5300:53/udp");
	int s = bound(scene.server, SOCK_DGRAM, SERVER, 53),
	    s6 = bound(scene.server, SOCK_DGRAM, SERVER6, 53);
	for (int i = 0; i < 3; i++)
		c[i] = connected_to(scene.client, SOCK_DGRAM, i == 2 ? HOST6 : HOST, 5300);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 3; i++) {
			(void)snprintf(text, sizeof(text), "q%d%d", i, round);
			say(c[i], text);
			answer(i == 2 ? s6 : s, text, text);
		}
	for (int i = 0; i < 3; i++) /* a connected socket receives from its peer only: the source is right */
		for (int round = 0; round < 2; round++) {
			(void)snprintf(text, sizeof(text), "q%d%d", i, round);
			hear(c[i], text);
		}
	struct vs_publish_counts counts;
	relay_end(&counts);
	CHECK_EQ(counts.accepted, 3);
	CHECK_EQ(counts.sessions, 3);
}

CASE(datagrams_of_any_length_pass)
{
	static char out[65000], got[65001];
	static const size_t lengths[] = { 0, 1, 1472, 1473, 9000, 65000 };
	union any from;
	socklen_t len = sizeof(from);

	relay_of("5300:53/udp");
	int s = bound(scene.server, SOCK_DGRAM, SERVER, 53);
	int c = connected_to(scene.client, SOCK_DGRAM, HOST, 5300);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(out, (int)('a' + i), sizeof(out));
		CHECK_EQ(MUST(send(c, out, lengths[i], 0)), lengths[i]);
		CHECK_EQ(MUST(recvfrom(s, got, sizeof(got), 0, &from.sa, &len)), lengths[i]);
		CHECK(memcmp(got, out, lengths[i]) == 0);
		CHECK_EQ(MUST(sendto(s, got, lengths[i], 0, &from.sa, len)), lengths[i]);
		memset(got, 0, sizeof(got));
		CHECK_EQ(MUST(recv(c, got, sizeof(got), 0)), lengths[i]);
		CHECK(memcmp(got, out, lengths[i]) == 0);
	}
	relay_end(NULL);
}

/* There was one, and there is none. */
static bool no_session(void *arg)
{
	struct vs_publish_counts counts;

	(void)arg;
	vs_publish_count(scene.relay, &counts);
	return counts.accepted > 0 && counts.sessions == 0;
}

CASE(a_session_ends_when_it_is_idle)
{
	union any first, second;

	scene.opts.udp_idle_ms = 200;
	relay_of("5300:53/udp");
	int s = bound(scene.server, SOCK_DGRAM, SERVER, 53);
	int c = connected_to(scene.client, SOCK_DGRAM, HOST, 5300);
	say(c, "one");
	receive(s, "one", &first);
	CHECK(wait_until(no_session, NULL, SOON_MS));
	say(c, "two");
	receive(s, "two", &second);
	CHECK(first.in.sin_port != second.in.sin_port);
	struct vs_publish_counts counts;
	relay_end(&counts);
	CHECK_EQ(counts.accepted, 2);
}

/* The closed port ends the session. The next datagram starts another one. */
CASE(a_server_that_starts_late_is_reached)
{
	relay_of("5300:53/udp");
	int c = connected_to(scene.client, SOCK_DGRAM, HOST, 5300);
	say(c, "lost");
	CHECK(wait_until(no_session, NULL, SOON_MS));
	int s = bound(scene.server, SOCK_DGRAM, SERVER, 53);
	say(c, "found");
	answer(s, "found", "yes");
	hear(c, "yes");
	relay_end(NULL);
}

/* An attack: datagrams with many sources, as if forged. A client that is served keeps its session. */
CASE(forged_sources_displace_each_other_and_not_the_clients_that_are_served)
{
	enum { N = 500 };
	struct vs_publish_counts counts;
	union any from;

	scene.opts.max_sessions = 16;
	relay_of("5300:53/udp");
	int s = bound(scene.server, SOCK_DGRAM, SERVER, 53);
	int good = connected_to(scene.client, SOCK_DGRAM, HOST, 5300);
	say(good, "first");
	receive(s, "first", &from);
	MUST(sendto(s, "yes", 3, 0, &from.sa, any_len(&from)));
	hear(good, "yes");
	for (int i = 0; i < N; i++) {
		int bad = connected_to(scene.client, SOCK_DGRAM, HOST, 5300);
		union any other;
		say(bad, "flood");
		receive(s, "flood", &other); /* so that each has been seen */
		close(bad);
	}
	MUST(sendto(s, "still", 5, 0, &from.sa, any_len(&from)));
	hear(good, "still");
	relay_end(&counts);
	CHECK(counts.sessions <= 16);
	CHECK(counts.accepted > 16); /* a client may have got the port of an earlier one */
	CHECK_EQ(counts.evicted, counts.accepted - 16);
	CHECK_CONTAINS(scene.log, "a session ends: there are 16, the limit");
}

/* An attack: a datagram whose source is the published port would make the relay answer itself. */
CASE(a_datagram_from_the_relays_own_address_is_dropped)
{
	struct vs_publish_counts counts;

	scene_make();
	relay_add(VS_PUBLISH_IN, "127.0.0.1:5300:53/udp");
	int s = bound(scene.server, SOCK_DGRAM, SERVER, 53);
	MUST(vdestack_set_thread_default(scene.host));
	/* the relay's own socket is the only one that may send so */
	union any own = any_of("127.0.0.1", 5300);
	int copy = (int)MUST(fcntl(scene.relay->ports[0]->watch.fd, F_DUPFD_CLOEXEC, 0));
	MUST(sendto(copy, "loop", 4, 0, &own.sa, any_len(&own)));
	MUST(vdestack_set_thread_default(NULL));
	relay_start();
	int c = connected_to(scene.host, SOCK_DGRAM, "127.0.0.1", 5300);
	say(c, "ask"); /* after it */
	answer(s, "ask", "say");
	hear(c, "say");
	close(copy);
	relay_end(&counts);
	CHECK_EQ(counts.accepted, 1);
}

/* The client has asked one of several addresses of the host, and the answer comes from that one. */
CASE(answers_come_from_the_address_that_was_asked)
{
	scene_make();
	MUST(vdestack_addr_add(scene.host, "vde0", "198.51.100.2", 24));
	relay_add(VS_PUBLISH_IN, "5300:53/udp");
	relay_start();
	int s = bound(scene.server, SOCK_DGRAM, SERVER, 53);
	union any own = any_of(CLIENT, 4002);
	for (int i = 0; i < 2; i++) { /* one client, two addresses */
		union any at = any_of(i ? "198.51.100.2" : HOST, 5300);
		int c = bound(scene.client, SOCK_DGRAM, CLIENT, ntohs(own.in.sin_port));
		MUST(connect(c, &at.sa, any_len(&at)));
		say(c, i ? "two" : "one");
		answer(s, i ? "two" : "one", "yes");
		hear(c, "yes");
		close(c);
	}
	relay_end(NULL);
}
