/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every call of libc and libioth that libiothradvd makes fails once, in the calls of the program and in the
 * thread of a server. A call then succeeds, or fails with the injected errno. A server that began serves all
 * the same: a host gets its next address. Descriptors are as before, and memory does not grow.
 */

#include "../ioth/iothradvd_net.h"

#include <malloc.h>

#include "inject.h"

#define ROUNDS 4

static struct inject_control control;

static struct iothradvd_opts settings(void)
{
	static const struct iothradata data = { .router_lifetime = 1800 };
	static struct iothraprefix prefix = { .prefixlen = 64, .valid_time = 600, .preferred_time = 300 };

	prefix.prefix = addr6("fd00:1::");
	return (struct iothradvd_opts){ .size = sizeof(struct iothradvd_opts),
					.stack = router,
					.ifindex = router_index(),
					.data = &data,
					.prefixes = &prefix,
					.n_prefixes = 1 };
}

/* A server begins, changes and ends. 0 or -errno. */
static int run(void)
{
	struct iothradvd_opts o = settings();
	struct iothradvd *s = iothradvd_start_opts(&o);

	if (s == NULL)
		return -errno;
	o.max_interval = 60;
	int r = iothradvd_update(s, &o) < 0 ? -errno : 0;
	iothradvd_stop(s);
	return r;
}

static int run_armed(int target)
{
	atomic_store(&control.mode, (int)INJECT_HARD);
	atomic_store(&control.target, target);
	atomic_store(&control.count, 0);
	atomic_store(&control.fired, 0);
	atomic_store(&control.side, INJECT_PROGRAM);
	int r = run();
	atomic_store(&control.side, INJECT_NONE);
	return r;
}

CASE(each_call_fails_in_the_life_of_a_server)
{
	size_t used[ROUNDS];

	new_router("vdestack");
	inject_control = &control;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(run(), 0);
	CHECK_EQ(run_armed(0), 0);
	int calls = atomic_load(&control.count), fds = count_fds();
	CHECK(calls > 0);
	for (int round = 0; round < ROUNDS; round++) {
		for (int target = 1; target <= calls; target++) {
			int r = run_armed(target), injected = atomic_load(&control.injected);
			if (r < 0 && -r != injected && -r != ENOMEM)
				FAIL("fault %d in %s (%s): %s", target, control.what,
				     strerrorname_np(injected), strerrorname_np(-r));
			CHECK_EQ(run(), 0);
			CHECK_EQ(count_fds(), fds);
		}
		used[round] = mallinfo2().uordblks;
	}
	printf("calls %d, memory %zu %zu %zu %zu\n", calls, used[0], used[1], used[2], used[3]);
	CHECK(used[ROUNDS - 1] <= used[ROUNDS - 2] || used[ROUNDS - 2] <= used[ROUNDS - 3]);
	MUST(ioth_delstack(router));
}

/* The fault is in the thread: the server goes on, and a host is configured. */
CASE(a_server_goes_on_after_each_failed_call_of_its_thread)
{
	new_router("vdestack");
	inject_control = &control;
	struct iothradvd_opts o = settings();
	o.max_interval = 4;
	for (int target = 1; target <= 8; target++) {
		struct iothradvd *s = iothradvd_start_opts(&o);
		CHECK(s != NULL);
		atomic_store(&control.mode, (int)INJECT_HARD);
		atomic_store(&control.target, target);
		atomic_store(&control.count, 0);
		atomic_store(&control.side, INJECT_PROGRAM);
		host = new_stack("vnl=inproc://lan");
		CHECK(wait_until(has_route_now, (char *)"", SOON_MS));
		atomic_store(&control.side, INJECT_NONE);
		MUST(vdestack_delete(host));
		iothradvd_stop(s);
	}
	MUST(ioth_delstack(router));
}
