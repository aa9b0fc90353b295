/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The MTU that a DHCPv4 server gives (option 26).
 *
 * It only makes the interface's own MTU smaller: that one is what the link carries. A forged option must not
 * break the stack, so there is a least value: 1280 bytes on an interface with IPv6, which the kernel would
 * remove below that, else 576 bytes (the machine ignores less). The word mtu= wins. When the lease is lost,
 * the MTU from before comes back, unless it has been changed meanwhile.
 *
 * The MTU of a router advertisement is for IPv6 only. The kernel applies it.
 */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "rtnl/nl.h"
#include "rtnl/talk.h"
#include "sources_inside.h"

#define LEAST_WITH_IP6 1280

/* 0: not known. */
static uint32_t current(const struct vs_source_iface *iface)
{
	struct ifreq ifr = { 0 };

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", iface->name);
	return ioctl(iface->stack->cmd, SIOCGIFMTU, &ifr) < 0 || ifr.ifr_mtu < 0 ? 0 : (uint32_t)ifr.ifr_mtu;
}

static int set(const struct vs_source_iface *iface, uint32_t mtu)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = iface->ifindex };
	VS_AUTO_MSG *msg = vs_nl_request(RTM_NEWLINK, 0, &info, sizeof(info));

	if (msg == NULL || nla_put_u32(msg, IFLA_MTU, mtu) < 0)
		return -ENOMEM;
	return vs_talk(iface->stack->cmd, vs_steal_ptr(msg));
}

/* 0: nothing. */
static uint32_t given(const struct vs_source_iface *iface)
{
	const struct vs_source *s = iface->sources[VS_SOURCE_DHCP4];

	return s != NULL && s->facts != NULL ? s->facts->mtu : 0;
}

const char *vs_sources_mtu_problem(const struct vs_source_iface *iface)
{
	uint32_t mtu = given(iface);

	if (mtu == 0 || iface->mtu_fixed)
		return NULL;
	if (iface->ip6 && mtu < LEAST_WITH_IP6)
		return "the server's MTU is less than the 1280 bytes that IPv6 needs: 1280 is used";
	return NULL;
}

void vs_sources_mtu_update(struct vs_source_iface *iface)
{
	uint32_t mtu = given(iface);

	if (iface->gone || (mtu == 0 && iface->mtu_set == 0))
		return;
	if (mtu != 0 && iface->ip6 && mtu < LEAST_WITH_IP6)
		mtu = LEAST_WITH_IP6;
	uint32_t now = current(iface), before = iface->mtu_set != 0 ? iface->mtu_before : now;
	if (iface->mtu_fixed || mtu >= before)
		mtu = 0;
	if (mtu == iface->mtu_set || now == 0)
		return;
	if (mtu != 0 && set(iface, mtu) == 0) {
		iface->mtu_before = before;
		iface->mtu_set = mtu;
	} else if (mtu == 0) {
		if (now == iface->mtu_set)
			(void)set(iface, iface->mtu_before);
		iface->mtu_set = 0;
	}
}
