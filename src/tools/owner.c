/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The process that keeps a stack for a program that was executed in it.
 *
 *     tool ──fork──▶ intermediate ──fork──▶ owner ── vdestack_new() ──▶ keeper
 *      │    ◀────────── namespace, resolv.conf ─────────┤
 *      │ enters the namespace                           │
 *      │    ──────────── watch, resolv.conf ───────────▶│
 *      │ executes the program                           │ waits for the end of the last process
 *
 * The tool becomes the program, so pid, exit status, signals and terminal are the program's own. The owner is
 * not its child; the intermediate was one, and has been reaped. Until the program runs, the end of the tool
 * ends the owner.
 *
 * When is the last process gone? Two things are known, and each alone has a gap. The watch (preload/mounts.h)
 * reports the end of the mount namespace. That is exact and costs nothing, but a process may have left the
 * mount namespace, or unmounted what the watch is tied to. /proc shows which processes are in the network
 * namespace, but is not read at one moment. So the owner waits for the watch, or for the first process where
 * there is none. Then it reads /proc. If there is a process it waits for the end of that one, and reads
 * again. The namespace stays until what the processes have sent is acknowledged (preload/linger.h). As a
 * process may enter it meanwhile, /proc is read once more then.
 *
 * What happens when something dies:
 *
 *  - the program: the stack stays until the last of its descendants in the namespace has ended.
 *  - the keeper: there is no network any more. The processes get SIGTERM, a second later SIGHUP, which ends
 *    shells, and a second later SIGKILL. A server on a dead interface would only seem to run.
 *  - the owner: it ignores all signals that may be ignored. If it is killed, the keeper ends the stack. The
 *    processes keep a namespace with nothing but lo. They never get the network of the host.
 *
 * The network going away is neither: the keeper reconnects.
 */

#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "preload/follow.h"
#include "preload/linger.h"
#include "tree.h"
#include "wire/fdmsg.h"
#include <vdestack.h>

#define END_MS 1000    /* for processes that are asked to end, with each of two signals */
#define IN_USE_MS 2000 /* a network whose address is in use is tried again */

/* The owner's report. Behind it is the text of resolv.conf, or the message. */
struct report {
	int error; /* an errno; 0: the stack is ready, the namespace is in the message */
};

/* The tool's answer. The descriptors that there are follow in this order. */
struct handed_over {
	bool resolv, watch, follow;
};

static void send_report(int conversation, int error, const char *text, int netns)
{
	struct report report = { .error = error };
	struct vs_fdmsg msg = { .iov = { { &report, sizeof(report) },
					 { (void *)(uintptr_t)text, strlen(text) + 1 } },
				.n_iov = 2,
				.fds = { netns },
				.n_fds = netns >= 0 };

	(void)vs_fdmsg_send(conversation, &msg, 0);
}

/* ------------------------------------------------------------------ the owner's side */

/* Closes what the owner does not need. A pipe of the caller's would have no end of file while it runs. */
static void close_others(int conversation, int tool)
{
	int low = conversation < tool ? conversation : tool, high = conversation < tool ? tool : conversation;

	/* What is closed of 0 to 2 must not become the number of something else. */
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", O_RDWR); /* takes the lowest number */
	if (low > 3)
		(void)close_range(3, (unsigned)low - 1, 0);
	if (high > low + 1)
		(void)close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	(void)close_range((unsigned)high + 1, ~0u, 0);
}

static void ignore_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN };

	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGCHLD) /* else this process could not wait for children */
			(void)sigaction(sig, &action, NULL);
}

/*
 * While the stack is made, the standard streams are the tool's, and the owner is in its session: the command
 * of a network, such as ssh, may ask for a password on the terminal.
 */
static void detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid();
	(void)prctl(PR_SET_NAME, "vdestack-owner");
	(void)!chdir("/");
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		(void)dup2(null, fd);
	vs_close(null);
}

/* NULL: it has failed, the message is the library's. If the tool ends, so does this process. */
static struct vdestack *try_stack(const char *config, bool allow_absent, int conversation)
{
	struct vdestack_opts opts = { .size = sizeof(opts),
				      .flags = allow_absent ? VDESTACK_ALLOW_ABSENT : 0 };
	struct vdestack_creation *creation = vdestack_new_start(config, &opts);
	struct vdestack *stack = NULL;
	int done = creation == NULL ? -1 : 0;

