/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vdestack-picox: the process of one stack. The plugin starts it with a control socket, and with nothing
 * else that is open. It serves until the last copy of the other end is closed.
 *
 * It needs no rights, so it gives up the way to new ones. What the network or the program make it keep in
 * memory is bounded.
 */

#include <errno.h>
#include <fcntl.h>
#include <lwip/tcpip.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/poison.h"
#include "control.h"
#include "iface.h"
#include "loop.h"
#include "message.h"
#include "opener.h"
#include "random.h"

#define MEMORY_MAX ((rlim_t)1 << 30) /* of data */

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define PX_SANITIZED true
#else
#define PX_SANITIZED false
#endif

enum outcome { ENDED = 0, NOT_STARTED = 1 };

/* Nothing that a library prints must meet a socket of the stack. */
static void null_as_stdio(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3; i++)
		(void)dup2(fd, i);
	if (fd > 2)
		vs_close(fd);
}

static void bound(void)
{
	struct rlimit limit;

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* The memory of a sanitizer is larger than any that could be allowed. */
	if (!PX_SANITIZED && getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur > MEMORY_MAX) {
		limit.rlim_cur = MEMORY_MAX;
		(void)setrlimit(RLIMIT_DATA, &limit);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void quiet(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)setsid(); /* the keys of a terminal are not for this process */
}

static int start(void)
{
	int r = px_loop_start();

	if (r == 0)
		r = px_random_start();
	if (r == 0)
		r = px_sequence_start();
	tcpip_init(NULL, NULL);
	LOCK_TCPIP_CORE();
	if (r == 0)
		r = px_iface_start();
	if (r == 0)
		r = px_opener_start();
	if (r == 0)
		r = px_control_start(PX_CONTROL_FD);
	UNLOCK_TCPIP_CORE();
	return r;
}

int main(void)
{
	null_as_stdio();
	(void)fcntl(PX_CONTROL_FD, F_SETFD, FD_CLOEXEC);
	quiet();
	bound();
	if (start() < 0)
		_exit(NOT_STARTED);
	px_loop_run();
	_exit(ENDED); /* with all threads, also those that wait for a network */
}
