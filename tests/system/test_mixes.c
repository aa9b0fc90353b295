/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mixes of address sources and interfaces with real servers, and what becomes of what was learned: routes of
 * two networks, names in the server, a resolv.conf for glibc.
 */

#define _GNU_SOURCE
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>

#include "client.h"
#include "dns_message.h"

#define CLIENT_MAC "02:00:00:00:00:77"

static const struct server_plan plan_a = {
	.subnet = "10.7.0.0/24", .first = "10.7.0.100", .last = "10.7.0.109", .lease_s = 600,
	.router = "10.7.0.1", .dns = "10.7.0.53", .domain = "a.example",
};
static const struct server_plan plan_b = {
	.subnet = "10.8.0.0/24", .first = "10.8.0.100", .last = "10.8.0.109", .lease_s = 600,
	.router = "10.8.0.1", .dns = "10.8.0.53", .domain = "b.example",
};
static const struct server_plan plan_ra = {
	.subnet = "fd07::/64", .lease_s = 600, .dns = "fd07::53", .domain = "ra.example",
};
static const struct server_plan plan_6 = {
	.subnet = "fd07::/64", .first = "fd07::1:100", .last = "fd07::1:1ff", .lease_s = 600,
	.dns = "fd07::53", .domain = "six.example",
};

/* A server in a stack of its own on a segment. */
static void serve_on(struct server *s, enum server_kind kind, const struct server_plan *p, const char *lan,
		     const char *addresses)
{
	*s = (struct server){ .kind = kind, .plan = p };
	s->stack = new_stack("vnl=inproc://%s %s nodad", lan, addresses);
	server_start(s);
}

static struct server second; /* beside `server` */

static bool iface_has_address(struct vdestack *s, const char *ifname, const char *begin)
{
	struct vdestack_addr list[16];
	int n = (int)MUST(vdestack_addr_list(s, ifname, list, 16, sizeof(list[0])));

	for (int i = 0; i < n && i < 16; i++)
		if (strncmp(list[i].addr, begin, strlen(begin)) == 0)
			return true;
	return false;
}

/* The default route of an interface by this router. Its metric; 0: there is none. */
static unsigned metric_of(struct vdestack *s, const char *ifname, int family, const char *gw)
{
	struct vdestack_route list[32];
	int n = (int)MUST(vdestack_route_list(s, ifname, list, 32, sizeof(list[0])));

	for (int i = 0; i < n && i < 32; i++)
		if (list[i].family == family && list[i].prefix_len == 0 && strcmp(list[i].gw, gw) == 0)
			return list[i].metric;
	return 0;
}

static const char *resolvconf(struct vdestack *s, const char *ifname)
{
	static char text[1024];

	MUST(vdestack_resolvconf(s, ifname, text, sizeof(text)));
	return text;
}

/* ------------------------------------------------------------------ interfaces */

CASE_BOTH(two_interfaces_have_leases_and_routes_of_two_networks)
{
	serve_on(&server, SERVER_DHCPD4, &plan_a, "a", "ip=10.7.0.1/24 ip=192.0.2.1/32");
	serve_on(&second, SERVER_UDHCPD, &plan_b, "b", "ip=10.8.0.1/24 ip=192.0.2.1/32");
	struct vdestack *s = new_stack("vnl=inproc://a dhcp vnl=inproc://b dhcp");
	CHECK(iface_has_address(s, "vde0", "10.7.0.10"));
	CHECK(iface_has_address(s, "vde1", "10.8.0.10"));
	unsigned first = metric_of(s, "vde0", AF_INET, "10.7.0.1");
	unsigned other = metric_of(s, "vde1", AF_INET, "10.8.0.1");
	CHECK(first > 0 && other > first); /* the interface that comes first is used first */
	CHECK_STR(resolvconf(s, "vde0"), "search a.example\nnameserver 10.7.0.53\n");
	CHECK_STR(resolvconf(s, "vde1"), "search b.example\nnameserver 10.8.0.53\n");
	CHECK_STR(resolvconf(s, NULL), "search a.example b.example\n"
				       "nameserver 10.7.0.53\nnameserver 10.8.0.53\n");
	check_ping(s, "192.0.2.1");
	/* Without the first network the second is used. */
	MUST(vdestack_configure(s, "iface=vde0 -dhcp", NULL));
	wait_address(s, "10.7.0.10", false, SOON_MS); /* after the release */
	CHECK_EQ(metric_of(s, "vde0", AF_INET, "10.7.0.1"), 0);
	check_ping(s, "192.0.2.1");
	CHECK_STR(resolvconf(s, NULL), "search b.example\nnameserver 10.8.0.53\n");
	/* It comes back as the first one. */
	MUST(vdestack_configure(s, "iface=vde0 dhcp", case_opts()));
	CHECK_EQ(metric_of(s, "vde0", AF_INET, "10.7.0.1"), first);
	CHECK_EQ(metric_of(s, "vde1", AF_INET, "10.8.0.1"), other);
	server_stop(&second);
	server_stop(&server);
}

