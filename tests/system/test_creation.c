/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creations that the program drives from its own loop: start, the descriptor, finish, cancel. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>
#include <vdestack/conf.h>

#define BOTH_VDE (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
#define MANY 16
#define SOON_MS 20000
#define AT_ONCE_MS 1500  /* on a machine that does much else; what is waited for in vain takes 5000 */
#define FINISHES_MAX 40  /* calls for one creation; each has an event of its own */

static struct vdestack_creation *start(const char *config, const struct vdestack_opts *opts)
{
	long long begin = now_us();
	struct vdestack_creation *c = vdestack_new_start(config, opts);

	if (c == NULL)
		FAIL("no creation \"%s\": %s: %s", config, strerrorname_np(errno), vdestack_last_error());
	CHECK(now_us() - begin < AT_ONCE_MS * 1000LL);
	return c;
}

/* vdestack_new_finish() with the errno EAGAIN and NULL while the creation goes on. */
static struct vdestack *finish(struct vdestack_creation *c)
{
	struct vdestack *stack = NULL;
	int r = vdestack_new_finish(c, &stack);

	if (r == 0)
		errno = EAGAIN;
	return r > 0 ? stack : NULL;
}

/* Calls finish when the descriptor says so, until it is done or has failed. *calls counts. */
static struct vdestack *drive(struct vdestack_creation *c, int *calls)
{
	for (*calls = 1;; ++*calls) {
		CHECK(wait_readable(vdestack_new_fd(c), SOON_MS));
		long long begin = now_us();
		struct vdestack *stack = finish(c);
		int err = errno;
		CHECK(now_us() - begin < AT_ONCE_MS * 1000LL);
		errno = err;
		if (stack != NULL || err != EAGAIN)
			return stack;
		if (*calls > FINISHES_MAX)
			FAIL("%d calls of finish, and still not done", *calls);
	}
}

static struct vdestack *drive_to_end(struct vdestack_creation *c)
{
	int calls;
	struct vdestack *stack = drive(c, &calls);

	if (stack == NULL)
		FAIL("not made: %s: %s", strerrorname_np(errno), vdestack_last_error());
	return stack;
}

/* ------------------------------------------------------------------ what is left */

struct state {
	int fds, tasks, keepers, keeper_tasks;
};

static struct state look(void)
{
	pid_t keeper = 0;
	int n = net_keepers(&keeper, 1);

	return (struct state){ count_fds(), count_tasks_of(getpid()), n, n > 0 ? count_tasks_of(keeper) : 0 };
}

/*
 * A keeper may have had one thread more at first: that which opens the socket of the registry after the first
 * stack, for which no call waits.
 */
static bool is_state(void *arg)
{
	const struct state *before = arg;
	struct state now = look();

	return now.fds == before->fds && now.tasks == before->tasks && now.keepers == before->keepers &&
	       now.keeper_tasks <= before->keeper_tasks;
}

static void check_nothing_left(struct state before)
{
	if (wait_until(is_state, &before, SOON_MS))
		return;
	struct state now = look();
	FAIL("descriptors %d -> %d, threads %d -> %d, keepers %d -> %d, threads of the keeper %d -> %d",
	     before.fds, now.fds, before.tasks, now.tasks, before.keepers, now.keepers, before.keeper_tasks,
	     now.keeper_tasks);
}

/* A switch that is there and never answers: connections wait in its queue. */
static const char *silent_network(void)
{
	static char config[400];
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *dir = case_path("silent");
	int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	MUST(mkdir(dir, 0700));
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/ctl", dir);
	MUST(bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	MUST(listen(fd, 64));
	(void)snprintf(config, sizeof(config), "iface=silent vnl=vde://%s", dir);
	return config;
}

static bool is_quiet(struct vdestack_creation *c, int ms)
{
	struct pollfd p = { .fd = vdestack_new_fd(c), .events = POLLIN };

	return MUST(poll(&p, 1, ms)) == 0;
}

/* ------------------------------------------------------------------ many at once */

CASE_TIMED(many_stacks_are_made_by_one_loop, CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN, 120)
{
	struct vdestack_creation *creations[MANY];
	struct vdestack *stacks[MANY] = { NULL };
	int calls[MANY] = { 0 }, set = (int)MUST(epoll_create1(EPOLL_CLOEXEC));
	int tasks = case_is_inprocess() ? 0 : count_tasks_of(getpid());

	for (int i = 0; i < MANY; i++) {
		char config[100];
		(void)snprintf(config, sizeof(config), "vnl=inproc://lan ip=10.0.0.%d/24 ip=fc00::%d/64",
			       i + 1, i + 1);
		creations[i] = start(config, case_opts());
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };
		MUST(epoll_ctl(set, EPOLL_CTL_ADD, vdestack_new_fd(creations[i]), &event));
	}
	for (int made = 0; made < MANY;) {
		struct epoll_event event;
		CHECK_EQ(MUST(epoll_wait(set, &event, 1, SOON_MS)), 1);
		int i = (int)event.data.u32;
		stacks[i] = finish(creations[i]);
		if (stacks[i] == NULL)
			CHECK_EQ(errno, EAGAIN);
		made += stacks[i] != NULL;
		if (++calls[i] > FINISHES_MAX)
			FAIL("stack %d: %d calls of finish", i, calls[i]);
	}
	if (!case_is_inprocess())
		CHECK_EQ(count_tasks_of(getpid()), tasks);
	CHECK_EQ(vdestack_list(NULL, 0), MANY);
	net_talk(stacks[0], "10.0.0.1", stacks[MANY - 1]);
	for (int i = 0; i < MANY; i++)
		MUST(vdestack_delete(stacks[i]));
}

