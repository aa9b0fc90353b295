/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starting a process that the program cannot see.
 *
 *     thread of the program     waits, then reaps the intermediate with __WCLONE
 *       │ clone(VM|VFORK), exit signal 0
 *       ▼
 *     intermediate              waits, then exits
 *       │ clone(VM|VFORK), exit signal SIGCHLD
 *       ▼
 *     new process               executes the library's file
 *
 * exec sets the exit signal of a process to SIGCHLD. So the process that calls exec must not be a child of
 * the program. It is a child of the intermediate, which ends before the program can wait for the new
 * process. The intermediate never calls exec, so it keeps exit signal 0: wait() without __WCLONE does not
 * see it, and its end sends no signal. Neither clone copies page tables, so the cost does not grow with the
 * program. Neither runs the program's atfork handlers.
 *
 * The new process is an orphan then, and is reaped by the process that adopts orphans. Where none does, or
 * where that is the program itself (adopter.c), a holder takes the place of the intermediate. It has a copy
 * of the memory, waits for the new process, and is reaped by the program (held.c). If there is no memory for
 * the copy, the new process becomes an orphan after all.
 *
 * Between clone and exec the new tasks run in the program's memory. They only make system calls, on stacks
 * of their own, with every signal blocked. They share errno with the calling thread, which sleeps meanwhile
 * and restores it. Thread checkers replace clone() by a function that takes locks. So this file calls
 * glibc's __clone(), which is the same function.
 *
 * The memory that the tasks run on is released only when both have left it. The intermediate may be killed
 * while it waits, and then its child still runs. So the kernel itself records in the program's memory that
 * the child was made, and clears another word when the child has left by exec or by its end
 * (CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID).
 *
 * A checker may turn the clone with shared memory into a plain fork (valgrind does). Then nothing is
 * recorded there, and the exit status of the intermediate says whether the process was made. A failed exec
 * is reported through a socket.
 *
 * A keeper gets one user, one group and no supplementary groups, see drop_groups() and settle_ids().
 *
 * The file that is executed is this library, which is also a program. So it is there wherever the library
 * could be loaded from. It is executed by a descriptor that was checked before (origin.c), because a path
 * could lead to another file by then. Where the file is not executable (mode 644 is usual for libraries),
 * the dynamic linker runs it.
 */

#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adopter.h"
#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/poison.h"
#include "environment.h"
#include "held.h"
#include "origin.h"
#include "pidns.h"
#include "wire/roles.h"

#define STACK_BYTES 65536 /* the upper half is for the intermediate, the lower half for the new process */
#define FDS_MAX 8

#ifndef SYS_futex /* some 32-bit architectures have only this one */
#define SYS_futex SYS_futex_time64
#endif

struct launch {
	enum vs_launch_role role;
	int fds[FDS_MAX]; /* for the new process; then the file and the linker */
	size_t n_fds;
	size_t n_kept;    /* how many of them survive the exec */
	struct vs_origin origin;
	char *grandchild_stack;
	char *const *argv;
	char *const *linker_argv; /* through the dynamic linker */
	char **envp;
	bool raise_caps;
	pid_t made;             /* the new process, written by the kernel; 0: there is none */
	_Atomic(pid_t) running; /* cleared by the kernel when the new process has left this memory */
};

/* ------------------------------------------------------------------ system calls */

static long call5(long number, long a, long b, long c, long d, long e)
{
	long result = syscall(number, a, b, c, d, e);

	return result < 0 ? -errno : result;
}

/* As call5() with 0 as the fifth argument: prctl(2) refuses any other value there. */
static long call(long number, long a, long b, long c, long d)
{
	return call5(number, a, b, c, d, 0);
}

/* clone(3) by the name that thread checkers do not replace. */
int __clone(int (*fn)(void *), void *top, int flags, void *arg, ...);

/*
 * Runs fn(arg) in a new task with the caller's memory, on the stack that ends at top. The caller sleeps
 * until the task has executed a file or has ended. exit_signal is 0 or SIGCHLD. Returns the task's pid or
 * -errno. *made gets the pid before the task runs (NULL: not wanted). *running is cleared when the task
 * leaves the memory.
 */
static long clone_vfork(int exit_signal, char *top, int (*fn)(void *), void *arg, pid_t *made,
			_Atomic(pid_t) *running)
{
	int flags = CLONE_VM | CLONE_VFORK | exit_signal;

	if (made != NULL)
		flags |= CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	int pid = __clone(fn, top, flags, arg, made, (void *)NULL, running);
	return pid < 0 ? -errno : pid;
}

/* ------------------------------------------------------------------ between clone and exec */

