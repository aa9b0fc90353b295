/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Rules that look at addresses, in the supervisor.
 *
 * The caller waits in bind(2), connect(2) or a call that sends. These steps are done for it:
 *
 *     the address               read from the caller's memory
 *     the socket                a copy, by pidfd_getfd(2)
 *     has it a port?            yes: it is settled, nothing moves it any more
 *     what do the rules say?    deny: EACCES
 *     where is it?              its network namespace has a cookie (SO_NETNS_COOKIE)
 *     elsewhere?                a new socket with the same settings takes its number
 *
 * Then the kernel executes the call itself. The supervisor never makes a call that could wait for a network.
 *
 * What was read is the caller's only if it still waits after the reading: its process number may have been
 * given to another process in between. So each reading is followed by that question. Another thread of the
 * program may change the address after it was read. Then the call goes to the new address in the network of
 * the old one: rules choose networks, they do not confine.
 *
 * If memory or descriptors of the caller cannot be read, the call fails with EACCES, not in some network.
 */

#define _GNU_SOURCE
#include "settle.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "answer_socket.h"
#include "caller.h"
#include "move.h"
#include "rights.h"
#include "rules/rules.h"
#include "run_log.h"
#include "supervisor.h"
#include "unsettled.h"
#include "watches.h"
#include <vdestack.h>

/* ------------------------------------------------------------------ networks */

/* A socket of stack `index`; of the host if it is run->n_stacks. Close-on-exec, or -errno. */
static int make(struct vs_answer *a, size_t index, int family, int type, int protocol)
{
	if (index < a->run->n_stacks)
		return vs_answer_socket_make(a, index, family, type, protocol);
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);
	return fd >= 0 ? fd : -errno;
}

int vs_settle_start(struct vs_answer *a)
{
	a->cookies = calloc(a->run->n_stacks + 1, sizeof(*a->cookies));
	if (a->cookies == NULL)
		return -ENOMEM;
	for (size_t i = 0; i <= a->run->n_stacks; i++) {
		int fd = make(a, i, i < a->run->n_stacks ? AF_INET : AF_UNIX, SOCK_DGRAM, 0);
		if (fd < 0)
			return fd;
		a->cookies[i] = vs_unsettled_network(fd);
		(void)close(fd);
	}
	return 0;
}

/* ------------------------------------------------------------------ the caller */

void vs_settle_thread_name(pid_t thread, char name[17])
{
	char path[64];

	name[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)thread);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, name, 16) : 0;
	if (fd >= 0)
		(void)close(fd);
	name[n > 0 ? n : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

static int read_memory(const struct vs_answer *a, uint64_t address, void *to, size_t len)
{
	struct iovec local = { to, len }, remote = { (void *)(uintptr_t)address, len };
	ssize_t n = process_vm_readv((pid_t)a->notify.request->pid, &local, 1, &remote, 1, 0);

	return n == (ssize_t)len ? 0 : n >= 0 ? -EFAULT : -errno;
}

struct address {
	uint64_t at;
	uint32_t len;
};

/* Where the call has its address. For calls with a message this reads its head. */
static int locate(const struct vs_answer *a, enum vs_call call, struct address *out)
{
	const struct seccomp_data *data = &a->notify.request->data;
	struct {
		uint64_t name;
		uint32_t len;
	} head = { 0 };
	uint32_t narrow[2] = { 0 };
	int r = 0;

	switch (call) {
	case VS_CALL_BIND:
	case VS_CALL_CONNECT:
		*out = (struct address){ data->args[1], (uint32_t)data->args[2] };
		break;
	case VS_CALL_SENDTO:
		*out = (struct address){ data->args[4], (uint32_t)data->args[5] };
		break;
	default: /* struct msghdr, alone or at the beginning of struct mmsghdr, begins with the address */
		if (vs_filter_is_narrow(data->arch)) {
			r = read_memory(a, data->args[1], narrow, sizeof(narrow));
			*out = (struct address){ narrow[0], narrow[1] };
		} else {
			r = read_memory(a, data->args[1], &head, 12);
			*out = (struct address){ head.name, head.len };
		}
	}
	return r;
}

/* ------------------------------------------------------------------ the socket */

struct socket {
	int fd, pidfd, number; /* a copy of it, its process, its number there */
	struct vs_unsettled is;
};

static bool is_cloexec(const struct vs_answer *a, int number)
{
	char path[64], line[128];
	unsigned flags = 0;

	(void)snprintf(path, sizeof(path), "/proc/%u/fdinfo/%d", (unsigned)a->notify.request->pid, number);
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "flags: %o", &flags) == 1)
			break;
	if (f != NULL)
		(void)fclose(f);
	return (flags & O_CLOEXEC) != 0;
}

