/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Waiting until a stack can be used.
 *
 *     begin: subscribe ──▶ step: read the state ──▶ ready, or it cannot become ready: done
 *                                ▲      │ not yet
 *                                │      ▼
 *                                └── the socket is readable: the kernel notifies of a change
 *
 * The subscription comes first, so a change after a read makes the socket readable. The content of a
 * notification is ignored: each one, also a lost one, only means that the state must be read again. So no
 * copy of the state is kept, and none can be wrong. A read counts only if no notification came meanwhile,
 * before the answers or between them. The parts of a read are not of one moment, and the link-local address
 * of an interface appears together with its carrier.
 *
 * A step never sleeps, and it reads the state a few times at most. If the stack changes faster than that, the
 * next step is due at once.
 *
 * There are two uses. For the whole stack: every interface that is up has its carrier, and every address is
 * past duplicate address detection. For a configuration: its interfaces on segments have their carrier, and
 * its IPv6 addresses are there and past the detection. IPv4 has no such detection.
 *
 * With nodad an IPv6 address can be sent from at once. But neighbours ask for it by a multicast group, which
 * the kernel joins a little later, in a work item that may wait for other changes of links; questions that
 * come before are lost. The kernel notifies of the address once more when it has joined.
 */

#include "ready.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "rtnl.h"

#define LOOKS_AT_ONCE 4
#define CARRIER_FLAGS ((unsigned)IFF_RUNNING | (unsigned)IFF_LOWER_UP)

/* ------------------------------------------------------------------ reading the state */

static void begin_links(void *arg)
{
	struct vs_ready *watch = arg;

	watch->link_pending = false;
	watch->what[0] = '\0';
}

/*
 * The port of a segment's bridge forwards only after the kernel has noticed that both ends of the veth pair
 * are up, which is a little later. What is sent before is lost. The stack's end gets its operational state at
 * the same moment. Its flags are no proof: a device that was just made has the state "unknown", and with it
 * IFF_RUNNING (the kernel's operstates.rst).
 */
static bool on_segment(const struct vs_conf_iface *iface)
{
	return vs_locator_is_segment(iface->locator.kind);
}

static bool is_wanted_link(const struct vs_ready *watch, const char *name)
{
	for (size_t i = 0; watch->config != NULL && i < watch->config->n_ifaces; i++)
		if (on_segment(&watch->config->ifaces[i]) && strcmp(watch->config->ifaces[i].name, name) == 0)
			return true;
	return watch->config == NULL;
}

/* A loopback device never gets another state than "unknown", nor do some that others have made. */
static bool has_carrier(const struct vs_ready *watch, const struct ifinfomsg *info, struct nlmsghdr *hdr)
{
	const struct nlattr *state = nlmsg_find_attr(hdr, sizeof(*info), IFLA_OPERSTATE);
	bool unknown = state != NULL && nla_len(state) == 1 && nla_get_u8(state) == IF_OPER_UNKNOWN;

	return (info->ifi_flags & CARRIER_FLAGS) == CARRIER_FLAGS && !(unknown && watch->config != NULL);
}

static int look_at_link(void *arg, struct nlmsghdr *hdr)
{
	struct vs_ready *watch = arg;
	const struct ifinfomsg *info = nlmsg_data(hdr);
	char name[IF_NAMESIZE] = "?";

	if (!nlmsg_valid_hdr(hdr, sizeof(*info)))
		return -EBADMSG;
	struct nlattr *attr = nlmsg_find_attr(hdr, sizeof(*info), IFLA_IFNAME);
	if (attr != NULL)
		(void)nla_strlcpy(name, attr, sizeof(name));
	if ((info->ifi_flags & IFF_UP) == 0 || has_carrier(watch, info, hdr) || !is_wanted_link(watch, name))
		return 0;
	if (!watch->link_pending)
		(void)snprintf(watch->what, sizeof(watch->what), "interface %s has no carrier", name);
	watch->link_pending = true;
	return 0;
}

static void begin_addrs(void *arg)
{
	struct vs_ready *watch = arg;

	watch->n_usable = 0;
	watch->addr_pending = watch->addr_failed = false;
	watch->ifindex = 0;
	if (!watch->link_pending)
		watch->what[0] = '\0';
}