CASE_BOTH(one_interface_has_a_lease_and_the_other_static_words_and_slaac)
{
	serve_on(&server, SERVER_DNSMASQ4, &plan_a, "a", "ip=10.7.0.1/24");
	serve_on(&second, SERVER_RADVD, &plan_ra, "b", "ip=fd07::1/64 ip=10.8.0.1/24");
	struct vdestack *s = new_stack("vnl=inproc://a dhcp "
				       "iface=office vnl=inproc://b mac=" CLIENT_MAC
				       " ip=10.8.0.9/24 route=10.9.0.0/16@10.8.0.1 slaac dns=10.8.0.54");
	CHECK(iface_has_address(s, "vde0", "10.7.0.10"));
	CHECK(iface_has_address(s, "office", "10.8.0.9"));
	CHECK(iface_has_address(s, "office", "fd07::ff:fe00:77"));
	CHECK(!iface_has_address(s, "vde0", "fd07:"));
	CHECK(metric_of(s, "vde0", AF_INET, "10.7.0.1") > 0);
	CHECK_STR(resolvconf(s, "vde0"), "search a.example\nnameserver 10.7.0.53\n");
	CHECK_STR(resolvconf(s, "office"), "search ra.example\nnameserver 10.8.0.54\nnameserver fd07::53\n");
	CHECK_STR(resolvconf(s, NULL), "search a.example ra.example\n"
				       "nameserver 10.8.0.54\nnameserver 10.7.0.53\nnameserver fd07::53\n");
	check_ping(s, "10.7.0.1");
	check_ping(s, "10.8.0.1");
	/* A change of one interface leaves the other alone. */
	MUST(vdestack_configure(s, "iface=office -rd -static", NULL));
	CHECK(!iface_has_address(s, "office", "fd07:") && !iface_has_address(s, "office", "10.8."));
	CHECK(iface_has_address(s, "vde0", "10.7.0.10"));
	CHECK_STR(resolvconf(s, NULL), "search a.example\nnameserver 10.7.0.53\n");
	server_stop(&second);
	server_stop(&server);
}

CASE_BOTH(all_sources_run_on_one_interface_beside_static_words)
{
	struct server third;

	serve_on(&server, SERVER_DHCPD4, &plan_a, "a", "ip=10.7.0.1/24");
	serve_on(&second, SERVER_KEA6, &plan_6, "a", "ip=fd07::2/64");
	serve_on(&third, SERVER_RADVD, &plan_ra, "a", "ip=fd07::1/64");
	struct vdestack *s = new_stack("vnl=inproc://a mac=" CLIENT_MAC " ip=10.7.0.9/24 ip=fd07::9/64 "
				       "dhcp dhcp6 slaac");
	static const char *const all[] = { "10.7.0.9", "10.7.0.10", "fd07::9", "fd07::1:1",
					   "fd07::ff:fe00:77" };
	for (int i = 0; i < 5; i++)
		if (!has_address(s, all[i]))
			FAIL("there is no %s", all[i]);
	CHECK_STR(resolvconf(s, NULL), "search six.example a.example ra.example\n"
				       "nameserver fd07::53\nnameserver 10.7.0.53\n");
	/* Each is undone alone. */
	MUST(vdestack_configure(s, "-dhcp6", NULL));
	wait_address(s, "fd07::1:1", false, SOON_MS); /* after the release */
	CHECK(has_address(s, "fd07::ff:fe00:77"));
	MUST(vdestack_configure(s, "-slaac", NULL));
	CHECK(!has_any_address(s, "fd07::ff:fe00:77") && has_address(s, "10.7.0.10"));
	MUST(vdestack_configure(s, "-dhcp", NULL));
	wait_address(s, "10.7.0.10", false, SOON_MS);
	CHECK(has_address(s, "10.7.0.9") && has_address(s, "fd07::9"));
	server_stop(&third);
	server_stop(&second);
	server_stop(&server);
}

