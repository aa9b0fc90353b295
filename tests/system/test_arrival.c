/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A stack that arrives on a network announces its addresses: switches learn where its MAC is, and neighbours
 * which MAC has its addresses. The network is udp://, whose other end is a socket of the case, so the case
 * sees each frame.
 */

#define _GNU_SOURCE
#include <linux/neighbour.h>
#include <netinet/in.h>

#include "traffic.h"
#include <vdestack/sources.h>

#define FLAGS (CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
#define TYPE_ARP 0x0806
#define TYPE_IPV6 0x86dd
#define NEIGHBOUR_ADVERTISEMENT 136
#define SOON_ENOUGH_MS 5000 /* duplicate address detection takes up to two seconds */

static const unsigned char mac[6] = { 2, 0, 0, 0, 0, 9 };
#define MAC_TEXT "02:00:00:00:00:09"

/* The other end of the network of the stack: 127.0.0.1:4001 is its end, 4002 ours. */
static int other_end(void)
{
	int port = 4002;

	own_namespaces(CLONE_NEWNET);
	tool_run(WORDS("ip", "link", "set", "lo", "up"));
	return bound_in(NULL, "127.0.0.1", SOCK_DGRAM, &port);
}

static bool at(const unsigned char *frame, size_t len, size_t place, const void *bytes, size_t n)
{
	return place + n <= len && memcmp(frame + place, bytes, n) == 0;
}

/* RFC 5227 section 2.3: an ARP request or reply to all, whose sender and target address are the same. */
static bool announces_ipv4(const unsigned char *frame, size_t len, const struct in_addr *addr)
{
	static const unsigned char all[6] = { 255, 255, 255, 255, 255, 255 };

	return len >= 42 && at(frame, len, 0, all, 6) && at(frame, len, 22, mac, 6) &&
	       at(frame, len, 28, addr, 4) && at(frame, len, 38, addr, 4);
}

/* RFC 4861 section 7.2.6: an advertisement to all nodes, unsolicited, that overrides what they know. */
static bool announces_ipv6(const unsigned char *frame, size_t len, const struct in6_addr *addr)
{
	struct in6_addr nodes;

	CHECK_EQ(inet_pton(AF_INET6, "ff02::1", &nodes), 1);
	return len >= 78 && at(frame, len, 38, &nodes, 16) && frame[54] == NEIGHBOUR_ADVERTISEMENT &&
	       (frame[58] & 0x60) == 0x20 && at(frame, len, 62, addr, 16) && at(frame, len, 80, mac, 6);
}

static bool announces(const unsigned char *frame, size_t len, const char *text)
{
	struct sockaddr_storage ss;
	unsigned type = len >= 14 ? (unsigned)(frame[12] << 8 | frame[13]) : 0;

	(void)address_of(text, 0, &ss);
	if (ss.ss_family == AF_INET)
		return type == TYPE_ARP && announces_ipv4(frame, len, &((struct sockaddr_in *)&ss)->sin_addr);
	return type == TYPE_IPV6 && announces_ipv6(frame, len, &((struct sockaddr_in6 *)&ss)->sin6_addr);
}

/* Reads frames until that address has been announced. */
static void comes(int end, const char *address)
{
	long long deadline = now_us() + SOON_ENOUGH_MS * 1000LL;
	unsigned char frame[2048];

	while (wait_readable(end, (int)((deadline - now_us()) / 1000 + 1))) {
		ssize_t n = MUST(recv(end, frame, sizeof(frame), 0));
		if (announces(frame, (size_t)n, address))
			return;
		if (now_us() > deadline)
			break;
	}
	FAIL("%s was not announced", address);
}

static bool knows(struct vdestack *s, const char *addr)
{
	struct vdestack_neigh list[16];
	int n = (int)MUST(vdestack_neigh_list(s, "vde0", list, 16, sizeof(list[0])));

	for (int i = 0; i < n && i < 16; i++)
		if (strcmp(list[i].addr, addr) == 0 && list[i].state == NUD_PERMANENT &&
		    memcmp(list[i].mac, mac, sizeof(mac)) == 0)
			return true;
	return false;
}

static struct vdestack *arrive(const char *words)
{
	return stack_of("vnl=udp://127.0.0.1:4001->127.0.0.1:4002 mac=" MAC_TEXT " %s", words);
}

CASE_FLAGS(the_ipv4_address_of_a_new_stack_is_announced, FLAGS)
{
	int end = other_end();

	(void)arrive("ip=10.0.0.1/24");
	comes(end, "10.0.0.1");
}

CASE_FLAGS(the_ipv6_address_of_a_new_stack_is_announced, FLAGS)
{
	int end = other_end();

	(void)arrive("ip=fc00::1/64");
	comes(end, "fc00::1");
}

CASE_FLAGS(an_ipv6_address_without_detection_is_announced, FLAGS)
{
	int end = other_end();

	(void)arrive("ip=fc00::1/64 nodad");
	comes(end, "fc00::1");
}

CASE_FLAGS(addresses_that_are_configured_later_are_announced, FLAGS)
{
	int end = other_end();
	struct vdestack *s = arrive("");

	MUST(vdestack_configure(s, "ip=10.0.0.1/24 ip=fc00::1/64", case_opts()));
	comes(end, "10.0.0.1");
	comes(end, "fc00::1");
}

CASE_FLAGS(addresses_that_are_added_one_by_one_are_announced, FLAGS)
{
	int end = other_end();
	struct vdestack *s = arrive("ip=10.0.0.1/24");

	comes(end, "10.0.0.1");
	MUST(vdestack_neigh_add(s, "vde0", "10.0.0.7", mac));
	MUST(vdestack_addr_add(s, "vde0", "10.0.0.2", 24));
	comes(end, "10.0.0.2");
	MUST(vdestack_addr_add(s, "vde0", "fc00::2", 64));
	comes(end, "fc00::2");
	CHECK(knows(s, "10.0.0.7"));
}

CASE_FLAGS(an_interface_that_is_added_announces_its_address, FLAGS)
{
	int end = other_end();
	struct vdestack *s = stack_of("vnl=none");

	MUST(vdestack_iface_add(s, "vnl=udp://127.0.0.1:4001->127.0.0.1:4002 mac=" MAC_TEXT " ip=10.0.0.1/24",
				case_opts()));
	comes(end, "10.0.0.1");
}

/* The kernel announces when the MAC is set, and forgets all neighbours then. */
CASE_FLAGS(permanent_neighbours_stay_when_addresses_are_announced, FLAGS)
{
	int end = other_end();
	struct vdestack *s = arrive("ip=10.0.0.1/24 ip=fc00::1/64 nodad");

	MUST(vdestack_neigh_add(s, "vde0", "10.0.0.7", mac));
	MUST(vdestack_neigh_add(s, "vde0", "10.0.0.8", mac));
	MUST(vdestack_neigh_add(s, "vde0", "fc00::7", mac));
	MUST(vdestack_configure(s, "ip=10.0.0.2/24", case_opts()));
	comes(end, "10.0.0.2");
	CHECK(knows(s, "10.0.0.7"));
	CHECK(knows(s, "10.0.0.8"));
	CHECK(knows(s, "fc00::7"));
}