static bool is_learning(const struct vs_ready *watch, int ifindex)
{
	for (size_t i = 0; i < watch->n_learning; i++)
		if (watch->learning[i] == ifindex)
			return true;
	return false;
}

static bool is_wanted(const struct vs_ready *watch, int ifindex, const void *bytes)
{
	if (is_learning(watch, ifindex))
		return true;
	for (size_t i = 0; i < watch->n_wanted; i++)
		if (watch->wanted[i].ifindex == ifindex &&
		    memcmp(watch->wanted[i].addr->bytes, bytes, sizeof(struct in6_addr)) == 0)
			return true;
	return watch->config == NULL;
}

static void note_addr(struct vs_ready *watch, const struct ifaddrmsg *info, struct nlattr *attr,
		      const char *state)
{
	vs_rtnl_addr_text(info->ifa_family, attr, watch->addr);
	watch->ifindex = (int)info->ifa_index;
	watch->state = state;
	(void)snprintf(watch->what, sizeof(watch->what), "address %s on interface %d %s", watch->addr,
		       watch->ifindex, state);
}

/* Names the interface, if it is still there. No request can be sent between the messages of a dump. */
static void put_name(struct vs_ready *watch)
{
	struct vs_rtnl_link link;

	if (watch->ifindex > 0 && vs_rtnl_link_get(watch->nl, watch->ifindex, NULL, &link) == 0)
		(void)snprintf(watch->what, sizeof(watch->what), "address %s on interface %s %s", watch->addr,
			       link.name, watch->state);
}

static void begin_groups(void *arg)
{
	struct vs_ready *watch = arg;

	watch->n_joined = 0;
}

/* Whether a group is the solicited-node multicast address of addr (RFC 4291 section 2.7.1). */
static bool is_group_of(const unsigned char *group, const unsigned char *addr)
{
	static const unsigned char head[13] = { 0xff, 2, [11] = 1, [12] = 0xff };

	return memcmp(group, head, sizeof(head)) == 0 && memcmp(group + 13, addr + 13, 3) == 0;
}

static int look_at_group(void *arg, struct nlmsghdr *hdr)
{
	struct vs_ready *watch = arg;
	const struct ifaddrmsg *info = nlmsg_data(hdr);

	if (!nlmsg_valid_hdr(hdr, sizeof(*info)))
		return -EBADMSG;
	struct nlattr *group = nlmsg_find_attr(hdr, sizeof(*info), IFA_MULTICAST);
	if (info->ifa_family != AF_INET6 || group == NULL || nla_len(group) != (int)sizeof(struct in6_addr))
		return 0;
	for (size_t i = 0; i < watch->n_wanted; i++)
		watch->n_joined += watch->wanted[i].nodad &&
				   watch->wanted[i].ifindex == (int)info->ifa_index &&
				   is_group_of(nla_data(group), watch->wanted[i].addr->bytes);
	return 0;
}

