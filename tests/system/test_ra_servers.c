/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sources rd and slaac with real routers: radvd and dnsmasq. */

#include <pthread.h>
#include <signal.h>

#include "client.h"

#define LONG_MS 45000

static const struct server_plan plan_ra = {
	.subnet = "fd07::/64",
	.lease_s = 120,
	.dns = "fd07::53",
	.domain = "home.test",
};

static void lay_ra(enum server_kind kind, const struct server_plan *p)
{
	lay(kind, p, "fd07::1/64");
}

/* The server's link-local address, which is the gateway. */
static const char *router(void)
{
	static char text[INET6_ADDRSTRLEN];
	struct vdestack_addr list[8];
	int n = (int)MUST(vdestack_addr_list(server.stack, "vde0", list, 8, sizeof(list[0])));

	for (int i = 0; i < n && i < 8; i++)
		if (strncmp(list[i].addr, "fe80:", 5) == 0)
			(void)snprintf(text, sizeof(text), "%s", list[i].addr);
	return text;
}

struct wanted_route {
	struct vdestack *s;
	bool there;
};

static bool default_route_is_as_wanted(void *arg)
{
	struct wanted_route *w = arg;

	return has_route(w->s, AF_INET6, "", 0, NULL) == w->there;
}

static void wait_default_route(struct vdestack *s, bool there, int timeout_ms)
{
	struct wanted_route w = { s, there };

	if (!wait_until(default_route_is_as_wanted, &w, timeout_ms))
		EXPLAIN("the default route is %s", there ? "not there" : "still there");
}

/* ------------------------------------------------------------------ what a
 * router tells */

static void tells_all(enum server_kind kind)
{
	char text[512];

	lay_ra(kind, &plan_ra);
	struct vdestack *s = client("slaac");
	wait_address(s, "fd07::", true, SOON_MS);
	CHECK(has_route(s, AF_INET6, "", 0, router()));
	CHECK(has_learned(s, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_RA, "fd07::53"));
	CHECK(has_learned(s, VDESTACK_LEARNED_SEARCH, VDESTACK_SOURCE_RA, "home.test"));
	MUST(vdestack_resolvconf(s, NULL, text, sizeof(text)));
	CHECK_CONTAINS(text, "nameserver fd07::53\n");
	CHECK_CONTAINS(text, "search home.test\n");
	struct vdestack_source state = source_of(s, VDESTACK_SOURCE_RA);
	CHECK(state.ready);
	CHECK_STR(state.server, router());
	CHECK(relay_count(D6_SOLICIT, CLIENT_PORT) == 0);
	server_stop(&server);
}

CASE(radvd_gives_address_router_and_names)
{
	tells_all(SERVER_RADVD);
}

CASE(dnsmasq_gives_address_router_and_names)
{
	tells_all(SERVER_DNSMASQ6);
}

CASE(router_discovery_without_slaac_sets_no_address)
{
	lay_ra(SERVER_RADVD, &plan_ra);
	struct vdestack *s = client("rd");
	wait_default_route(s, true, SOON_MS);
	expect(ND_RA, SERVER_PORT, relay_count(ND_RA, SERVER_PORT) + 1, SOON_MS);
	CHECK(!has_any_address(s, "fd07:"));
	CHECK(has_learned(s, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_RA, "fd07::53"));
	server_stop(&server);
}

CASE(an_mtu_of_the_router_is_learned)
{
	struct server_plan p = plan_ra;

	p.mtu = 1400;
	lay_ra(SERVER_RADVD, &p);
	struct vdestack *s = client("slaac");
	char text[32] = "";
	MUST(vdestack_sysctl_get(s, "ipv6/conf/vde0/mtu", text, sizeof(text)));
	CHECK_STR(text, "1400");
	server_stop(&server);
}

CASE(the_interface_id_is_that_of_the_MAC_or_a_stable_one)
{
	lay_ra(SERVER_RADVD, &plan_ra);
	struct vdestack *eui = client("mac=02:00:00:00:00:55 slaac");
	wait_address(eui, "fd07::ff:fe00:55", true, SOON_MS);
	struct vdestack *stable = client("mac=02:00:00:00:00:56 slaac=stable");
	wait_address(stable, "fd07::", true, SOON_MS);
	CHECK(!has_any_address(stable, "fd07::ff:fe00:56"));
	server_stop(&server);
}

/* ------------------------------------------------------------------ how soon */

/* The second solicitation is 4 s after the first: what comes sooner is the first. */
CASE(a_solicitation_is_sent_while_the_kernel_still_looks_for_duplicates)
{
	relay_start();
	struct vdestack *s = client_at_once("slaac"); /* at port 0 */
	expect(ND_RS, 0, 1, 3000);
	CHECK_EQ(source_of(s, VDESTACK_SOURCE_RA).sent, 1);
}

