/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the supervisor answers to one notification.
 *
 * The caller waits in the kernel until it has an answer. Each path from vs_answer() sends exactly one. If the
 * caller has been killed meanwhile, the answer has no effect and the descriptor is not given out.
 *
 * All in a notification comes from a program that may be hostile. Nothing of it is used as an index or a
 * length before it is checked, and the memory of the caller may change at any time.
 */

#define _GNU_SOURCE
#include "answer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ask.h"
#include "filter.h"
#include "interfaces.h"
#include "rules/rules.h"
#include "run_log.h"
#include "settle.h"
#include "supervisor.h"
#include <vdestack.h>

#define NETWORK_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)

int vs_answer_make_file(const struct vs_run *run)
{
	struct vs_ask_run head = { .version = VS_ASK_VERSION,
				   .flags = run->flags,
				   .pass = { run->pass[0], run->pass[1] },
				   .rules_len = (uint32_t)run->text_len };
	int fd = memfd_create("vdestack-run", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (write(fd, &head, sizeof(head)) != sizeof(head) ||
	    write(fd, run->text, run->text_len) != (ssize_t)run->text_len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		int err = errno;
		(void)close(fd);
		return -(err != 0 ? err : EIO);
	}
	return fd;
}

/* ------------------------------------------------------------------ the log */

static const char *family_name(int family, char *room, size_t size)
{
	switch (family) {
	case AF_INET:
		return "AF_INET";
	case AF_INET6:
		return "AF_INET6";
	case AF_PACKET:
		return "AF_PACKET";
	case AF_NETLINK:
		return "AF_NETLINK";
	default:
		(void)snprintf(room, size, "%d", family);
		return room;
	}
}

static const char *type_name(int type, char *room, size_t size)
{
	static const char *const names[] = {
		[SOCK_STREAM] = "SOCK_STREAM", [SOCK_DGRAM] = "SOCK_DGRAM", [SOCK_RAW] = "SOCK_RAW"
	};
	unsigned kind = (unsigned)type & ~(unsigned)NETWORK_FLAGS;

	if (kind < sizeof(names) / sizeof(names[0]) && names[kind] != NULL)
		return names[kind];
	(void)snprintf(room, size, "%u", kind);
	return room;
}

static void log_call(const struct vs_answer *a, int family, int type, int protocol, const char *where,
		     const char *error)
{
	char f[16], t[16];

	if (a->run->log >= 0)
		vs_run_log_write(a->run->log, "vdestack run: %u: socket(%s, %s, %d): %s%s%s",
				 (unsigned)a->notify.request->pid, family_name(family, f, sizeof(f)),
				 type_name(type, t, sizeof(t)), protocol, where,
				 error[0] != '\0' ? ": " : "", error);
}

static void log_verdict(const struct vs_answer *a, enum vs_rules_verdict verdict, int family, int type,
			int protocol)
{
	log_call(a, family, type, protocol, verdict == VS_RULES_HOST ? "host" : "deny", "");
}

/* ------------------------------------------------------------------ socket(2) */

static bool redirected(int family, int protocol)
{
	return family == AF_INET || family == AF_INET6 || family == AF_PACKET ||
	       (family == AF_NETLINK && protocol == NETLINK_ROUTE);
}

/* Answers with fd; if the caller cannot take it (EMFILE), with that error. */
static void give(struct vs_answer *a, int fd, bool cloexec)
{
	int r = vs_notify_give(&a->notify, fd, cloexec);

	if (r < 0 && r != -ENOENT)
		(void)vs_notify_fail(&a->notify, -r);
}

static void give_socket(struct vs_answer *a, size_t stack, int family, int type, int protocol)
{
	int fd = vs_answer_socket_make(a, stack, family, type, protocol);
	int err = fd < 0 ? -fd : 0;

	log_call(a, family, type, protocol, a->run->names[stack], err != 0 ? strerror(err) : "");
	if (fd < 0) {
		(void)vs_notify_fail(&a->notify, err);
		return;
	}
	give(a, fd, (type & SOCK_CLOEXEC) != 0);
	(void)close(fd);
}

/* ------------------------------------------------------------------ requests of the shim */

/* All processes get copies of one descriptor, which the supervisor keeps. */
static void give_door(struct vs_answer *a, size_t stack)
{
	if (a->doors[stack] < 0)
		a->doors[stack] = vdestack_pass(a->stacks[stack], 0);
	if (a->doors[stack] < 0)
		(void)vs_notify_fail(&a->notify, errno);
	else
		give(a, a->doors[stack], true);
}

static void answer_request(struct vs_answer *a, const __u64 args[6])
{
	bool is_stack = args[2] < a->run->n_stacks;
	int family = (int)args[3], type = (int)args[4], protocol = (int)args[5];

	switch (args[1]) {
	case VS_ASK_RUN:
		give(a, a->file, true);
		return;
	case VS_ASK_SOCKET:
		if (is_stack && redirected(family, protocol))
			give_socket(a, (size_t)args[2], family, type, protocol);
		else
			(void)vs_notify_fail(&a->notify, EINVAL);
		return;
	case VS_ASK_DOOR:
		if (is_stack)
			give_door(a, (size_t)args[2]);
		else
			(void)vs_notify_fail(&a->notify, EINVAL);
		return;
	default:
		(void)vs_notify_fail(&a->notify, EINVAL);
	}
}

/* ------------------------------------------------------------------ other network namespaces */

/*
 * The name of a network namespace, "net:[NUMBER]", which no other one has as long as it lives. False: not
 * known. To read the link takes half of the time of stat(2), and each notification waits for it.
 */
static bool read_netns(const char *path, char text[VS_NETNS_TEXT])
{
	ssize_t n = readlink(path, text, VS_NETNS_TEXT - 1);

	text[n > 0 ? n : 0] = '\0';
	return n > 0 && n < VS_NETNS_TEXT - 1;
}

void vs_answer_start(struct vs_answer *a)
{
	char number[16] = "";

	/* /proc of another PID namespace has other processes under the callers' numbers. */
	if (readlink("/proc/self", number, sizeof(number) - 1) <= 0 || atoi(number) != getpid() ||
	    !read_netns("/proc/self/ns/net", a->host))
		a->host[0] = '\0';
}

/*
 * Whether the caller has entered another network namespace than the host's, as `ip netns exec` and
 * `vdestack enter` do. Its calls are the kernel's then: they do not reach the host's network. Only the caller
 * itself could change its namespace, and it waits. If nothing is known it is not elsewhere.
 */
static bool is_elsewhere(const struct vs_answer *a)
{
	char path[64], its[VS_NETNS_TEXT];

	(void)snprintf(path, sizeof(path), "/proc/%u/ns/net", (unsigned)a->notify.request->pid);
	return a->host[0] != '\0' && read_netns(path, its) && strcmp(its, a->host) != 0 &&
	       vs_notify_valid(&a->notify);
}

/* Outside of the run, as the shim sees it: no family is VS_ASK_FAMILY. */
static void answer_elsewhere(struct vs_answer *a, enum vs_call call, int family)
{
	if (call == VS_CALL_SOCKET && family == VS_ASK_FAMILY)
		(void)vs_notify_fail(&a->notify, EAFNOSUPPORT);
	else
		(void)vs_notify_continue(&a->notify);
}

/* ------------------------------------------------------------------ the whole */

/* By the rules, as far as they know now; a later call may move the socket. */
static void answer_socket(struct vs_answer *a, int family, int type, int protocol)
{
	char thread[17];
	struct vs_rules_call call = { .stage = VS_RULES_AT_SOCKET,
				      .family = family,
				      .type = type,
				      .protocol = protocol,
				      .thread = thread };
	struct vs_rules_decision d = { .verdict = VS_RULES_STACK };

	if (a->run->rules != NULL) {
		vs_settle_thread_name((pid_t)a->notify.request->pid, thread);
		d = vs_rules_decide(a->run->rules, &call);
	}
	if (d.verdict == VS_RULES_STACK) {
		give_socket(a, d.stack, family, type, protocol);
		return;
	}
	log_verdict(a, d.verdict, family, type, protocol);
	if (d.verdict == VS_RULES_HOST)
		(void)vs_notify_continue(&a->notify);
	else
		(void)vs_notify_fail(&a->notify, EACCES);
}

static void answer_address(struct vs_answer *a, enum vs_call call)
{
	int r = a->run->addresses ? vs_settle(a, call) : -ENOSYS;

	if (r == 0)
		(void)vs_notify_continue(&a->notify);
	else
		(void)vs_notify_fail(&a->notify, -r);
}

void vs_answer(struct vs_answer *a)
{
	const struct seccomp_data *data = &a->notify.request->data;
	int family = (int)data->args[0], type = (int)data->args[1], protocol = (int)data->args[2];
	enum vs_call call = vs_filter_call(data->arch, data->nr);

	if (call == VS_CALL_OTHER)
		(void)vs_notify_fail(&a->notify, ENOSYS);
	else if (is_elsewhere(a))
		answer_elsewhere(a, call, family);
	else if (call == VS_CALL_IOCTL)
		vs_interfaces(a);
	else if (call != VS_CALL_SOCKET)
		answer_address(a, call);
	else if (family == VS_ASK_FAMILY)
		answer_request(a, data->args);
	else if (redirected(family, protocol))
		answer_socket(a, family, type, protocol);
	else
		(void)vs_notify_fail(&a->notify, EAFNOSUPPORT);
}