static int look_at_addr(void *arg, struct nlmsghdr *hdr)
{
	struct vs_ready *watch = arg;
	struct nlattr *attrs[IFA_MAX + 1];
	const struct ifaddrmsg *info = nlmsg_data(hdr);

	if (nlmsg_parse(hdr, sizeof(*info), attrs, IFA_MAX, NULL) < 0)
		return -EBADMSG;
	struct nlattr *addr = attrs[attrs[IFA_LOCAL] != NULL ? IFA_LOCAL : IFA_ADDRESS];
	if (info->ifa_family != AF_INET6 || addr == NULL || nla_len(addr) != (int)sizeof(struct in6_addr) ||
	    !is_wanted(watch, (int)info->ifa_index, nla_data(addr)))
		return 0;

	unsigned flags = vs_nl_u32(attrs[IFA_FLAGS], info->ifa_flags);
	if ((flags & IFA_F_DADFAILED) != 0 && !is_learning(watch, (int)info->ifa_index)) {
		watch->addr_failed = true;
		note_addr(watch, info, addr, "is in use by another host");
	} else if ((flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0) {
		if (watch->what[0] == '\0')
			note_addr(watch, info, addr, "is still in duplicate address detection");
		watch->addr_pending = true;
	} else {
		watch->n_usable++;
	}
	return 0;
}

/* Reads the state once. 1: ready; 0: not yet; -EADDRNOTAVAIL: an address is in use; or another -errno. */
static int look(struct vs_ready *watch)
{
	const struct ifinfomsg links = { .ifi_family = AF_UNSPEC };
	const struct ifaddrmsg addrs = { .ifa_family = AF_INET6 };
	const struct vs_nl_dump link_dump = { RTM_GETLINK, &links,       sizeof(links),
					      begin_links, look_at_link, watch };
	const struct vs_nl_dump addr_dump = { RTM_GETADDR, &addrs,       sizeof(addrs),
					      begin_addrs, look_at_addr, watch };
	const struct vs_nl_dump group_dump = { RTM_GETMULTICAST, &addrs,        sizeof(addrs),
					       begin_groups,     look_at_group, watch };
	int r = watch->links ? vs_nl_dump(watch->nl, &link_dump) : 0;

	if (r == 0 && (watch->config == NULL || watch->n_wanted + watch->n_learning > 0))
		r = vs_nl_dump(watch->nl, &addr_dump);
	if (r == 0 && watch->n_nodad > 0)
		r = vs_nl_dump(watch->nl, &group_dump);
	if (r == 0 && watch->n_joined < watch->n_nodad && watch->what[0] == '\0')
		(void)snprintf(watch->what, sizeof(watch->what),
			       "the kernel has not joined the group of an address");
	if (r == 0 && watch->addr_failed)
		r = -EADDRNOTAVAIL;
	if (r < 0)
		return r;
	return !watch->link_pending && !watch->addr_pending && watch->n_usable >= watch->n_wanted &&
	       watch->n_joined >= watch->n_nodad;
}

/* ------------------------------------------------------------------ waiting */

static int subscribe(const struct vs_ready *watch)
{
	int r = vs_nl_subscribe(watch->nl, RTNLGRP_IPV6_IFADDR);

	if (r == 0 && watch->links)
		r = vs_nl_subscribe(watch->nl, RTNLGRP_LINK);
	return r < 0 ? vs_nl_fail(watch->nl, -r, "cannot wait for the stack") : 0;
}

int vs_ready_step(struct vs_ready *watch)
{
	struct vs_nl *nl = watch->nl;

	watch->at_once = false;
	for (int i = 0; i < LOOKS_AT_ONCE; i++) {
		nl->noticed = false;
		int seen = look(watch);
		if (seen == -EAGAIN)
			continue; /* changes disturbed every attempt */
		int r = seen < 0 ? seen : vs_nl_drain(nl);
		if (r == -EADDRNOTAVAIL) {
			put_name(watch);
			return vs_fail(EADDRNOTAVAIL,
				       "cannot make the stack ready: %s; choose another address",
				       watch->what);
		}
		if (r < 0)
			return vs_nl_fail(nl, -r, "cannot wait for the stack");
		watch->was_ready = seen > 0;
		if (!nl->noticed)
			return seen > 0 ? 0 : VS_NOT_YET;
	}
	watch->at_once = true; /* the changes may be over by now, and nothing would wake us */
	return VS_NOT_YET;
}

const char *vs_ready_missing(struct vs_ready *watch)
{
	put_name(watch);
	return watch->what[0] != '\0' ? watch->what : "an address that was asked for is not there";
}

int vs_ready_late(struct vs_ready *watch)
{
	if (watch->was_ready)
		return 0;
	return vs_fail(ETIMEDOUT,
		       "cannot wait longer for the stack: %s; plug in its other side, or wait longer",
		       vs_ready_missing(watch));
}

int vs_ready_wait(struct vs_ready *watch, int64_t deadline_ms)
{
	struct pollfd change = { .fd = vs_nl_fd(watch->nl), .events = POLLIN };
	int r;

	while ((r = vs_ready_step(watch)) == VS_NOT_YET) {
		int left = vs_left_ms(deadline_ms);
		if (left == 0 || (!watch->at_once && poll(&change, 1, left) == 0))
			return vs_ready_late(watch);
	}
	return r;
}

/* ------------------------------------------------------------------ what is waited for */

static size_t count_ipv6(const struct vs_config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->n_ifaces; i++)
		for (size_t j = 0; j < config->ifaces[i].n_addrs; j++)
			count += config->ifaces[i].addrs[j].family == AF_INET6;
	return count;
}