	while (done == 0) {
		struct pollfd p[] = { { .fd = vdestack_new_fd(creation), .events = POLLIN },
				      { .fd = conversation, .events = POLLIN } };
		if (poll(p, 2, -1) > 0 && p[1].revents != 0) {
			vdestack_new_cancel(creation);
			_exit(0);
		}
		done = vdestack_new_finish(creation, &stack);
	}
	return done > 0 ? stack : NULL;
}

/*
 * The owner of another stack learns of the end of its last process when the shell does, and keeps the stack a
 * second longer if a peer does not answer. So the address of a network may still be in use when the same
 * command is given again.
 */
static struct vdestack *make_stack(const char *config, bool allow_absent, int conversation)
{
	int64_t deadline = vs_deadline_ms(IN_USE_MS);
	struct vdestack *stack;

	while ((stack = try_stack(config, allow_absent, conversation)) == NULL) {
		struct pollfd p = { .fd = conversation, .events = POLLIN };
		if ((errno != EEXIST && errno != EADDRINUSE) || vs_left_ms(deadline) == 0)
			break;
		(void)poll(&p, 1, 20);
	}
	return stack;
}

/* What the owner has and knows when the program runs. */
struct held {
	struct vs_follow names;
	int netns;
};

/* Waits until no process is left, at most `ms`. */
static bool wait_for_end(int netns, int ms)
{
	int64_t deadline = vs_deadline_ms(ms);
	int pidfd, left = ms;

	while ((pidfd = vs_tree_find(netns)) >= 0 && left > 0) {
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		left = poll(&p, 1, left) == 0 ? 0 : vs_left_ms(deadline);
		vs_close(pidfd);
	}
	vs_close(pidfd);
	return pidfd < 0;
}

/* There is no network any more: the processes end. */
static void end_processes(int netns)
{
	(void)vs_tree_signal(netns, SIGTERM);
	(void)vs_tree_signal(netns, SIGCONT);
	if (wait_for_end(netns, END_MS))
		return;
	(void)vs_tree_signal(netns, SIGHUP); /* shells ignore SIGTERM */
	if (wait_for_end(netns, END_MS))
		return;
	do /* one may fork while /proc is read */
		(void)vs_tree_signal(netns, SIGKILL);
	while (!wait_for_end(netns, END_MS));
}

/*
 * Waits for the end of the last process. `first` is readable when there may be none any more. It is closed.
 * False: there is no network any more, and the processes have been ended; or waiting is impossible.
 */
static bool wait_for_last(struct held *h, int first)
{
	int waiting = first;

	while (waiting >= 0) {
		struct pollfd p[] = { { .fd = waiting, .events = POLLIN },
				      { .fd = h->names.events, .events = POLLIN } };
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return false;
		if (p[1].revents != 0 && !vs_follow_event(&h->names)) {
			end_processes(h->netns);
			return false;
		}
		if (p[0].revents == 0)
			continue;
		vs_close(waiting);
		waiting = vs_tree_find(h->netns);
		if (waiting < 0) /* one may have forked and ended while /proc was read */
			waiting = vs_tree_find(h->netns);
	}
	return true;
}

static void keep(struct held *h, struct vdestack *stack, int first)
{
	for (int waiting = first; waiting >= 0; waiting = vs_tree_find(h->netns)) {
		if (!wait_for_last(h, waiting))
			return;
		vs_linger(&stack, 1);
	}
}

/* Receives what the tool hands over. False: it has ended. */
static bool receive(int conversation, int *resolv, int *watch, bool *follow)
{
	struct handed_over handed;
	struct vs_fdmsg msg = { .iov = { { &handed, sizeof(handed) } }, .n_iov = 1 };
	size_t n = 0;

	if (vs_fdmsg_recv(conversation, &msg, MSG_CMSG_CLOEXEC) != sizeof(handed))
		return false;
	*resolv = handed.resolv && n < msg.n_fds ? msg.fds[n++] : -1;
	*watch = handed.watch && n < msg.n_fds ? msg.fds[n++] : -1;
	*follow = handed.follow;
	return true;
}

