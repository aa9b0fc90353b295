/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Waiting until a stack can be used.
 *
 *     subscribe ──▶ look at everything ──▶ ready, or hopeless: done
 *                        ▲      │ not yet
 *                        │      ▼
 *                        └── sleep until the kernel tells of a change, or the deadline
 *
 * Subscribing comes first, so a change between looking and sleeping wakes us at once. What a
 * notification says is ignored: each one, and the loss of one, only means "look again". So
 * there is no picture of the stack to keep up to date, and none that could be wrong. "Ready"
 * counts only when no notification has come while looking: the parts of a look are not of
 * one moment, and the link-local address of an interface appears together with its carrier.
 *
 * Two questions are asked this way: of the whole stack (every interface that is up has its
 * carrier, every address is past duplicate address detection), and of a configuration (its
 * interfaces on segments have carrier, its IPv6 addresses are there and past it). IPv4 has no
 * such detection and is not looked at.
 */

#include "apply.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "rtnl.h"

/* An address that has to be usable. */
struct wanted {
	int ifindex;
	const struct vs_conf_addr *addr;
};

struct watch {
	const struct vs_config *config; /* NULL: all links and all addresses */
	const struct wanted *wanted;    /* else these addresses */
	size_t n_wanted;
	bool links;                     /* and the links of config that are on segments */
	/* What the last look has seen: */
	size_t n_usable;                  /* of the wanted ones */
	bool link_pending;                /* an interface is up without carrier */
	bool addr_pending;                /* an address is under detection */
	bool addr_failed;                 /* an address has been found in use elsewhere */
	char what[128];                   /* the first, or the worst, of these in words */
	int ifindex;                      /* what is about this address, on this interface, and its state */
	char addr[INET6_ADDRSTRLEN];
	const char *state;
};

#define CARRIER_FLAGS ((unsigned)IFF_RUNNING | (unsigned)IFF_LOWER_UP)

/* ------------------------------------------------------------------ looking */

static void begin_links(void *arg)
{
	struct watch *watch = arg;

	watch->link_pending = false;
	watch->what[0] = '\0';
}

/*
 * A segment's port forwards from the moment the kernel has noticed, a little later, that both
 * its ends are up; what is sent before is lost. The stack's end shows it at the same moment.
 */
static bool on_segment(const struct vs_conf_iface *iface)
{
	return iface->locator.kind == VS_KIND_SEGMENT;
}

static bool is_wanted_link(const struct watch *watch, const char *name)
{
	for (size_t i = 0; watch->config != NULL && i < watch->config->n_ifaces; i++)
		if (on_segment(&watch->config->ifaces[i]) && strcmp(watch->config->ifaces[i].name, name) == 0)
			return true;
	return watch->config == NULL;
}

static int look_at_link(void *arg, struct nlmsghdr *hdr)
{
	struct watch *watch = arg;
	const struct ifinfomsg *info = nlmsg_data(hdr);
	char name[IF_NAMESIZE] = "?";

	if (!nlmsg_valid_hdr(hdr, sizeof(*info)))
		return -EBADMSG;
	struct nlattr *attr = nlmsg_find_attr(hdr, sizeof(*info), IFLA_IFNAME);
	if (attr != NULL)
		(void)nla_strlcpy(name, attr, sizeof(name));
	if ((info->ifi_flags & IFF_UP) == 0 || (info->ifi_flags & CARRIER_FLAGS) == CARRIER_FLAGS ||
	    !is_wanted_link(watch, name))
		return 0;
	if (!watch->link_pending)
		(void)snprintf(watch->what, sizeof(watch->what), "interface %s has no carrier", name);
	watch->link_pending = true;
	return 0;
}

static void begin_addrs(void *arg)
{
	struct watch *watch = arg;

	watch->n_usable = 0;
	watch->addr_pending = watch->addr_failed = false;
	watch->ifindex = 0;
	if (!watch->link_pending)
		watch->what[0] = '\0';
}

