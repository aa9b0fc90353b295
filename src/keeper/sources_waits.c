/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls that wait until the sources of a stack have what they were asked for, or until those that they have
 * stopped are gone.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "call.h"
#include "sources_inside.h"

#define WAITS_MAX 16 /* of one stack */

const struct vs_sources_kind vs_sources_kinds[VS_SOURCES_KINDS] = {
	{ VS_SOURCE_DHCP4, VS_SOURCES_DHCP4 },
	{ VS_SOURCE_RA, VS_SOURCES_RA | VS_SOURCES_SLAAC },
	{ VS_SOURCE_DHCP6, VS_SOURCES_DHCP6 },
};

uint32_t vs_sources_waits_bits(enum vs_auto_source source)
{
	for (size_t i = 0; i < VS_SOURCES_KINDS; i++)
		if (vs_sources_kinds[i].source == source)
			return vs_sources_kinds[i].bits;
	return 0;
}

static bool is_ready(const struct vs_source_iface *iface)
{
	bool any = iface->one_of == 0;

	for (size_t i = 0; i < VS_SOURCES_KINDS; i++) {
		const struct vs_source *s = iface->sources[vs_sources_kinds[i].source];
		bool ready = s != NULL && s->phase == VS_SOURCE_RUNNING && s->ready;
		if ((iface->required & vs_sources_kinds[i].bits) != 0 && !ready)
			return false;
		any = any || ((iface->one_of & vs_sources_kinds[i].bits) != 0 && ready);
	}
	return any;
}

bool vs_sources_waits_ready(const struct vs_sources_stack *stack, const char *name)
{
	for (const struct vs_source_iface *iface = stack->ifaces; iface != NULL; iface = iface->next)
		if ((name[0] == '\0' || strcmp(name, iface->name) == 0) && !is_ready(iface))
			return false;
	return true;
}

bool vs_sources_waits_parting(const struct vs_sources_stack *stack, int ifindex)
{
	const struct vs_source_iface *iface = stack->ifaces;

	while (iface != NULL && iface->ifindex != ifindex)
		iface = iface->next;
	for (int i = 0; iface != NULL && i < VS_SOURCE_N; i++)
		if (iface->sources[i] != NULL && iface->sources[i]->phase == VS_SOURCE_PARTING)
			return true;
	return false;
}

static bool is_over(const struct vs_sources_wait *wait)
{
	if (wait->stopped_on != 0)
		return !vs_sources_waits_parting(wait->stack, wait->stopped_on);
	return vs_sources_waits_ready(wait->stack, wait->call->req.iface.name);
}

static void drop_call(struct vs_call *call)
{
	vs_call_drop(call);
	free(call);
}

static void end_wait(struct vs_sources_wait **at)
{
	struct vs_sources_wait *wait = *at;

	*at = wait->next;
	wait->stack->n_waits--;
	(void)vs_sources_pause(wait->stack->sources, &wait->hangup); /* the call closes it */
	drop_call(wait->call);
	free(wait);
}

static void wait_hung_up(struct vs_watch *w)
{
	struct vs_sources_wait *wait = VS_OF(struct vs_sources_wait, hangup, w);
	struct vs_sources_wait **at = &wait->stack->waits;

	while (*at != wait)
		at = &(*at)->next;
	end_wait(at);
}

void vs_sources_waits_answer(struct vs_sources_stack *stack)
{
	for (struct vs_sources_wait **at = &stack->waits; *at != NULL;) {
		struct vs_call *call = (*at)->call;
		bool over = is_over(*at);
		if (!stack->ending && !over) {
			at = &(*at)->next;
			continue;
		}
		vs_call_reply(stack->keeper, call, over ? 0 : -ENETDOWN, NULL, NULL, 0);
		end_wait(at);
	}
}

int vs_sources_waits_add(struct vs_sources_stack *stack, struct vs_call *call, int stopped_on)
{
	if (call->reply < 0)
		return vs_fail(EINVAL, "cannot wait for address sources: the request has no channel");
	if (stack->n_waits >= WAITS_MAX)
		return vs_fail(EBUSY, "cannot wait for address sources: too many calls wait already");
	struct vs_sources_wait *wait = calloc(1, sizeof(*wait));
	if (wait == NULL)
		return vs_fail(ENOMEM, "cannot wait for address sources: out of memory");
	int r = vs_sources_watch(stack->sources, &wait->hangup, call->reply, wait_hung_up, 0);
	if (r < 0) {
		free(wait);
		return vs_fail(-r, "cannot wait for address sources: %s", strerror(-r));
	}
	wait->stack = stack;
	wait->call = call;
	wait->stopped_on = stopped_on;
	wait->next = stack->waits;
	stack->waits = wait;
	stack->n_waits++;
	return 0;
}