#define ALL_VARIANTS (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE | CASE_F_NO_TUN)

CASE_FLAGS(leases_come_over_a_vde_network_with_and_without_a_tun_device, ALL_VARIANTS)
{
	lay(SERVER_DNSMASQ4, &plan_a, "10.7.0.1/24");
	struct vdestack *s = client("dhcp");
	CHECK(has_address(s, "10.7.0.10"));
	check_ping(s, "10.7.0.1");
	struct vdestack_source state = source_of(s, VDESTACK_SOURCE_DHCP4);
	CHECK_EQ(state.ignored[VDESTACK_IGNORED_MALFORMED], 0);
	MUST(vdestack_delete(s));
	expect(D4_RELEASE, CLIENT_PORT, 1, SOON_MS);
	server_stop(&server);
}

CASE_FLAGS(addresses_of_a_router_and_of_dhcp6_come_over_a_vde_network, ALL_VARIANTS)
{
	lay(SERVER_DNSMASQ6, &plan_6, "fd07::1/64");
	struct vdestack *s = client("slaac dhcp6 mac=" CLIENT_MAC);
	CHECK(has_address(s, "fd07::1:1"));
	CHECK(has_address(s, "fd07::ff:fe00:77"));
	MUST(vdestack_delete(s));
	expect(D6_RELEASE, CLIENT_PORT, 1, SOON_MS);
	server_stop(&server);
}

CASE_FLAGS(an_adopted_namespace_has_a_lease_over_a_vde_network, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_TUN)
{
	char config[256];

	lay(SERVER_DHCPD4, &plan_a, "10.7.0.1/24");
	struct vdestack *owner = new_stack("%s", "");
	int ns = (int)MUST(vdestack_netns(owner));
	(void)snprintf(config, sizeof(config), "iface=eth8 %s dhcp", relay_plug(NULL));
	struct vdestack *adopted = vdestack_adopt_fd(ns, config, case_opts());
	if (adopted == NULL)
		EXPLAIN("not adopted: %s", vdestack_last_error());
	CHECK(iface_has_address(adopted, "eth8", "10.7.0.10"));
	check_ping(owner, "10.7.0.1"); /* it is the same namespace */
	CHECK_STR(resolvconf(adopted, NULL), "search a.example\nnameserver 10.7.0.53\n");
	MUST(vdestack_delete(adopted));
	expect(D4_RELEASE, CLIENT_PORT, 1, SOON_MS);
	long long until = now_us() + SOON_MS * 1000LL;
	while (metric_of(owner, NULL, AF_INET, "10.7.0.1") != 0 && now_us() < until)
		sleep_ms(5); /* the interface goes after the release */
	CHECK_EQ(metric_of(owner, NULL, AF_INET, "10.7.0.1"), 0);
	close(ns);
	server_stop(&server);
}

/* ------------------------------------------------------------------ checksums */

/*
 * Reads the server's packets that have come. Whether one of them has an unfinished UDP checksum.
 */
static bool saw_unfinished(int fd)
{
	bool found = false;
	uint8_t bytes[2048];

	for (;;) {
		_Alignas(struct cmsghdr) char control[128];
		struct iovec iov = { bytes, sizeof(bytes) };
		struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				    .msg_controllen = sizeof(control) };
		struct tpacket_auxdata aux;

		if (recvmsg(fd, &h, MSG_DONTWAIT) < 28)
			return found;
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		CHECK(c != NULL);
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		/* from port 67 to port 68 */
		if (bytes[0] == 0x45 && bytes[9] == 17 && bytes[21] == 67 && bytes[23] == 68)
			found = found || (aux.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
	}
}

