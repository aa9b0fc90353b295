/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starting a process that the program cannot see.
 *
 *     program thread ──clone(VM|VFORK), exit signal 0──▶ intermediate ──clone(VM|VFORK), SIGCHLD──▶ the process
 *        waits                                             waits, then exits                         execs itself
 *        reaps it with __WCLONE
 *
 * exec gives every process SIGCHLD as its exit signal, so the one that execs must be nobody's
 * child: it is the child of an intermediate that ends before anybody could wait for it. The
 * intermediate never execs, keeps exit signal 0 and is thus invisible to wait() without
 * __WCLONE and sends no signal. Both are made without copying page tables, so the cost does
 * not grow with the program, and neither runs its atfork handlers.
 *
 * Between clone and exec the new tasks run on the program's memory: they make system calls and nothing
 * else, on a stack of their own, with every signal blocked. errno is that of the calling thread, which
 * sleeps meanwhile and restores it. Thread checkers replace clone() by a function that takes locks; so
 * glibc's __clone() is called, which is the same function.
 *
 * The memory that they run on is released only when both have left it. The intermediate may be
 * killed while it waits; then its child still runs. So the kernel itself writes down in the
 * program's memory that the child was made, and clears another word when it has left by exec or
 * by its end (CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID).
 *
 * A checker may turn the shared-memory clone into a plain fork (valgrind does). Then nothing is
 * written there, and the exit status of the intermediate tells. A failing exec is told through a socket.
 *
 * A keeper gets one user, one group and no supplementary groups, see drop_groups() and settle_ids().
 *
 * The file that is executed is this library, which is a program as well: it is there wherever
 * the library could be loaded from. It is executed by a descriptor that was checked before
 * (origin.c), so there is no second way to it that could lead elsewhere. Where the file is not
 * executable (mode 644 is usual for libraries), the dynamic linker runs it.
 */

#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <poll.h>
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

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "environment.h"
#include "origin.h"
#include "pidns.h"
#include "wire/roles.h"

#define STACK_BYTES 65536 /* for the intermediate; the lower half is the new process's */
#define FDS_MAX 8

#ifndef SYS_futex /* 32-bit architectures that never had another */
#define SYS_futex SYS_futex_time64
#endif

struct launch {
	enum vs_launch_role role;
	int fds[FDS_MAX]; /* the new process's, then those of the file and of the linker */
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

/* The fifth is 0: prctl(2) refuses anything else. */
static long call(long number, long a, long b, long c, long d)
{
	return call5(number, a, b, c, d, 0);
}

/* clone(3) by its other name, which no thread checker replaces. */
int __clone(int (*fn)(void *), void *top, int flags, void *arg, ...);

/*
 * Runs fn(arg) in a new task with the caller's memory, on the stack that ends at top. The caller sleeps until
 * it has executed something or has ended. exit_signal 0 or SIGCHLD. Returns its pid or -errno. made (NULL: not
 * wanted) gets the pid before the task runs; running is cleared when it leaves the memory.
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

#ifdef SYS_setresuid32 /* on 32-bit architectures those without it take 16-bit numbers */
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
 * No supplementary groups, where this process may do without them: the program could give them up
 * later and would have their files through the keeper. Where it may not, the program cannot give
 * them up either.
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
	(void)call(VS_SYS(setgroups), 0, 0, 0, 0); /* EPERM: as said */
	if (caps.data[0].effective != before.data[0].effective)
		(void)set_caps(&before);
}

/*
 * One user and one group, the effective ones, as real and saved ones too. Others could be given up
 * later as well, and a process that has two is not its own to map into a user namespace. What has
 * one already is left alone: a change of the file system's numbers alone would make the program,
 * whose memory this is, undumpable. Capabilities that are not uid 0's own stay as they are.
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

/* Carries capabilities that are not uid 0's over the exec (capabilities(7), ambient set). */
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

