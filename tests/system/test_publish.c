/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Published TCP ports: addresses, ends of connections, refusals, the PROXY protocol. */

#include "published.h"

/* ------------------------------------------------------------------ addresses */

/* A client connects to a port of the host; the server must see that client's address and port. */
static void check_kept(const char *host, const char *server, const char *expected)
{
	union any seen, own;
	socklen_t len = sizeof(own);
	int l = bound(scene.server, SOCK_STREAM, server, 80);
	int c = connected_to(scene.client, SOCK_STREAM, host, 8080);
	int s = accepted(l, &seen);

	MUST(getsockname(c, &own.sa, &len));
	CHECK_STR(any_text(&seen), expected);
	CHECK_EQ(seen.in.sin_port, own.in.sin_port);
	say(c, "ask");
	hear(s, "ask");
	say(s, "say");
	hear(c, "say");
	close(c);
	hear_end(s);
	close(s);
	close(l);
}

CASE(the_server_sees_the_address_and_port_of_the_client)
{
	relay_of("8080:80");
	check_kept(HOST, SERVER, CLIENT);
	check_kept(HOST6, SERVER6, CLIENT6);
	check_kept(HOST, "0.0.0.0", CLIENT);
	relay_end(NULL);
	CHECK_STR(scene.log, "");
}

CASE(with_from_stack_the_server_sees_the_stacks_address)
{
	union any seen;

	relay_of("8080:80,from=stack");
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	int c = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
	int s = accepted(l, &seen);
	CHECK_STR(any_text(&seen), SERVER);
	say(s, "say");
	hear(c, "say");
	relay_end(NULL);
}

CASE(a_client_whose_port_is_in_use_in_the_stack_keeps_its_address)
{
	union any seen, from = any_of(CLIENT, 4000), at = any_of(HOST, 8080);

	relay_of("8080:80");
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	int user = bound(scene.server, SOCK_STREAM, "0.0.0.0", 4000);
	int c = sock(scene.client, AF_INET, SOCK_STREAM);
	MUST(bind(c, &from.sa, any_len(&from)));
	MUST(connect(c, &at.sa, any_len(&at)));
	int s = accepted(l, &seen);
	CHECK_STR(any_text(&seen), CLIENT);
	CHECK(seen.in.sin_port != from.in.sin_port);
	say(s, "say");
	hear(c, "say");
	relay_end(NULL);
	close(user);
}

/* An attack: the client has an address of the stack. It cannot be kept. */
CASE(a_client_with_an_address_of_the_stack_or_of_lo_is_served_too)
{
	union any seen;

	relay_of("8080:80");
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	MUST(vdestack_addr_add(scene.client, "lo", SERVER, 32));
	struct vdestack_route back = { .size = sizeof(back), .dst = SERVER, .prefix_len = 32, .gw = CLIENT };
	MUST(vdestack_route_add(scene.host, &back));
	int c = sock(scene.client, AF_INET, SOCK_STREAM);
	union any from = any_of(SERVER, 4001), at = any_of(HOST, 8080), lo = any_of("127.0.0.1", 8080);
	MUST(bind(c, &from.sa, any_len(&from)));
	MUST(connect(c, &at.sa, any_len(&at)));
	int s = accepted(l, &seen);
	CHECK_STR(any_text(&seen), SERVER);
	CHECK(seen.in.sin_port != from.in.sin_port);
	say(s, "say");
	hear(c, "say");
	int here = sock(scene.host, AF_INET, SOCK_STREAM);
	MUST(connect(here, &lo.sa, any_len(&lo)));
	s = accepted(l, &seen);
	CHECK_STR(any_text(&seen), SERVER); /* never 127.0.0.1: servers trust that */
	say(s, "say");
	hear(here, "say");
	relay_end(NULL);
}

/* The program has given up its privileges, and with them the right to sockets of foreign addresses. */
CASE_ROOT(without_rights_the_relay_says_so_and_uses_the_stacks_address)
{
	union any seen;

	scene_make();
	relay_add(VS_PUBLISH_IN, "8080:80");
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	drop_uid();
	relay_start();
	int c = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
	int s = accepted(l, &seen);
	CHECK_STR(any_text(&seen), SERVER);
	say(s, "say");
	hear(c, "say");
	relay_end(NULL);
	CHECK_CONTAINS(scene.log,
		       "the server sees the stack's address as that of all clients: IPv4: IP_TRANSPARENT");
}

/* IPv6 clients of a server that has only an IPv4 address are served from the stack's address. */
CASE(a_client_of_another_family_than_the_server_is_served)
{
	union any seen;

	relay_of("8080:" SERVER ":80");
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	int c = connected_to(scene.client, SOCK_STREAM, HOST6, 8080);
	int s = accepted(l, &seen);
	CHECK_STR(any_text(&seen), SERVER);
	say(s, "say");
	hear(c, "say");
	relay_end(NULL);
}

