/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Children, their exit signals, and who sees them: clone(2), wait(2), prctl(2). */

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

#define LIMIT_MS 10000

static pid_t clone_plain(int exit_signal)
{
	return (pid_t)MUST(syscall(SYS_clone, exit_signal, NULL, NULL, NULL, NULL));
}

static bool is_zombie(void *arg)
{
	char path[64], line[256] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", *(pid_t *)arg);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return false;
	char *end = fgets(line, sizeof(line), f) != NULL ? strrchr(line, ')') : NULL;
	fclose(f);
	return end != NULL && end[2] == 'Z';
}

static volatile sig_atomic_t sigchlds;

static void count_sigchld(int sig)
{
	(void)sig;
	sigchlds++;
}

/* The intermediate of a launch: exit signal 0. */
CASE(a_child_with_exit_signal_0_is_invisible_to_wait_and_sends_no_signal)
{
	int status;

	CHECK(signal(SIGCHLD, count_sigchld) != SIG_ERR);
	pid_t pid = clone_plain(0);
	if (pid == 0)
		_exit(7);
	CHECK(wait_until(is_zombie, &pid, LIMIT_MS));
	CHECK_ERRNO(waitpid(-1, &status, WNOHANG), ECHILD);
	CHECK_ERRNO(waitpid(pid, &status, WNOHANG), ECHILD);
	CHECK_EQ(sigchlds, 0);
	CHECK_EQ(waitpid(pid, &status, __WCLONE), pid);
	CHECK_EQ(WEXITSTATUS(status), 7);
	CHECK_EQ(sigchlds, 0);
}

CASE(a_child_with_exit_signal_0_stays_a_zombie_even_where_sigchld_is_ignored)
{
	int status;

	CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	pid_t pid = clone_plain(0);
	if (pid == 0)
		_exit(7);
	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	CHECK_EQ(WEXITSTATUS(status), 7);
}

static void *make_invisible(void *pid)
{
	*(pid_t *)pid = clone_plain(0);
	if (*(pid_t *)pid == 0)
		_exit(7);
	return NULL;
}

