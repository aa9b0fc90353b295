/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Raw sockets, ping sockets, packet sockets and ioctls of interfaces in stacks in user space. */

#include <arpa/inet.h>
#include <case.h>
#include <errno.h>
#include <ifaddrs.h>
#include <ioth.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vdestack.h>

#include "../../src/ioth/lib/internal.h"

#define WAIT_MS 20000
#define ID 0x4242

static struct ioth *stack;
static struct vdestack *peer;

/* picox is .2, a stack of the kernel is .1. */
static void begin(void)
{
	char text[500];
	void *data;

	(void)snprintf(text, sizeof(text), "hub://%s", case_path("net"));
	stack = ioth_newstack("picox", text);
	if (stack == NULL)
		FAIL("no stack: %s", ioth_last_error());
	const struct ioth_functions *f = ioth_functions_of(stack, &data);
	MUST(f->configure(data, "ip=10.8.0.2/24 ip=fd08::2/64 nodad", 0, WAIT_MS));
	(void)snprintf(text, sizeof(text), "vnl=vde://%s ip=10.8.0.1/24 ip=fd08::1/64 nodad",
		       case_path("net"));
	peer = vdestack_new(text, case_opts());
	if (peer == NULL)
		FAIL("no stack: %s", vdestack_last_error());
}

static void end(void)
{
	CHECK_EQ(vdestack_delete(peer), 0);
	CHECK_EQ(ioth_delstack(stack), 0);
}

static int open_in_stack(int family, int type, int protocol)
{
	return (int)MUST(ioth_msocket(stack, family, type | SOCK_CLOEXEC, protocol));
}

/* ------------------------------------------------------------------ pings */

struct to {
	struct sockaddr_storage addr;
	socklen_t len;
};

static struct to address(const char *text)
{
	struct to to = { 0 };
	struct sockaddr_in *in = (void *)&to.addr;
	struct sockaddr_in6 *in6 = (void *)&to.addr;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		to.len = sizeof(*in);
	} else {
		CHECK_EQ(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
		in6->sin6_family = AF_INET6;
		to.len = sizeof(*in6);
	}
	return to;
}

