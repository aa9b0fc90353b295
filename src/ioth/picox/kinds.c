/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kinds.h"

#include <linux/netlink.h>
#include <netinet/in.h>

#include "base/cleanup.h"

const struct px_kind px_kinds[] = {
	{ AF_INET, SOCK_STREAM, 0, &px_tcp_ops },
	{ AF_INET, SOCK_STREAM, IPPROTO_TCP, &px_tcp_ops },
	{ AF_INET6, SOCK_STREAM, 0, &px_tcp_ops },
	{ AF_INET6, SOCK_STREAM, IPPROTO_TCP, &px_tcp_ops },
	{ AF_INET, SOCK_DGRAM, 0, &px_udp_ops },
	{ AF_INET, SOCK_DGRAM, IPPROTO_UDP, &px_udp_ops },
	{ AF_INET6, SOCK_DGRAM, 0, &px_udp_ops },
	{ AF_INET6, SOCK_DGRAM, IPPROTO_UDP, &px_udp_ops },
	{ AF_INET, SOCK_DGRAM, IPPROTO_ICMP, &px_raw_ops },
	{ AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, &px_raw_ops },
	{ AF_INET, SOCK_RAW, -1, &px_raw_ops },
	{ AF_INET6, SOCK_RAW, -1, &px_raw_ops },
	{ AF_PACKET, SOCK_RAW, -1, &px_packet_ops },
	{ AF_PACKET, SOCK_DGRAM, -1, &px_packet_ops },
	{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, &px_netlink_ops },
	{ AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE, &px_netlink_ops },
};
const size_t px_kinds_count = VS_COUNT(px_kinds);
