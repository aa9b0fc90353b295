/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program does not notice the processes and threads that serve its stacks. They hold nothing of the
 * program.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>

#define LIMIT_MS 20000 /* upper bound for what happens at once */

/* Everything that makes a process: a keeper, a command. Ends when the keeper is gone. */
static void live_a_life(void)
{
	struct vdestack *stack = net_stack("vnl=inproc://one ip=10.9.0.1/24");
	char *argv[] = { "true", NULL };

	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0)));
	CHECK_EQ(MUST(vdestack_run(stack, argv, NULL)), 0);
	MUST(vdestack_delete(stack));
	CHECK(net_wait_keepers(0, LIMIT_MS));
}

/* ------------------------------------------------------------------ wait(2) */

static atomic_bool done;

static void *wait_for_anybody(void *arg)
{
	long *calls = arg;
	siginfo_t info;

	while (!atomic_load(&done)) {
		CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
		CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | WUNTRACED | WCONTINUED), ECHILD);
		CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT), ECHILD);
		++*calls;
	}
	return NULL;
}

CASE_BOTH(a_thread_that_waits_for_children_never_sees_one)
{
	long calls[2] = { 0 };
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, wait_for_anybody, &calls[i]), 0);
	for (int i = 0; i < 8; i++)
		live_a_life();
	atomic_store(&done, true);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK(calls[0] > 0 && calls[1] > 0);
}

/* ------------------------------------------------------------------ SIGCHLD */

static atomic_int heard;

static void hear(int sig)
{
	(void)sig;
	atomic_fetch_add(&heard, 1);
}

static bool sigchld_waits(void *arg)
{
	sigset_t pending;

	(void)arg;
	MUST(sigpending(&pending));
	return sigismember(&pending, SIGCHLD) == 1;
}

/* With SIGCHLD blocked, a SIGCHLD stays pending, also if its default is to be ignored. */
static void check_no_sigchld(void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags }, after;
	sigset_t only, saved;

	sigemptyset(&only);
	sigaddset(&only, SIGCHLD);
	MUST(sigaction(SIGCHLD, &action, NULL));
	live_a_life(); /* unblocked */
	CHECK_EQ(atomic_load(&heard), 0);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &only, &saved), 0);
	live_a_life();
	CHECK(!sigchld_waits(NULL));
	MUST(sigaction(SIGCHLD, NULL, &after));
	CHECK(after.sa_handler == handler);
	CHECK_EQ(after.sa_flags & (SA_NOCLDWAIT | SA_NOCLDSTOP), flags);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);

	/* A child of the program itself is noticed, which shows that this case works. */
	pid_t child = (pid_t)MUST(fork());
	if (child == 0)
		_exit(7);
	int status, gone = handler == SIG_IGN || (flags & SA_NOCLDWAIT) != 0;
	if (gone) {
		CHECK_ERRNO(waitpid(child, &status, 0), ECHILD);
	} else {
		CHECK_EQ(MUST(waitpid(child, &status, 0)), child);
		CHECK_EQ(WEXITSTATUS(status), 7);
	}
	if (handler != SIG_IGN)
		CHECK(wait_until(sigchld_waits, NULL, LIMIT_MS));
}

CASE_BOTH(no_sigchld_comes_with_the_default_disposition)
{
	check_no_sigchld(SIG_DFL, 0);
}

CASE_BOTH(no_sigchld_comes_to_a_handler)
{
	check_no_sigchld(hear, 0);
}

CASE_BOTH(a_program_that_ignores_sigchld_has_stacks_and_commands)
{
	check_no_sigchld(SIG_IGN, 0);
}

CASE_BOTH(a_program_with_sa_nocldwait_has_stacks_and_commands)
{
	check_no_sigchld(hear, SA_NOCLDWAIT);
}

/* ------------------------------------------------------------------ the keeper */

CASE(the_keeper_has_a_name_and_a_session_of_its_own)
{
	struct vdestack *stack = net_stack("");
	pid_t keeper = net_keeper();

	CHECK_STR(name_of(keeper), "vdestack-keeper");
	CHECK_EQ(getsid(keeper), keeper);
	CHECK_EQ(getpgid(keeper), keeper);
	CHECK_EQ(find_children(getpid(), NULL, NULL, 0), 0);
	CHECK_EQ(count_tasks_of(keeper), 2); /* its main thread and the stack's networking thread */
	MUST(vdestack_delete(stack));
}

static bool same_file(const char *path, int fd)
{
	struct stat a, b;

	return stat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Checks that no descriptor of task `tid` of process `pid` is one of ours. Returns how many it has. */
static int check_descriptors(pid_t pid, pid_t tid, const int *ours, int n_ours)
{
	char dir_path[128], path[512], target[256];
	int n = 0;

	(void)snprintf(dir_path, sizeof(dir_path), "/proc/%d/task/%d/fd", (int)pid, (int)tid);
	DIR *dir = opendir(dir_path);
	if (dir == NULL && (errno == ENOENT || errno == ESRCH))
		return 0; /* a job that has ended since the tasks were listed */
	if (dir == NULL)
		FAIL("%s: %s", dir_path, strerror(errno));
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir_path, e->d_name);
		ssize_t len = readlink(path, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		for (int i = 0; i < n_ours; i++)
			if (same_file(path, ours[i]))
				FAIL("task %d holds the program's descriptor %d as its %s (%s)", (int)tid,
				     ours[i], e->d_name, target);
		n++;
	}
	closedir(dir);
	return n;
}

