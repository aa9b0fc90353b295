/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every system call that an operation makes fails once. This includes those that test_faults.c does not see:
 * between clone and exec, of the dynamic linker that starts the keeper, of libc, libnl and plugins. The
 * keeper is also killed once before each call.
 *
 *     case = the program ──fork──▶ tracer: attaches to its parent, and so to all that it starts
 *            │                        ▲
 *            └── memory: which call must fail, which one did (inject.h)
 *
 * The library is the one that is installed, without changes. A task stops before and after each of its system
 * calls. The tracer can make the kernel skip the call and set its result. The program writes to the
 * memory when calls are counted, so calls of the test are not. They are counted across all tasks of a side:
 * the program, or all other processes. Between clone and exec the future keeper belongs to the other side.
 *
 * Not every call can fail. Calls that the kernel does not refuse with valid arguments are skipped, see
 * the table. close(2) fails only after it has closed.
 *
 * The case limits the number of network namespaces in a user namespace of its own. In the end it makes as
 * many as the limit allows. This fails if any of the faults has left one behind.
 */

#include <linux/capability.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "ops.h"

#define HANGS_AFTER_S 20 /* for an operation with a failed call; the limit of each step is STEP_MS */
#define NAMESPACES 40

struct inject_control *inject_control;

/* ------------------------------------------------------------------ what fails, and how */

#define CANNOT 0 /* skipped */

/*
 * The errno of each call. Calls that are not listed fail with ENOMEM, which nearly every call can. Calls that
 * cannot fail are never refused, or libc ends the process if they fail.
 */
static const struct known {
	int number, error;
	const char *name;
} known[] = {
#define FAILS(name, error) { SYS_##name, error, #name }
#define NEVER(name) { SYS_##name, CANNOT, #name }
	FAILS(openat, EMFILE), FAILS(close, EIO), FAILS(read, EIO), FAILS(pread64, EIO), FAILS(write, EIO),
	FAILS(writev, EIO), FAILS(dup, EMFILE), FAILS(dup2, EMFILE), FAILS(dup3, EMFILE),
	FAILS(fcntl, EMFILE), FAILS(ioctl, ENOMEM), FAILS(pipe2, EMFILE), FAILS(eventfd2, EMFILE),
	FAILS(signalfd4, EMFILE), FAILS(epoll_create1, EMFILE), FAILS(epoll_ctl, ENOMEM),
	FAILS(memfd_create, EMFILE), FAILS(pidfd_open, EMFILE), FAILS(close_range, ENOSYS),
	FAILS(getdents64, EIO), FAILS(newfstatat, EACCES), FAILS(fstat, EIO), FAILS(statx, EACCES),
	FAILS(access, EACCES), FAILS(readlink, EACCES), FAILS(chdir, EACCES), FAILS(fchdir, EACCES),
	FAILS(chroot, EPERM), FAILS(unlink, EACCES), FAILS(mkdir, EACCES), FAILS(rmdir, EACCES),
	FAILS(chmod, EPERM), FAILS(lseek, ESPIPE), FAILS(poll, ENOMEM), FAILS(ppoll, ENOMEM),
	FAILS(epoll_wait, EINTR), FAILS(socket, EMFILE), FAILS(socketpair, EMFILE), FAILS(bind, ENOBUFS),
	FAILS(connect, ECONNREFUSED), FAILS(listen, ENOBUFS), FAILS(accept4, EMFILE), FAILS(sendto, ENOBUFS),
	FAILS(recvfrom, ENOMEM), FAILS(sendmsg, ENOBUFS), FAILS(recvmsg, ENOMEM), FAILS(sendmmsg, ENOBUFS),
	FAILS(recvmmsg, ENOMEM), FAILS(setsockopt, ENOMEM), FAILS(shutdown, ENOTCONN), FAILS(mmap, ENOMEM),
	FAILS(mprotect, ENOMEM), FAILS(mremap, ENOMEM), FAILS(madvise, EAGAIN), FAILS(brk, ENOMEM),
	FAILS(clone, EAGAIN), FAILS(clone3, EAGAIN), FAILS(fork, EAGAIN), FAILS(vfork, EAGAIN),
	FAILS(execve, EACCES), FAILS(execveat, EACCES), FAILS(wait4, ECHILD), FAILS(waitid, ECHILD),
	FAILS(kill, ESRCH), FAILS(unshare, ENOSPC), FAILS(setns, EPERM), FAILS(setsid, EPERM),
	FAILS(prctl, EINVAL), FAILS(capset, EPERM), FAILS(capget, EPERM), FAILS(seccomp, EINVAL),
	FAILS(prlimit64, EPERM), FAILS(getrandom, EAGAIN), FAILS(sched_setscheduler, EPERM),
	FAILS(sched_getaffinity, ESRCH), FAILS(setpriority, EACCES), FAILS(setresuid, EAGAIN),
	FAILS(setresgid, EAGAIN), FAILS(setgroups, EPERM), FAILS(sysinfo, EPERM), FAILS(pipe, EMFILE),
	FAILS(open, EMFILE), FAILS(stat, EACCES),
	NEVER(exit), NEVER(exit_group), NEVER(rt_sigreturn), NEVER(restart_syscall), NEVER(futex),
	NEVER(sched_yield), NEVER(munmap), NEVER(getpid), NEVER(gettid), NEVER(getppid), NEVER(getuid),
	NEVER(geteuid), NEVER(getgid), NEVER(getegid), NEVER(getresuid), NEVER(getresgid), NEVER(getpgrp),
	NEVER(umask), NEVER(uname), NEVER(rt_sigprocmask), NEVER(rt_sigaction), NEVER(sigaltstack),
	NEVER(set_tid_address), NEVER(set_robust_list), NEVER(rseq), NEVER(arch_prctl), NEVER(clock_gettime),
	NEVER(gettimeofday), NEVER(nanosleep), NEVER(clock_nanosleep), NEVER(tgkill), NEVER(getsockname),
	NEVER(getpeername),
	NEVER(getsockopt), /* see inject.c about SO_COOKIE; the others are calls on sockets of ours */
};

