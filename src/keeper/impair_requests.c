/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Requests about impairment. The networking thread serves them, so two changes of one interface never meet.
 *
 * A change names the members that it is about; the others stay as they are in force here. So two programs
 * that change different things do not undo each other. All is checked before anything is done, and a group
 * that was joined is left again if the rest fails.
 *
 * A change takes the key and the credentials, as every change does; at an attached door, which only processes
 * of the same user have, it takes the door alone (listed.c).
 */

#include "impair_requests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/error.h"
#include "call.h"
#include "config/impair.h"
#include "config/impair_text.h"
#include "events.h"
#include "iface.h"
#include "net_ifaces.h"
#include "pump/impair.h"
#include "wire/impair.h"
#include <vdestack/events.h>

/* ------------------------------------------------------------------ what is in force */

static void set_sizes(struct vs_wire_impaired *state)
{
	state->tx.size = state->rx.size = sizeof(state->tx);
	state->tx_stats.size = state->rx_stats.size = sizeof(state->tx_stats);
}

/* An interface of a kind that cannot be impaired is not impaired. */
static int read_state(struct vs_iface *iface, struct vs_wire_impaired *state)
{
	memset(state, 0, sizeof(*state));
	set_sizes(state);
	if (iface->kind->impaired != NULL)
		iface->kind->impaired(iface, &state->tx, &state->rx, &state->tx_stats, &state->rx_stats);
	int group = iface->kind->group != NULL ? iface->kind->group(iface, -1) : 0;
	if (group < 0)
		return group;
	set_sizes(state);
	state->group = (uint32_t)group;
	state->impaired = vs_impair_is_set(&state->tx) || vs_impair_is_set(&state->rx) || group != 0;
	return 0;
}

/* ------------------------------------------------------------------ a change */

static int draw_seed(uint64_t *seed)
{
	while (*seed == 0) {
		ssize_t n = getrandom(seed, sizeof(*seed), 0);
		if (n < 0 && errno != EINTR)
			return vs_fail(errno, "no random numbers: %s", strerror(errno));
		if (n != (ssize_t)sizeof(*seed))
			*seed = 0;
	}
	return 0;
}

/* From what is in force to what is wanted. Nothing is done yet. */
static int work_out(const char *direction, const struct vs_wire_impair_change *change,
		    struct vdestack_impairment *settings)
{
	const char *why = "a value is out of its range";

	if ((change->fields & ~VS_IMPAIR_ALL) != 0)
		return vs_fail(EINVAL, "the request makes no sense");
	vs_impair_change(settings, change->fields, &change->to);
	settings->size = sizeof(*settings);
	int r = vs_impair_check(settings, &why);
	if (r < 0)
		return vs_fail(EINVAL, "%s: %s", direction, why);
	return draw_seed(&settings->seed);
}

static int read_change(const struct vs_call *call, struct vs_wire_impair *change)
{
	if (call->text_len != sizeof(*change))
		return vs_fail(EINVAL, "the request makes no sense");
	memcpy(change, call->text, sizeof(*change));
	if (change->group > VS_WIRE_GROUP_MAX && change->group != VS_WIRE_GROUP_KEEP)
		return vs_fail(EINVAL, "the number of a group is at most %d", VS_WIRE_GROUP_MAX);
	return 0;
}

static int check_kind(const struct vs_iface *iface, const struct vs_wire_impair *change)
{
	if (iface->kind->impair == NULL && (change->tx.fields | change->rx.fields) != 0)
		return vs_fail(ENOTSUP, "an interface of this kind cannot be impaired");
	if (iface->kind->group == NULL && change->group != VS_WIRE_GROUP_KEEP)
		return vs_fail(ENOTSUP, "it is not on a segment; only segments have groups");
	return 0;
}

