/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The signals of a daemon. Each test is a process of its own, as they end it or change it. */

#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemons/common/daemon.h"

/* As a library makes it: it blocks no signal. */
static void *live(void *arg)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)pthread_sigmask(SIG_SETMASK, &none, NULL);
	(void)write(*(int *)arg, "", 1);
	for (;;)
		(void)pause();
	return NULL;
}

static int status_of(int (*run)(int number), int number)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(run(number));
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* DM_NONE: the other thread has taken the signal between the poll and the read, and passes it on. */
static enum dm_signal await_signal(struct dm_daemon *d)
{
	struct pollfd poller = { .fd = dm_daemon_signals(d), .events = POLLIN };
	enum dm_signal got = DM_NONE;

	while (got == DM_NONE && poll(&poller, 1, 10000) == 1)
		got = dm_daemon_signal(d);
	return got;
}

static int serve(int number)
{
	struct dm_daemon d = { .background = false };
	pthread_t thread;
	int ends[2];
	char c;

	(void)alarm(20);
	if (pipe(ends) < 0 || dm_daemon_begin(&d) < 0 || pthread_create(&thread, NULL, live, &ends[1]) != 0 ||
	    read(ends[0], &c, 1) != 1 || dm_daemon_ready(&d) < 0)
		return 1;
	for (int i = 0; i < 3; i++)
		if (kill(getpid(), number) < 0 || await_signal(&d) != DM_STOP)
			return 2;
	dm_daemon_end(&d);
	return 0;
}

static int start(int number)
{
	struct dm_daemon d = { .background = false };

	return dm_daemon_begin(&d) < 0 || kill(getpid(), number) < 0 ? 1 : 2;
}

static void a_thread_that_blocks_nothing_passes_signals_on(void **state)
{
	(void)state;
	assert_int_equal(status_of(serve, SIGTERM), 0);
	assert_int_equal(status_of(serve, SIGINT), 0);
}

static void a_signal_ends_a_program_that_is_not_ready(void **state)
{
	(void)state;
	int status = status_of(start, SIGTERM);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	status = status_of(start, SIGINT);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_thread_that_blocks_nothing_passes_signals_on),
	cmocka_unit_test(a_signal_ends_a_program_that_is_not_ready),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
