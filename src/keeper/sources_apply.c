/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What address sources set in the kernel: addresses and routes.
 *
 * The lists of a source say what it has set. They are for records, and for the time when the interface comes
 * up again: the kernel removes IPv6 addresses and all routes of an interface that is set down. An address
 * that another process removes stays away until then, or until the machine sets it again.
 */

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rtnl/nl.h"
#include "rtnl/talk.h"
#include "sources_inside.h"

#define ADDRS_MAX 64  /* of one source; the machines have fewer */
#define ROUTES_MAX 64
/*
 * Above the metrics of static routes. The routes of each interface have another one: the kernel replaces a
 * route that has the same destination and metric, on whatever interface.
 */
#define METRIC(ifindex) (1024 + (uint32_t)(ifindex) % 65536)

static int bytes_of(const struct vs_auto_ip *ip)
{
	return ip->family == AF_INET ? 4 : 16;
}

static bool same_ip(const struct vs_auto_ip *a, const struct vs_auto_ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, (size_t)bytes_of(a)) == 0;
}

/* What is left of a lifetime that was `total` seconds when it was set. */
static uint32_t left_s(uint32_t total, vs_auto_ms set)
{
	int64_t left = total == VS_AUTO_FOREVER ? total : total - (vs_sources_now() - set) / 1000;

	return left < 0 ? 0 : (uint32_t)left;
}

/* ------------------------------------------------------------------ requests */

static bool put_ip(struct nl_msg *msg, int attr, const struct vs_auto_ip *ip)
{
	return nla_put(msg, attr, bytes_of(ip), ip->bytes) == 0;
}

/* The kernel does not derive it for requests. /31 and /32 have none. */
static bool put_broadcast(struct nl_msg *msg, const struct vs_auto_addr *a)
{
	uint8_t all[4];

	if (a->ip.family != AF_INET || a->prefix_len > 30)
		return true;
	for (int i = 0; i < 4; i++) {
		int bits = a->prefix_len - 8 * i;
		all[i] = a->ip.bytes[i] | (uint8_t)(bits >= 8 ? 0 : bits <= 0 ? 255 : 255 >> bits);
	}
	return nla_put(msg, IFA_BROADCAST, 4, all) == 0;
}

static int request_addr(const struct vs_source *s, const struct vs_source_addr *sa, bool set)
{
	const struct vs_auto_addr *a = &sa->addr;
	struct ifaddrmsg info = { .ifa_family = a->ip.family,
				  .ifa_prefixlen = a->prefix_len,
				  .ifa_scope = RT_SCOPE_UNIVERSE,
				  .ifa_index = (unsigned)s->config.ifindex };
	struct ifa_cacheinfo life = { .ifa_valid = left_s(a->valid_s, sa->set),
				      .ifa_prefered = left_s(a->preferred_s, sa->set) };
	uint32_t flags = (a->nodad && a->ip.family == AF_INET6 ? IFA_F_NODAD : 0) |
			 (a->no_prefix_route ? IFA_F_NOPREFIXROUTE : 0);
	VS_AUTO_MSG *msg = vs_nl_request(set ? RTM_NEWADDR : RTM_DELADDR,
					 set ? NLM_F_CREATE | NLM_F_REPLACE : 0, &info, sizeof(info));

	if (set && life.ifa_valid == 0)
		return -ETIME; /* the kernel refuses it, and the machine removes it next */
	if (msg == NULL || !put_ip(msg, IFA_LOCAL, &a->ip) || !put_ip(msg, IFA_ADDRESS, &a->ip))
		return -ENOMEM;
	if (set && (nla_put(msg, IFA_CACHEINFO, sizeof(life), &life) < 0 ||
		    nla_put_u32(msg, IFA_FLAGS, flags) < 0 || !put_broadcast(msg, a)))
		return -ENOMEM;
	return vs_talk(s->iface->stack->cmd, vs_steal_ptr(msg));
}

static int try_route(const struct vs_source *s, const struct vs_source_route *sr, bool set, unsigned flags)
{
	const struct vs_auto_route *r = &sr->route;
	bool scoped = r->gw.family == 0 && r->dst.family == AF_INET;
	struct rtmsg info = { .rtm_family = r->dst.family,
			      .rtm_dst_len = r->prefix_len,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = s->kind->source == VS_SOURCE_RA ? RTPROT_RA : RTPROT_DHCP,
			      .rtm_scope = scoped ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
			      .rtm_type = RTN_UNICAST,
			      .rtm_flags = flags };
	VS_AUTO_MSG *msg = vs_nl_request(set ? RTM_NEWROUTE : RTM_DELROUTE,
					 set ? NLM_F_CREATE | NLM_F_REPLACE : 0, &info, sizeof(info));
	uint32_t metric = r->metric != 0 ? r->metric : METRIC(s->config.ifindex);

	if (msg == NULL || (r->prefix_len > 0 && !put_ip(msg, RTA_DST, &r->dst)) ||
	    (r->gw.family != 0 && !put_ip(msg, RTA_GATEWAY, &r->gw)) ||
	    nla_put_u32(msg, RTA_OIF, (uint32_t)s->config.ifindex) < 0 ||
	    nla_put_u32(msg, RTA_PRIORITY, metric) < 0)
		return -ENOMEM;
	if (set && r->dst.family == AF_INET6 && r->lifetime_s != VS_AUTO_FOREVER &&
	    nla_put_u32(msg, RTA_EXPIRES, left_s(r->lifetime_s, sr->set)) < 0)
		return -ENOMEM;
	return vs_talk(s->iface->stack->cmd, vs_steal_ptr(msg));
}

