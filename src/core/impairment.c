/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "impairment.h"

#include <string.h>

#include "long_call.h"
#include "stack.h"

void vs_impairment_fill(const struct vs_conf_impair *impair, struct vs_wire_impair *out)
{
	memset(out, 0, sizeof(*out));
	out->tx.fields = impair->tx.fields;
	out->tx.to = impair->tx.to;
	out->rx.fields = impair->rx.fields;
	out->rx.to = impair->rx.to;
	out->group = impair->has_group ? impair->group : VS_WIRE_GROUP_KEEP;
}

void vs_impairment_reverse(const struct vs_wire_impair *change, const struct vs_wire_impaired *before,
			   struct vs_wire_impair *out)
{
	*out = *change;
	out->tx.to = before->tx;
	out->rx.to = before->rx;
	out->group = change->group != VS_WIRE_GROUP_KEEP ? before->group : VS_WIRE_GROUP_KEEP;
}

int vs_impairment_ask(struct vdestack *stack, const char *ifname, const struct vs_wire_impair *wanted,
		      struct vs_wire_impaired *state)
{
	struct vs_long_call call = {
		.req = { .op = wanted != NULL ? VS_OP_IMPAIR : VS_OP_IMPAIRED },
		.text = (const char *)wanted,
		.text_len = wanted != NULL ? sizeof(*wanted) : 0,
	};

	memcpy(call.req.iface.name, ifname, strnlen(ifname, sizeof(call.req.iface.name) - 1));
	int r = vs_stack_ask(stack, &call);
	if (r < 0)
		return r;
	_Static_assert(sizeof(*state) <= sizeof(call.answer), "an answer has room for it");
	memcpy(state, call.answer, sizeof(*state));
	return 0;
}
