/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Holders: how a keeper or a runner is reaped where no other process does it.
 *
 *     program              starts the holder, later reaps it with __WCLONE
 *       │ clone, exit signal 0: a copy of the memory
 *       ▼
 *     holder               gives back descriptors and memory, waits for the new process, reaps it, exits
 *       │ clone(VM|VFORK), exit signal SIGCHLD
 *       ▼
 *     new process          executes the library's file
 *
 * A process that has executed a file is visible to the wait() of its parent, and so is an orphan. Only a task
 * that never executes a file and is a direct child with exit signal 0 can be reaped by the program and is
 * invisible to it. The holder is that task. A program has one for each keeper and each running command, but
 * only where it must (adopter.c), because the copy costs page tables in proportion to the program.
 *
 * The holder does not share the memory, because it lives on: it would share thread-local storage with the
 * calling thread. Writes of the program would copy each page as long as the holder has it too. So the holder
 * unmaps all anonymous memory and all shared mappings, except a few pages that it runs on. It keeps private
 * mappings of files: code costs nothing, and the data segments are small. Without /proc/self/maps, and under
 * a checker, it keeps everything.
 *
 * It makes system calls only, with all signals blocked. It has no capabilities and cannot be traced, so a
 * program that has given up privileges finds none in it. Debuggers do not see it (CLONE_UNTRACED), because
 * they would take it for a thread of the program. So "strace -f" does not follow the new process either.
 *
 * The holders are in a table that a forked child finds empty, because they are not its children. A number in
 * the table cannot be that of another process: the holder stays a zombie until it is reaped here.
 *
 * Limits. If a holder is killed, its process becomes an orphan, as without holders. If the program ends
 * without exit(3), or executes another file, the holder becomes an orphan itself: one for each keeper and
 * command.
 */

#include "held.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "process.h"

#define NAME "vdestack-holder"
#define KEPT_BYTES 0x40000u /* on both sides of the thread's own data, which has no exact bounds */
#define LOOK_MS 50          /* how often the program checks whether a silent holder was killed */

#ifndef SYS_futex /* some 32-bit architectures have only this one */
#define SYS_futex SYS_futex_time64
typedef int64_t futex_long;
#else
typedef long futex_long;
#endif

/* In memory that holder and program share. */
struct report {
	_Atomic(uint32_t) done;
	int32_t result; /* valid when done: 0 or -errno */
	pid_t made;     /* the new process; 0: there is none */
};

struct range {
	uintptr_t from, to;
};

struct holder {
	struct report *report;
	struct range stack;
	bool alone;
	bool release; /* the memory */
	long (*make)(void *arg, pid_t *made);
	void *arg;
};

int __clone(int (*fn)(void *), void *top, int flags, void *arg, ...);

/* ------------------------------------------------------------------ the holder: memory */

/* One line of /proc/self/maps, as far as it has been read. */
struct mapping {
	struct range range;
	int field, column; /* of the next character */
	bool shared, file, kernels;
};

static void unmap(uintptr_t from, uintptr_t to)
{
	if (from < to)
		(void)syscall(SYS_munmap, from, to - from);
}

/* Unmaps what is outside of two ranges that must stay. They do not overlap; the first one is lower. */
static void unmap_around(struct range range, const struct range kept[2])
{
	for (int i = 0; i < 2; i++) {
		unmap(range.from, range.to < kept[i].from ? range.to : kept[i].from);
		if (range.from < kept[i].to)
			range.from = kept[i].to;
	}
	unmap(range.from, range.to);
}

static unsigned hex_digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

/* Reads one more character of a line. False: the line is complete. */
static bool read_char(struct mapping *m, char c)
{
	enum { ADDRESSES, RIGHTS, OFFSET, DEVICE, INODE, NAME_OF_FILE };

	if (c == '\n')
		return false;
	if (c == ' ' && m->field < NAME_OF_FILE) {
		m->field++;
		m->column = 0;
		return true;
	}
	if (m->field == ADDRESSES && c == '-')
		m->range.from = m->range.to, m->range.to = 0;
	else if (m->field == ADDRESSES)
		m->range.to = m->range.to << 4 | hex_digit(c);
	else if (m->field == RIGHTS && m->column == 3)
		m->shared = c == 's';
	else if (m->field == INODE && c != '0')
		m->file = true;
	else if (m->field == NAME_OF_FILE && c == '[')
		m->column = -1; /* the next one counts: [vdso], [vvar], [vectors] */
	else if (m->field == NAME_OF_FILE && m->column == 0 && c == 'v')
		m->kernels = true;
	if (c != ' ')
		m->column++;
	return true;
}

/* Reads more text, and unmaps the mappings of complete lines unless they must stay. */
static void unmap_lines(struct mapping *m, const char *text, long n, const struct range kept[2])
{
	for (long i = 0; i < n; i++) {
		if (read_char(m, text[i]))
			continue;
		if (m->shared || (!m->file && !m->kernels))
			unmap_around(m->range, kept);
		*m = (struct mapping){ .field = 0 };
	}
}

