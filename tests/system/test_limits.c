/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Small limits: the answer is a working stack or an error that names step and remedy, at once.
 *
 * Each limit is tried in a child of its own, whose exit status is the result. The keeper inherits
 * the program's hard limits, so they apply to it too.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include <vdestack.h>

#define ATTEMPT_MS 20000 /* twice the time that creation may take; more is a hang */
#define PORT 4711

/* Exit statuses of a child without a failure. 1 is a failed check. */
enum outcome { WORKED = 40, REFUSED };

/* ------------------------------------------------------------------ one attempt */

struct attempt {
	int resource;
	rlim_t soft, hard;
	const char *configs[2]; /* of two stacks that see each other, 10.0.0.1 and 10.0.0.2 */
	int errors[4];          /* allowed ones, 0 ends */
	const char *remedy;     /* which the message must name */
};

static void check_refusal(const struct attempt *a, int err, const char *what)
{
	const char *message = vdestack_last_error();
	bool allowed = false;

	for (int i = 0; i < 4 && a->errors[i] != 0; i++)
		allowed |= a->errors[i] == err;
	if (!allowed)
		FAIL("%s failed with %s: \"%s\"", what, strerrorname_np(err), message);
	if (strncmp(message, "cannot ", 7) != 0 || strstr(message, a->remedy) == NULL)
		FAIL("%s: %s: the message names no step or not \"%s\": \"%s\"", what, strerrorname_np(err),
		     a->remedy, message);
}

struct asking {
	struct vdestack *stack;
	int fd, err;
};

static bool ask(void *arg)
{
	struct asking *a = arg;

	a->fd = vdestack_msocket(a->stack, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	a->err = errno;
	return a->fd >= 0;
}

/*
 * A socket of the stack. It may fail only if the program itself could make no socket. All descriptors in
 * flight of all programs of the user count against RLIMIT_NOFILE (unix(7)), so other cases that run at the
 * same time may make it fail for a moment.
 */
static int must_have_socket(struct vdestack *stack)
{
	struct asking a = { .stack = stack };

	if (wait_until(ask, &a, 5000))
		return a.fd;
	int err = a.err;
	int own = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (own >= 0 || errno != err)
		FAIL("a stack that makes no socket: %s: %s", strerrorname_np(err), vdestack_last_error());
	_exit(WORKED); /* as many as the limit allows */
}

static void await(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, 10000) != 1)
		FAIL("no TCP through the stacks");
}

/* A connection from b to a and some data, with three descriptors. */
static void must_carry_tcp(struct vdestack *a, struct vdestack *b)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT),
				  .sin_addr.s_addr = inet_addr("10.0.0.1") };
	char word[6] = "";
	int listener = must_have_socket(a), client = must_have_socket(b);

	MUST(bind(listener, (struct sockaddr *)&to, sizeof(to)));
	MUST(listen(listener, 1));
	if (connect(client, (struct sockaddr *)&to, sizeof(to)) < 0)
		CHECK_EQ(errno, EINPROGRESS);
	await(listener, POLLIN);
	int served = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (served < 0 && errno == EMFILE)
		_exit(WORKED); /* the connection exists; only the program has no free number */
	MUST(served);
	await(client, POLLOUT);
	CHECK_EQ(send(client, "hello", 5, 0), 5);
	await(served, POLLIN);
	CHECK_EQ(recv(served, word, 5, 0), 5);
	CHECK_STR(word, "hello");
	close(listener);
	close(client);
	close(served);
}

static void attempt_in_child(const struct attempt *a)
{
	struct rlimit limit = { a->soft, a->hard };
	struct vdestack *stacks[2];

	MUST(setrlimit((enum __rlimit_resource)a->resource, &limit));
	for (int i = 0; i < 2; i++) {
		stacks[i] = vdestack_new(a->configs[i], case_opts());
		if (stacks[i] != NULL)
			continue;
		check_refusal(a, errno, i == 0 ? "the first stack" : "the second stack");
		if (i > 0) { /* the first stays open */
			close(must_have_socket(stacks[0]));
			MUST(vdestack_delete(stacks[0]));
		}
		_exit(REFUSED);
	}
	must_carry_tcp(stacks[0], stacks[1]);
	MUST(vdestack_delete(stacks[1]));
	MUST(vdestack_delete(stacks[0]));
	_exit(WORKED);
}

static bool has_ended(void *arg)
{
	siginfo_t info = { .si_pid = 0 };

	MUST(waitid(P_PID, (id_t) * (pid_t *)arg, &info, WEXITED | WNOHANG | WNOWAIT));
	return info.si_pid != 0;
}

static enum outcome attempt(const struct attempt *a, const char *what)
{
	int status;

