/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A hundred stacks with leases in one program: they cause no wake-ups between their timers, take little
 * memory, all renew, and all release their leases at the end. Five hundred with VDESTACK_TESTS_FULL=1.
 */

#define _GNU_SOURCE
#include "client.h"

#define MANY 500
#define FEW 60
#define QUIET_MS 4000 /* without a timer of a source */
/*
 * Of the keeper's resident memory for each. With few leases about 256 KiB count that do not grow with them:
 * pages that are used in part, and the first allocations of threads.
 */
#define LEASE_BYTES (n_stacks == MANY ? 4096 : 8192)

static struct vdestack *stacks[MANY];
static int n_stacks;

static struct vdestack_source state_of(int i)
{
	struct vdestack_source state = { 0 };

	CHECK_EQ(MUST(vdestack_sources(stacks[i], "vde0", &state, 1)), 1);
	return state;
}

/* Of the thread of the sources: its voluntary context switches. */
static long wakeups(void)
{
	char path[64], line[256];
	long n = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)net_keeper());
	DIR *tasks = opendir(path);
	CHECK(tasks != NULL);
	for (struct dirent *d; n < 0 && (d = readdir(tasks)) != NULL;) {
		bool mine = false;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", (int)net_keeper(),
			       d->d_name);
		FILE *f = fopen(path, "re");
		while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
			mine = mine || strcmp(line, "Name:\tvdestack-auto\n") == 0;
			if (mine && strncmp(line, "voluntary", 9) == 0)
				n = strtol(strchr(line, ':') + 1, NULL, 10);
		}
		if (f != NULL)
			(void)fclose(f);
	}
	closedir(tasks);
	return n;
}

static void get_leases(void)
{
	struct vdestack_opts opts = *case_opts();

	opts.flags |= VDESTACK_NO_WAIT;
	for (int i = 0; i < n_stacks; i++)
		MUST(vdestack_configure(stacks[i], "dhcp", &opts));
	for (int i = 0; i < n_stacks; i++)
		if (vdestack_wait_ready(stacks[i], 60000) != 0)
			FAIL("stack %d has no lease: %s", i, vdestack_last_error());
}

static bool few_threads(void *unused)
{
	(void)unused;
	return count_tasks_of(net_keeper()) < 20;
}

/* Until the time of its next renewal has become later than it was. */
static void wait_renewal(int i, long long expiry_us, int timeout_ms)
{
	long long until = now_us() + timeout_ms * 1000LL;

	for (;;) {
		struct vdestack_source state = state_of(i);
		if (now_us() + state.expiry_ms * 1000 > expiry_us + 5000000)
			return;
		if (now_us() > until)
			FAIL("stack %d has not renewed: %s, %s", i, state.state, state.problem);
		sleep_ms(50);
	}
}

CASE_TIMED(many_stacks_of_one_program_renew_and_sleep_in_between,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER, 400)
{
	static long long expiry_us[MANY];
	bool full = is_full();
	struct server_plan p = {
		.subnet = "10.7.0.0/16", .first = "10.7.1.0", .last = "10.7.8.0", .router = "10.7.0.1",
		/* 500 leases take half a minute: each broadcast is copied to 500 interfaces. */
		.t1_s = full ? 90 : 30, .t2_s = full ? 150 : 60, .lease_s = full ? 180 : 80,
	};

	n_stacks = full ? MANY : FEW;
	server = (struct server){ .kind = SERVER_DHCPD4, .plan = &p };
	server.stack = new_stack("vnl=inproc://lan ip=10.7.0.1/16 nodad");
	server_start(&server);
	for (int i = 0; i < n_stacks; i++)
		stacks[i] = new_stack("vnl=inproc://lan eth");
	long before = rss_kib_of(net_keeper());
	long long began = now_us();
	get_leases();
	printf("%d leases in %lld ms\n", n_stacks, (now_us() - began) / 1000);
	sleep_ms(3000); /* the announcements of the last address, RFC 5227 */
	long each = (rss_kib_of(net_keeper()) - before) * 1024 / n_stacks, woken = wakeups();
	long long first_renewal_us = INT64_MAX;
	for (int i = 0; i < n_stacks; i++) {
		struct vdestack_source state = state_of(i);
		CHECK_STR(state.state, "BOUND");
		expiry_us[i] = now_us() + state.expiry_ms * 1000;
		if (now_us() + state.t1_ms * 1000 < first_renewal_us)
			first_renewal_us = now_us() + state.t1_ms * 1000;
	}
	printf("%ld bytes for each, %lld ms to the first renewal\n", each,
	       (first_renewal_us - now_us()) / 1000);
	CHECK(woken > 0);
	CHECK(each <= LEASE_BYTES);
	if (first_renewal_us - now_us() < (QUIET_MS + 1000) * 1000LL)
		FAIL("it has taken too long: the first renewal is near");
	int asked = server_said(&server, "DHCPDISCOVER");
	woken = wakeups();
	sleep_ms(QUIET_MS); /* nothing happens */
	woken = wakeups() - woken;
	printf("%ld wake-ups in %d ms\n", woken, QUIET_MS);
	CHECK_EQ(woken, 0);
	for (int i = 0; i < n_stacks; i++)
		wait_renewal(i, expiry_us[i], (int)p.t1_s * 1000 + 30000);
	CHECK_EQ(server_said(&server, "DHCPDISCOVER"), asked); /* nobody has begun anew */
	began = now_us();
	for (int i = 0; i < n_stacks; i++)
		MUST(vdestack_delete(stacks[i]));
	/* The releases of 500 take two seconds. */
	if (now_us() - began > 1000000)
		FAIL("the deletions took %lld ms", (now_us() - began) / 1000);
	if (!server_wait_log(&server, "DHCPRELEASE of", n_stacks, SOON_MS + 200 * n_stacks))
		FAIL("the server has seen %d releases", server_said(&server, "DHCPRELEASE of"));
	printf("%d releases in %lld ms\n", n_stacks, (now_us() - began) / 1000);
	/* The kernel takes long to close packet sockets: each networking thread closes its own. */
	if (!wait_until(few_threads, NULL, SOON_MS + 200 * n_stacks))
		FAIL("%d threads are still there after %lld ms", count_tasks_of(net_keeper()),
		     (now_us() - began) / 1000);
	printf("all have ended after %lld ms\n", (now_us() - began) / 1000);
	server_stop(&server);
}
