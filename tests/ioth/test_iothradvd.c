/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Routers of libiothradvd, and hosts whose kernel configures itself by them. */

#include "iothradvd_net.h"
#ifdef HAS_PICOX
#include "picox_process.h"
#endif

#include <iothconf.h>
#include <signal.h>

static const struct iothradata data = { .curhoplimit = 33, .router_lifetime = 1800, .mtu = 1400 };

static struct iothraprefix prefix(const char *text)
{
	return (struct iothraprefix){ addr6(text), 64, IOTHRADVD_ON_LINK | IOTHRADVD_AUTONOMOUS, 600, 300 };
}

static void end(struct iothradvd *server)
{
	iothradvd_stop(server);
	if (router != NULL)
		MUST(ioth_delstack(router));
	MUST(vdestack_delete(host));
}

/* ------------------------------------------------------------------ hosts */

CASE(a_host_takes_addresses_routes_mtu_and_hop_limit)
{
	struct iothraprefix prefixes[] = { prefix("fd00:1::"), prefix("fd00:2::") };
	struct iothradvd_opts o = {
		.max_interval = 600, .data = &data, .prefixes = prefixes, .n_prefixes = 2
	};

	new_router("vdestack");
	host = new_stack("vnl=inproc://lan");
	struct iothradvd *server = serve(&o);
	CHECK(wait_until(has_addr_now, (char *)"fd00:1::", SOON_MS));
	CHECK(wait_until(has_addr_now, (char *)"fd00:2::", SOON_MS));
	CHECK(wait_until(has_route_now, (char *)"", SOON_MS));
	CHECK(host_sysctl_is("ipv6/conf/vde0/mtu", "1400"));
	CHECK(host_sysctl_is("ipv6/conf/vde0/hop_limit", "33"));
	iothradvd_stop(server);
	CHECK(wait_until(has_no_route_now, (char *)"", SOON_MS));
	CHECK(host_has_addr("fd00:1::")); /* prefixes stay: another router may have them */
	end(NULL);
}

CASE(the_call_of_the_family_does_it_too)
{
	struct iothraprefix prefixes[] = { prefix("fd00:1::") };

	new_router("vdestack");
	host = new_stack("vnl=inproc://lan");
	struct iothradvd *server =
		iothradvd_start(router, router_index(), 60, (struct iothradata *)&data, prefixes, 1);
	CHECK(server != NULL);
	CHECK(wait_until(has_addr_now, (char *)"fd00:1::", SOON_MS));
	CHECK(wait_until(has_route_now, (char *)"", SOON_MS));
	end(server);
}

/* The host solicits when its interface comes up, from its link-local address: it is answered alone. */
CASE(a_host_is_configured_by_an_answer_of_its_own)
{
	struct iothraprefix prefixes[] = { prefix("fd00:1::") };
	struct iothradvd_opts o = { .data = &data, .prefixes = prefixes, .n_prefixes = 1 };

	new_router("vdestack");
	struct iothradvd *server = serve(&o);
	host = new_stack("vnl=inproc://lan");
	CHECK(wait_until(has_addr_now, (char *)"fd00:1::", SOON_MS));
	CHECK(wait_until(has_route_now, (char *)"", SOON_MS));
	end(server);
}

CASE(a_change_of_settings_is_advertised)
{
	struct iothradata changed = data;
	struct iothradvd_opts o = { .size = sizeof(o), .max_interval = 600, .data = &data };

	new_router("vdestack");
	host = new_stack("vnl=inproc://lan");
	struct iothradvd *server = serve(&o);
	CHECK(wait_until(has_route_now, (char *)"", SOON_MS));
	CHECK(wait_until(has_mtu_now, (char *)"1400", SOON_MS));
	changed.mtu = 1300;
	o.data = &changed;
	MUST(iothradvd_update(server, &o));
	CHECK(wait_until(has_mtu_now, (char *)"1300", SOON_MS));
	changed.mtu = 3;
	CHECK_ERRNO(iothradvd_update(server, &o), EINVAL);
	CHECK_CONTAINS(ioth_last_error(), "MTU");
	changed.mtu = 0, changed.router_lifetime = 0;
	MUST(iothradvd_update(server, &o));
	CHECK(wait_until(has_no_route_now, (char *)"", SOON_MS));
	end(server);
}

