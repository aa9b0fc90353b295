/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Within a second after the end of a program nothing is left of its stacks, however it ends. Its own ports,
 * files and locks are free at once. The program that ends is a child of the case.
 *
 * Namespaces: the case puts one end of a veth into the stack and keeps the other. The kernel
 * removes both when the namespace is destroyed.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>

#define LIMIT_MS 20000 /* upper bound for what happens at once */
#define SECOND_US 1000000
#define TRIES 5 /* one run must take less than a second, all less than the limit: the machine may be loaded */

struct scene {
	struct net_switch sw;
	int files;      /* in the directory of the switch, before the stack */
	char lock[256]; /* two locked files */
	char flocked[256];
};

struct news { /* from the program to the case */
	int keepers;
	struct sockaddr_in port;
};

/* ------------------------------------------------------------------ the program */

static struct sockaddr_in listen_somewhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	MUST(bind(fd, (struct sockaddr *)&at, sizeof(at)));
	MUST(listen(fd, 4));
	MUST(getsockname(fd, (struct sockaddr *)&at, &len));
	return at;
}

/*
 * The other end goes to the case, which is our parent. ip(8) of iproute2 6.15 opens the parent's namespace
 * in /proc. As the parent has more capabilities than a command, this takes CAP_SYS_PTRACE.
 */
static void plant_canary(struct vdestack *stack)
{
	struct vdestack_cmd_opts opts = { .size = sizeof(opts),
					  .caps = VDESTACK_CAPS_NETWORK | VDESTACK_CAP(CAP_SYS_PTRACE) };
	char peer[32];
	char *veth[] = { "ip",   "link", "add",    "inside", "type", "veth",
			 "peer", "name", "canary", "netns",  peer,   NULL };

	(void)snprintf(peer, sizeof(peer), "%d", (int)getppid());
	CHECK_EQ(MUST(vdestack_run(stack, veth, &opts)), 0);
}

static void run_program(const struct scene *scene, int say, int hear, void (*end)(void))
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *argv[] = { "sleep", "1000", NULL };
	struct news news = { .keepers = 0 };
	char config[400], c;

	news.port = listen_somewhere();
	MUST(fcntl((int)MUST(open(scene->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600)), F_SETLK, &lock));
	MUST(flock((int)MUST(open(scene->flocked, O_RDWR | O_CREAT | O_CLOEXEC, 0600)), LOCK_EX));
	(void)snprintf(config, sizeof(config), "vnl=vde://%s ip=10.8.0.1/24 vnl=inproc://one ip=10.9.0.1/24",
		       scene->sw.dir);
	struct vdestack *stack = net_stack(config);
	(void)net_stack("vnl=inproc://one ip=10.9.0.2/24");
	(void)MUST(vdestack_spawn(stack, argv, NULL, NULL));
	for (int i = 0; i < 40; i++)
		(void)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	if (case_is_root())
		plant_canary(stack);
	news.keepers = net_keepers(NULL, 0);
	MUST(write(say, &news, sizeof(news)));
	MUST(read(hear, &c, 1));
	end();
	FAIL("this is not the end");
}

/* ------------------------------------------------------------------ what the case checks */

static bool canary_lives(void)
{
	return case_is_root() && if_nametoindex("canary") != 0;
}

static bool canary_is_gone(void *arg)
{
	(void)arg;
	return !canary_lives();
}

static bool nothing_is_left(void *arg)
{
	const struct scene *scene = arg;

	return net_keepers(NULL, 0) == 0 && net_switch_ports(&scene->sw) == 0 &&
	       net_switch_files(&scene->sw) == scene->files && !canary_lives();
}

/* What the ended program held is free at once. */
static void check_own_things(const struct scene *scene, const struct news *news, int pipe_end)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	char c;

	MUST(bind(fd, (const struct sockaddr *)&news->port, sizeof(news->port)));
	MUST(listen(fd, 4));
	close(fd);
	CHECK(wait_readable(pipe_end, 0));
	CHECK_EQ(MUST(read(pipe_end, &c, 1)), 0);
	fd = (int)MUST(open(scene->lock, O_RDWR | O_CLOEXEC));
	MUST(fcntl(fd, F_SETLK, &lock));
	close(fd);
	fd = (int)MUST(open(scene->flocked, O_RDWR | O_CLOEXEC));
	MUST(flock(fd, LOCK_EX | LOCK_NB));
	close(fd);
}

