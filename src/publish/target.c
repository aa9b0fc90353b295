/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "target.h"

#include <linux/if_addr.h>
#include <string.h>

#include <vdestack.h>
#include <vdestack/conf.h>

#define FRESH_MS 1000 /* one request to the stack for many connections */

static void refresh(struct vs_target *t, long long now_ms)
{
	struct vdestack_addr list[VS_TARGET_MAX];

	if (t->read_ms != 0 && now_ms - t->read_ms < FRESH_MS)
		return;
	int n = vdestack_addr_list(t->stack, NULL, list, VS_TARGET_MAX, sizeof(list[0]));
	if (n < 0)
		return; /* the list before is the best that is known */
	t->n = 0;
	for (int i = 0; i < n && i < VS_TARGET_MAX; i++) {
		if (list[i].flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED))
			continue;
		if (vs_endpoint_parse(list[i].addr, 0, &t->addrs[t->n]))
			t->n++;
	}
	t->read_ms = now_ms;
}

/* The first address of the family that other hosts can have. */
static const union vs_endpoint *first(const struct vs_target *t, int family)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->addrs[i].sa.sa_family == family && vs_endpoint_is_global(&t->addrs[i]))
			return &t->addrs[i];
	return NULL;
}

void vs_target_pick(struct vs_target *t, int family, uint16_t port, long long now_ms, union vs_endpoint *e)
{
	refresh(t, now_ms);
	const union vs_endpoint *found = first(t, family);
	if (found == NULL)
		found = first(t, family == AF_INET ? AF_INET6 : AF_INET);
	if (found != NULL) {
		*e = *found;
		vs_endpoint_set_port(e, port);
	} else {
		(void)vs_endpoint_parse(family == AF_INET ? "127.0.0.1" : "::1", port, e);
	}
}

bool vs_target_owns(struct vs_target *t, const union vs_endpoint *e, long long now_ms)
{
	refresh(t, now_ms);
	for (size_t i = 0; i < t->n; i++)
		if (vs_endpoint_same_addr(&t->addrs[i], e))
			return true;
	return false;
}