/* ------------------------------------------------------------------ moving it */

struct exchange {
	struct vs_answer *a;
	struct socket *s;
	int fresh;
	int result;
};

/*
 * On a thread with a table of descriptors of its own, in which the socket can have the program's number. The
 * descriptors that are needed get numbers behind it.
 */
static void *exchange(void *arg)
{
	struct exchange *x = arg;
	struct vs_notify notify = x->a->notify;
	struct socket *s = x->s;
	struct vs_watches w;

	x->result = unshare(CLONE_FILES) < 0 ? -errno : 0;
	if (x->result < 0)
		return NULL;
	notify.listener = fcntl(notify.listener, F_DUPFD_CLOEXEC, s->number + 1);
	int old = fcntl(s->fd, F_DUPFD_CLOEXEC, s->number + 1),
	    fresh = fcntl(x->fresh, F_DUPFD_CLOEXEC, s->number + 1);
	int pidfd = fcntl(s->pidfd, F_DUPFD_CLOEXEC, s->number + 1);
	/* The number is taken before copies of the program's epoll descriptors could take it. */
	x->result = notify.listener < 0 || old < 0 || fresh < 0 || pidfd < 0 || dup2(old, s->number) < 0
			    ? -errno
			    : 0;
	if (x->result < 0)
		return NULL;
	x->result = vs_watches_find((pid_t)notify.request->pid, pidfd, s->number, old, &w);
	if (x->result < 0)
		return NULL;
	x->result = vs_watches_leave(&w, s->number);
	if (x->result == 0) {
		x->result = vs_notify_replace(&notify, fresh, s->number, is_cloexec(x->a, s->number));
		int now = x->result == 0 ? fresh : old;
		(void)dup2(now, s->number);
		int r = vs_watches_enter(&w, old, s->number);
		if (x->result == 0)
			x->result = r;
	}
	vs_watches_close(&w);
	return NULL;
}

static int run_exchange(struct exchange *x)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, exchange, x);

	if (err != 0)
		return -err;
	(void)pthread_join(thread, NULL);
	return x->result;
}

/*
 * A socket of network `there` with the settings of s, or -errno. One of the host's network gets no rights
 * that the caller does not have.
 */
static int copy(struct vs_answer *a, const struct socket *s, size_t here, size_t there, const char **what)
{
	bool limited = there == a->run->n_stacks;
	int reference = make(a, here, s->is.family, s->is.type, s->is.protocol);
	struct vs_rights own;
	int r = limited ? vs_rights_take((pid_t)a->notify.request->pid, &own) : 0;

	if (r == 0) {
		int fresh = make(a, there, s->is.family, s->is.type, s->is.protocol);
		r = fresh < 0 ? fresh : vs_move_socket(s->fd, reference, fresh, what);
		if (limited)
			vs_rights_return(&own);
		if (r == 0)
			r = fresh;
		else if (fresh >= 0)
			(void)close(fresh);
	}
	if (reference >= 0)
		(void)close(reference);
	return r;
}

static int move(struct vs_answer *a, struct socket *s, size_t here, size_t there)
{
	const char *what = "";
	int fresh = copy(a, s, here, there, &what), r = fresh;

	if (fresh >= 0 && !vs_notify_valid(&a->notify))
		r = -ENOENT; /* what was read about rights may be another process's */
	if (r >= 0) {
		struct exchange x = { a, s, fresh, 0 };
		r = run_exchange(&x);
	}
	if (fresh >= 0)
		(void)close(fresh);
	if (r < 0)
		vs_run_log_write(a->run->log, "vdestack run: %u: descriptor %d cannot be moved: %s%s%s",
				 (unsigned)a->notify.request->pid, s->number, what,
				 what[0] != '\0' ? ": " : "",
				 strerror(-r));
	return r;
}

