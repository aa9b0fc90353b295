/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The loop of the stack in user space: what is put off to a later turn is done without any further event. */

#include "unit.h"

#include <lwip/tcpip.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop.h"

#define LIMIT_S 20

static struct px_later again, other;
static struct px_watch first = { .fd = -1 };
static unsigned turns;

static void stop(struct px_later *later)
{
	(void)later;
	px_loop_stop();
}

static void nothing(struct px_later *later)
{
	(void)later;
}

static void take(struct px_watch *watch)
{
	eventfd_t count;

	assert_int_equal(eventfd_read(watch->fd, &count), 0);
}

static void ask_for_another_turn(struct px_watch *watch, uint32_t events)
{
	(void)events;
	take(watch);
	px_later_again(&again, stop);
}

/* As a timer of lwIP. */
static void *put_off_in_another_thread(void *arg)
{
	LOCK_TCPIP_CORE();
	px_later(&other, nothing);
	UNLOCK_TCPIP_CORE();
	return arg;
}

static void run_in_another_thread(void)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, put_off_in_another_thread, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void prepare(void (*ready)(struct px_watch *watch, uint32_t events))
{
	alarm(LIMIT_S); /* a loop that waits for ever */
	tcpip_init(NULL, NULL);
	assert_int_equal(px_loop_start(), 0);
	first = (struct px_watch){ .fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), .ready = ready };
	assert_int_equal(px_loop_add(&first, EPOLLIN), 0);
}

/* In one turn: an event whose handler asks for another turn, and behind it an earlier wake-up. */
static void a_wake_up_behind_a_request_for_another_turn_does_not_lose_it(void **state)
{
	(void)state;
	prepare(ask_for_another_turn);
	run_in_another_thread();
	px_loop_run();
	assert_false(again.waits);
}

static void count_turn(struct px_later *later)
{
	if (++turns < 10)
		px_later_again(later, count_turn);
	else
		px_loop_stop();
}

static void start_to_count(struct px_watch *watch, uint32_t events)
{
	(void)events;
	take(watch);
	px_later_again(&again, count_turn);
}

static void each_request_gets_one_turn(void **state)
{
	(void)state;
	prepare(start_to_count);
	px_loop_run();
	assert_int_equal(turns, 10);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_wake_up_behind_a_request_for_another_turn_does_not_lose_it),
	cmocka_unit_test(each_request_gets_one_turn),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
