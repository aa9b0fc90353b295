/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The addresses of a stack: adding and removing, the list. */

#include "rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "config/addr_text.h"
#include <vdestack/conf.h>

/* ------------------------------------------------------------------ attributes */

unsigned vs_addr_bytes(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

void vs_addr_format_attr(int family, struct nlattr *attr, char text[INET6_ADDRSTRLEN])
{
	text[0] = '\0';
	if ((family == AF_INET || family == AF_INET6) && attr != NULL &&
	    nla_len(attr) == (int)vs_addr_bytes(family))
		(void)inet_ntop(family, nla_data(attr), text, INET6_ADDRSTRLEN);
}

/* ------------------------------------------------------------------ adding and removing */

int vs_addr_change(struct vs_nl *nl, int type, int ifindex, const struct vs_conf_addr *addr)
{
	bool loopback = addr->family == AF_INET && addr->bytes[0] == 127;
	const struct ifaddrmsg info = {
		.ifa_family = (unsigned char)addr->family,
		.ifa_prefixlen = (unsigned char)addr->prefixlen,
		.ifa_scope = loopback ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE, /* IPv6 finds its scope itself */
		.ifa_index = (unsigned)ifindex,
	};
	int flags = type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0;
	int len = (int)vs_addr_bytes(addr->family);
	VS_AUTO_MSG *msg = vs_nl_request(type, flags, &info, sizeof(info));

	/* Both the same: there is no peer. */
	if (msg == NULL || nla_put(msg, IFA_LOCAL, len, addr->bytes) < 0 ||
	    nla_put(msg, IFA_ADDRESS, len, addr->bytes) < 0)
		return -ENOMEM;
	return vs_nl_talk(nl, msg, NULL, NULL);
}

/* Checks what the caller gave; verb is for the sentence: "add". */
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
		err = vs_nl_open(&nl, stack);
	if (err < 0)
		return err;
	err = vs_addr_change(&nl, type, ifindex, &addr);
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

struct addr_list {
	int ifindex; /* 0: all */
	struct vdestack_addr *list;
	size_t room;
	size_t count; /* how many there are, which may be more than the room */
};

static void begin_list(void *arg)
{
	struct addr_list *list = arg;

	list->count = 0;
}

static int take_addr(void *arg, struct nlmsghdr *hdr)
{
	struct addr_list *list = arg;
	struct nlattr *attrs[IFA_MAX + 1];
	const struct ifaddrmsg *info = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWADDR || nlmsg_parse(hdr, sizeof(*info), attrs, IFA_MAX, NULL) < 0)
		return -EBADMSG;
	if ((info->ifa_family != AF_INET && info->ifa_family != AF_INET6) ||
	    (list->ifindex != 0 && (unsigned)list->ifindex != info->ifa_index))
		return 0;
	if (info->ifa_prefixlen > vs_addr_bytes(info->ifa_family) * 8)
		return -EBADMSG;
	if (list->count++ >= list->room)
		return 0;

	struct vdestack_addr *addr = &list->list[list->count - 1];
	*addr = (struct vdestack_addr){
		.ifindex = (int)info->ifa_index,
		.family = info->ifa_family,
		.prefixlen = info->ifa_prefixlen,
		.flags = vs_nl_u32(attrs[IFA_FLAGS], info->ifa_flags),
	};
	/* Local is ours; address is the peer's where there is one. */
	vs_addr_format_attr(addr->family, attrs[IFA_LOCAL] != NULL ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS],
			    addr->text);
	return 0;
}

static int list_addrs(struct vdestack *stack, struct addr_list *list)
{
	const struct ifaddrmsg all = { .ifa_family = AF_UNSPEC };
	const struct vs_nl_dump dump = { RTM_GETADDR, &all, sizeof(all), begin_list, take_addr, list };
	VS_AUTO_NL nl = { 0 };
	struct vs_link link;

	if (list->ifindex < 0 || (list->list == NULL && list->room > 0))
		return vs_fail(EINVAL, "cannot list addresses: %s",
			       list->ifindex < 0 ? "the index is negative; 0 means all interfaces"
						 : "the list is NULL; then its size must be 0");
	int err = vs_nl_open(&nl, stack);
	if (err < 0)
		return err;
	err = vs_nl_dump(&nl, &dump);
	/* None may mean that there is no such interface. */
	if (err == 0 && list->count == 0 && list->ifindex > 0)
		err = vs_link_get(&nl, list->ifindex, NULL, &link);
	return err < 0 ? vs_nl_fail(&nl, -err, "cannot list addresses") : (int)list->count;
}

int vdestack_addr_list(struct vdestack *stack, int ifindex, struct vdestack_addr *list, size_t n)
{
	struct addr_list job = { .ifindex = ifindex, .list = list, .room = n };

	return vs_edge(list_addrs(stack, &job));
}