static const char *place_name(const struct vs_answer *a, size_t index)
{
	return index < a->run->n_stacks ? a->run->names[index] : "host";
}

static int decide(struct vs_answer *a, struct socket *s, enum vs_call what, const struct sockaddr *addr)
{
	char thread[17];
	struct vs_rules_call call = { .stage = what == VS_CALL_BIND ? VS_RULES_AT_BIND : VS_RULES_AT_CONNECT,
				      .family = s->is.family,
				      .type = s->is.type,
				      .protocol = s->is.protocol,
				      .thread = thread };

	vs_settle_thread_name((pid_t)a->notify.request->pid, thread);
	call.local = what == VS_CALL_BIND ? addr : &s->is.own.any;
	call.remote = what == VS_CALL_BIND ? NULL : addr;
	struct vs_rules_decision d = vs_rules_decide(a->run->rules, &call);
	size_t there = d.verdict == VS_RULES_STACK ? d.stack : a->run->n_stacks, here = 0;
	uint64_t cookie = vs_unsettled_network(s->fd);
	while (here <= a->run->n_stacks && a->cookies[here] != cookie)
		here++;
	if (here > a->run->n_stacks)
		return 0; /* of a network that is not the run's: the program has chosen it */
	vs_run_log_write(a->run->log, "vdestack run: %u: %s of descriptor %d: %s, line %u",
			 (unsigned)a->notify.request->pid, what == VS_CALL_BIND ? "bind" : "connect",
			 s->number,
			 d.verdict == VS_RULES_DENY ? "deny" : place_name(a, there), d.line);
	if (d.verdict == VS_RULES_DENY)
		return -EACCES;
	return here == there ? 0 : move(a, s, here, there);
}

/* ------------------------------------------------------------------ the whole */

/* What cannot be read: the kernel finds the same fault, or the supervisor has no right to read. */
static int unreadable(int err)
{
	return err == -EFAULT ? 0 : err == -ESRCH ? -ENOENT : -EACCES;
}

int vs_settle(struct vs_answer *a, enum vs_call call)
{
	union {
		struct sockaddr any;
		struct sockaddr_in6 v6;
	} addr;
	struct address at;
	struct socket s = { .number = (int)a->notify.request->data.args[0] };
	size_t len;
	int r = locate(a, call, &at);

	if (r == 0 && (at.at == 0 || at.len < sizeof(struct sockaddr_in)))
		return 0;
	memset(&addr, 0, sizeof(addr));
	len = at.len < sizeof(addr) ? at.len : sizeof(addr);
	if (r == 0)
		r = read_memory(a, at.at, &addr, len);
	if (r < 0)
		return unreadable(r);
	if (!vs_unsettled_is_address(&addr.any, len))
		return 0;
	s.pidfd = vs_caller_open((pid_t)a->notify.request->pid);
	if (s.pidfd < 0)
		return unreadable(s.pidfd);
	s.fd = (int)syscall(SYS_pidfd_getfd, s.pidfd, s.number, 0);
	r = s.fd >= 0 ? 0 : errno == EBADF ? 0 : unreadable(-errno);
	if (s.fd >= 0) {
		if (!vs_notify_valid(&a->notify))
			r = -ENOENT;
		else if (vs_unsettled_read(s.fd, call == VS_CALL_BIND, &s.is))
			r = decide(a, &s, call, &addr.any);
		(void)close(s.fd);
	}
	(void)close(s.pidfd);
	return r;
}

/* ------------------------------------------------------------------ at the start */

/* The starter is what the program will be: a process of the same user, and no child of the supervisor. */
int vs_settle_check(pid_t starter, int number)
{
	static char byte; /* at the same address there */
	struct iovec local = { &byte, 1 }, remote = { &byte, 1 };

	if (process_vm_readv(starter, &local, 1, &remote, 1, 0) != 1)
		return -errno;
	int pidfd = (int)syscall(SYS_pidfd_open, starter, 0);
	int fd = pidfd >= 0 ? (int)syscall(SYS_pidfd_getfd, pidfd, number, 0) : -1, err = errno;
	if (fd >= 0)
		(void)close(fd);
	if (pidfd >= 0)
		(void)close(pidfd);
	return fd >= 0 ? 0 : -err;
}
