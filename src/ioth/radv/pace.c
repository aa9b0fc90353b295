/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pace.h"

#include <string.h>

/* RFC 4861 section 10. */
#define FIRST_ONES 3
#define FIRST_INTERVAL_MS 16000
#define APART_MS 3000
#define ANSWER_MS 500

#define AGAIN_MS 500 /* after a failure */

/* A number from 0 to most. */
static int64_t up_to(int64_t most, uint32_t chance)
{
	return (int64_t)((uint64_t)(most + 1) * chance >> 32);
}

/* Not too soon after the last one to all. */
static int64_t not_before(const struct radv_pace *p, int64_t at)
{
	return p->last != -RADV_NEVER && at < p->last + APART_MS ? p->last + APART_MS : at;
}

void radv_pace_begin(struct radv_pace *p, unsigned min_s, unsigned max_s, int64_t now)
{
	bool again = p->credited != 0;

	p->max_ms = (int64_t)max_s * 1000;
	p->min_ms = min_s > 0 ? (int64_t)min_s * 1000 : max_s < 9 ? p->max_ms * 3 / 4 : p->max_ms / 3;
	if (!again) {
		p->last = -RADV_NEVER;
		p->credit_ms = (int64_t)RADV_UNICAST_BURST * RADV_UNICAST_MS;
		p->credited = now;
	}
	p->first_ones = max_s > 0 ? FIRST_ONES : 0;
	/* A server that only answers still says that its settings have changed. */
	p->next = max_s > 0 || again ? not_before(p, now) : RADV_NEVER;
}

static void answer_to_all(struct radv_pace *p, int64_t at)
{
	at = not_before(p, at);
	if (at < p->next)
		p->next = at;
}

static bool waits(const struct radv_pace *p, const struct radv_host *host)
{
	for (unsigned i = 0; i < p->n_waiting; i++)
		if (memcmp(&p->waiting[i].host.addr, &host->addr, sizeof(host->addr)) == 0)
			return true;
	return false;
}

static bool take_credit(struct radv_pace *p, int64_t now)
{
	int64_t most = (int64_t)RADV_UNICAST_BURST * RADV_UNICAST_MS;

	p->credit_ms += now - p->credited;
	p->credited = now;
	if (p->credit_ms > most)
		p->credit_ms = most;
	if (p->credit_ms < RADV_UNICAST_MS)
		return false;
	p->credit_ms -= RADV_UNICAST_MS;
	return true;
}

void radv_pace_solicited(struct radv_pace *p, const struct radv_host *host, int64_t now, uint32_t chance)
{
	int64_t at = now + up_to(ANSWER_MS, chance);

	/* A host with "::" cannot be sent to. One with another address might see the wrong source. */
	if (!IN6_IS_ADDR_LINKLOCAL(&host->addr)) {
		answer_to_all(p, at);
	} else if (!waits(p, host)) {
		if (p->n_waiting == RADV_WAITING_MAX || !take_credit(p, now)) {
			answer_to_all(p, at);
			return;
		}
		p->waiting[p->n_waiting].at = at;
		p->waiting[p->n_waiting++].host = *host;
	}
}

int64_t radv_pace_next(const struct radv_pace *p)
{
	int64_t next = p->next;

	for (unsigned i = 0; i < p->n_waiting; i++)
		if (p->waiting[i].at < next)
			next = p->waiting[i].at;
	return next;
}

enum radv_due radv_pace_due(struct radv_pace *p, int64_t now, struct radv_host *host)
{
	if (p->next <= now)
		return RADV_TO_ALL;
	for (unsigned i = 0; i < p->n_waiting; i++)
		if (p->waiting[i].at <= now) {
			*host = p->waiting[i].host;
			p->waiting[i] = p->waiting[--p->n_waiting];
			return RADV_TO_ONE;
		}
	return RADV_NOTHING;
}

void radv_pace_sent(struct radv_pace *p, bool sent, int64_t now, uint32_t chance)
{
	if (!sent) {
		p->next = now + AGAIN_MS;
		return;
	}
	int64_t interval = p->min_ms + up_to(p->max_ms - p->min_ms, chance);
	if (p->first_ones > 0 && --p->first_ones > 0 && interval > FIRST_INTERVAL_MS)
		interval = FIRST_INTERVAL_MS;
	p->last = now;
	p->next = p->max_ms == 0 ? RADV_NEVER : not_before(p, now + interval);
	p->n_waiting = 0; /* they have it */
}

void radv_pace_lost(struct radv_pace *p, int64_t now)
{
	int64_t at = not_before(p, now + AGAIN_MS);

	if (at < p->next)
		p->next = at;
}