struct entry { /* what getdents64(2) gives */
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

/* Instead of close_range(2): before Linux 5.9, or where a filter of system calls does not let it pass. */
static void close_each_from(long first)
{
	_Alignas(struct entry) char entries[2048];
	long dir = call(SYS_openat, AT_FDCWD, (long)"/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), n = dir;

	while (n >= 0 && (n = call(SYS_getdents64, dir, (long)entries, sizeof(entries), 0)) > 0) {
		for (long at = 0; at < n; at += ((struct entry *)(entries + at))->size) {
			long fd = number_of(((struct entry *)(entries + at))->name);
			if (fd >= first && fd != dir)
				(void)call(SYS_close, fd, 0, 0, 0);
		}
	}
	if (dir >= 0)
		(void)call(SYS_close, dir, 0, 0, 0);
	for (long fd = first; n < 0 && fd < 65536; fd++) /* without /proc: as far as it goes */
		(void)call(SYS_close, fd, 0, 0, 0);
}

/*
 * fds[i] -> 3+i, first moved above all targets so that none overwrites another. In a table too
 * small for that they are taken as they are, which is safe when they ascend: then fds[i] >= 3+i.
 * *report: where the first one is to be found, whatever happens.
 */
static long place_descriptors(const struct launch *l, long *report)
{
	int high[FDS_MAX];
	long why = -EMFILE;

	for (size_t i = 0; i < l->n_fds; i++) {
		long moved = call(SYS_fcntl, l->fds[i], F_DUPFD, 3 + FDS_MAX, 0);
		if (moved < 0 && moved != -EINVAL) /* which is EMFILE by another name */
			why = moved;
		high[i] = moved < 0 ? l->fds[i] : (int)moved;
		if (i == 0)
			*report = high[0];
		if (i > 0 && high[i] <= high[i - 1])
			return why;
	}
	for (size_t i = 0; i < l->n_fds; i++) {
		bool kept = i < l->n_kept;
		long r = high[i] == (int)(3 + i) ? call(SYS_fcntl, 3 + (long)i, F_SETFD, kept ? 0 : FD_CLOEXEC, 0)
						 : call(SYS_dup3, high[i], 3 + (long)i, kept ? 0 : O_CLOEXEC, 0);
		if (r < 0)
			return r;
	}
	if (call(SYS_close_range, 3 + (long)l->n_fds, ~0u, 0, 0) < 0)
		close_each_from(3 + (long)l->n_fds);
	*report = 3;
	return 0;
}

/* The program's own soft limit bounds the program, not its keeper. */
static void raise_descriptor_limit(void)
{
	struct rlimit64 limit;

	if (call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)call(SYS_prlimit64, 0, RLIMIT_NOFILE, (long)&limit, 0);
	}
}

/* The file by its descriptor, or the linker by its own. -errno, if it comes back. */
static long execute(const struct launch *l)
{
	long file = 3 + (long)l->n_kept, flags = AT_EMPTY_PATH;
	long r = call5(SYS_execveat, file, (long)"", (long)(l->argv), (long)l->envp, flags);

	/* The linker starts even when there is nothing to load, and nobody would hear what it says then. */
	if (l->origin.linker >= 0 && call(SYS_faccessat, AT_FDCWD, (long)l->origin.path, R_OK, 0) == 0)
		r = call5(SYS_execveat, file + 1, (long)"", (long)l->linker_argv, (long)l->envp, flags);
	return r;
}

/*
 * A keeper must not have more capabilities than who starts it can show: exec gives uid 0 back what it
 * has dropped, and makes effective what is only permitted. no_new_privs, which the keeper sets anyway,
 * stops the first. Without CAP_SYS_ADMIN in effect the keeper has to live in a user namespace of its
 * own, so it is not left the permitted one.
 */
static void limit_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (call(SYS_capget, (long)&head, (long)data, 0, 0) == 0 && (data[0].effective & (1u << CAP_SYS_ADMIN)) == 0) {
		for (int i = 0; i < 2; i++)
			data[i].permitted = data[i].effective;
		(void)call(SYS_capset, (long)&head, (long)data, 0, 0);
	}
	(void)call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0);
}

