/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Packet sockets on the peers of veth pairs, in place of taps: packet(7), veth(4), the kernel's scaling.rst.
 * Addresses on such pairs: rtnetlink(7).
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "case.h"
#include "namespace.h"
#include "version.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* headers before Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define NEAR "near"
#define FAR "far"

/* A namespace of our own with both ends of a pair, up. */
static void make_pair(void)
{
	if (!case_is_root())
		become_root();
	MUST(unshare(CLONE_NEWNET | CLONE_NEWNS));
	MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK_EQ(system("ip link add " NEAR " type veth peer name " FAR " && ip link set " FAR
			" mtu 65535 up && "
			"ip addr add 10.0.0.1/24 dev " NEAR " && ip link set " NEAR " up && "
			"ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev " NEAR),
		 0);
}

static int packet_socket(const char *device)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(device) };
	int on = 1, fd = (int)MUST(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

	CHECK(to.sll_ifindex > 0);
	MUST(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)));
	MUST(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)));
	MUST(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)));
	MUST(bind(fd, (struct sockaddr *)&to, sizeof(to)));
	return fd;
}

struct got {
	struct virtio_net_hdr vnet;
	unsigned char frame[65536];
	ssize_t len;
	struct tpacket_auxdata aux;
};

/*
 * The next frame of an EtherType, as the socket returns it; frames that the kernel sends by itself are
 * skipped.
 */
static void receive(int fd, unsigned type, struct got *g)
{
	for (;;) {
		char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct iovec iov[2] = { { &g->vnet, sizeof(g->vnet) }, { g->frame, sizeof(g->frame) } };
		struct msghdr h = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = control,
				    .msg_controllen = sizeof(control) };
		struct pollfd p = { .fd = fd, .events = POLLIN };
		CHECK_EQ(poll(&p, 1, 5000), 1);
		g->len = MUST(recvmsg(fd, &h, 0)) - (ssize_t)sizeof(g->vnet);
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		CHECK(c != NULL && c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA);
		memcpy(&g->aux, CMSG_DATA(c), sizeof(g->aux));
		if (g->frame[12] == type >> 8 && g->frame[13] == (type & 0xff))
			return;
	}
}

static void send_segmented(void)
{
	static char bytes[8 * 1000];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7) };
	int size = 1000, fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	CHECK_EQ(inet_pton(AF_INET, "10.0.0.2", &to.sin_addr), 1);
	MUST(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)));
	CHECK_EQ(MUST(sendto(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&to, sizeof(to))),
		 (long)sizeof(bytes));
	close(fd);
}

/* Receives until it fails. The errno. */
static int first_error(int fd)
{
	static char frame[65536 + 256];
	struct pollfd p = { .fd = fd, .events = POLLIN };

	do {
		CHECK_EQ(poll(&p, 1, 5000), 1);
	} while (read(fd, frame, sizeof(frame)) >= 0);
	return errno;
}

/* The ones' complement sum of these bytes. */
static uint32_t sum_of(const unsigned char *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/*
 * A receiver cannot verify it: what stands there is the sum of the pseudo header. Servers of DHCP are on such
 * a pair when both stacks are on one segment.
 */
CASE(a_udp_checksum_is_unfinished_on_a_veth_pair_and_that_is_told)
{
	static struct got g;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(68) };

	make_pair();
	int packets = packet_socket(FAR), fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	CHECK_EQ(inet_pton(AF_INET, "10.0.0.2", &to.sin_addr), 1);
	CHECK_EQ(MUST(sendto(fd, "hello!", 6, 0, (struct sockaddr *)&to, sizeof(to))), 6);
	receive(packets, ETH_P_IP, &g);
	CHECK_EQ(g.len, 14 + 20 + 8 + 6);
	CHECK((g.aux.tp_status & TP_STATUS_CSUMNOTREADY) != 0);
	const unsigned char *udp = g.frame + 14 + 20;
	uint32_t pseudo = sum_of(g.frame + 14 + 12, 8, IPPROTO_UDP + 8 + 6);
	CHECK_EQ(udp[6] << 8 | udp[7], pseudo);
	CHECK(sum_of(udp, 8 + 6, pseudo) != 0xffff); /* so it is wrong */
	close(fd);
	close(packets);
}

