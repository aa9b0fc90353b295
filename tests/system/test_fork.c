/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forked children: all uses of their copies of the stacks work and do not affect the parent. */

#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>

#define LIMIT_MS 20000 /* upper bound for what happens at once */
#define PROMPT_US 1000000

static void collect(pid_t pid)
{
	int status;

	CHECK_EQ(MUST(waitpid(pid, &status, 0)), pid);
	if (status != 0)
		FAIL("child %d ended with status 0x%x", (int)pid, (unsigned)status);
}

/* A socket in the stack gets the lowest free number and lives in the stack's namespace. */
static void check_msocket(struct vdestack *stack, unsigned long long namespace)
{
	int before = count_fds(), lowest = dup(0);

	close(lowest);
	int fd = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0));
	CHECK_EQ(fd, lowest);
	CHECK_EQ(net_namespace_of(fd), namespace);
	close(fd);
	CHECK(count_fds() <= before + 1); /* a reply channel, at the first call */
}

static unsigned long long namespace_of(struct vdestack *stack)
{
	int fd = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0));
	unsigned long long number = net_namespace_of(fd);

	close(fd);
	return number;
}

/* ------------------------------------------------------------------ sockets */

CASE_BOTH(a_child_gets_sockets_that_are_its_own_and_the_parent_none)
{
	struct vdestack *pair[2];

	net_pair(pair);
	unsigned long long namespace = namespace_of(pair[0]);
	int before = count_fds();
	for (int i = 0; i < 3; i++) {
		pid_t pid = (pid_t)MUST(fork());
		if (pid == 0) {
			check_msocket(pair[0], namespace);
			net_talk(pair[0], "10.9.0.1", pair[1]);
			_exit(0);
		}
		collect(pid);
		CHECK_EQ(count_fds(), before);
		check_msocket(pair[0], namespace);
	}
	MUST(vdestack_delete(pair[0]));
	MUST(vdestack_delete(pair[1]));
}

CASE_BOTH(children_make_sockets_although_the_parent_made_none_before_fork)
{
	struct vdestack *stack = net_stack("");
	int before = count_fds();

	for (int i = 0; i < 3; i++) {
		pid_t pid = (pid_t)MUST(fork());
		if (pid == 0) {
			net_talk_lo(stack);
			_exit(0);
		}
		collect(pid);
	}
	CHECK_EQ(count_fds(), before);
	net_talk_lo(stack);
	MUST(vdestack_delete(stack));
}

CASE_BOTH(grandchildren_have_the_stack_and_each_generation_opens_no_more_descriptors_than_the_first)
{
	struct vdestack *stack = net_stack("");
	unsigned long long namespace = namespace_of(stack);
	int fds = count_fds();

	/* Each parent waits for its child, so all processes share what they inherited. */
	for (int generation = 0; generation < 12; generation++) {
		pid_t pid = (pid_t)MUST(fork());
		if (pid != 0) {
			collect(pid);
			net_talk_lo(stack);
			if (generation > 0)
				_exit(0);
			MUST(vdestack_delete(stack));
			return;
		}
		check_msocket(stack, namespace);
		CHECK_EQ(count_fds(), fds);
	}
	_exit(0);
}

CASE_BOTH(a_vforked_child_gets_sockets_and_the_parent_goes_on)
{
	struct vdestack *stack = net_stack("");

	for (int i = 0; i < 4; i++) {
		int before = count_fds();
		volatile int ok = 0;
		pid_t pid = vfork();
		if (pid == 0) { /* in the parent's memory: changes nothing there but ok */
			int fd = vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0);
			ok = fd >= 0;
			_exit(fd >= 0 && close(fd) == 0 ? 0 : 1);
		}
		MUST(pid);
		collect(pid);
		CHECK(ok);
		CHECK_EQ(count_fds(), before);
		if (i % 2 == 1)
			net_talk_lo(stack);
	}
	MUST(vdestack_delete(stack));
}

CASE_BOTH(a_child_has_the_default_stack_of_its_parent)
{
	struct vdestack *stack = net_stack("");
	unsigned long long namespace = namespace_of(stack);

	MUST(vdestack_set_default(stack));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		CHECK_EQ(net_namespace_of((int)MUST(socket(AF_INET, SOCK_STREAM, 0))), namespace);
		MUST(vdestack_delete(stack));
		CHECK(vdestack_get_default() == NULL);
		CHECK(net_namespace_of((int)MUST(socket(AF_INET, SOCK_STREAM, 0))) != namespace);
		_exit(0);
	}
	collect(pid);
	CHECK(vdestack_get_default() == stack);
	CHECK_EQ(net_namespace_of((int)MUST(socket(AF_INET, SOCK_STREAM, 0))), namespace);
	MUST(vdestack_delete(stack));
}

