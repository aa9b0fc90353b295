/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counters of keepers, of captures and of wire taps. `vdestack stats` has tests of its own (stats.py). */

#define _GNU_SOURCE
#include <signal.h>

#include "raw.h"
#include "registry.h"
#include "stacks.h"
#include <vdestack/capture.h>
#include <vdestack/conf.h>

#define LAN_A "vnl=inproc://lan ip=10.9.0.1/24"

static struct vdestack_keeper_stats stats_of(struct vdestack *stack)
{
	struct vdestack_keeper_stats s = { .size = sizeof(s) };

	MUST(vdestack_keeper_get_stats(stack, &s));
	CHECK_EQ(s.size, sizeof(s));
	return s;
}

static struct vdestack_link_stats link_of(struct vdestack *stack)
{
	struct vdestack_link_stats s = { .size = sizeof(s) };

	MUST(vdestack_link_get_stats(stack, "vde0", &s));
	return s;
}

/* ------------------------------------------------------------------ what is counted */

CASE_BOTH(the_keeper_counts_requests_sockets_stacks_and_interfaces)
{
	struct vdestack *stack = new_stack(LAN_A);
	struct vdestack_keeper_stats before = stats_of(stack);

	CHECK_EQ(before.stacks, 1);
	CHECK_EQ(before.interfaces, 1);
	CHECK_EQ(before.refused, 0);
	for (int i = 0; i < 10; i++)
		close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0)));
	struct vdestack *other = new_stack("vnl=inproc://lan iface=b vnl=inproc://lan");
	struct vdestack_keeper_stats now = stats_of(other);
	CHECK_EQ(now.stacks, 2);
	CHECK_EQ(now.interfaces, 3);
	CHECK(now.sockets >= before.sockets + 10);
	CHECK(now.requests >= before.requests + 2); /* sockets may be sent ahead, several with one request */
	CHECK(now.uptime_ms >= before.uptime_ms);
	CHECK_EQ(now.pid, stats_of(stack).pid);
	CHECK_EQ(now.refused, 0);
}

static bool has_no_neighbour(void *arg)
{
	struct vdestack_keeper_stats s = stats_of(arg);

	return s.stacks == 1 && s.interfaces == 1;
}

CASE_BOTH(what_is_gone_is_not_counted)
{
	struct vdestack *stack = new_stack(LAN_A);
	struct vdestack *other = new_stack("vnl=inproc://lan iface=b vnl=inproc://lan");

	MUST(vdestack_delete(other));
	CHECK(wait_until(has_no_neighbour, stack, SOON_MS));
}

CASE(threads_descriptors_and_memory_are_those_of_the_keeper)
{
	struct vdestack *stack = new_stack(LAN_A);
	pid_t keeper = the_keeper();

	await_rest(keeper); /* it opens the registry's socket after its first stack */
	struct vdestack_keeper_stats s = stats_of(stack);
	CHECK_EQ(s.pid, keeper);
	CHECK_EQ(s.in_process, 0);
	CHECK(s.threads >= 2 && s.threads < 20);
	CHECK(s.memory_bytes > 100000 && s.memory_bytes < 100000000);
	CHECK(s.descriptors >= 7);
	if (geteuid() == 0) /* that of the call may still be open */
		CHECK(s.descriptors <= (uint64_t)count_fds_of(keeper) + 3);
	for (int i = 0; i < 300; i++)
		(void)stats_of(stack);
	CHECK(stats_of(stack).descriptors <= s.descriptors + 2);
}

/* ------------------------------------------------------------------ who gets them */

CASE(another_program_reads_them_and_a_receiver_apart_does_not)
{
	struct vdestack *stack = new_stack("name=web " LAN_A);

	await_listed(getpid(), 1);
	CHECK(wait_until(is_named, "web", SOON_MS));
	struct vdestack *attached = vdestack_attach(getpid(), "web", NULL);
	CHECK(attached != NULL);
	struct vdestack_keeper_stats s = stats_of(attached);
	CHECK_EQ(s.pid, the_keeper());
	CHECK(s.lookups > 0);
	CHECK_EQ(s.lookups_refused, 0);
	int fd = (int)MUST(vdestack_pass(stack, VDESTACK_PASS_APART));
	struct vdestack *apart = vdestack_receive(fd);
	CHECK(apart != NULL);
	struct vdestack_keeper_stats untouched = { .size = sizeof(untouched), .requests = 77 };
	CHECK_ERRNO(vdestack_keeper_get_stats(apart, &untouched), EPERM);
	CHECK_EQ(untouched.requests, 77);
	CHECK(stats_of(stack).refused >= 1);
}