/* A holder, which any thread may have made. */
CASE(a_child_with_exit_signal_0_stays_invisible_when_the_thread_ends_that_made_it)
{
	pthread_t thread;
	int status;
	pid_t pid;

	CHECK(signal(SIGCHLD, count_sigchld) != SIG_ERR);
	CHECK_EQ(pthread_create(&thread, NULL, make_invisible, &pid), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(wait_until(is_zombie, &pid, LIMIT_MS));
	CHECK_ERRNO(waitpid(-1, &status, WNOHANG), ECHILD);
	CHECK_EQ(waitpid(pid, &status, __WCLONE), pid);
	CHECK_EQ(sigchlds, 0);
}

/* And what a holder is for: its child executes a file. */
CASE(the_child_of_a_child_with_exit_signal_0_is_invisible_and_reaped_there)
{
	int status;

	CHECK(signal(SIGCHLD, count_sigchld) != SIG_ERR);
	pid_t pid = clone_plain(0);
	if (pid == 0) {
		pid_t made = clone_plain(SIGCHLD);
		if (made == 0) {
			(void)execlp("true", "true", (char *)NULL);
			_exit(127);
		}
		_exit(waitpid(made, &status, 0) == made && status == 0 ? 0 : 1);
	}
	CHECK(wait_until(is_zombie, &pid, LIMIT_MS));
	CHECK_ERRNO(waitpid(-1, &status, WNOHANG), ECHILD);
	CHECK_EQ(waitpid(pid, &status, __WCLONE), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(sigchlds, 0);
}

/* A holder whose program was killed. */
CASE(the_process_that_adopts_a_child_with_exit_signal_0_sees_it)
{
	int status, go[2];
	char byte;

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	MUST(pipe2(go, O_CLOEXEC));
	pid_t middle = (pid_t)MUST(fork());
	if (middle == 0) {
		if (clone_plain(0) == 0) {
			close(go[1]);
			(void)!read(go[0], &byte, 1);
			_exit(7);
		}
		_exit(0);
	}
	CHECK_EQ(waitpid(middle, &status, 0), middle);
	close(go[1]);
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK_EQ(WEXITSTATUS(status), 7);
}

static bool status_has(pid_t pid, const char *field)
{
	char path[64], line[256];
	bool found = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			found = (strtoull(line + strlen(field), NULL, 16) >> (SIGCHLD - 1) & 1) != 0;
	if (f != NULL)
		fclose(f);
	return found;
}

/* Whether PID 1 reaps is guessed from this. */
CASE(proc_status_shows_whether_a_process_ignores_catches_or_blocks_a_signal)
{
	pid_t self = getpid();
	sigset_t child;

	CHECK(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
	CHECK(!status_has(self, "SigIgn:") && !status_has(self, "SigCgt:"));
	CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	CHECK(status_has(self, "SigIgn:") && !status_has(self, "SigCgt:"));
	CHECK(signal(SIGCHLD, count_sigchld) != SIG_ERR);
	CHECK(!status_has(self, "SigIgn:") && status_has(self, "SigCgt:"));
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	MUST(sigprocmask(SIG_UNBLOCK, &child, NULL));
	CHECK(!status_has(self, "SigBlk:"));
	MUST(sigprocmask(SIG_BLOCK, &child, NULL));
	CHECK(status_has(self, "SigBlk:"));
}

CASE(exec_sets_the_exit_signal_of_every_child_to_sigchld)
{
	int status;

	CHECK(signal(SIGCHLD, count_sigchld) != SIG_ERR);
	pid_t pid = clone_plain(0);
	if (pid == 0) {
		(void)execlp("true", "true", (char *)NULL);
		_exit(127);
	}
	CHECK(wait_until(is_zombie, &pid, LIMIT_MS));
	CHECK_EQ(waitpid(-1, &status, WNOHANG), pid); /* visible now */
	CHECK_EQ(status, 0);
	CHECK_EQ(sigchlds, 1);
}

static void tell_parent(int fd)
{
	pid_t parent = getppid();

	MUST(write(fd, &parent, sizeof(parent)));
}

/*
 * The process that a launch makes. When its parent ends it gets another parent, which is never the program.
 */
CASE(an_orphan_becomes_a_child_of_the_next_subreaper_not_of_its_grandparent)
{
	int pipe_fds[2], go[2], status;
	pid_t parent = -1;
	char byte;

	MUST(pipe2(pipe_fds, O_CLOEXEC));
	MUST(pipe2(go, O_CLOEXEC));
	pid_t middle = (pid_t)MUST(fork());
	if (middle == 0) {
		if (fork() == 0) {
			close(go[1]);
			(void)!read(go[0], &byte, 1); /* until the program has reaped its parent */
			tell_parent(pipe_fds[1]);
			_exit(0);
		}
		_exit(0);
	}
	CHECK_EQ(waitpid(middle, &status, 0), middle);
	close(go[1]);
	CHECK_EQ(read(pipe_fds[0], &parent, sizeof(parent)), sizeof(parent));
	CHECK_EQ(parent, getppid()); /* the wrapper of these tests collects orphans */
	CHECK(parent != getpid());
	CHECK_ERRNO(waitpid(-1, &status, WNOHANG), ECHILD);
}

CASE(an_orphan_becomes_a_child_of_a_subreaper)
{
	int status;
	siginfo_t info = { 0 };

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	pid_t middle = clone_plain(0);
	if (middle == 0) {
		if (syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) == 0)
			_exit(5);
		_exit(0);
	}
	CHECK_EQ(waitpid(middle, &status, __WCLONE), middle);
	MUST(waitid(P_ALL, 0, &info, WEXITED));
	CHECK_EQ(info.si_status, 5);
}

static int child_end[2];

static void *make_child(void *arg)
{
	(void)arg;
	if (fork() == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		MUST(write(child_end[1], "r", 1));
		for (;;)
			(void)pause();
	}
	char byte;
	CHECK_EQ(read(child_end[0], &byte, 1), 1); /* it has asked for the signal */
	return NULL;
}

CASE(parent_death_signal_comes_when_the_thread_ends_that_made_the_child)
{
	pthread_t thread;
	int status;

	MUST(pipe2(child_end, O_CLOEXEC));
	CHECK_EQ(pthread_create(&thread, NULL, make_child, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	MUST(waitpid(-1, &status, 0)); /* it has ended although the program lives */
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGKILL);
}

CASE(wipe_on_fork_memory_is_zero_in_the_child)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status;

	CHECK(page != MAP_FAILED);
	MUST(madvise(page, size, MADV_WIPEONFORK));
	memset(page, 0xa5, size);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		for (size_t i = 0; i < size; i++)
			if (page[i] != 0)
				_exit(1);
		page[0] = 1; /* and in its own child again */
		pid_t grandchild = fork();
		if (grandchild == 0)
			_exit(page[0]);
		_exit(waitpid(grandchild, &status, 0) == grandchild ? WEXITSTATUS(status) : 2);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
	for (size_t i = 0; i < size; i++)
		CHECK_EQ(page[i], 0xa5);
}

static void refuse_clone3(int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
}

/* The keeper's filter changes the errno of a refused clone3 to ENOSYS. Then the C library uses clone. */
CASE(of_two_filters_that_refuse_a_call_the_newer_one_sets_the_errno)
{
	CHECK_ERRNO(syscall(SYS_clone3, NULL, 0), EINVAL);
	refuse_clone3(EPERM);
	CHECK_ERRNO(syscall(SYS_clone3, NULL, 0), EPERM);
	refuse_clone3(ENOSYS);
	CHECK_ERRNO(syscall(SYS_clone3, NULL, 0), ENOSYS);
}

/* ------------------------------------------------------------------ children of another PID namespace */

static bool same_file(const char *a, const char *b)
{
	struct stat one, two;

	MUST(stat(a, &one));
	MUST(stat(b, &two));
	return one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

#define NS "/proc/thread-self/ns/"
/* A sanitizer starts a task of its own at the end of a program. */
#define PLAIN CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER

static void leave_pid_namespace(void)
{
	MUST(unshare(case_is_root() ? CLONE_NEWPID : CLONE_NEWUSER | CLONE_NEWPID));
}

/* Like a launch: a first child that ends at once. */
CASE_FLAGS(a_pid_namespace_whose_first_child_has_ended_takes_no_other, PLAIN)
{
	int status;

	leave_pid_namespace();
	pid_t first = (pid_t)MUST(fork());
	if (first == 0)
		_exit(getpid());
	CHECK_EQ(waitpid(first, &status, 0), first);
	CHECK_EQ(WEXITSTATUS(status), 1); /* it was the init */
	CHECK_ERRNO(fork(), ENOMEM);
}

CASE_FLAGS(proc_shows_that_children_go_to_another_pid_namespace, PLAIN)
{
	struct stat st;
	int status;

	CHECK(same_file(NS "pid", NS "pid_for_children"));
	leave_pid_namespace();
	MUST(lstat(NS "pid_for_children", &st));
	CHECK_ERRNO(stat(NS "pid_for_children", &st), ENOENT); /* no init yet */
	pid_t init = (pid_t)MUST(fork());
	if (init == 0)
		for (;;)
			(void)pause();
	CHECK(!same_file(NS "pid", NS "pid_for_children"));
	MUST(kill(init, SIGKILL));
	MUST(waitpid(init, &status, 0));
}

/* 5 and 6: PIDFD_GET_PID_NAMESPACE and PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE; the argument must be 0. */
CASE_FLAGS(a_pidfd_of_the_thread_shows_that_children_go_to_another_pid_namespace_without_proc, PLAIN)
{
	struct stat own, children;
	int self = (int)syscall(SYS_pidfd_open, syscall(SYS_gettid), O_EXCL /* PIDFD_THREAD */);
	int own_fd = self < 0 ? -1 : ioctl(self, _IO(0xFF, 5), 0);

	if (own_fd < 0)
		SKIP("namespaces of pidfds are newer than this kernel: Linux 6.11");
	MUST(fstat(own_fd, &own));
	MUST(fstat((int)MUST(ioctl(self, _IO(0xFF, 6), 0)), &children));
	CHECK_EQ(own.st_ino, children.st_ino);
	leave_pid_namespace();
	MUST(fstat((int)MUST(ioctl(self, _IO(0xFF, 6), 0)), &children));
	CHECK(own.st_ino != children.st_ino);
	MUST(fstat((int)MUST(ioctl(self, _IO(0xFF, 5), 0)), &children));
	CHECK_EQ(own.st_ino, children.st_ino);
}

/* ------------------------------------------------------------------ memory that a child shares */

static char child_stack[65536] __attribute__((aligned(16)));
static int go_on[2];

static int wait_and_exec(void *arg)
{
	char byte;

	(void)arg;
	(void)!read(go_on[0], &byte, 1);
	(void)execl("/bin/sh", "sh", "-c", "exit 3", (char *)NULL);
	return 127;
}

/* A launch releases the new process's stack by this. */
CASE_FLAGS(the_kernel_clears_a_word_of_shared_memory_when_a_child_has_left_it_by_exec, PLAIN)
{
	static pid_t made, running = 1;
	int status;

	MUST(pipe2(go_on, O_CLOEXEC));
	pid_t pid = (pid_t)MUST(clone(wait_and_exec, child_stack + sizeof(child_stack),
				      CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, NULL,
				      &made, NULL, &running));
	CHECK_EQ(made, pid);
	CHECK_EQ(__atomic_load_n(&running, __ATOMIC_ACQUIRE), 1);
	MUST(write(go_on[1], "x", 1));
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) != 0)
		(void)syscall(SYS_futex, &running, FUTEX_WAIT, 1, NULL, NULL, 0);
	MUST(waitpid(pid, &status, 0)); /* by the time limit: it was woken by the exec or the end */
	CHECK_EQ(WEXITSTATUS(status), 3);
}

/* ------------------------------------------------------------------ filters */

static void *call_what_is_forbidden(void *arg)
{
	(void)syscall(SYS_acct, NULL);
	return arg;
}

/* A forbidden call of one thread ends the whole keeper. */
CASE(a_filter_that_kills_ends_all_threads_by_sigsys)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_acct, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	pthread_t thread;
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
		CHECK_EQ(pthread_create(&thread, NULL, call_what_is_forbidden, NULL), 0);
		(void)pthread_join(thread, NULL);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGSYS);
}
