/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stacks, sockets and commands are made and ended many times, and nothing grows.
 *
 * VDESTACK_TEST_CYCLES: how many stacks the long case makes, 300 if not set, and a hundred times as many
 * sockets.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>
#include <vdestack/conf.h>

#define KEEPER "vdestack-keeper"
#define SOON_MS 20000
#define WARM_UP 40      /* cycles until buffers, arenas and thread stacks no longer grow */
#define RSS_SLACK_KIB 1024 /* of a thousand cycles; a kilobyte lost in each would show */

static struct vdestack *new_stack(const char *config)
{
	struct vdestack *stack = vdestack_new(config, case_opts());

	if (stack == NULL)
		FAIL("no stack \"%s\": %s: %s", config, strerrorname_np(errno), vdestack_last_error());
	return stack;
}

/* ------------------------------------------------------------------ what must not grow */

struct state {
	int fds, keeper_fds, tasks, keeper_tasks, maps, keeper_maps;
	long rss, keeper_rss;
};

static pid_t keeper; /* 0 with the in-process variant */

static struct state look(void)
{
	pid_t me = getpid();

	return (struct state){
		.fds = count_fds(),
		.keeper_fds = keeper != 0 ? count_fds_of(keeper) : 0,
		.tasks = count_tasks_of(me),
		.keeper_tasks = keeper != 0 ? count_tasks_of(keeper) : 0,
		.maps = count_maps_of(me),
		.keeper_maps = keeper != 0 ? count_maps_of(keeper) : 0,
		.rss = rss_kib_of(me),
		.keeper_rss = keeper != 0 ? rss_kib_of(keeper) : 0,
	};
}

static void show(const char *when, const struct state *s)
{
	printf("%s: descriptors %d and %d, tasks %d and %d, mappings %d and %d, RSS %ld and %ld KiB\n", when,
	       s->fds, s->keeper_fds, s->tasks, s->keeper_tasks, s->maps, s->keeper_maps, s->rss,
	       s->keeper_rss);
	(void)fflush(stdout);
}

struct comparison {
	struct state before, after;
	int maps_slack;
};

/* Deletion continues in the background, so this is repeated until it is true. */
static bool is_as_before(void *arg)
{
	struct comparison *c = arg;
	const struct state *a = &c->before;

	c->after = look();
	return c->after.fds == a->fds && c->after.keeper_fds <= a->keeper_fds && c->after.tasks == a->tasks &&
	       c->after.keeper_tasks <= a->keeper_tasks && c->after.maps <= a->maps + c->maps_slack &&
	       c->after.keeper_maps <= a->keeper_maps + c->maps_slack &&
	       c->after.rss <= a->rss + RSS_SLACK_KIB && c->after.keeper_rss <= a->keeper_rss + RSS_SLACK_KIB;
}

static void check_as_before(const struct state *before)
{
	/* Malloc makes and removes arenas of threads, two mappings each, at no fixed time. */
	struct comparison c = { .before = *before, .maps_slack = 16 };
	bool same = wait_until(is_as_before, &c, SOON_MS);

	show("before", &c.before);
	show("after", &c.after);
	if (!same)
		FAIL("something has grown");
}

static bool background_is_done(void *tasks)
{
	return count_tasks_of(keeper != 0 ? keeper : getpid()) <= *(int *)tasks;
}

/* Waits until the tasks of ended stacks have ended: `idle` is the number of tasks then. */
static void settle(int idle)
{
	if (!wait_until(background_is_done, &idle, SOON_MS))
		FAIL("%d tasks, expected no more than %d", count_tasks_of(keeper != 0 ? keeper : getpid()),
		     idle);
}

static int idle_tasks(void)
{
	keeper = case_is_inprocess() ? 0 : net_keeper();
	return count_tasks_of(keeper != 0 ? keeper : getpid());
}

/* ------------------------------------------------------------------ cycles */

static void use_and_delete(struct vdestack *stack)
{
	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
	MUST(vdestack_delete(stack));
}

static void one_cycle(const char *config)
{
	use_and_delete(new_stack(config));
}

