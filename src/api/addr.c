/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The addresses of a stack: adding and removing, the list. */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "announce.h"
#include "base/error.h"
#include "config/addr_text.h"
#include "list.h"
#include "named.h"
#include <vdestack/conf.h>

/* Checks the arguments; verb is for the message: "add". */
static int parse_request(const char *verb, const char *text, unsigned prefix_len, struct vs_conf_addr *out)
{
	if (text == NULL || !vs_addr_from_text(text, strlen(text), out))
		return vs_fail(EINVAL,
			       "cannot %s address \"%s\": not an IPv4 or IPv6 address; write it as 10.0.0.1 "
			       "or fc00::1, with the prefix length apart",
			       verb, text != NULL ? text : "(NULL)");
	if (prefix_len > vs_addr_bits(out))
		return vs_fail(EINVAL, "cannot %s address %s/%u: the prefix is too long; at most %u bits",
			       verb, text, prefix_len, vs_addr_bits(out));
	out->prefixlen = prefix_len;
	return 0;
}

static int change_addr(struct vdestack *stack, int type, const char *ifname, const char *text,
		       unsigned prefix_len)
{
	bool add = type == RTM_NEWADDR;
	VS_AUTO_NL nl = { 0 };
	struct vs_rtnl_link link;
	struct vs_conf_addr addr;
	int r = parse_request(add ? "add" : "remove", text, prefix_len, &addr);

	if (r == 0)
		r = vs_named_open(stack, ifname,
				    add ? "cannot add an address to interface"
					: "cannot remove an address from interface",
				    &nl, &link);
	if (r < 0)
		return r;
	r = vs_rtnl_addr_change(&nl, type, link.ifindex, &addr, false);
	if (r < 0)
		return vs_nl_fail(&nl, -r, "cannot %s address %s/%u %s interface %s",
				  add ? "add" : "remove", text, prefix_len, add ? "to" : "from", ifname);
	if (add)
		vs_announce_addr(stack, &link, &addr);
	return 0;
}

int vdestack_addr_add(struct vdestack *stack, const char *ifname, const char *addr, unsigned prefix_len)
{
	return vs_edge(change_addr(stack, RTM_NEWADDR, ifname, addr, prefix_len));
}

int vdestack_addr_del(struct vdestack *stack, const char *ifname, const char *addr, unsigned prefix_len)
{
	return vs_edge(change_addr(stack, RTM_DELADDR, ifname, addr, prefix_len));
}

/* ------------------------------------------------------------------ the list */

static void take(void *arg, const void *record)
{
	const struct vs_rtnl_addr *from = record;
	struct vdestack_addr addr = {
		.ifindex = from->ifindex,
		.family = from->family,
		.prefix_len = from->prefix_len,
		.flags = from->flags,
	};

	memcpy(addr.addr, from->text, sizeof(addr.addr));
	vs_list_add(arg, addr.ifindex, &addr, sizeof(addr));
}

static const struct vs_list_kind addresses = {
	.what = "addresses",
	.least = sizeof(struct vdestack_addr),
	.ifname_at = offsetof(struct vdestack_addr, ifname),
	.ifindex_at = offsetof(struct vdestack_addr, ifindex),
	.read = vs_rtnl_addr_list,
	.take = take,
};

int vdestack_addr_list(struct vdestack *stack, const char *ifname, struct vdestack_addr *list, size_t n,
		       size_t record_size)
{
	struct vs_list job = { .ifname = ifname, .records = list, .n = n, .record_size = record_size };

	return vs_edge(vs_list_read(stack, &addresses, &job));
}