/*
 * Gives back memory that the program has written or may share with others. The stack and the data of this
 * thread stay: errno, and what the kernel itself may write there (rseq).
 */
static void release_memory(struct range stack)
{
	uintptr_t error = (uintptr_t)&errno, self = (uintptr_t)pthread_self();
	struct range own = { error < self ? error : self, error < self ? self : error };
	struct mapping m = { .field = 0 };
	char text[4096];
	long n;

	own.from = (own.from - KEPT_BYTES) & ~(uintptr_t)0xffff; /* pages have at most 64 KiB */
	own.to = (own.to + KEPT_BYTES) & ~(uintptr_t)0xffff;
	if (stack.from < own.to && own.from < stack.to) /* near each other: keep what is between, too */
		own = stack = (struct range){ own.from < stack.from ? own.from : stack.from,
					      own.to > stack.to ? own.to : stack.to };
	const struct range kept[2] = { own.from < stack.from ? own : stack,
				       own.from < stack.from ? stack : own };
	long maps = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
	while (maps >= 0 && (n = syscall(SYS_read, maps, text, sizeof(text))) > 0)
		unmap_lines(&m, text, n, kept);
	if (maps >= 0)
		(void)syscall(SYS_close, maps);
}

/* Code built for a sanitizer needs memory of that. valgrind, too; it puts objects into LD_PRELOAD. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define VS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VS_SANITIZED 1
#endif

/* True if a checker watches the memory of this process. */
static bool has_checker(void)
{
#ifdef VS_SANITIZED
	return true;
#else
	const char *preload = getenv("LD_PRELOAD");

	return preload != NULL && strstr(preload, "vgpreload") != NULL;
#endif
}

/* ------------------------------------------------------------------ the holder: life */

