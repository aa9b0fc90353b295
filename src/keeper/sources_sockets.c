/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sockets of address sources. A networking thread makes them in its namespace, without waiting, and
 * hands them over with the request.
 *
 * A socket must not wake its thread for a packet that the source does not need, and must cost nothing on the
 * path of other packets:
 *
 *  - IPv4 packets: a filter passes BOOTP replies to our MAC. While a lease is held, no packet is awaited.
 *    The socket is then bound to a protocol that nobody sends, so the kernel does not run its filter either.
 *  - ARP packets: the filter passes what shows that another host has the address that is probed or used.
 *  - UDP of DHCPv4 sends only. Once it is bound to port 68, the kernel does not refuse unicast replies as
 *    unreachable. Its filter drops them; the packet socket has them.
 *  - UDP of DHCPv6 is bound when the source starts.
 *  - ICMPv6: the filter passes router advertisements.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/own_socket.h"
#include "rtnl/netdev.h"
#include "sources_inside.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23 /* Linux 4.20 */
#endif

#define RECEIVE_BYTES 32768 /* bounds what a flood of packets can take */

static int raw_socket(int domain, int type, int protocol)
{
	int fd = vs_own_socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	return fd < 0 ? -errno : fd;
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int bind_device(int fd, const char *ifname)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname)) < 0 ? -errno
												    : 0;
}

static int filter(int fd, struct sock_filter *code, size_t n)
{
	struct sock_fprog program = { .len = (unsigned short)n, .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno : 0;
}

static int drop_all(int fd)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, 0) };

	return filter(fd, code, VS_COUNT(code));
}

static uint32_t be(const uint8_t *p, int n)
{
	uint32_t value = 0;

	while (n-- > 0)
		value = value << 8 | *p++;
	return value;
}

/* Not a fragment, UDP to port 68, a reply, chaddr. All jumps that fail lead to the last instruction. */
static int filter_bootp(int fd, const uint8_t mac[6])
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 12),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 10, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 68, 0, 7),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 8 + 28),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, be(mac, 4), 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 8 + 32),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, be(mac + 4, 2), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 65535),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return filter(fd, code, VS_COUNT(code));
}

void vs_sources_sockets_arp_for(struct vs_source *s, const uint8_t ip[4])
{
	const uint8_t *mac = s->config.mac;
	/* Of another MAC, and either its sender has the address, or it probes for it. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, be(mac, 4), 0, 2),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, be(mac + 4, 2), 6, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 14),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, be(ip, 4), 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 24),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, be(ip, 4), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 65535),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	if (s->arp.fd < 0 || memcmp(s->arp_for, ip, 4) == 0)
		return;
	if ((be(ip, 4) == 0 ? drop_all(s->arp.fd) : filter(s->arp.fd, code, VS_COUNT(code))) == 0)
		memcpy(s->arp_for, ip, 4);
}

/* ------------------------------------------------------------------ the sockets */

static int packet_socket(int protocol, int ifindex)
{
	struct sockaddr_ll where = { .sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol),
				     .sll_ifindex = ifindex };
	VS_AUTO_CLOSE fd = raw_socket(AF_PACKET, SOCK_DGRAM, 0); /* with protocol 0 it receives nothing */

	if (fd < 0)
		return fd;
	int r = set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	if (r == -ENOPROTOOPT) /* the machines ignore packets with our own MAC, too */
		r = 0;
	if (r == 0)
		r = set(fd, SOL_PACKET, PACKET_AUXDATA, 1);
	if (r == 0)
		r = set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
	if (r == 0)
		r = drop_all(fd);
	if (r == 0 && bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0)
		r = -errno;
	return r < 0 ? r : vs_steal_fd(&fd);
}

static int ip_socket(const uint8_t mac[6], int ifindex)
{
	VS_AUTO_CLOSE fd = packet_socket(ETH_P_IP, ifindex);
	int r = fd < 0 ? fd : filter_bootp(fd, mac);

	return r < 0 ? r : vs_steal_fd(&fd);
}

