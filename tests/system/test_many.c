/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Many stacks in one program: each is made, used and deleted, and nothing is left. 300 of them; the slow case
 * makes 10 000, or as many as VDESTACK_TEST_STACKS says.
 *
 * The last ones must not cost much more than the first ones. What is compared is processor time of the
 * keeper, in which the kernel makes the namespaces: its wall time depends on what else runs. Medians, because
 * the kernel's work of other processes is done in whatever thread runs.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include "stacks.h"
#include <vdestack.h>

#define BEHIND_MS 600000 /* the kernel removes namespaces in the background, one after the other */
#define KERNEL_KIB 450   /* memory for a stack, that of the kernel included, with some to spare */

/* ------------------------------------------------------------------ what must be the same afterwards */

static pid_t keeper; /* 0 with the in-process variant */

struct state {
	int fds, tasks, keeper_fds, keeper_tasks;
};

static struct state look(void)
{
	return (struct state){ .fds = count_fds(),
			       .tasks = count_tasks_of(getpid()),
			       .keeper_fds = keeper != 0 ? count_fds_of(keeper) : 0,
			       .keeper_tasks = keeper != 0 ? count_tasks_of(keeper) : 0 };
}

static bool is_as_before(void *arg)
{
	const struct state *before = arg;
	struct state now = look();

	return now.fds <= before->fds && now.tasks <= before->tasks &&
	       now.keeper_fds <= before->keeper_fds && now.keeper_tasks <= before->keeper_tasks;
}

/* ------------------------------------------------------------------ one stack */

