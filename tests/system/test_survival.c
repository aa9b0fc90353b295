/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What leases survive: changes of the program, its end, a wrong clock, a cable that is out.
 *
 * The client of most cases is a program of its own with a keeper of its own. The case has the relay and the
 * server, and counts the renewals.
 *
 *     case: stack with dhcpd ── relay ── stack of the program: dhcp
 */

#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>

#include "client.h"

#define RENEWALS_MS 30000 /* upper bound for two renewals */

/* Renewed every 3 s. */
static const struct server_plan short4 = {
	.subnet = "10.7.0.0/24",
	.first = "10.7.0.100",
	.last = "10.7.0.109",
	.lease_s = 20,
	.t1_s = 3,
	.t2_s = 12,
	.router = "10.7.0.1",
};

static struct server_plan long4(void)
{
	struct server_plan p = short4;

	p.lease_s = 600;
	p.t1_s = p.t2_s = 0;
	return p;
}

/* ------------------------------------------------------------------ programs */

struct program {
	pid_t pid;   /* of its first process */
	int channel; /* to those processes that go on */
	struct vdestack_source state; /* of the first source: the last answer */
};

static int own_channel; /* of a program */

/* Returns when the case has started the relay. What it says is a configuration. */
static const char *hear(void)
{
	static char config[1024];

	if (recv(own_channel, config, sizeof(config), 0) <= 0)
		_exit(0); /* the case has failed */
	return config;
}

/* Answers to each question with the state of the source, until the case closes the channel. */
static void serve(struct vdestack *s)
{
	struct vdestack_source state;
	char question;

	do {
		memset(&state, 0, sizeof(state));
		if (vdestack_sources(s, "vde0", &state, 1) < 1)
			(void)snprintf(state.problem, sizeof(state.problem), "no state: %s",
				       vdestack_last_error());
		(void)send(own_channel, &state, sizeof(state), MSG_NOSIGNAL);
	} while (recv(own_channel, &question, 1, 0) == 1);
}

/* Called before there are threads. */
static struct program start_program(void (*body)(void))
{
	struct program p;
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	p.pid = (pid_t)MUST(fork());
	if (p.pid == 0) {
		close(pair[0]);
		own_channel = pair[1];
		body();
		_exit(0);
	}
	close(pair[1]);
	p.channel = pair[0];
	return p;
}

static void read_state(struct program *p)
{
	if (!wait_readable(p->channel, 2 * SOON_MS))
		EXPLAIN("the program does not answer");
	if (recv(p->channel, &p->state, sizeof(p->state), 0) != (ssize_t)sizeof(p->state))
		EXPLAIN("the program has ended");
}

/* Gives the program its configuration, and waits until it has done what it is for. */
static void let_go(struct program *p, const char *words)
{
	char config[1024];

	(void)snprintf(config, sizeof(config), "%s %s", relay_plug(NULL), words);
	MUST(send(p->channel, config, strlen(config) + 1, MSG_NOSIGNAL));
	read_state(p);
}

static void ask(struct program *p)
{
	MUST(send(p->channel, "?", 1, MSG_NOSIGNAL));
	read_state(p);
}

/* All processes that have the channel end. */
static void end_program(struct program *p)
{
	char end;

	MUST(shutdown(p->channel, SHUT_WR));
	if (!wait_readable(p->channel, SOON_MS) || recv(p->channel, &end, 1, 0) != 0)
		FAIL("the program does not end");
	close(p->channel);
	if (p->pid > 0)
		MUST(waitpid(p->pid, NULL, 0));
}

static void await_end(struct program *p)
{
	int status;

	MUST(waitpid(p->pid, &status, 0));
	CHECK_EQ(status, 0);
	p->pid = 0;
}