static bool any_on_segment(const struct vs_config *config)
{
	for (size_t i = 0; i < config->n_ifaces; i++)
		if (on_segment(&config->ifaces[i]))
			return true;
	return false;
}

/* Fills wanted[], which has room for all IPv6 addresses of the configuration. */
static int find_wanted(struct vs_ready *watch)
{
	struct vs_ready_addr *next = watch->wanted;

	for (size_t i = 0; i < watch->config->n_ifaces; i++) {
		const struct vs_conf_iface *iface = &watch->config->ifaces[i];
		struct vs_rtnl_link link;
		int r = vs_rtnl_link_peek(watch->nl, iface->name, &link);
		if (r < 0)
			return vs_nl_fail(watch->nl, -r, "cannot wait for the addresses of interface %s",
					  iface->name);
		/* Devices without neighbours join no groups. */
		bool joins = (link.flags & (IFF_LOOPBACK | IFF_NOARP)) == 0 && (link.flags & IFF_UP) != 0;
		for (size_t j = 0; j < iface->n_addrs; j++) {
			if (iface->addrs[j].family != AF_INET6 || (iface->nodad && !joins))
				continue;
			*next++ = (struct vs_ready_addr){ link.ifindex, &iface->addrs[j], iface->nodad };
			watch->n_nodad += iface->nodad;
		}
	}
	watch->n_wanted = (size_t)(next - watch->wanted);
	return 0;
}

bool vs_conf_has_to_wait(const struct vs_config *config)
{
	return count_ipv6(config) > 0 || any_on_segment(config);
}

int vs_ready_begin(struct vs_ready *watch, struct vs_nl *nl, const struct vs_config *config)
{
	*watch = (struct vs_ready){ .nl = nl, .config = config, .links = true };
	if (config != NULL) {
		watch->links = any_on_segment(config);
		watch->wanted = calloc(count_ipv6(config) + 1, sizeof(*watch->wanted));
		if (watch->wanted == NULL)
			return vs_fail(ENOMEM, "cannot wait for the addresses: %s; free some",
				       strerror(ENOMEM));
	}
	int r = config != NULL && count_ipv6(config) > 0 ? find_wanted(watch) : 0;
	return r < 0 ? r : subscribe(watch);
}

static bool learns_addrs(const struct vs_conf_iface *iface)
{
	return iface->sources != NULL && (iface->sources->start & (VS_CONF_SLAAC | VS_CONF_DHCP6)) != 0;
}

bool vs_conf_learns_addrs(const struct vs_config *config)
{
	for (size_t i = 0; i < config->n_ifaces; i++)
		if (learns_addrs(&config->ifaces[i]))
			return true;
	return false;
}

int vs_ready_begin_learned(struct vs_ready *watch, struct vs_nl *nl, const struct vs_config *config)
{
	*watch = (struct vs_ready){ .nl = nl, .config = config };
	watch->learning = calloc(config->n_ifaces + 1, sizeof(*watch->learning));
	if (watch->learning == NULL)
		return vs_fail(ENOMEM, "cannot wait for the addresses: %s; free some", strerror(ENOMEM));
	for (size_t i = 0; i < config->n_ifaces; i++) {
		struct vs_rtnl_link link;
		if (!learns_addrs(&config->ifaces[i]))
			continue;
		int r = vs_rtnl_link_get(nl, 0, config->ifaces[i].name, &link);
		if (r < 0)
			return vs_nl_fail(nl, -r, "cannot wait for the addresses of interface %s",
					  config->ifaces[i].name);
		watch->learning[watch->n_learning++] = link.ifindex;
	}
	return subscribe(watch);
}

void vs_ready_end(struct vs_ready *watch)
{
	free(vs_steal_ptr(watch->wanted));
	free(vs_steal_ptr(watch->learning));
}

int vs_rtnl_wait_ready(struct vs_nl *nl, int64_t deadline_ms)
{
	struct vs_ready watch;
	int r = vs_ready_begin(&watch, nl, NULL);

	if (r == 0)
		r = vs_ready_wait(&watch, deadline_ms);
	vs_ready_end(&watch);
	return r;
}