static int wanted_cycles(void)
{
	const char *text = getenv("VDESTACK_TEST_CYCLES");
	int n = text != NULL ? atoi(text) : 300;

	return n > 100 ? n : 100;
}

CASE_TIMED(many_stacks_made_and_deleted_beside_one_leave_nothing,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER, 600)
{
	struct vdestack *stays = new_stack("");
	int idle = idle_tasks(), n = wanted_cycles();
	struct state before = { 0 };

	close((int)MUST(vdestack_msocket(stays, AF_INET, SOCK_STREAM, 0)));
	for (int i = 0; i < WARM_UP + n; i++) {
		if (i == WARM_UP) {
			settle(idle);
			before = look();
		}
		one_cycle(
			i % 10 == 0
				? "vnl=inproc://lan ip=10.0.0.1/24 iface=eth1 vnl=inproc://wan ip=10.0.1.1/24"
				: "");
		if (i % 50 == 0) /* the kernel removes namespaces in the background: wait for it */
			settle(idle);
	}
	check_as_before(&before);
	close((int)MUST(vdestack_msocket(stays, AF_INET, SOCK_STREAM, 0)));
	MUST(vdestack_delete(stays));
}

CASE_FLAGS(stacks_made_and_deleted_each_with_its_keeper_leave_nothing,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)
{
	struct state before = { 0 };

	for (int i = 0; i < 120; i++) {
		if (i == 20) {
			settle(case_is_inprocess() ? 1 : 100000);
			before = look();
		}
		one_cycle(i % 10 == 0 ? "vnl=inproc://lan ip=10.0.0.1/24" : "");
	}
	CHECK(case_is_inprocess() || net_wait_keepers(0, SOON_MS));
	check_as_before(&before);
}

CASE_FLAGS(interfaces_added_and_removed_leave_nothing,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER | CASE_F_NO_TUN)
{
	struct vdestack *stack = new_stack("");
	int idle = idle_tasks();
	struct state before = { 0 };

	for (int i = 0; i < 40; i++) {
		if (i == 15) {
			settle(idle);
			before = look();
		}
		char config[64]; /* each on a segment of its own, which must not stay either */
		(void)snprintf(config, sizeof(config), "iface=eth5 vnl=inproc://lan%d ip=10.0.0.1/24", i);
		MUST(vdestack_iface_add(stack, config, NULL));
		CHECK_ERRNO(vdestack_iface_add(
				    stack, "iface=eth6 vnl=inproc://lan iface=eth7 vnl=/nonexistent/switch",
				    NULL),
			    ENOENT);
		MUST(vdestack_iface_del(stack, "eth5"));
	}
	check_as_before(&before);
	MUST(vdestack_delete(stack));
}

CASE_FLAGS(creations_that_fail_leave_nothing,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER | CASE_F_NO_TUN)
{
	struct vdestack *stays = new_stack("");
	int idle = idle_tasks();
	struct state before = { 0 };

	for (int i = 0; i < 60; i++) {
		if (i == 20) {
			settle(idle);
			before = look();
		}
		CHECK_ERRNO(vdestack_new("iface=eth0 vnl=inproc://lan ip=10.0.0.1/24 iface=eth1 "
					 "vnl=/nonexistent/switch",
					 case_opts()),
			    ENOENT);
		CHECK_ERRNO(vdestack_new("vnl=inproc://lan ip=10.0.0.300/24", case_opts()), EINVAL);
		CHECK_ERRNO(vdestack_new("vnl=inproc://lan gw=10.77.0.1", case_opts()), ENETUNREACH);
	}
	check_as_before(&before);
	MUST(vdestack_delete(stays));
}

CASE_FLAGS(commands_leave_nothing, CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)
{
	struct vdestack *stack = new_stack("");
	struct state before = { 0 };
	char *argv[] = { "true", NULL }, *missing[] = { "/nonexistent/command", NULL };

	(void)idle_tasks();
	for (int i = 0; i < 100; i++) {
		if (i == 20)
			before = look();
		CHECK_EQ(vdestack_run(stack, argv, NULL), 0);
		CHECK_ERRNO(vdestack_run(stack, missing, NULL), ENOENT);
	}
	check_as_before(&before);
	MUST(vdestack_delete(stack));
}

