/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Programs that close all descriptors and go on, as many daemons do at their start. A stack that has been a
 * default stays: the next call gets new descriptors.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "closed.h"
#include <vdestack/events.h>

#define STRANGERS 700

static int keepers(void)
{
	return find_children(reaper, "vdestack-keeper", NULL, 0);
}

static int strangers[STRANGERS][2]; /* number, peer */

/* Gives all numbers that the library had to pipes of the program. */
static void let_strangers_in(void)
{
	for (int i = 0; i < STRANGERS; i++) {
		MUST(pipe2(strangers[i], O_CLOEXEC | O_NONBLOCK));
		CHECK_EQ(write(strangers[i][1], "x", 1), 1);
	}
	CHECK(strangers[STRANGERS - 1][1] > 1024); /* the library's are from 512 up */
}

static void check_strangers(void)
{
	char buf[16];

	for (int i = 0; i < STRANGERS; i++) {
		CHECK_EQ(read(strangers[i][0], buf, sizeof(buf)), 1);
		CHECK_ERRNO(read(strangers[i][0], buf, sizeof(buf)), EAGAIN);
	}
}

static int run_shell(struct vdestack *stack, const char *script)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };

	return vdestack_run(stack, argv, NULL);
}

static void more_descriptors(void)
{
	struct rlimit limit = { 4096, 4096 };

	MUST(setrlimit(RLIMIT_NOFILE, &limit));
}