	(void)fflush(stdout);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0)
		attempt_in_child(a);
	if (!wait_until(has_ended, &pid, ATTEMPT_MS)) {
		kill(pid, SIGKILL);
		FAIL("%s %llu/%llu: hangs", what, (unsigned long long)a->soft, (unsigned long long)a->hard);
	}
	MUST(waitpid(pid, &status, 0));
	if (WIFSIGNALED(status))
		FAIL("%s %llu/%llu: ended by signal %d", what, (unsigned long long)a->soft,
		     (unsigned long long)a->hard, WTERMSIG(status));
	if (WEXITSTATUS(status) != WORKED && WEXITSTATUS(status) != REFUSED)
		FAIL("%s %llu/%llu: failed as said above", what, (unsigned long long)a->soft,
		     (unsigned long long)a->hard);
	return (enum outcome)WEXITSTATUS(status);
}

/* A range of values of one limit. It must contain values that are refused and values that work. */
static void attempt_range(struct attempt *a, const char *what, rlim_t from, rlim_t to, rlim_t step,
			  bool soft_only)
{
	struct rlimit now;
	int refused = 0, worked = 0;

	MUST(getrlimit((enum __rlimit_resource)a->resource, &now));
	for (rlim_t value = from; value <= to; value += step) {
		a->soft = value;
		a->hard = soft_only ? now.rlim_max : value;
		if (attempt(a, what) == WORKED)
			worked++;
		else
			refused++;
	}
	printf("%s %llu to %llu: %d refused, %d worked\n", what, (unsigned long long)from,
	       (unsigned long long)to, refused, worked);
	if (worked == 0)
		FAIL("%s: nothing worked up to %llu", what, (unsigned long long)to);
	if (refused == 0)
		FAIL("%s: nothing was refused from %llu on, so nothing was shown", what,
		     (unsigned long long)from);
}

#define ON_A_SEGMENT { "vnl=inproc://lan ip=10.0.0.1/24", "vnl=inproc://lan ip=10.0.0.2/24" }

static const struct attempt descriptors_on_a_segment = {
	.resource = RLIMIT_NOFILE, .configs = ON_A_SEGMENT, .errors = { EMFILE }, .remedy = "RLIMIT_NOFILE",
};

/* ------------------------------------------------------------------ descriptors */

CASE_FLAGS(with_few_descriptors_for_program_and_keeper_a_stack_works_or_is_refused,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_ALONE)
{
	struct attempt a = descriptors_on_a_segment;

	attempt_range(&a, "RLIMIT_NOFILE", 3, 40, 1, false);
}

CASE_FLAGS(with_few_descriptors_for_the_program_alone_a_stack_works_or_is_refused,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_ALONE)
{
	struct attempt a = descriptors_on_a_segment;

	attempt_range(&a, "soft RLIMIT_NOFILE", 3, 32, 1, true);
}

CASE_FLAGS(with_few_descriptors_a_stack_on_a_vde_network_works_or_is_refused,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE | CASE_F_ALONE)
{
	static char configs[2][300];
	struct attempt a = descriptors_on_a_segment;

	for (rlim_t limit = 6; limit <= 40; limit += 2) {
		char name[32];
		/* A hub for each attempt, made by its first stack. */
		(void)snprintf(name, sizeof(name), "hub%u", (unsigned)limit);
		(void)snprintf(configs[0], sizeof(configs[0]), "vnl=hub://%s ip=10.0.0.1/24",
			       case_path(name));
		(void)snprintf(configs[1], sizeof(configs[1]), "vnl=vde://%s ip=10.0.0.2/24",
			       case_path(name));
		a.configs[0] = configs[0];
		a.configs[1] = configs[1];
		a.soft = a.hard = limit;
		enum outcome outcome = attempt(&a, "RLIMIT_NOFILE");
		if (limit >= 36)
			CHECK_EQ(outcome, WORKED);
	}
}

