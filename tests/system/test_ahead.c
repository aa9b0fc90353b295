/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sockets are made ahead of their calls. A socket has the sysctls of the moment at which it was made. A
 * sysctl that was changed before a call must be in force for the socket of that call. It does not matter
 * which process has changed it.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vdestack.h>
#include <vdestack/conf.h>

#include "case.h"
#include "net.h"

#define NAME "ipv6.bindv6only"
#define SET_TO_1 "echo 1 >/proc/sys/net/ipv6/bindv6only"
#define LIMIT_MS 20000

/* What a new socket got from the sysctl. */
static int next_socket(struct vdestack *stack)
{
	int fd = (int)MUST(vdestack_msocket(stack, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)), value = -1;
	socklen_t len = sizeof(value);

	MUST(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &len));
	close(fd);
	return value;
}

/* As many calls as it takes to have sockets made ahead. */
static void many_sockets(struct vdestack *stack, int expected)
{
	for (int i = 0; i < 70; i++)
		CHECK_EQ(next_socket(stack), expected);
}

static struct vdestack *busy_stack(void)
{
	struct vdestack *stack = net_stack("");

	many_sockets(stack, 0);
	return stack;
}

CASE_BOTH(a_sysctl_reaches_the_next_socket)
{
	struct vdestack *stack = busy_stack();

	for (int i = 0; i < 20; i++) {
		MUST(vdestack_sysctl_set(stack, NAME, i % 2 ? "0" : "1"));
		many_sockets(stack, i % 2 ? 0 : 1);
	}
	usleep(300000); /* the program pauses: then one is made ahead. This waits for no event */
	many_sockets(stack, 0);
	MUST(vdestack_sysctl_set(stack, NAME, "1"));
	CHECK_EQ(next_socket(stack), 1);
}

CASE_BOTH(a_sysctl_set_by_a_child_reaches_the_next_socket)
{
	struct vdestack *stack = busy_stack();
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		MUST(vdestack_sysctl_set(stack, NAME, "1"));
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
	many_sockets(stack, 1);
}

CASE_BOTH(a_sysctl_reaches_the_next_socket_of_a_child)
{
	struct vdestack *stack = busy_stack();
	int pair[2], status;
	char byte = 0;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		many_sockets(stack, 0);
		MUST(send(pair[1], &byte, 1, 0));
		MUST(recv(pair[1], &byte, 1, 0));
		many_sockets(stack, 1);
		_exit(0);
	}
	MUST(recv(pair[0], &byte, 1, 0));
	MUST(vdestack_sysctl_set(stack, NAME, "1"));
	MUST(send(pair[0], &byte, 1, 0));
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

/* ------------------------------------------------------------------ while it is changed */

#define CHANGES 300

static atomic_uint begun, done; /* changes; number n sets the value n % 2 */

static void *change(void *stack)
{
	for (unsigned n = 1; n <= CHANGES; n++) {
		atomic_store(&begun, n);
		MUST(vdestack_sysctl_set(stack, NAME, n % 2 ? "1" : "0"));
		atomic_store(&done, n);
		usleep(n % 3 * 100); /* as long as it takes to get sockets ahead, and shorter */
	}
	return NULL;
}

static void *make_sockets(void *stack)
{
	unsigned before, checked = 0;

	do {
		before = atomic_load(&done);
		int value = next_socket(stack);
		if (atomic_load(&begun) == before) { /* no change at the same time */
			CHECK_EQ(value, (int)(before % 2));
			checked++;
		}
	} while (before < CHANGES);
	CHECK(checked > 0);
	return NULL;
}

CASE_FLAGS(no_socket_is_older_than_the_last_change_before_its_call,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	struct vdestack *stack = busy_stack();
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, i == 0 ? change : make_sockets, stack), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

/* ------------------------------------------------------------------ by others */

CASE_BOTH(a_sysctl_set_by_a_command_reaches_the_next_socket)
{
	struct vdestack *stack = busy_stack();
	char *argv[] = { "sh", "-c", SET_TO_1, NULL };

	CHECK_EQ(MUST(vdestack_run(stack, argv, NULL)), 0);
	many_sockets(stack, 1);
}

