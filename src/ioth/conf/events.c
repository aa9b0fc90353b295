/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "events.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MIN_MS 5
#define PAUSE_MAX_MS 80
#define EVENTS_MS 1000

int64_t vs_events_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* No events come of an interface for which the stack takes no words. */
void vs_events_open(struct vs_events *events, const struct vs_target *t)
{
	bool tells = t->functions->events != NULL && vs_target_takes_words(t);

	events->fd = tells ? t->functions->events(t->data) : -1;
	events->pause_ms = PAUSE_MIN_MS;
}

void vs_events_close(struct vs_events *events)
{
	int err = errno;

	if (events->fd >= 0)
		(void)close(events->fd);
	events->fd = -1;
	errno = err;
}

/* Reads all that is there. At end of file the descriptor tells nothing any more. */
static void drain(struct vs_events *events)
{
	char records[4096];
	ssize_t n;

	do
		n = read(events->fd, records, sizeof(records));
	while (n > 0);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		vs_events_close(events);
}

void vs_events_wait(struct vs_events *events, int64_t most_ms)
{
	struct pollfd fd = { .fd = events->fd, .events = POLLIN }; /* -1: only the time counts */
	int64_t ms = events->fd >= 0 ? EVENTS_MS : events->pause_ms;

	if (events->pause_ms < PAUSE_MAX_MS)
		events->pause_ms *= 2;
	if (ms > most_ms)
		ms = most_ms;
	if (ms > 0 && poll(&fd, 1, (int)ms) > 0)
		drain(events);
}
