/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The end of stacks in user space whose program has forked. */

#include <arpa/inet.h>
#include <ioth.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "picox_local.h"
#include "picox_process.h"

#define LIMIT_MS 20000
#define BULK 300000 /* more than the buffers on the way */

static bool no_processes(void *arg)
{
	pid_t pid;

	(void)arg;
	return stack_processes(&pid, 1) == 0;
}

static void wait_for_success(pid_t child)
{
	int status;

	CHECK_EQ(MUST(waitpid(child, &status, 0)), child);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
}

/* Forks. The child gets 0 when the parent has closed *go. */
static pid_t forked_waiter(int *go)
{
	int ends[2];
	char c;

	MUST(pipe(ends));
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		close(ends[1]);
		CHECK_EQ(read(ends[0], &c, 1), 0);
		return 0;
	}
	close(ends[0]);
	*go = ends[1];
	return child;
}

CASE(a_child_does_not_keep_a_deleted_stack_alive)
{
	struct ioth *stack = new_stack();
	int go = -1;
	pid_t child = forked_waiter(&go);

	if (child == 0) {
		CHECK_ERRNO(ioth_msocket(stack, AF_INET, SOCK_STREAM, 0), ENETDOWN);
		MUST(ioth_delstack(stack));
		_exit(0);
	}
	MUST(ioth_delstack(stack));
	CHECK(wait_until(no_processes, NULL, LIMIT_MS)); /* the child has its copy of everything */
	close(go);
	wait_for_success(child);
}

CASE(a_socket_of_a_child_ends_with_the_deleted_stack)
{
	struct ioth *stack = new_stack();
	int go = -1, pair[2];
	char c;

	connected(stack, AF_INET, pair);
	pid_t child = forked_waiter(&go);
	if (child == 0) {
		ssize_t n = ioth_read(pair[0], &c, 1);
		CHECK(n == 0 || (n < 0 && (errno == ENETDOWN || errno == ECONNRESET)));
		_exit(0);
	}
	close_all(stack, pair);
	CHECK(wait_until(no_processes, NULL, LIMIT_MS));
	close(go);
	wait_for_success(child);
}

CASE(a_child_that_deletes_its_copy_leaves_the_stack_of_its_parent)
{
	struct ioth *stack = new_stack();
	int pair[2];
	char c;

	connected(stack, AF_INET, pair);
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		close_all(stack, pair);
		_exit(0);
	}
	wait_for_success(child);
	CHECK_EQ(ioth_write(pair[0], "x", 1), 1); /* the process has seen all that the child has asked for */
	CHECK_EQ(ioth_read(pair[1], &c, 1), 1);
	MUST(ioth_close(pair[0]));
	MUST(ioth_close(pair[1]));
	connected(stack, AF_INET6, pair);
	close_all(stack, pair);
	CHECK(wait_until(no_processes, NULL, LIMIT_MS));
}

/* Each case has a network of its own: in a container they share a directory. */
static struct ioth *on_network(const char *name, const char *addr)
{
	char vnl[300];
	struct in_addr a;

	(void)snprintf(vnl, sizeof(vnl), "ptp://%s", case_path(name));
	struct ioth *stack = ioth_newstack("picox", vnl);
	if (stack == NULL)
		FAIL("no stack: %s", ioth_last_error());
	unsigned index = (unsigned)MUST(ioth_if_nametoindex(stack, "vde0"));
	MUST(ioth_linksetupdown(stack, index, 1));
	CHECK_EQ(inet_pton(AF_INET, addr, &a), 1);
	MUST(ioth_ipaddr_add(stack, AF_INET, &a, 24, (int)index));
	return stack;
}

CASE_FLAGS(what_was_sent_before_the_end_arrives_while_a_child_lives, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	static char bytes[BULK];
	struct ioth *one = on_network("sent", "10.4.0.1"), *two = on_network("sent", "10.4.0.2");
	struct sockaddr_in at = { AF_INET, htons(80), { 0 }, { 0 } };
	size_t got = 0;
	ssize_t n;
	int go = -1;

	int l = (int)MUST(ioth_msocket(one, AF_INET, SOCK_STREAM, 0));
	MUST(ioth_bind(l, (struct sockaddr *)&at, sizeof(at)));
	MUST(ioth_listen(l, 1));
	CHECK_EQ(inet_pton(AF_INET, "10.4.0.1", &at.sin_addr), 1);
	int tx = (int)MUST(ioth_msocket(two, AF_INET, SOCK_STREAM, 0));
	pid_t child = forked_waiter(&go);
	if (child == 0)
		_exit(0);
	MUST(ioth_connect(tx, (struct sockaddr *)&at, sizeof(at)));
	int rx = (int)MUST(ioth_accept(l, NULL, NULL));
	n = MUST(ioth_send(tx, bytes, sizeof(bytes), MSG_DONTWAIT));
	MUST(ioth_close(tx));
	MUST(ioth_delstack(two));
	while (got < (size_t)n) {
		ssize_t part = ioth_read(rx, bytes, sizeof(bytes));
		CHECK(part > 0);
		got += (size_t)part;
	}
	CHECK(wait_until(is_the_only_process, &(pid_t){ 0 }, LIMIT_MS)); /* that of the stack `one` */
	close(go);
	wait_for_success(child);
	MUST(ioth_close(rx));
	MUST(ioth_close(l));
	MUST(ioth_delstack(one));
}

/* The reader is slow: the bytes on the way, then an error and no end of file. */
CASE_FLAGS(what_a_deleted_stack_cannot_send_is_reset, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	static char bytes[8 * BULK];
	struct ioth *one = on_network("unsent", "10.4.0.1"), *two = on_network("unsent", "10.4.0.2");
	struct sockaddr_in at = { AF_INET, htons(80), { 0 }, { 0 } };
	size_t sent = 0, got = 0;
	ssize_t n;

	int l = (int)MUST(ioth_msocket(one, AF_INET, SOCK_STREAM, 0));
	MUST(ioth_bind(l, (struct sockaddr *)&at, sizeof(at)));
	MUST(ioth_listen(l, 1));
	CHECK_EQ(inet_pton(AF_INET, "10.4.0.1", &at.sin_addr), 1);
	int tx = (int)MUST(ioth_msocket(two, AF_INET, SOCK_STREAM, 0));
	MUST(ioth_connect(tx, (struct sockaddr *)&at, sizeof(at)));
	int rx = (int)MUST(ioth_accept(l, NULL, NULL));
	struct pollfd p = { .fd = tx, .events = POLLOUT };
	while (poll(&p, 1, 500) == 1) { /* until all queues on the way are full */
		n = ioth_send(tx, bytes, sizeof(bytes), MSG_DONTWAIT);
		CHECK(n > 0 || (n < 0 && errno == EAGAIN));
		sent += n > 0 ? (size_t)n : 0;
	}
	MUST(ioth_close(tx));
	MUST(ioth_delstack(two));
	CHECK(wait_until(is_the_only_process, &(pid_t){ 0 }, LIMIT_MS));
	while ((n = ioth_read(rx, bytes, sizeof(bytes))) > 0)
		got += (size_t)n;
	CHECK_EQ(errno, ECONNRESET);
	CHECK_EQ(n, -1);
	CHECK(got < sent);
	MUST(ioth_close(rx));
	MUST(ioth_close(l));
	MUST(ioth_delstack(one));
}
