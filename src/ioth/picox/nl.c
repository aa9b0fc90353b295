/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Requests of rtnetlink, checked and served.
 *
 *     datagram --> each message --> table of types --> fixed part and attributes read into a struct
 *                                                      --> op of the stack --> acknowledgement or error
 *
 * What must hold: nothing is read beyond the datagram. Attributes that are read have the length of their
 * type. Names are names that an interface can have. Prefix lengths fit the family. An attribute that would
 * change what the request means is refused if it is not supported.
 */

#include "nl.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "nl_message.h"

#define VDE_VNL 1 /* the attribute of IFLA_INFO_DATA of the kind "vde" */
#define MTU_MAX 9216

/* One request while it is served. */
struct call {
	const struct vs_pxnl *nl;
	struct nlmsghdr *hdr;
	struct vs_pxnl_request request;
	const char *why;
};

static int refuse(struct call *c, int err, const char *why)
{
	c->why = why;
	return -err;
}

/* ------------------------------------------------------------------ answers */

/* As in the kernel: a text follows, if there is one; the request itself is not repeated. */
void vs_pxnl_answer(const struct vs_pxnl *nl, const struct vs_pxnl_request *r, int result, const char *why)
{
	struct nlmsgerr error = { .error = result,
				  .msg = { .nlmsg_len = r->length,
					   .nlmsg_type = r->type,
					   .nlmsg_flags = r->flags,
					   .nlmsg_seq = r->seq,
					   .nlmsg_pid = r->port } };
	bool text = result < 0 && why != NULL;
	struct nl_msg *msg;

	if (result == 0 && (r->flags & NLM_F_ACK) == 0)
		return;
	msg = nlmsg_alloc();
	if (msg == NULL)
		return;
	if (nlmsg_put(msg, r->port, r->seq, NLMSG_ERROR, 0, NLM_F_CAPPED | (text ? NLM_F_ACK_TLVS : 0)) !=
		    NULL &&
	    nlmsg_append(msg, &error, sizeof(error), NLMSG_ALIGNTO) == 0 &&
	    (!text || nla_put_string(msg, NLMSGERR_ATTR_MSG, why) == 0))
		(void)nl->ops->send(nl->arg, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
}

static bool send_message(const struct call *c, struct nl_msg *msg)
{
	bool sent = msg != NULL && c->nl->ops->send(c->nl->arg, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);

	if (msg != NULL)
		nlmsg_free(msg);
	return sent;
}

static struct vs_pxnl_head head_of(const struct call *c, uint16_t flags)
{
	return (struct vs_pxnl_head){ .port = c->request.port, .seq = c->request.seq, .flags = flags };
}

static int end_dump(const struct call *c)
{
	struct vs_pxnl_head head = head_of(c, NLM_F_MULTI);
	struct nl_msg *msg = nlmsg_alloc();
	int result = 0;

	if (msg != NULL && (nlmsg_put(msg, head.port, head.seq, NLMSG_DONE, 0, head.flags) == NULL ||
			    nlmsg_append(msg, &result, sizeof(result), NLMSG_ALIGNTO) < 0)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return send_message(c, msg) ? VS_PXNL_LATER : -ENOBUFS; /* a dump has no other acknowledgement */
}

/* ------------------------------------------------------------------ reading */

/* The fixed part, and the attributes up to max. */
static int parse(struct call *c, size_t fixed, struct nlattr **attrs, int max)
{
	if ((size_t)nlmsg_datalen(c->hdr) < fixed)
		return refuse(c, EINVAL, "the message is shorter than its fixed part");
	if (nlmsg_parse(c->hdr, (int)fixed, attrs, max, NULL) < 0)
		return refuse(c, EINVAL, "an attribute is malformed");
	return 0;
}

/* 0: it is not there, or has this length. */
static int check_length(struct call *c, const struct nlattr *attr, int n)
{
	if (attr != NULL && nla_len(attr) != n)
		return refuse(c, EINVAL, "an attribute has a wrong length");
	return 0;
}

static uint32_t u32(const struct nlattr *attr, uint32_t otherwise)
{
	return attr != NULL ? nla_get_u32(attr) : otherwise;
}

/* A text with or without its NUL, which is not empty. */
static int read_text(struct call *c, const struct nlattr *attr, char *to, size_t size)
{
	size_t n = strnlen(nla_data(attr), (size_t)nla_len(attr));

	if (n == 0 || n >= size)
		return refuse(c, n == 0 ? EINVAL : ENAMETOOLONG, "a text is empty or too long");
	memcpy(to, nla_data(attr), n);
	to[n] = '\0';
	return 0;
}

static int read_name(struct call *c, const struct nlattr *attr, char name[IF_NAMESIZE])
{
	if (attr == NULL)
		return 0;
	int r = read_text(c, attr, name, IF_NAMESIZE);
	if (r == 0 && strcmp(name, "lo") != 0 && !vs_ifname_valid(name))
		return refuse(c, EINVAL, "an interface cannot have this name");
	return r;
}

static int addr_bytes(uint8_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

/* ------------------------------------------------------------------ links */

/* By index, or else by name. */
static int find_link(struct call *c, const struct ifinfomsg *info, const char *name, struct vs_pxnl_link *out)
{
	const struct vs_pxnl_ops *ops = c->nl->ops;

	if (info->ifi_index <= 0 && name[0] == '\0')
		return refuse(c, EINVAL, "neither index nor name of an interface is given");
	for (size_t i = 0; ops->link_at(c->nl->arg, i, out); i++)
		if (info->ifi_index > 0 ? out->ifindex == info->ifi_index : strcmp(out->name, name) == 0)
			return 0;
	return refuse(c, ENODEV, "there is no such interface");
}

static int read_change(struct call *c, const struct ifinfomsg *info, struct nlattr *const *attrs,
		       struct vs_pxnl_change *change)
{
	int r = check_length(c, attrs[IFLA_MTU], 4);

	if (r == 0)
		r = check_length(c, attrs[IFLA_ADDRESS], 6);
	if (r < 0)
		return r;
	/* An old way to ask: no mask stands for all flags. */
	uint32_t mask = info->ifi_change != 0 ? info->ifi_change : info->ifi_flags != 0 ? UINT32_MAX : 0;
	change->mask = mask & IFF_UP;
	change->flags = info->ifi_flags & change->mask;
	if (attrs[IFLA_MTU] != NULL) {
		change->mtu = u32(attrs[IFLA_MTU], 0);
		if (change->mtu < 68 || change->mtu > MTU_MAX)
			return refuse(c, EINVAL, "the MTU is not between 68 and 9216");
	}
	change->has_mac = attrs[IFLA_ADDRESS] != NULL;
	if (change->has_mac) {
		memcpy(change->mac, nla_data(attrs[IFLA_ADDRESS]), 6);
		if ((change->mac[0] & 1) != 0 || memcmp(change->mac, (uint8_t[6]){ 0 }, 6) == 0)
			return refuse(c, EADDRNOTAVAIL, "no interface can have this MAC");
	}
	return 0;
}

static int get_link(struct call *c)
{
	const struct vs_pxnl_ops *ops = c->nl->ops;
	struct nlattr *attrs[IFLA_MAX + 1];
	struct vs_pxnl_link link;
	char name[IF_NAMESIZE] = "";
	bool dump = (c->request.flags & NLM_F_DUMP) != 0;
	struct vs_pxnl_head head = head_of(c, dump ? NLM_F_MULTI : 0);

	/* getifaddrs(3) and others ask for a dump with a struct rtgenmsg. */
	if (dump && nlmsg_datalen(c->hdr) >= (int)sizeof(struct rtgenmsg)) {
		for (size_t i = 0; ops->link_at(c->nl->arg, i, &link); i++)
			if (!send_message(c, vs_pxnl_link_message(RTM_NEWLINK, &head, &link)))
				return -ENOBUFS;
		return end_dump(c);
	}
	int r = parse(c, sizeof(struct ifinfomsg), attrs, IFLA_MAX);
	if (r == 0)
		r = read_name(c, attrs[IFLA_IFNAME], name);
	if (r == 0)
		r = find_link(c, nlmsg_data(c->hdr), name, &link);
	if (r < 0)
		return r;
	return send_message(c, vs_pxnl_link_message(RTM_NEWLINK, &head, &link)) ? 0 : -ENOBUFS;
}

/* What is to be made: only links of the kind "vde". */
static int read_kind(struct call *c, struct nlattr *info, struct vs_pxnl_new_link *link)
{
	struct nlattr *attrs[IFLA_INFO_MAX + 1], *data[VDE_VNL + 1];

	if (info == NULL || nla_parse_nested(attrs, IFLA_INFO_MAX, info, NULL) < 0 ||
	    attrs[IFLA_INFO_KIND] == NULL)
		return refuse(c, EINVAL, "the kind of the new link is not given");
	char kind[16];
	if (read_text(c, attrs[IFLA_INFO_KIND], kind, sizeof(kind)) < 0 || strcmp(kind, "vde") != 0)
		return refuse(c, EOPNOTSUPP, "the only kind of links is vde");
	if (attrs[IFLA_INFO_DATA] == NULL)
		return 0;
	if (nla_parse_nested(data, VDE_VNL, attrs[IFLA_INFO_DATA], NULL) < 0)
		return refuse(c, EINVAL, "an attribute of the new link is malformed");
	return data[VDE_VNL] == NULL || nla_len(data[VDE_VNL]) == 0
		       ? 0
		       : read_text(c, data[VDE_VNL], link->vnl, sizeof(link->vnl));
}

static int make_link(struct call *c, const struct ifinfomsg *info, struct nlattr *const *attrs,
		     const char *name)
{
	struct vs_pxnl_new_link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return -ENOMEM;
	memcpy(link->name, name, IF_NAMESIZE);
	link->ifindex = info->ifi_index > 0 ? info->ifi_index : 0;
	int r = read_kind(c, attrs[IFLA_LINKINFO], link);
	if (r == 0)
		r = read_change(c, info, attrs, &link->change);
	if (r == 0 && strcmp(name, "lo") == 0)
		r = refuse(c, EEXIST, "lo is there already");
	if (r == 0)
		r = c->nl->ops->link_new(c->nl->arg, &c->request, link, &c->why);
	free(link);
	return r;
}

/* RTM_NEWLINK and RTM_SETLINK: of a link that is there, a change; otherwise, with NLM_F_CREATE, a new one. */
static int set_link(struct call *c)
{
	struct nlattr *attrs[IFLA_MAX + 1];
	struct vs_pxnl_change change = { 0 };
	struct vs_pxnl_link found;
	char name[IF_NAMESIZE] = "";
	const struct ifinfomsg *info = nlmsg_data(c->hdr);
	int r = parse(c, sizeof(*info), attrs, IFLA_MAX);

	if (r == 0)
		r = read_name(c, attrs[IFLA_IFNAME], name);
	if (r < 0)
		return r;
	bool create = c->request.type == RTM_NEWLINK && (c->request.flags & NLM_F_CREATE) != 0;
	/* A new link with a wished index is looked for by both. */
	r = info->ifi_index > 0 || name[0] != '\0' ? find_link(c, info, name, &found) : -ENODEV;
	if (r < 0 && create) {
		c->why = NULL;
		return make_link(c, info, attrs, name);
	}
	if (r < 0)
		return name[0] == '\0' && info->ifi_index <= 0 ? refuse(c, EINVAL, "no interface is named")
							       : r;
	if (create && (c->request.flags & NLM_F_EXCL) != 0)
		return refuse(c, EEXIST, "the interface is there already");
	if (attrs[IFLA_MASTER] != NULL || attrs[IFLA_NET_NS_FD] != NULL || attrs[IFLA_NET_NS_PID] != NULL)
		return refuse(c, EOPNOTSUPP, "there are no bridges and no namespaces in this stack");
	r = read_change(c, info, attrs, &change);
	if (r < 0)
		return r;
	if (name[0] != '\0' && strcmp(name, found.name) != 0)
		memcpy(change.name, name, sizeof(name));
	return c->nl->ops->link_set(c->nl->arg, found.ifindex, &change, &c->why);
}

static int del_link(struct call *c)
{
	struct nlattr *attrs[IFLA_MAX + 1];
	struct vs_pxnl_link found;
	char name[IF_NAMESIZE] = "";
	int r = parse(c, sizeof(struct ifinfomsg), attrs, IFLA_MAX);

	if (r == 0)
		r = read_name(c, attrs[IFLA_IFNAME], name);
	if (r == 0)
		r = find_link(c, nlmsg_data(c->hdr), name, &found);
	if (r == 0 && found.loopback)
		r = refuse(c, EOPNOTSUPP, "lo cannot be deleted");
	return r < 0 ? r : c->nl->ops->link_del(c->nl->arg, found.ifindex, &c->why);
}

/* ------------------------------------------------------------------ addresses */

static int get_addrs(struct call *c)
{
	struct vs_pxnl_head head = head_of(c, NLM_F_MULTI);
	const struct rtgenmsg *want = nlmsg_data(c->hdr);
	struct vs_pxnl_addr addr;

	if ((c->request.flags & NLM_F_DUMP) == 0)
		return refuse(c, EOPNOTSUPP, "addresses can only be listed");
	if (nlmsg_datalen(c->hdr) < (int)sizeof(*want))
		return refuse(c, EINVAL, "the message is shorter than its fixed part");
	for (size_t i = 0; c->nl->ops->addr_at(c->nl->arg, i, &addr); i++)
		if ((want->rtgen_family == AF_UNSPEC || want->rtgen_family == addr.family) &&
		    !send_message(c, vs_pxnl_addr_message(RTM_NEWADDR, &head, &addr)))
			return -ENOBUFS;
	return end_dump(c);
}

static int read_addr(struct call *c, struct vs_pxnl_addr *addr)
{
	struct nlattr *attrs[IFA_MAX + 1];
	const struct ifaddrmsg *info = nlmsg_data(c->hdr);
	int r = parse(c, sizeof(*info), attrs, IFA_MAX);
	int n = r == 0 ? addr_bytes(info->ifa_family) : 0;

	if (r == 0 && n == 0)
		r = refuse(c, EAFNOSUPPORT, "addresses are IPv4 or IPv6");
	if (r == 0)
		r = check_length(c, attrs[IFA_LOCAL], n);
	if (r == 0)
		r = check_length(c, attrs[IFA_ADDRESS], n);
	if (r == 0)
		r = check_length(c, attrs[IFA_FLAGS], 4);
	if (r == 0)
		r = check_length(c, attrs[IFA_CACHEINFO], sizeof(struct ifa_cacheinfo));
	if (r < 0)
		return r;
	struct nlattr *own = attrs[IFA_LOCAL] != NULL ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
	if (own == NULL || info->ifa_prefixlen > n * 8)
		return refuse(c, EINVAL, "there is no address, or its prefix is too long");
	if (attrs[IFA_LOCAL] != NULL && attrs[IFA_ADDRESS] != NULL &&
	    memcmp(nla_data(attrs[IFA_LOCAL]), nla_data(attrs[IFA_ADDRESS]), (size_t)n) != 0)
		return refuse(c, EOPNOTSUPP, "addresses with a peer are not supported");
	*addr = (struct vs_pxnl_addr){ .ifindex = (int)info->ifa_index,
				       .family = info->ifa_family,
				       .prefix_len = info->ifa_prefixlen,
				       .flags = u32(attrs[IFA_FLAGS], info->ifa_flags),
				       .valid_s = UINT32_MAX,
				       .preferred_s = UINT32_MAX };
	memcpy(addr->bytes, nla_data(own), (size_t)n);
	if (attrs[IFA_CACHEINFO] != NULL) {
		struct ifa_cacheinfo times;
		memcpy(&times, nla_data(attrs[IFA_CACHEINFO]), sizeof(times));
		addr->valid_s = times.ifa_valid;
		addr->preferred_s = times.ifa_prefered;
		if (addr->valid_s == 0 || addr->preferred_s > addr->valid_s)
			return refuse(c, EINVAL, "the lifetimes are impossible");
	}
	return 0;
}

static bool is_multicast(uint8_t family, const uint8_t *bytes)
{
	return family == AF_INET ? bytes[0] >= 224 : bytes[0] == 0xff;
}

static bool is_zero(const uint8_t bytes[16])
{
	static const uint8_t zero[16];

	return memcmp(bytes, zero, sizeof(zero)) == 0;
}

static int change_addr(struct call *c)
{
	const struct vs_pxnl_ops *ops = c->nl->ops;
	struct vs_pxnl_addr addr;
	struct vs_pxnl_link link;
	int r = read_addr(c, &addr);

	if (r == 0)
		r = find_link(c, &(struct ifinfomsg){ .ifi_index = addr.ifindex }, "", &link);
	if (r < 0)
		return r;
	if (c->request.type == RTM_DELADDR)
		return ops->addr_del(c->nl->arg, &addr, &c->why);
	if (is_multicast(addr.family, addr.bytes) || is_zero(addr.bytes))
		return refuse(c, EINVAL, "an interface cannot have this address");
	return ops->addr_new(c->nl->arg, &addr, (c->request.flags & NLM_F_REPLACE) != 0, &c->why);
}

/* ------------------------------------------------------------------ routes */

static int get_routes(struct call *c)
{
	struct vs_pxnl_head head = head_of(c, NLM_F_MULTI);
	const struct rtgenmsg *want = nlmsg_data(c->hdr);
	struct vs_pxnl_route route;

	if ((c->request.flags & NLM_F_DUMP) == 0)
		return refuse(c, EOPNOTSUPP, "routes can only be listed");
	if (nlmsg_datalen(c->hdr) < (int)sizeof(*want))
		return refuse(c, EINVAL, "the message is shorter than its fixed part");
	for (size_t i = 0; c->nl->ops->route_at(c->nl->arg, i, &route); i++)
		if ((want->rtgen_family == AF_UNSPEC || want->rtgen_family == route.family) &&
		    !send_message(c, vs_pxnl_route_message(RTM_NEWROUTE, &head, &route)))
			return -ENOBUFS;
	return end_dump(c);
}

/* What would make it another route than the one that is read. */
static int refuse_other_routes(struct call *c, const struct rtmsg *info, struct nlattr *const *attrs)
{
	uint32_t table = u32(attrs[RTA_TABLE], info->rtm_table);

	if (table != RT_TABLE_MAIN && table != RT_TABLE_UNSPEC)
		return refuse(c, EOPNOTSUPP, "there is only the main table");
	if (info->rtm_type != RTN_UNICAST && info->rtm_type != RTN_UNSPEC)
		return refuse(c, EOPNOTSUPP, "routes are unicast");
	if (attrs[RTA_VIA] != NULL || attrs[RTA_MULTIPATH] != NULL || attrs[RTA_ENCAP] != NULL ||
	    attrs[RTA_SRC] != NULL || info->rtm_src_len != 0 || info->rtm_tos != 0)
		return refuse(c, EOPNOTSUPP, "the route has a property that this stack does not know");
	return 0;
}

static int read_route(struct call *c, struct vs_pxnl_route *route)
{
	struct nlattr *attrs[RTA_MAX + 1];
	const struct rtmsg *info = nlmsg_data(c->hdr);
	static const struct {
		int attr, bytes; /* 0: of an address */
	} lengths[] = {
		{ RTA_DST, 0 }, { RTA_GATEWAY, 0 }, { RTA_OIF, 4 }, { RTA_PRIORITY, 4 }, { RTA_TABLE, 4 }
	};
	int r = parse(c, sizeof(*info), attrs, RTA_MAX);
	int n = r == 0 ? addr_bytes(info->rtm_family) : 0;

	if (r == 0 && n == 0)
		r = refuse(c, EAFNOSUPPORT, "routes are IPv4 or IPv6");
	for (size_t i = 0; i < VS_COUNT(lengths) && r == 0; i++)
		r = check_length(c, attrs[lengths[i].attr], lengths[i].bytes != 0 ? lengths[i].bytes : n);
	if (r == 0)
		r = refuse_other_routes(c, info, attrs);
	if (r < 0)
		return r;
	if (info->rtm_dst_len > n * 8 || (info->rtm_dst_len > 0 && attrs[RTA_DST] == NULL))
		return refuse(c, EINVAL, "the destination is missing, or its prefix is too long");
	*route = (struct vs_pxnl_route){ .family = info->rtm_family,
					 .prefix_len = info->rtm_dst_len,
					 .has_gw = attrs[RTA_GATEWAY] != NULL,
					 .ifindex = (int)u32(attrs[RTA_OIF], 0),
					 .metric = u32(attrs[RTA_PRIORITY], 0),
					 .protocol = info->rtm_protocol };
	if (attrs[RTA_DST] != NULL)
		memcpy(route->dst, nla_data(attrs[RTA_DST]), (size_t)n);
	if (route->has_gw)
		memcpy(route->gw, nla_data(attrs[RTA_GATEWAY]), (size_t)n);
	return 0;
}

/* The bits behind the prefix are zero. */
static bool is_prefix(const struct vs_pxnl_route *route)
{
	for (unsigned bit = route->prefix_len; bit < (unsigned)addr_bytes(route->family) * 8; bit++)
		if (route->dst[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

static int change_route(struct call *c)
{
	const struct vs_pxnl_ops *ops = c->nl->ops;
	struct vs_pxnl_route route;
	struct vs_pxnl_link link;
	int r = read_route(c, &route);

	if (r == 0 && route.ifindex != 0)
		r = find_link(c, &(struct ifinfomsg){ .ifi_index = route.ifindex }, "", &link);
	if (r < 0)
		return r;
	if (!is_prefix(&route))
		return refuse(c, EINVAL, "the destination has bits behind its prefix");
	if (c->request.type == RTM_DELROUTE)
		return ops->route_del(c->nl->arg, &route, &c->why);
	if (route.has_gw && (is_zero(route.gw) || is_multicast(route.family, route.gw)))
		return refuse(c, EINVAL, "no router can have this address");
	if (!route.has_gw && route.ifindex == 0)
		return refuse(c, EINVAL, "neither gateway nor interface of the route is given");
	return ops->route_new(c->nl->arg, &route, (c->request.flags & NLM_F_REPLACE) != 0, &c->why);
}

/* ------------------------------------------------------------------ dispatch */

static int serve(struct call *c)
{
	static const struct {
		uint16_t type;
		int (*serve)(struct call *c);
	} table[] = {
		{ RTM_GETLINK, get_link },      { RTM_NEWLINK, set_link },    { RTM_SETLINK, set_link },
		{ RTM_DELLINK, del_link },      { RTM_GETADDR, get_addrs },   { RTM_NEWADDR, change_addr },
		{ RTM_DELADDR, change_addr },   { RTM_GETROUTE, get_routes }, { RTM_NEWROUTE, change_route },
		{ RTM_DELROUTE, change_route },
	};

	for (size_t i = 0; i < VS_COUNT(table); i++)
		if (table[i].type == c->request.type)
			return table[i].serve(c);
	return refuse(c, EOPNOTSUPP, "this stack has links, addresses and routes only");
}

int vs_pxnl_serve(const struct vs_pxnl *nl, const void *bytes, size_t n)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)bytes;
	int left = n <= VS_PXNL_MESSAGE_MAX ? (int)n : 0, served = 0;

	for (; nlmsg_ok(hdr, left); hdr = nlmsg_next(hdr, &left)) {
		struct call c = { .nl = nl,
				  .hdr = hdr,
				  .request = { .length = hdr->nlmsg_len,
					       .seq = hdr->nlmsg_seq,
					       .port = hdr->nlmsg_pid != 0 ? hdr->nlmsg_pid : nl->port,
					       .type = hdr->nlmsg_type,
					       .flags = hdr->nlmsg_flags } };
		if (hdr->nlmsg_type < NLMSG_MIN_TYPE || (hdr->nlmsg_flags & NLM_F_REQUEST) == 0)
			continue; /* as the kernel does */
		served++;
		int r = serve(&c);
		if (r != VS_PXNL_LATER)
			vs_pxnl_answer(nl, &c.request, r, c.why);
	}
	return served;
}
