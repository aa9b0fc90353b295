/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ioctls of interfaces, on any socket: netdevice(7). */

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "settings.h"
#include "socket.h"

static void put_in(struct sockaddr *to, uint32_t addr)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = addr };

	memcpy(to, &in, sizeof(in));
}

static bool describe(const struct px_iface *iface, struct vs_pxnl_link *link)
{
	int index = netif_get_index(&iface->netif);

	for (size_t i = 0; px_settings_ops.link_at(NULL, i, link); i++)
		if (link->ifindex == index)
			return true;
	return false;
}

static int get_ip4(const struct px_iface *iface, unsigned cmd, struct ifreq *ifr)
{
	uint32_t addr = ip4_addr_get_u32(netif_ip4_addr(&iface->netif));
	uint32_t mask = ip4_addr_get_u32(netif_ip4_netmask(&iface->netif));

	if (addr == 0)
		return -EADDRNOTAVAIL;
	put_in(&ifr->ifr_addr, cmd == SIOCGIFNETMASK                          ? mask
			       : cmd == SIOCGIFBRDADDR && iface->vnl != NULL ? (addr & mask) | ~mask
			       : cmd == SIOCGIFBRDADDR                        ? 0
									      : addr);
	return 0;
}

static int get(const struct px_iface *iface, unsigned cmd, struct ifreq *ifr)
{
	struct vs_pxnl_link link;

	if (!describe(iface, &link))
		return -ENODEV;
	switch (cmd) {
	case SIOCGIFINDEX:
		ifr->ifr_ifindex = link.ifindex;
		return 0;
	case SIOCGIFMTU:
		ifr->ifr_mtu = (int)link.mtu;
		return 0;
	case SIOCGIFFLAGS:
		ifr->ifr_flags = (short)(link.flags & 0xffff);
		return 0;
	case SIOCGIFMETRIC:
		ifr->ifr_metric = 0;
		return 0;
	case SIOCGIFTXQLEN:
		ifr->ifr_qlen = PX_TX_QUEUE;
		return 0;
	case SIOCGIFHWADDR:
		memset(&ifr->ifr_hwaddr, 0, sizeof(ifr->ifr_hwaddr));
		ifr->ifr_hwaddr.sa_family = link.loopback ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
		memcpy(ifr->ifr_hwaddr.sa_data, link.mac, 6);
		return 0;
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFBRDADDR:
		return get_ip4(iface, cmd, ifr);
	default:
		return -ENOTTY;
	}
}

/* What else there is is set by netlink. */
static int change(const struct px_iface *iface, unsigned cmd, const struct ifreq *ifr)
{
	struct vs_pxnl_change c = { 0 };
	const char *why;

	switch (cmd) {
	case SIOCSIFFLAGS:
		c.mask = IFF_UP;
		c.flags = (unsigned)ifr->ifr_flags & IFF_UP;
		break;
	case SIOCSIFMTU:
		if (ifr->ifr_mtu < 68)
			return -EINVAL;
		c.mtu = (unsigned)ifr->ifr_mtu;
		break;
	case SIOCSIFHWADDR:
		if (ifr->ifr_hwaddr.sa_family != ARPHRD_ETHER || (ifr->ifr_hwaddr.sa_data[0] & 1) != 0)
			return -EINVAL;
		c.has_mac = true;
		memcpy(c.mac, ifr->ifr_hwaddr.sa_data, 6);
		break;
	default:
		return -ENOTTY;
	}
	return px_settings_ops.link_set(NULL, netif_get_index(&iface->netif), &c, &why);
}

static int name_of(struct ifreq *ifr)
{
	const struct px_iface *iface = px_iface_by_index(ifr->ifr_ifindex);

	if (iface == NULL)
		return -ENODEV;
	memcpy(ifr->ifr_name, iface->name, sizeof(ifr->ifr_name));
	return 0;
}

int px_ioctl(struct px_socket *s, unsigned cmd, void *arg, size_t len)
{
	struct ifreq ifr;

	(void)s;
	if (len < sizeof(ifr))
		return -EINVAL;
	memcpy(&ifr, arg, sizeof(ifr));
	ifr.ifr_name[IFNAMSIZ - 1] = '\0';
	int r;
	if (cmd == SIOCGIFNAME) {
		r = name_of(&ifr);
	} else {
		const struct px_iface *iface = px_iface_by_name(ifr.ifr_name);
		r = iface == NULL ? -ENODEV : get(iface, cmd, &ifr);
		if (r == -ENOTTY)
			r = change(iface, cmd, &ifr);
	}
	if (r == 0)
		memcpy(arg, &ifr, sizeof(ifr));
	return r;
}

size_t px_ioctl_list(void *to, size_t size)
{
	size_t n = 0;

	for (const struct px_iface *iface = px_iface_first(); iface != NULL; iface = iface->next) {
		struct ifreq ifr = { 0 };
		if (get_ip4(iface, SIOCGIFADDR, &ifr) < 0 || (n + 1) * sizeof(ifr) > size)
			continue;
		memcpy(ifr.ifr_name, iface->name, sizeof(ifr.ifr_name));
		memcpy((char *)to + n++ * sizeof(ifr), &ifr, sizeof(ifr));
	}
	return n * sizeof(struct ifreq);
}
