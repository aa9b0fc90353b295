/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times of events, if program and keeper are in different time namespaces. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <time.h>

#include "stacks.h"
#include <vdestack/events.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* ------------------------------------------------------------------ helpers */

static int64_t now_ns(void)
{
	struct timespec ts;

	MUST(clock_gettime(CLOCK_MONOTONIC, &ts));
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Processes started from now on have this clock offset. */
static void shift_children(const char *offset)
{
	if (access("/proc/self/ns/time", F_OK) < 0)
		SKIP("the kernel has no time namespaces");
	MUST(unshare(case_is_root() ? CLONE_NEWTIME : CLONE_NEWTIME | CLONE_NEWUSER));
	int fd = (int)MUST(open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC));
	CHECK_EQ(write(fd, offset, strlen(offset)), strlen(offset));
	close(fd);
}

static struct vdestack_event next_event(int events, uint32_t type)
{
	struct vdestack_event e;

	do {
		CHECK_EQ(vdestack_event_read(events, &e, SOON_MS), 1);
	} while (e.type != type);
	return e;
}

/* ------------------------------------------------------------------ a child elsewhere */

struct elsewhere {
	struct vdestack *stack;
	const char *offset;
	int64_t shift_s;
	int64_t parents_ns;
	int ready[2], cut[2]; /* pipes: from the child, to the child */
};

static void watches(void *arg)
{
	struct elsewhere *e = arg;
	char byte = 0;
	int events = (int)MUST(vdestack_events(e->stack));
	int64_t before = now_ns();

	CHECK(llabs((before - e->parents_ns) / 1000000000 - e->shift_s) < 60); /* it is elsewhere */
	CHECK_EQ(write(e->ready[1], &byte, 1), 1);
	CHECK_EQ(read(e->cut[0], &byte, 1), 1);
	struct vdestack_event cut = next_event(events, VDESTACK_EVENT_CARRIER_CUT);
	CHECK(cut.time_ns >= before);
	CHECK(cut.time_ns <= now_ns());
}

static void moves_its_child(void *arg)
{
	struct elsewhere *e = arg;

	shift_children(e->offset);
	in_child(watches, e);
}

static void *moves_in_thread(void *arg)
{
	in_child(moves_its_child, arg);
	return NULL;
}

static void watch_elsewhere(const char *offset, int64_t shift_s)
{
	struct elsewhere e = { .offset = offset, .shift_s = shift_s, .parents_ns = now_ns() };

	e.stack = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	int events = (int)MUST(vdestack_events(e.stack));
	int64_t before = now_ns();
	pthread_t waits;
	char byte = 0;

	MUST(pipe2(e.ready, O_CLOEXEC));
	MUST(pipe2(e.cut, O_CLOEXEC));
	CHECK_EQ(pthread_create(&waits, NULL, moves_in_thread, &e), 0);
	CHECK(wait_readable(e.ready[0], SOON_MS));
	MUST(vdestack_link_set_carrier(e.stack, "vde0", 0));
	CHECK_EQ(write(e.cut[1], &byte, 1), 1);
	CHECK_EQ(pthread_join(waits, NULL), 0);
	/* The parent still gets times of its own clock. */
	struct vdestack_event cut = next_event(events, VDESTACK_EVENT_CARRIER_CUT);
	CHECK(cut.time_ns >= before);
	CHECK(cut.time_ns <= now_ns());
}

CASE_BOTH(a_child_whose_clock_is_ahead_gets_event_times_of_its_own_clock)
{
	watch_elsewhere("monotonic 500000 250000000\n", 500000);
}

CASE_BOTH(a_child_whose_clock_is_behind_gets_event_times_of_its_own_clock)
{
	char offset[64];
	int64_t shift = now_ns() / 1000000000 / 2; /* the clock must not be negative */

	(void)snprintf(offset, sizeof(offset), "monotonic -%lld 0\n", (long long)shift);
	watch_elsewhere(offset, -shift);
}

/* ------------------------------------------------------------------ a keeper elsewhere */

CASE_ROOT(a_program_whose_keeper_has_another_clock_gets_event_times_of_its_own_clock)
{
	shift_children("monotonic 500000 0\n");
	struct vdestack *stack = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	int events = (int)MUST(vdestack_events(stack));
	int64_t before = now_ns();

	MUST(vdestack_link_set_carrier(stack, "vde0", 0));
	struct vdestack_event cut = next_event(events, VDESTACK_EVENT_CARRIER_CUT);
	CHECK(cut.time_ns >= before);
	CHECK(cut.time_ns <= now_ns());
}
