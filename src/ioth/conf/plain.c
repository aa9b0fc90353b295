/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Order: gateways are taken back before addresses, and set after them, because a route needs its address.
 * With an address the kernel removes routes by it, and other addresses of its network. So everything that is
 * to stay is set once more. What is there already is no error.
 */

#include "plain.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "config/addr_text.h"
#include "ioth/lib/internal.h"
#include "usable.h"

#define USABLE_MS 10000 /* for duplicate address detection, on a slow machine */

static bool is_kind(const char *item, const char *key)
{
	return strncmp(item, key, strlen(key)) == 0;
}

/* ------------------------------------------------------------------ default routes */

struct looking {
	const struct vs_conf_addr *gw;
	unsigned ifindex;
	bool found;
};

/* Of each route that the stack has. */
static int look_at_route(void *arg, struct nlmsghdr *hdr)
{
	struct looking *l = arg;
	const struct rtmsg *route = NLMSG_DATA(hdr);
	size_t bytes = l->gw->family == AF_INET ? 4 : 16;
	bool by_gw = false, by_interface = false;

	if (hdr->nlmsg_type != RTM_NEWROUTE || hdr->nlmsg_len < NLMSG_LENGTH(sizeof(*route)) ||
	    route->rtm_family != l->gw->family || route->rtm_dst_len != 0)
		return 0;
	int left = (int)RTM_PAYLOAD(hdr);
	for (const struct rtattr *a = RTM_RTA(route); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == RTA_GATEWAY && RTA_PAYLOAD(a) == bytes)
			by_gw = memcmp(RTA_DATA(a), l->gw->bytes, bytes) == 0;
		if (a->rta_type == RTA_OIF && RTA_PAYLOAD(a) == sizeof(l->ifindex))
			by_interface = memcmp(RTA_DATA(a), &l->ifindex, sizeof(l->ifindex)) == 0;
	}
	l->found = l->found || (by_gw && by_interface);
	return 0;
}

/* The stack has a default route. False: by another gateway, which is not ours. */
static bool is_by(const struct vs_target *t, const struct vs_conf_addr *gw)
{
	struct looking l = { gw, t->ifindex, false };

	return ioth_internal_dump(t->stack, RTM_GETROUTE, look_at_route, &l) == 0 && l.found;
}

/* ------------------------------------------------------------------ one item */

/* All return 0, or -1 with errno. */
static int change_addr(const struct vs_target *t, const char *text, bool add)
{
	struct vs_conf_addr addr;

	if (vs_prefix_from_text(text, strlen(text), &addr) == VS_PREFIX_NO_ADDR) {
		errno = EINVAL;
		return -1;
	}
	return (add ? ioth_ipaddr_add : ioth_ipaddr_del)(t->stack, addr.family, addr.bytes,
							 (int)addr.prefixlen, (int)t->ifindex);
}

static int change_gw(const struct vs_target *t, const char *text, bool add)
{
	struct vs_conf_addr gw;

	if (!vs_addr_from_text(text, strlen(text), &gw)) {
		errno = EINVAL;
		return -1;
	}
	int r = (add ? ioth_iproute_add : ioth_iproute_del)(t->stack, gw.family, NULL, 0, gw.bytes,
							    (int)t->ifindex);
	if (r < 0 && add && errno == EEXIST) {
		bool ours = is_by(t, &gw);
		errno = ours ? EEXIST : EBUSY; /* one by another gateway is not what was asked for */
	}
	return r;
}

/* 1: changed; 0: it was as wanted; -1: see errno. */
static int change(const struct vs_target *t, const char *item, bool add)
{
	int r = is_kind(item, "ip=") ? change_addr(t, item + 3, add) : change_gw(t, item + 3, add);

	if (r >= 0)
		return 1;
	bool as_wanted = add ? errno == EEXIST : errno == EADDRNOTAVAIL || errno == ESRCH || errno == ENOENT;
	return as_wanted ? 0 : -1;
}

static int fail_item(const struct vs_target *t, const char *item, bool add)
{
	int err = errno;

	return ioth_internal_fail(err, "cannot %s %s on interface %s: %s", add ? "set" : "take back", item,
				  t->ifname,
				  err == EBUSY
					  ? "there is a default route by another gateway; remove that first"
					  : strerror(err));
}

/* ------------------------------------------------------------------ all */

/* Those of one kind. Only those that are needed must succeed. is_new: what was perhaps not there. */
static int set(const struct vs_target *t, const struct vs_items *items, const char *key,
	       const struct vs_items *needed, bool *is_new)
{
	for (size_t i = 0; i < items->n; i++) {
		if (!is_kind(items->list[i], key))
			continue;
		int r = change(t, items->list[i], true);
		is_new[i] = r != 0; /* a failed one may be there: it may be the reply that was lost */
		if (r < 0 && vs_items_have(needed, items->list[i]))
			return fail_item(t, items->list[i], true);
	}
	return 0;
}

static int take_back(const struct vs_target *t, const struct vs_items *items, const char *key)
{
	for (size_t i = 0; i < items->n; i++)
		if (is_kind(items->list[i], key) && change(t, items->list[i], false) < 0)
			return fail_item(t, items->list[i], false);
	return 0;
}

/* Whatever can be restored. Keeps errno, and leaves the message alone. */
static void restore(const struct vs_target *t, const struct vs_items *before, const struct vs_items *next,
		    const bool *is_new)
{
	static const char *const keys[] = { "gw=", "ip=" };
	int err = errno;

	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < next->n; i++)
			if (is_new[i] && is_kind(next->list[i], keys[k]) &&
			    !vs_items_have(before, next->list[i]))
				(void)change(t, next->list[i], false);
	for (int k = 1; k >= 0; k--)
		for (size_t i = 0; i < before->n; i++)
			if (is_kind(before->list[i], keys[k]))
				(void)change(t, before->list[i], true);
	errno = err;
}

/* Those of `before` that are not in `next`. False: out of memory. */
static bool subtract(const struct vs_items *before, const struct vs_items *next, struct vs_items *out)
{
	bool good = vs_items_add_all(out, before);

	vs_items_remove(out, next);
	return good;
}

int vs_plain_change(const struct vs_target *t, const struct vs_items *before, const struct vs_items *add,
		    const struct vs_items *next)
{
	bool *is_new = calloc(next->n + 1, sizeof(*is_new));
	struct vs_items gone = { 0 };
	int r;

	if (is_new == NULL || !subtract(before, next, &gone)) {
		r = ioth_internal_fail(ENOMEM, "cannot configure interface %s: no memory", t->ifname);
	} else {
		r = take_back(t, &gone, "gw=");
		if (r == 0)
			r = take_back(t, &gone, "ip=");
		if (r == 0)
			r = set(t, next, "ip=", add, is_new);
		if (r == 0)
			r = set(t, next, "gw=", add, is_new);
		if (r == 0 && t->is_up)
			r = vs_usable_wait(t, add, USABLE_MS);
		if (r < 0)
			restore(t, before, next, is_new);
	}
	int err = errno;
	free(is_new);
	vs_items_free(&gone);
	errno = err;
	return r;
}
