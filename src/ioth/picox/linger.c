/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The end of the stack. Bytes of a socket that the program has closed are in two places: in its socketpair,
 * until the events of a later turn are handled, and in the queues of lwIP. So the first look is one turn
 * later, and both are counted. A connection whose bytes could not be sent ends with a reset: the other side
 * must not wait for them forever.
 */

#include "linger.h"

#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <stddef.h>

#include "loop.h"
#include "socket.h"

/* Without progress. A lost segment is sent again after 3 s, and then after 6 s more. */
#define STUCK_MS 12000
#define STUCK_END_MS 1000
#define LONGEST_MS 60000
#define AGAIN_MS 20

static bool lingers;
static struct px_later next;
static uint32_t began, moved; /* ms, of sys_now() */
static uint32_t progress;

static void stop(struct px_later *later)
{
	(void)later;
	px_loop_stop();
}

/* The last segments have left, also those that a thread sends. */
static void stop_now(void *arg)
{
	(void)arg;
	px_later(&next, stop);
}

/* Something has been sent, acknowledged or finished since the last look. */
static bool is_over(void)
{
	uint32_t acked, now = sys_now();
	unsigned unfinished = px_socket_unfinished();
	enum px_unsent unsent = px_tcp_unsent(&acked);
	uint32_t stuck = unsent == PX_DATA_UNSENT || unfinished > 0 ? STUCK_MS : STUCK_END_MS;

	if (acked + unfinished != progress)
		moved = now;
	progress = acked + unfinished;
	if (unsent == PX_ALL_SENT && unfinished == 0)
		return true;
	return now - moved >= stuck || now - began >= LONGEST_MS;
}

/* By lwIP's timer, in its thread. */
static void look_again(void *arg)
{
	(void)arg;
	if (!is_over())
		sys_timeout(AGAIN_MS, look_again, NULL);
	else if (px_tcp_last_segments() > 0)
		sys_timeout(AGAIN_MS, stop_now, NULL);
	else
		stop_now(NULL);
}

static void look_first(struct px_later *later)
{
	(void)later;
	look_again(NULL);
}

void px_linger_then_stop(void)
{
	if (lingers)
		return;
	lingers = true;
	began = moved = sys_now();
	px_later_again(&next, look_first);
}