CASE_FLAGS(many_stacks_on_a_switch_are_made_by_one_loop, BOTH_VDE)
{
	struct vdestack_creation *creations[MANY];
	struct net_switch sw;

	net_switch_start(&sw, "sw");
	for (int i = 0; i < MANY; i++) {
		char config[400];
		(void)snprintf(config, sizeof(config), "vnl=vde://%s ip=10.0.0.%d/24", sw.dir, i + 1);
		creations[i] = start(config, case_opts());
	}
	struct vdestack *first = drive_to_end(creations[0]), *last = NULL;
	for (int i = 1; i < MANY; i++)
		last = drive_to_end(creations[i]);
	net_talk(first, "10.0.0.1", last);
}

CASE_FLAGS(a_stack_is_made_with_few_calls_and_each_has_an_event, BOTH_VDE)
{
	struct vdestack_creation *c = start("vnl=null:// ip=10.0.0.1/24", case_opts());
	int calls;

	CHECK_ERRNO(finish(c), EAGAIN); /* too early does no harm */
	struct vdestack *stack = drive(c, &calls);
	CHECK(stack != NULL);
	if (calls > 4)
		FAIL("%d calls", calls);
	net_talk_lo(stack);
	/* One to two seconds of duplicate address detection, in which hardly anything happens. */
	c = start("vnl=null:// ip=fc00::1/64", case_opts());
	CHECK(drive(c, &calls) != NULL);
	if (calls > 12)
		FAIL("%d calls", calls);
}

/* ------------------------------------------------------------------ networks that never answer */

CASE_FLAGS(a_network_that_never_answers_blocks_nothing, BOTH_VDE)
{
	const char *config = silent_network();
	struct state before = look();

	for (int i = 0; i < 3; i++) {
		struct vdestack_creation *c = start(config, case_opts());
		CHECK(is_quiet(c, 300));
		CHECK_ERRNO(finish(c), EAGAIN);
		CHECK(is_quiet(c, 100));
		long long begin = now_us();
		vdestack_new_cancel(c);
		CHECK(now_us() - begin < AT_ONCE_MS * 1000LL);
		begin = now_us();
		check_nothing_left(before);
		if (!case_is_inprocess() && now_us() - begin > 3000000)
			FAIL("the keeper held on to it for %lld ms", (now_us() - begin) / 1000);
	}
}

CASE_FLAGS(what_a_cancelled_creation_waited_for_is_given_up_while_other_stacks_live,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	const char *config = silent_network();
	struct vdestack *other = net_stack("vnl=inproc://lan ip=10.0.0.1/24");
	struct state before = look();
	struct vdestack_creation *c = start(config, case_opts());

	CHECK(is_quiet(c, 200));
	CHECK(look().keeper_tasks > before.keeper_tasks);
	vdestack_new_cancel(c);
	long long begin = now_us();
	check_nothing_left(before);
	CHECK(now_us() - begin < 3000000);
	net_talk_lo(other);
}

CASE_FLAGS(the_limit_of_the_whole_ends_a_creation, BOTH_VDE)
{
	const char *config = silent_network();
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = case_opts_flags(), .timeout_ms = 400 };
	struct state before = look();
	int calls;

	long long begin = now_us();
	struct vdestack_creation *c = start(config, &opts);
	CHECK(drive(c, &calls) == NULL);
	CHECK_EQ(errno, ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "silent");
	CHECK_CONTAINS(vdestack_last_error(), "within 400 ms");
	CHECK(now_us() - begin >= 390000);
	CHECK(now_us() - begin < (400 + AT_ONCE_MS) * 1000LL);
	CHECK_EQ(calls, 1);
	check_nothing_left(before);

	begin = now_us();
	CHECK_ERRNO(vdestack_new(config, &opts), ETIMEDOUT);
	CHECK(now_us() - begin < (400 + AT_ONCE_MS) * 1000LL);
	CHECK_CONTAINS(vdestack_last_error(), "within 400 ms");
	check_nothing_left(before);
}