/* The library's own host reads name servers and domains, which the kernel does not. */
CASE(name_servers_and_domains_arrive)
{
	struct iothrardnss server = { addr6("fd00:1::53"), 600 };
	struct iothradnssl domain = { "lan.example", 600 };
	struct iothraprefix prefixes[] = { prefix("fd00:1::") };
	struct iothradvd_opts o = { .max_interval = 600,
				    .data = &data,
				    .prefixes = prefixes,
				    .n_prefixes = 1,
				    .rdnss = &server,
				    .n_rdnss = 1,
				    .dnssl = &domain,
				    .n_dnssl = 1 };

	new_router("vdestack");
	struct iothradvd *s = serve(&o);
	struct ioth *client = ioth_newstackc("stack=vdestack vnl=inproc://lan eth slaac timeout=20");
	CHECK(client != NULL);
	char *text = ioth_resolvconf(client, NULL);
	CHECK(text != NULL);
	CHECK_CONTAINS(text, "nameserver fd00:1::53");
	CHECK_CONTAINS(text, "search lan.example");
	free(text);
	MUST(ioth_delstack(client));
	iothradvd_stop(s);
	MUST(ioth_delstack(router));
}

/* Each network has a router, and gets nothing of the other one's. */
CASE(a_router_with_two_interfaces_advertises_on_the_right_one)
{
	struct iothraprefix here[] = { prefix("fd00:1::") }, there[] = { prefix("fd00:2::") };

	router = ioth_newstackl("vdestack", "inproc://other", "inproc://lan", (char *)NULL);
	CHECK(router != NULL);
	unsigned other = router_index(), lan = (unsigned)MUST(ioth_if_nametoindex(router, "vde1"));
	MUST(ioth_linksetupdown(router, other, 1));
	MUST(ioth_linksetupdown(router, lan, 1));
	struct iothradvd *a = iothradvd_start(router, lan, 60, &data, here, 1);
	struct iothradvd *b = iothradvd_start(router, other, 60, &data, there, 1);
	CHECK(a != NULL && b != NULL);
	host = new_stack("vnl=inproc://lan");
	CHECK(wait_until(has_addr_now, (char *)"fd00:1::", SOON_MS));
	CHECK(!host_has_addr("fd00:2::"));
	MUST(vdestack_delete(host));
	host = new_stack("vnl=inproc://other");
	CHECK(wait_until(has_addr_now, (char *)"fd00:2::", SOON_MS));
	CHECK(!host_has_addr("fd00:1::"));
	iothradvd_stop(b);
	end(a);
}

CASE(an_interface_that_comes_up_later_is_advertised_on)
{
	struct iothraprefix prefixes[] = { prefix("fd00:1::") };
	struct iothradvd_opts o = { .max_interval = 600, .prefixes = prefixes, .n_prefixes = 1 };

	new_router("vdestack");
	MUST(ioth_linksetupdown(router, router_index(), 0));
	host = new_stack("vnl=inproc://lan");
	struct iothradvd *server = serve(&o);
	MUST(ioth_linksetupdown(router, router_index(), 1));
	CHECK(wait_until(has_addr_now, (char *)"fd00:1::", SOON_MS));
	end(server);
}

#ifdef HAS_PICOX
CASE(a_router_of_kind_picox_configures_a_host)
{
	struct iothraprefix prefixes[] = { prefix("fd00:1::") };
	struct iothradvd_opts o = { .data = &data, .prefixes = prefixes, .n_prefixes = 1 };
	const char *hub = case_path("hub");

	host = new_stack("vnl=hub://%s", hub);
	router = ioth_newstack("picox", hub);
	if (router == NULL)
		FAIL("no stack: %s", ioth_last_error());
	MUST(ioth_linksetupdown(router, router_index(), 1));
	struct iothradvd *server = serve(&o);
	MUST(vdestack_sysctl_set(host, "ipv6.conf.vde0.disable_ipv6", "1"));
	MUST(vdestack_sysctl_set(host, "ipv6.conf.vde0.disable_ipv6", "0")); /* solicits */
	CHECK(wait_until(has_addr_now, (char *)"fd00:1::", SOON_MS));
	CHECK(wait_until(has_route_now, (char *)"", SOON_MS));
	end(server);
}

