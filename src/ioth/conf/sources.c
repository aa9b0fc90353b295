/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sources are started all at once, by one call that does not wait. Then their states are read at each event
 * of the stack, until all are ready or the time is over. So one that gets nothing delays no other, and its
 * bit alone is missing. It goes on in the stack.
 *
 * An address of IPv6 that a source has set may still be under duplicate address detection. That is waited for
 * at the end, for the addresses alone: a source that is not ready does not delay it.
 */

#include "sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "ioth/lib/internal.h"
#include "usable.h"
#include "words.h"
#include <vdestack/sources.h>

#define USABLE_MS 5000 /* for duplicate address detection */
#define STOPPING_MS 20000
#define STARTING_MS 20000
#define MOST 16 /* sources of one interface */

/* Gives the words to the stack, and frees them. */
static int configure(const struct vs_target *t, char *words, bool none, unsigned flags, int timeout_ms)
{
	if (none)
		return 0;
	if (words == NULL)
		return ioth_internal_fail(ENOMEM, "cannot configure interface %s: no memory", t->ifname);
	int r = vs_target_configure(t, words, flags, timeout_ms);
	int err = errno;
	free(words);
	errno = err;
	return r;
}

static int fail_unable(const struct vs_target *t)
{
	return ioth_internal_fail(
		ENOTSUP,
		"interface %s cannot have dhcp, dhcp6 and rd: this kind of stack has no address "
		"sources; use ip= and gw=",
		t->ifname);
}

int vs_sources_begin(const struct vs_target *t, const struct vs_plan *plan)
{
	bool none;

	if (!vs_target_takes_words(t))
		return fail_unable(t);
	char *words = vs_words_start(plan, t->ifname, VS_PLAN_SOURCES, &none);
	return configure(t, words, none, VDESTACK_NO_WAIT, STARTING_MS);
}

int vs_sources_stop(const struct vs_target *t, const struct vs_plan *plan)
{
	bool none;

	if (!vs_target_takes_words(t))
		return 0; /* there are none */
	char *words = vs_words_stop(plan, t->ifname, &none);
	return configure(t, words, none, 0, STOPPING_MS);
}

/* ------------------------------------------------------------------ waiting */

static unsigned part_of(const struct vdestack_source *source)
{
	switch (source->source) {
	case VDESTACK_SOURCE_DHCP4:
		return VS_PLAN_DHCP;
	case VDESTACK_SOURCE_DHCP6:
		return VS_PLAN_DHCP6;
	case VDESTACK_SOURCE_RA:
		return VS_PLAN_RD | VS_PLAN_SLAAC;
	default:
		return 0;
	}
}

/* The parts that are ready. list: the sources of the interface, at most MOST; *n of them. */
static unsigned look(const struct vs_target *t, struct vdestack_source *list, int *n)
{
	unsigned ready = 0;

	*n = t->functions->sources(t->data, t->ifname, list, MOST);
	for (int i = 0; i < *n && i < MOST; i++)
		if (list[i].ready)
			ready |= part_of(&list[i]);
	return ready;
}

static void say_missing(const struct vs_target *t, unsigned missing, const struct vdestack_source *list,
			int n)
{
	const char *name = missing & VS_PLAN_DHCP ? "dhcp" : missing & VS_PLAN_DHCP6 ? "dhcp6" : "rd";

	for (int i = 0; i < n && i < MOST; i++) {
		const struct vdestack_source *s = &list[i];
		if ((part_of(s) & missing) == 0)
			continue;
		(void)ioth_internal_fail(ETIMEDOUT, "%s on interface %s is not ready in time (%.*s): %s",
					 part_of(s) == VS_PLAN_DHCP    ? "dhcp"
					 : part_of(s) == VS_PLAN_DHCP6 ? "dhcp6"
								       : "rd",
					 t->ifname, (int)sizeof(s->state), s->state,
					 s->problem[0] != '\0' ? s->problem : "nothing has answered");
		return;
	}
	(void)ioth_internal_fail(ETIMEDOUT, "%s on interface %s does not run", name, t->ifname);
}

/* Returns the wanted parts that are ready; *n is as in look(). */
static unsigned wait_ready(const struct vs_target *t, unsigned wanted, int64_t deadline_ms,
			   struct vdestack_source *list, int *n)
{
	struct vs_events events;
	unsigned ready;

	vs_events_open(&events, t);
	for (;;) {
		int64_t left_ms = deadline_ms - vs_events_now_ms();
		ready = look(t, list, n) & wanted;
		if (*n < 0 || ready == wanted || left_ms <= 0)
			break;
		vs_events_wait(&events, left_ms);
	}
	vs_events_close(&events);
	return ready;
}

unsigned vs_sources_finish(const struct vs_target *t, const struct vs_plan *plan, int64_t deadline_ms)
{
	struct vdestack_source *list = calloc(MOST, sizeof(*list));
	unsigned wanted = plan->want & VS_PLAN_SOURCES;
	int n = -1;

	if (list == NULL || t->functions->sources == NULL) {
		(void)ioth_internal_fail(list == NULL ? ENOMEM : ENOTSUP,
					 "cannot see the sources of interface %s", t->ifname);
		free(list);
		return 0;
	}
	unsigned ready = wait_ready(t, wanted, deadline_ms, list, &n);
	if (ready & (VS_PLAN_DHCP6 | VS_PLAN_SLAAC))
		(void)vs_usable_wait(t, NULL, USABLE_MS); /* a duplicate is the business of its source */
	if (ready != wanted && n >= 0)                    /* else the stack has set the message */
		say_missing(t, wanted & ~ready, list, n);
	free(list);
	return ready;
}