CASE_BOTH(a_sealed_process_reads_them)
{
	struct vdestack *stack = new_stack(LAN_A);

	MUST(vdestack_seal());
	CHECK_EQ(stats_of(stack).stacks, 1);
}

CASE(bad_arguments_and_dead_stacks_are_refused)
{
	struct {
		struct vdestack_keeper_stats s;
		unsigned char behind[64];
	} larger;
	struct vdestack *stack = new_stack(LAN_A);
	struct vdestack_keeper_stats s = { .size = 0 };

	CHECK_ERRNO(vdestack_keeper_get_stats(stack, &s), EINVAL);
	s.size = sizeof(s.size) - 1;
	CHECK_ERRNO(vdestack_keeper_get_stats(stack, &s), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "has no size");
	/* An older program gets what it knows; a newer one zeros behind that. */
	s.size = offsetof(struct vdestack_keeper_stats, requests);
	s.requests = 77;
	MUST(vdestack_keeper_get_stats(stack, &s));
	CHECK_EQ(s.requests, 77);
	CHECK_EQ(s.pid, the_keeper());
	memset(&larger, 0xff, sizeof(larger));
	larger.s.size = sizeof(larger);
	MUST(vdestack_keeper_get_stats(stack, &larger.s));
	for (size_t i = 0; i < sizeof(larger.behind); i++)
		CHECK_EQ(larger.behind[i], 0);
	s.size = sizeof(s);
	MUST(kill(the_keeper(), SIGKILL));
	CHECK_ERRNO(vdestack_keeper_get_stats(stack, &s), ENETDOWN);
	MUST(vdestack_delete(stack));
	CHECK_ERRNO(vdestack_keeper_get_stats(stack, &s), EINVAL);
}

/* ------------------------------------------------------------------ attacks */

CASE_BOTH(requests_with_too_much_are_answered_and_counted)
{
	static char text[VS_TEXT_MAX];
	struct vdestack *stack = new_stack(LAN_A);
	char answer[VS_TEXT_MAX + 1];
	struct vdestack_keeper_stats s;

	MUST(vdestack_sysctl_set(stack, "ipv4/ip_forward", "0")); /* the key is known after this */
	struct vdestack_keeper_stats before = stats_of(stack);
	memset(text, 0xa5, sizeof(text));
	for (int i = 0; i < 100; i++) {
		struct raw_request r = { .req = { .op = VS_OP_KEEPER_STATS, .arg = { -1, i, INT32_MIN } },
					 .text = text, .text_len = (size_t)i * 80, .no_key = true };
		memset(&r.req.iface, 0xff, sizeof(r.req.iface));
		for (int j = 0; j < i % 4; j++)
			r.fds[r.n_fds++] = STDERR_FILENO;
		CHECK_EQ(raw_call(seen.door, &r, answer), 0);
		memcpy(&s, answer, sizeof(s));
		CHECK_EQ(s.size, sizeof(s));
		CHECK(s.requests > before.requests + (uint64_t)i);
	}
	CHECK(stats_of(stack).descriptors <= before.descriptors + 2);
}

static bool is_refused(void *arg)
{
	const struct vdestack_keeper_stats *before = arg;
	struct raw_request r = { .req = { .op = VS_OP_KEEPER_STATS } };
	struct vdestack_keeper_stats s;
	char answer[VS_TEXT_MAX + 1];

	CHECK_EQ(raw_call(seen.door, &r, answer), 0);
	memcpy(&s, answer, sizeof(s));
	return s.refused >= before->refused + 2 && s.requests >= before->requests + 3;
}

/* One of another version, and one whose reply would go to a socket that the sender has not made. */
CASE(requests_that_are_not_served_are_counted)
{
	struct vdestack *stack = new_stack(LAN_A);
	struct vdestack_keeper_stats before;
	int pipes[2];

	MUST(vdestack_sysctl_set(stack, "ipv4/ip_forward", "0"));
	before = stats_of(stack);
	struct raw_request newer = { .req = { .op = VS_OP_KEEPER_STATS }, .version = VS_WIRE_VERSION + 1 };
	CHECK_EQ(raw_call(seen.door, &newer, NULL), -EPIPE);
	MUST(pipe2(pipes, O_CLOEXEC));
	struct raw_request to_pipe = { .req = { .op = VS_OP_KEEPER_STATS }, .fds = { pipes[1] }, .n_fds = 1 };
	MUST(raw_send(seen.door, &to_pipe));
	CHECK(wait_until(is_refused, &before, SOON_MS));
	struct pollfd nothing = { .fd = pipes[0], .events = POLLIN };
	CHECK_EQ(poll(&nothing, 1, 0), 0);
}