/* Two renewals from now on, which the server grants. The address was never given up. */
static void check_renewals(void)
{
	int n = relay_count(D4_REQUEST, CLIENT_PORT), acks = server_said(&server, "DHCPACK on 10.7.0.10");

	expect(D4_REQUEST, CLIENT_PORT, n + 2, RENEWALS_MS);
	if (!server_wait_log(&server, "DHCPACK on 10.7.0.10", acks + 2, SOON_MS))
		EXPLAIN("the server has not seen the renewals");
	CHECK_EQ(relay_count(D4_DISCOVER, CLIENT_PORT), 1);
	CHECK_EQ(relay_count(D4_RELEASE, -1), 0);
}

/* The client may still read the reply that the server has sent. */
static void check_bound(struct program *p)
{
	long long until = now_us() + SOON_MS * 1000LL;

	do {
		ask(p);
	} while (strcmp(p->state.state, "RENEWING") == 0 && now_us() < until);
	CHECK_STR(p->state.problem, "");
	CHECK_STR(p->state.state, "BOUND");
	CHECK_STR(p->state.server, "10.7.0.1");
}

static struct vdestack *make(void)
{
	struct vdestack *s = vdestack_new(hear(), case_opts());

	if (s == NULL)
		FAIL("no stack: %s", vdestack_last_error());
	return s;
}

/* ------------------------------------------------------------------ changes of a program */

static void fork_and_end(void)
{
	struct vdestack *s = make();

	if (MUST(fork()) == 0)
		serve(s);
	_exit(0);
}

CASE_TIMED(renewals_go_on_in_a_child_whose_parent_has_ended, CASE_F_ROOT | CASE_F_USER, 90)
{
	struct program p = start_program(fork_and_end);

	lay(SERVER_DHCPD4, &short4, "10.7.0.1/24");
	let_go(&p, "dhcp");
	await_end(&p);
	check_renewals();
	check_bound(&p);
	end_program(&p);
	expect(D4_RELEASE, CLIENT_PORT, 1, SOON_MS);
	server_stop(&server);
}

/* DHCPv6 and a router beside it: renewals each 3 s, advertisements each 3 to 4 s. */
CASE_TIMED(dhcp6_and_slaac_go_on_in_a_child_whose_parent_has_ended, CASE_F_ROOT | CASE_F_USER, 90)
{
	static const struct server_plan p6 = { .subnet = "fd07::/64", .first = "fd07::1:100",
					       .last = "fd07::1:1ff", .lease_s = 20, .t1_s = 3, .t2_s = 12 };
	static const struct server_plan ra = { .subnet = "fd07::/64", .lease_s = 20, .router_s = 12 };
	struct program p = start_program(fork_and_end);
	struct server router = { .kind = SERVER_RADVD, .plan = &ra };
	unsigned heard;

	lay(SERVER_KEA6, &p6, "fd07::1/64");
	router.stack = server.stack;
	server_start(&router);
	let_go(&p, "dhcp6 slaac");
	await_end(&p);
	unsigned solicits = relay_count(D6_SOLICIT, CLIENT_PORT); /* more than one if the server was slow */
	expect(D6_RENEW, CLIENT_PORT, relay_count(D6_RENEW, CLIENT_PORT) + 2, RENEWALS_MS);
	expect(D6_REPLY, SERVER_PORT, relay_count(D6_RENEW, CLIENT_PORT), SOON_MS);
	CHECK_EQ(relay_count(D6_SOLICIT, CLIENT_PORT), solicits); /* it has not begun anew */
	ask(&p);
	CHECK_EQ(p.state.source, VDESTACK_SOURCE_RA); /* the first record */
	CHECK(p.state.ready);
	CHECK_STR(p.state.problem, "");
	heard = p.state.received;
	expect(ND_RA, SERVER_PORT, relay_count(ND_RA, SERVER_PORT) + 2, RENEWALS_MS);
	ask(&p);
	CHECK(p.state.received > heard);
	end_program(&p);
	expect(D6_RELEASE, CLIENT_PORT, 1, SOON_MS);
	server_stop(&router);
	server_stop(&server);
}

static void become_daemon(void)
{
	struct vdestack *s = make();

	MUST(daemon(0, 0));
	serve(s);
}