static int become(void *arg)
{
	const struct launch *l = arg;

	if (l->role == VS_LAUNCH_KEEPER)
		raise_descriptor_limit();
	long report = l->fds[0];
	int32_t r = (int32_t)place_descriptors(l, &report);

	if (l->role == VS_LAUNCH_KEEPER) {
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
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	return geteuid() != 0 && syscall(SYS_capget, &head, data) == 0 &&
	       (data[0].effective & (1u << CAP_SYS_ADMIN)) != 0;
}

static int reap_intermediate(pid_t pid)
{
	int status;
	pid_t r;

	do {
		r = waitpid(pid, &status, __WALL);
	} while (r < 0 && errno == EINTR);
	if (r < 0) /* somebody else of the program took it: a failing start shows on the sockets */
		return 0;
	if (!WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

/* Until the new process does not use this memory any more; with its maker killed that takes a moment. */
static void await_exec(struct launch *l)
{
	pid_t running;

	while (l->made != 0 && (running = atomic_load(&l->running)) != 0)
		(void)syscall(SYS_futex, &l->running, FUTEX_WAIT, running, NULL, NULL, 0);
}

static int run_launch(struct launch *l)
{
	sigset_t all, saved;
	int err = errno;
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (stack == MAP_FAILED)
		return -errno;
	l->grandchild_stack = stack + STACK_BYTES / 2;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	l->made = 0;
	atomic_init(&l->running, 1);
	long pid = clone_vfork(0, stack + STACK_BYTES, intermediate, l, NULL, NULL);
	int r = pid < 0 ? (int)pid : reap_intermediate((pid_t)pid);
	await_exec(l);
	if (l->made != 0) /* however its maker ended */
		r = 0;
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	(void)munmap(stack, STACK_BYTES);
	errno = err;
	return r;
}

/* As vs_launch(); why stays "" where the errno says it all. */
static int launch(enum vs_launch_role role, const int *fds, size_t n_fds, char *why)
{
	static const char *const names[] = {
		[VS_LAUNCH_KEEPER] = VS_KEEPER_NAME,
		[VS_LAUNCH_RUNNER] = VS_RUNNER_NAME,
	};
	char *name = (char *)names[role];
	struct launch l = { .role = role, .n_fds = n_fds, .n_kept = n_fds, .raise_caps = caps_need_raising() };

	why[0] = '\0';
	if (vs_pidns_differs()) {
		(void)snprintf(why, VS_MESSAGE_MAX,
			       "children of this thread go to another PID namespace (unshare or setns with CLONE_NEWPID); "
			       "do it before that call, from another thread, or from a child");
		return -EINVAL;
	}
	int r = vs_origin_open(&l.origin, why);
	if (r < 0)
		return r;
	char *argv[] = { name, NULL };
	char *linker_argv[] = { (char *)l.origin.linker_path, "--argv0", name, (char *)l.origin.path, NULL };
	VS_AUTO_FREE char **envp = role == VS_LAUNCH_KEEPER ? vs_environment_of_keeper()
							     : vs_environment_of_runner();
	memcpy(l.fds, fds, n_fds * sizeof(*fds));
	l.fds[l.n_fds++] = l.origin.file;
	if (l.origin.linker >= 0)
		l.fds[l.n_fds++] = l.origin.linker;
	l.argv = argv;
	l.linker_argv = linker_argv;
	l.envp = envp;
	r = envp == NULL ? -ENOMEM : run_launch(&l);
	vs_origin_close(&l.origin);
	if (r == -ECHILD)
		(void)snprintf(why, VS_MESSAGE_MAX, "the task that makes it was killed; try again");
	return r;
}

int vs_launch(enum vs_launch_role role, const int *fds, size_t n_fds, char why[VS_MESSAGE_MAX])
{
	int r = launch(role, fds, n_fds, why);

	if (r < 0 && why[0] == '\0')
		(void)snprintf(why, VS_MESSAGE_MAX, "%s", vs_cause_text(vs_diagnose_limit(-r), -r));
	return r;
}

/* Names outlive their process as long as it waits to be collected. Without /proc: no. */
static bool is_keeper(int pid)
{
	static const char expected[] = VS_KEEPER_NAME "\n";
	char path[32], name[sizeof(expected)];

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	VS_AUTO_CLOSE fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, name, sizeof(name)) == (ssize_t)sizeof(expected) - 1 &&
	       memcmp(name, expected, sizeof(expected) - 1) == 0;
}

int vs_launch_reap(int pid, bool certain, int timeout_ms)
{
	siginfo_t info;
	int64_t deadline = vs_now_ms() + timeout_ms;

	if (pid <= 0 || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return 0; /* not a child of ours */
	VS_AUTO_CLOSE pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return errno == ESRCH ? 0 : -errno;
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	if (!certain && !is_keeper(pid))
		return 0; /* the program has collected it and has made another child of that number */
	int n;
	do {
		n = poll(&ended, 1, vs_left_ms(deadline));
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return -ETIMEDOUT;
	(void)waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG); /* ECHILD: the program collected it */
	return 0;
}
