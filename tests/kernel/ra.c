/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the kernel does with router advertisements, and what src/auto/ra.c relies on: the kernel's
 * ip-sysctl.rst, RFC 4429 for optimistic addresses.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "case.h"
#include "namespace.h"

#define NEAR "near"
#define FAR "far"

static int far_socket;

static void set_sysctl(const char *name, const char *value)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/" NEAR "/%s", name);
	write_text(path, value);
}

static int read_sysctl(const char *name)
{
	char path[128];
	int value = -1;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/" NEAR "/%s", name);
	FILE *f = fopen(path, "re");
	CHECK(f != NULL && fscanf(f, "%d", &value) == 1);
	fclose(f);
	return value;
}

/* A namespace with both ends of a pair. The near one is down; far_socket sends frames to it. */
static void make_pair(void)
{
	char map[32];

	if (!case_is_root()) {
		(void)snprintf(map, sizeof(map), "0 %u 1", getuid());
		MUST(unshare(CLONE_NEWUSER));
		write_text("/proc/self/uid_map", map);
	}
	MUST(unshare(CLONE_NEWNET));
	CHECK_EQ(system("ip link add " NEAR " type veth peer name " FAR
			" && echo 1 >/proc/sys/net/ipv6/conf/" FAR "/disable_ipv6 && ip link set " FAR " up"),
		 0);
	set_sysctl("router_solicitations", "0");
	set_sysctl("accept_ra", "2");
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6),
				  .sll_ifindex = (int)if_nametoindex(FAR) };
	far_socket = (int)MUST(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
	MUST(bind(far_socket, (struct sockaddr *)&to, sizeof(to)));
}

static void set_up(void)
{
	CHECK_EQ(system("ip link set " NEAR " up"), 0);
}

static bool is_usable(void *arg)
{
	(void)arg;
	return system("ip -6 addr show dev " NEAR " scope link -tentative | grep -q inet6") == 0;
}

static void set_up_and_wait(void)
{
	set_up();
	CHECK(wait_until(is_usable, NULL, 10000));
}

static uint16_t checksum(const uint8_t *ip, const uint8_t *icmp, size_t n)
{
	uint32_t sum = (uint32_t)n + IPPROTO_ICMPV6;

	for (size_t i = 8; i < 40; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)icmp[i] << 8 | icmp[i + 1];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/*
 * An advertisement of the router fe80::1:ID, with the prefix 2001:db8:1:ID::/64, a route to
 * 2001:db8:2:ID::/64 and an MTU.
 */
static void advertise(unsigned id, unsigned mtu)
{
	static const uint8_t head[] = { 0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60, 0, 0, 0,
					0, 72, IPPROTO_ICMPV6, 255, 0xfe, 0x80 };
	uint8_t frame[14 + 40 + 72] = { 0 }, *ip = frame + 14, *icmp = ip + 40;

	memcpy(frame, head, sizeof(head));
	ip[21] = 1, ip[22] = (uint8_t)(id >> 8), ip[23] = (uint8_t)id;
	ip[24] = 0xff, ip[25] = 2, ip[39] = 1;
	static const uint8_t body[] = {
		134, 0, 0, 0, 50, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0,
		3, 4, 64, 0xc0, 0, 0, 14, 16, 0, 0, 7, 8, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 1,
		[48] = 24, 2, 64, 0, 0, 0, 7, 8, 0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 5, 1, 0, 0, 0, 0, 0, 0,
	};
	memcpy(icmp, body, sizeof(body));
	icmp[38] = icmp[62] = (uint8_t)(id >> 8);
	icmp[39] = icmp[63] = (uint8_t)id;
	icmp[70] = (uint8_t)(mtu >> 8), icmp[71] = (uint8_t)mtu;
	uint16_t sum = checksum(ip, icmp, 72);
	icmp[2] = (uint8_t)(sum >> 8), icmp[3] = (uint8_t)sum;
	CHECK_EQ(MUST(send(far_socket, frame, sizeof(frame), 0)), (long)sizeof(frame));
}

/* Routes of the near end whose destination begins with these hexadecimal digits, of that prefix length. */
static int count_routes(const char *dst, const char *len)
{
	char line[256], its_dst[33], its_len[3], device[IF_NAMESIZE];
	FILE *f = fopen("/proc/self/net/ipv6_route", "re");
	int n = 0;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		CHECK_EQ(sscanf(line, "%32s %2s %*s %*s %*s %*s %*s %*s %*s %15s", its_dst, its_len, device),
			 3);
		n += strcmp(device, NEAR) == 0 && strncmp(its_dst, dst, strlen(dst)) == 0 &&
		     strcmp(its_len, len) == 0;
	}
	fclose(f);
	return n;
}

