/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stacks that are configured by strings, against real servers.
 *
 *     stack of libioth: vde0 -- local segment inproc://lan -- vde0: stack "server" with dnsmasq, 10.7.0.1
 */

#include "../system/stacks.h"

#include "ioth_stacks.h"

static struct vdestack *new_server(const char *v6)
{
	static char leases[256];
	const char *argv[] = { "dnsmasq",
			       "--no-daemon",
			       "--conf-file=/dev/null",
			       "--no-resolv",
			       "--no-hosts",
			       "--port=0",
			       "--interface=vde0",
			       "--dhcp-range=10.7.0.10,10.7.0.30,1h",
			       "--dhcp-option=option:dns-server,10.7.0.53",
			       "--domain=example.org",
			       "--no-ping",
			       "--dhcp-authoritative",
			       "--pid-file=",
			       leases,
			       v6 != NULL ? "--enable-ra" : NULL,
			       v6,
			       NULL };
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .in = VDESTACK_NULL, .out = VDESTACK_NULL };
	struct vdestack *server =
		new_stack("name=server vnl=inproc://lan nodad ip=10.7.0.1/24 ip=fc00:7::1/64");

	(void)snprintf(leases, sizeof(leases), "--dhcp-leasefile=%s", case_path("dnsmasq.leases"));
	opts.err = (int)MUST(open(case_path("dnsmasq.log"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	(void)setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	int pidfd = vdestack_spawn(server, (char *const *)argv, &opts, NULL);
	if (pidfd < 0 && errno == ENOENT)
		SKIP("there is no dnsmasq: install dnsmasq-base");
	close((int)MUST(pidfd));
	close(opts.err);
	return server;
}

/* ------------------------------------------------------------------ static items */

CASE(static_items_are_set_replaced_and_taken_back)
{
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");

	CHECK_EQ(config(s, "eth,ip=10.0.0.1,gw=10.0.0.254,ip=fc00::1,dns=10.0.0.53,domain=example.org"),
		 IOTHCONF_ETH | IOTHCONF_STATIC);
	CHECK(has_addr(s, "vde0", "10.0.0.1", false));
	check_bind(s, "fc00::1"); /* it can be used at once */
	check_resolvconf(s, NULL, "search example.org\nnameserver 10.0.0.53\n");
	check_resolvconf(s, NULL, NULL);
	CHECK_EQ(config(s, "ip=10.0.0.2/24 dns=10.0.0.54"), IOTHCONF_STATIC);
	CHECK(has_addr(s, "vde0", "10.0.0.2", false) && !has_addr(s, "vde0", "10.0.0.1", false));
	CHECK(!has_addr(s, "vde0", "fc00::1", false));
	check_resolvconf(s, "iface=vde0", "nameserver 10.0.0.54\n");
	CHECK_EQ(config(s, "-dns=10.0.0.54"), 0);
	check_resolvconf(s, "iface=vde0", ""); /* a removal is a change */
	check_resolvconf(s, "iface=vde0", NULL);
	CHECK_EQ(config(s, "-static"), 0);
	CHECK(!has_addr(s, "vde0", "10.0.0.2", false));
	CHECK_EQ(config(s, "-eth"), 0);
	MUST(ioth_delstack(s));
}

CASE(a_gateway_that_cannot_be_reached_is_a_missing_bit)
{
	struct ioth *s = new_ioth("stack=vdestack vnl=inproc://lan");

	CHECK_EQ(config(s, "eth ip=10.0.0.1/24 gw=10.9.0.1"), IOTHCONF_ETH);
	CHECK_CONTAINS(ioth_last_error(), "10.9.0.1");
	CHECK(!has_addr(s, "vde0", "10.0.0.1", false));
	MUST(ioth_delstack(s));
}

CASE(wrong_words_and_interfaces_change_nothing)
{
	static const char *const wrong[] = { "ip=foo", "ip=10.0.0.1/99", "mac=zz", "dns=", "dns",
					     "foo",    "eth=1" };
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");
	char text[128];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(text, sizeof(text), "eth,ip=10.0.0.7,%s", wrong[i]);
		CHECK_ERRNO(ioth_config(s, text), EINVAL);
		CHECK_CONTAINS(ioth_last_error(), wrong[i]);
	}
	CHECK(!has_addr(s, "vde0", "10.0.0.7", false));
	CHECK_ERRNO(ioth_config(s, "iface=vde7 eth"), ENODEV);
	CHECK_ERRNO(ioth_config(s, "ifindex=77 eth"), ENODEV);
	CHECK(ioth_resolvconf(s, "iface=vde7") == NULL && errno == ENODEV);
	CHECK(ioth_resolvconf(s, "eth") == NULL && errno == EINVAL);
	int fds = count_fds();
	CHECK(ioth_newstackc("stack=vdestack,eth") == NULL && errno == ENODEV);
	CHECK(ioth_newstackc("stack=vdestack,vnl=inproc://lan,ip=foo") == NULL && errno == EINVAL);
	CHECK_EQ(count_fds(), fds);
	MUST(ioth_delstack(s));
}

CASE(the_mac_address_is_that_of_the_string_or_of_the_name)
{
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan,eth,fqdn=host.lab.test");
	unsigned char mac[6];
	unsigned ifindex = (unsigned)MUST(ioth_if_nametoindex(s, "vde0"));

	MUST(ioth_linkgetaddr(s, ifindex, mac));
	CHECK(memcmp(mac, "\x3e\x0e\xe1\x89\x0b\x58", 6) == 0);
	CHECK_EQ(config(s, "eth,macaddr=02:00:00:00:00:0a"), IOTHCONF_ETH);
	MUST(ioth_linkgetaddr(s, ifindex, mac));
	CHECK(memcmp(mac, "\x02\0\0\0\0\x0a", 6) == 0);
	MUST(ioth_delstack(s));
}

CASE(two_interfaces_may_have_the_same_address)
{
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://a,vnl=inproc://b");

	CHECK_EQ(config(s, "iface=vde0,eth,ip=10.0.0.1/24,dns=10.0.0.5"), IOTHCONF_ETH | IOTHCONF_STATIC);
	CHECK_EQ(config(s, "iface=vde1,eth,ip=10.0.0.1/24,dns=10.0.0.6"), IOTHCONF_ETH | IOTHCONF_STATIC);
	CHECK(has_addr(s, "vde0", "10.0.0.1", false) && has_addr(s, "vde1", "10.0.0.1", false));
	check_resolvconf(s, "iface=vde1", "nameserver 10.0.0.6\n");
	check_resolvconf(s, "iface=vde0", "nameserver 10.0.0.5\n");
	CHECK_EQ(config(s, "iface=vde0,-static"), 0);
	CHECK(!has_addr(s, "vde0", "10.0.0.1", false) && has_addr(s, "vde1", "10.0.0.1", false));
	MUST(ioth_delstack(s));
}

/* A later stack has the same address in memory: it must not be taken for the earlier one. */
CASE(fourteen_stacks_in_a_row_are_all_configured)
{
	for (int i = 0; i < 14; i++) {
		struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan,eth,ip=10.0.0.1/24,dns=10.0.0.53");
		CHECK(has_addr(s, "vde0", "10.0.0.1", false));
		check_resolvconf(s, NULL, "nameserver 10.0.0.53\n");
		MUST(ioth_delstack(s));
	}
}

/* ------------------------------------------------------------------ sources */

CASE(dhcp_gives_an_address_and_undoing_takes_it)
{
	(void)new_server(NULL);
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");

	CHECK_EQ(config(s, "eth,dhcp,timeout=40"), IOTHCONF_ETH | IOTHCONF_DHCP);
	CHECK(has_addr(s, "vde0", "10.7.0.", true));
	check_resolvconf(s, NULL, "search example.org\nnameserver 10.7.0.53\n");
	char *text = ioth_confinfo(s, "iface=vde0");
	CHECK_CONTAINS(text, "vde0 dhcp: BOUND, server 10.7.0.1, renews in ");
	free(text);
	CHECK_EQ(config(s, "dhcp,gw=10.7.0.9"), IOTHCONF_DHCP | IOTHCONF_STATIC); /* by the lease */
	CHECK_EQ(config(s, "-dhcp"), 0);
	CHECK(!has_addr(s, "vde0", "10.7.0.", true));
	check_resolvconf(s, NULL, "");
	MUST(ioth_delstack(s));
}

CASE(auto_slaac_and_a_name_give_addresses_of_all_kinds)
{
	(void)new_server("--dhcp-range=fc00:7::10,fc00:7::20,slaac,64,1h");
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");

	CHECK_EQ(config(s, "auto,slaac,fqdn=host.example.org,timeout=40"),
		 IOTHCONF_ETH | IOTHCONF_DHCP | IOTHCONF_DHCPV6 | IOTHCONF_RD);
	CHECK(has_addr(s, "vde0", "10.7.0.", true));
	CHECK(has_addr(s, "vde0", "fc00:7::c817:abc:5a62:292f", false)); /* from the name */
	check_bind(s, "fc00:7::c817:abc:5a62:292f");
	CHECK_EQ(config(s, "-rd"), 0);
	CHECK(!has_addr(s, "vde0", "fc00:7::c817:abc:5a62:292f", false));
	CHECK_EQ(config(s, "-auto"), 0);
	CHECK(!has_addr(s, "vde0", "10.7.0.", true));
	MUST(ioth_delstack(s));
}

CASE(a_source_without_an_answer_is_a_missing_bit_and_delays_no_other)
{
	(void)new_server(NULL);
	struct ioth *s = new_ioth("stack=vdestack,vnl=inproc://lan");
	long long start_us = now_us();

	CHECK_EQ(config(s, "auto,timeout=15"), IOTHCONF_ETH | IOTHCONF_DHCP);
	CHECK(now_us() - start_us > 14000000);
	CHECK_CONTAINS(ioth_last_error(), "is not ready in time");
	CHECK(has_addr(s, "vde0", "10.7.0.", true));
	MUST(ioth_delstack(s));
}