CASE_BOTH(a_sysctl_set_by_what_a_command_has_left_behind_reaches_the_next_socket)
{
	struct vdestack *stack = busy_stack();
	char *argv[] = { "sh", "-c", "(sleep 0.3; " SET_TO_1 ") >/dev/null 2>&1 &", NULL };
	long long end = now_us() + LIMIT_MS * 1000ll;
	char value[8] = "";

	CHECK_EQ(MUST(vdestack_run(stack, argv, NULL)), 0);
	do {
		(void)next_socket(stack);
		CHECK(now_us() < end);
		MUST(vdestack_sysctl_get(stack, NAME, value, sizeof(value)));
	} while (value[0] != '1');
	many_sockets(stack, 1);
}

CASE_ROOT(a_sysctl_set_in_a_namespace_that_was_handed_out_reaches_the_next_socket)
{
	struct vdestack *stack = busy_stack();
	int ns = (int)MUST(vdestack_netns(stack));
	int home = (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));

	many_sockets(stack, 0);
	MUST(setns(ns, CLONE_NEWNET));
	int fd = (int)MUST(open("/proc/sys/net/ipv6/bindv6only", O_WRONLY | O_CLOEXEC));
	MUST(write(fd, "1", 1));
	close(fd);
	MUST(setns(home, CLONE_NEWNET));
	many_sockets(stack, 1);
}

CASE_ROOT(a_sysctl_set_in_an_adopted_namespace_reaches_the_next_socket)
{
	int home = (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));

	MUST(unshare(CLONE_NEWNET));
	int ns = (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
	int fd = (int)MUST(open("/proc/sys/net/ipv6/bindv6only", O_WRONLY | O_CLOEXEC));
	MUST(setns(home, CLONE_NEWNET));
	struct vdestack *stack = vdestack_adopt_fd(ns, "", case_opts());
	CHECK(stack != NULL);
	many_sockets(stack, 0);
	MUST(write(fd, "1", 1));
	many_sockets(stack, 1);
}

/* ------------------------------------------------------------------ when they are made ahead */

static bool is_stopped(void *pid)
{
	char path[64], line[256] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", *(pid_t *)pid);
	int fd = (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
	MUST(read(fd, line, sizeof(line) - 1));
	close(fd);
	const char *end = strrchr(line, ')');
	return end != NULL && end[2] == 'T';
}

/*
 * A call that needs the keeper fails while that is stopped. False also if the keeper was late with what
 * it was asked for.
 */
static bool is_made_ahead(void *stack)
{
	pid_t keeper = net_keeper();

	many_sockets(stack, next_socket(stack));
	MUST(kill(keeper, SIGSTOP));
	CHECK(wait_until(is_stopped, &keeper, LIMIT_MS));
	int fd = vdestack_msocket(stack, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	MUST(kill(keeper, SIGCONT));
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

CASE(without_a_change_page_a_sysctl_reaches_the_next_socket)
{
	struct rlimit none = { 0, 0 };

	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	MUST(setrlimit(RLIMIT_FSIZE, &none)); /* of the keeper as well: it cannot give its page a length */
	struct vdestack *stack = busy_stack();
	CHECK(!is_made_ahead(stack));
	MUST(vdestack_sysctl_set(stack, NAME, "1"));
	many_sockets(stack, 1);
}

CASE(sockets_are_made_ahead)
{
	struct vdestack *stack = busy_stack();

	CHECK(wait_until(is_made_ahead, stack, LIMIT_MS));
	MUST(vdestack_sysctl_set(stack, NAME, "1"));
	CHECK(wait_until(is_made_ahead, stack, LIMIT_MS));
}

CASE(sockets_are_made_ahead_again_after_a_command)
{
	struct vdestack *stack = busy_stack();
	char *argv[] = { "true", NULL }, *absent[] = { "/nonexistent", NULL };

	CHECK_EQ(MUST(vdestack_run(stack, argv, NULL)), 0);
	CHECK_ERRNO(vdestack_run(stack, absent, NULL), ENOENT);
	/* The keeper may see the end of the runner later. */
	CHECK(wait_until(is_made_ahead, stack, LIMIT_MS));
}

CASE(sockets_are_made_ahead_beside_a_command_that_is_a_link)
{
	struct vdestack *stack = net_stack("vnl='=cat'");

	many_sockets(stack, 0);
	CHECK(wait_until(is_made_ahead, stack, LIMIT_MS));
}

CASE(no_socket_is_made_ahead_while_a_command_runs)
{
	struct vdestack *stack = busy_stack();
	char *argv[] = { "sleep", "1000", NULL };
	int fd = (int)MUST(vdestack_spawn(stack, argv, NULL, NULL));

	CHECK(!is_made_ahead(stack));
	MUST(vdestack_delete(stack));
	close(fd);
}
