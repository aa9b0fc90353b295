/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The supervisor: the process that gives the programs of a run their sockets.
 *
 *     vdestack run                        supervisor                          keeper
 *       │ start ──────────────────────────▶│ own session, no descriptors        │
 *       │                                  │ vdestack_new() ───────────────────▶│ stacks
 *       │◀─────────────────── ready, error │                                    │
 *       │ installs the filter              │                                    │
 *       │ sends its listener ─────────────▶│                                    │
 *       │ execve(2)                        │                                    │
 *     program                              │                                    │
 *       │ socket(2) ─ notification ───────▶│ vdestack_msocket() ───────────────▶│
 *       │◀─────────────────── a descriptor │◀──────────────────────── a socket  │
 *       ┆ forks, daemonizes, executes      │                                    │
 *     the last process ends ── hang-up ───▶│ ends ─────────────── end of file ─▶│ ends
 *
 * The program takes the place of the command that started it. So process number, exit status, signals,
 * terminal, job control and descriptors are the program's without any work here.
 *
 * Owners. The supervisor owns the listener and the handles of the stacks; no other process has either. The
 * program owns nothing of the run, so it can close, replace and unmount all it has.
 *
 * States of the supervisor, and what ends each:
 *
 *     making stacks   all are ready: next state. An error, or the end of the starter: it ends
 *     waiting         the listener comes: next state. The end of the starter: it ends
 *     answering       no process has the filter any more: next state
 *     lingering       what the programs have sent is acknowledged, or no peer answers: it ends
 *
 * What always holds:
 *
 *  - A process with the filter gets sockets of its stacks or an error, never a socket of the host's network.
 *  - Each notification gets one answer, and no answer waits for a network or for a program.
 *  - The supervisor lives as long as a process with the filter, or the starter before there is one, and until
 *    the connections of the last program are closed (linger.h).
 *
 * The deaths:
 *
 *  - The starter, before it has sent the listener: the supervisor reads end of file. What it has begun is
 *    cancelled. The listener is closed with the starter.
 *  - The starter between sending and execve(2), a failed execve(2), the last program, by whatever end: the
 *    listener hangs up.
 *  - A caller, while it waits for its answer: the answer fails, and the descriptor is closed here.
 *  - The supervisor: the kernel answers ENOSYS for it, for ever. The keeper sees the end of its program, so
 *    the stacks end as well.
 *  - The keeper: vdestack_msocket() fails with ENETDOWN, and so does socket(2) of the programs. If it is only
 *    stopped, one call waits for five seconds. It fails with ETIMEDOUT, and so do those that waited behind.
 *
 * The supervisor ignores the signals by which terminals and service managers end all processes of a group: it
 * must outlive a program that handles them. SIGKILL for all of them ends all at once, as intended.
 *
 * It is no child of the program. Its parent, an intermediate without an exit signal, ends before
 * the program starts. If the program is PID 1 of its namespace, or collects orphans (PR_SET_CHILD_SUBREAPER),
 * it gets this child all the same.
 *
 * Rejected: a thread in the program (none is left after execve), a supervisor that is the program's parent
 * (it would have to relay signals, status and job control), one supervisor for several runs (one would take
 * the others with it).
 */

#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "answer.h"
#include "follow.h"
#include "linger.h"
#include "settle.h"
#include <vdestack.h>

#define MESSAGE_MAX 2000
#define MAX_FDS 2
#define CONTROL 3 /* the numbers of its descriptors */
#define LOG 4

/* What the supervisor reports: one message, when it is ready or cannot be. */
struct report {
	int err;
	bool interfaces;
	char text[MESSAGE_MAX];
	char resolv[VS_FOLLOW_TEXT];
};

/* ------------------------------------------------------------------ descriptors in messages */

union control {
	char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
	struct cmsghdr align;
};

/*
 * With `pass` it is a call of the shim's kind: this process has the filter, which may notify sendmsg(2), and
 * nobody answers yet.
 */
