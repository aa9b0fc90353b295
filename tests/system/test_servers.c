/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The servers of tests/support/servers.h and the network of tests/support/relay.h, proved with clients that
 * are not ours: busybox udhcpc, and the kernel's SLAAC.
 */

#include "stacks.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "relay.h"
#include "servers.h"

static const struct server_plan plan4 = {
	.subnet = "10.7.0.0/24",
	.first = "10.7.0.100",
	.last = "10.7.0.100",
	.lease_s = 120,
	.router = "10.7.0.1",
	.dns = "10.7.0.53",
	.domain = "home.test",
	.ntp = "10.7.0.123",
	.route = "192.0.2.0/24",
	.route_gw = "10.7.0.2",
	.mtu = 1400,
};

/* Two stacks on the relay. The first one, at port 0, has the address of a server. */
static void lay(struct vdestack *s[2], const char *address)
{
	relay_start();
	s[0] = new_stack("%s ip=%s nodad", relay_plug(NULL), address);
	s[1] = new_stack("%s nodad", relay_plug(NULL));
}

/* The values that udhcpc gave its script, one NAME=VALUE per line; NULL: it got no lease. */
static const char *udhcpc(struct vdestack *stack)
{
	char script[256], out[256];
	char *argv[] = { "busybox", "udhcpc", "-f",     "-q", "-n",     "-i", "vde0",         "-t",
			 "5",       "-T",     "2",      "-O", "search", "-O", "staticroutes", "-O",
			 "mtu",     "-O",     "ntpsrv", "-s", script,   NULL };

	(void)snprintf(script, sizeof(script), "%s", case_path("script"));
	(void)snprintf(out, sizeof(out), "%s", case_path("values"));
	FILE *f = fopen(script, "we");
	CHECK(f != NULL);
	(void)fprintf(f, "#!/bin/sh\n[ \"$1\" = bound ] && env >%s\nexit 0\n", out);
	MUST(fchmod(fileno(f), 0700));
	CHECK_EQ(fclose(f), 0);
	(void)unlink(out);
	if (system("command -v busybox >/dev/null") != 0)
		SKIP("there is no busybox");
	CHECK(vdestack_run(stack, argv, NULL) >= 0);
	const char *values = text_of(out);
	return values[0] != '\0' ? values : NULL;
}

static void gives_udhcpc_an_address(enum server_kind kind)
{
	struct vdestack *s[2];

	lay(s, "10.7.0.1/24");
	struct server server = { .kind = kind, .stack = s[0], .plan = &plan4 };
	server_start(&server);
	const char *values = udhcpc(s[1]);
	relay_print();
	if (values == NULL)
		FAIL("no lease; the server's log: %s", server_log(&server));
	CHECK_CONTAINS(values, "\nip=10.7.0.100\n");
	CHECK_CONTAINS(values, "subnet=255.255.255.0");
	CHECK_CONTAINS(values, "router=10.7.0.1");
	CHECK_CONTAINS(values, "dns=10.7.0.53");
	CHECK_CONTAINS(values, "search=home.test");
	CHECK_CONTAINS(values, "staticroutes=192.0.2.0/24 10.7.0.2 0.0.0.0/0 10.7.0.1");
	CHECK_CONTAINS(values, "mtu=1400");
	CHECK_CONTAINS(values, "ntpsrv=10.7.0.123");
	CHECK_CONTAINS(values, "lease=120");
	CHECK_EQ(relay_count(D4_DISCOVER, 1), 1);
	CHECK(relay_count(D4_ACK, 0) == 1);
	server_stop(&server);
}

CASE(dnsmasq_gives_udhcpc_an_address)
{
	gives_udhcpc_an_address(SERVER_DNSMASQ4);
}

CASE(kea_gives_udhcpc_an_address)
{
	gives_udhcpc_an_address(SERVER_KEA4);
}

CASE(dhcpd_gives_udhcpc_an_address)
{
	gives_udhcpc_an_address(SERVER_DHCPD4);
}

CASE(udhcpd_gives_udhcpc_an_address)
{
	gives_udhcpc_an_address(SERVER_UDHCPD);
}

/* ------------------------------------------------------------------ router advertisements */

static bool has_prefix(void *stack)
{
	struct vdestack_addr list[8];
	int n = (int)MUST(vdestack_addr_list(stack, "vde0", list, 8, sizeof(list[0])));

	for (int i = 0; i < n && i < 8; i++)
		if (strncmp(list[i].addr, "fd07::", 6) == 0)
			return true;
	return false;
}

static void advertises(enum server_kind kind)
{
	const struct server_plan plan = {
		.subnet = "fd07::/64",
		.lease_s = 120,
		.dns = "fd07::53",
		.domain = "home.test",
	};
	struct vdestack *s[2];

	lay(s, "fd07::1/64");
	MUST(vdestack_sysctl_set(s[1], "ipv6/conf/vde0/accept_ra", "2"));
	MUST(vdestack_sysctl_set(s[1], "ipv6/conf/vde0/autoconf", "1"));
	struct server server = { .kind = kind, .stack = s[0], .plan = &plan };
	server_start(&server);
	if (!relay_wait(ND_RA, 0, 1, SOON_MS) || !wait_until(has_prefix, s[1], SOON_MS)) {
		relay_print();
		FAIL("no address; the server's log: %s", server_log(&server));
	}
	server_stop(&server);
}

