/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RTNL_NETDEV_H
#define VS_RTNL_NETDEV_H

/*
 * Network devices by name, in the namespace of an rtnetlink socket (vs_talk_socket): made, set up, deleted.
 * For the side that makes the devices; rtnl.h is for the side that configures them.
 *
 * All functions return 0, or what they name, or -errno. One thread at a time may use a socket.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum vs_netdev_state { VS_NETDEV_AS_IT_IS, VS_NETDEV_DOWN, VS_NETDEV_UP };

#define VS_NETDEV_NO_BRIDGE (-1)

/* Settings of a device. All zero: as it is, or as the kernel makes it. */
struct vs_netdev {
	const char *name;
	const uint8_t *mac; /* 6 bytes */
	uint32_t mtu;
	uint32_t queue;     /* frames */
	int ifindex;        /* of a new device */
	int bridge;         /* ifindex of the bridge whose port it becomes; VS_NETDEV_NO_BRIDGE: of none */
	enum vs_netdev_state state;
};

/* -ENODEV: there is none. */
int vs_netdev_index(int fd, const char *name);
/* -ENODEV: there is none. */
int vs_netdev_name(int fd, int ifindex, char name[IF_NAMESIZE]);

/* Changes a device's settings. */
int vs_netdev_set(int fd, const struct vs_netdev *settings);

/*
 * A device that is not up yet gets no IPv6 address by itself when it comes up. Fails on a kernel without
 * IPv6, or before Linux 3.17.
 */
int vs_netdev_no_autoaddress(int fd, const char *name);

int vs_netdev_delete(int fd, const char *name);

/*
 * Makes a veth pair: `end` here, `peer` in the namespace with the descriptor peer_ns. Of the settings,
 * name, mac, mtu and ifindex count, and for `end` state and bridge. -EEXIST or -EBUSY: a name or an index
 * is taken; -EOPNOTSUPP: the kernel has no veth driver.
 */
int vs_netdev_make_veth(int fd, const struct vs_netdev *end, const struct vs_netdev *peer, int peer_ns);

/*
 * Makes a bridge that forwards at once, without STP and multicast snooping. -EOPNOTSUPP: the kernel has no
 * driver.
 */
int vs_netdev_make_bridge(int fd, const char *name, enum vs_netdev_state state);

/*
 * The index of a port of that bridge (an index, too) that is up, but not the port `except`. -ENODEV: there
 * is no other port; -ENETDOWN: they are down.
 */
int vs_netdev_bridge_port(int fd, int bridge, int except);

/*
 * The bridge of the port with that index believes that mac is behind it, until it learns better. -ENODEV:
 * there is no such port.
 */
int vs_netdev_bridge_learn(int fd, int port, const uint8_t mac[6]);

/* A descriptor, close-on-exec, of the namespace of the socket. Takes CAP_NET_ADMIN there. */
int vs_netdev_ns(int fd);

#endif
