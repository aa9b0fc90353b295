/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pacing of what does not pace itself.
 *
 * A switch or hub reads what we send as soon as it can and passes it on without waiting. Its
 * way to each receiver has room for some ninety full frames; what comes when that is full it
 * drops, and tells nobody. A burst of datagrams that we hand over at once is forwarded in one
 * go, in which the receiver, on a machine with few processors, does not get to run at all. So after
 * a run of frames there is a rest: until the switch has read them, and then for as long as
 * that took, which is the receiver's turn. The pace follows the speed of the machine by itself.
 *
 *     sending ──a run is full──▶ draining ──switch has read all──▶ receivers' turn ──▶ sending
 *                                  │  ▲
 *                                  └──┘ not yet: a short rest, bounded
 *
 * TCP is not paced: it takes a loss as the news it is, and the rests would only cost throughput.
 *
 * A run is a third of the room, because a second sender may use the switch too, and because a
 * frame is counted there with twice its bytes and more.
 */

#include "pace.h"

#define RUN_FRAMES 32
#define LOOK_NS 40000          /* between looks whether the switch has read all */
#define DRAIN_MAX_NS 2000000   /* a switch that does not read stops us by its full queue, not by this */
#define LATE_NS 1000000
#define FORGET_NS 1000000      /* a run that goes on so slowly is none */

unsigned vs_pace_allows(const struct vs_pace *p, int64_t now_ns)
{
	return vs_pace_rests(p, now_ns) ? 0 : RUN_FRAMES - p->run;
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
	p->asked_ns = now_ns;
	p->until_ns = now_ns + LOOK_NS;
}

void vs_pace_look(struct vs_pace *p, long unread, int64_t now_ns)
{
	if (!p->draining || now_ns < p->until_ns)
		return;
	if (unread > 0 && now_ns - p->asked_ns < DRAIN_MAX_NS) {
		p->until_ns = now_ns + LOOK_NS;
		return;
	}
	p->draining = false;
	p->run = 0;
	/* A look that comes late was waited for by no frame, and everybody has had their turn. */
	if (now_ns - p->until_ns < LATE_NS)
		p->until_ns = now_ns + (now_ns - p->asked_ns);
}

bool vs_pace_rests(const struct vs_pace *p, int64_t now_ns)
{
	return p->draining || p->until_ns > now_ns;
}

int64_t vs_pace_rest_ns(const struct vs_pace *p, int64_t now_ns)
{
	return p->until_ns > now_ns ? p->until_ns - now_ns : 0;
}
