/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses: adding and removing, the list. */

#include "rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

/* ------------------------------------------------------------------ attributes */

unsigned vs_rtnl_addr_bytes(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

void vs_rtnl_addr_text(int family, struct nlattr *attr, char text[INET6_ADDRSTRLEN])
{
	text[0] = '\0';
	if ((family == AF_INET || family == AF_INET6) && attr != NULL &&
	    nla_len(attr) == (int)vs_rtnl_addr_bytes(family))
		(void)inet_ntop(family, nla_data(attr), text, INET6_ADDRSTRLEN);
}

/* ------------------------------------------------------------------ adding and removing */

int vs_rtnl_addr_change(struct vs_nl *nl, int type, int ifindex, const struct vs_conf_addr *addr, bool nodad)
{
	bool loopback = addr->family == AF_INET && addr->bytes[0] == 127;
	const struct ifaddrmsg info = {
		.ifa_family = (unsigned char)addr->family,
		.ifa_prefixlen = (unsigned char)addr->prefixlen,
		.ifa_flags = nodad && addr->family == AF_INET6 ? IFA_F_NODAD : 0,
		.ifa_scope = loopback ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE, /* IPv6 finds its scope itself */
		.ifa_index = (unsigned)ifindex,
	};
	int flags = type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0;
	int len = (int)vs_rtnl_addr_bytes(addr->family);
	VS_AUTO_MSG *msg = vs_nl_request(type, flags, &info, sizeof(info));

	/* Both the same: there is no peer. */
	if (msg == NULL || nla_put(msg, IFA_LOCAL, len, addr->bytes) < 0 ||
	    nla_put(msg, IFA_ADDRESS, len, addr->bytes) < 0)
		return -ENOMEM;
	return vs_nl_talk(nl, msg, NULL, NULL);
}

/* ------------------------------------------------------------------ the list */

static int take_addr(void *arg, struct nlmsghdr *hdr)
{
	const struct vs_nl_reader *reader = arg;
	struct nlattr *attrs[IFA_MAX + 1];
	const struct ifaddrmsg *info = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWADDR || nlmsg_parse(hdr, sizeof(*info), attrs, IFA_MAX, NULL) < 0)
		return -EBADMSG;
	if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
		return 0;
	if (info->ifa_prefixlen > vs_rtnl_addr_bytes(info->ifa_family) * 8)
		return -EBADMSG;
	struct vs_rtnl_addr addr = {
		.ifindex = (int)info->ifa_index,
		.family = info->ifa_family,
		.prefix_len = info->ifa_prefixlen,
		.flags = vs_nl_u32(attrs[IFA_FLAGS], info->ifa_flags),
	};
	/* IFA_LOCAL is ours. IFA_ADDRESS is that of the peer, if there is one. */
	vs_rtnl_addr_text(addr.family, attrs[IFA_LOCAL] != NULL ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS],
			  addr.text);
	reader->take(reader->arg, &addr);
	return 0;
}

int vs_rtnl_addr_list(struct vs_nl *nl, const struct vs_nl_reader *reader)
{
	const struct ifaddrmsg all = { .ifa_family = AF_UNSPEC };

	return vs_nl_list(nl, RTM_GETADDR, &all, sizeof(all), take_addr, reader);
}