/* Returns how long it took until nothing was left. */
static long long one_end(struct scene *scene, void (*end)(void), int expected)
{
	int said[2], go[2], status;
	struct news news;

	MUST(pipe2(said, O_CLOEXEC));
	MUST(pipe2(go, O_CLOEXEC));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		close(said[0]);
		close(go[1]);
		run_program(scene, said[1], go[0], end);
	}
	close(said[1]);
	close(go[0]);
	if (MUST(read(said[0], &news, sizeof(news))) != sizeof(news))
		FAIL("the program did not come to its end");
	/* Everything exists now, so the check after the end can fail. */
	CHECK_EQ(news.keepers, case_is_inprocess() ? 0 : 1);
	CHECK_EQ(net_switch_ports(&scene->sw), 1);
	CHECK(net_switch_files(&scene->sw) > scene->files);
	CHECK(canary_lives() == case_is_root());
	long long start = now_us();
	MUST(write(go[1], "x", 1));
	MUST(waitpid(pid, &status, 0));
	check_own_things(scene, &news, said[0]);
	CHECK_EQ(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), expected);
	if (!wait_until(nothing_is_left, scene, LIMIT_MS))
		FAIL("left: %d keepers, %d ports, %d of %d files, %s", net_keepers(NULL, 0),
		     net_switch_ports(&scene->sw), net_switch_files(&scene->sw), scene->files,
		     canary_lives() ? "the namespace" : "no namespace");
	close(said[0]);
	close(go[1]);
	return now_us() - start;
}

static void set_scene(struct scene *scene)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (case_is_root()) { /* where no other device has the name "canary" */
		MUST(unshare(CLONE_NEWNET));
		int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		MUST(ioctl(fd, SIOCSIFFLAGS, &lo));
		close(fd);
	}
	net_switch_start(&scene->sw, "switch");
	scene->files = net_switch_files(&scene->sw);
	(void)snprintf(scene->lock, sizeof(scene->lock), "%s", case_path("lock"));
	(void)snprintf(scene->flocked, sizeof(scene->flocked), "%s", case_path("flock"));
}

static void check_end(void (*end)(void), int expected)
{
	struct scene scene;
	long long took = SECOND_US + 1;

	set_scene(&scene);
	for (int i = 0; i < TRIES && took > SECOND_US; i++)
		took = one_end(&scene, end, expected);
	if (took > SECOND_US)
		FAIL("the last of %d tries took %lld us", TRIES, took);
	net_switch_stop(&scene.sw);
}

/* ------------------------------------------------------------------ ends */

#define CASE_END(name) CASE_FLAGS(name, CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)

static void end_by_exit(void)
{
	exit(7);
}

CASE_END(nothing_is_left_after_exit)
{
	check_end(end_by_exit, 7);
}

static void end_by_system_call(void)
{
	_exit(7);
}

CASE_END(nothing_is_left_after_exit_without_handlers)
{
	check_end(end_by_system_call, 7);
}

static void end_by_sigkill(void)
{
	(void)raise(SIGKILL);
}

CASE_END(nothing_is_left_after_sigkill)
{
	check_end(end_by_sigkill, 128 + SIGKILL);
}

CASE_FLAGS(nothing_is_left_after_abort,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE | CASE_F_NO_SANITIZER)
{
	check_end(abort, 128 + SIGABRT);
}

static void end_by_crash(void)
{
	volatile int *nowhere = NULL;

	*nowhere = 1;
}

CASE_FLAGS(nothing_is_left_after_a_crash,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE | CASE_F_NO_SANITIZER)
{
	check_end(end_by_crash, 128 + SIGSEGV);
}

static void end_by_exec(void)
{
	execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
}

CASE_END(nothing_is_left_after_exec)
{
	check_end(end_by_exec, 7);
}

/* ------------------------------------------------------------------ with a child that stays */

/* Many sockets in quick succession: some are sent ahead, and wait in a channel that a child inherits. */
static void leave_a_child(int say, int hear)
{
	struct vdestack *stack = net_stack("");
	int deleted[2];
	char c;

	MUST(pipe(deleted));
	plant_canary(stack);
	for (int i = 0; i < 100; i++)
		close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
	if (MUST(fork()) == 0) {
		MUST(vdestack_delete(stack));
		MUST(write(deleted[1], "x", 1));
		MUST(read(hear, &c, 1)); /* until the case has read it */
		_exit(0);
	}
	CHECK_EQ(MUST(read(deleted[0], &c, 1)), 1);
	CHECK(canary_lives());
	MUST(write(say, "x", 1));
	_exit(0);
}

CASE_BOTH_ROOT(a_child_that_has_deleted_its_copies_keeps_nothing_of_its_dead_parent)
{
	int said[2], go[2], status;
	char c;

	MUST(unshare(CLONE_NEWNET));
	MUST(pipe(said));
	MUST(pipe(go));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		close(go[1]);
		leave_a_child(said[1], go[0]);
	}
	close(said[1]);
	CHECK_EQ(MUST(read(said[0], &c, 1)), 1);
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
	CHECK(net_wait_keepers(0, LIMIT_MS));
	CHECK(wait_until(canary_is_gone, NULL, LIMIT_MS));
	CHECK(!wait_readable(said[0], 0)); /* the child is there */
	close(go[1]);
	CHECK(wait_readable(said[0], LIMIT_MS));
}