/* On a segment no device finishes them. dnsmasq sends by an ordinary UDP socket. */
CASE_BOTH(replies_whose_checksum_the_kernel_has_not_finished_are_accepted)
{
	int on = 1;

	serve_on(&server, SERVER_DNSMASQ4, &plan_a, "a", "ip=10.7.0.1/24");
	struct vdestack *s = new_stack("vnl=inproc://a eth");
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	int fd = (int)MUST(vdestack_msocket(s, AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	to.sll_ifindex = (int)MUST(vdestack_if_nametoindex(s, "vde0"));
	MUST(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)));
	MUST(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)));
	MUST(bind(fd, (struct sockaddr *)&to, sizeof(to)));
	MUST(vdestack_configure(s, "dhcp", case_opts()));
	CHECK(saw_unfinished(fd));
	struct vdestack_source state = source_of(s, VDESTACK_SOURCE_DHCP4);
	CHECK_STR(state.state, "BOUND");
	CHECK_EQ(state.ignored[VDESTACK_IGNORED_MALFORMED], 0);
	close(fd);
	server_stop(&server);
}

/* ------------------------------------------------------------------ what is missing */

static void check_missing(const char *words, const char *first, const char *other)
{
	struct vdestack_opts opts = *case_opts();
	char config[128];

	opts.flags |= VDESTACK_NO_WAIT;
	(void)snprintf(config, sizeof(config), "vnl=inproc://empty %s", words);
	struct vdestack *s = vdestack_new(config, &opts);
	CHECK(s != NULL);
	CHECK_ERRNO(vdestack_wait_ready(s, 200), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), first);
	if (other != NULL)
		CHECK_CONTAINS(vdestack_last_error(), other);
	MUST(vdestack_delete(s));
}

CASE_BOTH(waiting_says_which_source_is_missing)
{
	check_missing("dhcp", "dhcp4 on vde0: ", NULL);
	check_missing("dhcp6", "dhcp6 on vde0: ", NULL);
	check_missing("rd", "rd on vde0: ", NULL);
	check_missing("slaac", "rd on vde0: ", NULL);
	check_missing("auto4", "dhcp4 on vde0: ", NULL);
	check_missing("auto6", "rd on vde0: ", "dhcp6 on vde0: ");
	check_missing("auto", "dhcp4 on vde0: ", "rd on vde0: ");
	check_missing("ip=10.7.0.2/24 vnl=inproc://empty dhcp", "dhcp4 on vde1: ", NULL);
}

/* ------------------------------------------------------------------ events */

/* The next event of a source with this type. */
static struct vdestack_event of_source(int events, uint32_t type, enum vdestack_source_kind kind)
{
	struct vdestack_event e;

	do {
		if (vdestack_event_read(events, &e, SOON_MS) != 1)
			FAIL("no event %u of source %d", type, (int)kind);
	} while (e.type != type || e.source != kind);
	CHECK_STR(e.ifname, "vde0");
	return e;
}

static void tells_all(enum server_kind server_kind, const struct server_plan *p, const char *addresses,
		      const char *word, enum vdestack_source_kind kind)
{
	char undo[16], addr[INET6_ADDRSTRLEN];
	struct vdestack_opts opts = *case_opts();

	serve_on(&server, server_kind, p, "a", addresses);
	struct vdestack *s = new_stack("vnl=inproc://a eth");
	int events = (int)MUST(vdestack_events(s));
	opts.flags |= VDESTACK_NO_WAIT;
	MUST(vdestack_configure(s, word, &opts));
	struct vdestack_event e = of_source(events, VDESTACK_EVENT_SOURCE_GAINED, kind);
	(void)snprintf(addr, sizeof(addr), "%s", e.addr);
	CHECK(has_any_address(s, addr));
	CHECK(e.valid_s > 0 && e.valid_s <= p->lease_s);
	for (int i = 0; i < 2; i++) {
		e = of_source(events, VDESTACK_EVENT_SOURCE_RENEWED, kind);
		CHECK_STR(e.addr, addr);
		CHECK(e.valid_s > 0 && e.valid_s <= p->lease_s);
	}
	(void)snprintf(undo, sizeof(undo), "-%s", kind == VDESTACK_SOURCE_RA ? "rd" : word);
	MUST(vdestack_configure(s, undo, NULL));
	(void)of_source(events, VDESTACK_EVENT_SOURCE_LOST, kind);
	wait_address(s, addr, false, SOON_MS);
	close(events);
	server_stop(&server);
}

/* 20 s, renewed every 3 s. */
static struct server_plan short_of(const struct server_plan *from)
{
	struct server_plan p = *from;

	p.lease_s = 20;
	p.t1_s = 3;
	p.t2_s = 12;
	return p;
}

