/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "netdev.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "nl.h"
#include "talk.h"

/* ------------------------------------------------------------------ names and indexes */

/* By ioctl(2): the socket's namespace counts, and it is one system call. */
int vs_netdev_index(int fd, const char *name)
{
	struct ifreq ifr = { 0 };

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return ioctl(fd, SIOCGIFINDEX, &ifr) < 0 ? -errno : ifr.ifr_ifindex;
}

int vs_netdev_name(int fd, int ifindex, char name[IF_NAMESIZE])
{
	struct ifreq ifr = { .ifr_ifindex = ifindex };

	if (ioctl(fd, SIOCGIFNAME, &ifr) < 0)
		return -errno;
	memcpy(name, ifr.ifr_name, IF_NAMESIZE);
	return 0;
}

int vs_netdev_ns(int fd)
{
	int ns = ioctl(fd, SIOCGSKNS); /* the kernel makes it close-on-exec */

	return ns < 0 ? -errno : ns;
}

/* ------------------------------------------------------------------ messages */

/* The head of a message about a device. */
static struct ifinfomsg info_of(const struct vs_netdev *d)
{
	return (struct ifinfomsg){
		.ifi_family = AF_UNSPEC,
		.ifi_index = d->ifindex,
		.ifi_flags = d->state == VS_NETDEV_UP ? IFF_UP : 0,
		.ifi_change = d->state == VS_NETDEV_AS_IT_IS ? 0 : IFF_UP,
	};
}

/* NULL: out of memory. */
static struct nl_msg *request(int type, int flags, const struct vs_netdev *d)
{
	struct ifinfomsg info = info_of(d);

	return vs_nl_request(type, flags, &info, sizeof(info));
}

/* The attributes of a device's settings. False: out of memory. */
static bool put_settings(struct nl_msg *msg, const struct vs_netdev *d)
{
	uint32_t bridge = d->bridge < 0 ? 0 : (uint32_t)d->bridge;

	return nla_put_string(msg, IFLA_IFNAME, d->name) == 0 &&
	       (d->mac == NULL || nla_put(msg, IFLA_ADDRESS, 6, d->mac) == 0) &&
	       (d->mtu == 0 || nla_put_u32(msg, IFLA_MTU, d->mtu) == 0) &&
	       (d->queue == 0 || nla_put_u32(msg, IFLA_TXQLEN, d->queue) == 0) &&
	       (d->bridge == 0 || nla_put_u32(msg, IFLA_MASTER, bridge) == 0);
}

int vs_netdev_set(int fd, const struct vs_netdev *settings)
{
	VS_AUTO_MSG *msg = request(RTM_SETLINK, 0, settings);

	if (msg == NULL || !put_settings(msg, settings))
		return -ENOMEM;
	return vs_talk(fd, vs_steal_ptr(msg));
}

/* IFLA_AF_SPEC (rtnetlink(7)) works on a device that exists, not when it is made. */
int vs_netdev_no_autoaddress(int fd, const char *name)
{
	struct vs_netdev d = { .name = name };
	VS_AUTO_MSG *msg = request(RTM_SETLINK, 0, &d);
	struct nlattr *all, *ipv6;

	if (msg == NULL || !put_settings(msg, &d) || (all = nla_nest_start(msg, IFLA_AF_SPEC)) == NULL ||
	    (ipv6 = nla_nest_start(msg, AF_INET6)) == NULL ||
	    nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0)
		return -ENOMEM;
	nla_nest_end(msg, ipv6);
	nla_nest_end(msg, all);
	return vs_talk(fd, vs_steal_ptr(msg));
}

int vs_netdev_delete(int fd, const char *name)
{
	struct vs_netdev d = { .name = name };
	VS_AUTO_MSG *msg = request(RTM_DELLINK, 0, &d);

	if (msg == NULL || !put_settings(msg, &d))
		return -ENOMEM;
	return vs_talk(fd, vs_steal_ptr(msg));
}

/* ------------------------------------------------------------------ making devices */

struct nest {
	struct nlattr *info, *data;
};