/* A datagram to the stack itself. */
static void use(struct vdestack *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	char got[8] = "";
	int fd = (int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	MUST(bind(fd, (struct sockaddr *)&at, len));
	MUST(getsockname(fd, (struct sockaddr *)&at, &len));
	MUST(sendto(fd, "self", 4, 0, (struct sockaddr *)&at, len));
	CHECK(wait_readable(fd, SOON_MS));
	CHECK_EQ(recv(fd, got, sizeof(got), 0), 4);
	close(fd);
}

/* Most have no interface, some have one with a pump, some are on a segment. */
static struct vdestack *make(int i)
{
	static const char *const kinds[] = { "vnl=null://", "vnl=inproc://many" };
	const char *config = i % 50 < 2 ? kinds[i % 50] : "";
	struct vdestack *s = vdestack_new(config, case_opts());

	if (s == NULL)
		FAIL("stack %d \"%s\": %s", i, config, vdestack_last_error());
	use(s);
	return s;
}

/* What relax_limits() of the keeper sets: the same in every stack, and not in the host's network. */
static void check_sysctls(struct vdestack *s)
{
	char value[32];

	MUST(vdestack_sysctl_get(s, "ipv4/ip_unprivileged_port_start", value, sizeof(value)));
	CHECK_STR(value, "0");
	MUST(vdestack_sysctl_get(s, "ipv6/conf/all/ndisc_notify", value, sizeof(value)));
	CHECK_STR(value, "1");
}

/* ------------------------------------------------------------------ what one costs */

#define SOME 100

struct cost {
	long long took[SOME]; /* ns */
	int n;
};

/* Processor time of the keeper so far, all its threads together. */
static long long keeper_ns(void)
{
	clockid_t clock;
	struct timespec t;

	CHECK_EQ(clock_getcpuclockid(keeper, &clock), 0);
	MUST(clock_gettime(clock, &t));
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	const long long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static long long median_us(struct cost *c)
{
	qsort(c->took, (size_t)c->n, sizeof(c->took[0]), by_size);
	return c->took[c->n / 2] / 1000;
}

/* One that is noted, of those without an interface: they are all alike. */
static struct vdestack *make_noted(int i, struct cost *c)
{
	long long began = keeper_ns();
	struct vdestack *s = make(i);

	if (i % 50 >= 2)
		c->took[c->n++] = keeper_ns() - began;
	return s;
}

/* ------------------------------------------------------------------ many */

/* most: how much more the last hundred may cost than the second one, in tenths; 0: any number. */
static void make_use_and_delete(int n, int most)
{
	static struct cost first, last;
	struct vdestack **all = calloc((size_t)n, sizeof(*all));
	struct vdestack *stays = make(2);

	CHECK(all != NULL);
	keeper = case_is_inprocess() ? 0 : net_keeper();
	MUST(vdestack_delete(make(0))); /* what comes with the first interface */
	sleep_ms(3000); /* the reserve for the next stack has been given up, the registry is open */
	struct state before = look();
	for (int i = 0; i < n; i++) {
		bool is_last = i >= n - SOME, noted = most > 0 && (is_last || (i >= SOME && i < 2 * SOME));
		all[i] = noted ? make_noted(i, is_last ? &last : &first) : make(i);
	}
	struct state during = look();
	if (most > 0) {
		long long before_us = median_us(&first), after_us = median_us(&last);
		printf("%d stacks: %lld us of the keeper for the 150th, %lld us for the last ones\n",
		       n, before_us, after_us);
		CHECK(after_us * 10 <= before_us * most);
	}
	printf("descriptors %d and %d, tasks %d and %d\n", during.fds, during.keeper_fds, during.tasks,
	       during.keeper_tasks);
	for (int i = 0; i < n; i += n / 100) {
		use(all[i]);
		check_sysctls(all[i]);
	}
	for (int i = 0; i < n; i++)
		MUST(vdestack_delete(all[i]));
	for (int i = 0; i < n; i += n / 10)
		CHECK_ERRNO(vdestack_msocket(all[i], AF_INET, SOCK_DGRAM, 0), EINVAL);
	use(stays);
	if (!wait_until(is_as_before, &before, BEHIND_MS)) {
		struct state now = look();
		FAIL("descriptors %d -> %d, tasks %d -> %d; of the keeper %d -> %d, %d -> %d", before.fds,
		     now.fds, before.tasks, now.tasks, before.keeper_fds, now.keeper_fds, before.keeper_tasks,
		     now.keeper_tasks);
	}
	use(stays);
	MUST(vdestack_delete(stays));
	free(all);
}

CASE_TIMED(three_hundred_stacks_are_made_used_and_deleted,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE | CASE_F_NO_SANITIZER, 300)
{
	make_use_and_delete(300, 0);
}

/* -1: it cannot be read. */
static long number_in(const char *path, const char *key)
{
	char line[256];
	long value = -1;
	FILE *f = fopen(path, "re");

	while (f != NULL && value < 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtol(line + strlen(key), NULL, 10);
	if (f != NULL)
		fclose(f);
	return value;
}

/* The limits that so many stacks meet. */
static void need_room_for(int n)
{
	static const char *const files[] = { "/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max",
					     "/proc/sys/user/max_net_namespaces" };
	struct rlimit limit;

	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_max < (rlim_t)n + (rlim_t)n / 5 + 1000)
		SKIP("RLIMIT_NOFILE allows no %d stacks", n);
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (number_in(files[i], "") < 2L * n)
			SKIP("%s is too low for %d stacks", files[i], n);
	if (number_in("/proc/sys/vm/max_map_count", "") < 3L * n)
		SKIP("vm.max_map_count is too low for %d stacks", n);
	if (number_in("/proc/meminfo", "MemAvailable:") < (long)KERNEL_KIB * n)
		SKIP("there is no memory for %d stacks", n);
}

/* Measured: 1.2 times. With /proc/sys/net alone (src/keeper/sysctl_dir.c) it was 2.03. */
CASE_TIMED(the_thousandth_stack_costs_little_more_than_the_hundredth,
	   CASE_F_ROOT | CASE_F_VDE | CASE_F_NO_SANITIZER, 600)
{
	need_room_for(1000);
	make_use_and_delete(1000, 17);
}

CASE_TIMED(ten_thousand_stacks_are_made_used_and_deleted,
	   CASE_F_ROOT | CASE_F_VDE | CASE_F_NO_SANITIZER | CASE_F_SLOW | CASE_F_ALONE, 3600)
{
	const char *wanted = getenv("VDESTACK_TEST_STACKS");
	int n = wanted != NULL ? atoi(wanted) : 10000;

	n = n < 200 ? 200 : n;
	need_room_for(n);
	make_use_and_delete(n, 20);
}