CASE_TIMED(renewals_go_on_after_daemon, CASE_F_ROOT | CASE_F_USER, 90)
{
	struct program p = start_program(become_daemon);

	lay(SERVER_DHCPD4, &short4, "10.7.0.1/24");
	let_go(&p, "dhcp");
	await_end(&p);
	check_renewals();
	check_bound(&p);
	end_program(&p);
	server_stop(&server);
}

static void give_up_privileges(void)
{
	struct vdestack *s = make();

	drop_uid();
	CHECK_ERRNO(vdestack_configure(s, "-dhcp", NULL), EPERM);
	CHECK_ERRNO(vdestack_configure(s, "slaac", NULL), EPERM);
	serve(s);
}

CASE_TIMED(renewals_go_on_when_the_program_has_given_up_its_privileges, CASE_F_ROOT, 90)
{
	struct program p = start_program(give_up_privileges);

	lay(SERVER_DHCPD4, &short4, "10.7.0.1/24");
	let_go(&p, "dhcp");
	check_renewals();
	check_bound(&p);
	end_program(&p);
	server_stop(&server);
}

static void seal(void)
{
	struct vdestack *s = make();

	MUST(vdestack_seal());
	CHECK_ERRNO(vdestack_configure(s, "-dhcp", NULL), EPERM);
	serve(s);
}

CASE_TIMED(renewals_go_on_when_the_program_is_sealed, CASE_F_ROOT | CASE_F_USER, 90)
{
	struct program p = start_program(seal);

	lay(SERVER_DHCPD4, &short4, "10.7.0.1/24");
	let_go(&p, "dhcp");
	check_renewals();
	check_bound(&p);
	end_program(&p);
	server_stop(&server);
}

static void close_all_descriptors(void)
{
	struct vdestack *s = make();

	MUST(vdestack_set_default(s));
	own_channel = (int)MUST(dup2(own_channel, 3));
	MUST(syscall(SYS_close_range, 4u, ~0u, 0));
	/* It answers without a call to the library. The next question comes after the renewals. */
	struct vdestack_source none = { 0 };
	char question;
	MUST(send(own_channel, &none, sizeof(none), MSG_NOSIGNAL));
	if (recv(own_channel, &question, 1, 0) == 1)
		serve(s);
}

CASE_TIMED(renewals_of_a_default_stack_go_on_when_all_descriptors_are_closed, CASE_F_ROOT | CASE_F_USER, 90)
{
	struct program p = start_program(close_all_descriptors);

	lay(SERVER_DHCPD4, &short4, "10.7.0.1/24");
	let_go(&p, "dhcp");
	check_renewals();
	check_bound(&p);
	end_program(&p);
	server_stop(&server);
}

static void only_serve(void)
{
	serve(make());
}

/* The keeper is not suspended: the address stays the program's. */
CASE_TIMED(a_suspended_program_keeps_its_lease, CASE_F_ROOT | CASE_F_USER, 90)
{
	struct program p = start_program(only_serve);

	lay(SERVER_DHCPD4, &short4, "10.7.0.1/24");
	let_go(&p, "dhcp");
	MUST(kill(p.pid, SIGSTOP));
	check_renewals();
	MUST(kill(p.pid, SIGCONT));
	check_bound(&p);
	end_program(&p);
	server_stop(&server);
}

/* ------------------------------------------------------------------ the next program */

static const char *with_leases(const char *words)
{
	static char config[512];

	(void)snprintf(config, sizeof(config), "name=kept leases=%s %s", lease_dir(), words);
	return config;
}

static void kill_program(struct program *p)
{
	char end;

	MUST(kill(p->pid, SIGKILL));
	MUST(waitpid(p->pid, NULL, 0));
	CHECK(wait_readable(p->channel, SOON_MS));
	CHECK_EQ(recv(p->channel, &end, 1, 0), 0);
	close(p->channel);
}

/* The keeper of the first one may still live: it has the lock of the files until it ends. */
static bool no_keeper_but_ours(void *unused)
{
	(void)unused;
	return net_keepers(NULL, 0) == 1;
}

