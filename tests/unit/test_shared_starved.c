/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pumps that share a thread, when something runs out: epoll watches, threads. The other pumps of that
 * thread go on.
 */

#include <sys/epoll.h>

#include "shared_bench.h"

static atomic_bool no_watch; /* no descriptor can be added to an epoll set */

int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	if (no_watch && op == EPOLL_CTL_ADD) {
		errno = ENOSPC;
		return -1;
	}
	return __real_epoll_ctl(epoll, op, fd, event);
}

/* ------------------------------------------------------------------ epoll watches */

static void a_pump_that_a_shared_thread_cannot_wait_for_gets_a_thread_of_its_own(void **state)
{
	struct one *other = start_pump();

	(void)state;
	frames_pass(other);
	no_watch = true;
	struct one *p = start_pump();
	for (int i = 0; i < 2; i++) { /* not busy */
		frames_pass(p);
		frames_pass(other);
	}
	assert_int_equal(threads(), threads_before + 2);
	assert_int_equal(vs_shared_threads(shared), 1);
	no_watch = false;
	assert_true(happens(one_thread)); /* it comes back */
	frames_pass(p);
	frames_pass(other);
	assert_int_equal(p->died, 0);
	assert_int_equal(other->died, 0);
}

static bool second_has_ended(void)
{
	return all[1].ended == 1;
}

static void without_that_thread_too_its_link_alone_is_given_up(void **state)
{
	struct one *other = start_pump();

	(void)state;
	frames_pass(other);
	no_watch = true;
	starts_left = 0;
	struct one *p = start_pump();
	assert_true(happens(second_has_ended));
	assert_int_equal(p->died, 1);
	no_watch = false;
	for (int i = 0; i < 20; i++)
		frames_pass(other);
	assert_int_equal(other->died, 0);
}

static const struct CMUnitTest tests[] = {
	CASE_OF(a_pump_that_a_shared_thread_cannot_wait_for_gets_a_thread_of_its_own),
	CASE_OF(without_that_thread_too_its_link_alone_is_given_up),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