static const struct known *look_up(long number)
{
	static struct known other = { 0, ENOMEM, "another call" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].number == number)
			return &known[i];
	other.number = (int)number;
	return &other;
}

/* ------------------------------------------------------------------ the tracer */

struct task {
	pid_t pid, group;
	long result;  /* of the call it is in, if `hit` */
	bool hit;
};

static struct task tasks[256];
static size_t n_tasks;
static pid_t program;

static pid_t group_of(pid_t pid)
{
	char path[64], line[128];
	int group = pid;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Tgid: %d", &group) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return group;
}

static struct task *task_of(pid_t pid)
{
	for (size_t i = 0; i < n_tasks; i++)
		if (tasks[i].pid == pid)
			return &tasks[i];
	if (n_tasks == sizeof(tasks) / sizeof(tasks[0]))
		_exit(3);
	tasks[n_tasks] = (struct task){ .pid = pid, .group = group_of(pid) };
	return &tasks[n_tasks++];
}

static void forget(pid_t pid)
{
	for (size_t i = 0; i < n_tasks; i++)
		if (tasks[i].pid == pid)
			tasks[i] = tasks[--n_tasks];
}

static void change_registers(pid_t pid, bool skip, long result)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)1 /* NT_PRSTATUS */, &iov) < 0)
		return; /* it has just been killed */
	if (skip)
		regs.orig_rax = (unsigned long long)-1;
	else
		regs.rax = (unsigned long long)result;
	(void)ptrace(PTRACE_SETREGSET, pid, (void *)1, &iov);
}

/*
 * A write to an eventfd needs nothing that the kernel could lack, so no fault is injected there. The keeper
 * is not dumpable, so an ordinary user cannot read what its descriptors are; then the length of 8 bytes
 * decides.
 */
static bool is_event(pid_t pid, long number, const unsigned long long *args)
{
	static const char eventfd[] = "anon_inode:[eventfd]";
	char path[64], file[sizeof(eventfd)] = "";

	if (number != SYS_write || args[2] != sizeof(uint64_t))
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, (int)args[0]);
	return readlink(path, file, sizeof(file) - 1) < 0 || strcmp(file, eventfd) == 0;
}