CASE(radvd_makes_the_kernel_configure_an_address)
{
	advertises(SERVER_RADVD);
}

CASE(dnsmasq_makes_the_kernel_configure_an_address)
{
	advertises(SERVER_DNSMASQ6);
}

/* ------------------------------------------------------------------ DHCPv6 */

/* No client of DHCPv6 is small enough to be required: a SOLICIT by hand, and the ADVERTISE for it. */
static void advertises_an_address(enum server_kind kind)
{
	static const uint8_t solicit[] = {
		1, 0x12, 0x34, 0x56,                                     /* SOLICIT, transaction */
		0, 1,    0,    10,   0, 3, 0, 1, 2, 0, 0, 0, 0, 9,       /* client id: DUID-LL */
		0, 8,    0,    2,    0, 0,                               /* elapsed time */
		0, 3,    0,    12,   0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, /* IA_NA */
	};
	const struct server_plan plan = {
		.subnet = "fd07::/64",
		.first = "fd07::100",
		.last = "fd07::1ff",
		.lease_s = 120,
		.dns = "fd07::53",
	};
	static const uint8_t prefix[] = { 0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	struct sockaddr_in6 me = { .sin6_family = AF_INET6, .sin6_port = htons(546) };
	struct sockaddr_in6 all = { .sin6_family = AF_INET6, .sin6_port = htons(547) };
	struct vdestack *s[2];
	uint8_t reply[1500];

	lay(s, "fd07::1/64");
	struct server server = { .kind = kind, .stack = s[0], .plan = &plan };
	server_start(&server);
	int fd = (int)MUST(vdestack_msocket(s[1], AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(bind(fd, (struct sockaddr *)&me, sizeof(me)));
	CHECK_EQ(inet_pton(AF_INET6, "ff02::1:2", &all.sin6_addr), 1);
	struct ifreq ifr = { .ifr_name = "vde0" };
	MUST(ioctl(fd, SIOCGIFINDEX, &ifr));
	all.sin6_scope_id = (uint32_t)ifr.ifr_ifindex;
	MUST(vdestack_wait_ready(s[1], SOON_MS)); /* a link-local address */
	MUST(sendto(fd, solicit, sizeof(solicit), 0, (struct sockaddr *)&all, sizeof(all)));
	bool came = wait_readable(fd, SOON_MS);
	relay_print();
	if (!came)
		FAIL("no ADVERTISE; the server's log: %s", server_log(&server));
	ssize_t n = MUST(recv(fd, reply, sizeof(reply), 0));
	CHECK(n > 4 && reply[0] == 2);
	CHECK(memmem(reply, (size_t)n, prefix, sizeof(prefix)) != NULL);
	CHECK_EQ(relay_count(D6_SOLICIT, 1), 1);
	CHECK_EQ(relay_nth(D6_ADVERTISE, 0, 0).xid, 0x123456);
	close(fd);
	server_stop(&server);
}

CASE(dnsmasq_answers_a_solicit)
{
	advertises_an_address(SERVER_DNSMASQ6);
}

CASE(kea_answers_a_solicit)
{
	advertises_an_address(SERVER_KEA6);
}

CASE(dhcpd_answers_a_solicit)
{
	advertises_an_address(SERVER_DHCPD6);
}

/* ------------------------------------------------------------------ the relay */

CASE(a_lost_offer_makes_udhcpc_discover_again)
{
	struct vdestack *s[2];

	lay(s, "10.7.0.1/24");
	struct server server = { .kind = SERVER_DNSMASQ4, .stack = s[0], .plan = &plan4 };
	server_start(&server);
	relay_drop(D4_OFFER, 0, 0, 0);
	CHECK(udhcpc(s[1]) != NULL);
	CHECK_EQ(relay_count(D4_DISCOVER, 1), 2);
	CHECK_EQ(relay_count(D4_OFFER, 0), 2);
	CHECK(!relay_nth(D4_OFFER, 0, 0).passed);
	CHECK(relay_nth(D4_OFFER, 0, 1).passed);
	server_stop(&server);
}

CASE(a_restarted_server_knows_its_leases_until_they_are_forgotten)
{
	struct vdestack *s[2];
	struct server_plan plan = plan4;

	lay(s, "10.7.0.1/24");
	struct server server = { .kind = SERVER_KEA4, .stack = s[0], .plan = &plan };
	server_start(&server);
	CHECK(udhcpc(s[1]) != NULL);
	server_restart(&server);
	CHECK_EQ(server.starts, 2);
	CHECK_CONTAINS(server_log(&server), "DHCP4_STARTED");
	CHECK(udhcpc(s[1]) != NULL);
	server_kill(&server);
	server_forget(&server);
	plan.first = plan.last = "10.7.0.120";
	server_start(&server);
	const char *values = udhcpc(s[1]);
	CHECK(values != NULL);
	CHECK_CONTAINS(values, "\nip=10.7.0.120\n");
	server_stop(&server);
}