CASE_FLAGS(the_message_about_the_limit_of_the_whole_names_the_interface, BOTH_VDE)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = case_opts_flags(), .timeout_ms = 600 };

	CHECK_ERRNO(vdestack_new("iface=slow vnl=null:// ip=fc00::1/64", &opts), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "fc00::1");
	CHECK_CONTAINS(vdestack_last_error(), "slow");
}

CASE_FLAGS(the_limit_of_the_whole_ends_an_addition, BOTH_VDE)
{
	const char *config = silent_network();
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = case_opts_flags(), .timeout_ms = 400 };
	struct vdestack *stack = net_stack("");
	char two[500];

	(void)snprintf(two, sizeof(two), "iface=first vnl=inproc://lan %s", config);
	struct state before = look();
	CHECK_ERRNO(vdestack_iface_add(stack, two, &opts), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "within 400 ms");
	if (!case_is_inprocess())
		check_nothing_left(before);
	/* The names are free. */
	MUST(vdestack_iface_add(stack,
				"iface=first vnl=inproc://lan iface=silent vnl=inproc://lan ip=10.0.0.1/24",
				case_opts()));
	net_talk_lo(stack);
}

CASE_FLAGS(the_limit_of_a_step_ends_a_creation, BOTH_VDE)
{
	const char *config = silent_network();
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = case_opts_flags(),
				      .step_timeout_ms = 400 };
	struct state before = look();
	int calls;

	CHECK(drive(start(config, &opts), &calls) == NULL);
	CHECK_EQ(errno, ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "step_timeout_ms");
	check_nothing_left(before);
}

CASE_FLAGS(without_limits_a_silent_network_is_waited_for, BOTH_VDE)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = case_opts_flags(),
				      .step_timeout_ms = -1 };
	struct vdestack_creation *c;

	opts.timeout_ms = -1;
	c = start(silent_network(), &opts);
	CHECK(is_quiet(c, 6500)); /* longer than the default of a step */
	vdestack_new_cancel(c);
	opts.timeout_ms = -2;
	CHECK_ERRNO(vdestack_new_start("", &opts), EINVAL);
}

/* ------------------------------------------------------------------ cancelling */

#define ALL_STATES                                                                                           \
	"iface=a vnl=null:// ip=fc00::1/64 iface=b vnl=inproc://x ip=10.0.0.1/24 iface=c 'vnl==cat'"

/* After so many events. False: it was done before. */
static bool cancel_after(int events)
{
	struct vdestack_creation *c = start(ALL_STATES, case_opts());

	for (int i = 0; i < events; i++) {
		CHECK(wait_readable(vdestack_new_fd(c), SOON_MS));
		struct vdestack *stack = finish(c);
		if (stack != NULL) {
			MUST(vdestack_delete(stack));
			return false;
		}
		CHECK_EQ(errno, EAGAIN);
	}
	vdestack_new_cancel(c);
	return true;
}

CASE_TIMED(cancelling_in_any_state_leaves_nothing, BOTH_VDE | CASE_F_TSAN, 120)
{
	struct state before = look();
	int n = 0;

	while (cancel_after(n)) {
		check_nothing_left(before);
		n++;
	}
	check_nothing_left(before);
	if (n < 4)
		FAIL("only %d states were seen", n);
	vdestack_new_cancel(NULL);
}

CASE_FLAGS(cancelling_beside_a_living_stack_leaves_nothing, BOTH_VDE)
{
	struct vdestack *other = net_stack("vnl=inproc://lan ip=10.0.0.1/24");

	(void)cancel_after(100); /* what is kept for the next time is there */
	sleep_ms(300);
	struct state before = look();
	for (int n = 0; cancel_after(n); n++)
		check_nothing_left(before);
	net_talk_lo(other);
}

/* ------------------------------------------------------------------ failing */

static void check_same_failure(const char *config)
{
	char said[512];
	int calls;

	CHECK(vdestack_new(config, case_opts()) == NULL);
	int err = errno;
	(void)snprintf(said, sizeof(said), "%s", vdestack_last_error());
	struct vdestack_creation *c = vdestack_new_start(config, case_opts());
	if (c != NULL)
		CHECK(drive(c, &calls) == NULL);
	CHECK_EQ(errno, err);
	CHECK_STR(vdestack_last_error(), said);
}