#ifdef SYS_setresuid32 /* on 32-bit architectures the calls without "32" take 16-bit ids */
#define VS_SYS(name) SYS_##name##32
#else
#define VS_SYS(name) SYS_##name
#endif

struct caps {
	struct __user_cap_header_struct head;
	struct __user_cap_data_struct data[2];
};

static long get_caps(struct caps *caps)
{
	caps->head = (struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3 };
	return call(SYS_capget, (long)&caps->head, (long)caps->data, 0, 0);
}

static long set_caps(struct caps *caps)
{
	return call(SYS_capset, (long)&caps->head, (long)caps->data, 0, 0);
}

/*
 * Drops the supplementary groups, if this process may. Otherwise the program could drop them later, and
 * still have their access to files through the keeper. If this process may not drop them, the program
 * cannot either.
 */
static void drop_groups(void)
{
	struct caps before, caps;

	if (call(VS_SYS(getgroups), 0, 0, 0, 0) == 0 || get_caps(&before) < 0)
		return;
	caps = before;
	caps.data[0].effective |= caps.data[0].permitted & (1u << CAP_SETGID);
	if (caps.data[0].effective != before.data[0].effective && set_caps(&caps) < 0)
		return;
	(void)call(VS_SYS(setgroups), 0, 0, 0, 0); /* EPERM: this process may not */
	if (caps.data[0].effective != before.data[0].effective)
		(void)set_caps(&before);
}

/*
 * Sets the real and saved ids to the effective ones, so that the keeper has one user and one group. The
 * program could give up other ids later, and still have their rights through the keeper. And a process with
 * two users may not map itself into a user namespace. A process with one id is left alone: even a change of
 * only the file system ids would make the program, whose memory this is, undumpable. Capabilities that do
 * not come from uid 0 stay as they are.
 */
static void settle_ids(void)
{
	uint32_t r, e, s; /* the kernel's uid_t and gid_t */
	struct caps caps;

	if (call(VS_SYS(getresgid), (long)&r, (long)&e, (long)&s, 0) == 0 && (r != e || s != e))
		(void)call(VS_SYS(setresgid), e, e, e, 0);
	if (call(VS_SYS(getresuid), (long)&r, (long)&e, (long)&s, 0) < 0 || (r == e && s == e))
		return;
	bool known = get_caps(&caps) == 0;
	(void)call(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0); /* until the exec */
	(void)call(VS_SYS(setresuid), e, e, e, 0);
	if (known)
		(void)set_caps(&caps);
}

/* Keeps capabilities over the exec in a process that is not uid 0 (capabilities(7), ambient set). */
static void raise_ambient(void)
{
	struct caps caps;

	if (get_caps(&caps) < 0)
		return;
	for (int i = 0; i < 2; i++)
		caps.data[i].inheritable |= caps.data[i].effective;
	if (set_caps(&caps) < 0)
		return;
	for (long cap = 0; cap < 64; cap++)
		if (caps.data[cap / 32].effective & (1u << (cap % 32)))
			(void)call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0);
}

struct entry { /* what getdents64(2) returns */
	uint64_t inode;
	int64_t next;
	uint16_t size;
	unsigned char type;
	char name[];
};

static long number_of(const char *name)
{
	long n = 0;

	if (*name < '0' || *name > '9')
		return -1;
	for (; *name != '\0'; name++)
		n = n * 10 + (*name - '0');
	return n;
}