/* ------------------------------------------------------------------ in the middle of calls */

static atomic_bool done;
static atomic_long made;

static void *make_sockets(void *stack)
{
	while (!atomic_load(&done)) {
		close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0)));
		atomic_fetch_add(&made, 1);
	}
	return NULL;
}

static void *make_stacks(void *arg)
{
	(void)arg;
	while (!atomic_load(&done))
		MUST(vdestack_delete(net_stack("")));
	return NULL;
}

/* Forks `n` children that make a socket each, while four threads run fn. */
static void storm(void *(*fn)(void *), int n)
{
	struct vdestack *stack = net_stack("");
	unsigned long long namespace = namespace_of(stack);
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, fn, stack), 0);
	for (int i = 0; i < n; i++) {
		pid_t pid = (pid_t)MUST(fork());
		if (pid == 0) {
			alarm(20); /* a lock that is never released */
			int fd = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0));
			CHECK_EQ(net_namespace_of(fd), namespace);
			_exit(0);
		}
		collect(pid);
	}
	atomic_store(&done, true);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	net_talk_lo(stack);
	MUST(vdestack_delete(stack));
	CHECK(net_wait_keepers(0, LIMIT_MS));
}

CASE_BOTH(children_forked_during_msocket_calls_work)
{
	storm(make_sockets, 100);
	CHECK(atomic_load(&made) > 0);
}

CASE_BOTH(children_forked_during_creations_and_deletions_work)
{
	storm(make_stacks, 60);
}

/* ------------------------------------------------------------------ deletion and exit */

CASE_BOTH(a_child_that_exits_or_deletes_its_copy_does_not_disturb_the_parent)
{
	struct vdestack *pair[2];
	char *argv[] = { "sleep", "1000", NULL };

	net_pair(pair);
	int command = (int)MUST(vdestack_spawn(pair[0], argv, NULL, NULL));
	int listener = (int)MUST(vdestack_msocket(pair[0], AF_INET, SOCK_STREAM, 0));
	int fds = count_fds();
	for (int i = 0; i < 10; i++) {
		pid_t pid = (pid_t)MUST(fork());
		if (pid == 0) {
			close((int)MUST(vdestack_msocket(pair[1], AF_INET, SOCK_STREAM, 0)));
			if (i % 3 == 0)
				_exit(0);
			MUST(vdestack_delete(pair[0]));
			CHECK_ERRNO(vdestack_msocket(pair[0], AF_INET, SOCK_STREAM, 0), EINVAL);
			CHECK_ERRNO(vdestack_delete(pair[0]), EINVAL);
			net_talk_lo(pair[1]);
			if (i % 3 == 1)
				_exit(0);
			MUST(vdestack_delete(pair[1]));
			_exit(0);
		}
		collect(pid);
		net_talk(pair[i % 2], i % 2 == 0 ? "10.9.0.1" : "10.9.0.2", pair[(i + 1) % 2]);
	}
	CHECK_EQ(count_fds(), fds);
	CHECK(!wait_readable(command, 0)); /* the command of the parent lives */
	net_talk_fds(listener, "10.9.0.1", (int)MUST(vdestack_msocket(pair[1], AF_INET, SOCK_STREAM, 0)));
	MUST(vdestack_delete(pair[0]));
	MUST(vdestack_delete(pair[1]));
	CHECK(wait_readable(command, LIMIT_MS));
}

CASE_BOTH(deletion_in_the_parent_is_prompt_and_a_worker_keeps_the_stack)
{
	struct vdestack *pair[2];
	int go[2];
	char c;

	net_pair(pair);
	MUST(pipe(go));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		close(go[1]);
		CHECK_EQ(MUST(read(go[0], &c, 1)), 1);
		net_talk(pair[0], "10.9.0.1", pair[1]);
		net_talk(pair[1], "10.9.0.2", pair[0]);
		MUST(vdestack_delete(pair[0]));
		net_talk_lo(pair[1]);
		_exit(0);
	}
	close(go[0]);
	long long start = now_us();
	MUST(vdestack_delete(pair[0]));
	MUST(vdestack_delete(pair[1]));
	long long took = now_us() - start;
	if (took > PROMPT_US)
		FAIL("deletion took %lld us", took);
	CHECK_ERRNO(vdestack_msocket(pair[0], AF_INET, SOCK_STREAM, 0), EINVAL);
	MUST(write(go[1], "x", 1));
	collect(pid);
	CHECK(net_wait_keepers(0, LIMIT_MS));
}