/* Makes stacks until it fails. Each of them makes a socket, the last one too. */
CASE_FLAGS(all_stacks_work_when_there_are_as_many_as_the_descriptors_allow,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_ALONE)
{
	struct rlimit limit = { 30, 30 };
	struct vdestack *stacks[64];
	int n = 0;

	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	while (n < 64 && (stacks[n] = vdestack_new("", case_opts())) != NULL)
		n++;
	CHECK_EQ(errno, EMFILE);
	CHECK_CONTAINS(vdestack_last_error(), "RLIMIT_NOFILE");
	if (n < 5)
		FAIL("only %d stacks", n);
	/* The last stacks may have taken the last numbers of the program. */
	for (int i = n - 1; i >= 0; i--) {
		int fd = vdestack_msocket(stacks[i], AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			FAIL("stack %d of %d: %s: %s", i, n, strerrorname_np(errno), vdestack_last_error());
		close(fd);
	}
	for (int i = 0; i < n; i++)
		MUST(vdestack_delete(stacks[i]));
}

/* ------------------------------------------------------------------ processes and threads */

static int processes_of_this_user(void)
{
	int n = 0;
	/*
	 * The limit does not apply to root. This runs as the ordinary user, whose other processes count too.
	 */
	FILE *f = popen("cat /proc/[0-9]*/status 2>/dev/null | awk -v u=$(id -u) '/^Uid:/ {mine = $2 == u} "
			"/^Threads:/ && mine {n += $2} END {print n + 0}'", "re");

	CHECK(f != NULL);
	CHECK_EQ(fscanf(f, "%d", &n), 1);
	pclose(f);
	return n;
}

CASE_USER(with_few_processes_a_stack_works_or_is_refused)
{
	struct attempt a = { .resource = RLIMIT_NPROC, .configs = ON_A_SEGMENT, .errors = { EAGAIN },
			     .remedy = "RLIMIT_NPROC" };
	int used = processes_of_this_user();

	/*
	 * Other cases of the same user run at the same time and use some of it. So the result may be either,
	 * but must be complete.
	 */
	for (int more = 1; more <= 12; more++) {
		a.soft = a.hard = (rlim_t)(used + more);
		(void)attempt(&a, "RLIMIT_NPROC");
	}
	a.soft = a.hard = 1;
	CHECK_EQ(attempt(&a, "RLIMIT_NPROC"), REFUSED);
	a.soft = a.hard = (rlim_t)(used + 2000);
	CHECK_EQ(attempt(&a, "RLIMIT_NPROC"), WORKED);
}

/* ------------------------------------------------------------------ memory */

static rlim_t address_space(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	CHECK(f != NULL);
	CHECK_EQ(fscanf(f, "%lu", &pages), 1);
	fclose(f);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

CASE_FLAGS(with_little_address_space_a_stack_works_or_is_refused,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)
{
	struct attempt a = { .resource = RLIMIT_AS, .configs = ON_A_SEGMENT, .errors = { ENOMEM, EAGAIN },
			     .remedy = "RLIMIT_AS" };
	const rlim_t kib = 1024;

	/*
	 * From what this program uses up to what a keeper needs in addition. Where keeper and program have
	 * one address space, in steps of the size of a request: in some of them none is left for it.
	 */
	attempt_range(&a, "RLIMIT_AS", address_space(), address_space() + 1024 * kib,
		      (case_is_inprocess() ? 8 : 64) * kib, false);
}

CASE_FLAGS(with_an_address_space_too_small_for_the_keeper_a_stack_is_refused,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	struct attempt a = { .resource = RLIMIT_AS, .configs = ON_A_SEGMENT, .errors = { ENOMEM, EAGAIN },
			     .remedy = "RLIMIT_AS" };

	/* Below what the program uses: it can map no more, and a new process little. */
	for (rlim_t kib = 512; kib <= 8192; kib += 256) {
		a.soft = a.hard = kib * 1024;
		(void)attempt(&a, "RLIMIT_AS");
	}
	a.soft = a.hard = 512 * 1024;
	CHECK_EQ(attempt(&a, "RLIMIT_AS"), REFUSED);
}

/* ------------------------------------------------------------------ limits that must not matter */

static void must_not_matter(int resource, rlim_t value, const char *what)
{
	struct attempt a = {
		.resource = resource, .soft = value, .hard = value, .configs = ON_A_SEGMENT, .remedy = ""
	};

	CHECK_EQ(attempt(&a, what), WORKED);
}

CASE_BOTH(without_locked_memory_stacks_work)
{
	must_not_matter(RLIMIT_MEMLOCK, 0, "RLIMIT_MEMLOCK");
}

CASE_BOTH(without_pending_signals_stacks_work)
{
	must_not_matter(RLIMIT_SIGPENDING, 0, "RLIMIT_SIGPENDING");
}

CASE_BOTH(without_message_queues_core_files_and_file_sizes_stacks_work)
{
	must_not_matter(RLIMIT_MSGQUEUE, 0, "RLIMIT_MSGQUEUE");
	must_not_matter(RLIMIT_CORE, 0, "RLIMIT_CORE");
	must_not_matter(RLIMIT_FSIZE, 0, "RLIMIT_FSIZE");
}

CASE_FLAGS(with_a_small_stack_limit_stacks_work,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)
{
	must_not_matter(RLIMIT_STACK, 256 * 1024, "RLIMIT_STACK");
	must_not_matter(RLIMIT_STACK, 128 * 1024, "RLIMIT_STACK");
}

/* Less than a process needs to start: the keeper cannot start, and the message says so. */
CASE_FLAGS(with_a_stack_limit_too_small_for_any_process_a_stack_works_or_is_refused,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)
{
	struct attempt a = { .resource = RLIMIT_STACK, .configs = ON_A_SEGMENT,
			     .errors = { ENOMEM, E2BIG, EAGAIN, EIO }, .remedy = "RLIMIT_STACK" };

	for (rlim_t kib = 4; kib <= 96; kib += kib < 32 ? 4 : 16) {
		a.soft = a.hard = kib * 1024;
		(void)attempt(&a, "RLIMIT_STACK");
	}
}

CASE_FLAGS(with_an_unlimited_stack_limit_stacks_work, CASE_F_ROOT | CASE_F_INPROCESS)
{
	must_not_matter(RLIMIT_STACK, RLIM_INFINITY, "RLIMIT_STACK");
}