CASE_TIMED(a_hundred_thousand_sockets_leave_nothing,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER, 600)
{
	struct vdestack *stack = new_stack("");
	struct state before = { 0 };

	(void)idle_tasks();
	for (int i = 0; i < 1000 + 100 * wanted_cycles(); i++) {
		if (i == 1000)
			before = look();
		int kind = (i / 100) % 3; /* runs of each kind */
		int fd = vdestack_msocket(stack, kind == 2 ? AF_NETLINK : AF_INET,
					  kind == 0 ? SOCK_STREAM : SOCK_DGRAM, 0);
		if (fd < 0)
			FAIL("socket %d: %s: %s", i, strerrorname_np(errno), vdestack_last_error());
		close(fd);
	}
	check_as_before(&before);
	MUST(vdestack_delete(stack));
}

/* ------------------------------------------------------------------ ports and namespaces */

/*
 * Connections to the switch, each of which is a port of the switch. They are not counted by the switch
 * itself, because it sometimes lists an endpoint whose connection it has closed.
 */
static int connections_to(const struct net_switch *sw)
{
	char line[512], path[300];
	int n = 0;
	FILE *f = fopen("/proc/net/unix", "re");

	CHECK(f != NULL);
	(void)snprintf(path, sizeof(path), "%s/ctl", sw->dir);
	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned state = 0;
		char name[300] = "";
		if (sscanf(line, "%*s %*s %*s %*s %*s %x %*s %299s", &state, name) == 2 &&
		    strcmp(name, path) == 0)
			n += state == 3; /* connected */
	}
	fclose(f);
	return n;
}

/* Sockets that clients have bound in the switch's directory. */
static int sockets_of_clients(const struct net_switch *sw)
{
	DIR *dir = opendir(sw->dir);
	int n = 0;

	CHECK(dir != NULL);
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] == '.' && e->d_name[1] != '\0' && e->d_name[1] != '.';
	closedir(dir);
	return n;
}

static bool one_is_left(void *arg)
{
	return connections_to(arg) == 1 && sockets_of_clients(arg) <= 1;
}

/*
 * A vde_switch removes the socket of a port when it notices that its last client has gone. Sometimes the next
 * client is already using it, and gets ENOENT. This cannot be detected before, so the case tries again.
 */
static void one_cycle_on_a_switch(const char *config)
{
	struct vdestack *stack = vdestack_new(config, case_opts());

	for (int i = 0; i < 100 && stack == NULL && errno == ENOENT; i++) {
		(void)poll(NULL, 0, 20);
		stack = vdestack_new(config, case_opts());
	}
	if (stack == NULL)
		FAIL("no stack \"%s\": %s: %s", config, strerrorname_np(errno), vdestack_last_error());
	use_and_delete(stack);
}

CASE_FLAGS(stacks_on_a_vde_switch_give_their_ports_and_socket_files_back,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE | CASE_F_NO_TUN)
{
	struct net_switch sw;
	char config[400];

	net_switch_start(&sw, "sw");
	(void)snprintf(config, sizeof(config), "vnl=vde://%s ip=10.0.0.1/24", sw.dir);
	struct vdestack *stays = new_stack(config);
	int idle = idle_tasks();
	CHECK_EQ(net_switch_ports(&sw), 1);
	CHECK_EQ(connections_to(&sw), 1);
	struct state before = { 0 };
	for (int i = 0; i < 60; i++) {
		if (i == 20) {
			settle(idle);
			before = look();
		}
		one_cycle_on_a_switch(config);
		if (i % 10 == 9) /* it has 64 ports */
			settle(idle);
	}
	if (!wait_until(one_is_left, &sw, SOON_MS))
		FAIL("%d connections to the switch and %d sockets in its directory, expected 1",
		     connections_to(&sw), sockets_of_clients(&sw));
	if (case_sanitizer()[0] == '\0')
		check_as_before(&before);
	MUST(vdestack_delete(stays));
	net_switch_stop(&sw);
}

static void write_to(const char *path, const char *text)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CLOEXEC));

	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

#define NAMESPACES 30