/* Of UDP from Linux 6.2. Before that they are lost, so the library does not ask for them. */
CASE(super_frames_are_received_after_their_vnet_header)
{
	static struct got g;

	make_pair();
	int fd = packet_socket(FAR);
	send_segmented();
	if (kernel_is_before(6, 2)) {
		CHECK_EQ(first_error(fd), EINVAL);
		return;
	}
	receive(fd, ETH_P_IP, &g);
	CHECK_EQ(g.len, 14 + 20 + 8 + 8000);
	CHECK_EQ(g.vnet.gso_type, VIRTIO_NET_HDR_GSO_UDP_L4);
	CHECK_EQ(g.vnet.gso_size, 1000);
	CHECK_EQ(g.vnet.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	CHECK_EQ(g.vnet.csum_start, 34);
}

CASE(a_vlan_tag_is_received_as_ancillary_data)
{
	unsigned char frame[10 + 60] = { [10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,    0,    0,  0,
					 0,           1,    0x81, 0,    0x20, 5,    0x88, 0xb5, 'x' };
	static struct got g;

	make_pair();
	int from = packet_socket(NEAR), fd = packet_socket(FAR);
	CHECK_EQ(MUST(write(from, frame, sizeof(frame))), (long)sizeof(frame));
	receive(fd, 0x88b5, &g);
	CHECK_EQ(g.len, 56);
	CHECK(g.aux.tp_status & TP_STATUS_VLAN_VALID);
	CHECK_EQ(g.aux.tp_vlan_tpid, ETH_P_8021Q);
	CHECK_EQ(g.aux.tp_vlan_tci, 0x2005);
}

/* How a peer that is down differs from one that is deleted. */
CASE(a_device_that_goes_down_leaves_one_error_and_its_index)
{
	struct sockaddr_ll at;
	socklen_t len = sizeof(at);
	static char frame[65536 + 256];

	make_pair();
	int fd = packet_socket(FAR);
	CHECK_EQ(system("ip link set " FAR " down"), 0);
	while (read(fd, frame, sizeof(frame)) >= 0) /* what came before */
		;
	CHECK_EQ(errno, ENETDOWN);
	while (read(fd, frame, sizeof(frame)) >= 0) /* the error is returned before waiting frames */
		;
	CHECK_EQ(errno, EAGAIN);
	MUST(getsockname(fd, (struct sockaddr *)&at, &len));
	CHECK(at.sll_ifindex > 0);
	CHECK_EQ(system("ip link set " FAR " up"), 0);
	/* And it continues. What is sent before the other end has its carrier back is dropped. */
	struct pollfd p = { .fd = fd, .events = POLLIN };
	do
		send_segmented();
	while (poll(&p, 1, 100) == 0);
	CHECK_EQ(system("ip link del " NEAR), 0);
	while (read(fd, frame, sizeof(frame)) >= 0)
		;
	CHECK_EQ(errno, ENETDOWN);
	len = sizeof(at);
	MUST(getsockname(fd, (struct sockaddr *)&at, &len));
	CHECK(at.sll_ifindex <= 0);
}

static void *elsewhere(void *arg)
{
	MUST(unshare(CLONE_NEWNET));
	CHECK_EQ(if_nametoindex(NEAR), 0);
	struct ethtool_value value = { .cmd = ETHTOOL_GGSO };
	struct ifreq ifr = { .ifr_name = NEAR, .ifr_data = (void *)&value };
	MUST(ioctl(*(int *)arg, SIOCETHTOOL, &ifr));
	CHECK_EQ(value.data, 1);
	return NULL;
}

CASE(ethtool_on_a_route_socket_acts_on_the_namespace_of_the_socket)
{
	pthread_t thread;

	make_pair();
	int fd = (int)MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
	CHECK_EQ(pthread_create(&thread, NULL, elsewhere, &fd), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* From Linux 6.3. */
CASE(a_device_gets_the_rps_mask_of_the_namespace_it_was_made_in)
{
	char mask[32] = "";
	const char *path = case_path("sys");

	make_pair();
	if (access("/proc/sys/net/core/rps_default_mask", F_OK) != 0)
		SKIP("this kernel has no rps_default_mask");
	write_text("/proc/sys/net/core/rps_default_mask", "1");
	CHECK_EQ(system("ip link add late type veth peer name late2"), 0);
	MUST(mkdir(path, 0755));
	MUST(mount("none", path, "sysfs", 0, NULL));
	char file[300];
	(void)snprintf(file, sizeof(file), "%s/class/net/late/queues/rx-0/rps_cpus", path);
	int rps = (int)MUST(open(file, O_RDONLY | O_CLOEXEC));
	CHECK(MUST(read(rps, mask, sizeof(mask) - 1)) > 0);
	CHECK_EQ(strtoul(mask, NULL, 16), 1);
	MUST(umount2(path, MNT_DETACH));
}

static long long now_ms(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_MONOTONIC, &t));
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* How long it takes from setting one end up until it is reported up; its peer is up already. */
static long long until_it_runs(const char *make)
{
	CHECK_EQ(system(make), 0);
	long long start = now_ms();
	/*
	 * A list of all devices shows the state known so far. A request for one device would make the kernel
	 * update it.
	 */
	CHECK_EQ(system("ip link set bb up && timeout 10 sh -c 'until ip -o link | grep -q \"bb@.*state "
			"UP\"; do :; done'"),
		 0);
	long long took = now_ms() - start;
	CHECK_EQ(system("ip link del bb"), 0);
	return took;
}

CASE(a_veth_end_with_the_index_of_its_peer_gets_carrier_a_second_later)
{
	make_pair();
	CHECK_EQ(system("unshare -n sleep 100 & echo $! >sleeper; "
			"until [ \"$(readlink /proc/$(cat sleeper)/ns/net)\" != \"$(readlink "
			"/proc/self/ns/net)\" ]; do :; done"),
		 0);
	long long apart = 0, alike = 0;
	for (int i = 0; i < 5; i++) { /* the second belongs to a clock that all devices share */
		apart += until_it_runs(
			"ip link add name bb index 20 type veth peer name p index 30 netns $(cat sleeper) && "
			"nsenter -t $(cat sleeper) -n ip link set p up");
		alike += until_it_runs(
			"ip link add name bb index 20 type veth peer name p index 20 netns $(cat sleeper) && "
			"nsenter -t $(cat sleeper) -n ip link set p up");
	}
	printf("ms in five runs: %lld with indices of their own, %lld with the same\n", apart, alike);
	CHECK(alike > apart + 500); /* also on a loaded machine */
	CHECK_EQ(system("kill $(cat sleeper)"), 0);
}

/* A thread that listens on the peer until a frame of that protocol arrives. */
static bool hears(int protocol, int timeout_ms)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol),
				  .sll_ifindex = (int)if_nametoindex(FAR) };
	int fd = (int)MUST(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	MUST(bind(fd, (struct sockaddr *)&to, sizeof(to)));
	CHECK_EQ(system("ip link set " NEAR " address $(cat /sys/class/net/" NEAR "/address)"), 0);
	bool heard = wait_readable(fd, timeout_ms);
	close(fd);
	return heard;
}

/*
 * With arp_notify, setting a device's MAC to its current value announces its addresses; also by rtnetlink,
 * without /proc.
 */
CASE(an_address_is_announced_when_the_mac_is_set_to_the_same_value)
{
	make_pair();
	MUST(mount("none", "/sys", "sysfs", 0, NULL));
	CHECK(!hears(ETH_P_ARP, 200));
	write_text("/proc/sys/net/ipv4/conf/" NEAR "/arp_notify", "1");
	CHECK(hears(ETH_P_ARP, 5000));
}

/* Setting the MAC makes the kernel forget all neighbours of the device, permanent ones as well. */
CASE(permanent_neighbours_are_forgotten_when_the_mac_is_set_to_the_same_value)
{
	make_pair();
	MUST(mount("none", "/sys", "sysfs", 0, NULL));
	CHECK_EQ(system("ip neigh add 10.9.9.9 lladdr 02:00:00:00:00:09 dev " NEAR " nud permanent"), 0);
	CHECK_EQ(system("ip neigh | grep -q PERMANENT"), 0);
	CHECK_EQ(system("ip link set " NEAR " address $(cat /sys/class/net/" NEAR "/address)"), 0);
	CHECK(system("ip neigh | grep -q PERMANENT") != 0);
}

/* ------------------------------------------------------------------ addresses without detection */

/* What the kernel has notified of an address, fc00::LAST. */
struct seen {
	bool tentative; /* at any time */
	bool usable;    /* in the end */
};

static void take_notifications(int fd, struct seen seen[3])
{
	char buf[8192];
	int n = (int)MUST(recv(fd, buf, sizeof(buf), 0));

	struct nlmsghdr *h = (struct nlmsghdr *)(void *)buf;
	for (; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
		struct ifaddrmsg *info = NLMSG_DATA(h);
		struct rtattr *a = IFA_RTA(info);
		int len = (int)IFA_PAYLOAD(h);
		unsigned flags = info->ifa_flags, last = 0;
		for (; RTA_OK(a, len); a = RTA_NEXT(a, len)) {
			unsigned char *bytes = RTA_DATA(a);
			if (a->rta_type == IFA_FLAGS)
				memcpy(&flags, bytes, sizeof(flags));
			else if (a->rta_type == IFA_ADDRESS && bytes[0] == 0xfc)
				last = bytes[15];
		}
		if (h->nlmsg_type != RTM_NEWADDR || last > 2)
			continue;
		seen[last].tentative |= (flags & IFA_F_TENTATIVE) != 0;
		seen[last].usable = (flags & IFA_F_TENTATIVE) == 0;
	}
}

CASE(an_address_with_nodad_is_never_tentative)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV6_IFADDR };
	struct sockaddr_in6 at = { .sin6_family = AF_INET6 };
	struct seen seen[3] = { 0 };

	make_pair();
	int nl = (int)MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	MUST(bind(nl, (struct sockaddr *)&groups, sizeof(groups)));
	CHECK_EQ(system("ip addr add fc00::1/64 dev " NEAR " nodad && ip addr add fc00::2/64 dev " NEAR), 0);
	int fd = (int)MUST(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	CHECK_EQ(inet_pton(AF_INET6, "fc00::1", &at.sin6_addr), 1);
	MUST(bind(fd, (struct sockaddr *)&at, sizeof(at)));
	while (!seen[2].usable) {
		CHECK(wait_readable(nl, 10000));
		take_notifications(nl, seen);
	}
	CHECK(seen[2].tentative); /* so the state is visible here */
	CHECK(seen[1].usable);
	CHECK(!seen[1].tentative);
}
