/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The life of one-time addresses over thousands of periods and jumps of the clock, with a stack that only
 * counts. The calls of the stack and the wall clock are those of this file.
 */

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <iothaddr.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemons/otip_rproxy/accept.h"
#include "daemons/otip_rproxy/addresses.h"
#include "daemons/otip_rproxy/netlink.h"

#define MOST 64

/* ------------------------------------------------------------------ the stack */

static int64_t wall_s;
static struct in6_addr there[MOST]; /* addresses in the stack */
static int n_there, room, n_sockets, n_listeners, refusals;
static long n_added, n_reset;

int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	if (clock != CLOCK_REALTIME)
		return __real_clock_gettime(clock, t);
	*t = (struct timespec){ .tv_sec = (time_t)wall_s };
	return 0;
}

static int find(const void *addr)
{
	for (int i = 0; i < n_there; i++)
		if (memcmp(&there[i], addr, sizeof(there[i])) == 0)
			return i;
	return -1;
}

/* 1, or 0 for one that is there already: each update asks for all. */
int rp_netlink_add(struct ioth *stack, int ifindex, const struct in6_addr *addr, int len)
{
	(void)stack, (void)ifindex, (void)len;
	if (find(addr) >= 0)
		return 0;
	if (refusals > 0) {
		refusals--;
		return -EAGAIN;
	}
	if (n_there == room)
		return -ENOSPC;
	there[n_there++] = *addr;
	n_added++;
	return 1;
}

/* This stack reports nothing. */
int rp_netlink_watch(struct ioth *stack)
{
	(void)stack;
	return -EOPNOTSUPP;
}

enum rp_event rp_netlink_event(int fd, int ifindex, struct in6_addr *addr)
{
	(void)fd, (void)ifindex, (void)addr;
	fail_msg("there are no events");
	return RP_EVENT_FAILED;
}

int ioth_ipaddr_del(struct ioth *stack, int family, const void *addr, int prefixlen, int ifindex)
{
	int i = find(addr);

	(void)stack, (void)family, (void)prefixlen, (void)ifindex;
	assert_true(i >= 0);
	there[i] = there[--n_there];
	return 0;
}

int ioth_msocket(struct ioth *stack, int domain, int type, int protocol)
{
	(void)stack, (void)domain, (void)type, (void)protocol;
	n_sockets++;
	return dup(STDERR_FILENO);
}

int ioth_close(int fd)
{
	n_sockets--;
	return close(fd);
}

int ioth_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	(void)fd, (void)level, (void)name, (void)value, (void)len;
	return 0;
}

int ioth_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)(const void *)addr;

	(void)fd, (void)len;
	assert_true(find(&sin6->sin6_addr) >= 0);
	return 0;
}

/* ------------------------------------------------------------------ TCP and UDP */

struct rp_tcp_listener {
	int fd;
	struct rp_hold *hold;
};

struct rp_udp_port {
	int fd;
	bool retired;
};

static struct rp_hold *last_hold; /* of the listener that was opened last */

int rp_accept_open(struct rp_tcp *t, int fd, const struct rp_port *port, struct rp_hold *hold,
		   struct rp_tcp_listener **made)
{
	(void)t, (void)port;
	*made = calloc(1, sizeof(**made));
	**made = (struct rp_tcp_listener){ fd, hold };
	last_hold = hold;
	n_listeners++;
	return 0;
}

void rp_accept_close(struct rp_tcp_listener *l)
{
	if (l == NULL)
		return;
	n_listeners--;
	ioth_close(l->fd);
	free(l);
}

void rp_tcp_reset(struct rp_tcp *t, const struct rp_hold *hold)
{
	(void)t;
	n_reset += hold->users;
}

int rp_udp_open(struct rp_udp *u, int fd, const struct rp_port *port, struct rp_hold *hold,
		struct rp_udp_port **made)
{
	(void)u, (void)port, (void)hold;
	*made = calloc(1, sizeof(**made));
	(*made)->fd = fd;
	return 0;
}

void rp_udp_retire(struct rp_udp_port *p, bool retired)
{
	if (p != NULL)
		p->retired = retired;
}

void rp_udp_close(struct rp_udp_port *p)
{
	if (p == NULL)
		return;
	ioth_close(p->fd);
	free(p);
}

struct rp_period rp_settings_period(const struct rp_settings *s)
{
	return (struct rp_period){ (int64_t)s->period, (int64_t)s->preactive, (int64_t)s->postactive };
}

/* ------------------------------------------------------------------ the cases */

static struct rp_name name = { .text = "www.example.org" };
static struct rp_port ports[2] = { { .type = SOCK_STREAM, .number = 80 },
				   { .type = SOCK_DGRAM, .number = 53 } };
static struct rp_settings settings = { .password = "secret",
				       .period = 32,
				       .preactive = 8,
				       .postactive = 8,
				       .ports = ports,
				       .n_ports = 2,
				       .names = &name,
				       .n_names = 1 };
static struct rp_loop loop;
static struct rp_addresses all;

static void begin(int64_t now, int places)
{
	wall_s = now;
	room = places;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::", &name.base), 1);
	assert_int_equal(rp_loop_init(&loop), 0);
	all = (struct rp_addresses){ .place = { .loop = &loop, .settings = &settings } };
	assert_int_equal(rp_addresses_begin(&all), 0);
}