CASE_TIMED(a_killed_program_gets_its_address_back_when_it_starts_again, CASE_F_ROOT | CASE_F_USER, 90)
{
	struct program first = start_program(only_serve), second = start_program(only_serve);
	const struct server_plan p = long4();

	lay(SERVER_DHCPD4, &p, "10.7.0.1/24");
	let_go(&first, with_leases("dhcp"));
	CHECK_STR(first.state.state, "BOUND");
	kill_program(&first);
	CHECK(wait_until(no_keeper_but_ours, NULL, SOON_MS));
	let_go(&second, with_leases("dhcp"));
	CHECK_STR(second.state.state, "BOUND");
	CHECK_STR(second.state.problem, "");
	CHECK_EQ(relay_count(D4_DISCOVER, -1), 1);
	CHECK_EQ(relay_count(D4_RELEASE, -1), 0);
	/* the server knows it from before */
	CHECK_EQ(server_said(&server, "DHCPDISCOVER"), 1);
	CHECK_EQ(server_said(&server, "DHCPREQUEST for 10.7.0.10"), 2);
	CHECK(memcmp(relay_nth(D4_ACK, SERVER_PORT, 0).ip, relay_nth(D4_ACK, SERVER_PORT, 1).ip, 4) == 0);
	end_program(&second);
	server_stop(&server);
}

CASE_TIMED(of_two_programs_with_one_directory_of_leases_the_second_is_told, CASE_F_ROOT | CASE_F_USER, 90)
{
	struct program first = start_program(only_serve), second = start_program(only_serve);
	const struct server_plan p = long4();

	lay(SERVER_DHCPD4, &p, "10.7.0.1/24");
	let_go(&first, with_leases("dhcp"));
	let_go(&second, with_leases("dhcp"));
	ask(&first);
	CHECK_STR(first.state.problem, "");
	CHECK_STR(second.state.state, "BOUND"); /* with another address */
	CHECK_CONTAINS(second.state.problem, "in use by another stack");
	CHECK(memcmp(relay_nth(D4_ACK, SERVER_PORT, 0).ip, relay_nth(D4_ACK, SERVER_PORT, 1).ip, 4) != 0);
	end_program(&second);
	end_program(&first);
	server_stop(&server);
}

/* ------------------------------------------------------------------ the clock */