static int apply(struct vs_iface *iface, const struct vs_wire_impair *change,
		 const struct vdestack_impairment *tx, const struct vdestack_impairment *rx)
{
	bool moves = change->group != VS_WIRE_GROUP_KEEP;
	int before = moves ? iface->kind->group(iface, (int)change->group) : 0;

	if (before < 0 || (tx == NULL && rx == NULL))
		return before < 0 ? before : 0;
	int r = iface->kind->impair(iface, tx, rx);
	if (r < 0 && moves) {
		VS_ERROR_KEEP;
		(void)iface->kind->group(iface, before);
	}
	return r;
}

/* *state: what was in force before. */
static int change_iface(struct vs_net *n, struct vs_iface *iface, struct vs_wire_impaired *state,
			bool *changes)
{
	struct vs_wire_impair change;
	int r = read_change(n->call, &change);

	if (r == 0)
		r = check_kind(iface, &change);
	if (r == 0)
		r = read_state(iface, state);
	if (r < 0)
		return r;
	struct vdestack_impairment tx = state->tx, rx = state->rx;
	r = work_out("tx", &change.tx, &tx);
	if (r == 0)
		r = work_out("rx", &change.rx, &rx);
	if (r == 0)
		r = apply(iface, &change, change.tx.fields != 0 ? &tx : NULL,
			  change.rx.fields != 0 ? &rx : NULL);
	*changes = (change.tx.fields | change.rx.fields) != 0 || change.group != VS_WIRE_GROUP_KEEP;
	return r;
}

static int flap(struct vs_iface *iface)
{
	if (iface->kind->flap == NULL)
		return vs_fail(ENOTSUP, "it is not on a segment");
	return iface->kind->flap(iface);
}

/* For captures: what is in force now, as words. */
static void tell(struct vs_iface *iface, bool flapped)
{
	struct vdestack_event event = { .type = VDESTACK_EVENT_IMPAIRED };
	char tx[VS_IMPAIR_TEXT_MAX], rx[VS_IMPAIR_TEXT_MAX], group[24] = "", note[VS_EVENTS_NOTE_MAX];
	struct vs_wire_impaired now;

	memcpy(event.ifname, iface->name, sizeof(iface->name));
	if (flapped || !vs_events_has_subscribers(iface->events) || read_state(iface, &now) < 0) {
		vs_events_tell_note(iface->events, &event, flapped ? "its address is at another port" : NULL);
		return;
	}
	vs_impair_text_words(&now.tx, "tx.", tx);
	vs_impair_text_words(&now.rx, "rx.", rx);
	if (now.group != 0)
		(void)snprintf(group, sizeof(group), " group=%u", now.group);
	(void)snprintf(note, sizeof(note), "%s%s%s%s%s%s", now.impaired ? "impaired:" : "unimpaired", group,
		       tx[0] != '\0' ? " " : "", tx, rx[0] != '\0' ? " " : "", rx);
	vs_events_tell_note(iface->events, &event, note);
}

static int serve(struct vs_net *n, struct vs_wire_impaired *state)
{
	struct vs_iface *iface = vs_net_find_iface(n);
	uint32_t op = n->call->req.op;

	if (iface == NULL)
		return vs_fail(ENODEV, "this library has made no interface of that name in the stack");
	if (op == VS_OP_IMPAIRED)
		return read_state(iface, state);
	if (n->via != VS_DOOR_ATTACHED && n->call->refusal != NULL)
		return vs_fail(EPERM, "%s", n->call->refusal);
	bool changes = op == VS_OP_FLAP;
	int r = op == VS_OP_FLAP ? flap(iface) : change_iface(n, iface, state, &changes);
	if (r == 0 && changes)
		tell(iface, op == VS_OP_FLAP);
	return r;
}

void vs_impair_request(struct vs_net *n)
{
	struct vs_wire_impaired state = { 0 };
	int r = serve(n, &state);

	if (r < 0)
		vs_call_fail(n->keeper, n->call, r);
	else
		vs_call_reply_bytes(n->keeper, n->call, 0, &state, sizeof(state));
}