/* Only the detection of duplicates takes time, 1 s. */
CASE(an_address_is_there_after_one_solicitation)
{
	lay_ra(SERVER_DNSMASQ6, &plan_ra);
	long long began = now_us();
	struct vdestack *s = client("slaac");
	printf("slaac: %lld ms\n", (now_us() - began) / 1000);
	CHECK_EQ(source_of(s, VDESTACK_SOURCE_RA).sent, 1);
	began = now_us();
	s = client("slaac nodad");
	printf("slaac nodad: %lld ms\n", (now_us() - began) / 1000);
	CHECK_EQ(source_of(s, VDESTACK_SOURCE_RA).sent, 1);
	CHECK(has_address(s, "fe80:") && has_address(s, "fd07:"));
	server_stop(&server);
}

/* Sources that are started later rely on the link-local address that is there. */
CASE(slaac_of_a_living_stack_is_as_soon)
{
	lay_ra(SERVER_DNSMASQ6, &plan_ra);
	struct vdestack *s = client("eth");
	long long began = now_us();
	MUST(vdestack_configure(s, "slaac", case_opts()));
	printf("slaac later: %lld ms\n", (now_us() - began) / 1000);
	CHECK(has_address(s, "fd07:"));
	CHECK(source_of(s, VDESTACK_SOURCE_RA).sent <= 2); /* one may have been lost: no address yet */
	server_stop(&server);
}

/* ------------------------------------------------------------------ routers
 * that change */

CASE_TIMED(a_router_that_says_goodbye_takes_its_route_and_names_away, CASE_F_USER, 90)
{
	lay_ra(SERVER_RADVD, &plan_ra);
	struct vdestack *s = client("slaac");
	wait_default_route(s, true, SOON_MS);
	server_stop(&server); /* a last RA with a lifetime of 0 */
	wait_default_route(s, false, SOON_MS);
}

CASE_TIMED(a_router_that_disappears_is_forgotten_when_its_lifetime_is_over, CASE_F_USER, 150)
{
	struct server_plan p = plan_ra;

	p.router_s = 9;
	p.lease_s = 20;
	lay_ra(SERVER_RADVD, &p);
	struct vdestack *s = client("rd");
	int events = (int)MUST(vdestack_events(s));
	wait_default_route(s, true, SOON_MS);
	server_kill(&server);
	wait_default_route(s, false, SOON_MS);
	/* The prefix and the name server live longer, 20 and 30 s. */
	wait_event(events, VDESTACK_EVENT_SOURCE_LOST, 0, LONG_MS);
	server_start(&server);
	wait_default_route(s, true, LONG_MS);
	close(events);
	server_stop(&server);
}

CASE_TIMED(a_router_that_changes_its_prefix_gives_an_address_of_the_new_one, CASE_F_USER, 120)
{
	struct server_plan p = plan_ra;

	p.lease_s = LONG_MS / 1000 - 10;
	p.preferred_s = 10;
	lay_ra(SERVER_RADVD, &p);
	struct vdestack *s = client("slaac");
	wait_address(s, "fd07:", true, SOON_MS);
	server_kill(&server);
	plan.subnet = "fd09::/64";
	server_start(&server);
	wait_address(s, "fd09:", true, SOON_MS);
	wait_address(s, "fd07:", false, LONG_MS); /* deprecated */
	CHECK(has_address(s, "fd09:"));
	server_stop(&server);
}

/* ------------------------------------------------------------------ the flags
 * M and O */

static struct server dhcp;
static struct server_plan dhcp_plan;

static void lay_both(bool managed, bool other_flag, const char *first)
{
	struct server_plan p = plan_ra;

	p.managed = managed;
	p.other = other_flag;
	p.no_slaac = managed;
	p.dns = p.domain = NULL;
	lay_ra(SERVER_RADVD, &p);
	dhcp_plan = (struct server_plan){
		.subnet = "fd07::/64",
		.first = first,
		.last = "fd07::1:1ff",
		.lease_s = 120,
		.dns = "fd07::54",
		.domain = "six.test",
	};
	dhcp = (struct server){ .kind = SERVER_KEA6, .stack = server.stack, .plan = &dhcp_plan };
	server_start(&dhcp);
}

CASE(the_flag_M_starts_dhcp6)
{
	lay_both(true, true, "fd07::1:100");
	struct vdestack *s = client("rd");
	wait_address(s, "fd07::1:1", true, SOON_MS);
	CHECK(has_learned(s, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_DHCP6, "fd07::54"));
	server_stop(&dhcp);
	server_stop(&server);
}

static bool has_names_of_dhcp6(void *stack)
{
	return has_learned(stack, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_DHCP6, "fd07::54");
}