/* Replaces close_range(2) before Linux 5.9, or where a filter of system calls refuses it. */
static void close_each_from(long first)
{
	_Alignas(struct entry) char entries[2048];
	long dir = call(SYS_openat, AT_FDCWD, (long)"/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0),
	     n = dir;

	while (n >= 0 && (n = call(SYS_getdents64, dir, (long)entries, sizeof(entries), 0)) > 0) {
		for (long at = 0; at < n; at += ((struct entry *)(entries + at))->size) {
			long fd = number_of(((struct entry *)(entries + at))->name);
			if (fd >= first && fd != dir)
				(void)call(SYS_close, fd, 0, 0, 0);
		}
	}
	if (dir >= 0)
		(void)call(SYS_close, dir, 0, 0, 0);
	for (long fd = first; n < 0 && fd < 65536; fd++) /* without /proc: numbers up to a limit */
		(void)call(SYS_close, fd, 0, 0, 0);
}

/*
 * Moves fds[i] to 3+i. All are moved above all targets first, so that none overwrites another. In a table
 * too small for that they stay where they are. That is safe if they ascend, because then fds[i] >= 3+i.
 * *report is always set to the current number of the first one.
 */
static long place_descriptors(const struct launch *l, long *report)
{
	int high[FDS_MAX];
	long why = -EMFILE;

	for (size_t i = 0; i < l->n_fds; i++) {
		long moved = call(SYS_fcntl, l->fds[i], F_DUPFD, 3 + FDS_MAX, 0);
		if (moved < 0 && moved != -EINVAL) /* EINVAL: the limit is below that number, so EMFILE */
			why = moved;
		high[i] = moved < 0 ? l->fds[i] : (int)moved;
		if (i == 0)
			*report = high[0];
		if (i > 0 && high[i] <= high[i - 1])
			return why;
	}
	for (size_t i = 0; i < l->n_fds; i++) {
		bool kept = i < l->n_kept;
		long r = high[i] == (int)(3 + i)
				 ? call(SYS_fcntl, 3 + (long)i, F_SETFD, kept ? 0 : FD_CLOEXEC, 0)
				 : call(SYS_dup3, high[i], 3 + (long)i, kept ? 0 : O_CLOEXEC, 0);
		if (r < 0)
			return r;
	}
	if (call(SYS_close_range, 3 + (long)l->n_fds, ~0u, 0, 0) < 0)
		close_each_from(3 + (long)l->n_fds);
	*report = 3;
	return 0;
}

/* The program's own soft limit is for the program, not for its keeper. */
static void raise_descriptor_limit(void)
{
	struct rlimit64 limit;

	if (call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)call(SYS_prlimit64, 0, RLIMIT_NOFILE, (long)&limit, 0);
	}
}

/* Executes the file by its descriptor, or the linker by its own. Returns only on failure, with -errno. */
static long execute(const struct launch *l)
{
	long file = 3 + (long)l->n_kept, flags = AT_EMPTY_PATH;
	long r = call5(SYS_execveat, file, (long)"", (long)(l->argv), (long)l->envp, flags);

	/* The linker would start even without a file to load, and its message would be lost. */
	if (l->origin.linker >= 0 && call(SYS_faccessat, AT_FDCWD, (long)l->origin.path, R_OK, 0) == 0)
		r = call5(SYS_execveat, file + 1, (long)"", (long)l->linker_argv, (long)l->envp, flags);
	return r;
}

/*
 * A keeper must not have more capabilities than the process that starts it has in effect. exec makes
 * permitted capabilities effective, and gives uid 0 back those that it has dropped. no_new_privs, which the
 * keeper sets anyway, prevents the latter. Without CAP_SYS_ADMIN in effect the keeper has to live in a user
 * namespace of its own, so it does not keep the permitted one.
 */
static void limit_capabilities(void)
{
	struct caps caps;

	if (get_caps(&caps) == 0 && (caps.data[0].effective & (1u << CAP_SYS_ADMIN)) == 0) {
		for (int i = 0; i < 2; i++)
			caps.data[i].permitted = caps.data[i].effective;
		(void)set_caps(&caps);
	}
	(void)call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0);
}

static int become(void *arg)
{
	const struct launch *l = arg;

	if (l->role != VS_LAUNCH_RUNNER)
		raise_descriptor_limit();
	long report = l->fds[0];
	int32_t r = (int32_t)place_descriptors(l, &report);

	if (l->role != VS_LAUNCH_RUNNER) {
		(void)call(SYS_setsid, 0, 0, 0, 0);
		for (long fd = 0; fd < 3; fd++)
			(void)call(SYS_close, fd, 0, 0, 0);
		drop_groups();
		settle_ids();
		limit_capabilities();
	}
	if (l->raise_caps)
		raise_ambient();
	if (r == 0)
		r = (int32_t)execute(l);
	(void)call(SYS_write, report, (long)&r, sizeof(r), 0);
	return 127;
}

/* What a holder does in its copy of the memory. */
static long make_held(void *arg, pid_t *made)
{
	struct launch *l = arg;

	return clone_vfork(SIGCHLD, l->grandchild_stack, become, l, made, &l->running);
}

static int intermediate(void *arg)
{
	struct launch *l = arg;
	long pid = clone_vfork(SIGCHLD, l->grandchild_stack, become, l, &l->made, &l->running);

	return pid < 0 ? (int)-pid & 0xff : 0;
}

/* ------------------------------------------------------------------ the program's side */

/* Capabilities survive exec by themselves only for uid 0. */
static bool caps_need_raising(void)
{
	struct caps caps;

	return geteuid() != 0 && get_caps(&caps) == 0 &&
	       (caps.data[0].effective & (1u << CAP_SYS_ADMIN)) != 0;
}