static struct vdestack *full_house[NAMESPACES];
static int n_full_house;

/* Makes as many as the limit allows, and keeps them: deleting them would take time. */
static bool house_is_full(void *arg)
{
	int wanted = *(int *)arg;

	while (n_full_house < wanted && (full_house[n_full_house] = vdestack_new("", case_opts())) != NULL)
		n_full_house++;
	if (n_full_house < wanted && errno != ENOSPC)
		FAIL("%s: %s", strerrorname_np(errno), vdestack_last_error());
	return n_full_house == wanted;
}

/*
 * In a user namespace of its own the case may limit the number of network namespaces. A namespace that
 * was not freed is missing in the end.
 */
static void fill_house(void)
{
	int all_but_one = NAMESPACES - 1;

	if (!wait_until(house_is_full, &all_but_one, SOON_MS))
		FAIL("%d namespaces can be had, expected %d", n_full_house, all_but_one);
	for (int i = 0; i < n_full_house; i++)
		MUST(vdestack_delete(full_house[i]));
}

static void in_child(void (*fn)(void))
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		fn();
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

/* In a user namespace of its own. */
static void limit_namespaces(const char *most)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	MUST(unshare(CLONE_NEWUSER));
	write_to("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	write_to("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	write_to("/proc/self/gid_map", map);
	write_to("/proc/sys/user/max_net_namespaces", most);
}

CASE_BOTH(deleted_stacks_give_their_namespaces_back)
{
	limit_namespaces("30");
	struct vdestack *stays = new_stack("");
	for (int i = 0, tries = 0; i < 100;) {
		struct vdestack *stack = vdestack_new(i % 5 == 0 ? "vnl=inproc://lan" : "", case_opts());
		if (stack == NULL) { /* the kernel frees them later */
			CHECK_EQ(errno, ENOSPC);
			CHECK_CONTAINS(vdestack_last_error(), "max_net_namespaces");
			CHECK(++tries < 2000);
			sleep_ms(10);
			continue;
		}
		for (int j = 0; j < 8; j++) /* so that more are made ahead */
			close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0)));
		MUST(vdestack_delete(stack));
		i++;
	}
	/* By a child: further calls of this process would end what it was sent ahead. */
	if (case_is_inprocess())
		fill_house();
	else
		in_child(fill_house);
	MUST(vdestack_delete(stays));
}

/* How often the keeper's main thread has slept. */
static long keeper_sleeps(void)
{
	char path[64], line[256];
	long n = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)net_keeper());
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "voluntary", 9) == 0)
			n = strtol(strchr(line, ':') + 1, NULL, 10);
	CHECK(f != NULL && n >= 0);
	(void)fclose(f);
	return n;
}

/* After a row of stacks it makes namespaces ahead. */
CASE_FLAGS(a_keeper_that_gets_no_more_namespaces_does_not_try_on_and_on, CASE_F_ROOT | CASE_F_USER)
{
	struct vdestack *stacks[4];

	limit_namespaces("4");
	for (size_t i = 0; i < 4; i++)
		stacks[i] = new_stack("");
	long before = keeper_sleeps();
	sleep_ms(300); /* in which it would try thousands of times */
	CHECK(keeper_sleeps() - before < 100);
	CHECK(vdestack_new("", case_opts()) == NULL);
	CHECK_EQ(errno, ENOSPC);
	for (size_t i = 0; i < 4; i++)
		MUST(vdestack_delete(stacks[i]));
}

static bool has_reserve(void *arg)
{
	(void)arg;
	return count_tasks_of(net_keeper()) >= 1 + 6 + 2;
}

CASE_FLAGS(namespaces_made_ahead_do_not_stand_in_the_way_of_a_segment, CASE_F_ROOT | CASE_F_USER)
{
	struct vdestack *stacks[7];

	limit_namespaces("8");
	for (size_t i = 0; i < 6; i++)
		stacks[i] = new_stack("");
	(void)wait_until(has_reserve, NULL, 1000); /* on a machine that is too slow there is none */
	stacks[6] = new_stack("vnl=inproc://lan");
	for (size_t i = 0; i < 7; i++)
		MUST(vdestack_delete(stacks[i]));
}
