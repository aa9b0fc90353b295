/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_SEGMENT_H
#define VDESTACK_TESTS_SEGMENT_H

/* Stacks on a segment that misbehaves. */

#include "bulk.h"
#include <vdestack/events.h>
#include <vdestack/impair.h>

/* Impaired, and no frame notices. */
#define HARMLESS "blackhole=65535"

#define EACH_SEGMENT (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_TUN)

static inline void impair(struct vdestack *s, const char *words)
{
	if (vdestack_impair_words(s, "vde0", words) < 0)
		FAIL("\"%s\": %s", words, vdestack_last_error());
}

static inline void group(struct vdestack *s, unsigned number)
{
	if (vdestack_segment_group(s, "vde0", number) < 0)
		FAIL("group %u: %s", number, vdestack_last_error());
}

/* The threads of the keeper, or of the program with the in-process variant, that have this name. */
static inline int threads_named(pid_t pid, const char *name)
{
	char path[300], comm[32];
	int n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *dir = opendir(path);
	CHECK(dir != NULL);
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%.20s/comm", pid, e->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t len = fd < 0 ? 0 : read(fd, comm, sizeof(comm) - 1);
		n += len == (ssize_t)strlen(name) + 1 && memcmp(comm, name, strlen(name)) == 0;
		if (fd >= 0)
			close(fd);
	}
	closedir(dir);
	return n;
}

static inline pid_t keeper_pid(void)
{
	pid_t pid = getpid();

	if (!case_is_inprocess())
		CHECK_EQ(find_keepers(&pid, 1), 1);
	return pid;
}

struct pumps {
	pid_t pid;
	int n;
};

/* They share threads; a busy one has its own for a moment. */
static inline bool pumps_are(void *arg)
{
	const struct pumps *p = arg;
	int threads = threads_named(p->pid, "vdestack-pump");

	return p->n == 0 ? threads == 0 : threads > 0 && threads <= p->n + 1;
}

/* Threads take their name, and end, a little later. */
static inline void check_pumps(pid_t pid, int n)
{
	CHECK(wait_until(pumps_are, &(struct pumps){ pid, n }, SOON_MS));
}

/* What the keeper had before; what it has must become the same. */
struct resources {
	pid_t pid;
	int fds, pumps;
};

static inline struct resources look_at_resources(void)
{
	pid_t pid = keeper_pid();

	return (struct resources){ .pid = pid,
				   .fds = case_is_inprocess() ? 0 : count_fds_of(pid),
				   .pumps = threads_named(pid, "vdestack-pump") };
}

static inline struct resources resources_now(void)
{
	await_rest(keeper_pid());
	return look_at_resources();
}

static inline bool resources_are_back(void *arg)
{
	const struct resources *before = arg;
	struct resources now = look_at_resources();

	return now.pumps <= before->pumps && now.fds <= before->fds;
}

static inline void check_resources(struct resources *before)
{
	if (!wait_until(resources_are_back, before, SOON_MS)) {
		struct resources now = look_at_resources();
		FAIL("%d descriptors were %d, %d pump threads were %d", now.fds, before->fds, now.pumps,
		     before->pumps);
	}
}

/* A datagram socket at an address of the stack, and where it is. */
struct mailbox {
	int fd;
	struct sockaddr_storage at;
	socklen_t len;
};

static inline struct mailbox mailbox_in(struct vdestack *s, const char *addr)
{
	struct mailbox m = { .len = sizeof(m.at) };

	m.fd = socket_in(s, strchr(addr, ':') != NULL ? AF_INET6 : AF_INET, SOCK_DGRAM);
	m.len = address_of(addr, 0, &m.at);
	MUST(bind(m.fd, (struct sockaddr *)&m.at, m.len));
	MUST(getsockname(m.fd, (struct sockaddr *)&m.at, &m.len));
	return m;
}

static inline void mail(const struct mailbox *from, const struct mailbox *to, int value)
{
	const struct sockaddr *at = (const struct sockaddr *)&to->at;

	MUST(sendto(from->fd, &value, sizeof(value), MSG_NOSIGNAL, at, to->len));
}

/* The next value there within the time; -1: none came. */
static inline int mail_within(const struct mailbox *m, int ms)
{
	int value = -1;

	if (wait_readable(m->fd, ms))
		CHECK_EQ(recv(m->fd, &value, sizeof(value), 0), (ssize_t)sizeof(value));
	return value;
}

/* Sends until something arrives. */
static inline void check_mail(const struct mailbox *from, const struct mailbox *to)
{
	for (int i = 0; i < 200; i++) {
		mail(from, to, 7);
		if (mail_within(to, 100) == 7)
			break;
		CHECK(i < 199);
	}
	while (mail_within(to, 0) >= 0)
		;
}

/*
 * Nothing passes. A mark that takes another way would overtake what is on its way, so the sender's own
 * counters tell when the frames have left it; then nothing may come for a moment.
 */
static inline void check_no_mail(const struct mailbox *from, const struct mailbox *to)
{
	int value;

	for (int i = 0; i < 20; i++)
		mail(from, to, 9);
	while ((value = mail_within(to, 150)) >= 0)
		CHECK_EQ(value, 7); /* late, of a check_mail() that sent several */
}

#endif
