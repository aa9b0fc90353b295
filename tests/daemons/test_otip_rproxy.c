/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The inside of otip_rproxy over long times: the clock is that of the case. */

#include "rproxy_ground.h"

#define EARLY 100 /* periods, after which nothing grows any more */
#define MIDDLE_S 16
#define YEAR_S 31536000

struct picture {
	int fds, threads, keeper_fds, keeper_threads, addresses;
	size_t memory_bytes;
	long rss_kib;
};

static struct picture look(void)
{
	pid_t keeper = 0;
	struct picture p = { .fds = count_fds(),
			     .threads = count_tasks_of(getpid()),
			     .addresses = count_addresses(),
			     .memory_bytes = mallinfo2().uordblks,
			     .rss_kib = rss_kib_of(getpid()) };

	if (find_keepers(&keeper, 1) == 1) {
		p.keeper_fds = count_fds_of(keeper);
		p.keeper_threads = count_tasks_of(keeper);
	}
	return p;
}

static void print(const char *when, const struct picture *p)
{
	printf("%s: descriptors %d, threads %d, memory %zu, resident KiB %ld, addresses %d, of the keeper: "
	       "descriptors %d, threads %d\n",
	       when, p->fds, p->threads, p->memory_bytes, p->rss_kib, p->addresses, p->keeper_fds,
	       p->keeper_threads);
}

/* The middle of slot K: only its address lives, and that of the slot before has gone. */
static void one_period(int64_t slot)
{
	struct in6_addr a = address_of_slot(slot);

	skip(PERIOD_S * 1000);
	set_wall(slot * PERIOD_S + MIDDLE_S);
	CHECK_EQ(rp_addresses_update(&addresses), 0);
	run_loop(0); /* timers */
	for (int i = 0; i < 2; i++) {
		int type = i == 0 ? SOCK_STREAM : SOCK_DGRAM;
		int outcome = ask(type, a, SOON_MS);
		if (outcome != 0)
			FAIL("slot %lld, %s: %s", (long long)slot, i == 0 ? "TCP" : "UDP",
			     strerror(-outcome));
	}
	CHECK(count_addresses() <= 2);
}

/* Nothing is on its way. */
static void come_to_rest(void)
{
	for (int i = 0; served > 0 && i < SOON_MS / 10; i++)
		run_loop(10);
	CHECK_EQ(served, 0);
}

static void periods(int64_t n)
{
	struct picture early = { 0 }, late = { 0 };

	rproxy_begin("vdestack", PERIOD_S + MIDDLE_S);
	for (int64_t slot = 1; slot <= n; slot++) {
		one_period(slot);
		if (slot != EARLY && slot != n)
			continue;
		come_to_rest();
		late = look();
		if (slot == EARLY)
			early = late;
	}
	print("early", &early);
	print("late", &late);
	CHECK_EQ(late.fds, early.fds);
	CHECK_EQ(late.threads, early.threads);
	CHECK_EQ(late.addresses, early.addresses);
	CHECK_EQ(late.keeper_fds, early.keeper_fds);
	CHECK_EQ(late.keeper_threads, early.keeper_threads);
	if (*case_sanitizer() == '\0') {
		CHECK(late.memory_bytes <= early.memory_bytes + 4096);
		CHECK(late.rss_kib <= early.rss_kib + 512);
	}
	rproxy_end();
}

CASE_TIMED(four_hundred_periods_leave_nothing_behind, CASE_F_ROOT | CASE_F_USER, 120)
{
	periods(400);
}

CASE_TIMED(ten_thousand_periods_leave_nothing_behind, CASE_F_ROOT | CASE_F_USER | CASE_F_SLOW, 1200)
{
	periods(10000);
}

/* Each time the address of that time answers, and the one before takes no new clients. */
CASE(the_right_address_is_there_whatever_the_clock_is_set_to)
{
	static const int64_t jumps_s[] = { YEAR_S,    -2 * YEAR_S,           3600, -3600, PERIOD_S,
					   -PERIOD_S, (int64_t)1000 * YEAR_S };
	int64_t now_s = 40 * (int64_t)YEAR_S / PERIOD_S * PERIOD_S + MIDDLE_S;
	struct in6_addr before;

	rproxy_begin("vdestack", now_s);
	CHECK_EQ(ask(SOCK_STREAM, address_of_slot(now_s / PERIOD_S), SOON_MS), 0);
	for (size_t i = 0; i < sizeof(jumps_s) / sizeof(jumps_s[0]); i++) {
		before = address_of_slot(now_s / PERIOD_S);
		now_s = now_s + jumps_s[i];
		set_wall(now_s);
		CHECK_EQ(rp_addresses_update(&addresses), 0);
		CHECK_EQ(ask(SOCK_STREAM, address_of_slot(now_s / PERIOD_S), SOON_MS), 0);
		CHECK_EQ(ask(SOCK_STREAM, before, SOON_MS), -ECONNREFUSED);
	}
	/* Before 1970: the first slot. */
	set_wall(-1000);
	CHECK_EQ(rp_addresses_update(&addresses), 0);
	CHECK_EQ(ask(SOCK_STREAM, address_of_slot(0), SOON_MS), 0);
	rproxy_end();
}

/* The connection of a client goes on while the clock jumps in both directions. */
CASE(a_connection_survives_jumps_of_the_clock)
{
	int64_t now_s = 1000 * PERIOD_S + MIDDLE_S;
	struct client c;

	rproxy_begin("vdestack", now_s);
	struct in6_addr a = address_of_slot(1000);
	CHECK(wait_until(is_local, &a, SOON_MS));
	client_begin(&c, SOCK_STREAM, a);
	run_loop(SOON_MS);
	CHECK_EQ(c.outcome, 0);
	for (int i = 0; i < 10; i++) {
		set_wall(now_s + (i % 2 == 0 ? YEAR_S : -YEAR_S / 2));
		CHECK_EQ(rp_addresses_update(&addresses), 0);
		c.asked = false;
		c.outcome = -ETIMEDOUT;
		CHECK_EQ(rp_loop_watch(&loop, &c.watch, EPOLLOUT), 0);
		run_loop(SOON_MS);
		CHECK_EQ(c.outcome, 0);
	}
	client_end(&c);
	rproxy_end();
}

/* Each removal is noticed by itself, long before the next check of all addresses. */
CASE(an_address_that_others_remove_is_back_within_a_second)
{
	struct in6_addr a = address_of_slot(0);
	int ifindex;

	rproxy_begin("vdestack", 1000 * PERIOD_S + MIDDLE_S);
	a = address_of_slot(1000);
	ifindex = addresses.place.ifindex;
	for (int i = 0; i < 3; i++) {
		MUST(ioth_ipaddr_del(outside, AF_INET6, &a, 64, ifindex));
		CHECK_EQ(count_addresses(), 0);
		long long before = now_us();
		while (count_addresses() == 0) {
			CHECK(now_us() - before < 5000000);
			run_loop(20);
		}
		CHECK_EQ(ask(SOCK_STREAM, a, SOON_MS), 0);
	}
	rproxy_end();
}