/* "localhost" is ::1 for many clients, and many servers listen at IPv4 addresses only. */
CASE(a_server_that_listens_at_the_address_of_one_family_is_found)
{
	union any seen;

	relay_of("8080:80");
	for (int i = 0; i < 2; i++) {
		int l = bound(scene.server, SOCK_STREAM, i ? SERVER6 : SERVER, 80);
		int c = connected_to(scene.client, SOCK_STREAM, i ? HOST : HOST6, 8080);
		say(c, "early");
		int s = accepted(l, &seen);
		CHECK_STR(any_text(&seen), i ? SERVER6 : SERVER);
		hear(s, "early");
		say(s, "say");
		hear(c, "say");
		close(c);
		hear_end(s);
		close(s);
		close(l);
	}
	relay_end(NULL);
	CHECK_STR(scene.log, "");
}

CASE(other_connections_of_the_server_go_to_its_network_as_before)
{
	relay_of("8080:80");
	struct vdestack *peer = new_stack("vnl=inproc://inside ip=10.0.0.2/24");
	int l = bound(scene.server, SOCK_STREAM, "0.0.0.0", 80);
	int c = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
	int s = accepted(l, NULL);
	union any seen;
	int direct = connected_to(peer, SOCK_STREAM, SERVER, 80);
	int s2 = accepted(l, &seen);
	CHECK_STR(any_text(&seen), "10.0.0.2");
	say(s2, "direct");
	say(s, "relayed");
	hear(direct, "direct");
	hear(c, "relayed");
	relay_end(NULL);
}

/* ------------------------------------------------------------------ ends */

/* A connection: c of the client, s of the server, l listens. */
struct conn {
	int l, c, s;
};

static struct conn new_conn(void)
{
	struct conn n;

	n.l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	n.c = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
	n.s = accepted(n.l, NULL);
	return n;
}

/* Each side in turn sends its end first, and the other then sends much. */
/* The relay has a thread. */
CASE_FLAGS(half_closed_connections_carry_the_rest_of_the_other_direction,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	enum { MUCH = 3000000 };
	static char bytes[MUCH];

	relay_of("8080:80");
	for (int i = 0; i < 2; i++) {
		struct conn n = new_conn();
		int first = i ? n.s : n.c, second = i ? n.c : n.s;
		say(first, "that is all");
		MUST(shutdown(first, SHUT_WR));
		hear(second, "that is all");
		hear_end(second);
		pid_t pid = (pid_t)MUST(fork());
		if (pid == 0) {
			CHECK_EQ(MUST(send(second, bytes, MUCH, MSG_NOSIGNAL)), MUCH);
			MUST(shutdown(second, SHUT_WR));
			_exit(0);
		}
		CHECK_EQ(MUST(recv(first, bytes, MUCH, MSG_WAITALL)), MUCH);
		hear_end(first);
		int status;
		MUST(waitpid(pid, &status, 0));
		CHECK_EQ(status, 0);
		close(n.c);
		close(n.s);
		close(n.l);
	}
	struct vs_publish_counts counts;
	relay_end(&counts);
	CHECK_EQ(counts.accepted, 2);
}

/* splice(2) does not go beyond an urgent byte, and says that there is nothing, or the end. */
CASE(what_follows_an_urgent_byte_is_passed_on)
{
	relay_of("8080:80");
	struct conn n = new_conn();
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(MUST(send(n.c, "U", 1, MSG_OOB)), 1);
		say(n.c, "hello");
		if (i == 1)
			MUST(shutdown(n.c, SHUT_WR));
		hear(n.s, "hello");
	}
	hear_end(n.s);
	close(n.c);
	close(n.s);
	close(n.l);
	relay_end(NULL);
}

CASE(a_reset_of_one_side_resets_the_other)
{
	relay_of("8080:80");
	for (int i = 0; i < 2; i++) {
		struct conn n = new_conn();
		say(n.c, "x");
		hear(n.s, "x");
		close_with_reset(i ? n.s : n.c);
		hear_reset(i ? n.c : n.s);
		close(i ? n.c : n.s);
		close(n.l);
	}
	relay_end(NULL);
}

CASE(a_reset_after_a_half_close_is_passed_on)
{
	relay_of("8080:80");
	struct conn n = new_conn();
	MUST(shutdown(n.c, SHUT_WR));
	hear_end(n.s);
	close_with_reset(n.s);
	hear_reset(n.c);
	relay_end(NULL);
}

