/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of descriptors and the end of stacks, with threads and after fork(2). */

#include <dirent.h>
#include <fcntl.h>
#include <ioth.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

#define TSAN (CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)

static atomic_int stop;

/* Opens, uses and closes: each number comes again at once, in any of the threads. */
static void *open_and_close(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		int sv[2];
		char byte = 'a';
		MUST(ioth_socketpair(arg, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv));
		CHECK_EQ(ioth_write(sv[0], &byte, 1), 1);
		CHECK_EQ(ioth_read(sv[1], &byte, 1), 1);
		MUST(ioth_close(sv[0]));
		MUST(ioth_close(sv[1]));
	}
	return NULL;
}

CASE_FLAGS(numbers_that_come_again_at_once_are_not_lost, TSAN)
{
	pthread_t threads[4];
	struct ioth *stacks[2] = { ioth_newstack("kernel", NULL), NULL };

	MUST(setenv("IOTH_PATH", PLANTED_DIR, 1));
	stacks[1] = ioth_newstack("shared", NULL);
	CHECK(stacks[0] != NULL && stacks[1] != NULL);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, open_and_close, stacks[i % 2]), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	MUST(ioth_delstack(stacks[0]));
	MUST(ioth_delstack(stacks[1]));
}

/* Calls on one descriptor, which others close and open. */
static void *use(void *arg)
{
	int fd = *(int *)arg, value;
	socklen_t len = sizeof(value);

	while (!stop)
		if (ioth_getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len) < 0)
			CHECK(errno == EBADF || errno == ENOTSOCK);
	return NULL;
}

CASE_FLAGS(stacks_end_while_calls_on_their_descriptors_begin, TSAN)
{
	pthread_t threads[3];
	int fd = -1;

	MUST(setenv("IOTH_PATH", PLANTED_DIR, 1));
	for (int i = 0; i < 300; i++) {
		struct ioth *stack = ioth_newstack("shared", NULL);
		CHECK(stack != NULL);
		int now = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		if (i == 0)
			fd = now; /* before the threads that read it */
		CHECK_EQ(now, fd);
		for (int t = 0; i == 0 && t < 3; t++)
			CHECK_EQ(pthread_create(&threads[t], NULL, use, &fd), 0);
		CHECK_ERRNO(ioth_delstack(stack), EBUSY);
		MUST(ioth_close(now));
		MUST(ioth_delstack(stack));
	}
	stop = 1;
	for (int t = 0; t < 3; t++)
		CHECK_EQ(pthread_join(threads[t], NULL), 0);
}

static int closed_by[2];

static void *close_it(void *arg)
{
	int *fd = arg;

	return ioth_close(*fd) == 0 ? arg : NULL;
}

CASE_FLAGS(of_two_closes_one_is_refused, TSAN)
{
	struct ioth *stack = ioth_newstack(NULL, NULL);

	CHECK(stack != NULL);
	for (int i = 0; i < 200; i++) {
		pthread_t threads[2];
		void *won[2];
		closed_by[0] = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		for (int t = 0; t < 2; t++)
			CHECK_EQ(pthread_create(&threads[t], NULL, close_it, &closed_by[0]), 0);
		for (int t = 0; t < 2; t++)
			CHECK_EQ(pthread_join(threads[t], &won[t]), 0);
		CHECK((won[0] != NULL) != (won[1] != NULL));
	}
	MUST(ioth_delstack(stack));
}

/* Waits inside a plugin's function. */
static void *receive(void *arg)
{
	char byte;

	(void)ioth_recv(*(int *)arg, &byte, 1, 0);
	return NULL;
}

/* How many threads of this process wait in one of these two system calls. */
static int count_waiting(long call, long other)
{
	char path[300];
	DIR *tasks = opendir("/proc/self/task");
	int n = 0;

	CHECK(tasks != NULL);
	for (struct dirent *e; (e = readdir(tasks)) != NULL;) {
		char text[32] = "";
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/syscall", e->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && text[0] >= '0' && text[0] <= '9') {
			long number = strtol(text, NULL, 10); /* else it runs */
			n += number == call || number == other;
		}
		if (fd >= 0)
			(void)close(fd);
	}
	(void)closedir(tasks);
	return n;
}

static bool a_thread_accepts(void *arg)
{
	(void)arg;
	return count_waiting(SYS_accept, SYS_accept4) == 1;
}