static void before_call(struct task *t, long number, const unsigned long long *args)
{
	struct inject_control *c = inject_control;
	enum inject_side side = t->group == program ? INJECT_PROGRAM : INJECT_KEEPER;
	const struct known *k = look_up(number);

	if (atomic_load(&c->side) != (int)side || k->error == CANNOT || is_event(t->pid, number, args))
		return;
	if (atomic_fetch_add(&c->count, 1) + 1 != atomic_load(&c->target))
		return;
	(void)snprintf(c->what, sizeof(c->what), "%s", k->name);
	atomic_store(&c->injected, k->error);
	atomic_store(&c->fired, 1);
	if (atomic_load(&c->mode) == INJECT_KILL) {
		(void)kill(t->group, SIGKILL);
		return;
	}
	t->hit = true;
	/* brk returns the current break, which is less than the requested one */
	t->result = number == SYS_brk ? 0 : -k->error;
	if (number != SYS_close)
		change_registers(t->pid, true, 0);
}

static void at_call(pid_t pid)
{
	struct __ptrace_syscall_info info;
	struct task *t = task_of(pid);

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		before_call(t, (long)info.entry.nr, (const unsigned long long *)info.entry.args);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->hit) {
		t->hit = false;
		change_registers(pid, false, t->result);
	}
}

/* Handles one stop, then continues the task. */
static void at_stop(pid_t pid, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	if (signal == (SIGTRAP | 0x80)) {
		at_call(pid);
		signal = 0;
	} else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) { /* stopped by a signal: stays so */
		(void)ptrace(PTRACE_LISTEN, pid, NULL, NULL);
		return;
	} else if (event != 0) {
		task_of(pid)->hit = false;
		signal = 0;
	}
	(void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal);
}

/* Every second: an operation with a failed call must end within the limit. */
static void look_at_clock(int signal)
{
	static int seconds;

	(void)signal;
	bool busy =
		atomic_load(&inject_control->side) != INJECT_NONE && atomic_load(&inject_control->fired) != 0;
	seconds = busy ? seconds + 1 : 0;
	if (seconds < HANGS_AFTER_S)
		return;
	(void)dprintf(2, "hangs since a fault in %s\n", inject_control->what);
	(void)kill(program, SIGABRT);
}

static void trace_all(void)
{
	struct sigaction tick = { .sa_handler = look_at_clock, .sa_flags = SA_RESTART };
	struct itimerval second = { { 1, 0 }, { 1, 0 } };
	int status;
	pid_t pid;

	(void)sigaction(SIGALRM, &tick, NULL);
	(void)setitimer(ITIMER_REAL, &second, NULL);
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid > 0 && WIFSTOPPED(status))
			at_stop(pid, status);
		else if (pid > 0)
			forget(pid);
		if (pid == program && !WIFSTOPPED(status))
			_exit(0); /* and the other tasks continue without it */
	}
	_exit(0);
}

/* ------------------------------------------------------------------ surroundings */

/* Network namespaces are limited here; an ordinary user has no capabilities here either. */
static void limit_namespaces(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	char limit[16];
	uid_t uid = geteuid();

	own_user_namespace(0, uid);
	(void)snprintf(limit, sizeof(limit), "%d", NAMESPACES);
	write_text("/proc/sys/user/max_net_namespaces", limit);
	if (!case_is_root())
		MUST(syscall(SYS_capset, &header, none));
	/*
	 * the change of capabilities has cleared it, and without it a process of this user may not trace this
	 * one
	 */
	MUST(prctl(PR_SET_DUMPABLE, 1));
}

/* The tracer is a child, so the keeper has the same parent as without tracer. */
static void faults_begin(void)
{
	int ready[2];
	char byte = 'x';

	limit_namespaces();
	(void)mallopt(M_ARENA_MAX, 1); /* otherwise threads that use malloc at the same time leave mappings */
	void *map = mmap(NULL, sizeof(*inject_control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	CHECK(map != MAP_FAILED);
	inject_control = map;
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ready));
	program = getpid();
	pid_t tracer = (pid_t)MUST(fork());
	if (tracer == 0) {
		MUST(read(ready[0], &byte, 1));
		long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			       PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
		MUST(ptrace(PTRACE_SEIZE, program, NULL, (void *)options));
		MUST(ptrace(PTRACE_INTERRUPT, program, NULL, NULL));
		MUST(write(ready[0], &byte, 1));
		close(ready[0]);
		close(ready[1]);
		trace_all();
	}
	/* EINVAL: there is no Yama, so no permission is needed */
	(void)prctl(PR_SET_PTRACER, (unsigned long)tracer);
	MUST(write(ready[1], &byte, 1));
	MUST(read(ready[1], &byte, 1)); /* it is attached */
	close(ready[0]);
	close(ready[1]);
}

