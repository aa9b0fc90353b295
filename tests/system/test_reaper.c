/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Subreapers and PID 1: orphans become their children, and so does the keeper.
 * The library reaps its own processes there, and no other child.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>

#define LIMIT_MS 20000 /* upper bound for what happens at once */

/* Two stacks, sockets and a command, all of it deleted. */
static void live_a_life(void)
{
	struct vdestack *pair[2];
	char *argv[] = { "true", NULL };

	net_pair(pair);
	net_talk(pair[0], "10.9.0.1", pair[1]);
	CHECK_EQ(MUST(vdestack_run(pair[0], argv, NULL)), 0);
	MUST(vdestack_delete(pair[0]));
	MUST(vdestack_delete(pair[1]));
}

static bool has_ended(void *arg)
{
	siginfo_t info = { 0 };

	MUST(waitid(P_PID, (id_t) * (pid_t *)arg, &info, WEXITED | WNOHANG | WNOWAIT));
	return info.si_pid != 0;
}

static pid_t ended_child(int code)
{
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0)
		_exit(code);
	CHECK(wait_until(has_ended, &pid, LIMIT_MS));
	return pid;
}

static void check_own_child(pid_t pid, int code)
{
	int status;

	CHECK_EQ(MUST(waitpid(-1, &status, WNOHANG)), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), code);
	pid_t other = waitpid(-1, &status, WNOHANG | __WALL);
	if (other >= 0)
		FAIL("there is another child: %d (0: running), status 0x%x", (int)other, (unsigned)status);
	CHECK_EQ(errno, ECHILD);
}

CASE_BOTH(a_subreaper_has_no_stray_child_after_deletion)
{
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t own = ended_child(7);
	for (int i = 0; i < 3; i++)
		live_a_life();
	check_own_child(own, 7);
}

CASE(a_subreaper_that_ignores_sigchld_has_no_stray_child_after_deletion)
{
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	live_a_life();
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

CASE(a_subreaper_that_collects_every_child_keeps_its_stacks)
{
	struct vdestack *pair[2];

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	net_pair(pair);
	CHECK_EQ(waitpid(-1, NULL, WNOHANG), 0);
	net_talk(pair[0], "10.9.0.1", pair[1]);
	pid_t keeper = net_keeper();
	MUST(kill(keeper, SIGKILL));
	CHECK_EQ(MUST(waitpid(-1, NULL, 0)), keeper);
	MUST(vdestack_delete(pair[0]));
	MUST(vdestack_delete(pair[1]));
	live_a_life();
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

CASE(a_subreaper_has_no_stray_child_when_its_keeper_was_killed)
{
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	struct vdestack *stack = net_stack("");
	pid_t own = ended_child(7), keeper = net_keeper();

	MUST(kill(keeper, SIGKILL));
	CHECK(wait_until(has_ended, &keeper, LIMIT_MS));
	MUST(vdestack_delete(stack));
	check_own_child(own, 7);
}

/*
 * The keeper continues for the worker. That must not delay the deletion for long, and must not leave a zombie
 * for ever.
 */
CASE(a_subreaper_reaps_its_keeper_although_a_worker_used_it_longer)
{
	struct vdestack *stack, *next;
	int pipe_fds[2], status;

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	MUST(pipe2(pipe_fds, O_CLOEXEC));
	stack = net_stack("");
	pid_t keeper = net_keeper();
	pid_t worker = (pid_t)MUST(fork());
	if (worker == 0) {
		close(pipe_fds[1]);
		CHECK(wait_readable(pipe_fds[0], LIMIT_MS));
		net_talk_lo(stack);
		_exit(0);
	}
	long long start = now_us();
	MUST(vdestack_delete(stack));
	CHECK(now_us() - start < 4000000);
	close(pipe_fds[1]);
	CHECK_EQ(MUST(waitpid(worker, &status, 0)), worker);
	CHECK_EQ(status, 0);
	CHECK(wait_until(has_ended, &keeper, LIMIT_MS));
	next = net_stack("");
	MUST(vdestack_delete(next));
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

/* ------------------------------------------------------------------ numbers of processes come round again */

/* A child with this pid, which must be free. */
static pid_t child_with_number(pid_t wanted)
{
	pid_t set[1] = { wanted };
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)set,
		.set_tid_size = 1,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(7);
	return (pid_t)MUST(pid);
}

static bool is_free(void *arg)
{
	return kill(*(pid_t *)arg, 0) < 0 && errno == ESRCH;
}

/* In a PID namespace of its own no other process takes the pid. */
static void lose_keeper_and_reuse_number(void)
{
	struct vdestack *stack = net_stack("");
	pid_t keeper;

	MUST(mount("proc", "/proc", "proc", 0, NULL));
	CHECK_EQ(find_children(getpid(), "vdestack-keeper", &keeper, 1), 1);
	MUST(kill(keeper, SIGKILL));
	CHECK_EQ(MUST(waitpid(keeper, NULL, 0)), keeper);
	CHECK(wait_until(is_free, &keeper, LIMIT_MS));
	CHECK_EQ(child_with_number(keeper), keeper);
	CHECK(wait_until(has_ended, &keeper, LIMIT_MS));
	MUST(vdestack_delete(stack));
	check_own_child(keeper, 7);
}

/* ------------------------------------------------------------------ PID 1 */

static void write_file(const char *path, const char *text)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CLOEXEC));

	MUST(write(fd, text, strlen(text)));
	close(fd);
}

/* Maps user and group to themselves, as "unshare --map-current-user" does. */
static void write_maps(uid_t uid, gid_t gid)
{
	char line[32];

	write_file("/proc/self/setgroups", "deny");
	(void)snprintf(line, sizeof(line), "%u %u 1", uid, uid);
	write_file("/proc/self/uid_map", line);
	(void)snprintf(line, sizeof(line), "%u %u 1", gid, gid);
	write_file("/proc/self/gid_map", line);
}

static void be_parent_of_init(void (*body)(void))
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	int status;

	MUST(unshare((case_is_root() ? 0 : CLONE_NEWUSER) | CLONE_NEWPID | CLONE_NEWNS));
	if (case_is_root())
		MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	else
		write_maps(uid, gid);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		CHECK_EQ(getpid(), 1);
		body();
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	_exit(status == 0 ? 0 : 1);
}

/* A process that leaves its PID namespace can make no processes any more, so it is not the case itself. */
static void in_pid_namespace(void (*body)(void))
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0)
		be_parent_of_init(body);
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

CASE_ROOT(deletion_does_not_reap_a_child_that_got_the_pid_of_the_dead_keeper)
{
	in_pid_namespace(lose_keeper_and_reuse_number);
}

static void be_init(void)
{
	pid_t own = ended_child(7);

	for (int i = 0; i < 2; i++)
		live_a_life();
	check_own_child(own, 7);
}

static void be_init_with_proc(void)
{
	MUST(mount("proc", "/proc", "proc", 0, NULL));
	be_init();
}

CASE_BOTH_ROOT(pid_1_of_a_container_has_stacks_and_no_stray_child_after_deletion)
{
	in_pid_namespace(be_init_with_proc);
}

CASE_BOTH(pid_1_has_stacks_although_proc_is_that_of_another_container)
{
	in_pid_namespace(be_init);
}