static bool begin_kind(struct nl_msg *msg, const char *kind, struct nest *nest)
{
	return (nest->info = nla_nest_start(msg, IFLA_LINKINFO)) != NULL &&
	       nla_put_string(msg, IFLA_INFO_KIND, kind) == 0 &&
	       (nest->data = nla_nest_start(msg, IFLA_INFO_DATA)) != NULL;
}

static void end_kind(struct nl_msg *msg, const struct nest *nest)
{
	nla_nest_end(msg, nest->data);
	nla_nest_end(msg, nest->info);
}

int vs_netdev_make_veth(int fd, const struct vs_netdev *end, const struct vs_netdev *peer, int peer_ns)
{
	struct ifinfomsg peer_info = info_of(peer);
	VS_AUTO_MSG *msg = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, end);
	struct nest kind;
	struct nlattr *nested;

	if (msg == NULL || !put_settings(msg, end) || !begin_kind(msg, "veth", &kind) ||
	    (nested = nla_nest_start(msg, VETH_INFO_PEER)) == NULL ||
	    nlmsg_append(msg, &peer_info, sizeof(peer_info), NLMSG_ALIGNTO) < 0 || !put_settings(msg, peer) ||
	    nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)peer_ns) < 0)
		return -ENOMEM;
	nla_nest_end(msg, nested);
	end_kind(msg, &kind);
	return vs_talk(fd, vs_steal_ptr(msg));
}

int vs_netdev_make_bridge(int fd, const char *name, enum vs_netdev_state state)
{
	struct vs_netdev d = { .name = name, .state = state };
	VS_AUTO_MSG *msg = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &d);
	struct nest kind;

	if (msg == NULL || !put_settings(msg, &d) || !begin_kind(msg, "bridge", &kind) ||
	    nla_put_u32(msg, IFLA_BR_FORWARD_DELAY, 0) < 0 || nla_put_u32(msg, IFLA_BR_STP_STATE, 0) < 0 ||
	    nla_put_u8(msg, IFLA_BR_MCAST_SNOOPING, 0) < 0)
		return -ENOMEM;
	end_kind(msg, &kind);
	return vs_talk(fd, vs_steal_ptr(msg));
}

struct port_search {
	int bridge, except, found; /* -ENODEV: no port; -ENETDOWN: only ports that are down */
};

static void look_at_port(void *arg, struct nlmsghdr *h)
{
	struct port_search *search = arg;
	const struct ifinfomsg *info = nlmsg_data(h);

	if (h->nlmsg_type != RTM_NEWLINK || !nlmsg_valid_hdr(h, sizeof(*info)))
		return;
	const struct nlattr *master = nlmsg_find_attr(h, sizeof(*info), IFLA_MASTER);
	if (master != NULL && nla_len(master) == sizeof(uint32_t) &&
	    nla_get_u32(master) == (uint32_t)search->bridge && info->ifi_index != search->except) {
		if ((info->ifi_flags & IFF_UP) != 0 && (info->ifi_flags & IFF_RUNNING) != 0)
			search->found = info->ifi_index;
		else if (search->found < 0)
			search->found = -ENETDOWN;
	}
}

int vs_netdev_bridge_port(int fd, int bridge, int except)
{
	struct port_search search = { bridge, except, -ENODEV };
	struct ifinfomsg all = { .ifi_family = AF_UNSPEC };
	int r = vs_talk_dump(fd, vs_nl_request(RTM_GETLINK, 0, &all, sizeof(all)), look_at_port, &search);

	return r < 0 ? r : search.found;
}

/* As if a frame of that address had come from the port: an entry that ages and moves. */
int vs_netdev_bridge_learn(int fd, int port, const uint8_t mac[6])
{
	struct ndmsg info = { .ndm_family = AF_BRIDGE,
			      .ndm_flags = NTF_MASTER,
			      .ndm_state = NUD_REACHABLE,
			      .ndm_ifindex = port };

	VS_AUTO_MSG *msg = vs_nl_request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	if (msg == NULL || nla_put(msg, NDA_LLADDR, 6, mac) < 0)
		return -ENOMEM;
	return vs_talk(fd, vs_steal_ptr(msg));
}