CASE(socket_works_in_the_default_stack_after_all_descriptors_are_closed)
{
	struct vdestack *s = new_stack(LAN);

	MUST(vdestack_set_default(s));
	close_all();
	CHECK(in_stack("10.9.0.1"));
	CHECK(in_stack("10.9.0.1"));
	CHECK_EQ(keepers(), 1);
	MUST(vdestack_delete(s));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

CASE(it_may_close_them_again_and_again)
{
	struct vdestack *s = new_stack(LAN);

	MUST(vdestack_set_default(s));
	for (int i = 0; i < 50; i++) {
		close_all();
		CHECK(in_stack("10.9.0.1"));
	}
	MUST(vdestack_delete(s));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

static void *use_thread_default(void *stack)
{
	MUST(vdestack_set_thread_default(stack));
	close_all();
	CHECK(in_stack("10.9.0.1"));
	return NULL;
}

CASE(socket_works_in_the_default_stack_of_a_thread)
{
	struct vdestack *s = new_stack(LAN), *old;
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, use_thread_default, s), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	MUST(vdestack_swap_thread_default(s, &old));
	close_all();
	CHECK(in_stack("10.9.0.1"));
}

CASE(numbers_that_are_others_by_now_are_left_alone)
{
	more_descriptors();
	struct vdestack *s = new_stack(LAN);

	MUST(vdestack_set_default(s));
	CHECK(in_stack("10.9.0.1"));
	CHECK_EQ(run_shell(s, "exit 0"), 0);
	close_all();
	let_strangers_in();
	CHECK(in_stack("10.9.0.1"));
	CHECK_EQ(run_shell(s, "exit 0"), 0);
	MUST(vdestack_delete(s));
	check_strangers();
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

CASE(all_calls_work_again_and_new_stacks_are_on_the_same_keeper)
{
	struct vdestack *s = new_stack(LAN), *t = new_stack(LAN2);
	char value[16];

	MUST(vdestack_set_default(t));
	MUST(vdestack_set_default(s));
	MUST(vdestack_set_default(NULL));
	int events = (int)MUST(vdestack_events(s));
	close_all();
	struct vdestack *u = new_stack("vnl=inproc://lan ip=10.9.0.3/24");
	CHECK_EQ(keepers(), 1);
	check_udp(s, t, "10.9.0.2");
	check_udp(u, t, "10.9.0.2");
	MUST(vdestack_sysctl_set(s, "ipv4/ip_forward", "1"));
	MUST(vdestack_sysctl_get(s, "ipv4/ip_forward", value, sizeof(value)));
	CHECK_STR(value, "1");
	close((int)MUST(vdestack_netns(s)));
	CHECK_EQ(run_shell(s, "ip -4 addr show | grep -q 10.9.0.1"), 0);
	MUST(vdestack_iface_add(t, "iface=more vnl=inproc://lan", NULL));
	MUST(vdestack_iface_del(t, "more"));
	struct vdestack_event event;
	CHECK_ERRNO(vdestack_event_read(events, &event, 0), EBADF); /* that descriptor was the program's */
	close((int)MUST(vdestack_events(s)));
}

/* As daemon(3), but the child closes more. */
static void daemon_child(bool parent_waits)
{
	struct vdestack *s = new_stack(LAN);
	int report[2], hold[2], status;
	char byte;

	MUST(vdestack_set_default(s));
	MUST(pipe2(report, O_CLOEXEC));
	MUST(pipe2(hold, O_CLOEXEC));
	pid_t parent = (pid_t)MUST(fork());
	if (parent == 0) {
		if (fork() == 0) {
			MUST(dup2(report[1], 3));
			MUST(syscall(SYS_close_range, 4u, ~0u, 0));
			for (int i = 0; i < 10; i++)
				CHECK(in_stack("10.9.0.1"));
			MUST(write(3, "x", 1));
			_exit(0);
		}
		close(hold[1]);
		if (parent_waits)
			(void)!read(hold[0], &byte, 1);
		if (parent_waits)
			CHECK(in_stack("10.9.0.1"));
		_exit(0);
	}
	close(report[1]);
	close(hold[0]);
	if (!parent_waits) { /* what had the doors is gone when the child has closed its own */
		MUST(dup2(report[0], 3));
		report[0] = 3;
		hold[1] = -1;
		MUST(syscall(SYS_close_range, 4u, ~0u, 0));
	}
	CHECK_EQ(read(report[0], &byte, 1), 1);
	close(hold[1]);
	MUST(waitpid(parent, &status, 0));
	CHECK_EQ(status, 0);
	CHECK(in_stack("10.9.0.1"));
	MUST(vdestack_delete(s));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

CASE(the_child_of_a_daemon_may_close_them)
{
	daemon_child(false);
}

CASE(a_child_may_close_them_while_its_parent_keeps_its_own)
{
	daemon_child(true);
}

static void have_a_default(void *unused)
{
	(void)unused;
	MUST(vdestack_set_default(new_stack(LAN2)));
}

/* The page of a child that has ended cannot be mapped by its parent, which had none. */
CASE(a_program_may_close_them_although_a_child_had_the_first_default_and_has_ended)
{
	struct vdestack *s = new_stack(LAN);

	for (int i = 0; i < 2; i++) {
		in_child(have_a_default, NULL);
		sleep_ms(100); /* by then the keeper has noticed; if not, this proves less */
	}
	MUST(vdestack_set_default(s));
	close_all();
	CHECK(in_stack("10.9.0.1"));
	in_child(have_a_default, NULL);
	close_all();
	CHECK(in_stack("10.9.0.1"));
	MUST(vdestack_delete(s));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

CASE(a_default_that_could_not_be_kept_for_lack_of_descriptors_is_kept_when_it_is_set_again)
{
	struct vdestack *s = new_stack(LAN);
	struct rlimit before, none = { 0, 0 };

	MUST(getrlimit(RLIMIT_NOFILE, &before));
	none.rlim_max = before.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &none));
	MUST(vdestack_set_default(s));
	MUST(setrlimit(RLIMIT_NOFILE, &before));
	MUST(vdestack_set_default(s));
	close_all();
	CHECK(in_stack("10.9.0.1"));
}

static pid_t start_closing_child(int ready, int done)
{
	pid_t pid = (pid_t)MUST(fork());
	char byte;

	if (pid > 0)
		return pid;
	MUST(dup2(ready, 3));
	MUST(dup2(done, 4));
	MUST(syscall(SYS_close_range, 5u, ~0u, 0));
	CHECK(in_stack("10.9.0.1"));
	CHECK_EQ(write(3, "x", 1), 1);
	CHECK_EQ(read(4, &byte, 1), 0);
	CHECK(in_stack("10.9.0.1"));
	_exit(0);
}

/* As the children of a server, one for each connection. */
CASE(forty_children_that_live_at_the_same_time_may_close_them)
{
	struct vdestack *s = new_stack(LAN);
	int ready[2], done[2], status;
	pid_t children[40];
	char byte;

	MUST(vdestack_set_default(s));
	MUST(pipe2(ready, O_CLOEXEC));
	MUST(pipe2(done, O_CLOEXEC));
	for (int i = 0; i < 40; i++)
		children[i] = start_closing_child(ready[1], done[0]);
	close(ready[1]);
	for (int i = 0; i < 40; i++)
		CHECK_EQ(read(ready[0], &byte, 1), 1);
	close(done[1]);
	for (int i = 0; i < 40; i++) {
		MUST(waitpid(children[i], &status, 0));
		CHECK_EQ(status, 0);
	}
}

/* The doors of the ones that have ended are closed by and by. */
CASE(hundreds_of_children_may_close_them_one_after_the_other)
{
	struct vdestack *s = new_stack(LAN);
	int unused[2];

	MUST(vdestack_set_default(s));
	MUST(pipe2(unused, O_CLOEXEC));
	for (int i = 0; i < 300; i += 10) {
		pid_t children[10];
		int status, more[2];
		MUST(pipe2(more, O_CLOEXEC));
		close(more[1]); /* they do not wait */
		for (int j = 0; j < 10; j++)
			children[j] = start_closing_child(unused[1], more[0]);
		close(more[0]);
		for (int j = 0; j < 10; j++) {
			MUST(waitpid(children[j], &status, 0));
			CHECK_EQ(status, 0);
		}
	}
}

static void *make_sockets(void *barrier)
{
	(void)pthread_barrier_wait(barrier);
	for (int i = 0; i < 20; i++)
		CHECK(in_stack("10.9.0.1"));
	return NULL;
}

CASE(threads_that_find_them_closed_at_the_same_time_all_get_sockets)
{
	struct vdestack *s = new_stack(LAN);
	pthread_barrier_t barrier;
	pthread_t threads[8];

	MUST(vdestack_set_default(s));
	for (int round = 0; round < 10; round++) {
		CHECK_EQ(pthread_barrier_init(&barrier, NULL, 8), 0);
		close_all();
		for (int i = 0; i < 8; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, make_sockets, &barrier), 0);
		for (int i = 0; i < 8; i++)
			CHECK_EQ(pthread_join(threads[i], NULL), 0);
	}
	CHECK_EQ(keepers(), 1);
}

static volatile sig_atomic_t from_handler = -2;

static void make_one(int sig)
{
	(void)sig;
	from_handler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

CASE(a_signal_handler_may_be_the_first_to_find_them_closed)
{
	struct vdestack *s = new_stack(LAN);
	struct sockaddr_in sa = address("10.9.0.1", 0);

	MUST(vdestack_set_default(s));
	CHECK(signal(SIGUSR1, make_one) != SIG_ERR);
	close_all();
	MUST(raise(SIGUSR1));
	CHECK(from_handler >= 0);
	MUST(bind(from_handler, (struct sockaddr *)&sa, sizeof(sa)));
}

/* ------------------------------------------------------------------ ends */

CASE(a_stack_that_was_no_default_ends_at_once_and_calls_name_the_remedy)
{
	struct vdestack *s = new_stack(LAN);

	close_all();
	CHECK_ERRNO(vdestack_msocket(s, AF_INET, SOCK_STREAM, 0), ENETDOWN);
	CHECK_CONTAINS(vdestack_last_error(), "make stacks after that");
	CHECK_ERRNO(vdestack_netns(s), ENETDOWN);
	CHECK_CONTAINS(vdestack_last_error(), "default stack before");
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

CASE(a_closed_stack_that_is_deleted_ends)
{
	struct vdestack *s = new_stack(LAN);

	MUST(vdestack_set_default(s));
	close_all();
	MUST(vdestack_delete(s));
	CHECK(wait_until(no_keeper, NULL, 3000));
}

CASE(a_deleted_default_ends_at_once)
{
	struct vdestack *s = new_stack(LAN);

	MUST(vdestack_set_default(s));
	long long before = now_us();
	MUST(vdestack_delete(s));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
	CHECK(now_us() - before < 900000); /* it was not kept, which takes a second to find out */
}

static void in_program(void (*next)(struct vdestack *s))
{
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		struct vdestack *s = new_stack(LAN);
		MUST(vdestack_set_default(s));
		CHECK(in_stack("10.9.0.1"));
		next(s);
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0));
	CHECK(wait_until(no_keeper, NULL, 3000));
}

static void execute(struct vdestack *s)
{
	(void)s;
	CHECK_EQ(keepers(), 1);
	execl("/bin/sleep", "sleep", "0", NULL);
}

static void close_and_execute(struct vdestack *s)
{
	close_all();
	execute(s);
}

static void close_and_end(struct vdestack *s)
{
	(void)s;
	close_all();
}

static void close_and_be_killed(struct vdestack *s)
{
	(void)s;
	close_all();
	(void)raise(SIGKILL);
}

CASE(a_default_ends_with_exec)
{
	in_program(execute);
}

CASE(a_closed_default_ends_with_exec)
{
	in_program(close_and_execute);
}

CASE(a_closed_default_ends_with_its_program)
{
	in_program(close_and_end);
}

CASE(a_closed_default_ends_when_its_program_is_killed)
{
	in_program(close_and_be_killed);
}

/* Only a program that runs something else would be kept by mistake. */
CASE(exec_ends_a_closed_default_while_the_program_runs_on)
{
	int go[2];

	MUST(pipe2(go, O_CLOEXEC));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		struct vdestack *s = new_stack(LAN);
		MUST(vdestack_set_default(s));
		MUST(dup2(go[0], 0));
		close_all();
		execl("/bin/cat", "cat", NULL);
		_exit(1);
	}
	close(go[0]);
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
	CHECK_EQ(kill(pid, 0), 0);
	close(go[1]);
	MUST(waitpid(pid, NULL, 0));
}

