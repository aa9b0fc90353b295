/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One timer serves all interfaces without a network. Attempts are apart as base/backoff.h says; a network
 * that opens and dies without a frame counts as one that has failed. While one goes on, the interface may be
 * removed, so it is known by its serial number.
 */

#include "regain.h"

#include <limits.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "iface.h"
#include "opener.h"
#include "pump/link.h"

static struct px_watch timer = { .fd = -1 };

static void set_timer(void)
{
	int64_t next = INT64_MAX;
	struct itimerspec at = { 0 };

	for (const struct px_iface *i = px_iface_first(); i != NULL; i = i->next)
		if (i->state == PX_LOST && i->due_ms < next)
			next = i->due_ms;
	if (next != INT64_MAX) {
		at.it_value.tv_sec = next / 1000;
		at.it_value.tv_nsec = next % 1000 * 1000000 + 1;
	}
	(void)timerfd_settime(timer.fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void plan(struct px_iface *iface)
{
	uint32_t random = 0;

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK); /* without it, all wait for the same time */
	iface->state = PX_LOST;
	iface->due_ms = vs_now_ms() + vs_backoff_ms(iface->attempts++, random);
}

static void tick(struct px_watch *watch, uint32_t events)
{
	uint64_t count;

	(void)events;
	(void)!read(watch->fd, &count, sizeof(count));
	for (struct px_iface *i = px_iface_first(); i != NULL; i = i->next) {
		if (i->state != PX_LOST || i->due_ms > vs_now_ms())
			continue;
		i->state = PX_REOPENS;
		if (px_opener_again(i->vnl, i->serial) < 0)
			plan(i);
	}
	set_timer();
}

/* Without a timer there is no way back; it is tried again when the next network goes. */
static bool has_timer(void)
{
	if (timer.fd >= 0)
		return true;
	timer = (struct px_watch){ timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), tick };
	if (timer.fd >= 0 && px_loop_add(&timer, EPOLLIN) < 0) {
		vs_close(timer.fd);
		timer.fd = -1;
	}
	return timer.fd >= 0;
}

void px_regain(struct px_iface *iface)
{
	plan(iface);
	if (has_timer())
		set_timer();
}

void px_regain_opened(uint64_t serial, int result, struct vs_link *link)
{
	struct px_iface *iface = px_iface_first();

	while (iface != NULL && iface->serial != serial)
		iface = iface->next;
	if (iface == NULL) {
		vs_link_close(link);
		return;
	}
	if (result < 0 || px_iface_connect(iface, link) < 0)
		px_regain(iface);
}
