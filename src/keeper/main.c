/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keeper as a process of its own, from exec to its main loop. */

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "filter.h"
#include "guests.h"
#include "isolate.h"
#include "keeper.h"
#include "local.h"
#include "net.h"
#include "start.h"
#include "variant.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

/* This process has handlers of its own, which do nothing, see isolate.c. */
#define INTERRUPT_SIGNAL SIGUSR1

static void accept_interrupts(void)
{
	sigset_t interrupt;

	sigemptyset(&interrupt);
	sigaddset(&interrupt, INTERRUPT_SIGNAL);
	(void)pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
}

static void interrupt(pthread_t thread, int tid, int before)
{
	(void)tid;
	(void)before;
	(void)pthread_kill(thread, INTERRUPT_SIGNAL);
}

static int check_terminal(const char *ifname, const char *locator)
{
	(void)ifname;
	(void)locator;
	return 0;
}

const struct vs_variant vs_variant_process = {
	.accept_interrupts = accept_interrupts,
	.interrupt = interrupt,
	.check_terminal = check_terminal,
};

/* Sends the program the result of the start. */
static void report(const struct vs_keeper *k, int result)
{
	struct vs_start_report reply = { .version = VS_WIRE_VERSION, .result = result, .pid = getpid(),
					 .proof = k->owner.proof, .key = k->owner.key };
	const char *text = result < 0 ? vs_message() : vs_filter_missing();
	struct vs_fdmsg msg = {
		.iov = { { &reply, sizeof(reply) }, { (void *)text, strlen(text) } },
		.n_iov = 2,
		.fds = { k->changes_file },
		.n_fds = k->changes_file >= 0 && result == 0 ? 1 : 0,
	};

	/* If the program is gone, the main loop gets end of file. */
	(void)vs_fdmsg_send(VS_KEEPER_STARTER, &msg, MSG_DONTWAIT);
	vs_close(VS_KEEPER_STARTER);
}

int vs_keeper_main(bool local)
{
	struct vs_keeper k = { .variant = &vs_variant_process,
			       .front = VS_KEEPER_FRONT,
			       .epoll = -1,
			       .wake = -1,
			       .claims = -1,
			       .changes_file = -1,
			       .side_door = -1,
			       .sysctl_dirs = VS_SYSCTL_DIRS_NONE,
			       .lock = PTHREAD_MUTEX_INITIALIZER,
			       .segments_lock = PTHREAD_MUTEX_INITIALIZER,
			       .segment_left = PTHREAD_COND_INITIALIZER,
			       .peers_lock = PTHREAD_MUTEX_INITIALIZER,
			       .met = PTHREAD_COND_INITIALIZER };
	vs_listed_prepare(&k);
	vs_local_prepare(&k);
	bool everywhere = false;
	int adopt = fcntl(VS_KEEPER_ADOPT, F_GETFD) >= 0 ? VS_KEEPER_ADOPT : -1;

	/*
	 * Most threads allocate a little, once. An arena for each would take more memory than all their data.
	 */
	(void)mallopt(M_ARENA_MAX, 1);
	for (int fd = VS_KEEPER_STARTER; fd <= VS_KEEPER_ADOPT; fd++)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC); /* without a filter, plugins may execute files */
	int r = vs_isolate_process();
	if (r == 0)
		r = local ? vs_local_begin(&k) : vs_isolate_user(adopt, &k.privileged);
	if (r == 0)
		r = vs_keeper_begin(&k);
	if (r == 0 && adopt < 0)
		vs_net_reserve_first(&k); /* the kernel makes its namespace while what follows is done */
	if (r == 0)
		r = vs_isolate_capabilities(k.privileged);
	if (r == 0)
		r = vs_keeper_prepare(&k);
	if (r == 0 && local)
		r = vs_local_watch(&k);
	if (r == 0 && k.privileged)
		vs_sysctl_dirs_prepare(&k.sysctl_dirs);
	if (r == 0)
		r = vs_filter_install(&everywhere);
	if (r == 0 && !everywhere)
		vs_net_dismiss_first(&k);
	if (r == 0)
		k.changes = vs_changes_new(&k.changes_file);
	vs_close(adopt);
	report(&k, r);
	if (r == 0)
		vs_keeper_run(&k);
	else
		vs_local_end(&k);
	/* Threads may be stuck in a plugin. They end with the process. */
	_exit(r == 0 ? 0 : 1);
}
