/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_DHCP_CASE_H
#define VDESTACK_TESTS_DHCP_CASE_H

/* What the cases with DHCPv4 servers and those with DHCPv6 servers have in common. */

#include <signal.h>

#include "client.h"

#define LEASE_S 20
#define T1_MS 10000
#define LONG_MS 45000 /* upper bound for what happens within a lease or two */

/* What is different; each file has one. */
struct family {
	int af;
	const char *word;               /* that starts the client */
	const char *server;             /* the address of the server's stack, with its prefix length */
	const char *first, *first_len;  /* the first address of the plan, and its prefix length */
	const char *all;                /* what all addresses of the plan begin with */
	const struct server_plan *plan; /* leases of LEASE_S */
	int decline;                    /* the message, as the relay counts it */
};

static const struct family family;

/* A network with the plan of the family. */
static void lay_short(enum server_kind kind)
{
	lay(kind, family.plan, family.server);
}

static void lay_plan(enum server_kind kind, const struct server_plan *p)
{
	lay(kind, p, family.server);
}

/* The plan with leases of two minutes. */
static struct server_plan longer(void)
{
	struct server_plan p = *family.plan;

	p.lease_s = 120;
	p.t1_s = p.t2_s = 0;
	return p;
}

static void one_is_lost(enum server_kind kind, int message, int port)
{
	struct server_plan p = longer();

	lay_plan(kind, &p);
	relay_drop(message, port, 0, 0);
	struct vdestack *s = client("%s", family.word);
	CHECK(has_address(s, family.all));
	CHECK(!relay_nth(message, port, 0).passed);
	server_stop(&server);
}

#define LOST(name, kind, message, port)                                                                      \
	CASE(the_first_##name##_is_lost_and_the_client_repeats_its_request)                                  \
	{                                                                                                    \
		one_is_lost(kind, message, port);                                                            \
	}

static void restarts(enum server_kind kind)
{
	lay_short(kind);
	struct vdestack *s = client("%s", family.word);
	int events = (int)MUST(vdestack_events(s));
	server_kill(&server);
	server_start(&server);
	wait_event(events, VDESTACK_EVENT_SOURCE_RENEWED, VDESTACK_EVENT_SOURCE_LOST, LONG_MS);
	CHECK(has_address(s, family.all));
	close(events);
	server_stop(&server);
}

/* The lease expires, as hinder(true) keeps the messages away. After hinder(false) there is another one. */
static void expires(enum server_kind kind, void (*hinder)(bool on))
{
	lay_short(kind);
	struct vdestack *s = client("%s", family.word);
	int events = (int)MUST(vdestack_events(s));
	hinder(true);
	wait_event(events, VDESTACK_EVENT_SOURCE_LOST, VDESTACK_EVENT_SOURCE_RENEWED, LONG_MS);
	CHECK(!has_address(s, family.all));
	CHECK(!has_route(s, family.af, "", 0, NULL));
	hinder(false);
	wait_event(events, VDESTACK_EVENT_SOURCE_GAINED, 0, 80000);
	wait_address(s, family.all, true, SOON_MS);
	close(events);
	server_stop(&server);
}

/* The server is stopped (SIGSTOP). */
static void stop_server(bool on)
{
	server_pause(&server, on);
}

/* The network is cut behind the interface, which keeps its carrier. */
static void cut_network(bool on)
{
	relay_cut(CLIENT_PORT, on);
}

static void stopped_for(enum server_kind kind, int ms, unsigned first, unsigned never)
{
	lay_short(kind);
	struct vdestack *s = client("%s", family.word);
	int events = (int)MUST(vdestack_events(s));
	pid_t keeper = net_keeper();
	MUST(kill(keeper, SIGSTOP));
	sleep_ms(ms); /* this is what happens: time passes */
	MUST(kill(keeper, SIGCONT));
	wait_event(events, first, never, SOON_MS);
	wait_address(s, family.all, true, SOON_MS);
	close(events);
	server_stop(&server);
}

/* Another host has the only address of the server, whose log has this text then. */
static void sees_the_decline(enum server_kind kind, const char *text)
{
	struct server_plan p = longer();

	p.last = p.first;
	lay_plan(kind, &p);
	(void)new_stack("%s ip=%s/%s nodad", relay_plug(NULL), family.first, family.first_len);
	struct vdestack *s = client_at_once(family.word);
	int events = (int)MUST(vdestack_events(s));
	expect(family.decline, 2, 1, SOON_MS);
	struct vdestack_event e = wait_event(events, VDESTACK_EVENT_SOURCE_CONFLICT, 0, SOON_MS);
	CHECK_STR(e.addr, family.first);
	CHECK(!has_address(s, family.first));
	if (!server_wait_log(&server, text, 1, SOON_MS))
		EXPLAIN("the server has not seen the DECLINE");
	close(events);
	server_stop(&server);
}

#endif