static int count_addresses(void)
{
	char line[128], addr[33], device[IF_NAMESIZE];
	FILE *f = fopen("/proc/self/net/if_inet6", "re");
	int n = 0;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		CHECK_EQ(sscanf(line, "%32s %*s %*s %*s %*s %15s", addr, device), 2);
		n += strcmp(device, NEAR) == 0 && strncmp(addr, "fe80", 4) != 0;
	}
	fclose(f);
	return n;
}

static int count_routers(void)
{
	return count_routes("00000000000000000000000000000000", "00");
}

#define PREFIXES "20010db80001"
#define ROUTES "20010db80002"

static bool has_mtu(void *mtu)
{
	return read_sysctl("mtu") == *(int *)mtu;
}

/* The last of a series of advertisements is known by its MTU. */
static void wait_for_mtu(int mtu)
{
	CHECK(wait_until(has_mtu, &mtu, 5000));
}

CASE(the_kernel_keeps_all_routes_that_a_forger_sends)
{
	make_pair();
	set_up_and_wait();
	for (unsigned i = 1; i <= 500; i++)
		advertise(i, i < 500 ? 1500 : 1400);
	wait_for_mtu(1400);
	/* The socket buffers of this machine may drop some of them. */
	CHECK(count_routers() > 250);
	CHECK(count_routes(PREFIXES, "40") > 250);
}

CASE(with_the_sysctls_of_the_machine_it_takes_only_the_mtu)
{
	make_pair();
	set_sysctl("accept_ra_defrtr", "0");
	set_sysctl("accept_ra_pinfo", "0");
	set_sysctl("accept_ra_rt_info_max_plen", "0");
	set_sysctl("accept_ra_mtu", "1");
	set_sysctl("autoconf", "0");
	set_up_and_wait();
	int hop_limit = read_sysctl("hop_limit");
	for (unsigned i = 1; i <= 50; i++)
		advertise(i, i < 50 ? 1500 : 1400);
	wait_for_mtu(1400);
	CHECK_EQ(count_routers(), 0);
	CHECK_EQ(count_routes("20010db8", "40"), 0);
	CHECK_EQ(count_addresses(), 0);
	CHECK_EQ(read_sysctl("hop_limit"), hop_limit);
}

CASE(without_autoconf_it_makes_routes_and_no_addresses)
{
	make_pair();
	set_sysctl("autoconf", "0");
	set_sysctl("accept_ra_rt_info_max_plen", "128");
	set_up_and_wait();
	advertise(1, 1400);
	wait_for_mtu(1400);
	CHECK_EQ(count_routers(), 1);
	CHECK_EQ(count_routes(PREFIXES, "40"), 1);
	CHECK_EQ(count_addresses(), 0);
	CHECK_EQ(count_routes(ROUTES, "40"), 1);
}

CASE(without_a_length_it_takes_no_route_information)
{
	make_pair();
	set_up_and_wait();
	advertise(1, 1400);
	wait_for_mtu(1400);
	CHECK_EQ(count_routers(), 1);
	CHECK_EQ(count_addresses(), 1);
	CHECK_EQ(count_routes(ROUTES, "40"), 0);
}