static int add6(struct ioth *s, unsigned index, int network)
{
	char text[INET6_ADDRSTRLEN];

	(void)snprintf(text, sizeof(text), "fd07:%x::7", (unsigned)network);
	struct in6_addr a = addr6(text);
	return ioth_ipaddr_add(s, AF_INET6, &a, 64, (int)index);
}

static void del6(struct ioth *s, unsigned index, int network)
{
	char text[INET6_ADDRSTRLEN];

	(void)snprintf(text, sizeof(text), "fd07:%x::7", (unsigned)network);
	struct in6_addr a = addr6(text);
	MUST(ioth_ipaddr_del(s, AF_INET6, &a, 64, (int)index));
}

/* lwIP has room for five prefixes. */
CASE(many_prefixes_of_a_router_leave_room_for_those_of_addresses)
{
	char hub[300], ptp[300], text[INET6_ADDRSTRLEN];
	const char *vnlv[] = { hub, ptp, NULL };
	struct iothraprefix prefixes[7] = { prefix("fd00:1::") };
	struct iothradvd_opts o = { .max_interval = 4, .data = &data, .prefixes = prefixes, .n_prefixes = 7 };

	for (int i = 1; i < 7; i++) {
		(void)snprintf(text, sizeof(text), "fd00:%d::", i + 1);
		prefixes[i] = prefix(text);
		prefixes[i].flags = IOTHRADVD_ON_LINK;
	}
	(void)snprintf(hub, sizeof(hub), "hub://%s", case_path("hub"));
	(void)snprintf(ptp, sizeof(ptp), "ptp://%s", case_path("ptp"));
	router = ioth_newstack("vdestack", hub);
	if (router == NULL)
		FAIL("no stack: %s", ioth_last_error());
	MUST(ioth_linksetupdown(router, router_index(), 1));
	struct iothradvd *server = serve(&o);
	(void)snprintf(hub, sizeof(hub), "vde://%s", case_path("hub"));
	struct ioth *s = ioth_newstackv("picox", vnlv);
	if (s == NULL)
		FAIL("no stack: %s", ioth_last_error());
	unsigned one = (unsigned)MUST(ioth_if_nametoindex(s, "vde0"));
	unsigned two = (unsigned)MUST(ioth_if_nametoindex(s, "vde1"));
	MUST(ioth_linksetupdown(s, two, 1));

	/* A prefix for which there is no room does not keep the address from being ready. */
	CHECK_EQ(ioth_config(s, "iface=vde0,eth,slaac,timeout=20") & IOTHCONF_RD, IOTHCONF_RD);
	for (int i = 1; i <= 4; i++)
		MUST(add6(s, one, i));
	for (int i = 1; i <= 4; i++)
		del6(s, one, i);

	/* The router's prefixes go with the interface, and nothing of them is left for what follows. */
	MUST(ioth_iplink_del(s, "vde0", 0));
	for (int i = 1; i <= 5; i++)
		MUST(add6(s, two, i));
	for (int i = 1; i <= 5; i++)
		del6(s, two, i);
	for (int i = 6; i <= 10; i++)
		MUST(add6(s, two, i));
	CHECK_ERRNO(add6(s, two, 11), ENOSPC);
	MUST(ioth_delstack(s));
	iothradvd_stop(server);
	MUST(ioth_delstack(router));
}