static uint16_t checksum(const uint8_t *bytes, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* An echo request. Its checksum is right for ICMP; that of ICMPv6 is the stack's work. */
static void make_request(uint8_t message[16], bool six, int id, int seq)
{
	memcpy(message,
	       (uint8_t[16]){ six ? ICMP6_ECHO_REQUEST : ICMP_ECHO, 0, 0, 0, (uint8_t)(id >> 8), (uint8_t)id,
			      0, (uint8_t)seq, 'p', 'i', 'n', 'g' },
	       16);
	uint16_t sum = six ? 0 : checksum(message, 16);
	message[2] = (uint8_t)(sum >> 8);
	message[3] = (uint8_t)sum;
}

/* Sends requests until a reply comes; the first may be lost while addresses are asked for. */
static void ping(int fd, const char *text, int type, int id)
{
	struct to to = address(text);
	bool six = to.addr.ss_family == AF_INET6;
	uint8_t message[16], got[200];
	size_t skip = six || type == SOCK_DGRAM ? 0 : sizeof(struct iphdr);
	int replies = 0;

	for (int seq = 1; seq < 20 && replies == 0; seq++) {
		make_request(message, six, id, seq);
		CHECK_EQ(ioth_sendto(fd, message, sizeof(message), 0, (void *)&to.addr, to.len), 16);
		while (replies == 0 && wait_readable(fd, 1000)) {
			struct sockaddr_storage from;
			socklen_t len = sizeof(from);
			ssize_t n = MUST(ioth_recvfrom(fd, got, sizeof(got), 0, (void *)&from, &len));
			if (n < (ssize_t)skip + 16 || got[skip] != (six ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY))
				continue; /* raw sockets see neighbour discovery, too */
			CHECK_EQ(len, to.len);
			if (six)
				CHECK_EQ(memcmp(&((struct sockaddr_in6 *)&from)->sin6_addr,
						&((struct sockaddr_in6 *)&to.addr)->sin6_addr, 16),
					 0);
			CHECK_EQ(memcmp(got + skip + 8, "ping", 4), 0);
			if (type == SOCK_RAW)
				CHECK_EQ(got[skip + 4] << 8 | got[skip + 5], id);
			replies++;
		}
	}
	CHECK_EQ(replies, 1);
}

static void ping_by(int type, const char *text)
{
	bool six = strchr(text, ':') != NULL;
	int fd = open_in_stack(six ? AF_INET6 : AF_INET, type, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

	ping(fd, text, type, ID);
	CHECK_EQ(ioth_close(fd), 0);
}

CASE(a_raw_socket_pings_a_stack_of_the_kernel)
{
	begin();
	ping_by(SOCK_RAW, "10.8.0.1");
	ping_by(SOCK_RAW, "fd08::1");
	end();
}

CASE(a_ping_socket_pings_a_stack_of_the_kernel)
{
	begin();
	ping_by(SOCK_DGRAM, "10.8.0.1");
	ping_by(SOCK_DGRAM, "fd08::1");
	end();
}

CASE(a_stack_of_the_kernel_pings_the_stack)
{
	begin();
	for (int six = 0; six < 2; six++) {
		int fd = (int)MUST(vdestack_msocket(peer, six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC,
						    six ? IPPROTO_ICMPV6 : IPPROTO_ICMP));
		struct to to = address(six ? "fd08::2" : "10.8.0.2");
		uint8_t message[16], got[200];
		size_t skip = six ? 0 : sizeof(struct iphdr);
		bool replied = false;
		for (int seq = 1; seq < 20 && !replied; seq++) {
			make_request(message, six != 0, ID, seq);
			MUST(sendto(fd, message, sizeof(message), 0, (void *)&to.addr, to.len));
			while (!replied && wait_readable(fd, 1000)) {
				ssize_t n = MUST(recv(fd, got, sizeof(got), 0));
				replied = n >= (ssize_t)skip + 16 &&
					  got[skip] == (six ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
			}
		}
		CHECK(replied);
		CHECK_EQ(close(fd), 0);
	}
	end();
}

CASE(a_ping_socket_has_its_own_identifier_and_takes_requests_only)
{
	struct to to;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(77) }, name = { 0 };
	socklen_t len = sizeof(name);
	uint8_t message[16];
	int error = 0;

	begin();
	int fd = open_in_stack(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	int other = open_in_stack(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	CHECK_EQ(ioth_bind(fd, (void *)&in, sizeof(in)), 0);
	CHECK_ERRNO(ioth_bind(other, (void *)&in, sizeof(in)), EADDRINUSE);
	MUST(ioth_getsockname(fd, (void *)&name, &len));
	CHECK_EQ(ntohs(name.sin_port), 77);
	to = address("10.8.0.1");
	make_request(message, false, ID, 1);
	message[0] = ICMP_REDIRECT;
	MUST(ioth_sendto(fd, message, sizeof(message), 0, (void *)&to.addr, to.len));
	len = sizeof(error);
	for (int i = 0; i < 1000 && error == 0; i++) /* it comes when the process has read it */
		MUST(ioth_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len));
	CHECK_EQ(error, EINVAL);
	ping(fd, "10.8.0.1", SOCK_DGRAM, ID);
	CHECK(!wait_readable(other, 0)); /* the replies were not its own */
	CHECK_EQ(ioth_close(other), 0);
	CHECK_EQ(ioth_close(fd), 0);
	end();
}

CASE(a_filter_keeps_types_of_messages_away)
{
	struct icmp6_filter only_replies;
	uint8_t got[200];

	begin();
	int fd = open_in_stack(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	int filtered = open_in_stack(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	ICMP6_FILTER_SETBLOCKALL(&only_replies);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &only_replies);
	MUST(ioth_setsockopt(filtered, IPPROTO_ICMPV6, ICMP6_FILTER, &only_replies, sizeof(only_replies)));
	while (wait_readable(filtered, 0)) /* what came before the filter */
		MUST(ioth_recv(filtered, got, sizeof(got), 0));
	ping(fd, "fd08::1", SOCK_RAW, ID);
	CHECK(wait_readable(filtered, WAIT_MS));
	while (wait_readable(filtered, 0)) {
		MUST(ioth_recv(filtered, got, sizeof(got), 0));
		CHECK_EQ(got[0], ICMP6_ECHO_REPLY);
	}
	CHECK_EQ(ioth_close(fd), 0);
	CHECK_EQ(ioth_close(filtered), 0);
	end();
}

CASE(what_raw_sockets_cannot_do_is_refused)
{
	const int on = 1;
	begin();
	CHECK_ERRNO(ioth_msocket(stack, AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
	CHECK_ERRNO(ioth_msocket(stack, AF_INET, SOCK_RAW, IPPROTO_RAW), EPROTONOSUPPORT);
	CHECK_ERRNO(ioth_msocket(stack, AF_INET, SOCK_RAW, 100000), EPROTONOSUPPORT);
	CHECK_ERRNO(ioth_msocket(stack, AF_INET6, SOCK_DGRAM, IPPROTO_ICMP), EPROTONOSUPPORT);
	int fd = open_in_stack(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	CHECK_ERRNO(ioth_setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on)), ENOPROTOOPT);
	CHECK_ERRNO(ioth_setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &on, sizeof(on)), ENOPROTOOPT);
	CHECK_ERRNO(ioth_listen(fd, 1), EOPNOTSUPP);
	CHECK_EQ(ioth_close(fd), 0);
	/* No checksum fits into it. */
	struct to to = address("fd08::1");
	int error = 0;
	socklen_t len = sizeof(error);
	fd = open_in_stack(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	MUST(ioth_sendto(fd, "abc", 3, 0, (void *)&to.addr, to.len));
	MUST(ioth_sendto(fd, "", 0, 0, (void *)&to.addr, to.len));
	for (int i = 0; i < 1000 && error == 0; i++)
		MUST(ioth_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len));
	CHECK_EQ(error, EINVAL);
	CHECK_EQ(ioth_close(fd), 0);
	ping_by(SOCK_RAW, "10.8.0.1");
	end();
}

/* ------------------------------------------------------------------ packet sockets */

static struct sockaddr_ll on_vde0(int protocol)
{
	return (struct sockaddr_ll){ .sll_family = AF_PACKET,
				     .sll_protocol = htons((uint16_t)protocol),
				     .sll_ifindex = 2,
				     .sll_halen = 6,
				     .sll_addr = { 255, 255, 255, 255, 255, 255 } };
}

/* "Who has 10.8.0.1?" from .2, behind the Ethernet header. */
static void make_arp(uint8_t arp[28], const uint8_t mac[6])
{
	memcpy(arp, (uint8_t[28]){ 0, 1, 8, 0, 6, 4, 0, 1, [14] = 10, 8, 0, 2, [24] = 10, 8, 0, 1 }, 28);
	memcpy(arp + 8, mac, 6);
}

CASE(a_packet_socket_sends_and_sees_arp)
{
	struct sockaddr_ll ll = on_vde0(ETH_P_ARP), from;
	socklen_t len = sizeof(ll);
	uint8_t arp[28], got[100];
	bool seen = false;

	begin();
	int fd = open_in_stack(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ARP));
	int whole = open_in_stack(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	CHECK_EQ(ioth_bind(fd, (void *)&ll, sizeof(ll)), 0);
	MUST(ioth_getsockname(fd, (void *)&from, &len));
	CHECK_EQ(from.sll_ifindex, 2);
	CHECK_EQ(ntohs(from.sll_protocol), ETH_P_ARP);
	make_arp(arp, from.sll_addr);
	ll = on_vde0(ETH_P_ARP);
	MUST(ioth_sendto(fd, arp, sizeof(arp), 0, (void *)&ll, sizeof(ll)));
	while (!seen) {
		CHECK(wait_readable(fd, WAIT_MS));
		len = sizeof(ll);
		ssize_t n = MUST(ioth_recvfrom(fd, got, sizeof(got), 0, (void *)&ll, &len));
		CHECK_EQ(ntohs(ll.sll_protocol), ETH_P_ARP);
		CHECK_EQ(ll.sll_ifindex, 2);
		seen = n >= 28 && got[7] == 2 && memcmp(got + 14, (uint8_t[]){ 10, 8, 0, 1 }, 4) == 0;
	}
	CHECK_EQ(ll.sll_pkttype, PACKET_HOST);
	/* The other socket sees both ways, with the header. */
	for (seen = false; !seen;) {
		CHECK(wait_readable(whole, WAIT_MS));
		len = sizeof(ll);
		MUST(ioth_recvfrom(whole, got, sizeof(got), 0, (void *)&ll, &len));
		seen = ll.sll_pkttype == PACKET_OUTGOING && got[12] == 8 && got[13] == 6 &&
		       memcmp(got + 14, arp, sizeof(arp)) == 0;
	}
	CHECK_EQ(ioth_close(fd), 0);
	CHECK_EQ(ioth_close(whole), 0);
	end();
}

static int error_of_sending(int fd, const void *bytes, size_t n, const struct sockaddr_ll *to)
{
	int error = 0;
	socklen_t len = sizeof(error);

	MUST(ioth_sendto(fd, bytes, n, 0, (const void *)to, sizeof(*to)));
	for (int i = 0; i < 5000 && error == 0; i++)
		MUST(ioth_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len));
	return error;
}

CASE(malformed_sends_of_packet_sockets_are_refused)
{
	static const uint8_t bytes[3000];
	struct sockaddr_ll ll = on_vde0(ETH_P_ARP);

	begin();
	int fd = open_in_stack(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP));
	CHECK_EQ(error_of_sending(fd, bytes, 13, &ll), EINVAL);
	CHECK_EQ(error_of_sending(fd, bytes, 1519, &ll), EMSGSIZE);
	ll.sll_ifindex = 77;
	CHECK_EQ(error_of_sending(fd, bytes, 60, &ll), ENXIO);
	CHECK_ERRNO(ioth_bind(fd, (void *)&ll, sizeof(ll)), ENODEV);
	ll.sll_ifindex = 1; /* lo */
	CHECK_EQ(error_of_sending(fd, bytes, 60, &ll), ENXIO);
	ll.sll_family = AF_INET;
	CHECK_EQ(error_of_sending(fd, bytes, 60, &ll), EINVAL);
	CHECK_ERRNO(ioth_bind(fd, (void *)&ll, 4), EINVAL);
	CHECK_EQ(ioth_close(fd), 0);
	fd = open_in_stack(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ARP));
	ll = on_vde0(ETH_P_ARP);
	ll.sll_halen = 200;
	CHECK_EQ(error_of_sending(fd, bytes, 28, &ll), EINVAL);
	CHECK_EQ(ioth_close(fd), 0);
	end();
}

/* ------------------------------------------------------------------ interfaces */

CASE(ioctls_show_and_change_interfaces)
{
	struct ifreq ifr = { .ifr_name = "vde0" }, list[8];
	struct ifconf conf = { .ifc_len = sizeof(list), .ifc_req = list };
	static const char mac[6] = { 2, 0, 0, 0, 8, 2 };

	begin();
	int fd = open_in_stack(AF_INET, SOCK_DGRAM, 0);
	MUST(ioth_ioctl(fd, SIOCGIFINDEX, &ifr));
	CHECK_EQ(ifr.ifr_ifindex, 2);
	memset(ifr.ifr_name, 0, sizeof(ifr.ifr_name));
	MUST(ioth_ioctl(fd, SIOCGIFNAME, &ifr));
	CHECK_STR(ifr.ifr_name, "vde0");
	MUST(ioth_ioctl(fd, SIOCGIFADDR, &ifr));
	CHECK_EQ(((struct sockaddr_in *)&ifr.ifr_addr)->sin_addr.s_addr, inet_addr("10.8.0.2"));
	MUST(ioth_ioctl(fd, SIOCGIFNETMASK, &ifr));
	CHECK_EQ(((struct sockaddr_in *)&ifr.ifr_addr)->sin_addr.s_addr, inet_addr("255.255.255.0"));
	MUST(ioth_ioctl(fd, SIOCGIFBRDADDR, &ifr));
	CHECK_EQ(((struct sockaddr_in *)&ifr.ifr_addr)->sin_addr.s_addr, inet_addr("10.8.0.255"));
	MUST(ioth_ioctl(fd, SIOCGIFFLAGS, &ifr));
	CHECK((ifr.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING));
	ifr.ifr_mtu = 1400;
	MUST(ioth_ioctl(fd, SIOCSIFMTU, &ifr));
	ifr.ifr_mtu = 0;
	MUST(ioth_ioctl(fd, SIOCGIFMTU, &ifr));
	CHECK_EQ(ifr.ifr_mtu, 1400);
	ifr.ifr_mtu = 67;
	CHECK_ERRNO(ioth_ioctl(fd, SIOCSIFMTU, &ifr), EINVAL);
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, mac, 6);
	MUST(ioth_ioctl(fd, SIOCSIFHWADDR, &ifr));
	memset(&ifr.ifr_hwaddr, 0, sizeof(ifr.ifr_hwaddr));
	MUST(ioth_ioctl(fd, SIOCGIFHWADDR, &ifr));
	CHECK_EQ(memcmp(ifr.ifr_hwaddr.sa_data, mac, 6), 0);
	MUST(ioth_ioctl(fd, SIOCGIFCONF, &conf));
	CHECK_EQ(conf.ifc_len, 2 * sizeof(list[0]));
	CHECK_STR(list[0].ifr_name, "lo");
	CHECK_STR(list[1].ifr_name, "vde0");
	conf = (struct ifconf){ 0 };
	MUST(ioth_ioctl(fd, SIOCGIFCONF, &conf));
	CHECK_EQ(conf.ifc_len, 2 * sizeof(list[0]));
	strcpy(ifr.ifr_name, "vde9");
	CHECK_ERRNO(ioth_ioctl(fd, SIOCGIFMTU, &ifr), ENODEV);
	CHECK_ERRNO(ioth_ioctl(fd, SIOCSIFADDR, &ifr), ENOTTY);
	CHECK_EQ(ioth_close(fd), 0);
	CHECK_EQ(ioth_if_nametoindex(stack, "vde0"), 2);
	end();
}