CASE_FLAGS(failures_have_the_errno_and_the_message_of_a_creation_that_waits, BOTH_VDE)
{
	struct state before = look();

	check_same_failure("nonsense");
	check_same_failure("vnl=nosuchscheme://x");
	check_same_failure("vnl=inproc://a ip=10.0.0.1/24 gw=10.9.9.9");
	check_same_failure("iface=a vnl=inproc://a iface=b vnl=vde:///nowhere/at/all");
	check_same_failure("vnl=fd://3");
	check_same_failure("iface=a vnl=inproc://a iface=b 'vnl==no-such-command-anywhere'");
	check_nothing_left(before);
}

/* ------------------------------------------------------------------ fork, threads, lost descriptors */

CASE_BOTH(a_forked_child_has_no_part_in_it)
{
	struct vdestack_creation *c = start("name=mine vnl=inproc://lan ip=fc00::1/64", case_opts());
	int status;

	CHECK(wait_readable(vdestack_new_fd(c), SOON_MS));
	/* there is a door now, and addresses are under detection */
	CHECK_ERRNO(finish(c), EAGAIN);
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		CHECK_ERRNO(finish(c), ECANCELED);
		CHECK_EQ(vdestack_list(NULL, 0), 0);
		CHECK_ERRNO(vdestack_by_name("mine"), ENOENT);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	struct vdestack *stack = drive_to_end(c);
	CHECK(vdestack_by_name("mine") == stack);
	net_talk_lo(stack);
}

CASE(a_forked_child_keeps_nothing_that_was_cancelled)
{
	struct vdestack *other = net_stack("");
	struct state before = look();

	for (int finishes = 0; finishes < 2; finishes++) {
		struct vdestack_creation *c = start("vnl=inproc://lan ip=fc00::1/64", case_opts());
		for (int i = 0; i < finishes; i++) {
			CHECK(wait_readable(vdestack_new_fd(c), SOON_MS));
			CHECK_ERRNO(finish(c), EAGAIN);
		}
		pid_t child = (pid_t)MUST(fork());
		if (child == 0) {
			pause();
			_exit(0);
		}
		vdestack_new_cancel(c);
		check_nothing_left(before); /* the networking thread has ended, whatever the child holds */
		MUST(kill(child, SIGKILL));
		MUST(waitpid(child, NULL, 0));
	}
	net_talk_lo(other);
}