static bool is_wanted(const struct watch *watch, int ifindex, const void *bytes)
{
	for (size_t i = 0; i < watch->n_wanted; i++)
		if (watch->wanted[i].ifindex == ifindex &&
		    memcmp(watch->wanted[i].addr->bytes, bytes, sizeof(struct in6_addr)) == 0)
			return true;
	return watch->config == NULL;
}

static void note_addr(struct watch *watch, const struct ifaddrmsg *info, struct nlattr *attr,
		      const char *state)
{
	vs_rtnl_addr_text(info->ifa_family, attr, watch->addr);
	watch->ifindex = (int)info->ifa_index;
	watch->state = state;
	(void)snprintf(watch->what, sizeof(watch->what), "address %s on interface %d %s", watch->addr,
		       watch->ifindex, state);
}

/* The interface by its name, if it is still there. Between the messages of a list nothing can be asked. */
static void put_name(struct vs_nl *nl, struct watch *watch)
{
	struct vs_rtnl_link link;

	if (watch->ifindex > 0 && vs_rtnl_link_get(nl, watch->ifindex, NULL, &link) == 0)
		(void)snprintf(watch->what, sizeof(watch->what), "address %s on interface %s %s", watch->addr,
			       link.name, watch->state);
}

static int look_at_addr(void *arg, struct nlmsghdr *hdr)
{
	struct watch *watch = arg;
	struct nlattr *attrs[IFA_MAX + 1];
	const struct ifaddrmsg *info = nlmsg_data(hdr);

	if (nlmsg_parse(hdr, sizeof(*info), attrs, IFA_MAX, NULL) < 0)
		return -EBADMSG;
	struct nlattr *addr = attrs[attrs[IFA_LOCAL] != NULL ? IFA_LOCAL : IFA_ADDRESS];
	if (info->ifa_family != AF_INET6 || addr == NULL || nla_len(addr) != (int)sizeof(struct in6_addr) ||
	    !is_wanted(watch, (int)info->ifa_index, nla_data(addr)))
		return 0;

	unsigned flags = vs_nl_u32(attrs[IFA_FLAGS], info->ifa_flags);
	if ((flags & IFA_F_DADFAILED) != 0) {
		watch->addr_failed = true;
		note_addr(watch, info, addr, "is in use by another host");
	} else if ((flags & IFA_F_TENTATIVE) != 0) {
		if (watch->what[0] == '\0')
			note_addr(watch, info, addr, "is still in duplicate address detection");
		watch->addr_pending = true;
	} else {
		watch->n_usable++;
	}
	return 0;
}

/* Looks once. 1: ready; 0: not yet; -EADDRNOTAVAIL, or an error of looking. */
static int look(struct vs_nl *nl, struct watch *watch)
{
	const struct ifinfomsg links = { .ifi_family = AF_UNSPEC };
	const struct ifaddrmsg addrs = { .ifa_family = AF_INET6 };
	const struct vs_nl_dump link_dump = { RTM_GETLINK, &links,       sizeof(links),
					      begin_links, look_at_link, watch };
	const struct vs_nl_dump addr_dump = { RTM_GETADDR, &addrs,       sizeof(addrs),
					      begin_addrs, look_at_addr, watch };
	int err = watch->links ? vs_nl_dump(nl, &link_dump) : 0;

	if (err == 0 && (watch->config == NULL || watch->n_wanted > 0))
		err = vs_nl_dump(nl, &addr_dump);
	if (err == 0 && watch->addr_failed)
		err = -EADDRNOTAVAIL;
	if (err < 0)
		return err;
	return !watch->link_pending && !watch->addr_pending && watch->n_usable >= watch->n_wanted;
}

/* ------------------------------------------------------------------ waiting */

static int subscribe(struct vs_nl *nl, const struct watch *watch)
{
	int err = vs_nl_subscribe(nl, RTNLGRP_IPV6_IFADDR);

	if (err == 0 && watch->links)
		err = vs_nl_subscribe(nl, RTNLGRP_LINK);
	return err;
}