CASE(the_flag_O_starts_an_information_request)
{
	lay_both(false, true, NULL);
	struct vdestack *s = client("slaac");
	expect(D6_INFORMATION, CLIENT_PORT, 1, SOON_MS);
	if (!wait_until(has_names_of_dhcp6, s, SOON_MS))
		EXPLAIN("no name server of DHCPv6");
	CHECK_EQ(relay_count(D6_SOLICIT, CLIENT_PORT), 0);
	CHECK(has_learned(s, VDESTACK_LEARNED_SEARCH, VDESTACK_SOURCE_DHCP6, "six.test"));
	server_stop(&dhcp);
	server_stop(&server);
}

CASE(auto6_has_an_address_of_whatever_the_router_says)
{
	lay_both(true, true, "fd07::1:100");
	struct vdestack *s = client("auto6");
	wait_address(s, "fd07::1:1", true, SOON_MS);
	wait_default_route(s, true, SOON_MS);
	CHECK(has_route(s, AF_INET6, "", 0, router()));
	server_stop(&dhcp);
	server_stop(&server);
}

/* ------------------------------------------------------------------ lies */

/* The ICMPv6 checksum of this frame. */
static void finish(uint8_t *frame, size_t len)
{
	const uint8_t pseudo[8] = { 0, 0, 0, 40, 0, 0, 0, 58 };
	uint32_t sum = 0;

	for (int i = 0; i < 8; i += 2)
		sum += (uint32_t)pseudo[i] << 8 | pseudo[i + 1];
	for (size_t i = 22; i < len; i += 2)
		sum += (uint32_t)frame[i] << 8 | frame[i + 1];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	frame[14 + 40 + 2] = (uint8_t)(~sum >> 8);
	frame[14 + 40 + 3] = (uint8_t)~sum;
}

static bool has_learned_66(void *stack)
{
	return has_learned(stack, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_RA, "fd07::66");
}

/* An RA with a hop limit of 64 has come through a router. The kernel and we
 * ignore it. */
CASE(an_RA_that_comes_from_afar_is_ignored)
{
	/* from fe80::66 to all nodes, router lifetime 1800 s, RDNSS fd07::66 */
	static uint8_t frame[14 + 40 + 16 + 24] = {
		0x33, 0x33, 0, 0, 0,  1,  2,  0,    0,    0, 0, 0x66, 0x86, 0xdd, /* Ethernet
                                                                       */
		0x60, 0,    0, 0, 0,  40, 58, 64,                                 /* IPv6, hop limit */
		0xfe, 0x80, 0, 0, 0,  0,  0,  0,    0,    0, 0, 0,    0,    0,    0, 0x66, /* from */
		0xff, 2,    0, 0, 0,  0,  0,  0,    0,    0, 0, 0,    0,    0,    0, 1,    /* to */
		134,  0,    0, 0, 64, 0,  7,  8,    0,    0, 0, 0,    0,    0,    0, 0,    /* RA */
		25,   3,    0, 0, 0,  0,  7,  8,    0xfd, 7, 0, 0,    0,    0,    0, 0,
		0,    0,    0, 0, 0,  0,  0,  0x66,
	};
	finish(frame, sizeof(frame));
	lay_ra(SERVER_RADVD, &plan_ra);
	struct vdestack *s = client("slaac");
	wait_default_route(s, true, SOON_MS);
	relay_inject(CLIENT_PORT, frame, sizeof(frame));
	/* The next RA of the router comes behind it. */
	expect(ND_RA, SERVER_PORT, relay_count(ND_RA, SERVER_PORT) + 1, SOON_MS);
	CHECK(!has_learned_66(s));
	CHECK(!has_route(s, AF_INET6, "", 0, "fe80::66"));

	frame[14 + 7] = 255; /* the same from the link is believed */
	relay_inject(CLIENT_PORT, frame, sizeof(frame));
	if (!wait_until(has_learned_66, s, SOON_MS))
		EXPLAIN("the RA has not been received");
	server_stop(&server);
}

/* ------------------------------------------------------------------ the kernel's part */

static volatile bool flooding;

/* A router sends an RA each millisecond, with the prefix fd66::/64 and the flags L and A. */
static void *flood(void *arg)
{
	static const uint8_t ra[16 + 32] = {
		134,  0,    0,  0,    64,   0,    7,    8,    0,    0,    0,    0,    0, 0, 0, 0,
		3,    4,    64, 0xc0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
		0xfd, 0x66,
	};
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	int fd = (int)MUST(vdestack_msocket(arg, AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
	int hops = 255;

	to.sin6_scope_id = (uint32_t)MUST(vdestack_if_nametoindex(arg, "vde0"));
	(void)inet_pton(AF_INET6, "ff02::1", &to.sin6_addr);
	MUST(setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)));
	while (flooding) {
		MUST(sendto(fd, ra, sizeof(ra), 0, (struct sockaddr *)&to, sizeof(to)));
		sleep_ms(1);
	}
	close(fd);
	return NULL;
}