/* ------------------------------------------------------------------ captures and wire taps */

struct expected {
	struct vdestack *stack;
	uint32_t captures, taps;
	uint64_t captured;
};

static bool is_counted(void *arg)
{
	const struct expected *e = arg;
	struct vdestack_link_stats s = link_of(e->stack);

	return s.captures == e->captures && s.taps == e->taps && s.captured >= e->captured;
}

static void await(struct expected e)
{
	struct vdestack_link_stats s;

	if (wait_until(is_counted, &e, SOON_MS))
		return;
	s = link_of(e.stack);
	FAIL("%u captures, %u taps, %llu frames", s.captures, s.taps, (unsigned long long)s.captured);
}

static void check_captures(const char *vnl)
{
	struct vdestack *a = new_stack("vnl=%s ip=10.9.0.1/24", vnl);
	struct vdestack *b = new_stack("vnl=%s ip=10.9.0.2/24", vnl);
	const struct vdestack_capture_opts opts = { .size = sizeof(opts), .path = case_path("file") };
	struct vdestack_capture_stats first = { .size = sizeof(first) }, second = first;

	await((struct expected){ a, 0, 0, 0 });
	int one = (int)MUST(vdestack_capture_start(a, "vde0", &opts));
	int tap = (int)MUST(vdestack_tap_open(a, "vde0", NULL));
	await((struct expected){ a, 1, 1, 0 });
	CHECK_EQ(stats_of(a).captures, 2);
	check_ping(a, "10.9.0.2");
	await((struct expected){ a, 1, 1, 2 });
	MUST(vdestack_capture_stop(one, &first));
	await((struct expected){ a, 0, 1, first.written });
	int two = (int)MUST(vdestack_capture_start(a, "vde0", &opts));
	close(tap);
	await((struct expected){ a, 1, 0, first.written });
	check_ping(a, "10.9.0.2");
	MUST(vdestack_capture_stop(two, &second));
	await((struct expected){ a, 0, 0, first.written + second.written });
	CHECK_EQ(link_of(a).captured, first.written + second.written);
	CHECK_EQ(link_of(a).uncaptured, 0);
	await((struct expected){ b, 0, 0, 0 });
}

CASE_FLAGS(captures_of_a_pump_are_counted_and_stay_counted,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	char vnl[300];

	(void)snprintf(vnl, sizeof(vnl), "ptp://%s", case_path("ptp"));
	check_captures(vnl);
}

CASE_BOTH(captures_of_a_segment_are_counted_and_stay_counted)
{
	check_captures("inproc://lan");
}

/* Nobody reads the pipe: what does not fit is counted. */
CASE(frames_that_a_capture_misses_are_counted)
{
	char vnl[300];
	int ends[2];

	(void)snprintf(vnl, sizeof(vnl), "ptp://%s", case_path("ptp"));
	struct vdestack *a = new_stack("vnl=%s ip=10.9.0.1/24", vnl);
	(void)new_stack("vnl=%s ip=10.9.0.2/24", vnl);
	MUST(pipe2(ends, O_CLOEXEC));
	const struct vdestack_capture_opts opts = { .size = sizeof(opts),
						     .fd = ends[1],
						     .buffer_bytes = 65536 };
	int fd = (int)MUST(vdestack_capture_start(a, "vde0", &opts));
	struct sockaddr_in sa = address("10.9.0.2", 9);
	int s = (int)MUST(vdestack_msocket(a, AF_INET, SOCK_DGRAM, 0));
	static char payload[1400];
	int64_t end = now_us() + SOON_MS * 1000;
	while (link_of(a).uncaptured == 0 && now_us() < end)
		for (int i = 0; i < 1000; i++) /* what does not fit anywhere is lost before */
			(void)sendto(s, payload, sizeof(payload), MSG_DONTWAIT, (struct sockaddr *)&sa,
				     sizeof(sa));
	struct vdestack_capture_stats c = { .size = sizeof(c) };
	MUST(vdestack_capture_get_stats(fd, &c));
	CHECK(c.dropped > 0);
	CHECK(link_of(a).uncaptured > 0);
	close(fd);
}
