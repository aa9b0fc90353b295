/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The keeper on threads of the program.
 *
 * Before all else, its first thread gets a descriptor table, working directory and root of its own. All other
 * threads of the keeper are started by it and share these. So the keeper's descriptors are not those of the
 * program. It makes no difference here what the program closes, or that it has no more free descriptors. End
 * of file at a door means the same as between processes. The program's ports, files and locks are not kept
 * open here.
 *
 * The library stays loaded from then on.
 *
 * What differs from a keeper that is a process (variant.h):
 *
 *  - Credentials are left alone: setuid() changes all threads of a process together, and libc ends the
 *    process when that has another result in one of them.
 *  - No signal is ours to use. A job that waits too long is interrupted by shutting down the socket that its
 *    system call waits on, which /proc shows: the plugin fails and cleans up. A job that still waits, for
 *    something else, is cancelled after a while; what its plugin holds then stays until the keeper ends.
 *  - A plugin must not open a terminal that becomes the program's.
 *  - The keeper ends after its last interface, and has no thread in reserve: both would be threads of the
 *    program that nothing waits for.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/thread.h"
#include "keeper.h"
#include "local.h"
#include "pump/shared.h"
#include "start.h"
#include "variant.h"
#include "wire/changes.h"
#include "wire/messages.h"

/* ------------------------------------------------------------------ what differs */

#define INTERRUPTS_BEFORE_CANCEL 20 /* a second: the thread may be on its way to the call that it waits in */

static void accept_nothing(void)
{
}

/*
 * Shuts down the socket that the thread's system call waits on. False: it waits on none. If the thread has
 * gone on meanwhile, the number may be that of another socket of its plugin, which must fail as well.
 */
static bool shut_down_wait(int tid)
{
	char path[64], text[64] = "";
	long number;
	unsigned long fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	VS_AUTO_CLOSE file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || read(file, text, sizeof(text) - 1) <= 0 || sscanf(text, "%ld %lx", &number, &fd) != 2)
		return false;
	if (number != SYS_recvfrom && number != SYS_recvmsg && number != SYS_read && number != SYS_connect)
		return false;
	return shutdown((int)fd, SHUT_RDWR) == 0;
}

static void interrupt(pthread_t thread, int tid, int before)
{
	if (!shut_down_wait(tid) && before >= INTERRUPTS_BEFORE_CANCEL)
		(void)pthread_cancel(thread);
}

/*
 * The plugin for serial lines opens a terminal. If the leader of the session has no terminal, it becomes
 * the terminal of the session. Here that would be the session of the program: the program would end with the
 * terminal.
 */
static int check_terminal(const char *ifname, const char *locator)
{
	if (getsid(0) != getpid())
		return 0;
	VS_AUTO_CLOSE tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (tty >= 0)
		return 0;
	return vs_fail(ENOTSUP,
		       "cannot plug interface %s into \"%.200s\": the terminal would become that of this "
		       "program, which leads a session without one; leave VDESTACK_INPROCESS out",
		       ifname, locator);
}

const struct vs_variant vs_variant_inprocess = {
	.same_credentials = true,
	.same_process = true,
	.waits_for_interfaces = true,
	.accept_interrupts = accept_nothing,
	.interrupt = interrupt,
	.check_terminal = check_terminal,
};

/* ------------------------------------------------------------------ the start */

struct starting {
	int front;
	struct vs_changes *changes;
	struct vs_start_report ready;
	pthread_mutex_t lock; /* guards done and ready */
	pthread_cond_t changed;
	bool done;
};

static int leave_tables(int front)
{
	if (unshare(CLONE_FS) < 0)
		return -errno;
	/* The copy of the table ends with `front`. The descriptors below it are closed next. */
	if (syscall(SYS_close_range, (unsigned)front + 1, ~0u, CLOSE_RANGE_UNSHARE) < 0)
		return -errno;
	if (front > 0 && syscall(SYS_close_range, 0u, (unsigned)front - 1, 0) < 0)
		return -errno;
	return 0;
}