static int send_fds(int to, void *bytes, size_t size, const int *fds, size_t n, const uint64_t *pass)
{
	union control data = { { 0 } };
	struct iovec iov = { bytes, size };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	long sent;

	if (n > 0) {
		h.msg_control = data.bytes;
		h.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	do {
		sent = syscall(SYS_sendmsg, to, &h, MSG_NOSIGNAL, 0L, pass != NULL ? (long)pass[0] : 0L,
			       pass != NULL ? (long)pass[1] : 0L);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* The number of bytes, or -errno. Descriptors that did not come are -1; the others are close-on-exec. */
static ssize_t receive_fds(int from, void *bytes, size_t size, int fds[MAX_FDS])
{
	union control data;
	struct iovec iov = { bytes, size };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = data.bytes,
			    .msg_controllen = sizeof(data.bytes) };
	ssize_t n;

	for (int i = 0; i < MAX_FDS; i++)
		fds[i] = -1;
	while ((n = recvmsg(from, &h, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	if (n < 0)
		return -errno;
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	if (n > 0 && c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return n;
}

/* ------------------------------------------------------------------ in the supervisor */

static struct report the_report;

static void report(int err, const char *stack, const char *text)
{
	the_report.err = err;
	if (text != NULL)
		(void)snprintf(the_report.text, sizeof(the_report.text), "%s%s%s", stack,
			       stack[0] != '\0' ? ": " : "", text);
	(void)send(CONTROL, &the_report, sizeof(the_report), MSG_NOSIGNAL);
}

/* Ready. `userns` goes with the report; -1: there is none. */
static void report_ready(const char *warning, int userns)
{
	(void)snprintf(the_report.text, sizeof(the_report.text), "%s", warning);
	(void)send_fds(CONTROL, &the_report, sizeof(the_report), &userns, userns >= 0, NULL);
}

/* True if the starter has ended. Otherwise fd is readable. */
static bool starter_ended(int fd)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = CONTROL, .events = POLLRDHUP } };

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	return p[1].revents != 0;
}

static struct vdestack *make_stack(const char *config, bool *cancelled)
{
	struct vdestack_creation *creation = vdestack_new_start(config, NULL);
	struct vdestack *stack = NULL;
	int r = creation != NULL ? 0 : -1;

	while (r == 0) {
		if (starter_ended(vdestack_new_fd(creation))) {
			vdestack_new_cancel(creation);
			*cancelled = true;
			return NULL;
		}
		r = vdestack_new_finish(creation, &stack);
	}
	return r == 1 ? stack : NULL;
}

static bool make_stacks(const struct vs_run *run, struct vdestack **stacks)
{
	bool cancelled = false;

	for (size_t i = 0; i < run->n_stacks; i++) {
		stacks[i] = make_stack(run->configs[i], &cancelled);
		if (stacks[i] != NULL)
			continue;
		if (!cancelled)
			report(errno, run->n_stacks > 1 ? run->names[i] : "", vdestack_last_error());
		return false;
	}
	return true;
}

/* The user namespace that the network of the stack belongs to, or -1. */
static int userns_of(struct vdestack *stack)
{
	int fd = vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int netns = fd >= 0 ? ioctl(fd, SIOCGSKNS) : -1;
	int userns = netns >= 0 ? ioctl(netns, NS_GET_USERNS) : -1;

	if (fd >= 0)
		(void)close(fd);
	if (netns >= 0)
		(void)close(netns);
	return userns;
}

/* resolv.conf is of no stack any more: the file stays as it is. */
static void stop_following(struct vs_follow *f)
{
	if (f->resolv >= 0)
		(void)close(f->resolv);
	f->resolv = f->events = -1;
}

static void answer_all(struct vs_answer *a, struct vs_follow *names)
{
	for (;;) {
		struct pollfd p[] = { { .fd = a->notify.listener, .events = POLLIN },
				      { .fd = names->events, .events = POLLIN } };
		if (poll(p, 2, -1) < 0)
			continue; /* EINTR */
		if (p[1].revents != 0 && !vs_follow_event(names))
			stop_following(names);
		if ((p[0].revents & POLLIN) != 0) {
			if (vs_notify_receive(&a->notify) == 1)
				vs_answer(a);
		} else if (p[0].revents != 0) {
			return; /* no process has the filter */
		}
	}
}

/* Its own session is that of the intermediate; nothing of the starter's is left here but control and log. */
static void detach(int control, int log)
{
	static const int ignored[] = { SIGTERM, SIGINT,  SIGHUP,  SIGPIPE, SIGQUIT,
				       SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU };
	struct rlimit files;
	sigset_t none;

	(void)prctl(PR_SET_NAME, "vdestack-run");
	(void)signal(SIGCHLD, SIG_DFL);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max; /* the program's soft limit is not for its supervisor */
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}

	int kept_control = fcntl(control, F_DUPFD_CLOEXEC, LOG + 1), kept_log = -1;
	if (log >= 0)
		kept_log = fcntl(log, F_DUPFD_CLOEXEC, LOG + 1);
	(void)dup3(kept_control, CONTROL, O_CLOEXEC);
	if (kept_log >= 0)
		(void)dup3(kept_log, LOG, O_CLOEXEC);
	(void)syscall(SYS_close_range, kept_log >= 0 ? LOG + 1 : CONTROL + 1, ~0U, 0);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			(void)close(fd);
	if (null > 2)
		(void)close(null);
}

/* What is needed for rules that look at addresses. False: it has been reported. */
static bool prepare_settling(struct vs_answer *a, pid_t starter, int number)
{
	int r = vs_settle_check(starter, number);

	if (r < 0) {
		report(-r, "",
		       "rules with local=, remote= or name= need to read the program's memory and "
		       "descriptors, which is refused here; set sysctl kernel.yama.ptrace_scope=0, allow "
		       "process_vm_readv(2) and pidfd_getfd(2) in the profile of the container, or use rules "
		       "without these words");
		return false;
	}
	r = vs_settle_start(a);
	if (r < 0)
		report(-r, "",
		       "the networks of the stacks cannot be distinguished; Linux 5.14 or later is needed");
	return r == 0;
}

/* What the program will see of names. False: it has been reported. */
static bool prepare_names(const struct vs_answer *a, struct vs_follow *names)
{
	if (vs_follow_start(names, a->stacks[a->run->resolver]) < 0) {
		report(errno, a->run->names[a->run->resolver], vdestack_last_error());
		return false;
	}
	memcpy(the_report.resolv, names->text, sizeof(the_report.resolv));
	return true;
}

static void check_beside(int r, const char *text)
{
	if (r == 0)
		return;
	report(-r, "", text);
	_exit(1);
}

__attribute__((noreturn)) static void supervise(const struct vs_run *starters, int control, pid_t starter,
						int number)
{
	struct vs_run run = *starters;
	struct vdestack **stacks = calloc(run.n_stacks, sizeof(struct vdestack *));
	int *doors = calloc(run.n_stacks, sizeof(int));
	struct vs_answer a = { .run = &run, .stacks = stacks, .doors = doors };
	static struct vs_follow names = { .events = -1, .resolv = -1 };
	char text[MESSAGE_MAX] = "", byte;
	int fds[MAX_FDS];

	(void)snprintf(text, sizeof(text), "%d", (int)starter);
	(void)setenv("VDESTACK_RUN_PID", text, 1); /* the stacks are found by the number of the program */
	text[0] = '\0';
	detach(control, run.log);
	run.log = run.log >= 0 ? LOG : -1;
	a.file = vs_answer_make_file(&run);
	if (a.file < 0 || stacks == NULL || doors == NULL) {
		report(ENOMEM, "", "no memory for the supervisor");
		_exit(1);
	}
	if (run.beside != NULL)
		check_beside(run.beside->open(run.log, text, sizeof(text)), text);
	if (!make_stacks(&run, stacks))
		_exit(1);
	if (run.addresses && !prepare_settling(&a, starter, number))
		_exit(1);
	if (run.beside != NULL)
		check_beside(run.beside->start(stacks[0], text, sizeof(text)), text);
	(void)!chdir("/"); /* relative names of networks have been used */
	for (size_t i = 0; i < run.n_stacks; i++)
		doors[i] = -1;
	vs_answer_start(&a);
	if (run.resolvconf && !prepare_names(&a, &names))
		_exit(1);
	the_report.interfaces = run.resolver < run.n_stacks && vs_settle_check(starter, number) == 0;
	report_ready(text, run.resolvconf ? userns_of(stacks[run.resolver]) : -1);
	if (receive_fds(CONTROL, &byte, 1, fds) != 1 || fds[0] < 0 || vs_notify_open(&a.notify, fds[0]) < 0)
		_exit(1); /* the starter has ended */
	(void)close(CONTROL);
	names.resolv = fds[1];
	if (names.resolv >= 0)
		vs_follow_update(&names); /* what has changed since the report */
	else
		names.events = -1;
	answer_all(&a, &names);
	if (run.beside != NULL)
		run.beside->end();
	vs_linger(stacks, run.n_stacks);
	for (size_t i = 0; i < run.n_stacks; i++)
		(void)vdestack_delete(stacks[i]);
	_exit(0);
}

/* ------------------------------------------------------------------ in the starter */

/* A child that wait(2) does not see, of which the supervisor is a child. Its status: 0 or an errno. */
static int fork_twice(const struct vs_run *run, int control, int starters_control)
{
	pid_t self = getpid();
	int status = 0;
	pid_t pid = (pid_t)syscall(SYS_clone, 0L, NULL, NULL, NULL, NULL); /* no exit signal */

	if (pid == 0) {
		if (setsid() < 0)
			_exit(errno);
		pid = fork();
		if (pid == 0)
			supervise(run, control, self, starters_control);
		_exit(pid < 0 ? errno : 0);
	}
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

static int receive_report(struct vs_run_ready *ready)
{
	int fds[MAX_FDS];

	if (receive_fds(ready->control, &the_report, sizeof(the_report), fds) != sizeof(the_report)) {
		(void)snprintf(ready->message, sizeof(ready->message),
			       "the supervisor has ended without a report; it was killed, or has no "
			       "memory");
		return -EIO;
	}
	the_report.text[sizeof(the_report.text) - 1] = '\0';
	the_report.resolv[sizeof(the_report.resolv) - 1] = '\0';
	(void)strcpy(ready->message, the_report.text);
	(void)strcpy(ready->resolv, the_report.resolv);
	ready->interfaces = the_report.interfaces;
	ready->userns = fds[0];
	return -the_report.err;
}

/*
 * After unshare(CLONE_NEWPID) the next child is the first process of a PID namespace, which ends all others
 * of it when it ends, as the intermediate would.
 */
static bool children_are_elsewhere(void)
{
	char own[64] = "", childrens[64] = "";

	if (readlink("/proc/self/ns/pid", own, sizeof(own) - 1) <= 0)
		return false;
	(void)!readlink("/proc/self/ns/pid_for_children", childrens, sizeof(childrens) - 1);
	return strcmp(own, childrens) != 0;
}

int vs_supervisor_start(const struct vs_run *run, struct vs_run_ready *ready)
{
	int ends[2];

	if (children_are_elsewhere()) {
		(void)snprintf(ready->message, sizeof(ready->message),
			       "children of this process are in another PID namespace than itself, so there "
			       "can be no supervisor; let unshare(1) fork: unshare --pid --fork");
		return -EINVAL;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		int err = errno;
		(void)snprintf(ready->message, sizeof(ready->message),
			       "no socket pair for the supervisor: %s", strerror(err));
		return -err;
	}
	ready->control = ends[0];
	int r = fork_twice(run, ends[1], ends[0]);
	(void)close(ends[1]);
	if (r < 0)
		(void)snprintf(ready->message, sizeof(ready->message), "no process for the supervisor: %s",
			       strerror(-r));
	else
		r = receive_report(ready);
	if (r < 0)
		(void)close(ends[0]);
	return r;
}

int vs_supervisor_hand_over(const struct vs_run *run, const struct vs_run_ready *ready, int listener,
			    int resolv)
{
	const int fds[MAX_FDS] = { listener, resolv };
	char byte = 0;
	int r = send_fds(ready->control, &byte, 1, fds, resolv >= 0 ? 2 : 1, run->pass);

	(void)close(listener);
	(void)close(ready->control);
	if (resolv >= 0)
		(void)close(resolv);
	if (ready->userns >= 0)
		(void)close(ready->userns);
	return r;
}

int vs_supervisor_choose_pass(uint64_t pass[2])
{
	if (getrandom(pass, 2 * sizeof(pass[0]), 0) != 2 * sizeof(pass[0]))
		return -errno;
	for (int i = 0; i < 2; i++)
		pass[i] |= 0x8000000080000000u; /* also as a number of 32 bits it is no family, type or
						   protocol */
	return 0;
}
