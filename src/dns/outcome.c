/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "outcome.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "lookup.h"

void vs_outcome_fail(struct vdestack_dns_lookup *l, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(l->message, sizeof(l->message), fmt, args);
	va_end(args);
	l->code = code;
	l->done = true;
}

void vs_outcome_fail_told(struct vdestack_dns_lookup *l, int code)
{
	l->err = errno;
	vs_outcome_fail(l, code, "%s", vdestack_dns_last_error());
}

void vs_outcome_fail_errno(struct vdestack_dns_lookup *l, int err)
{
	l->err = err;
	vs_outcome_fail(l, err == ENOMEM ? EAI_MEMORY : EAI_SYSTEM, "%s: %s", l->name, strerrordesc_np(err));
}

void vs_outcome_succeed(struct vdestack_dns_lookup *l, struct vs_addresses *a, bool sort, bool mapped,
			const char *canonical)
{
	int err = sort ? vs_addresses_sort(a, l->dns) : 0;

	if (err == 0) {
		l->res = vs_addresses_list(a, l->targets, l->n_targets, mapped,
					   l->hints.ai_flags & AI_CANONNAME ? canonical : NULL);
		err = l->res == NULL ? -ENOMEM : 0;
	}
	vs_addresses_free(a);
	if (err < 0) {
		vs_outcome_fail_errno(l, -err);
		return;
	}
	l->code = 0;
	l->done = true;
}

bool vs_outcome_wants(const struct vdestack_dns_lookup *l, int family)
{
	return l->hints.ai_family == AF_UNSPEC || l->hints.ai_family == family;
}

bool vs_outcome_wants_mapped(const struct vdestack_dns_lookup *l)
{
	return l->hints.ai_family == AF_INET6 && (l->hints.ai_flags & AI_V4MAPPED);
}

bool vs_outcome_choose_mapped(const struct vdestack_dns_lookup *l, struct vs_addresses *a)
{
	bool any_v6 = false;
	size_t n = 0;

	if (!vs_outcome_wants_mapped(l))
		return false;
	for (size_t i = 0; i < a->n; i++)
		any_v6 |= a->list[i].family == AF_INET6;
	if (!any_v6 || (l->hints.ai_flags & AI_ALL))
		return true;
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].family == AF_INET6)
			a->list[n++] = a->list[i];
	a->n = n;
	return true;
}