static void report(struct starting *s, const struct vs_keeper *k, int result)
{
	pthread_mutex_lock(&s->lock);
	s->ready = (struct vs_start_report){ .version = VS_WIRE_VERSION, .result = result };
	if (k != NULL) {
		s->ready.proof = k->owner.proof;
		s->ready.key = k->owner.key;
	}
	s->done = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void *root_main(void *arg)
{
	struct starting *s = arg;
	struct vs_keeper *k = calloc(1, sizeof(*k));
	int front = s->front;

	(void)prctl(PR_SET_NAME, "vdestack-root");
	int r = k == NULL ? -ENOMEM : leave_tables(front);
	if (k != NULL)
		*k = (struct vs_keeper){ .front = front,
					 .epoll = -1,
					 .wake = -1,
					 .claims = -1,
					 .side_door = -1,
					 .sysctl_dirs = VS_SYSCTL_DIRS_NONE,
					 .changes_file = -1,
					 .variant = &vs_variant_inprocess,
					 .changes = s->changes,
					 .lock = PTHREAD_MUTEX_INITIALIZER,
					 .segments_lock = PTHREAD_MUTEX_INITIALIZER,
					 .segment_left = PTHREAD_COND_INITIALIZER,
					 .peers_lock = PTHREAD_MUTEX_INITIALIZER,
					 .met = PTHREAD_COND_INITIALIZER };
	if (r == 0) {
		vs_local_prepare(k);
		r = vs_keeper_begin(k);
	}
	if (r == 0)
		r = vs_keeper_prepare(k);
	report(s, k, r); /* s is gone after this */
	if (r == 0) {
		(void)!chdir("/");
		vs_keeper_run(k);
	}
	if (k != NULL)
		vs_shared_unref(k->pumps); /* its threads may still be ending */
	free(k);
	return NULL;
}

/*
 * The change page of all keepers on threads of this process and its forked children. It stays: a thread
 * of a keeper may write to it after the program has forgotten the keeper, and the program may read it
 * after the keeper's end.
 */
static struct vs_changes *change_page(void)
{
	static _Atomic(struct vs_changes *) page;
	struct vs_changes *p = atomic_load(&page);

	if (p != NULL)
		return p;
	void *fresh = mmap(NULL, VS_CHANGES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fresh == MAP_FAILED)
		return NULL;
	if (atomic_compare_exchange_strong(&page, &p, fresh))
		return fresh;
	(void)munmap(fresh, VS_CHANGES_BYTES); /* another thread was first; p is its */
	return p;
}

/* The code that threads run must not be unmapped under them by a dlclose(). */
static void stay_loaded(void)
{
	Dl_info own;

	/* Fails if the library is linked in statically. */
	if (dladdr((void *)vs_keeper_start_inprocess, &own) != 0 && own.dli_fname != NULL)
		(void)dlopen(own.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

int vs_keeper_start_inprocess(int front, struct vs_start_report *ready, struct vs_changes **changes)
{
	stay_loaded();
	struct starting s = { .front = front,
			      .changes = change_page(),
			      .lock = PTHREAD_MUTEX_INITIALIZER,
			      .changed = PTHREAD_COND_INITIALIZER };
	int r = vs_thread_start(root_main, &s, NULL);

	if (r == 0) {
		pthread_mutex_lock(&s.lock);
		while (!s.done)
			pthread_cond_wait(&s.changed, &s.lock);
		pthread_mutex_unlock(&s.lock);
		r = s.ready.result;
		*ready = s.ready;
		*changes = s.changes;
		pthread_cond_destroy(&s.changed);
		pthread_mutex_destroy(&s.lock);
	}
	vs_close(front);
	return r < 0 ? vs_fail(-r, "cannot start the keeper's threads: %s",
			       vs_cause_text(vs_diagnose_limit(-r), -r))
		     : 0;
}
