/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pacing of frames whose sender does not pace itself.
 *
 * A switch or hub reads a frame as soon as it can and passes it on without waiting. Its socket to each
 * receiver has room for about ninety full frames. When that is full, it drops the frame and does not
 * report it. On a machine with few processors, a burst of datagrams is forwarded before the receiver runs
 * at all. So a pause follows each run of frames:
 *
 *     sending ──run is full──▶ draining ──switch has read all──▶ receivers' turn ──▶ sending
 *                                │  ▲
 *                                └──┘ not yet: a short pause, bounded
 *
 * The receivers' turn lasts as long as draining took. So the pace follows the speed of the machine.
 *
 * TCP is not paced: it learns its pace from losses, and pauses would cost throughput.
 *
 * A run is a third of the room. A second sender may use the switch, too, and the kernel counts a frame
 * there with more than twice its bytes.
 */

#include "pace.h"

#define RUN_FRAMES 32
#define CHECK_NS 40000         /* between checks whether the switch has read all */
#define DRAIN_MAX_NS 2000000   /* then a switch that does not read is left to its full queue */
#define LATE_NS 1000000
#define FORGET_NS 1000000      /* frames further apart than this are no run */

unsigned vs_pace_allows(const struct vs_pace *p, int64_t now_ns)
{
	return vs_pace_pauses(p, now_ns) ? 0 : RUN_FRAMES - p->run;
}

void vs_pace_sent(struct vs_pace *p, unsigned n, int64_t now_ns)
{
	if (now_ns - p->sent_ns > FORGET_NS)
		p->run = 0;
	p->run += n;
	p->sent_ns = now_ns;
	if (p->run < RUN_FRAMES)
		return;
	p->draining = true;
	p->full_ns = now_ns;
	p->until_ns = now_ns + CHECK_NS;
}

void vs_pace_check(struct vs_pace *p, long unread, int64_t now_ns)
{
	if (!p->draining || now_ns < p->until_ns)
		return;
	if (unread > 0 && now_ns - p->full_ns < DRAIN_MAX_NS) {
		p->until_ns = now_ns + CHECK_NS;
		return;
	}
	p->draining = false;
	p->run = 0;
	/* A late check: no frame has waited for it, and receivers have already run. Skip their turn. */
	if (now_ns - p->until_ns < LATE_NS)
		p->until_ns = now_ns + (now_ns - p->full_ns);
}

bool vs_pace_pauses(const struct vs_pace *p, int64_t now_ns)
{
	return p->draining || p->until_ns > now_ns;
}

int64_t vs_pace_pause_ns(const struct vs_pace *p, int64_t now_ns)
{
	return p->until_ns > now_ns ? p->until_ns - now_ns : 0;
}