/* Its sockets show an end of file for ever. */
CASE(the_end_of_a_process_of_picox_costs_nothing)
{
	struct iothradvd_opts o = { .max_interval = 600, .data = &data };
	pid_t pid;

	router = ioth_newstack("picox", "null://");
	if (router == NULL)
		FAIL("no stack: %s", ioth_last_error());
	MUST(ioth_linksetupdown(router, router_index(), 1));
	CHECK(wait_until(is_the_only_process, &pid, SOON_MS));
	struct iothradvd *server = serve(&o);
	MUST(kill(pid, SIGKILL));
	sleep_ms(300); /* time to waste */
	long before = cpu_ticks(getpid());
	sleep_ms(500);
	CHECK(cpu_ticks(getpid()) - before < 10);
	iothradvd_stop(server);
}
#endif

/* ------------------------------------------------------------------ a station without a stack */

STATION_CASE(a_station_of_a_vde_network_configures_a_host)
{
	struct iothraprefix prefixes[] = { prefix("fd00:1::") };
	static const uint8_t mac[6] = { 0x80, 1, 1, 1, 1, 1 };

	host = new_stack("vnl=hub://%s", case_path("hub"));
	struct iothradvd *server = iothradvd_vdestart(case_path("hub"), mac, 60, &data, prefixes, 1);
	if (server == NULL)
		FAIL("%s", ioth_last_error());
	CHECK(wait_until(has_addr_now, (char *)"fd00:1::", SOON_MS));
	CHECK(wait_until(has_route_now, (char *)"", SOON_MS));
	iothradvd_stop(server);
	CHECK(wait_until(has_no_route_now, (char *)"", SOON_MS));
	end(NULL);
}

STATION_CASE(a_station_advertises_again_when_its_network_has_returned)
{
	struct iothraprefix prefixes[] = { prefix("fd00:1::") };
	struct iothradvd_opts o = { .vnl = case_path("hub"), .prefixes = prefixes, .n_prefixes = 1 };

	host = new_stack("vnl=hub://%s", case_path("hub"));
	struct iothradvd *server = serve(&o);
	CHECK(wait_until(has_addr_now, (char *)"fd00:1::", SOON_MS));
	MUST(vdestack_delete(host));
	host = new_stack("vnl=hub://%s", case_path("hub"));
	CHECK(wait_until(has_addr_now, (char *)"fd00:1::", SOON_MS));
	end(server);
}

/* ------------------------------------------------------------------ starting and ending */

CASE(what_cannot_be_started_is_refused_with_a_reason)
{
	struct iothradata wrong = { .mtu = 5 };
	struct iothradvd_opts o = { .size = 3 };

	new_router("vdestack");
	CHECK_ERRNO(iothradvd_start(router, 77, 60, NULL, NULL, 0), ENODEV);
	CHECK_CONTAINS(ioth_last_error(), "interface 77");
	CHECK_ERRNO(iothradvd_start(router, router_index(), -1, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(iothradvd_start(router, router_index(), 60, &wrong, NULL, 0), EINVAL);
	CHECK_CONTAINS(ioth_last_error(), "MTU");
	CHECK_ERRNO(iothradvd_start_opts(&o), EINVAL);
	CHECK_ERRNO(iothradvd_start_opts(NULL), EINVAL);
	iothradvd_stop(NULL);
	MUST(ioth_delstack(router));
}

STATION_CASE(a_network_that_does_not_exist_is_refused_with_a_reason)
{
	CHECK_ERRNO(iothradvd_vdestart(case_path("nothing"), NULL, 60, NULL, NULL, 0), ENOENT);
	CHECK_CONTAINS(ioth_last_error(), "nothing");
}

/* Many servers, one after the other: no descriptor and no thread is left, and the stack can be ended. */
CASE(servers_leave_nothing_behind)
{
	struct iothradvd_opts o = { .max_interval = 600, .data = &data };

	new_router("vdestack");
	iothradvd_stop(serve(&o));
	int fds = count_fds(), tasks = count_tasks_of(getpid());
	for (int i = 0; i < 50; i++)
		iothradvd_stop(serve(&o));
	CHECK_EQ(count_fds(), fds);
	CHECK(count_tasks_of(getpid()) <= tasks); /* the first one may not have left the list yet */
	struct iothradvd *server = serve(&o);
	CHECK_ERRNO(ioth_delstack(router), EBUSY);
	iothradvd_stop(server);
	MUST(ioth_delstack(router));
}