/* *arg threads are in recvmsg(2), or in recv(2), by which picox waits in accept. */
static bool threads_receive(void *arg)
{
	return count_waiting(SYS_recvmsg, SYS_recvfrom) == *(int *)arg;
}

static void *accept_one(void *arg)
{
	int *fd = arg;

	return ioth_accept(*fd, NULL, NULL) < 0 && errno == EBADF ? arg : NULL;
}

/* close(2) does not end accept(2): the thread still waits when the stack has ended. */
CASE_FLAGS(a_thread_that_waits_in_accept_holds_up_no_end, TSAN)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	pthread_t thread;
	void *refused;
	struct ioth *stack = ioth_newstack("kernel", NULL);

	CHECK(stack != NULL);
	int fd = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(ioth_bind(fd, (struct sockaddr *)&at, sizeof(at)));
	MUST(ioth_listen(fd, 1));
	MUST(ioth_getsockname(fd, (struct sockaddr *)&at, &len));
	CHECK_EQ(pthread_create(&thread, NULL, accept_one, &fd), 0);
	CHECK(wait_until(a_thread_accepts, NULL, 10000));
	int closed = fd;
	MUST(ioth_close(closed));
	MUST(ioth_delstack(stack));
	struct ioth *next = ioth_newstack("kernel", NULL); /* at the same address */
	CHECK(next == stack);
	int client = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(connect(client, (struct sockaddr *)&at, sizeof(at)));
	CHECK_EQ(pthread_join(thread, &refused), 0);
	CHECK(refused != NULL);
	MUST(close(client));
	MUST(ioth_delstack(next)); /* it has not got the connection */
}