static int udp4_socket(const char *ifname)
{
	VS_AUTO_CLOSE fd = raw_socket(AF_INET, SOCK_DGRAM, 0);
	int r = fd < 0 ? fd : bind_device(fd, ifname);

	if (r == 0)
		r = drop_all(fd);
	return r < 0 ? r : vs_steal_fd(&fd);
}

/* The hop limit of multicast is 1 by default. */
static int settle6(int fd, const char *ifname, int ifindex)
{
	int r = bind_device(fd, ifname);

	if (r == 0)
		r = set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, ifindex);
	if (r == 0)
		r = set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
	if (r == 0)
		r = set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
	return r;
}

static int udp6_socket(const char *ifname, int ifindex)
{
	VS_AUTO_CLOSE fd = raw_socket(AF_INET6, SOCK_DGRAM, 0);
	int r = fd < 0 ? fd : set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);

	if (r == 0)
		r = settle6(fd, ifname, ifindex);
	return r < 0 ? r : vs_steal_fd(&fd);
}

static int icmp6_socket(const char *ifname, int ifindex)
{
	struct icmp6_filter only_ra;
	VS_AUTO_CLOSE fd = raw_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	int r = fd < 0 ? fd : 0;

	ICMP6_FILTER_SETBLOCKALL(&only_ra);
	ICMP6_FILTER_SETPASS(ND_ROUTER_ADVERT, &only_ra);
	if (r == 0 && setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &only_ra, sizeof(only_ra)) < 0)
		r = -errno;
	if (r == 0)
		r = settle6(fd, ifname, ifindex);
	if (r == 0)
		r = set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	if (r == 0)
		r = set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255);
	if (r == 0)
		r = set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255);
	return r < 0 ? r : vs_steal_fd(&fd);
}

static int keep(int *slot, int fd)
{
	*slot = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

int vs_sources_sockets_make(struct vs_source_sockets *s, uint32_t start, const char *ifname, int ifindex,
			    const uint8_t mac[6])
{
	bool ra = (start & (VS_SOURCES_RA | VS_SOURCES_SLAAC)) != 0;
	int r = 0;

	if (start & VS_SOURCES_DHCP4) {
		r = keep(&s->ip, ip_socket(mac, ifindex));
		if (r == 0)
			r = keep(&s->arp, packet_socket(ETH_P_ARP, ifindex));
		if (r == 0)
			r = keep(&s->udp4, udp4_socket(ifname));
	}
	if (r == 0 && ra)
		r = keep(&s->icmp6, icmp6_socket(ifname, ifindex));
	if (r == 0 && (ra || (start & VS_SOURCES_DHCP6))) /* a router may ask for DHCPv6 */
		r = keep(&s->udp6, udp6_socket(ifname, ifindex));
	if (r == 0)
		return 0;
	vs_sources_sockets_close(s);
	return vs_fail(-r, "cannot start address sources of %s: no socket: %s", ifname,
		       vs_cause_text(vs_diagnose_limit(-r), -r));
}

void vs_sources_sockets_close(struct vs_source_sockets *s)
{
	int *all[] = { &s->ip, &s->arp, &s->udp4, &s->udp6, &s->icmp6 };

	for (size_t i = 0; i < VS_COUNT(all); i++)
		vs_close(vs_steal_fd(all[i]));
}

int vs_sources_sockets_find(int netlink, const char *ifname, bool starts, int *ifindex, uint8_t mac[6])
{
	struct ifreq ifr = { 0 };
	int r = vs_netdev_index(netlink, ifname);

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (r >= 0 && ioctl(netlink, SIOCGIFHWADDR, &ifr) < 0)
		r = -errno;
	if (r < 0)
		return vs_fail(-r, "cannot change address sources of %s: the stack has no such interface",
			       ifname);
	if (starts && ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return vs_fail(EOPNOTSUPP, "cannot start address sources of %s: it is no Ethernet interface",
			       ifname);
	*ifindex = r;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return 0;
}