CASE_BOTH_ROOT(what_serves_the_stacks_holds_no_descriptor_of_the_program)
{
	int ours[16], n = 0, checked = 0, pair[2];
	char dir_path[64];

	/* 0-2 become files that no other process has, too. */
	for (int fd = 0; fd < 3; fd++) {
		if (fd != 2) {
			MUST(pipe2(pair, O_CLOEXEC));
			MUST(dup2(pair[fd == 0 ? 0 : 1], fd));
		}
		ours[n++] = fd;
	}
	MUST(pipe(&ours[n])); /* inheritable */
	n += 2;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, &ours[n]));
	n += 2;
	ours[n++] = (int)MUST(open(case_path("file"), O_RDWR | O_CREAT, 0600));
	ours[n++] = (int)MUST(open(case_tmp(), O_RDONLY | O_DIRECTORY));
	ours[n++] = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
	struct vdestack *stack = net_stack("vnl=inproc://one ip=10.9.0.1/24");
	ours[n++] = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0));

	close((int)MUST(vdestack_netns(stack))); /* one request later it has closed its end of the last one */
	pid_t server = case_is_inprocess() ? getpid() : net_keeper();
	(void)snprintf(dir_path, sizeof(dir_path), "/proc/%d/task", (int)server);
	DIR *dir = opendir(dir_path);
	CHECK(dir != NULL);
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		if (e->d_name[0] == '.' || atoi(e->d_name) == getpid())
			continue;
		checked += check_descriptors(server, atoi(e->d_name), ours, n) > 0; /* 0: it has ended */
	}
	closedir(dir);
	CHECK(checked >= 2);
	/* The search finds a descriptor that is there. */
	CHECK(same_file("/proc/self/fd/1", ours[1]) && !same_file("/proc/self/fd/1", ours[0]));
	MUST(vdestack_delete(stack));
}

/*
 * Makes a stack with a link, which opens files, in a directory that can be unmounted only if no process is in
 * it.
 */
CASE_FLAGS(a_file_system_in_which_stacks_were_made_can_be_unmounted,
	   CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_VDE)
{
	const char *dir = case_path("mounted");
	struct net_switch sw;
	char config[400];

	net_switch_start(&sw, "switch");
	MUST(mkdir(dir, 0755));
	MUST(mount("tmpfs", dir, "tmpfs", 0, NULL));
	MUST(chdir(dir));
	CHECK_ERRNO(umount2(dir, 0), EBUSY);
	struct vdestack *a = net_stack("vnl=inproc://one ip=10.9.0.1/24");
	(void)snprintf(config, sizeof(config), "vnl=vde://%s ip=10.8.0.1/24", sw.dir);
	struct vdestack *b = net_stack(config);
	MUST(chdir("/"));
	MUST(umount2(dir, 0));
	net_talk_lo(a);
	net_talk_lo(b);
	MUST(vdestack_delete(a));
	MUST(vdestack_delete(b));
	net_switch_stop(&sw);
}

/* ------------------------------------------------------------------ threads, namespaces, handlers */

CASE_FLAGS(no_thread_is_started_in_the_program, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	struct vdestack *stack[3];
	char *argv[] = { "true", NULL };

	CHECK_EQ(count_tasks_of(getpid()), 1);
	for (int i = 0; i < 3; i++)
		stack[i] = net_stack("vnl=inproc://one");
	CHECK_EQ(count_tasks_of(getpid()), 1);
	close((int)MUST(vdestack_msocket(stack[0], AF_INET, SOCK_STREAM, 0)));
	CHECK_EQ(MUST(vdestack_run(stack[0], argv, NULL)), 0);
	CHECK_EQ(count_tasks_of(getpid()), 1);
	for (int i = 0; i < 3; i++)
		MUST(vdestack_delete(stack[i]));
	CHECK_EQ(count_tasks_of(getpid()), 1);
}

/* The kernel refuses this if a program has a second thread. */
CASE_FLAGS(the_program_may_move_into_a_user_namespace_of_its_own_after_creation,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER | CASE_F_USERNS)
{
	struct vdestack *stack = net_stack("");
	int before = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0));

	MUST(unshare(CLONE_NEWUSER));
	int after = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0));
	net_talk_fds(before, "127.0.0.1", after);
	net_talk_lo(stack);
	MUST(vdestack_delete(stack));
	CHECK(net_wait_keepers(0, LIMIT_MS));
}

CASE_FLAGS(the_program_may_enter_its_stack_with_setns, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	struct vdestack *stack = net_stack("");
	int netns = (int)MUST(vdestack_netns(stack));
	int inside = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0));

	if (!case_is_root()) {
		int user = (int)MUST(ioctl(netns, NS_GET_USERNS));
		MUST(setns(user, CLONE_NEWUSER));
	}
	MUST(setns(netns, CLONE_NEWNET));
	int here = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_EQ(net_namespace_of(here), net_namespace_of(inside));
	net_talk_fds(here, "127.0.0.1", inside);
	MUST(vdestack_delete(stack));
}

static int prepared, in_parent, in_child;

static void prepare(void)
{
	prepared++;
}

static void parent(void)
{
	in_parent++;
}

static void child(void)
{
	in_child++;
}

CASE_BOTH(handlers_of_pthread_atfork_are_not_run)
{
	CHECK_EQ(pthread_atfork(prepare, parent, child), 0);
	live_a_life();
	CHECK_EQ(prepared + in_parent + in_child, 0);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0)
		_exit(in_child == 1 ? 0 : 1);
	int status;
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
	CHECK_EQ(prepared, 1);
	CHECK_EQ(in_parent, 1);
}
