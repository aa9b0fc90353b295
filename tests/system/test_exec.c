/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * exec ends the program's stacks, and the new program inherits nothing of them. No call of the library
 * releases record locks.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>

#define LIMIT_MS 20000 /* upper bound for what happens at once */

/* ------------------------------------------------------------------ exec */

/* Everything that opens descriptors; nothing is deleted. */
static void live_a_life(void)
{
	struct vdestack *pair[2];
	char *argv[] = { "sleep", "1000", NULL };

	net_pair(pair);
	net_talk(pair[0], "10.9.0.1", pair[1]);
	(void)MUST(vdestack_spawn(pair[0], argv, NULL, NULL));
	(void)MUST(vdestack_netns(pair[1]));
	for (int i = 0; i < 40; i++)
		(void)MUST(vdestack_msocket(pair[i % 2], AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0)
		_exit(0);
	MUST(waitpid(pid, NULL, 0));
}

/* Runs a shell in a child after `before`, reads what it prints. */
static const char *descriptors_after(void (*before)(void))
{
	static char text[2][4096];
	static int next;
	char *got = text[next++ % 2];
	size_t n = 0;
	ssize_t r;
	int out[2], status;

	MUST(pipe2(out, O_CLOEXEC));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		if (before != NULL)
			before();
		MUST(dup2(out[1], 1));
		execl("/bin/sh", "sh", "-c", "for f in /proc/$$/fd/*; do echo \"${f##*/}\"; done",
		      (char *)NULL);
		FAIL("no shell: %s", strerror(errno));
	}
	close(out[1]);
	while ((r = read(out[0], got + n, sizeof(text[0]) - 1 - n)) > 0)
		n += (size_t)r;
	got[n] = '\0';
	close(out[0]);
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
	return got;
}

CASE_BOTH(a_program_that_is_executed_finds_no_descriptor_of_the_library)
{
	const char *without = descriptors_after(NULL);

	CHECK_CONTAINS(without, "1\n");
	CHECK_STR(descriptors_after(live_a_life), without);
	CHECK(net_wait_keepers(0, LIMIT_MS));
}

static bool is_alone(void *pid)
{
	return count_tasks_of(*(pid_t *)pid) == 1;
}

CASE_BOTH(exec_ends_keeper_and_stacks)
{
	int end[2];
	char c;

	MUST(pipe(end));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		close(end[0]);
		live_a_life();
		CHECK_EQ(net_keepers(NULL, 0), case_is_inprocess() ? 0 : 1);
		MUST(write(end[1], "x", 1));
		execlp("sleep", "sleep", "1000", (char *)NULL);
		FAIL("no sleep: %s", strerror(errno));
	}
	close(end[1]);
	CHECK_EQ(MUST(read(end[0], &c, 1)), 1);
	CHECK(net_wait_keepers(0, LIMIT_MS));
	CHECK(wait_until(is_alone, &pid, LIMIT_MS));
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0); /* it sleeps */
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, NULL, 0));
}

/* ------------------------------------------------------------------ locks */

/* Another process sees that this process has the lock. */
static void check_lock(const char *path)
{
	int status;
	pid_t owner = getpid(), pid = (pid_t)MUST(fork());

	if (pid == 0) {
		int fd = (int)MUST(open(path, O_RDWR | O_CLOEXEC));
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		MUST(fcntl(fd, F_GETLK, &lock));
		CHECK_EQ(lock.l_type, F_WRLCK);
		CHECK_EQ(lock.l_pid, owner);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

CASE_BOTH(record_locks_survive_creation_use_and_deletion)
{
	const char *path = case_path("locked");
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *argv[] = { "true", NULL };
	int fd = (int)MUST(open(path, O_RDWR | O_CREAT, 0600)); /* inheritable, the worst case */

	MUST(fcntl(fd, F_SETLK, &lock));
	check_lock(path);
	struct vdestack *stack = net_stack("vnl=inproc://one ip=10.9.0.1/24");
	check_lock(path);
	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0)));
	net_talk_lo(stack);
	check_lock(path);
	CHECK_EQ(MUST(vdestack_run(stack, argv, NULL)), 0);
	check_lock(path);
	MUST(vdestack_delete(stack));
	CHECK(net_wait_keepers(0, LIMIT_MS));
	check_lock(path);
}

CASE_BOTH(record_locks_survive_exec)
{
	int said[2], status;
	char c;

	MUST(pipe(said));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = (int)MUST(open(case_path("locked"), O_RDWR | O_CREAT, 0600));
		MUST(fcntl(fd, F_SETLK, &lock));
		live_a_life();
		MUST(dup2(said[1], 1));
		execl("/bin/sh", "sh", "-c", "echo x; exec sleep 1000", (char *)NULL);
		FAIL("no shell: %s", strerror(errno));
	}
	CHECK_EQ(MUST(read(said[0], &c, 1)), 1);
	int fd = (int)MUST(open(case_path("locked"), O_RDWR | O_CLOEXEC));
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	MUST(fcntl(fd, F_GETLK, &lock));
	CHECK_EQ(lock.l_type, F_WRLCK);
	CHECK_EQ(lock.l_pid, pid);
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, &status, 0));
}
