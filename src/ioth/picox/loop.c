/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Frames and events come in batches: a turn handles all events, then what they have put off until the end of
 * the turn (filled queues are sent, dead sockets are freed). When a timer of lwIP puts something off, the
 * loop is woken for a turn of its own.
 *
 * What asks for another turn in the middle of one may find the wake-up of an earlier request among the events
 * of this turn: reading that takes both. So a turn that leaves such requests does not wait for events.
 */

#include "loop.h"

#include <errno.h>
#include <lwip/tcpip.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"

#define EVENTS 64

static int epoll_fd = -1;
static struct px_watch wake = { .fd = -1 };
static pthread_t loop_thread;
static struct px_later *first, **last = &first; /* with the lock */
static struct px_later *again;                  /* for the next turn; with the lock */
static bool stopped;                            /* the loop's thread only */

static void woken(struct px_watch *watch, uint32_t events)
{
	uint64_t count;

	(void)events;
	(void)!read(watch->fd, &count, sizeof(count));
}

int px_loop_start(void)
{
	loop_thread = pthread_self();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	wake.ready = woken;
	if (epoll_fd < 0 || wake.fd < 0)
		return -errno;
	return px_loop_add(&wake, EPOLLIN);
}

static int control(int op, struct px_watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(epoll_fd, op, watch->fd, &event) < 0 ? -errno : 0;
}

int px_loop_add(struct px_watch *watch, uint32_t events)
{
	return control(EPOLL_CTL_ADD, watch, events);
}

int px_loop_change(struct px_watch *watch, uint32_t events)
{
	return control(EPOLL_CTL_MOD, watch, events);
}

void px_loop_remove(struct px_watch *watch)
{
	(void)control(EPOLL_CTL_DEL, watch, 0);
}

void px_later(struct px_later *later, void (*run)(struct px_later *later))
{
	const uint64_t one = 1;

	later->run = run;
	if (later->waits)
		return;
	later->waits = true;
	later->next = NULL;
	*last = later;
	last = &later->next;
	if (!pthread_equal(pthread_self(), loop_thread))
		(void)!write(wake.fd, &one, sizeof(one)); /* fails when it is awake for long */
}

void px_later_cancel(struct px_later *later)
{
	if (!later->waits)
		return;
	for (struct px_later **at = &first; *at != NULL; at = &(*at)->next) {
		if (*at != later)
			continue;
		*at = later->next;
		if (last == &later->next)
			last = at;
		break;
	}
	for (struct px_later **at = &again; *at != NULL; at = &(*at)->next) {
		if (*at != later)
			continue;
		*at = later->next;
		break;
	}
	later->waits = false;
}

void px_later_again(struct px_later *later, void (*run)(struct px_later *later))
{
	const uint64_t one = 1;

	later->run = run;
	if (later->waits)
		return;
	later->waits = true;
	later->next = again;
	again = later;
	(void)!write(wake.fd, &one, sizeof(one));
}

/* What asked for another turn before this one. */
static void start_again(void)
{
	struct px_later *list = again;

	again = NULL;
	while (list != NULL) {
		struct px_later *next = list->next;
		list->waits = false;
		px_later(list, list->run);
		list = next;
	}
}

static void run_later(void)
{
	while (first != NULL) {
		struct px_later *later = first;
		first = later->next;
		if (first == NULL)
			last = &first;
		later->waits = false;
		later->run(later);
	}
}

void px_loop_stop(void)
{
	stopped = true;
}

void px_loop_run(void)
{
	struct epoll_event events[EVENTS];
	bool more = false; /* for the next turn, of which no event may be left */

	while (!stopped) {
		int n = epoll_wait(epoll_fd, events, EVENTS, more ? 0 : -1);
		LOCK_TCPIP_CORE();
		start_again();
		for (int i = 0; i < n; i++) {
			struct px_watch *watch = events[i].data.ptr;
			watch->ready(watch, events[i].events);
		}
		run_later();
		more = again != NULL;
		UNLOCK_TCPIP_CORE();
	}
}
