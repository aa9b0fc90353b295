/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_CAPTURE_NET_H
#define VDESTACK_TESTS_CAPTURE_NET_H

/* Captures of an interface of a stack, and frames for them. */

#include <errno.h>

#include "capture_files.h"
#include "net.h"
#include "stacks.h"
#include <vdestack/capture.h>

/* ptp:// is libvdeplug's, too. */
#define KINDS (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_TUN | CASE_F_VDE)

/* How many lines begin with that text. */
__attribute__((unused)) static int count_lines(const char *text, const char *begin)
{
	int n = 0;

	for (const char *at = text; at != NULL; at = strchr(at, '\n') != NULL ? strchr(at, '\n') + 1 : NULL)
		n += strncmp(at, begin, strlen(begin)) == 0;
	return n;
}

__attribute__((unused)) static int capture(struct vdestack *stack, struct vdestack_capture_opts opts)
{
	opts.size = sizeof(opts);
	int fd = vdestack_capture_start(stack, "vde0", &opts);

	if (fd < 0)
		FAIL("no capture: %s", vdestack_last_error());
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	return fd;
}

__attribute__((unused)) static struct vdestack_capture_stats stats_of(int fd)
{
	struct vdestack_capture_stats s = { .size = sizeof(s) };

	MUST(vdestack_capture_get_stats(fd, &s));
	return s;
}

__attribute__((unused)) static struct vdestack_capture_stats stop(int fd)
{
	struct vdestack_capture_stats s = { .size = sizeof(s) };

	MUST(vdestack_capture_stop(fd, &s));
	CHECK_EQ(s.ended, 1);
	return s;
}

__attribute__((unused)) static struct pair pair_on(const char *locator)
{
	return (struct pair){ new_stack("name=left vnl=%s ip=10.9.0.1/24", locator),
			      new_stack("name=right vnl=%s ip=10.9.0.2/24", locator) };
}

/* Datagrams of so many bytes of payload, to a port where nobody listens to the reader. */
__attribute__((unused)) static void send_many(struct vdestack *from, const char *to, int n, size_t bytes)
{
	static char payload[65000];
	struct sockaddr_in sa = address(to, 9);
	int s = (int)MUST(vdestack_msocket(from, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	for (int i = 0; i < n; i++) /* ECONNREFUSED: an answer to one before */
		CHECK(sendto(s, payload, bytes, 0, (struct sockaddr *)&sa, sizeof(sa)) >= 0 ||
		      errno == ECONNREFUSED);
	close(s);
}

struct expected {
	int fd;
	uint64_t seen;
};

__attribute__((unused)) static bool has_seen(void *arg)
{
	const struct expected *e = arg;

	return stats_of(e->fd).seen >= e->seen;
}

__attribute__((unused)) static void await_seen(int fd, uint64_t n)
{
	struct expected e = { fd, n };

	if (!wait_until(has_seen, &e, SOON_MS))
		FAIL("%llu frames have been seen", (unsigned long long)stats_of(fd).seen);
}

__attribute__((unused)) static bool is_complete(void *arg)
{
	char command[512];

	(void)snprintf(command, sizeof(command), "python3 -B %s %s 2>&1 | grep -q complete=1", PCAPNG_READER,
		       (const char *)arg);
	return system(command) == 0;
}

__attribute__((unused)) static bool has_ended(void *arg)
{
	return stats_of(*(int *)arg).ended != 0;
}

#endif
