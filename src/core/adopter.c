/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which process reaps an orphan, and whether it does.
 *
 * An orphan becomes a child of its nearest ancestor that is a subreaper, else of PID 1 of its PID namespace.
 * In containers PID 1 is often a program that never waits for it (sleep, tail, a server). Then each orphan
 * stays a zombie until the container ends. A subreaper or PID 1 may also be the program itself, and then its
 * wait() would see the orphans of the library.
 *
 *     the program collects orphans           as if it were not reaped; also in children that it forks later
 *     PID 1 ignores SIGCHLD                  the kernel reaps
 *     PID 1 catches or blocks SIGCHLD        it reaps, until the opposite is seen
 *     PID 1 has the default disposition      it does not reap
 *     PID 1 cannot be read                   it reaps, until the opposite is seen
 *
 * A process cannot ask which of its ancestors are subreapers. One that is has asked for orphans, so it is
 * assumed to reap. If PID 1 does not, holders are used although they are not needed, which is only slower.
 * VDESTACK_ORPHANS=reaped or =left takes the place of all that is guessed here.
 *
 * "The opposite is seen": the first process that has ended is looked at when the next ones are started. If it
 * is gone, that is the end of watching. If it is a zombie twice, a quarter of a second apart, it is not
 * reaped.
 */

#include "adopter.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "process.h"
#include "wire/roles.h"

#define PATIENCE_MS 250

enum { UNKNOWN, REAPS, PROBABLY, FAILS }; /* vs_process.adopter; PROBABLY: the next end shows it */

static atomic_bool collects; /* this process or one that it was forked from; children inherit it */

/* Reads the beginning of a file. False: it cannot be read. */
static bool read_start(const char *path, char *text, size_t size)
{
	VS_AUTO_CLOSE fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* True if the set of signals in that line of /proc/PID/status has SIGCHLD. */
static bool has_sigchld(const char *status, const char *line)
{
	const char *at = strstr(status, line);

	return at != NULL && (strtoull(at + strlen(line), NULL, 16) >> (SIGCHLD - 1) & 1) != 0;
}

/* What the user knows better. A program with more rights than its caller may heed it, too: it is harmless. */
static int ask_environment(void)
{
	const char *orphans = getenv("VDESTACK_ORPHANS");

	if (orphans == NULL)
		return UNKNOWN;
	return strcmp(orphans, "reaped") == 0 ? REAPS : strcmp(orphans, "left") == 0 ? FAILS : UNKNOWN;
}

static int ask_pid_1(void)
{
	char status[4096], self[16];

	/* procfs may be that of another PID namespace */
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	if (strtol(self, NULL, 10) != getpid() || !read_start("/proc/1/status", status, sizeof(status)) ||
	    strstr(status, "\nSigCgt:") == NULL)
		return PROBABLY;
	if (has_sigchld(status, "\nSigIgn:"))
		return REAPS;
	return has_sigchld(status, "\nSigCgt:") || has_sigchld(status, "\nSigBlk:") ? PROBABLY : FAILS;
}

enum state { GONE, RUNNING, ZOMBIE };

static enum state state_of(pid_t pid)
{
	char path[32], stat[128];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	const char *end = read_start(path, stat, sizeof(stat)) ? strrchr(stat, ')') : NULL;
	if (end == NULL || (strstr(stat, "(" VS_RUNNER_NAME ")") == NULL &&
			    strstr(stat, "(" VS_KEEPER_NAME ")") == NULL))
		return GONE; /* or another process has the number */
	return end[1] == ' ' && end[2] == 'Z' ? ZOMBIE : RUNNING;
}

/* Looks at the process that is watched. Threads that do so at a time find the same. */
static void look(struct vs_process *p)
{
	pid_t orphan = atomic_load(&p->orphan);
	int64_t now = vs_now_ms(), since = atomic_load(&p->zombie_since);

	if (orphan == 0)
		return;
	switch (state_of(orphan)) {
	case GONE:
		atomic_store(&p->adopter, REAPS);
		break;
	case ZOMBIE:
		if (since == 0)
			atomic_store(&p->zombie_since, now);
		else if (now - since >= PATIENCE_MS)
			atomic_store(&p->adopter, FAILS);
		break;
	case RUNNING:
		atomic_store(&p->orphan, 0); /* the next one that ends is watched */
		break;
	}
}

static bool collects_orphans(void)
{
	int subreaper = 0;

	if (getpid() == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0) == 0 && subreaper != 0))
		atomic_store(&collects, true);
	return atomic_load(&collects);
}

bool vs_adopter_fails(void)
{
	struct vs_process *p = vs_process();

	if (p == NULL || collects_orphans())
		return p != NULL;
	if (atomic_load(&p->adopter) == UNKNOWN)
		atomic_store(&p->adopter, ask_environment());
	if (atomic_load(&p->adopter) == UNKNOWN)
		atomic_store(&p->adopter, ask_pid_1());
	if (atomic_load(&p->adopter) == PROBABLY)
		look(p);
	return atomic_load(&p->adopter) == FAILS;
}

void vs_adopter_watch(pid_t orphan)
{
	struct vs_process *p = vs_process();
	pid_t none = 0;

	if (p != NULL && orphan > 0 && atomic_load(&p->adopter) == PROBABLY)
		(void)atomic_compare_exchange_strong(&p->orphan, &none, orphan);
}