static void hold(const char *config, bool allow_absent, int conversation, int tool)
{
	static struct held h;
	struct vdestack *stack;
	int watch, resolv;
	bool follow;

	close_others(conversation, tool);
	stack = make_stack(config, allow_absent, conversation);
	h.netns = stack == NULL || vs_follow_start(&h.names, stack) < 0 ? -1 : vdestack_netns(stack);
	if (h.netns < 0) {
		send_report(conversation, errno != 0 ? errno : EIO, vdestack_last_error(), -1);
		return;
	}
	ignore_signals();
	detach();
	send_report(conversation, 0, h.names.text, h.netns);
	if (!receive(conversation, &resolv, &watch, &follow))
		return;
	vs_close(conversation);
	if (follow)
		h.names.resolv = resolv;
	else
		vs_close(resolv);
	vs_follow_update(&h.names); /* what has changed since the report */
	if (watch >= 0)
		vs_close(tool); /* the end of this process alone is of no interest */
	keep(&h, stack, watch >= 0 ? watch : tool);
	(void)vdestack_delete(stack);
}

/* ------------------------------------------------------------------ the tool's side */

static pid_t fork_owner(const char *config, bool allow_absent, int pair[2], int tool)
{
	char self[16];

	(void)snprintf(self, sizeof(self), "%d", (int)getpid());
	pid_t intermediate = fork();
	if (intermediate != 0)
		return intermediate;
	(void)setenv("VDESTACK_RUN_PID", self, 1); /* the stack is found by the number of the program */
	pid_t owner = fork();
	if (owner != 0)
		_exit(owner < 0 ? errno : 0);
	vs_close(pair[0]);
	hold(config, allow_absent, pair[1], tool);
	_exit(0);
}

static int receive_report(struct vs_stack_owner *owner)
{
	struct report report;
	struct vs_fdmsg msg = {
		.iov = { { &report, sizeof(report) }, { owner->text, sizeof(owner->text) - 1 } }, .n_iov = 2
	};
	ssize_t n = vs_fdmsg_recv(owner->conversation, &msg, MSG_CMSG_CLOEXEC);

	if (n < (ssize_t)sizeof(report)) {
		(void)snprintf(owner->text, sizeof(owner->text),
			       "the process that holds the stack has ended");
		return -EIO;
	}
	owner->text[(size_t)n - sizeof(report)] = '\0';
	if (report.error != 0 || msg.n_fds != 1)
		return report.error != 0 ? -report.error : -EIO;
	owner->netns = msg.fds[0];
	return 0;
}

int vs_owner_start(const char *config, bool allow_absent, struct vs_stack_owner *owner)
{
	int pair[2], status;
	VS_AUTO_CLOSE tool = pidfd_open(getpid(), 0);
	int r = tool < 0 ? -errno : vs_fd_raise(&tool, 3);

	if (r == 0)
		r = vs_socketpair(pair);
	if (r < 0) {
		(void)snprintf(owner->text, sizeof(owner->text), "cannot start a process: %s", strerror(-r));
		return r;
	}
	pid_t intermediate = fork_owner(config, allow_absent, pair, tool);
	r = intermediate < 0 ? -errno : 0;
	vs_close(pair[1]);
	owner->conversation = pair[0];
	while (r == 0 && waitpid(intermediate, &status, 0) < 0)
		r = errno == EINTR ? 0 : -errno;
	if (r == 0 && WIFEXITED(status) && WEXITSTATUS(status) != 0)
		r = -WEXITSTATUS(status);
	if (r < 0)
		(void)snprintf(owner->text, sizeof(owner->text), "cannot start a process: %s", strerror(-r));
	else
		r = receive_report(owner);
	if (r < 0)
		vs_close(pair[0]);
	return r;
}

int vs_owner_hand_over(const struct vs_stack_owner *owner, int resolv, int watch, bool follow)
{
	struct handed_over handed = { .resolv = resolv >= 0, .watch = watch >= 0, .follow = follow };
	struct vs_fdmsg msg = { .iov = { { &handed, sizeof(handed) } }, .n_iov = 1 };

	if (resolv >= 0)
		msg.fds[msg.n_fds++] = resolv;
	if (watch >= 0)
		msg.fds[msg.n_fds++] = watch;
	return vs_fdmsg_send(owner->conversation, &msg, 0);
}
