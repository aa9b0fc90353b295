/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_IOTHRADVD_NET_H
#define VDESTACK_TESTS_IOTHRADVD_NET_H

/*
 * What tests of libiothradvd stand on:
 *
 *     router: stack of libioth -- inproc://lan -- host: a stack whose kernel configures itself
 *
 * or, without a stack of the router, a hub of libvdeplug that the host has. A raw host has no IPv6: the case
 * sends and receives its frames.
 */

#include "../system/stacks.h"

#include <ifaddrs.h>
#include <ioth.h>
#include <iothradvd.h>
#include <net/if.h>
#include <vdestack/capture.h>

/* A station opens its network in the process of the case: sanitizers refuse how libvdeplug loads plugins. */
#define STATION_CASE(name) CASE_FLAGS(name, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)

static struct ioth *router;
static struct vdestack *host;

/* ------------------------------------------------------------------ the router */

static inline struct in6_addr addr6(const char *text)
{
	struct in6_addr a;

	CHECK_EQ(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static inline unsigned router_index(void)
{
	return (unsigned)MUST(ioth_if_nametoindex(router, "vde0"));
}

__attribute__((unused)) static void new_router(const char *kind)
{
	router = ioth_newstack(kind, "inproc://lan");
	if (router == NULL)
		FAIL("no stack: %s", ioth_last_error());
	MUST(ioth_linksetupdown(router, router_index(), 1));
}

__attribute__((unused)) static struct iothradvd *serve(const struct iothradvd_opts *given)
{
	struct iothradvd_opts o = *given;

	o.size = sizeof(o);
	if (o.vnl == NULL) {
		o.stack = router;
		o.ifindex = router_index();
	}
	struct iothradvd *s = iothradvd_start_opts(&o);
	if (s == NULL)
		FAIL("no server: %s", ioth_last_error());
	return s;
}

/* ------------------------------------------------------------------ what the host knows */

static inline bool host_has_addr(const char *beginning)
{
	struct ifaddrs *list;
	bool found = false;

	MUST(vdestack_getifaddrs(host, &list));
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		char text[INET6_ADDRSTRLEN] = "";
		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET6)
			continue;
		(void)inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr, text,
				sizeof(text));
		found |= strncmp(text, beginning, strlen(beginning)) == 0;
	}
	vdestack_freeifaddrs(list);
	return found;
}

/* dst "": the default route. */
static inline bool host_has_route(const char *dst)
{
	struct vdestack_route list[32];
	int n = (int)MUST(vdestack_route_list(host, "vde0", list, 32, sizeof(list[0])));

	for (int i = 0; i < n && i < 32; i++)
		if (strcmp(list[i].dst, dst) == 0 && strchr(list[i].gw, ':') != NULL)
			return true;
	return false;
}

static inline bool host_sysctl_is(const char *name, const char *value)
{
	char found[64];

	MUST(vdestack_sysctl_get(host, name, found, sizeof(found)));
	return strcmp(found, value) == 0;
}

__attribute__((unused)) static bool has_addr_now(void *beginning)
{
	return host_has_addr(beginning);
}

__attribute__((unused)) static bool has_route_now(void *dst)
{
	return host_has_route(dst);
}

__attribute__((unused)) static bool has_no_route_now(void *dst)
{
	return !host_has_route(dst);
}

__attribute__((unused)) static bool has_mtu_now(void *mtu)
{
	return host_sysctl_is("ipv6/conf/vde0/mtu", mtu);
}

/* ------------------------------------------------------------------ frames of a raw host */

#define NEVER_MS 600000

static int tap = -1;

static const uint8_t host_mac[6] = { 2, 0, 0, 0, 0, 0x66 };