CASE_TIMED(dhcp_tells_when_it_gains_renews_and_loses_an_address, CASE_F_USER, 60)
{
	const struct server_plan p = short_of(&plan_a);

	tells_all(SERVER_DHCPD4, &p, "ip=10.7.0.1/24", "dhcp", VDESTACK_SOURCE_DHCP4);
}

CASE_TIMED(dhcp6_tells_when_it_gains_renews_and_loses_an_address, CASE_F_USER, 60)
{
	const struct server_plan p = short_of(&plan_6);

	tells_all(SERVER_KEA6, &p, "ip=fd07::1/64", "dhcp6", VDESTACK_SOURCE_DHCP6);
}

CASE_TIMED(slaac_tells_when_it_gains_renews_and_loses_an_address, CASE_F_USER, 60)
{
	tells_all(SERVER_RADVD, &plan_ra, "ip=fd07::1/64", "slaac", VDESTACK_SOURCE_RA);
}

/* ------------------------------------------------------------------ names */

/* dnsmasq as DHCP, DHCPv6 server, router and name server for names of lab.test that clients send. */
static struct vdestack *name_giver(void)
{
	static char leases[256];
	const char *argv[] = { "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
			       "--interface=vde0", "--bind-interfaces", "--except-interface=lo", "--no-ping",
			       "--dhcp-range=10.7.0.10,10.7.0.20,1h", "--enable-ra", "--log-dhcp",
			       "--dhcp-range=fc09::10,fc09::20,slaac,64,1h", "--domain=lab.test",
			       "--dhcp-fqdn", "--dhcp-authoritative", "--pid-file=", leases, NULL };
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .in = VDESTACK_NULL };
	struct vdestack *s = new_stack("vnl=inproc://lan nodad ip=10.7.0.1/24 ip=fc09::1/64");

	(void)snprintf(leases, sizeof(leases), "--dhcp-leasefile=%s", case_path("leases"));
	opts.out = opts.err = (int)MUST(open(case_path("log"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	(void)setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	int pidfd = vdestack_spawn(s, (char *const *)argv, &opts, NULL);
	if (pidfd < 0 && errno == ENOENT)
		SKIP("there is no dnsmasq: install dnsmasq-base");
	close((int)MUST(pidfd));
	close(opts.out);
	return s;
}

/* Asks 10.7.0.1 for an address of host.lab.test. The first one of the answer is written to `found`. */
static int look_up(struct vdestack *s, unsigned type, uint8_t *found, size_t n)
{
	static struct dns_message m;
	struct sockaddr_in to = address("10.7.0.1", 53);
	int fd = (int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	uint8_t reply[1500];

	dns_begin(&m, 0x1234, 0x0100, "host.lab.test", type);
	MUST(connect(fd, (struct sockaddr *)&to, sizeof(to)));
	MUST(send(fd, m.bytes, m.n, 0));
	CHECK(wait_readable(fd, SOON_MS));
	ssize_t got = MUST(recv(fd, reply, sizeof(reply), 0));
	close(fd);
	CHECK(got >= (ssize_t)m.n && reply[0] == 0x12 && reply[1] == 0x34);
	/* a pointer to the name, type, class, TTL, length */
	if ((reply[3] & 15) != 0 || reply[7] == 0 || got < (ssize_t)(m.n + 12 + n))
		return -1;
	memcpy(found, reply + m.n + 12, n);
	return 0;
}

/* The values are those of the family's vectors. There the base is fc09::1, here a router's fc09::. */
CASE_BOTH(a_name_gives_mac_and_slaac_address_and_dnsmasq_knows_it_by_both_protocols)
{
	static const uint8_t mac_of_name[6] = { 0x3e, 0x0e, 0xe1, 0x89, 0x0b, 0x58 };
	uint8_t mac[6], found4[4], found6[16];
	char text4[INET_ADDRSTRLEN], text6[INET6_ADDRSTRLEN];

	(void)name_giver();
	struct vdestack *s = new_stack("vnl=inproc://lan fqdn=host.lab.test dhcp dhcp6 slaac");
	MUST(vdestack_link_get_mac(s, "vde0", mac));
	CHECK(memcmp(mac, mac_of_name, 6) == 0);
	CHECK(has_address(s, "fc09::3c0e:e1cc:8889:b58"));
	if (look_up(s, 1, found4, 4) != 0 || look_up(s, 28, found6, 16) != 0)
		FAIL("dnsmasq does not know the name:\n%s", text_of(case_path("log")));
	CHECK(inet_ntop(AF_INET, found4, text4, sizeof(text4)) != NULL);
	CHECK(inet_ntop(AF_INET6, found6, text6, sizeof(text6)) != NULL);
	printf("%s %s\n", text4, text6);
	CHECK(has_address(s, text4));
	CHECK(has_address(s, text6));
	CHECK(has_learned(s, VDESTACK_LEARNED_ADDRESS, VDESTACK_SOURCE_DHCP4, text4));
	/* A stack without that name is not known. */
	MUST(vdestack_configure(s, "-dhcp -dhcp6", NULL));
	struct vdestack *other = new_stack("vnl=inproc://lan dhcp dhcp6");
	CHECK(look_up(other, 1, found4, 4) != 0);
}

/* ------------------------------------------------------------------ resolv.conf */

#define SERVERS 3

/* The name of the question of a message, with dots. */
static const char *name_in(const uint8_t *message, size_t n)
{
	static char name[256];
	size_t at = 12, to = 0;

	while (at < n && message[at] != 0 && to + message[at] + 1 < sizeof(name)) {
		size_t len = message[at++];
		memcpy(name + to, message + at, len < n - at ? len : n - at);
		to += len;
		at += len;
		name[to++] = '.';
	}
	name[to > 0 ? to - 1 : 0] = '\0';
	return name;
}

/* Answers SERVFAIL, or 10.7.0.7 by the last server for "host.two.example". True for that. */
static bool serve_name(int fd, bool last, char *asked, size_t size)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	uint8_t q[512];
	static struct dns_message m;
	ssize_t n = MUST(recvfrom(fd, q, sizeof(q), 0, (struct sockaddr *)&from, &len));
	const char *name = name_in(q, (size_t)n);
	bool known = last && strcmp(name, "host.two.example") == 0;

	(void)snprintf(asked + strlen(asked), size - strlen(asked), "%s ", name);
	dns_begin(&m, (unsigned)(q[0] << 8 | q[1]), known ? 0x8180 : 0x8182, name, 1);
	if (known)
		dns_a(&m, name, 60, 0x0a070007);
	MUST(sendto(fd, m.bytes, m.n, 0, (struct sockaddr *)&from, len));
	return known;
}

/* glibc in the stack, with this resolv.conf; to mount it a user needs a user namespace. */
static int start_glibc(struct vdestack *s, const char *text)
{
	char *argv[] = { (char *)"unshare", (char *)(case_is_root() ? "-m" : "-Urm"), (char *)"sh",
			 (char *)"-c",
			 (char *)"mount --bind resolv.conf /etc/resolv.conf && "
				 "mount --bind nsswitch.conf /etc/nsswitch.conf && "
				 "getent ahostsv4 host >found",
			 NULL };
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .cwd = case_tmp(),
					  .caps = VDESTACK_CAPS_NETWORK |
						  (case_is_root() ? VDESTACK_CAP(CAP_SYS_ADMIN) : 0) };
	const char *const files[][2] = { { "resolv.conf", text }, { "nsswitch.conf", "hosts: dns\n" } };

	for (int i = 0; i < 2; i++) {
		int fd = (int)MUST(open(case_path(files[i][0]), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
		CHECK_EQ(MUST(write(fd, files[i][1], strlen(files[i][1]))), (long)strlen(files[i][1]));
		close(fd);
	}
	return (int)MUST(vdestack_spawn(s, argv, &opts, NULL));
}

static int name_socket(struct vdestack *s, const char *addr)
{
	struct sockaddr_in6 sa6 = { .sin6_family = AF_INET6, .sin6_port = htons(53),
				    .sin6_scope_id = (uint32_t)MUST(vdestack_if_nametoindex(s, "vde0")) };
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(53) };
	bool six = strchr(addr, ':') != NULL;
	int fd = (int)MUST(vdestack_msocket(s, six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	CHECK_EQ(inet_pton(six ? AF_INET6 : AF_INET, addr,
			   six ? (void *)&sa6.sin6_addr : (void *)&sa.sin_addr), 1);
	MUST(bind(fd, six ? (void *)&sa6 : (void *)&sa, six ? sizeof(sa6) : sizeof(sa)));
	return fd;
}

/*
 * A static server, one of DHCP, and a link-local one of a router; each is asked for each domain of the search
 * list.
 */
CASE(glibc_uses_all_servers_and_domains_of_the_text_of_resolvconf)
{
	static const char *const servers[SERVERS] = { "10.7.0.53", "10.7.0.54", "fe80::53" };
	char asked[SERVERS][1024] = { "", "", "" };
	struct server_plan p4 = plan_a, pra = plan_ra;
	struct pollfd polled[SERVERS + 1];
	bool found = false;

	p4.dns = "10.7.0.54";
	p4.domain = "two.example";
	pra.dns = "fe80::53";
	pra.domain = "three.example";
	serve_on(&server, SERVER_DHCPD4, &p4, "a", "ip=10.7.0.1/24 ip=10.7.0.53/24 ip=10.7.0.54/24 "
						  "ip=fd07::1/64 ip=fe80::53/64");
	second = (struct server){ .kind = SERVER_RADVD, .plan = &pra, .stack = server.stack };
	server_start(&second);
	struct vdestack *s =
		new_stack("vnl=inproc://a dns=10.7.0.53 domain=one.example dhcp slaac");
	const char *text = resolvconf(s, NULL);
	CHECK_STR(text, "search one.example two.example three.example\n"
			"nameserver 10.7.0.53\nnameserver 10.7.0.54\nnameserver fe80::53%vde0\n");
	for (int i = 0; i < SERVERS; i++)
		polled[i] = (struct pollfd){ .fd = name_socket(server.stack, servers[i]), .events = POLLIN };
	polled[SERVERS] = (struct pollfd){ .fd = start_glibc(s, text), .events = POLLIN };
	do {
		CHECK(MUST(poll(polled, SERVERS + 1, SOON_MS)) > 0);
		for (int i = 0; i < SERVERS; i++)
			if (polled[i].revents != 0)
				found = serve_name(polled[i].fd, i == SERVERS - 1, asked[i],
						   sizeof(asked[i])) || found;
	} while (polled[SERVERS].revents == 0);
	for (int i = 0; i < SERVERS; i++) {
		printf("%s was asked for %s\n", servers[i], asked[i]);
		CHECK_CONTAINS(asked[i], "host.one.example ");
		CHECK_CONTAINS(asked[i], "host.two.example ");
		close(polled[i].fd);
	}
	CHECK(found);
	CHECK_CONTAINS(text_of(case_path("found")), "10.7.0.7 ");
	close(polled[SERVERS].fd);
	server_stop(&second);
	server_stop(&server);
}

/* ------------------------------------------------------------------ strangers and lies */

/* A process of another user that has all descriptors of the program. */
static void be_another_user(void *stack)
{
	struct vdestack *s = stack;
	struct vdestack_source state[4];

	drop_uid();
	CHECK_ERRNO(vdestack_configure(s, "-dhcp", NULL), EPERM);
	CHECK_ERRNO(vdestack_configure(s, "-all", NULL), EPERM);
	CHECK_ERRNO(vdestack_configure(s, "slaac dns=10.7.0.66", NULL), EPERM);
	CHECK_EQ(MUST(vdestack_sources(s, NULL, state, 4)), 1); /* may be read */
}

CASE_ROOT(a_process_of_another_user_changes_no_source)
{
	serve_on(&server, SERVER_DHCPD4, &plan_a, "a", "ip=10.7.0.1/24");
	struct vdestack *s = new_stack("vnl=inproc://a dhcp");
	in_child(be_another_user, s);
	CHECK(has_address(s, "10.7.0.10"));
	CHECK_STR(resolvconf(s, NULL), "search a.example\nnameserver 10.7.0.53\n");
	struct vdestack_source state[4];
	CHECK_EQ(MUST(vdestack_sources(s, NULL, state, 4)), 1);
	server_stop(&server);
}

static const char *link_local_of(struct vdestack *s)
{
	static struct vdestack_addr list[16];
	int n = (int)MUST(vdestack_addr_list(s, "vde0", list, 16, sizeof(list[0])));

	for (int i = 0; i < n && i < 16; i++)
		if (strncmp(list[i].addr, "fe80", 4) == 0)
			return list[i].addr;
	FAIL("there is no link-local address");
}

static void send6(struct vdestack *from, const char *to, int protocol, int hops, int from_port,
		  const void *bytes, size_t n)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6,
				   .sin6_scope_id = (uint32_t)MUST(vdestack_if_nametoindex(from, "vde0")) };
	struct sockaddr_in6 own = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)from_port) };
	bool udp = protocol == IPPROTO_UDP;
	int fd = (int)MUST(vdestack_msocket(from, AF_INET6, (udp ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC,
					    protocol));

	CHECK_EQ(inet_pton(AF_INET6, to, &sa.sin6_addr), 1);
	MUST(setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)));
	if (udp) {
		MUST(bind(fd, (struct sockaddr *)&own, sizeof(own)));
		sa.sin6_port = htons(546);
	}
	CHECK_EQ(MUST(sendto(fd, bytes, n, 0, (struct sockaddr *)&sa, sizeof(sa))), (long)n);
	close(fd);
}