CASE(an_idle_keeper_of_a_closed_default_uses_no_time_worth_mentioning)
{
	struct vdestack *s = new_stack(LAN);
	pid_t keeper = the_keeper();

	MUST(vdestack_set_default(s));
	close_all();
	long before = cpu_ticks(keeper);
	sleep_ms(1000);
	CHECK(cpu_ticks(keeper) - before <= 2);
	CHECK(in_stack("10.9.0.1"));
}

CASE_FLAGS(with_the_in_process_variant_calls_name_the_remedy, CASE_F_ROOT | CASE_F_INPROCESS |
								       CASE_F_ONLY_INPROCESS)
{
	struct vdestack *s = new_stack(LAN);

	MUST(vdestack_set_default(s));
	close_all();
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 0), ENETDOWN);
	CHECK_CONTAINS(vdestack_last_error(), "VDESTACK_INPROCESS");
}

CASE_ROOT(in_another_network_namespace_calls_name_the_cause)
{
	struct vdestack *s = new_stack(LAN);

	MUST(vdestack_set_default(s));
	close_all();
	MUST(unshare(CLONE_NEWNET));
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 0), ENETDOWN);
	CHECK_CONTAINS(vdestack_last_error(), "another network");
	CHECK_ERRNO(vdestack_netns(s), ENETDOWN);
	CHECK_CONTAINS(vdestack_last_error(), "another network");
}

CASE(after_the_end_of_the_keeper_calls_fail_at_once)
{
	struct vdestack *s = new_stack(LAN);

	MUST(vdestack_set_default(s));
	pid_t keeper = the_keeper();
	close_all();
	MUST(kill(keeper, SIGKILL));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
	long long before = now_us();
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 0), ENETDOWN);
	CHECK(now_us() - before < 1000000);
	CHECK_CONTAINS(vdestack_last_error(), "its keeper cannot be reached");
}
