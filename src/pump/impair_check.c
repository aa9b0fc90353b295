/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which settings can be used. The bounds keep all sums of times far from the end of 64 bits. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "impair.h"

#define HOUR_NS 3600000000000
#define RATE_MAX 1000000000000 /* bit/s */

static const struct {
	size_t at;
	const char *why;
} probabilities[] = {
#define PROBABILITY(field) { offsetof(struct vdestack_impairment, field), #field " is not from 0 to 1" }
	PROBABILITY(loss),	PROBABILITY(burst_enter), PROBABILITY(burst_leave),   PROBABILITY(burst_loss),
	PROBABILITY(burst_base), PROBABILITY(reorder),	  PROBABILITY(duplicate), PROBABILITY(corrupt),
	PROBABILITY(corrupt_valid),
};

static int refuse(const char **why, const char *text)
{
	*why = text;
	return -EINVAL;
}

static int check_times(const struct vdestack_impairment *s, const char **why)
{
	if (s->delay_ns > HOUR_NS)
		return refuse(why, "delay_ns is longer than an hour");
	if (s->jitter_ns > HOUR_NS)
		return refuse(why, "jitter_ns is longer than an hour");
	if (s->distribution > VDESTACK_PARETO)
		return refuse(why, "distribution is unknown");
	if (s->codel_target_ns > HOUR_NS)
		return refuse(why, "codel_target_ns is longer than an hour");
	if (s->codel_interval_ns > HOUR_NS)
		return refuse(why, "codel_interval_ns is longer than an hour");
	return 0;
}

static int check_probabilities(const struct vdestack_impairment *s, const char **why)
{
	for (size_t i = 0; i < sizeof(probabilities) / sizeof(probabilities[0]); i++) {
		double p;
		memcpy(&p, (const char *)s + probabilities[i].at, sizeof(p));
		if (!(p >= 0 && p <= 1)) /* true for NaN, too */
			return refuse(why, probabilities[i].why);
	}
	return 0;
}

int vs_impair_check(const struct vdestack_impairment *settings, const char **why)
{
	if (settings->size != sizeof(*settings))
		return refuse(why, "size is not that of struct vdestack_impairment");
	if (settings->rate > RATE_MAX)
		return refuse(why, "rate is above 1000 Gbit/s");
	if (settings->queue > VDESTACK_CODEL)
		return refuse(why, "queue is unknown");
	int r = check_probabilities(settings, why);
	return r < 0 ? r : check_times(settings, why);
}
