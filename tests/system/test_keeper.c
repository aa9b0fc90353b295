/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A keeper that dies or is stopped, a program that is stopped, and sockets whose stack is gone. */

#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>
#include <vdestack/conf.h>
#include <vdestack/events.h>

#define LIMIT_MS 20000 /* upper bound for what happens at once */
#define AT_ONCE_US 1000000

static void kill_keeper(void)
{
	MUST(kill(net_keeper(), SIGKILL));
	CHECK(net_wait_keepers(0, LIMIT_MS));
}

static int stream_in(struct vdestack *stack)
{
	return (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0));
}

/* ------------------------------------------------------------------ death */

CASE(calls_fail_at_once_with_enetdown_when_the_keeper_has_died)
{
	struct vdestack *stack = net_stack("vnl=inproc://one ip=10.9.0.1/24");
	char *argv[] = { "true", NULL };

	close(stream_in(stack));
	kill_keeper();
	int fds = count_fds();
	long long start = now_us();
	for (int i = 0; i < 3; i++) {
		CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0), ENETDOWN);
		CHECK_CONTAINS(vdestack_last_error(), "keeper");
		CHECK_ERRNO(vdestack_run(stack, argv, NULL), ENETDOWN);
		CHECK_ERRNO(vdestack_netns(stack), ENETDOWN);
		CHECK_ERRNO(vdestack_iface_add(stack, "vnl=inproc://one", NULL), ENETDOWN);
		CHECK_ERRNO(vdestack_iface_del(stack, "vde0"), ENETDOWN);
	}
	MUST(vdestack_set_default(stack));
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 0), ENETDOWN);
	close((int)MUST(socket(AF_UNIX, SOCK_STREAM, 0)));
	long long took = now_us() - start;
	if (took > AT_ONCE_US)
		FAIL("it took %lld us", took);
	CHECK(count_fds() <= fds);
	MUST(vdestack_delete(stack));
	close((int)MUST(socket(AF_INET, SOCK_STREAM, 0)));
}

CASE(a_program_that_makes_many_sockets_learns_of_the_death_of_the_keeper_at_once)
{
	struct vdestack *stack = net_stack("");

	for (int i = 0; i < 100; i++)
		close(stream_in(stack));
	kill_keeper();
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0), ENETDOWN);
	MUST(vdestack_delete(stack));
}

static atomic_int failures;

static void *make_sockets_until_enetdown(void *stack)
{
	int fd;

	while ((fd = vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0)) >= 0)
		close(fd);
	CHECK_EQ(errno, ENETDOWN);
	atomic_fetch_add(&failures, 1);
	return NULL;
}

CASE(calls_under_way_end_with_enetdown_when_the_keeper_dies)
{
	struct vdestack *stack = net_stack("");
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, make_sockets_until_enetdown, stack), 0);
	sleep_ms(20);
	CHECK_EQ(atomic_load(&failures), 0);
	kill_keeper();
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	MUST(vdestack_delete(stack));
}

CASE(a_new_stack_can_be_made_when_the_keeper_has_died)
{
	struct vdestack *old = net_stack(""), *pair[2];

	for (int i = 0; i < 3; i++) {
		kill_keeper();
		net_pair(pair);
		net_talk(pair[0], "10.9.0.1", pair[1]);
		CHECK_ERRNO(vdestack_msocket(old, AF_INET, SOCK_STREAM, 0), ENETDOWN);
		MUST(vdestack_delete(old));
		MUST(vdestack_delete(pair[1]));
		old = pair[0];
	}
	MUST(vdestack_delete(old));
	CHECK(net_wait_keepers(0, LIMIT_MS));
}

CASE(a_child_learns_of_the_death_of_its_parents_keeper_and_makes_a_new_stack)
{
	struct vdestack *stack = net_stack("");
	int status;

	close(stream_in(stack));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		kill_keeper();
		CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0), ENETDOWN);
		struct vdestack *own = net_stack("");
		net_talk_lo(own);
		MUST(vdestack_delete(own));
		MUST(vdestack_delete(stack));
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0), ENETDOWN);
	MUST(vdestack_delete(stack));
}

/* ------------------------------------------------------------------ sockets without their stack */