CASE(getifaddrs_lists_the_addresses)
{
	struct ifaddrs *list;
	int four = 0, six = 0, link = 0;

	begin();
	MUST(ioth_getifaddrs(stack, &list));
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		if (strcmp(i->ifa_name, "vde0") != 0 || i->ifa_addr == NULL)
			continue;
		four += i->ifa_addr->sa_family == AF_INET;
		six += i->ifa_addr->sa_family == AF_INET6;
		link += i->ifa_addr->sa_family == AF_PACKET;
	}
	ioth_freeifaddrs(list);
	CHECK_EQ(four, 1);
	CHECK_EQ(six, 2); /* the link-local one */
	CHECK_EQ(link, 1);
	end();
}

CASE(a_pair_of_streams_is_made_and_other_pairs_are_refused)
{
	int sv[2];
	char byte = 0;

	begin();
	MUST(ioth_socketpair(stack, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	CHECK_EQ(ioth_write(sv[0], "x", 1), 1);
	CHECK_EQ(ioth_read(sv[1], &byte, 1), 1);
	CHECK_EQ(byte, 'x');
	CHECK_EQ(ioth_close(sv[0]), 0);
	CHECK_EQ(ioth_read(sv[1], &byte, 1), 0);
	CHECK_EQ(ioth_close(sv[1]), 0);
	CHECK_ERRNO(ioth_socketpair(stack, AF_UNIX, SOCK_DGRAM, 0, sv), EOPNOTSUPP);
	CHECK_ERRNO(ioth_socketpair(stack, AF_INET, SOCK_STREAM, 0, sv), EOPNOTSUPP);
	end();
}
