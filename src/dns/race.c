/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "race.h"

#include <errno.h>
#include <string.h>

/* The attempts of a family: number 0 of the family is this one. */
static unsigned first_of(enum vs_race_family family)
{
	return family == VS_RACE_IP6 ? 0 : VS_RACE_FAMILY_MAX;
}

static enum vs_race_family other(enum vs_race_family family)
{
	return family == VS_RACE_IP6 ? VS_RACE_IP4 : VS_RACE_IP6;
}

static bool has_untried(const struct vs_race *race, enum vs_race_family family)
{
	return race->lists[family].tried < race->lists[family].n;
}

void vs_race_init(struct vs_race *race, bool awaited6, bool awaited4, int64_t deadline)
{
	memset(race, 0, sizeof(*race));
	race->lists[VS_RACE_IP6].awaited = awaited6;
	race->lists[VS_RACE_IP4].awaited = awaited4;
	race->turn = VS_RACE_IP6;
	race->won = -1;
	race->resolution_due = VS_RACE_NEVER;
	race->deadline = deadline;
}

void vs_race_prefer(struct vs_race *race, enum vs_race_family family)
{
	if (!race->begun)
		race->turn = family;
}

void vs_race_answer(struct vs_race *race, int64_t now, enum vs_race_family family,
		    const union vs_race_addr *addrs, size_t n)
{
	struct vs_race_list *list = &race->lists[family];

	if (!list->awaited)
		return;
	list->awaited = false;
	for (; list->n < n && list->n < VS_RACE_FAMILY_MAX; list->n++)
		race->attempts[first_of(family) + list->n].addr = addrs[list->n];
	if (family == VS_RACE_IP4 && list->n > 0 && race->lists[VS_RACE_IP6].awaited)
		race->resolution_due = now + VS_RACE_RESOLUTION_MS;
	if (family == VS_RACE_IP6)
		race->resolution_due = VS_RACE_NEVER;
}

const union vs_race_addr *vs_race_first(const struct vs_race *race, enum vs_race_family family)
{
	return race->lists[family].n > 0 ? &race->attempts[first_of(family)].addr : NULL;
}

/* Whether IPv4 addresses still wait for those of IPv6. Not once an attempt has been started. */
static bool in_resolution_delay(const struct vs_race *race, int64_t now)
{
	return !race->begun && race->lists[VS_RACE_IP6].awaited && race->resolution_due != VS_RACE_NEVER &&
	       now < race->resolution_due && now < race->deadline;
}

static struct vs_race_step start(struct vs_race *race, int64_t now)
{
	enum vs_race_family family = has_untried(race, race->turn) ? race->turn : other(race->turn);
	unsigned number = first_of(family) + race->lists[family].tried++;

	race->attempts[number].state = VS_RACE_RUNNING;
	race->running++;
	race->begun = true;
	race->turn = other(family);
	race->attempt_due = now + VS_RACE_ATTEMPT_MS;
	return (struct vs_race_step){ .action = VS_RACE_START, .number = number };
}

static struct vs_race_step wait_until(const struct vs_race *race, int64_t due)
{
	return (struct vs_race_step){
		.action = VS_RACE_WAIT,
		.until = due < race->deadline ? due : race->deadline,
	};
}

struct vs_race_step vs_race_next(struct vs_race *race, int64_t now)
{
	bool untried = has_untried(race, VS_RACE_IP6) || has_untried(race, VS_RACE_IP4);
	bool awaited = race->lists[VS_RACE_IP6].awaited || race->lists[VS_RACE_IP4].awaited;

	if (race->won >= 0)
		return (struct vs_race_step){ .action = VS_RACE_WON, .number = (unsigned)race->won };
	if (!untried && !awaited && race->running == 0)
		return (struct vs_race_step){ .action = VS_RACE_LOST };
	/* The first attempt starts even then: one that needs no wait has no time-out. */
	if (now >= race->deadline && (race->begun || !untried))
		return (struct vs_race_step){ .action = VS_RACE_LATE };
	if (!untried)
		return wait_until(race, VS_RACE_NEVER);
	if (in_resolution_delay(race, now))
		return wait_until(race, race->resolution_due);
	if (race->running > 0 && now < race->attempt_due)
		return wait_until(race, race->attempt_due);
	return start(race, now);
}

static bool is_running(const struct vs_race *race, unsigned number)
{
	return number < VS_RACE_MAX && race->attempts[number].state == VS_RACE_RUNNING;
}

void vs_race_connected(struct vs_race *race, unsigned number)
{
	if (!is_running(race, number))
		return;
	race->attempts[number].state = VS_RACE_CONNECTED;
	race->running--;
	if (race->won < 0)
		race->won = (int)number;
}

void vs_race_failed(struct vs_race *race, int64_t now, unsigned number, int err)
{
	if (!is_running(race, number))
		return;
	race->attempts[number].state = VS_RACE_FAILED;
	race->attempts[number].err = err;
	race->running--;
	race->attempt_due = now;
}

/* Errors of the network, the one that got furthest first. */
static const int by_use[] = { ECONNREFUSED, ECONNRESET,  ETIMEDOUT,     EHOSTUNREACH,
			      ENETUNREACH,  EADDRNOTAVAIL, EAFNOSUPPORT };
#define KINDS (sizeof(by_use) / sizeof(by_use[0]))

/* 0: an error of the program's own. */
static size_t rank(int err)
{
	for (size_t i = 0; i < KINDS; i++)
		if (by_use[i] == err)
			return i + 1;
	return 0;
}

int vs_race_errno(const struct vs_race *race)
{
	size_t best = KINDS + 1;
	int err = 0;

	for (unsigned i = 0; i < VS_RACE_MAX; i++) {
		const struct vs_race_attempt *attempt = &race->attempts[i];

		if (attempt->state == VS_RACE_FAILED && rank(attempt->err) < best) {
			best = rank(attempt->err);
			err = attempt->err;
		}
	}
	return err;
}