static int fail_waiting(struct vs_nl *nl, struct watch *watch, int err)
{
	if (err == EADDRNOTAVAIL || err == ETIMEDOUT)
		put_name(nl, watch);
	switch (err) {
	case EADDRNOTAVAIL:
		return vs_fail(err, "cannot make the stack ready: %s; choose another address", watch->what);
	case ETIMEDOUT:
		return vs_fail(err,
			       "cannot wait longer for the stack: %s; plug in its other side, or wait longer",
			       watch->what[0] != '\0' ? watch->what
						      : "an address that was asked for is not there");
	default:
		return vs_nl_fail(nl, err, "cannot wait for the stack");
	}
}

static int wait_ready(struct vs_nl *nl, struct watch *watch, int64_t deadline_ms)
{
	int err = subscribe(nl, watch);

	while (err >= 0) {
		int ready = look(nl, watch);
		/* Changes disturbed every attempt and may be over: nothing would wake us, so no sleep. */
		if (ready == -EAGAIN && vs_now_ms() < deadline_ms)
			continue;
		if (ready == -EAGAIN)
			return fail_waiting(nl, watch, ETIMEDOUT);
		/* With a deadline long past it only asks whether there are any. */
		int events = ready < 0 ? ready : vs_nl_wait_event(nl, ready > 0 ? 0 : deadline_ms);
		if (events == 0)
			return ready > 0 ? 0 : fail_waiting(nl, watch, ETIMEDOUT);
		if (events > 0 && vs_now_ms() >= deadline_ms)
			return ready > 0 ? 0 : fail_waiting(nl, watch, ETIMEDOUT);
		err = events;
	}
	return fail_waiting(nl, watch, -err);
}

int vs_rtnl_wait_ready(struct vs_nl *nl, int64_t deadline_ms)
{
	struct watch watch = { .links = true };

	return wait_ready(nl, &watch, deadline_ms);
}

/* ------------------------------------------------------------------ a configuration */

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

/* Fills wanted[], which has room for all IPv6 addresses of config. */
static int find_wanted(struct vs_nl *nl, const struct vs_config *config, struct wanted *wanted)
{
	for (size_t i = 0; i < config->n_ifaces; i++) {
		const struct vs_conf_iface *iface = &config->ifaces[i];
		struct vs_rtnl_link link;
		int err = vs_rtnl_link_get(nl, 0, iface->name, &link);
		if (err < 0)
			return vs_nl_fail(nl, -err, "cannot wait for the addresses of interface %s",
					  iface->name);
		for (size_t j = 0; j < iface->n_addrs; j++)
			if (iface->addrs[j].family == AF_INET6)
				*wanted++ = (struct wanted){ link.ifindex, &iface->addrs[j] };
	}
	return 0;
}

bool vs_conf_has_to_wait(const struct vs_config *config)
{
	return count_ipv6(config) > 0 || any_on_segment(config);
}

int vs_conf_wait(struct vs_nl *nl, const struct vs_config *config, int timeout_ms)
{
	int64_t deadline_ms = vs_now_ms() + timeout_ms;
	struct watch watch = {
		.config = config,
		.n_wanted = count_ipv6(config),
		.links = any_on_segment(config),
	};
	VS_AUTO_FREE struct wanted *wanted = calloc(watch.n_wanted + 1, sizeof(*wanted));
	int err = 0;

	if (wanted == NULL)
		return vs_fail(ENOMEM, "cannot wait for the addresses: %s; free some", strerror(ENOMEM));
	watch.wanted = wanted;
	if (watch.n_wanted > 0)
		err = find_wanted(nl, config, wanted);
	if (err == 0)
		err = wait_ready(nl, &watch, deadline_ms);
	if (err == 0)
		vs_conf_announce(nl, config);
	return err;
}
