/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The addresses of a stack: adding and removing, the list. */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/error.h"
#include "config/addr_text.h"
#include "core/stack.h"
#include "list.h"
#include "rtnl/rtnl.h"
#include <vdestack/conf.h>

/* Checks what the caller gave; verb is for the message: "add". */
static int parse_request(const char *verb, int ifindex, const char *text, unsigned prefixlen,
			 struct vs_conf_addr *out)
{
	if (text == NULL || !vs_addr_from_text(text, strlen(text), out))
		return vs_fail(EINVAL,
			       "cannot %s address \"%s\": not an IPv4 or IPv6 address; write it as 10.0.0.1 "
			       "or fc00::1, with the prefix length apart",
			       verb, text != NULL ? text : "(NULL)");
	if (prefixlen > vs_addr_bits(out))
		return vs_fail(EINVAL, "cannot %s address %s/%u: the prefix is too long; at most %u bits",
			       verb, text, prefixlen, vs_addr_bits(out));
	if (ifindex <= 0)
		return vs_fail(EINVAL,
			       "cannot %s address %s on interface %d: an index is greater than 0; "
			       "vdestack_if_nametoindex() tells it",
			       verb, text, ifindex);
	out->prefixlen = prefixlen;
	return 0;
}

static int change_addr(struct vdestack *stack, int type, int ifindex, const char *text, unsigned prefixlen)
{
	const char *verb = type == RTM_NEWADDR ? "add" : "remove";
	VS_AUTO_NL nl = { 0 };
	struct vs_conf_addr addr;
	int err = parse_request(verb, ifindex, text, prefixlen, &addr);

	if (err == 0)
		err = vs_stack_nl_open(stack, &nl);
	if (err < 0)
		return err;
	err = vs_rtnl_addr_change(&nl, type, ifindex, &addr);
	if (err < 0)
		return vs_nl_fail(&nl, -err, "cannot %s address %s/%u %s interface %d", verb, text, prefixlen,
				  type == RTM_NEWADDR ? "to" : "from", ifindex);
	return 0;
}

int vdestack_addr_add(struct vdestack *stack, int ifindex, const char *addr, unsigned prefixlen)
{
	return vs_edge(change_addr(stack, RTM_NEWADDR, ifindex, addr, prefixlen));
}

int vdestack_addr_del(struct vdestack *stack, int ifindex, const char *addr, unsigned prefixlen)
{
	return vs_edge(change_addr(stack, RTM_DELADDR, ifindex, addr, prefixlen));
}

/* ------------------------------------------------------------------ the list */

static void take(void *arg, const void *record)
{
	struct vs_list *list = arg;
	const struct vs_rtnl_addr *from = record;
	struct vdestack_addr addr = {
		.ifindex = from->ifindex,
		.family = from->family,
		.prefixlen = from->prefix_len,
		.flags = from->flags,
	};

	if (list->ifindex != 0 && list->ifindex != from->ifindex)
		return;
	memcpy(addr.text, from->text, sizeof(addr.text));
	vs_list_add(list, &addr, sizeof(addr));
}

static int list_addrs(struct vdestack *stack, struct vs_list *list)
{
	const struct vs_nl_reader reader = { vs_list_begin, take, list };
	VS_AUTO_NL nl = { 0 };
	struct vs_rtnl_link link;
	int err = vs_list_check(list, sizeof(struct vdestack_addr), "addresses");

	if (err == 0 && list->ifindex < 0)
		err = vs_fail(EINVAL, "cannot list addresses: the index is negative; 0 means all interfaces");
	if (err == 0)
		err = vs_stack_nl_open(stack, &nl);
	if (err < 0)
		return err;
	err = vs_rtnl_addr_list(&nl, &reader);
	/* None may mean that there is no such interface. */
	if (err == 0 && list->count == 0 && list->ifindex > 0)
		err = vs_rtnl_link_get(&nl, list->ifindex, NULL, &link);
	return err < 0 ? vs_nl_fail(&nl, -err, "cannot list addresses") : (int)list->count;
}

int vdestack_addr_list(struct vdestack *stack, int ifindex, struct vdestack_addr *list, size_t n)
{
	struct vs_list job = { .records = list, .n = n, .record_size = sizeof(*list), .ifindex = ifindex };

	return vs_edge(list_addrs(stack, &job));
}