static int64_t real_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* As if the lease had been obtained then. The last line is the FNV-1a sum of what stands before it. */
static void set_obtained(const char *kind, int64_t obtained_ms)
{
	char path[300], text[4096] = "", line[64], *at, *rest;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	(void)snprintf(path, sizeof(path), "%s/kept-vde0.%s", lease_dir(), kind);
	const char *before = text_of(path);
	CHECK(strlen(before) < sizeof(text) - 100);
	at = strstr(before, "obtained ");
	CHECK(at != NULL);
	rest = strchr(at, '\n');
	(void)snprintf(text, sizeof(text), "%.*sobtained %" PRId64 "%s", (int)(at - before), before,
		       obtained_ms, rest);
	at = strstr(text, "sum ");
	CHECK(at != NULL);
	*at = '\0';
	for (const char *c = text; *c != '\0'; c++)
		sum = (sum ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	(void)snprintf(line, sizeof(line), "sum %016" PRIx64 "\n", sum);
	(void)strcat(text, line);
	int fd = (int)MUST(open(path, O_WRONLY | O_TRUNC | O_CLOEXEC));
	CHECK_EQ(MUST(write(fd, text, strlen(text))), (long)strlen(text));
	close(fd);
}

/* The lock is given up when all has been written. */
static bool is_unlocked(void *arg)
{
	char path[300];

	(void)arg;
	(void)snprintf(path, sizeof(path), "%s/kept-vde0.lock", lease_dir());
	int fd = (int)MUST(open(path, O_RDWR | O_CLOEXEC));
	bool mine = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return mine;
}

static void get_and_keep(enum server_kind kind, const struct server_plan *p, const char *address,
			 const char *words)
{
	lay(kind, p, address);
	MUST(vdestack_delete(client("%s", with_leases(words))));
	CHECK(wait_until(is_unlocked, NULL, SOON_MS));
	CHECK_EQ(relay_count(D4_RELEASE, -1) + relay_count(D6_RELEASE, -1), 0);
}

#define AGAIN_PORT 2 /* of the second client */

/* The next stack of that name gets a lease. It begins with this message. */
static void start_again(const char *words, int first_message, enum vdestack_source_kind kind,
			int64_t lease_ms, const char *begin)
{
	static const int messages[] = { D4_DISCOVER, D6_SOLICIT, D6_CONFIRM };
	struct vdestack *s = client("%s", with_leases(words));
	struct vdestack_source state = source_of(s, kind);
	CHECK_STR(state.problem, "");
	CHECK(state.expiry_ms > lease_ms - 60000 && state.expiry_ms <= lease_ms);
	CHECK(has_address(s, begin));
	CHECK_EQ(relay_count(first_message, AGAIN_PORT), 1);
	for (int i = 0; i < 3; i++)
		if (messages[i] != first_message)
			CHECK_EQ(relay_count(messages[i], AGAIN_PORT), 0);
	MUST(vdestack_delete(s));
	server_stop(&server);
}

static void clock4(int64_t obtained_ms, int first_message)
{
	const struct server_plan p = long4();

	get_and_keep(SERVER_DHCPD4, &p, "10.7.0.1/24", "dhcp");
	set_obtained("dhcp4", obtained_ms);
	start_again("dhcp", first_message, VDESTACK_SOURCE_DHCP4, 600000, "10.7.0.10");
}

CASE(a_lease_of_a_minute_ago_is_confirmed)
{
	clock4(real_ms() - 60000, D4_REQUEST);
}

CASE(a_lease_of_yesterday_has_expired)
{
	clock4(real_ms() - INT64_C(86400000), D4_DISCOVER);
}

CASE(a_lease_of_tomorrow_is_not_trusted)
{
	clock4(real_ms() + INT64_C(86400000), D4_DISCOVER);
}

CASE(a_lease_of_the_end_of_time_is_not_trusted)
{
	clock4(INT64_MAX, D4_DISCOVER);
}

CASE(a_lease_of_1970_has_expired)
{
	clock4(0, D4_DISCOVER);
}

static void clock6(int64_t obtained_ms, int first_message)
{
	static const struct server_plan p = { .subnet = "fd07::/64", .first = "fd07::1:100",
					      .last = "fd07::1:1ff", .lease_s = 600 };

	get_and_keep(SERVER_KEA6, &p, "fd07::1/64", "dhcp6");
	set_obtained("dhcp6", obtained_ms);
	start_again("dhcp6", first_message, VDESTACK_SOURCE_DHCP6, 600000, "fd07::1:1");
}

CASE(a_dhcp6_lease_of_a_minute_ago_is_confirmed)
{
	clock6(real_ms() - 60000, D6_CONFIRM);
}

CASE(a_dhcp6_lease_of_yesterday_has_expired)
{
	clock6(real_ms() - INT64_C(86400000), D6_SOLICIT);
}

CASE(a_dhcp6_lease_of_tomorrow_is_not_trusted)
{
	clock6(real_ms() + INT64_C(86400000), D6_SOLICIT);
}

/* The network is cut. It may be another one, where another host has that address. */
CASE(an_address_that_no_server_confirms_is_not_used)
{
	const struct server_plan p = long4();

	get_and_keep(SERVER_DHCPD4, &p, "10.7.0.1/24", "dhcp");
	relay_cut(SERVER_PORT, true);
	struct vdestack *s = client_at_once(with_leases("dhcp"));
	expect(D4_REQUEST, AGAIN_PORT, 1, SOON_MS);
	expect(D4_DISCOVER, AGAIN_PORT, 2, SOON_MS);
	CHECK(!has_any_address(s, "10.7.0."));
	server_stop(&server);
}

/* ------------------------------------------------------------------ cables */

/* 10 s */
static struct server_plan brief4(void)
{
	struct server_plan p = short4;

	p.lease_s = 10;
	p.t2_s = 6;
	return p;
}

static void pull(struct vdestack *s, int events)
{
	MUST(vdestack_link_set_carrier(s, "vde0", 0));
	wait_event(events, VDESTACK_EVENT_CARRIER_CUT, VDESTACK_EVENT_SOURCE_LOST, SOON_MS);
	wait_carrier(s, false);
}

CASE_TIMED(a_cable_that_is_out_over_T2_does_not_take_the_address, CASE_F_USER, 60)
{
	const struct server_plan p = brief4();

	lay(SERVER_DHCPD4, &p, "10.7.0.1/24");
	struct vdestack *s = client("dhcp");
	int events = (int)MUST(vdestack_events(s));
	pull(s, events);
	sleep_ms(7000); /* this is what happens: time passes */
	CHECK(has_any_address(s, "10.7.0.10"));
	MUST(vdestack_link_set_carrier(s, "vde0", 1));
	wait_event(events, VDESTACK_EVENT_SOURCE_RENEWED, VDESTACK_EVENT_SOURCE_LOST, SOON_MS);
	CHECK_EQ(relay_count(D4_DISCOVER, CLIENT_PORT), 1);
	wait_address(s, "10.7.0.10", true, SOON_MS);
	close(events);
	server_stop(&server);
}

CASE_TIMED(a_cable_that_is_out_over_the_expiry_ends_the_lease_and_the_next_comes_at_once, CASE_F_USER, 60)
{
	const struct server_plan p = brief4();

	lay(SERVER_DHCPD4, &p, "10.7.0.1/24");
	struct vdestack *s = client("dhcp");
	int events = (int)MUST(vdestack_events(s));
	pull(s, events);
	wait_event(events, VDESTACK_EVENT_SOURCE_LOST, VDESTACK_EVENT_SOURCE_RENEWED, SOON_MS);
	CHECK(!has_any_address(s, "10.7.0.10"));
	CHECK(!has_route(s, AF_INET, "", 0, NULL));
	long long plugged_us = now_us();
	MUST(vdestack_link_set_carrier(s, "vde0", 1));
	wait_event(events, VDESTACK_EVENT_SOURCE_GAINED, 0, SOON_MS);
	printf("gained after %lld ms\n", (now_us() - plugged_us) / 1000);
	CHECK(now_us() - plugged_us < 10000000);
	wait_address(s, "10.7.0.10", true, SOON_MS);
	close(events);
	server_stop(&server);
}

/* A router of 6 s. */
CASE_TIMED(a_keeper_that_was_stopped_over_the_lifetime_of_its_router_has_it_again, CASE_F_USER, 60)
{
	static const struct server_plan p = { .subnet = "fd07::/64", .lease_s = 600, .router_s = 6,
					      .dns = "fd07::53" };

	lay(SERVER_RADVD, &p, "fd07::1/64");
	struct vdestack *s = client("slaac");
	int events = (int)MUST(vdestack_events(s));
	pid_t keeper = net_keeper();
	MUST(kill(keeper, SIGSTOP));
	sleep_ms(8000); /* this is what happens: time passes */
	MUST(kill(keeper, SIGCONT));
	int ras = relay_count(ND_RA, SERVER_PORT);
	expect(ND_RA, SERVER_PORT, ras + 1, SOON_MS);
	wait_address(s, "fd07::", true, SOON_MS);
	long long until = now_us() + SOON_MS * 1000LL;
	while (!has_route(s, AF_INET6, "", 0, NULL) && now_us() < until)
		sleep_ms(20);
	CHECK(has_route(s, AF_INET6, "", 0, NULL));
	CHECK(source_of(s, VDESTACK_SOURCE_RA).ready);
	CHECK(has_learned(s, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_RA, "fd07::53"));
	close(events);
	server_stop(&server);
}
