/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The keeper on threads of the program.
 *
 * Its first thread gets a descriptor table, working directory and root of its own before it
 * does anything, and every other thread of the keeper is its descendant and shares these. So
 * the keeper's descriptors are not the program's: what the program closes, or runs out of, is not
 * ours, the doors' end of file means what it means between processes, and the
 * program's ports, files and locks are not kept alive here.
 *
 * The library stays loaded from then on.
 *
 * Credentials are left alone: setuid() changes all threads of a process together, and libc
 * ends the process when that goes differently in one of them.
 */

#include <dlfcn.h>
#include <errno.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/thread.h"
#include "keeper.h"
#include "start.h"

struct starting {
	int front;
	struct vs_start_report ready;
	pthread_mutex_t lock; /* guards done and ready */
	pthread_cond_t changed;
	bool done;
};

static int leave_tables(int front)
{
	if (unshare(CLONE_FS) < 0)
		return -errno;
	/* Unsharing from `front`+1 on copies no more than is kept; what is below goes next. */
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
		*k = (struct vs_keeper){ .front = front, .epoll = -1, .wake = -1, .in_process = true,
					 .lock = PTHREAD_MUTEX_INITIALIZER, .met = PTHREAD_COND_INITIALIZER };
	if (r == 0)
		r = vs_keeper_prepare(k);
	report(s, k, r); /* s is gone after this */
	if (r == 0) {
		(void)!chdir("/");
		vs_keeper_run(k);
	}
	free(k);
	return NULL;
}

/* The code that threads run must not be unmapped under them by a dlclose(). */
static void stay_loaded(void)
{
	Dl_info own;

	if (dladdr((void *)vs_keeper_start_inprocess, &own) != 0 && own.dli_fname != NULL)
		(void)dlopen(own.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE); /* nothing by that name: linked in statically */
}

int vs_keeper_start_inprocess(int front, struct vs_start_report *ready)
{
	stay_loaded();
	struct starting s = { .front = front, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
	int r = vs_thread_start(root_main, &s, NULL);

	if (r == 0) {
		pthread_mutex_lock(&s.lock);
		while (!s.done)
			pthread_cond_wait(&s.changed, &s.lock);
		pthread_mutex_unlock(&s.lock);
		r = s.ready.result;
		*ready = s.ready;
		pthread_cond_destroy(&s.changed);
		pthread_mutex_destroy(&s.lock);
	}
	vs_close(front);
	return r < 0 ? vs_fail(-r, "cannot start the keeper's threads: %s", vs_cause_text(vs_diagnose_limit(-r), -r)) : 0;
}
