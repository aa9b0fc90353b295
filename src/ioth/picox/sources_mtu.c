/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The MTU that servers and routers give. It only makes the interface's own one smaller. 1280 bytes, which
 * IPv6 needs, are the least: a forged option must not break the stack. The MTU of a DHCPv4 server is for the
 * interface; it goes with the lease, unless the MTU has been changed meanwhile. That of a router is for IPv6
 * only.
 */

#include <linux/rtnetlink.h>

#include "settings.h"
#include "sources_inside.h"

#define LEAST 1280

static unsigned given(const struct px_iface *iface, enum vs_auto_source source)
{
	const struct px_source *s = px_source_find(iface, source);
	unsigned mtu = s != NULL ? s->facts.mtu : 0;

	return mtu == 0 || mtu >= LEAST ? mtu : LEAST;
}

void px_source_mtu(struct px_iface *iface)
{
	unsigned four = given(iface, VS_SOURCE_DHCP4), six = given(iface, VS_SOURCE_RA);
	unsigned now = iface->netif.mtu,
		 own = iface->mtu_set != 0 && now == iface->mtu_set ? iface->mtu_own : now;
	unsigned mtu = four != 0 && four < own ? four : own;
	struct vs_pxnl_change change = { .mtu = mtu };
	const char *why;

	if (mtu != now)
		(void)px_settings_ops.link_set(NULL, netif_get_index(&iface->netif), &change, &why);
	iface->mtu_set = (uint16_t)(mtu != own ? mtu : 0);
	iface->mtu_own = (uint16_t)own;
	iface->netif.mtu6 = (uint16_t)(six != 0 && six < mtu ? six : mtu);
}
