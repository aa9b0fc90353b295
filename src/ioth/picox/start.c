/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The process of a stack is no child that the program's wait() could see, and its end sends no signal:
 *
 *     thread of the program    waits, then reaps the intermediate with __WCLONE
 *       intermediate           clone(VM|VFORK) without an exit signal: not seen by wait(), never calls exec
 *         the process          clone(VM|VFORK); executes vdestack-picox, and is an orphan then
 *
 * Where the program itself adopts orphans (PID 1, a subreaper), the process becomes its child after all: its
 * wait() sees it, as it sees any orphan. px_reap() takes it when the stack is deleted, so that it does not
 * stay a zombie.
 *
 * Neither copies memory. Both only make system calls, on stacks of their own, with every signal blocked. They
 * end by a return: before a call that never returns, the address sanitizer wants to clean the stack of the
 * thread, and warns on stderr when it sees another one.
 */

#include "start.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/poison.h"
#include "message.h"
#include "wire/fdmsg.h"

#define STACK_BYTES 65536 /* half for each of the two */
#define PROGRAM "vdestack-picox"

struct launch {
	const char *path;
	char **envp;
	int control;
	char *inner_stack;
	pid_t made;
	int error; /* written by the new process before it ends; 0: it runs */
};

/* By the name that checkers of threads do not replace. */
int __clone(int (*fn)(void *), void *top, int flags, void *arg, ...);

extern char **environ;

static int execute(void *arg)
{
	struct launch *l = arg;
	char *const argv[] = { (char *)PROGRAM, NULL };
	int fd = l->control;

	/* Everything but the control socket goes. The numbers 0 to 2 are opened by the process itself. */
	if (fd != PX_CONTROL_FD && syscall(SYS_dup3, fd, PX_CONTROL_FD, 0) < 0) {
		l->error = errno;
		return 127;
	}
	if (fd == PX_CONTROL_FD)
		(void)syscall(SYS_fcntl, fd, F_SETFD, 0);
	(void)syscall(SYS_close_range, PX_CONTROL_FD + 1, ~0U, 0);
	(void)syscall(SYS_execve, l->path, argv, l->envp);
	l->error = errno;
	return 127;
}

static int in_between(void *arg)
{
	struct launch *l = arg;
	int made = __clone(execute, l->inner_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, l);

	if (made < 0)
		l->error = errno;
	l->made = made;
	return 0;
}

/* All signals stay blocked while the other process runs in this memory. */
static int launch(struct launch *l)
{
	char *stacks = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	sigset_t all, before;

	if (stacks == MAP_FAILED)
		return -ENOMEM;
	l->inner_stack = stacks + STACK_BYTES / 2;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int saved = errno;
	pid_t made = __clone(in_between, stacks + STACK_BYTES, CLONE_VM | CLONE_VFORK, l);
	int r = made < 0 ? -errno : 0;
	if (made > 0)
		while (waitpid(made, NULL, __WCLONE) < 0 && errno == EINTR)
			;
	errno = saved;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	ASAN_UNPOISON_MEMORY_REGION(stacks, STACK_BYTES); /* execute() never returned */
	(void)munmap(stacks, STACK_BYTES);
	return r < 0 ? r : -l->error;
}

/* Beside the file of this plugin. */
static int find_program(char path[PATH_MAX])
{
	char real[PATH_MAX];
	Dl_info own;

	if (dladdr((void *)(uintptr_t)px_start, &own) == 0 || own.dli_fname == NULL ||
	    realpath(own.dli_fname, real) == NULL)
		return -ENOENT;
	char *slash = strrchr(real, '/');
	if (slash == NULL)
		return -ENOENT;
	*slash = '\0';
	int n = snprintf(path, PATH_MAX, "%s/" PROGRAM, real);
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int px_start(int *control, pid_t *pid)
{
	char path[PATH_MAX];
	int ends[2];
	int r = find_program(path);

	if (r < 0)
		return r;
	r = vs_socketpair(ends);
	if (r < 0)
		return r;
	struct launch l = { .path = path, .envp = environ, .control = ends[1] };
	r = launch(&l);
	vs_close(ends[1]);
	if (r < 0) {
		vs_close(ends[0]);
		return r;
	}
	*control = ends[0];
	*pid = l.made;
	return 0;
}

/* True if it is a child of this program, running or ended. */
static bool is_child(pid_t pid)
{
	siginfo_t info;

	return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* The program may have reaped it, and the number may be that of a child of its own. */
static bool is_process_of_stack(pid_t pid)
{
	char path[40], name[32] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	VS_AUTO_CLOSE fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, name, sizeof(name) - 1) > 0 && strcmp(name, PROGRAM "\n") == 0;
}

void px_reap(pid_t pid, int timeout_ms)
{
	int saved = errno;

	if (is_child(pid) && is_process_of_stack(pid)) {
		VS_AUTO_CLOSE fd = (int)syscall(SYS_pidfd_open, pid, 0);
		struct pollfd p = { .fd = fd, .events = POLLIN };
		siginfo_t info;
		if (fd >= 0 && poll(&p, 1, timeout_ms) == 1)
			(void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG);
	}
	errno = saved;
}
