/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The state of the sources, for programs. */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "sources_inside.h"
#include <vdestack/sources.h>

/* -1: never. */
static int64_t left(vs_auto_ms at)
{
	vs_auto_ms now = px_source_now();

	return at == VS_AUTO_NEVER ? -1 : at > now ? at - now : 0;
}

static void describe(const struct px_source *s, struct vs_auto_state *state)
{
	*state =
		(struct vs_auto_state){ .state = "WAITING",
					.since = px_source_now(),
					.t1 = VS_AUTO_NEVER,
					.t2 = VS_AUTO_NEVER,
					.expiry = VS_AUTO_NEVER,
					.problem = "the interface is down or has no link-local address yet" };
	if (s->phase != PX_RUNNING)
		return;
	s->kind->describe(s->machine, state);
	const char *trouble = s->trouble != NULL ? s->trouble : s->no_route;
	if (trouble == NULL)
		return;
	state->ready = false;
	(void)snprintf(state->problem, sizeof(state->problem), "%s", trouble);
}

static void write_record(const struct px_source *s, struct vdestack_source *to)
{
	struct vs_auto_state state;

	describe(s, &state);
	*to = (struct vdestack_source){
		.source = s->kind->source + 1,
		.ready = state.ready,
		.since_ms = px_source_now() - state.since,
		.t1_ms = left(state.t1),
		.t2_ms = left(state.t2),
		.expiry_ms = left(state.expiry),
		.sent = state.sent,
		.received = state.received,
	};
	(void)snprintf(to->ifname, sizeof(to->ifname), "%s", s->iface->name);
	(void)snprintf(to->state, sizeof(to->state), "%s", state.state);
	(void)snprintf(to->problem, sizeof(to->problem), "%s", state.problem);
	if (state.server.family != 0)
		(void)inet_ntop(state.server.family, state.server.bytes, to->server, sizeof(to->server));
	for (size_t i = 0; i < VS_IGNORED_N; i++)
		to->ignored[i] = state.ignored[i];
}

/* The i-th source, by interfaces in their order; ifname "": of all. NULL: there are no more. */
static const struct px_source *source_at(const char *ifname, size_t i)
{
	for (const struct px_iface *iface = px_iface_first(); iface != NULL; iface = iface->next)
		for (int kind = VS_SOURCE_DHCP4; kind < VS_SOURCE_N; kind++) {
			const struct px_source *s = px_source_find(iface, (enum vs_auto_source)kind);
			if (s != NULL && (ifname[0] == '\0' || strcmp(ifname, iface->name) == 0) && i-- == 0)
				return s;
		}
	return NULL;
}

size_t px_sources_list(const char *ifname, size_t first, struct vdestack_source *list, size_t n)
{
	const struct px_source *s;
	size_t i = 0;

	for (; (s = source_at(ifname, i)) != NULL; i++)
		if (i >= first && i - first < n)
			write_record(s, &list[i - first]);
	return i;
}

const struct vs_auto_facts *px_sources_facts(const struct px_iface *iface, enum vs_auto_source source)
{
	const struct px_source *s = px_source_find(iface, source);

	return s != NULL ? &s->facts : NULL;
}

bool px_sources_ready(const struct px_iface *iface, char *why, size_t size)
{
	for (size_t i = 0; size > 0;) {
		const struct px_source *s = source_at(iface->name, i++);
		struct vs_auto_state state;
		if (s == NULL)
			break;
		describe(s, &state);
		if (!s->required || state.ready)
			continue;
		(void)snprintf(why, size, "%s on %s is not ready: %s", s->kind->name, iface->name,
			       state.problem[0] != '\0' ? state.problem : state.state);
		return false;
	}
	return true;
}