/* A router outside the prefix of the address is on the link nevertheless. */
static int request_route(const struct vs_source *s, const struct vs_source_route *sr, bool set)
{
	int r = try_route(s, sr, set, 0);

	return set && sr->route.gw.family != 0 && (r == -ENETUNREACH || r == -EHOSTUNREACH || r == -EINVAL)
		       ? try_route(s, sr, set, RTNH_F_ONLINK)
		       : r;
}

/* ------------------------------------------------------------------ the lists of a source */

struct vs_source_addr *vs_sources_apply_find(const struct vs_source *s, const struct vs_auto_ip *ip)
{
	for (size_t i = 0; i < s->n_addrs; i++)
		if (same_ip(&s->addrs[i].addr.ip, ip))
			return &s->addrs[i];
	return NULL;
}

static bool same_route(const struct vs_auto_route *a, const struct vs_auto_route *b)
{
	return same_ip(&a->dst, &b->dst) && a->prefix_len == b->prefix_len && a->metric == b->metric &&
	       a->gw.family == b->gw.family && (a->gw.family == 0 || same_ip(&a->gw, &b->gw));
}

static struct vs_source_route *find_route(const struct vs_source *s, const struct vs_auto_route *route)
{
	for (size_t i = 0; i < s->n_routes; i++)
		if (same_route(&s->routes[i].route, route))
			return &s->routes[i];
	return NULL;
}

/* Room for one more item. NULL: out of memory, or too many. */
static void *grow(void *list, size_t n, size_t max, size_t size)
{
	return n < max ? reallocarray(list, n + 1, size) : NULL;
}

static struct vs_source_addr *new_addr(struct vs_source *s)
{
	struct vs_source_addr *list = grow(s->addrs, s->n_addrs, ADDRS_MAX, sizeof(*list));

	if (list == NULL)
		return NULL;
	s->addrs = list;
	s->iface->stack->generation++;
	return &list[s->n_addrs++];
}

static struct vs_source_route *new_route(struct vs_source *s)
{
	struct vs_source_route *list = grow(s->routes, s->n_routes, ROUTES_MAX, sizeof(*list));

	if (list == NULL)
		return NULL;
	s->routes = list;
	s->iface->stack->generation++;
	return &list[s->n_routes++];
}

static void forget_addr(struct vs_source *s, struct vs_source_addr *a)
{
	*a = s->addrs[--s->n_addrs];
	s->iface->stack->generation++;
}

static void watch_arp(struct vs_source *s, const struct vs_auto_addr *addr, bool set)
{
	static const uint8_t nothing[4];

	if (addr->ip.family == AF_INET)
		vs_sources_sockets_arp_for(s, set ? addr->ip.bytes : nothing);
}

/*
 * While a release of DHCPv4 waits for the server's Ethernet address. That of DHCPv6 is sent to a group, and
 * no address may be used any more when it is sent.
 */
static bool must_stay(const struct vs_source *s)
{
	return s->phase == VS_SOURCE_PARTING && s->kind->source == VS_SOURCE_DHCP4;
}

void vs_sources_apply_addr(struct vs_source *s, const struct vs_auto_addr *addr, bool set)
{
	struct vs_source_addr *a = vs_sources_apply_find(s, &addr->ip);

	watch_arp(s, addr, set);
	if (!set && a == NULL)
		return;
	if (a == NULL && (a = new_addr(s)) == NULL)
		return;
	if (set) {
		*a = (struct vs_source_addr){ .addr = *addr, .set = vs_sources_now(), .seen = true };
		(void)request_addr(s, a, true); /* a failure shows: the address is not usable */
	} else if (!must_stay(s)) {
		(void)request_addr(s, a, false); /* it may have expired in the kernel just now */
		forget_addr(s, a);
	}
}

void vs_sources_apply_route(struct vs_source *s, const struct vs_auto_route *route, bool set)
{
	struct vs_source_route *r = find_route(s, route);

	if (!set && r == NULL)
		return;
	if (r == NULL && (r = new_route(s)) == NULL)
		return;
	if (set) {
		*r = (struct vs_source_route){ *route, vs_sources_now() };
		(void)request_route(s, r, true);
	} else if (!must_stay(s)) {
		(void)request_route(s, r, false);
		*r = s->routes[--s->n_routes];
		s->iface->stack->generation++;
	}
}

void vs_sources_apply_remove_all(struct vs_source *s, bool gone)
{
	for (size_t i = 0; i < s->n_routes && !gone; i++)
		(void)request_route(s, &s->routes[i], false);
	for (size_t i = 0; i < s->n_addrs && !gone; i++)
		(void)request_addr(s, &s->addrs[i], false);
	s->n_routes = s->n_addrs = 0;
	s->iface->stack->generation++;
}

void vs_sources_apply_again(struct vs_source *s)
{
	for (size_t i = 0; i < s->n_addrs; i++)
		(void)request_addr(s, &s->addrs[i], true);
	for (size_t i = 0; i < s->n_routes; i++)
		(void)request_route(s, &s->routes[i], true);
}