/* Without the handlers of fork(2), as if it had been made in the middle of a call: it keeps all copies. */
static pid_t clone_by_hand(void)
{
	return (pid_t)MUST(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

CASE(what_is_cancelled_ends_whatever_copies_of_descriptors_there_are)
{
	struct vdestack *other = net_stack("");
	struct state before = look();

	for (int finishes = 0; finishes < 2; finishes++) {
		struct vdestack_creation *c = start("vnl=inproc://lan ip=fc00::1/64", case_opts());
		/* The reply has come, and is not read yet. */
		CHECK(wait_readable(vdestack_new_fd(c), SOON_MS));
		if (finishes > 0)
			CHECK_ERRNO(finish(c), EAGAIN);
		pid_t child = clone_by_hand();
		if (child == 0)
			for (;;)
				pause();
		vdestack_new_cancel(c);
		check_nothing_left(before);
		MUST(kill(child, SIGKILL));
		MUST(waitpid(child, NULL, 0));
	}
	net_talk_lo(other);
}

CASE(a_child_with_all_copies_can_cancel_while_its_parent_goes_on)
{
	for (int finishes = 0; finishes < 2; finishes++) {
		struct vdestack_creation *c = start("vnl=null:// ip=fc00::1/64", case_opts());
		int status;

		CHECK(wait_readable(vdestack_new_fd(c), SOON_MS));
		if (finishes > 0)
			CHECK_ERRNO(finish(c), EAGAIN);
		pid_t child = clone_by_hand();
		if (child == 0) {
			vdestack_new_cancel(c);
			_exit(0);
		}
		MUST(waitpid(child, &status, 0));
		CHECK_EQ(status, 0);
		net_talk_lo(drive_to_end(c));
	}
}

CASE(a_child_can_cancel_its_copy_while_its_parent_goes_on)
{
	struct vdestack_creation *c = start("vnl=null:// ip=fc00::1/64", case_opts());
	int status;

	CHECK(wait_readable(vdestack_new_fd(c), SOON_MS));
	CHECK_ERRNO(finish(c), EAGAIN);
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		vdestack_new_cancel(c);
		struct vdestack *own = net_stack("vnl=inproc://lan ip=10.0.0.1/24");
		net_talk_lo(own);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	net_talk_lo(drive_to_end(c));
}

CASE_FLAGS(a_keeper_that_dies_before_the_stack_is_made_is_replaced_once,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	struct vdestack_creation *c = start(silent_network(), case_opts());

	for (int i = 0; i < 2; i++) {
		CHECK(is_quiet(c, 200));
		MUST(kill(net_keeper(), SIGKILL));
		CHECK(wait_readable(vdestack_new_fd(c), SOON_MS));
		struct vdestack *stack = finish(c);
		CHECK(stack == NULL && errno == (i == 0 ? EAGAIN : ENETDOWN));
	}
	net_talk_lo(drive_to_end(start("vnl=null:// ip=10.0.0.1/24", case_opts())));
}

/* libnl cannot free a socket object without closing its number, so that memory is lost here. */
CASE_FLAGS(descriptors_that_the_program_closes_end_a_creation,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_VDE | CASE_F_NO_SANITIZER)
{
	struct vdestack_creation *c = start("vnl=null:// ip=fc00::1/64", case_opts());

	CHECK(wait_readable(vdestack_new_fd(c), SOON_MS));
	CHECK_ERRNO(finish(c), EAGAIN);
	for (int fd = 3; fd < 4096; fd++)
		(void)close(fd);
	int stranger = (int)MUST(open("/dev/null", O_RDONLY | O_CLOEXEC));
	CHECK_ERRNO(finish(c), ENETDOWN);
	MUST(fcntl(stranger, F_GETFD));
}

static bool has_silent(void *stack)
{
	return vdestack_if_nametoindex(stack, "silent") > 0;
}

static bool has_no_silent(void *stack)
{
	return !has_silent(stack);
}

struct blocked {
	struct vdestack *stack;
	const char *config;
	int err;
};

static void *add_silent(void *arg)
{
	struct blocked *b = arg;
	const struct vdestack_opts opts = { .size = sizeof(opts), .flags = case_opts_flags(),
					    .step_timeout_ms = -1 };

	CHECK(vdestack_iface_add(b->stack, b->config, &opts) < 0);
	b->err = errno;
	return NULL;
}

/* Without a limit of its own, so nothing else can end it. */
CASE_FLAGS(deletion_ends_an_addition_that_waits_for_a_silent_network, BOTH_VDE)
{
	struct blocked b = { .stack = net_stack(""), .config = silent_network() };
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, add_silent, &b), 0);
	CHECK(wait_until(has_silent, b.stack, SOON_MS));
	long long start = now_us();
	MUST(vdestack_delete(b.stack));
	long long deleted = now_us() - start;
	struct timespec limit;
	MUST(clock_gettime(CLOCK_REALTIME, &limit));
	limit.tv_sec += SOON_MS / 1000;
	CHECK_EQ(pthread_timedjoin_np(thread, NULL, &limit), 0);
	if (deleted > 2000000)
		FAIL("deletion took %lld ms", deleted / 1000);
	CHECK(b.err == ECANCELED || b.err == ENETDOWN);
}

/* Its network may be absent. But no caller got it, so it does not stay for the other users of the stack. */
CASE_FLAGS(an_addition_whose_caller_dies_leaves_no_interface, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	struct vdestack *stack = net_stack("");
	struct vdestack_opts opts = { .size = sizeof(opts),
				      .flags = case_opts_flags() | VDESTACK_ALLOW_ABSENT,
				      .step_timeout_ms = -1 };
	const char *config = silent_network();
	int status;

	pid_t child = (pid_t)MUST(fork());
	if (child == 0)
		_exit(vdestack_iface_add(stack, config, &opts) == 0);
	CHECK(wait_until(has_silent, stack, SOON_MS));
	MUST(kill(child, SIGKILL));
	MUST(waitpid(child, &status, 0));
	CHECK(wait_until(has_no_silent, stack, SOON_MS));
}

CASE_BOTH(a_creation_is_finished_into_a_result_only)
{
	struct vdestack_creation *c = start("", case_opts());
	struct vdestack *stack = NULL;

	/* NULL, as a program may pass that is not built with the warnings of this one. */
	int (*volatile call)(struct vdestack_creation *, struct vdestack **) = vdestack_new_finish;
	CHECK_ERRNO(call(c, NULL), EINVAL);
	CHECK_ERRNO(call(NULL, &stack), EINVAL);
	net_talk_lo(drive_to_end(c)); /* it goes on */
}