/* ------------------------------------------------------------------ stacks of the child's own */

CASE_BOTH(a_child_makes_stacks_with_the_keeper_of_its_parent)
{
	struct vdestack *stack = net_stack("vnl=inproc://lan ip=10.9.0.1/24");
	int keepers = net_keepers(NULL, 0), fds = count_fds();

	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		struct vdestack *own = net_stack("vnl=inproc://lan ip=10.9.0.2/24");
		CHECK_EQ(net_keepers(NULL, 0), keepers);
		net_talk(stack, "10.9.0.1", own);
		net_talk(own, "10.9.0.2", stack);
		MUST(vdestack_delete(stack));
		net_talk_lo(own);
		MUST(vdestack_delete(own));
		_exit(0);
	}
	collect(pid);
	CHECK_EQ(count_fds(), fds);
	net_talk_lo(stack);
	MUST(vdestack_delete(stack));
}

/*
 * The channel of the creation is that of the child's first socket, which is of another stack: the request for
 * it reaches another thread of the keeper. A channel that is not known there would cost five seconds.
 */
CASE_FLAGS(the_first_stack_of_a_child_leaves_a_channel_that_other_stacks_know,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct vdestack *stack = net_stack("");
	unsigned long long namespace = namespace_of(stack);

	for (int i = 0; i < 40; i++) {
		pid_t pid = (pid_t)MUST(fork());
		if (pid == 0) {
			int fds = count_fds();
			struct vdestack *own = net_stack(i % 2 == 0 ? "" : "vnl=null://");
			CHECK_EQ(count_fds(), fds + 2); /* a door and a channel */
			int fd = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0));
			CHECK_EQ(net_namespace_of(fd), namespace);
			net_talk_lo(own);
			close(fd);
			CHECK_EQ(count_fds(), fds + 2);
			_exit(0);
		}
		collect(pid);
	}
	net_talk_lo(stack);
	MUST(vdestack_delete(stack));
}

CASE_BOTH(a_child_makes_stacks_with_a_keeper_of_its_own)
{
	/* The library has been used before, but there is no keeper any more. */
	MUST(vdestack_delete(net_stack("")));
	CHECK(net_wait_keepers(0, LIMIT_MS));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		struct vdestack *own = net_stack("");
		net_talk_lo(own);
		MUST(vdestack_delete(own));
		own = net_stack("");
		_exit(0); /* not deleted: the exit ends the stack */
	}
	collect(pid);
	CHECK(net_wait_keepers(0, LIMIT_MS));
	struct vdestack *stack = net_stack("");
	net_talk_lo(stack);
	MUST(vdestack_delete(stack));
}

/*
 * On segments, whose lock a thread of the keeper may have at the moment of a fork, also while the keeper
 * ends.
 */
static void *make_interfaces(void *arg)
{
	(void)arg;
	while (!atomic_load(&done))
		MUST(vdestack_delete(net_stack("vnl=inproc://lan vnl=inproc://b")));
	return NULL;
}

/* (A sanitizer's own locks may stay locked in the child.) */
CASE_TIMED(a_child_forked_during_creations_makes_stacks_with_a_keeper_of_its_own,
	   CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_NO_SANITIZER, 120)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, make_interfaces, NULL), 0);
	for (int i = 0; i < 40; i++) {
		pid_t pid = (pid_t)MUST(fork());
		if (pid == 0) {
			alarm(20); /* a lock that is never released */
			MUST(vdestack_delete(net_stack("vnl=inproc://lan ip=10.9.0.2/24")));
			_exit(0);
		}
		collect(pid);
	}
	atomic_store(&done, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE(a_child_makes_stacks_with_the_keeper_that_its_parent_has_closed)
{
	struct vdestack *stack = net_stack("vnl=inproc://lan ip=10.9.0.1/24");
	int go[2];
	char c;

	MUST(pipe(go));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		close(go[1]);
		CHECK_EQ(MUST(read(go[0], &c, 1)), 1);
		struct vdestack *own = net_stack("vnl=inproc://lan ip=10.9.0.2/24");
		CHECK_EQ(net_keepers(NULL, 0), 1);
		net_talk(stack, "10.9.0.1", own);
		_exit(0);
	}
	MUST(vdestack_delete(stack));
	MUST(write(go[1], "x", 1));
	collect(pid);
	CHECK(net_wait_keepers(0, LIMIT_MS));
}
