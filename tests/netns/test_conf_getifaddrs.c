/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vdestack_getifaddrs() against getifaddrs() of glibc. */

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fixture.h"

static size_t sockaddr_size(const struct sockaddr *sa)
{
	switch (sa->sa_family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return offsetof(struct sockaddr_ll, sll_addr) +
		       ((const struct sockaddr_ll *)(const void *)sa)->sll_halen;
	}
}

static bool same_sockaddr(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->sa_family == b->sa_family && sockaddr_size(a) == sockaddr_size(b) &&
	       memcmp(a, b, sockaddr_size(a)) == 0;
}

static bool same_entry(const struct ifaddrs *a, const struct ifaddrs *b)
{
	size_t stats = 23 * sizeof(uint32_t); /* of struct rtnl_link_stats, as far as every glibc knows it */

	return strcmp(a->ifa_name, b->ifa_name) == 0 && a->ifa_flags == b->ifa_flags &&
	       same_sockaddr(a->ifa_addr, b->ifa_addr) && same_sockaddr(a->ifa_netmask, b->ifa_netmask) &&
	       same_sockaddr(a->ifa_broadaddr, b->ifa_broadaddr) &&
	       (a->ifa_data == NULL) == (b->ifa_data == NULL) &&
	       (a->ifa_data == NULL || memcmp(a->ifa_data, b->ifa_data, stats) == 0);
}

static int count_entries(const struct ifaddrs *list)
{
	int n = 0;

	for (; list != NULL; list = list->ifa_next)
		n++;
	return n;
}

/* The first entry of a that b lacks, described; "" if none. */
static void find_difference(const struct ifaddrs *a, const struct ifaddrs *b, char text[64])
{
	text[0] = '\0';
	for (; a != NULL; a = a->ifa_next) {
		const struct ifaddrs *other = b;
		while (other != NULL && !same_entry(a, other))
			other = other->ifa_next;
		if (other == NULL)
			(void)snprintf(text, 64, "%s, family %d", a->ifa_name,
				       a->ifa_addr != NULL ? a->ifa_addr->sa_family : -1);
	}
}

/* Counters may change between the two calls, so only a lasting difference is a failure. */
static void compare_with_glibc(void)
{
	char difference[64] = "?";

	for (int i = 0; i < 100 && difference[0] != '\0'; i++) {
		struct ifaddrs *ours, *theirs;
		assert_works(vdestack_getifaddrs(stack, &ours));
		assert_int_equal(getifaddrs(&theirs), 0);
		find_difference(theirs, ours, difference);
		if (count_entries(ours) != count_entries(theirs))
			(void)snprintf(difference, sizeof(difference), "the number of entries");
		vdestack_freeifaddrs(ours);
		freeifaddrs(theirs);
	}
	if (difference[0] != '\0')
		fail_msg("differs from glibc: %s", difference);
}

static void getifaddrs_returns_what_glibc_returns(void **state)
{
	static const int lengths4[] = { 1, 7, 8, 9, 24, 25, 30, 31, 32 };
	static const int lengths6[] = { 1, 7, 8, 61, 64, 65, 127, 128 };

	(void)state;
	make_plugged("d0");
	make_veth();
	ip("link add br0 type bridge");
	compare_with_glibc();
	ip("link set lo up");
	ip("link set v0 up");
	ip("link set v1 up");
	ip("link set br0 up");
	for (size_t i = 0; i < VS_COUNT(lengths4); i++)
		ip("addr add 10.%d.0.1/%d dev d0", lengths4[i], lengths4[i]);
	for (size_t i = 0; i < VS_COUNT(lengths6); i++)
		ip("addr add fc%02x::1/%d dev d0", lengths6[i], lengths6[i]);
	ip("addr add 10.100.0.1/24 broadcast + dev br0");
	ip("addr add 10.101.0.1/24 broadcast + label br0:web dev br0");
	ip("addr add 10.102.0.1 peer 10.103.0.1/32 dev d0");
	ip("addr add fc77::1 peer fc78::1/64 dev d0");
	ip("addr add 0.0.0.0/32 dev br0 2>/dev/null || true");
	compare_with_glibc();
}

static void getifaddrs_groups_by_interface(void **state)
{
	struct ifaddrs *list;
	char name[IF_NAMESIZE] = "";
	int last_family = 0;

	(void)state;
	make_plugged("d0");
	make_plugged("d1");
	ip("addr add 10.0.0.1/24 dev d0");
	ip("addr add 10.0.1.1/24 dev d1");
	assert_works(vdestack_getifaddrs(stack, &list));
	for (const struct ifaddrs *ifa = list; ifa != NULL; ifa = ifa->ifa_next) {
		int family = ifa->ifa_addr->sa_family;
		if (family == AF_PACKET)
			(void)snprintf(name, sizeof(name), "%s", ifa->ifa_name);
		else
			assert_true(last_family == AF_PACKET || family == last_family || family == AF_INET6);
		assert_string_equal(ifa->ifa_name, name);
		last_family = family;
	}
	vdestack_freeifaddrs(list);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(getifaddrs_returns_what_glibc_returns),
		CASE(getifaddrs_groups_by_interface),
	};

	return vs_unit_main(argc, argv, tests, VS_COUNT(tests));
}