CASE(a_client_is_reset_while_there_is_no_server_and_served_when_there_is_one)
{
	relay_of("8080:80");
	int c = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
	hear_reset(c);
	close(c);
	c = connected_to(scene.client, SOCK_STREAM, HOST6, 8080);
	hear_reset(c);
	close(c);
	struct conn n = new_conn();
	say(n.c, "ask");
	hear(n.s, "ask");
	relay_end(NULL);
	CHECK_CONTAINS(scene.log, "the server is not reached: Connection refused");
}

CASE(a_server_that_does_not_answer_costs_the_client_the_time_limit)
{
	scene.opts.connect_ms = 300;
	relay_of("8080:80");
	/* the queue of the listener is full */
	union any at = any_of(SERVER, 80);
	int l = sock(scene.server, AF_INET, SOCK_STREAM), full[2];
	MUST(bind(l, &at.sa, any_len(&at)));
	MUST(listen(l, 0));
	full[0] = connected_to(scene.server, SOCK_STREAM, SERVER, 80);
	full[1] = (int)MUST(
		vdestack_msocket(scene.server, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	(void)connect(full[1], &at.sa, any_len(&at));
	int c = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
	long long begin = now_us();
	hear_reset(c);
	CHECK(now_us() - begin > 250000);
	relay_end(NULL);
	CHECK_CONTAINS(scene.log, "the server does not answer");
}

/* Clients that connect before the stack is there wait for it. */
CASE(a_client_that_connects_before_the_start_is_served_after_it)
{
	scene_make();
	relay_add(VS_PUBLISH_IN, "8080:80");
	int l = bound(scene.server, SOCK_STREAM, SERVER, 80);
	int c = connected_to(scene.client, SOCK_STREAM, HOST, 8080);
	say(c, "early");
	relay_start();
	int s = accepted(l, NULL);
	hear(s, "early");
	relay_end(NULL);
}

CASE(a_port_in_use_is_reported_with_its_name)
{
	char message[256] = "";

	scene_make();
	int user = bound(scene.host, SOCK_STREAM, HOST, 8080);
	CHECK_EQ(vs_publish_new(&scene.opts, &scene.relay), 0);
	MUST(vdestack_set_thread_default(scene.host));
	CHECK_EQ(vs_publish_add(scene.relay, VS_PUBLISH_IN, HOST ":8080:80", message, sizeof(message)),
		 -EADDRINUSE);
	CHECK_CONTAINS(message, HOST ":8080 of the host cannot be opened: Address already in use");
	vs_publish_free(scene.relay);
	close(user);
}

/* ------------------------------------------------------------------ the other direction */

CASE(a_port_of_the_stack_leads_to_a_server_of_the_host)
{
	scene_make();
	relay_add(VS_PUBLISH_OUT, "5432:15432");
	relay_add(VS_PUBLISH_OUT, SERVER ":5433:" CLIENT ":15433");
	relay_add(VS_PUBLISH_OUT, "53:15353/udp");
	relay_start();
	int l = bound(scene.host, SOCK_STREAM, "127.0.0.1", 15432);
	int c = connected_to(scene.server, SOCK_STREAM, "127.0.0.1", 5432);
	int s = accepted(l, NULL);
	say(c, "ask");
	hear(s, "ask");
	int far = bound(scene.client, SOCK_STREAM, CLIENT, 15433);
	c = connected_to(scene.server, SOCK_STREAM, SERVER, 5433);
	s = accepted(far, NULL);
	say(s, "far");
	hear(c, "far");
	int u = bound(scene.host, SOCK_DGRAM, "127.0.0.1", 15353);
	c = connected_to(scene.server, SOCK_DGRAM, SERVER, 53);
	say(c, "query");
	hear(u, "query");
	relay_end(NULL);
}

/* ------------------------------------------------------------------ the PROXY protocol */

CASE(the_proxy_header_comes_first)
{
	unsigned char got[28];
	union any own, at = any_of(HOST, 8080);
	socklen_t len = sizeof(own);

	relay_of("8080:80,proxy,from=stack");
	struct conn n = new_conn();
	MUST(getsockname(n.c, &own.sa, &len));
	say(n.c, "then bytes");
	CHECK_EQ(MUST(recv(n.s, got, sizeof(got), MSG_WAITALL)), sizeof(got));
	CHECK(memcmp(got, "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16) == 0);
	CHECK(memcmp(got + 16, &own.in.sin_addr, 4) == 0);
	CHECK(memcmp(got + 20, &at.in.sin_addr, 4) == 0);
	CHECK(memcmp(got + 24, &own.in.sin_port, 2) == 0);
	CHECK(memcmp(got + 26, &at.in.sin_port, 2) == 0);
	hear(n.s, "then bytes");
	relay_end(NULL);
}