__attribute__((unused)) static void new_raw_host(const char *locator)
{
	const struct vdestack_tap_opts opts = { .size = sizeof(opts),
						.flags = VDESTACK_TAP_BOTH | VDESTACK_TAP_HEADER |
							 VDESTACK_TAP_TO_NETWORK };

	host = new_stack("vnl='%s'", locator);
	MUST(vdestack_sysctl_set(host, "ipv6.conf.vde0.disable_ipv6", "1"));
	tap = (int)MUST(vdestack_tap_open(host, "vde0", &opts));
}

struct packet {
	uint8_t from[16], to[16], to_mac[6];
	uint8_t hops;
	const char *message; /* ICMPv6; its checksum is written */
	size_t n;
	int damage; /* added to the checksum */
};

static inline uint16_t packet_sum(const uint8_t *ip, const uint8_t *message, size_t n)
{
	uint32_t sum = (uint32_t)n + 58;

	for (size_t i = 8; i < 40; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	for (size_t i = 0; i < n; i++)
		sum += (uint32_t)(message[i] << (i % 2 == 0 ? 8 : 0));
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

__attribute__((unused)) static void send_packet(const struct packet *p)
{
	uint8_t bytes[1500] = { 0 }, *ip = bytes + 14, *message = bytes + 54;

	memcpy(bytes, p->to_mac, 6);
	memcpy(bytes + 6, host_mac, 6);
	bytes[12] = 0x86, bytes[13] = 0xdd;
	ip[0] = 0x60, ip[5] = (uint8_t)p->n, ip[6] = 58, ip[7] = p->hops;
	memcpy(ip + 8, p->from, 16);
	memcpy(ip + 24, p->to, 16);
	memcpy(message, p->message, p->n);
	if (p->n >= 4) {
		message[2] = message[3] = 0;
		unsigned sum = packet_sum(ip, message, p->n) + (unsigned)p->damage;
		message[2] = (uint8_t)(sum >> 8);
		message[3] = (uint8_t)sum;
	}
	CHECK_EQ(write(tap, bytes, 54 + p->n), (ssize_t)(54 + p->n));
}

/* A good solicitation to all routers. */
__attribute__((unused)) static struct packet solicitation(const char *from)
{
	struct packet p = {
		.to_mac = { 0x33, 0x33, 0, 0, 0, 2 }, .hops = 255, .message = "\x85\0\0\0\0\0\0\0", .n = 8
	};
	struct in6_addr a = addr6(from), all_routers = addr6("ff02::2");

	memcpy(p.from, &a, 16);
	memcpy(p.to, &all_routers, 16);
	return p;
}

struct received {
	uint8_t bytes[2048];
	size_t n;
};

/* The next ICMPv6 message of a type that the host receives. False: the time has passed. */
__attribute__((unused)) static bool next_message(uint8_t type, struct received *r, int timeout_ms)
{
	long long end = now_us() + timeout_ms * 1000LL;
	static struct {
		struct vdestack_tap_header head;
		uint8_t bytes[2048];
	} got;

	for (;;) {
		long long left = (end - now_us()) / 1000;
		if (left <= 0 || !wait_readable(tap, (int)left))
			return false;
		ssize_t n = MUST(read(tap, &got, sizeof(got)));
		CHECK(n > (ssize_t)sizeof(got.head));
		r->n = (size_t)n - sizeof(got.head);
		if (got.head.direction != VDESTACK_TAP_RECEIVED || r->n < 54 + 8 || got.bytes[12] != 0x86 ||
		    got.bytes[20] != 58 || got.bytes[54] != type)
			continue;
		memcpy(r->bytes, got.bytes, r->n);
		return true;
	}
}

/* An advertisement as all must be: RFC 4861 section 6.1.2. */
__attribute__((unused)) static void check_advertisement(const struct received *r)
{
	const uint8_t *ip = r->bytes + 14;

	CHECK_EQ(ip[7], 255);
	CHECK(ip[8] == 0xfe && ip[9] == 0x80);
	CHECK_EQ(packet_sum(ip, r->bytes + 54, r->n - 54), 0);
	CHECK_EQ(r->bytes[55], 0);
}

#endif