/* What the kernel makes of an RA has the metric 1024; that of the driver is greater. */
static bool has_route_of_the_kernel(struct vdestack *s)
{
	struct vdestack_route list[64];
	int n = (int)MUST(vdestack_route_list(s, "vde0", list, 64, sizeof(list[0])));

	for (int i = 0; i < n && i < 64; i++)
		if (list[i].family == AF_INET6 && list[i].metric == 1024)
			return true;
	return false;
}

CASE_BOTH(no_advertisement_is_handled_by_the_kernel_first)
{
	pthread_t thread;
	struct vdestack *r = new_stack("vnl=inproc://lan nodad ip=fd66::1/64");

	MUST(vdestack_wait_ready(r, SOON_MS)); /* its link-local address can be used */
	flooding = true;
	CHECK_EQ(pthread_create(&thread, NULL, flood, r), 0);
	for (int i = 0; i < 20; i++) {
		struct vdestack *s = new_stack("vnl=inproc://lan rd"); /* ready: an RA has been heard */
		if (has_any_address(s, "fd66:"))
			FAIL("the kernel has made an address, at try %d", i);
		if (has_route_of_the_kernel(s))
			FAIL("the kernel has made a route, at try %d", i);
		MUST(vdestack_delete(s));
	}
	flooding = false;
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void check_sysctl(struct vdestack *s, const char *name, const char *value)
{
	char path[64], text[64] = "";

	(void)snprintf(path, sizeof(path), "ipv6/conf/vde0/%s", name);
	MUST(vdestack_sysctl_get(s, path, text, sizeof(text)));
	CHECK_STR(text, value);
}

CASE(router_discovery_that_is_stopped_leaves_the_sysctls_as_they_were)
{
	static const char *const names[] = { "accept_ra", "accept_ra_defrtr", "accept_ra_pinfo", "autoconf",
					     "router_solicitations", "optimistic_dad" };
	enum { N = sizeof(names) / sizeof(names[0]) };
	char before[N][32], path[64];

	relay_start();
	struct vdestack *s = client("eth");
	MUST(vdestack_sysctl_set(s, "ipv6/conf/vde0/accept_ra_defrtr", "1"));
	MUST(vdestack_sysctl_set(s, "ipv6/conf/vde0/autoconf", "1"));
	for (int i = 0; i < N; i++) {
		(void)snprintf(path, sizeof(path), "ipv6/conf/vde0/%s", names[i]);
		MUST(vdestack_sysctl_get(s, path, before[i], sizeof(before[i])));
	}
	struct vdestack_opts opts = *case_opts();
	opts.flags |= VDESTACK_NO_WAIT;
	MUST(vdestack_configure(s, "slaac", &opts));
	check_sysctl(s, "autoconf", "0");
	check_sysctl(s, "accept_ra_defrtr", "0");
	MUST(vdestack_configure(s, "-slaac", &opts)); /* rd goes on */
	check_sysctl(s, "autoconf", "0");
	MUST(vdestack_configure(s, "-rd", &opts));
	for (int i = 0; i < N; i++)
		check_sysctl(s, names[i], before[i]);
	MUST(vdestack_delete(s));
}

static const char *link_local(struct vdestack *s)
{
	static char text[2][INET6_ADDRSTRLEN];
	static int turn;
	struct vdestack_addr list[8];
	int n = (int)MUST(vdestack_addr_list(s, "vde0", list, 8, sizeof(list[0])));

	turn = !turn;
	text[turn][0] = '\0';
	for (int i = 0; i < n && i < 8; i++)
		if (strncmp(list[i].addr, "fe80:", 5) == 0)
			(void)snprintf(text[turn], sizeof(text[turn]), "%s", list[i].addr);
	return text[turn];
}

CASE(the_link_local_address_is_stable_too)
{
	relay_start();
	struct vdestack *s = client_at_once("name=a mac=02:00:00:00:00:56 slaac=stable");
	CHECK(link_local(s)[0] != '\0');
	CHECK(strcmp(link_local(s), "fe80::ff:fe00:56") != 0);
	struct vdestack *kept[3];
	char words[400], first[INET6_ADDRSTRLEN];
	for (int i = 0; i < 3; i++) {
		(void)snprintf(words, sizeof(words), "name=%s leases=%s slaac=stable", i < 2 ? "b" : "c",
			       lease_dir());
		kept[i] = client_at_once(words);
		if (i == 0)
			(void)snprintf(first, sizeof(first), "%s", link_local(kept[i]));
		CHECK_EQ(strcmp(link_local(kept[i]), first) == 0, i < 2); /* another stack has another one */
		MUST(vdestack_delete(kept[i]));
	}
}
