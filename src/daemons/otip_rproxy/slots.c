/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "slots.h"

struct rp_slots rp_slots_at(int64_t now_s, const struct rp_period *p)
{
	struct rp_slots s = { .next_s = INT64_MAX };

	if (p->period_s == 0)
		return s;
	if (now_s < 0)
		now_s = 0;
	s.last = (now_s + p->preactive_s) / p->period_s;
	s.first = now_s < p->postactive_s ? 0 : (now_s - p->postactive_s) / p->period_s;
	int64_t begins = (s.last + 1) * p->period_s - p->preactive_s;
	int64_t ends = (s.first + 1) * p->period_s + p->postactive_s;
	s.next_s = begins < ends ? begins : ends;
	return s;
}

int64_t rp_slots_most(const struct rp_period *p)
{
	if (p->period_s == 0)
		return 1;
	return (p->period_s + p->preactive_s + p->postactive_s - 1) / p->period_s + 1;
}