/* A raw socket as the driver's. */
static int icmp6_socket(void)
{
	int fd = (int)MUST(socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
	int hops = 255, on = 1;

	MUST(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, NEAR, sizeof(NEAR)));
	MUST(setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)));
	MUST(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on)));
	return fd;
}

CASE(a_forwarding_stack_hears_advertisements_only_with_accept_ra_2)
{
	make_pair();
	set_sysctl("accept_ra", "1");
	set_sysctl("forwarding", "1");
	set_up_and_wait();
	int fd = icmp6_socket();
	struct icmp6_filter filter;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_ROUTER_ADVERT, &filter);
	MUST(setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)));
	advertise(1, 1400);
	CHECK(wait_readable(fd, 5000)); /* a raw socket gets them in any case */
	CHECK_EQ(read_sysctl("mtu"), 1500);
	CHECK_EQ(count_routers(), 0);
	set_sysctl("accept_ra", "2");
	advertise(2, 1400);
	wait_for_mtu(1400);
	CHECK_EQ(count_routers(), 1);
	close(fd);
}

static int solicit(int fd)
{
	static const uint8_t solicitation[8] = { ND_ROUTER_SOLICIT };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = if_nametoindex(NEAR) };

	CHECK_EQ(inet_pton(AF_INET6, "ff02::2", &to.sin6_addr), 1);
	return (int)sendto(fd, solicitation, sizeof(solicitation), 0, (struct sockaddr *)&to, sizeof(to));
}

CASE(a_tentative_address_sends_no_solicitation)
{
	make_pair();
	set_up();
	int fd = icmp6_socket();
	CHECK_ERRNO(solicit(fd), EADDRNOTAVAIL);
	CHECK(wait_until(is_usable, NULL, 10000));
	CHECK_EQ(solicit(fd), 8);
	close(fd);
}

CASE(an_optimistic_address_sends_a_solicitation_at_once)
{
	make_pair();
	if (access("/proc/sys/net/ipv6/conf/" NEAR "/optimistic_dad", F_OK) != 0)
		SKIP("this kernel has no optimistic addresses");
	set_sysctl("optimistic_dad", "1");
	set_up();
	int fd = icmp6_socket();
	CHECK(!is_usable(NULL));
	CHECK_EQ(solicit(fd), 8);
	close(fd);
}

CASE(a_stable_secret_makes_the_link_local_address_a_stable_one)
{
	make_pair();
	set_sysctl("stable_secret", "2001:db8::7");
	CHECK_EQ(read_sysctl("addr_gen_mode"), 2);
	CHECK_EQ(system("ip link set " NEAR " addr 02:00:00:00:00:01"), 0);
	set_up_and_wait();
	CHECK(system("ip -6 addr show dev " NEAR " | grep -q fe80::ff:fe00:1/") != 0);
}

static bool second_router_is_used(void *arg)
{
	(void)arg;
	return system("ip -6 route get 2001:db8:9::9 | grep -q 'via fe80::2 '") == 0;
}

CASE(a_router_that_does_not_answer_loses_to_the_next_metric)
{
	make_pair();
	set_up_and_wait();
	write_text("/proc/sys/net/ipv6/neigh/" NEAR "/retrans_time_ms", "50");
	CHECK_EQ(system("ip -6 neigh add fe80::2 lladdr 02:00:00:00:00:02 dev " NEAR
			" && ip -6 route add default via fe80::1 dev " NEAR " metric 1024 expires 1000"
			" && ip -6 route add default via fe80::2 dev " NEAR " metric 1025 expires 1000"
			" && ip -6 addr add 2001:db8:1::1/64 dev " NEAR " nodad"),
		 0);
	CHECK(!second_router_is_used(NULL));
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	CHECK_EQ(inet_pton(AF_INET6, "2001:db8:9::9", &to.sin6_addr), 1);
	int fd = (int)MUST(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(sendto(fd, "", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	CHECK(wait_until(second_router_is_used, NULL, 10000));
	close(fd);
}