static void check_sockets(int listener, int client, int idle)
{
	int type = 0;
	socklen_t len = sizeof(type);

	MUST(getsockopt(idle, SOL_SOCKET, SO_TYPE, &type, &len));
	CHECK_EQ(type, SOCK_DGRAM);
	net_talk_fds(listener, "127.0.0.1", client);
	MUST(close(listener));
	MUST(close(client));
	MUST(close(idle));
}

CASE(sockets_that_were_handed_out_go_on_when_the_keeper_has_died)
{
	struct vdestack *stack = net_stack("vnl=inproc://one ip=10.9.0.1/24");
	int listener = stream_in(stack), client = stream_in(stack);
	int idle = (int)MUST(vdestack_msocket(stack, AF_INET6, SOCK_DGRAM, 0));

	kill_keeper();
	check_sockets(listener, client, idle);
	MUST(vdestack_delete(stack));
}

CASE_BOTH(sockets_go_on_when_their_stack_has_been_deleted)
{
	struct vdestack *stack = net_stack("vnl=inproc://one ip=10.9.0.1/24");
	int listener = stream_in(stack), client = stream_in(stack);
	int idle = (int)MUST(vdestack_msocket(stack, AF_INET6, SOCK_DGRAM, 0));

	MUST(vdestack_delete(stack));
	CHECK(net_wait_keepers(0, LIMIT_MS));
	check_sockets(listener, client, idle);
}

/* ------------------------------------------------------------------ a keeper that is stopped */

static bool task_is_stopped(pid_t pid, const char *tid)
{
	char path[300], line[256] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", (int)pid, tid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return true; /* it has ended */
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	char *name_end = strrchr(line, ')');
	return name_end != NULL && name_end[2] == 'T';
}

static bool is_stopped(void *arg)
{
	pid_t pid = *(pid_t *)arg;
	char path[64];
	bool stopped = true;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	CHECK(dir != NULL);
	for (struct dirent *e; stopped && (e = readdir(dir)) != NULL;)
		stopped = e->d_name[0] == '.' || task_is_stopped(pid, e->d_name);
	closedir(dir);
	return stopped;
}

/* When it returns, every thread has stopped. */
static void stop(pid_t pid)
{
	MUST(kill(pid, SIGSTOP));
	CHECK(wait_until(is_stopped, &pid, LIMIT_MS));
}

CASE(msocket_gives_up_on_a_stopped_keeper_and_its_late_reply_is_dropped)
{
	struct vdestack *stack = net_stack("");
	int type = 0;
	socklen_t len = sizeof(type);

	close(stream_in(stack));
	pid_t keeper = net_keeper();
	int fds = count_fds();
	stop(keeper);
	long long start = now_us();
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0), ETIMEDOUT);
	long long took = now_us() - start;
	if (took > 8000000)
		FAIL("it took %lld us", took);
	CHECK_EQ(count_fds(), fds);
	MUST(kill(keeper, SIGCONT));
	int fd = stream_in(stack);
	MUST(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len));
	CHECK_EQ(type, SOCK_STREAM);
	close(fd);
	CHECK_EQ(count_fds(), fds);
	net_talk_lo(stack);
	MUST(vdestack_delete(stack));
}

static void *continue_later(void *arg)
{
	sleep_ms(8000); /* to ask whether the name is free takes 5 s; the undo after it waits for 7 s */
	MUST(kill(*(pid_t *)arg, SIGCONT));
	return NULL;
}

CASE_TIMED(an_addition_that_times_out_leaves_an_interface_that_has_the_name_already,
	   CASE_F_ROOT | CASE_F_USER, 60)
{
	struct vdestack *stack = net_stack("iface=eth0 vnl=inproc://lan ip=10.0.0.1/24");
	struct vdestack_opts opts = { .size = sizeof(opts), .timeout_ms = 300 };
	pid_t keeper = net_keeper();
	pthread_t thread;

	int ifindex = (int)MUST(vdestack_if_nametoindex(stack, "eth0"));
	stop(keeper);
	CHECK_EQ(pthread_create(&thread, NULL, continue_later, &keeper), 0);
	CHECK_ERRNO(vdestack_iface_add(stack, "iface=eth0 vnl=inproc://wan", &opts), ETIMEDOUT);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	/* The keeper serves this request after both of the addition. */
	MUST(vdestack_link_set_carrier(stack, "eth0", 1));
	CHECK_EQ(vdestack_if_nametoindex(stack, "eth0"), ifindex);
}