static void go_to(int64_t now)
{
	wall_s = now;
	all.clock.ready(&all.clock, EPOLLIN);
}

/* What a client computes. */
static bool lives(int64_t slot)
{
	struct in6_addr addr = name.base;

	iothaddr_hash(&addr, name.text, "secret", (uint32_t)slot);
	return find(&addr) >= 0;
}

static void end(void)
{
	rp_addresses_end(&all);
	rp_loop_fini(&loop);
	assert_int_equal(n_there, 0);
	assert_int_equal(n_sockets, 0);
	assert_int_equal(n_listeners, 0);
}

static int lowest_free_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static void ten_thousand_periods_leave_nothing_behind(void **state)
{
	int before = lowest_free_fd();

	(void)state;
	begin(32000, MOST);
	for (int64_t now = 32000; now < 32000 + 10000 * 32; now += 4) {
		go_to(now);
		struct rp_slots slots = rp_slots_at(now, &(struct rp_period){ 32, 8, 8 });
		assert_int_equal(n_there, slots.last - slots.first + 1);
		assert_int_equal(n_listeners, n_there);
		assert_int_equal(n_sockets, 2 * n_there);
		assert_true(lives(slots.first) && lives(slots.last) && lives(now / 32));
	}
	assert_true(n_added >= 10000 && n_added <= 10002);
	end();
	assert_int_equal(lowest_free_fd(), before);
}

static void after_a_jump_of_the_clock_the_right_ones_live(void **state)
{
	static const int64_t times[] = { 3200, 320000, 3200, 3199, 0, 137438953400, 3232, 1 };

	(void)state;
	begin(3200, MOST);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		go_to(times[i]);
		struct rp_slots slots = rp_slots_at(times[i], &(struct rp_period){ 32, 8, 8 });
		assert_int_equal(n_there, slots.last - slots.first + 1);
		assert_true(lives(slots.first) && lives(slots.last));
	}
	end();
}

static void one_that_is_used_stays_and_may_come_back(void **state)
{
	(void)state;
	begin(3210, MOST);
	struct rp_hold *used = last_hold;
	rp_hold_take(used);
	go_to(32000);
	assert_true(lives(100));
	assert_int_equal(n_listeners, n_there - 1);
	go_to(3210);
	assert_int_equal(n_there, 1);
	assert_int_equal(n_listeners, 1);
	go_to(32000);
	assert_true(lives(100));
	rp_hold_drop(used);
	assert_true(all.again.due_ms <= loop.now_ms);
	all.again.fire(&all.again);
	assert_false(lives(100));
	end();
}

static void one_with_a_connection_that_has_ended_stays_for_a_while(void **state)
{
	(void)state;
	begin(3210, MOST);
	rp_hold_take(last_hold);
	last_hold->sent_ms = loop.now_ms;
	rp_hold_drop(last_hold);
	assert_int_equal(all.again.due_ms, loop.now_ms + 30000); /* it lives: it is only looked at again */
	go_to(32000);
	assert_true(lives(100));
	assert_int_equal(all.again.due_ms, loop.now_ms + 30000);
	loop.now_ms += 30000;
	all.again.fire(&all.again);
	assert_false(lives(100));
	end();
}

static void the_oldest_goes_when_there_is_no_room(void **state)
{
	(void)state;
	n_reset = 0;
	begin(3210, 3);
	for (int64_t slot = 101; slot < 110; slot++) {
		rp_hold_take(last_hold);
		go_to(slot * 32 + 10); /* one lives */
		assert_int_equal(n_there, slot < 102 ? 2 : 3);
		assert_true(lives(slot) && lives(slot - 1));
	}
	assert_int_equal(n_reset, 7);
	n_reset = 0;
	end();
}

static void what_fails_is_done_later(void **state)
{
	(void)state;
	begin(3210, MOST);
	refusals = 2;
	go_to(32010);
	assert_false(lives(1000));
	assert_int_equal(all.again.due_ms, loop.now_ms + 1000);
	all.again.fire(&all.again);
	assert_false(lives(1000));
	all.again.fire(&all.again);
	assert_true(lives(1000));
	assert_int_equal(n_listeners, 1);
	assert_int_equal(all.again.due_ms, loop.now_ms + 30000);
	end();
}

static void one_that_others_have_removed_comes_back(void **state)
{
	(void)state;
	begin(3210, MOST);
	rp_hold_take(last_hold);
	go_to(32000);
	assert_true(lives(100) && lives(1000));
	n_there = 0;
	loop.now_ms += 1000;
	all.again.fire(&all.again);
	assert_true(lives(100) && lives(1000)); /* the retired one has a connection */
	end();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(ten_thousand_periods_leave_nothing_behind),
	cmocka_unit_test(after_a_jump_of_the_clock_the_right_ones_live),
	cmocka_unit_test(one_that_is_used_stays_and_may_come_back),
	cmocka_unit_test(one_with_a_connection_that_has_ended_stays_for_a_while),
	cmocka_unit_test(the_oldest_goes_when_there_is_no_room),
	cmocka_unit_test(what_fails_is_done_later),
	cmocka_unit_test(one_that_others_have_removed_comes_back),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
