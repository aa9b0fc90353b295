/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every call of libc and libioth that otip_rproxy makes in an operation fails once, as without memory and
 * without descriptors. The proxy goes on. A few seconds later at most new clients are served, descriptors are
 * as many as before, and memory does not grow.
 *
 * By default about SAMPLE faults of each kind are injected, with VDESTACK_TESTS_FULL=1 all of them.
 */

#include "daemons/otip_rproxy/loop.h"
#include "inject.h"

static struct inject_control control;

/* Faults are for the proxy alone, not for the case's own clients and servers. */
static int watch_without_faults(struct rp_loop *l, struct rp_watch *w, uint32_t events)
{
	int side = atomic_exchange(&control.side, INJECT_NONE);
	int r = rp_loop_watch(l, w, events);

	atomic_store(&control.side, side);
	return r;
}

#define GROUND_WATCH watch_without_faults
#include "rproxy_ground.h"

#define SAMPLE 12
#define ROUNDS 4
#define QUICK_MS 300     /* an operation that a fault has stopped */
#define RECOVER_STEPS 60 /* of a second */
#define MANY 400000      /* bytes: they are moved by splice(2) */

static int64_t slot = 1000;

static struct in6_addr current(void)
{
	return address_of_slot(slot);
}

/* ------------------------------------------------------------------ operations */

static int run_connection(int most_ms)
{
	return ask(SOCK_STREAM, current(), most_ms);
}

static int run_datagram(int most_ms)
{
	return ask(SOCK_DGRAM, current(), most_ms);
}

/* The next address comes, and the one before goes. */
static int run_period(int most_ms)
{
	slot++;
	skip(PERIOD_S * 1000);
	set_wall(slot * PERIOD_S + PERIOD_S / 2);
	int r = rp_addresses_update(&addresses);
	return r < 0 ? r : run_connection(most_ms);
}

/* Sends much, and has it back. */
static struct {
	struct rp_watch watch;
	size_t sent, got;
	bool failed;
} bulk;

static void bulk_ready(struct rp_watch *w, uint32_t events)
{
	static char bytes[MANY];
	ssize_t n;

	if ((events & EPOLLOUT) != 0 && bulk.sent < MANY) {
		n = ioth_send(w->fd, bytes, MANY - bulk.sent, MSG_NOSIGNAL);
		bulk.sent += n > 0 ? (size_t)n : 0;
	}
	n = ioth_recv(w->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	bulk.got += n > 0 ? (size_t)n : 0;
	bulk.failed = n == 0 || (n < 0 && errno != EAGAIN);
	loop.stop = bulk.failed || bulk.got == MANY;
	if (loop.stop)
		rp_loop_forget(&loop, w);
	else
		(void)GROUND_WATCH(&loop, w, EPOLLIN | (bulk.sent < MANY ? EPOLLOUT : 0u));
}

static int run_bulk(int most_ms)
{
	struct in6_addr a = current();
	struct sockaddr_in6 sa = address6(a, CLIENT_PORT);

	CHECK(wait_until(is_local, &a, SOON_MS));
	memset(&bulk, 0, sizeof(bulk));
	bulk.watch.ready = bulk_ready;
	bulk.watch.fd =
		(int)MUST(ioth_msocket(outside, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	if (ioth_connect(bulk.watch.fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		CHECK_EQ(errno, EINPROGRESS);
	CHECK_EQ(GROUND_WATCH(&loop, &bulk.watch, EPOLLIN | EPOLLOUT), 0);
	run_loop(most_ms);
	rp_loop_forget(&loop, &bulk.watch);
	(void)ioth_close(bulk.watch.fd);
	return bulk.got == MANY ? 0 : -EIO;
}

struct op {
	const char *name;
	int (*run)(int most_ms);
};

/* ------------------------------------------------------------------ the sweep */

static int run_armed(const struct op *op, int target, enum inject_mode mode, int most_ms)
{
	atomic_store(&control.mode, (int)mode);
	atomic_store(&control.target, target);
	atomic_store(&control.count, 0);
	atomic_store(&control.fired, 0);
	atomic_store(&control.side, INJECT_PROGRAM);
	int r = op->run(most_ms);
	atomic_store(&control.side, INJECT_NONE);
	return r;
}

/* New clients are served, at once or after the proxy has tried again. */
static void recover(const struct op *op)
{
	int r = 0;

	for (int i = 0; i < RECOVER_STEPS; i++) {
		run_loop(i == 0 ? 0 : 50); /* the route of a new address comes a moment later */
		struct in6_addr a = current();
		r = is_local(&a) ? run_connection(QUICK_MS) : -EADDRNOTAVAIL;
		if (r == 0)
			r = run_datagram(QUICK_MS);
		if (r == 0)
			return;
		skip(1000);
	}
	FAIL("%s: a fault in %s (%s): new clients are not served: %s", op->name, control.what,
	     strerrorname_np(atomic_load(&control.injected)), strerror(-r));
}

/* Two periods later nothing of before is there. */
static void come_to_rest(void)
{
	for (int i = 0; i < 2; i++)
		CHECK_EQ(run_period(SOON_MS), 0);
	skip(10000);
	for (int i = 0; served > 0 && i < SOON_MS / 10; i++)
		run_loop(10);
	run_loop(0);
	CHECK_EQ(served, 0);
}

static void sweep(const struct op *op, enum inject_mode mode)
{
	const char *full = getenv("VDESTACK_TESTS_FULL");
	size_t used[ROUNDS];

	rproxy_begin("vdestack", slot * PERIOD_S + PERIOD_S / 2);
	inject_control = &control;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(op->run(SOON_MS), 0);
	CHECK_EQ(run_armed(op, 0, mode, SOON_MS), 0);
	int calls = atomic_load(&control.count);
	int step = full != NULL && *full == '1' ? 1 : 1 + calls / SAMPLE;
	CHECK(calls > 0);
	come_to_rest();
	int fds = count_fds();
	for (int round = 0; round < ROUNDS; round++) {
		for (int target = 1; target <= calls; target += step) {
			int r = run_armed(op, target, mode, QUICK_MS);
			if (mode == INJECT_INTR && r < 0)
				FAIL("%s: %s was interrupted: %s", op->name, control.what, strerror(-r));
			recover(op);
		}
		come_to_rest();
		if (count_fds() != fds)
			FAIL("%s: %d descriptors, were %d", op->name, count_fds(), fds);
		used[round] = mallinfo2().uordblks;
	}
	printf("%-12s calls %4d, memory %zu %zu %zu %zu\n", op->name, calls, used[0], used[1], used[2],
	       used[3]);
	CHECK(used[ROUNDS - 1] <= used[ROUNDS - 2] || used[ROUNDS - 2] <= used[ROUNDS - 3]);
	rproxy_end();
}

#define SWEEP(what)                                                                                          \
	CASE(each_call_fails_in_##what)                                                                      \
	{                                                                                                    \
		sweep(&(struct op){ #what, run_##what }, INJECT_HARD);                                       \
	}

SWEEP(connection)
SWEEP(datagram)
SWEEP(period)
SWEEP(bulk)

CASE(a_connection_goes_on_after_signals)
{
	sweep(&(struct op){ "connection", run_connection }, INJECT_INTR);
}