static void drop_privileges(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { .effective = 0 } };

	(void)syscall(SYS_capset, &head, none);
	(void)syscall(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void close_descriptors(void)
{
	if (syscall(SYS_close_range, 0, ~0u, 0) < 0)
		for (int fd = 0; fd < 65536; fd++) /* an old kernel, or a filter of system calls */
			(void)syscall(SYS_close, fd);
}

static void withdraw(struct range stack, bool release)
{
	(void)syscall(SYS_prctl, PR_SET_NAME, NAME, 0, 0, 0);
	(void)syscall(SYS_chdir, "/");
	drop_privileges();
	if (release)
		release_memory(stack);
}

static int hold(void *arg)
{
	const struct holder *h = arg;
	struct range stack = h->stack;
	bool release = h->release;
	siginfo_t info;

	if (h->alone)
		(void)syscall(SYS_setsid);
	long pid = h->make(h->arg, &h->report->made);
	h->report->result = pid < 0 ? (int32_t)pid : 0;
	if (pid > 0)
		h->report->made = (pid_t)pid;
	close_descriptors(); /* before the program goes on, which may close one and wait for the other end */
	atomic_store(&h->report->done, 1);
	(void)syscall(SYS_futex, &h->report->done, FUTEX_WAKE, 1, NULL, NULL, 0);
	if (pid > 0) {
		withdraw(stack, release);
		(void)syscall(SYS_waitid, P_PID, pid, &info, WEXITED, NULL);
	}
	(void)syscall(SYS_exit_group, 0);
	return 0;
}

/* ------------------------------------------------------------------ the table */

/*
 * Who is written and read here without a lock: holder is 0 (free), -1 (taken, being filled) or a pid. The
 * thread that takes an entry fills it. Any thread may reap, and sets holder to 0 if it still has that value.
 */
struct entry {
	_Atomic(pid_t) holder;
	_Atomic(pid_t) held;
};

#define ENTRIES 255

struct vs_held_table {
	_Atomic(struct vs_held_table *) next;
	struct entry entries[ENTRIES];
};

/* The table, or the next part of one. Made if there is none and it is wanted. NULL: none. */
static struct vs_held_table *part(_Atomic(struct vs_held_table *) *at, bool wanted)
{
	struct vs_held_table *there = atomic_load(at), *fresh;

	if (there != NULL || !wanted || (fresh = vs_wiped_memory(sizeof(*fresh))) == NULL)
		return there;
	if (atomic_compare_exchange_strong(at, &there, fresh))
		return fresh;
	(void)munmap(fresh, sizeof(*fresh)); /* another thread was first */
	return there;
}

static struct entry *take_entry(void)
{
	struct vs_process *p = vs_process();
	struct vs_held_table *t = p != NULL ? part(&p->held, true) : NULL;

	if (p != NULL)
		atomic_store(&p->maker, getpid());
	for (; t != NULL; t = part(&t->next, true))
		for (size_t i = 0; i < ENTRIES; i++) {
			pid_t none = 0;
			if (atomic_compare_exchange_strong(&t->entries[i].holder, &none, -1))
				return &t->entries[i];
		}
	return NULL;
}

/* Calls fn for each holder until it returns false. */
static bool each(bool (*fn)(struct entry *e, pid_t holder, const void *arg), const void *arg)
{
	struct vs_process *p = vs_process();

	for (struct vs_held_table *t = p != NULL ? part(&p->held, false) : NULL; t != NULL;
	     t = part(&t->next, false))
		for (size_t i = 0; i < ENTRIES; i++) {
			pid_t holder = atomic_load(&t->entries[i].holder);
			if (holder > 0 && !fn(&t->entries[i], holder, arg))
				return false;
		}
	return true;
}

/* ------------------------------------------------------------------ reaping */

/*
 * True: it is reaped, here or by other code of the program. Holders end soon, and the program may have no
 * free descriptor for a pidfd, so this asks again and again.
 */
static bool reap(struct entry *e, pid_t holder, int64_t deadline_ms)
{
	VS_NO_CANCEL;
	const struct timespec pause = { .tv_nsec = 200000 };

	for (;;) {
		siginfo_t info = { .si_pid = 0 };
		int r = waitid(P_PID, (id_t)holder, &info, WEXITED | WNOHANG | __WCLONE);

		if ((r < 0 && errno == ECHILD) || (r == 0 && info.si_pid == holder)) {
			(void)atomic_compare_exchange_strong(&e->holder, &holder, 0);
			return true;
		}
		if (vs_now_ms() >= deadline_ms)
			return false;
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
}

struct wanted {
	pid_t held; /* 0: all */
	int64_t deadline_ms;
};

static bool reap_wanted(struct entry *e, pid_t holder, const void *arg)
{
	const struct wanted *w = arg;

	if (w->held == 0) {
		(void)reap(e, holder, w->deadline_ms);
		return true;
	}
	return atomic_load(&e->held) != w->held || reap(e, holder, w->deadline_ms);
}

bool vs_held_reap(pid_t pid, int timeout_ms)
{
	struct wanted w = { .held = pid };
	int saved = errno;

	if (pid <= 0 || !vs_held_any())
		return true;
	w.deadline_ms = vs_now_ms() + timeout_ms;
	bool reaped = each(reap_wanted, &w);
	errno = saved;
	return reaped;
}

void vs_held_reap_all(int64_t deadline_ms)
{
	const struct wanted w = { .deadline_ms = deadline_ms };
	int saved = errno;

	(void)each(reap_wanted, &w);
	errno = saved;
}

void vs_held_sweep(void)
{
	vs_held_reap_all(0);
}

static bool is_none(struct entry *e, pid_t holder, const void *arg)
{
	(void)e;
	(void)holder;
	(void)arg;
	return false;
}

bool vs_held_any(void)
{
	struct vs_process *p = vs_process();

	/* not in a child of vfork(2), which has this memory */
	return p != NULL && atomic_load(&p->held) != NULL && atomic_load(&p->maker) == getpid() &&
	       !each(is_none, NULL);
}

/* ------------------------------------------------------------------ the start */

/* True if the task has ended. It is not reaped. */
static bool has_ended(pid_t holder)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)holder, &info, WEXITED | WNOHANG | WNOWAIT | __WCLONE) < 0 ||
	       info.si_pid != 0;
}

/* Returns the new process, or -errno. The wake-up may come late only if the holder was killed. */
static long await_report(struct report *report, pid_t holder)
{
	const futex_long limit[2] = { 0, LOOK_MS * 1000000L };

	while (atomic_load(&report->done) == 0 && !has_ended(holder))
		(void)syscall(SYS_futex, &report->done, FUTEX_WAIT, 0, limit, NULL, 0);
	if (report->made != 0)
		return report->made;
	return atomic_load(&report->done) != 0 ? report->result : -ECHILD;
}

static bool start(struct holder *h, char *top, struct entry *e, long *result)
{
	int pid = __clone(hold, top, CLONE_UNTRACED, h);

	if (pid < 0) {
		atomic_store(&e->holder, 0);
		return false;
	}
	long made = await_report(h->report, pid);
	atomic_store(&e->held, made > 0 ? (pid_t)made : 0);
	atomic_store(&e->holder, pid);
	if (made < 0) /* it is about to end */
		(void)reap(e, pid, vs_now_ms() + 1000);
	*result = made;
	return true;
}

bool vs_held_start(char *top, size_t size, bool alone, long (*make)(void *arg, pid_t *made), void *arg,
		   long *result)
{
	struct holder h = {
		.stack = { (uintptr_t)top - size, (uintptr_t)top }, .alone = alone,
		.release = !has_checker(), .make = make, .arg = arg
	};
	int saved = errno;
	bool started = false;

	h.report = mmap(NULL, sizeof(*h.report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (h.report != MAP_FAILED) {
		struct entry *e = take_entry();
		started = e != NULL && start(&h, top, e, result);
		(void)munmap(h.report, sizeof(*h.report));
	}
	errno = saved;
	return started;
}
