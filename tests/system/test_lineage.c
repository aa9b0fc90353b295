/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stacks outlive what made them: a process that became a daemon, a thread that ended, main. */

#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>

#define LIMIT_MS 20000 /* upper bound for what happens at once */

static struct vdestack *pair[2];

static void use_stacks(void)
{
	char *argv[] = { "true", NULL };

	net_talk(pair[0], "10.9.0.1", pair[1]);
	net_talk_lo(pair[1]);
	CHECK_EQ(MUST(vdestack_run(pair[0], argv, NULL)), 0);
	struct vdestack *more = net_stack("vnl=inproc://pair ip=10.9.0.3/24");
	net_talk(more, "10.9.0.3", pair[0]);
	MUST(vdestack_delete(more));
	MUST(vdestack_delete(pair[0]));
	net_talk_lo(pair[1]);
	MUST(vdestack_delete(pair[1]));
}

/* ------------------------------------------------------------------ processes */

static bool is_orphan(void *arg)
{
	return getppid() != *(pid_t *)arg;
}

/* A child that writes "done" to a pipe when its body has passed; also for a process that is not our child. */
static void in_daemon(bool by_libc)
{
	int said[2], words = dup(2);
	char word[8] = "";

	MUST(pipe(said));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		pid_t self = getpid();
		close(said[0]);
		net_pair(pair);
		net_talk(pair[0], "10.9.0.1", pair[1]);
		if (by_libc) {
			MUST(daemon(0, 0));
			MUST(dup2(words, 2)); /* for the output of a CHECK */
		} else if (MUST(fork()) > 0) {
			_exit(0);
		}
		CHECK(wait_until(is_orphan, &self, LIMIT_MS));
		use_stacks();
		MUST(write(said[1], "done", 4));
		_exit(0);
	}
	close(said[1]);
	MUST(waitpid(pid, NULL, 0));
	CHECK(wait_readable(said[0], LIMIT_MS));
	MUST(read(said[0], word, sizeof(word) - 1));
	CHECK_STR(word, "done");
	CHECK(net_wait_keepers(0, LIMIT_MS));
}

CASE(stacks_go_on_in_a_daemon_made_after_them)
{
	in_daemon(true);
}

CASE(stacks_go_on_in_a_child_when_the_process_that_made_them_has_exited)
{
	in_daemon(false);
}

/* The opposite: without a keeper process the stacks end with the program. */
CASE_FLAGS(inprocess_stacks_end_with_their_process_and_its_children_get_errors,
	   CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_ONLY_INPROCESS)
{
	int said[2];
	char word[8] = "";

	MUST(pipe(said));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		pid_t self = getpid();
		close(said[0]);
		net_pair(pair);
		if (MUST(fork()) > 0)
			_exit(0);
		CHECK(wait_until(is_orphan, &self, LIMIT_MS));
		CHECK_ERRNO(vdestack_msocket(pair[0], AF_INET, SOCK_STREAM, 0), ENETDOWN);
		MUST(vdestack_delete(pair[0]));
		net_talk_lo(net_stack("")); /* it may make a new one */
		MUST(write(said[1], "done", 4));
		_exit(0);
	}
	close(said[1]);
	MUST(waitpid(pid, NULL, 0));
	CHECK(wait_readable(said[0], LIMIT_MS));
	MUST(read(said[0], word, sizeof(word) - 1));
	CHECK_STR(word, "done");
}

/* ------------------------------------------------------------------ threads */

static void *make_pair(void *arg)
{
	(void)arg;
	net_pair(pair);
	net_talk(pair[0], "10.9.0.1", pair[1]);
	return NULL;
}

CASE_BOTH(stacks_outlive_the_thread_that_made_them)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, make_pair, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	use_stacks();
	CHECK(net_wait_keepers(0, LIMIT_MS));
}

static bool main_has_ended(void *arg)
{
	char path[64], line[256] = "", state = '?';

	(void)arg;
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)getpid());
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(line, sizeof(line), f) != NULL && strrchr(line, ')') != NULL)
		state = strrchr(line, ')')[2];
	fclose(f);
	return state == 'Z';
}

static void *outlive_main(void *made_before)
{
	CHECK(wait_until(main_has_ended, NULL, LIMIT_MS));
	if (made_before == NULL)
		net_pair(pair);
	use_stacks();
	CHECK(net_wait_keepers(0, LIMIT_MS));
	_exit(0);
}

CASE_BOTH(stacks_outlive_main)
{
	pthread_t thread;

	net_pair(pair);
	CHECK_EQ(pthread_create(&thread, NULL, outlive_main, pair), 0);
	pthread_exit(NULL);
}

CASE_BOTH(stacks_are_made_when_main_has_ended)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, outlive_main, NULL), 0);
	pthread_exit(NULL);
}