/* Sent again until it is counted: a client that has not asked yet ignores it for another reason. */
static void check_ignored(struct vdestack *from, struct vdestack *s, enum vdestack_source_kind kind,
			  enum vdestack_ignored why, int hops, int from_port, const void *bytes, size_t n)
{
	unsigned before = source_of(s, kind).ignored[why];
	long long until = now_us() + SOON_MS * 1000LL;

	while (source_of(s, kind).ignored[why] == before) {
		if (now_us() > until)
			FAIL("a packet of source %d is not counted as ignored[%d]", (int)kind, (int)why);
		send6(from, link_local_of(s), kind == VDESTACK_SOURCE_RA ? IPPROTO_ICMPV6 : IPPROTO_UDP, hops,
		      from_port, bytes, n);
		sleep_ms(20);
	}
}

CASE_BOTH(hostile_packets_of_a_neighbour_are_counted_by_their_fault_and_change_nothing)
{
	/* router lifetime 1800 s, RDNSS fd07::66 */
	uint8_t ra[40] = { 134, 0, 0, 0, 64, 0, 7, 8, [16] = 25, 3, 0, 0, 0, 0, 7, 8, 0xfd, 7, [39] = 0x66 };
	/* an Advertise of an unknown transaction, with a server id and a name server */
	static const uint8_t advertise[] = { 2, 1, 2, 3, 0, 2, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 0x66,
			    0, 23, 0, 16, 0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x66 };
	static const uint8_t noise[7] = { 2, 1, 2, 3, 0, 99, 0 };

	serve_on(&server, SERVER_DNSMASQ6, &plan_6, "a", "ip=fd07::1/64");
	struct vdestack *s = new_stack("vnl=inproc://a slaac dhcp6");
	struct vdestack *evil = new_stack("vnl=inproc://a ip=fe80::66/64 nodad");
	CHECK(has_address(s, "fd07::1:1"));
	check_ignored(evil, s, VDESTACK_SOURCE_RA, VDESTACK_IGNORED_SENDER, 64, 0, ra, sizeof(ra));
	ra[17] = 0; /* the length of an option */
	check_ignored(evil, s, VDESTACK_SOURCE_RA, VDESTACK_IGNORED_MALFORMED, 255, 0, ra, sizeof(ra));
	check_ignored(evil, s, VDESTACK_SOURCE_RA, VDESTACK_IGNORED_MALFORMED, 255, 0, ra, 15);
	MUST(vdestack_configure(s, "-dhcp6", NULL));
	server_stop(&server); /* it asks from now on */
	struct vdestack_opts opts = *case_opts();
	opts.flags |= VDESTACK_NO_WAIT;
	MUST(vdestack_configure(s, "dhcp6", &opts));
	check_ignored(evil, s, VDESTACK_SOURCE_DHCP6, VDESTACK_IGNORED_XID, 64, 547, advertise,
		      sizeof(advertise));
	check_ignored(evil, s, VDESTACK_SOURCE_DHCP6, VDESTACK_IGNORED_MALFORMED, 64, 547, noise,
		      sizeof(noise));
	CHECK(!has_learned(s, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_RA, "fd07::66"));
	CHECK(!has_learned(s, VDESTACK_LEARNED_DNS, VDESTACK_SOURCE_DHCP6, "fd07::66"));
	CHECK(has_route(s, AF_INET6, "", 0, NULL));
	CHECK(!has_route(s, AF_INET6, "", 0, "fe80::66"));
}