static bool house_is_full(void *arg)
{
	static struct vdestack *house[NAMESPACES];
	static int n;
	int wanted = *(int *)arg;

	while (n < wanted && (house[n] = vdestack_new("", opts())) != NULL)
		n++;
	if (n < wanted && errno != ENOSPC)
		FAIL("%s: %s", strerrorname_np(errno), vdestack_last_error());
	return n == wanted;
}

static bool is(const char *what, const char *const *names)
{
	while (*names != NULL && strcmp(what, *names) != 0)
		names++;
	return *names != NULL;
}

/* Faults inside libraries, which may return any errno for them. */
static bool excepted(enum inject_side side, enum inject_mode mode, const char *what, int got)
{
	/* The dynamic linker ends the process that was to become the keeper or a runner. */
	static const char *const linking[] = { "mmap",    "mprotect", "newfstatat", "openat", "read",
					       "pread64", "fstat",    "close",      NULL };
	/* libc returns the same errno if it cannot make a thread's stack and if it cannot make the thread. */
	static const char *const stacks[] = { "mmap", "mprotect", "madvise", NULL };
	/* libnl has error numbers of its own, fewer than the kernel. */
	static const char *const libnl[] = { "socket", "sendmsg", "recvmsg", NULL };

	if (mode == INJECT_KILL)
		/*
		 * See exceptions.h; ECHILD: before the future keeper had executed anything; ECANCELED: it was
		 * a runner.
		 */
		return got == ENETDOWN || got == EIO || got == ENODEV || got == ENETUNREACH ||
		       got == ECHILD || got == EREMOTEIO || got == ECANCELED || got == EPIPE;
	if ((side == INJECT_KEEPER || case_is_inprocess()) && strcmp(what, "read") == 0 && got == ENODEV)
		return true; /* what reads a device takes EIO for its end */
	if (side == INJECT_KEEPER)
		/* EREMOTEIO, of the test: the command ran and could not do its work. */
		return got == EREMOTEIO || ((got == EIO || got == ECANCELED) && is(what, linking)) ||
		       (got == EAGAIN && is(what, stacks));
	return got == ENOMEM && is(what, libnl);
}

static void sweep_and_count(const struct op *op, enum inject_side side, enum inject_mode mode)
{
	int all = NAMESPACES;

	sweep(op, side, mode);
	if (!wait_until(house_is_full, &all, SOON_MS))
		FAIL("%s: namespaces are missing: %s", op->name, vdestack_last_error());
}

#define SWEEP(op)                                                                                            \
	CASE_BOTH(each_call_of_the_program_fails_in_##op)                                                    \
	{                                                                                                    \
		sweep_and_count(&op_##op, INJECT_PROGRAM, INJECT_HARD);                                      \
	}                                                                                                    \
	CASE(each_call_of_the_keeper_fails_in_##op)                                                          \
	{                                                                                                    \
		sweep_and_count(&op_##op, INJECT_KEEPER, INJECT_HARD);                                       \
	}                                                                                                    \
	CASE(the_keeper_is_killed_in_##op)                                                                   \
	{                                                                                                    \
		sweep_and_count(&op_##op, INJECT_KEEPER, INJECT_KILL);                                       \
	}

SWEEP(first)
SWEEP(inproc)
SWEEP(config)
SWEEP(sources)
SWEEP(started)
SWEEP(cancelled)
SWEEP(add)
SWEEP(remove)
SWEEP(impaired)
SWEEP(from_the_start)
SWEEP(misbehave)
SWEEP(capture)
SWEEP(capture_segment)
SWEEP(taps)
SWEEP(taps_segment)
SWEEP(local_first)
SWEEP(local)
SWEEP(msocket)
SWEEP(delete)
SWEEP(packet_device)
SWEEP(command)