static int reap_intermediate(pid_t pid)
{
	int status;
	pid_t r;

	do {
		r = waitpid(pid, &status, __WALL);
	} while (r < 0 && errno == EINTR);
	if (r < 0) /* other code of the program reaped it: a failed start shows on the sockets */
		return 0;
	if (!WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

/* Waits until the new process has left this memory. If the intermediate was killed, that takes a moment. */
static void await_exec(struct launch *l)
{
	pid_t running;

	while (l->made != 0 && (running = atomic_load(&l->running)) != 0)
		(void)syscall(SYS_futex, &l->running, FUTEX_WAIT, running, NULL, NULL, 0);
}

/* Makes the new process as an orphan. top: the end of the intermediate's stack. */
static int run_orphaned(struct launch *l, char *top)
{
	long pid = clone_vfork(0, top, intermediate, l, NULL, NULL);
	int r = pid < 0 ? (int)pid : reap_intermediate((pid_t)pid);

	await_exec(l);
	return l->made != 0 ? 0 : r; /* it may be made although the intermediate was killed */
}

static int run_launch(struct launch *l)
{
	sigset_t all, saved;
	int err = errno, r;
	long held;
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK,
			   -1, 0);

	if (stack == MAP_FAILED)
		return -errno;
	l->grandchild_stack = stack + STACK_BYTES / 2;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	l->made = 0;
	atomic_init(&l->running, 1);
	vs_held_sweep();
	if (vs_adopter_fails() && vs_held_start(stack + STACK_BYTES, STACK_BYTES / 2,
						l->role != VS_LAUNCH_RUNNER, make_held, l, &held)) {
		l->made = held > 0 ? (pid_t)held : 0;
		r = held < 0 ? (int)held : 0;
	} else {
		r = run_orphaned(l, stack + STACK_BYTES);
	}
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	ASAN_UNPOISON_MEMORY_REGION(stack, STACK_BYTES); /* functions that never returned ran on it */
	(void)munmap(stack, STACK_BYTES);
	errno = err;
	return r;
}

/* As vs_launch(). why stays "" where the errno alone is the cause. */
static int launch(enum vs_launch_role role, const int *fds, size_t n_fds, pid_t *made, char *why)
{
	static const char *const names[] = {
		[VS_LAUNCH_KEEPER] = VS_KEEPER_NAME,
		[VS_LAUNCH_LOCAL_KEEPER] = VS_KEEPER_NAME,
		[VS_LAUNCH_RUNNER] = VS_RUNNER_NAME,
	};
	char *name = (char *)names[role];
	struct launch l = {
		.role = role, .n_fds = n_fds, .n_kept = n_fds, .raise_caps = caps_need_raising()
	};

	why[0] = '\0';
	if (vs_pidns_differs()) {
		(void)snprintf(why, VS_MESSAGE_MAX,
			       "children of this thread go to another PID namespace (unshare or setns with "
			       "CLONE_NEWPID); do it before that call, from another thread, or from a child");
		return -EINVAL;
	}
	int r = vs_origin_open(&l.origin, why);
	if (r < 0)
		return r;
	char *argument = role == VS_LAUNCH_LOCAL_KEEPER ? VS_KEEPER_LOCAL : NULL;
	char *argv[] = { name, argument, NULL };
	char *linker_argv[] = { (char *)l.origin.linker_path, "--argv0", name, (char *)l.origin.path,
				argument, NULL };
	VS_AUTO_FREE char **envp = vs_environment_of_helper();
	memcpy(l.fds, fds, n_fds * sizeof(*fds));
	l.fds[l.n_fds++] = l.origin.file;
	if (l.origin.linker >= 0)
		l.fds[l.n_fds++] = l.origin.linker;
	l.argv = argv;
	l.linker_argv = linker_argv;
	l.envp = envp;
	r = envp == NULL ? -ENOMEM : run_launch(&l);
	*made = l.made;
	vs_origin_close(&l.origin);
	if (r == -ECHILD)
		(void)snprintf(why, VS_MESSAGE_MAX, "the task that makes it was killed; try again");
	return r;
}

int vs_launch(enum vs_launch_role role, const int *fds, size_t n_fds, pid_t *made, char why[VS_MESSAGE_MAX])
{
	*made = 0;
	int r = launch(role, fds, n_fds, made, why);

	if (r < 0 && why[0] == '\0')
		(void)snprintf(why, VS_MESSAGE_MAX, "%s", vs_cause_text(vs_diagnose_limit(-r), -r));
	return r;
}

void vs_launch_ended(pid_t pid, int timeout_ms)
{
	vs_adopter_watch(pid);
	(void)vs_held_reap(pid, timeout_ms);
}