CASE(a_child_uses_its_copies_and_ends_its_stacks)
{
	pthread_t thread;
	int sv[2], status;
	char byte = 'a';

	MUST(setenv("IOTH_PATH", PLANTED_DIR, 1));
	struct ioth *stack = ioth_newstack("shared", NULL);
	struct ioth *vdestack = ioth_newstack("vdestack", NULL);
	CHECK(stack != NULL && vdestack != NULL);
	MUST(ioth_socketpair(stack, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv));
	CHECK_EQ(pthread_create(&thread, NULL, receive, &sv[1]),
		 0); /* inside the stack when the child is made */
	CHECK(wait_until(threads_receive, &(int){ 1 }, 10000));
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		int fd = (int)MUST(ioth_msocket(vdestack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		CHECK_ERRNO(ioth_delstack(stack), EBUSY);
		MUST(ioth_close(sv[0]));
		MUST(ioth_close(sv[1]));
		MUST(ioth_delstack(stack)); /* the thread of the parent is not inside it here */
		MUST(ioth_close(fd));
		MUST(ioth_delstack(vdestack));
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	CHECK_EQ(ioth_write(sv[0], &byte, 1), 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	MUST(ioth_close(sv[0]));
	MUST(ioth_close(sv[1]));
	MUST(ioth_delstack(stack));
	MUST(ioth_delstack(vdestack));
}

/* No call before it has noticed the fork. */
CASE(the_first_call_of_a_child_may_end_a_stack)
{
	pthread_t thread;
	int sv[2], status;
	char byte = 'a';

	MUST(setenv("IOTH_PATH", PLANTED_DIR, 1));
	struct ioth *stack = ioth_newstack("shared", NULL);
	CHECK(stack != NULL);
	MUST(ioth_socketpair(stack, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv));
	CHECK_EQ(pthread_create(&thread, NULL, receive, &sv[1]), 0);
	CHECK(wait_until(threads_receive, &(int){ 1 }, 10000));
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		MUST(close(sv[0]));
		MUST(close(sv[1]));
		MUST(ioth_delstack(stack));
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	CHECK_EQ(ioth_write(sv[0], &byte, 1), 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	MUST(ioth_close(sv[0]));
	MUST(ioth_close(sv[1]));
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ a child with threads of its own */

/* More turns than there may be calls inside calls: what one turn leaves behind adds up to ELOOP. */
enum { TURNS = 10 };

static struct {
	int first[2], second[2];      /* pairs of the stack */
	atomic_int first_n, second_n; /* turns that are over */
} overlap;

static void wait_turn(atomic_int *n, int turn)
{
	while (atomic_load(n) < turn)
		(void)sched_yield();
}

/* The first call of the child is this thread's. */
static void *receive_first(void *arg)
{
	char byte;

	(void)arg;
	for (int i = 0; i < TURNS; i++) {
		wait_turn(&overlap.second_n, i);
		CHECK_EQ(ioth_recv(overlap.first[1], &byte, 1, 0), 1);
		atomic_fetch_add(&overlap.first_n, 1);
	}
	return NULL;
}

/* Without a call of libioth. Who has begun first ends first. */
static void *end_the_calls(void *arg)
{
	(void)arg;
	for (int i = 0; i < TURNS; i++) {
		CHECK(wait_until(threads_receive, &(int){ 2 }, 10000));
		CHECK_EQ(write(overlap.first[0], "a", 1), 1);
		wait_turn(&overlap.first_n, i + 1);
		CHECK_EQ(write(overlap.second[0], "b", 1), 1);
		wait_turn(&overlap.second_n, i + 1);
	}
	return NULL;
}

static void receive_in_turn(struct ioth *stack)
{
	pthread_t first, other;
	char byte;

	CHECK_EQ(pthread_create(&first, NULL, receive_first, NULL), 0);
	CHECK(wait_until(threads_receive, &(int){ 1 }, 10000));
	CHECK_EQ(pthread_create(&other, NULL, end_the_calls, NULL), 0);
	for (int i = 0; i < TURNS; i++) {
		CHECK(wait_until(threads_receive, &(int){ 1 }, 10000));
		CHECK_EQ(ioth_recv(overlap.second[1], &byte, 1, 0), 1);
		atomic_fetch_add(&overlap.second_n, 1);
	}
	CHECK_EQ(pthread_join(first, NULL), 0);
	CHECK_EQ(pthread_join(other, NULL), 0);
	for (int i = 0; i < 2; i++) {
		MUST(ioth_close(overlap.first[i]));
		MUST(ioth_close(overlap.second[i]));
	}
	MUST(ioth_delstack(stack));
	_exit(0);
}

static void *make_and_fork(void *arg)
{
	struct ioth *stack = arg;
	int status;

	MUST(ioth_socketpair(stack, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, overlap.first));
	MUST(ioth_socketpair(stack, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, overlap.second));
	pid_t child = (pid_t)MUST(fork());
	if (child == 0)
		receive_in_turn(stack);
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	for (int i = 0; i < 2; i++) {
		MUST(ioth_close(overlap.first[i]));
		MUST(ioth_close(overlap.second[i]));
	}
	return NULL;
}

CASE(the_first_call_of_a_child_may_be_a_new_threads)
{
	pthread_t thread;

	MUST(setenv("IOTH_PATH", PLANTED_DIR, 1));
	struct ioth *stack = ioth_newstack("shared", NULL);
	CHECK(stack != NULL);
	MUST(ioth_close((int)MUST(ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))));
	CHECK_EQ(pthread_create(&thread, NULL, make_and_fork, stack), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	MUST(ioth_delstack(stack));
}

/* ------------------------------------------------------------------ threads that end, signals */

/* (The address sanitizer takes what a cancelled thread leaves on its stack for an error.) */
CASE_FLAGS(a_thread_that_is_cancelled_in_a_call_holds_up_no_end,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	pthread_t thread;
	int sv[2];

	MUST(setenv("IOTH_PATH", PLANTED_DIR, 1));
	struct ioth *stack = ioth_newstack("shared", NULL);
	CHECK(stack != NULL);
	MUST(ioth_socketpair(stack, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv));
	CHECK_EQ(pthread_create(&thread, NULL, receive, &sv[1]), 0);
	CHECK(wait_until(threads_receive, &(int){ 1 }, 10000));
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	MUST(ioth_close(sv[0]));
	MUST(ioth_close(sv[1]));
	MUST(ioth_delstack(stack));
}

static int handler_fd;
static atomic_int handled;

static void call_in_handler(int sig)
{
	int number = 0, saved = errno;
	socklen_t len = sizeof(number);

	(void)sig;
	MUST(ioth_getsockopt(handler_fd, -1, 0, &number, &len));
	CHECK_EQ(number, 2); /* of the handler's stack, not of the call that it has interrupted */
	atomic_fetch_add(&handled, 1);
	errno = saved;
}

static void *call_and_be_interrupted(void *arg)
{
	int fd = *(int *)arg;

	while (!stop) {
		int number = 0;
		socklen_t len = sizeof(number);
		MUST(ioth_getsockopt(fd, -1, 0, &number, &len));
		CHECK_EQ(number, 1);
	}
	return NULL;
}

static bool has_handled(void *arg)
{
	return atomic_load(&handled) >= *(int *)arg;
}

/* Also the first call of a thread. */
CASE(calls_in_signal_handlers_are_calls_of_their_own_stack)
{
	struct sigaction action = { .sa_handler = call_in_handler, .sa_flags = SA_RESTART };
	pthread_t thread;
	struct ioth *stacks[2];
	int fds[2], expected;

	MUST(setenv("IOTH_PATH", PLANTED_DIR, 1));
	for (int i = 0; i < 2; i++) {
		stacks[i] = ioth_newstack("shared", NULL);
		CHECK(stacks[i] != NULL);
		fds[i] = (int)MUST(ioth_msocket(stacks[i], AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	}
	handler_fd = fds[1];
	MUST(sigaction(SIGUSR1, &action, NULL));
	for (int t = 0; t < 20; t++) {
		stop = 0;
		CHECK_EQ(pthread_create(&thread, NULL, call_and_be_interrupted, &fds[0]), 0);
		for (int i = 0; i < 5; i++) {
			expected = atomic_load(&handled) + 1;
			CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
			CHECK(wait_until(has_handled, &expected, 10000));
		}
		stop = 1;
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	for (int i = 0; i < 2; i++) {
		MUST(ioth_close(fds[i]));
		MUST(ioth_delstack(stacks[i]));
	}
}

/* ------------------------------------------------------------------ what a child need not wait for */

/* A connection in the stack, closed, whose data the peer does not take. listener and accepted stay open. */
static void leave_unsent(struct ioth *stack, int open[2])
{
	static const char bytes[65536];
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	open[0] = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(ioth_bind(open[0], (struct sockaddr *)&at, sizeof(at)));
	MUST(ioth_listen(open[0], 1));
	MUST(ioth_getsockname(open[0], (struct sockaddr *)&at, &len));
	int client = (int)MUST(ioth_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(ioth_connect(client, (struct sockaddr *)&at, sizeof(at)));
	open[1] = (int)MUST(ioth_accept4(open[0], NULL, NULL, SOCK_CLOEXEC));
	while (ioth_send(client, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	MUST(ioth_close(client));
}

CASE(a_child_that_ends_its_copy_waits_for_no_connection_of_its_parent)
{
	int open[2], status;
	struct ioth *stack = ioth_newstack("vdestack", NULL);

	CHECK(stack != NULL);
	leave_unsent(stack, open);
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		MUST(ioth_close(open[0]));
		MUST(ioth_close(open[1]));
		long long start = now_us();
		MUST(ioth_delstack(stack));
		CHECK(now_us() - start < 1000000); /* who waits for a peer waits for a second at least */
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	CHECK(ioth_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0); /* it is still there */
}

#ifdef HAS_PICOX
/* ------------------------------------------------------------------ calls that only a plugin can end */

static void *wait_in_a_call(void *arg)
{
	int *fd = arg;
	char byte;

	if (fd[1] == SOCK_STREAM)
		return ioth_accept(fd[0], NULL, NULL) < 0 ? arg : NULL;
	return ioth_recv(fd[0], &byte, 1, 0) < 0 ? arg : NULL;
}

CASE(threads_that_wait_in_picox_hold_up_no_end)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	pthread_t threads[2];
	int fds[2][2] = { { -1, SOCK_STREAM }, { -1, SOCK_DGRAM } };
	void *refused;
	struct ioth *stack = ioth_newstack("picox", NULL);

	if (stack == NULL)
		FAIL("%s", ioth_last_error());
	for (int i = 0; i < 2; i++) {
		fds[i][0] = (int)MUST(ioth_msocket(stack, AF_INET, fds[i][1] | SOCK_CLOEXEC, 0));
		MUST(ioth_bind(fds[i][0], (struct sockaddr *)&at, sizeof(at)));
		if (fds[i][1] == SOCK_STREAM)
			MUST(ioth_listen(fds[i][0], 1));
		CHECK_EQ(pthread_create(&threads[i], NULL, wait_in_a_call, fds[i]), 0);
	}
	CHECK(wait_until(threads_receive, &(int){ 2 }, 10000));
	CHECK_ERRNO(ioth_delstack(stack), EBUSY);
	for (int i = 0; i < 2; i++)
		MUST(ioth_close(fds[i][0]));
	MUST(ioth_delstack(stack));
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(pthread_join(threads[i], &refused), 0);
		CHECK(refused != NULL);
	}
}
#endif
