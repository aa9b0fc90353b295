/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What address sources have learned, and their state. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "config/config.h"
#include "learned_list.h"
#include "named.h"
#include <vdestack/sources.h>

_Static_assert(sizeof(struct vdestack_learned_item) == 448, "the same in every version");
_Static_assert(sizeof(struct vdestack_source) == 512, "the same in every version");

int vs_learned_of(struct vdestack *stack, const char *ifname, const char *step, struct vs_learned *out)
{
	bool one = ifname != NULL && ifname[0] != '\0';
	struct vs_rtnl_link link;

	if (one && !vs_ifname_valid(ifname))
		return vs_fail(EINVAL, "%s: \"%.32s\" is no name of an interface", step, ifname);
	int r = vs_learned_ask(stack, ifname, out);
	if (r < 0)
		return vs_fail_step(-r, "%s", step);
	if (!one || out->n > 0)
		return 0;
	/* It may have no sources, or not be there. */
	VS_AUTO_NL nl = { 0 };
	return vs_named_open(stack, ifname, step, &nl, &link);
}

static void ip_text(const struct vs_wire_ip *ip, char text[INET6_ADDRSTRLEN])
{
	text[0] = '\0';
	if (ip->family != 0)
		(void)inet_ntop(ip->family, ip->bytes, text, INET6_ADDRSTRLEN);
}

/* ------------------------------------------------------------------ what was learned */

/* 0: no record of this list. */
static uint32_t type_of(uint32_t kind)
{
	static const uint8_t types[] = {
		[VS_LEARNED_ADDRESS] = VDESTACK_LEARNED_ADDRESS,
		[VS_LEARNED_ROUTE] = VDESTACK_LEARNED_ROUTE,
		[VS_LEARNED_DNS] = VDESTACK_LEARNED_DNS,
		[VS_LEARNED_SEARCH] = VDESTACK_LEARNED_SEARCH,
		[VS_LEARNED_NTP] = VDESTACK_LEARNED_NTP,
		[VS_LEARNED_MTU] = VDESTACK_LEARNED_MTU,
		[VS_LEARNED_PREFIX] = VDESTACK_LEARNED_PREFIX,
	};

	return kind < sizeof(types) ? types[kind] : 0;
}

/*
 * Writes a record to a place of a caller's list; list NULL: it is full. False: the record does not belong in
 * such a list.
 */
typedef bool write_fn(const struct vs_wire_learned *from, void *list, size_t at);

static bool write_learned(const struct vs_wire_learned *from, void *list, size_t at)
{
	struct vdestack_learned_item *to = list != NULL ? (struct vdestack_learned_item *)list + at : NULL;

	if (type_of(from->kind) == 0)
		return false;
	if (to == NULL)
		return true;
	*to = (struct vdestack_learned_item){
		.type = type_of(from->kind),
		.source = from->source + 1,
		.family = from->addr.family,
		.prefix_len = from->prefix_len,
		.mtu = from->mtu,
		.valid_ms = from->valid_ms,
		.preferred_ms = from->preferred_ms,
	};
	memcpy(to->ifname, from->ifname, sizeof(to->ifname));
	/* A default route has no destination. */
	if (from->kind != VS_LEARNED_ROUTE || from->prefix_len > 0)
		ip_text(&from->addr, to->addr);
	ip_text(&from->gw, to->gw);
	memcpy(to->text, from->text, sizeof(to->text));
	return true;
}

static int list_records(struct vdestack *stack, const char *ifname, const char *step, write_fn *write,
			void *list, size_t n)
{
	VS_AUTO_LEARNED learned = { 0 };
	int count = 0;

	if (list == NULL && n > 0)
		return vs_fail(EINVAL, "%s: the list is NULL; then its size must be 0", step);
	int r = vs_learned_of(stack, ifname, step, &learned);
	if (r < 0)
		return r;
	for (size_t i = 0; i < learned.n; i++)
		if (write(&learned.list[i], (size_t)count < n ? list : NULL, (size_t)count))
			count++;
	return count;
}

int vdestack_learned(struct vdestack *stack, const char *ifname, struct vdestack_learned_item *list,
		     size_t n)
{
	return vs_edge(list_records(stack, ifname, "cannot list what was learned", write_learned, list, n));
}

/* ------------------------------------------------------------------ the state of sources */

static bool write_source(const struct vs_wire_learned *from, void *list, size_t at)
{
	struct vdestack_source *to = list != NULL ? (struct vdestack_source *)list + at : NULL;

	if (from->kind != VS_LEARNED_SOURCE)
		return false;
	if (to == NULL)
		return true;
	*to = (struct vdestack_source){
		.source = from->source + 1,
		.ready = from->ready != 0,
		.since_ms = from->since_ms,
		.t1_ms = from->t1_ms,
		.t2_ms = from->t2_ms,
		.expiry_ms = from->valid_ms,
		.sent = from->sent,
		.received = from->received,
	};
	memcpy(to->ifname, from->ifname, sizeof(to->ifname));
	memcpy(to->state, from->state, sizeof(to->state));
	ip_text(&from->addr, to->server);
	memcpy(to->ignored, from->ignored, sizeof(to->ignored));
	memcpy(to->problem, from->text, sizeof(to->problem));
	return true;
}

int vdestack_sources(struct vdestack *stack, const char *ifname, struct vdestack_source *list, size_t n)
{
	return vs_edge(list_records(stack, ifname, "cannot list address sources", write_source, list, n));
}