static void *continue_soon(void *keeper)
{
	sleep_ms(200);
	MUST(kill(*(pid_t *)keeper, SIGCONT));
	return NULL;
}

CASE(msocket_waits_for_a_keeper_that_is_stopped_for_a_moment)
{
	struct vdestack *stack = net_stack("");
	pid_t keeper = net_keeper();
	pthread_t thread;

	stop(keeper);
	CHECK_EQ(pthread_create(&thread, NULL, continue_soon, &keeper), 0);
	net_talk_lo(stack);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	MUST(vdestack_delete(stack));
}

/* Its main thread and the networking thread of one stack; the thread sanitizer has one of its own. */
static bool has_one_stack(void *keeper)
{
	int own = strcmp(case_sanitizer(), "thread") == 0 ? 1 : 0;

	return count_tasks_of(*(pid_t *)keeper) == 2 + own;
}

CASE(creation_gives_up_on_a_stopped_keeper_and_leaves_nothing_behind)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .step_timeout_ms = 300 };
	struct vdestack *stack = net_stack("");
	pid_t keeper = net_keeper();
	int fds = count_fds();

	stop(keeper);
	long long start = now_us();
	CHECK_ERRNO(vdestack_new("", &opts), ETIMEDOUT);
	long long took = now_us() - start;
	if (took < 300000 || took > 5000000)
		FAIL("it took %lld us instead of 300 ms", took);
	CHECK_EQ(count_fds(), fds);
	MUST(kill(keeper, SIGCONT));
	struct vdestack *next = net_stack(""); /* served after the call that timed out */
	MUST(vdestack_delete(next));
	CHECK(wait_until(has_one_stack, &keeper, LIMIT_MS));
	net_talk_lo(stack);
	MUST(vdestack_delete(stack));
}

CASE(deletion_does_not_wait_for_a_stopped_keeper)
{
	struct vdestack *stack = net_stack("vnl=inproc://one ip=10.9.0.1/24");
	pid_t keeper = net_keeper();

	for (int i = 0; i < 20; i++)
		close(stream_in(stack));
	stop(keeper);
	long long start = now_us();
	MUST(vdestack_delete(stack));
	long long took = now_us() - start;
	if (took > AT_ONCE_US)
		FAIL("it took %lld us", took);
	MUST(kill(keeper, SIGCONT));
	CHECK(net_wait_keepers(0, LIMIT_MS));
}

/* ------------------------------------------------------------------ a program that is stopped */

static void work(int rounds, int progress)
{
	struct vdestack *stack = net_stack("");

	for (int i = 0; i < rounds; i++) {
		net_talk_lo(stack);
		MUST(vdestack_delete(net_stack("vnl=inproc://one ip=10.9.0.1/24")));
		MUST(write(progress, "x", 1));
	}
	MUST(vdestack_delete(stack));
}

CASE_BOTH(a_program_that_is_stopped_and_continued_notices_nothing)
{
	int pipe_fds[2], status, rounds = 20;
	unsigned seed = (unsigned)now_us();
	char c;

	MUST(pipe(pipe_fds));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		work(rounds, pipe_fds[1]);
		_exit(0);
	}
	close(pipe_fds[1]);
	for (int i = 0; i < rounds; i++) {
		CHECK(wait_readable(pipe_fds[0], LIMIT_MS));
		if (MUST(read(pipe_fds[0], &c, 1)) == 0)
			FAIL("the program failed (seed %u)", seed);
		sleep_ms(rand_r(&seed) % 8); /* somewhere in the next round */
		MUST(kill(pid, SIGSTOP));
		MUST(waitpid(pid, &status, WUNTRACED));
		if (!WIFSTOPPED(status))
			break;
		sleep_ms(20);
		MUST(kill(pid, SIGCONT));
	}
	while (!WIFEXITED(status))
		MUST(waitpid(pid, &status, 0));
	CHECK_EQ(WEXITSTATUS(status), 0);
	CHECK(net_wait_keepers(0, LIMIT_MS));
}
