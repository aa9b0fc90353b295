/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Address sources in the keeper, with real servers: leases are got, renewed and given back. */

#define _GNU_SOURCE
#include <limits.h>
#include <linux/rtnetlink.h>
#include <sys/syscall.h>

#include "leases.h"

CASE_BOTH(a_lease_gives_address_route_and_name_servers)
{
	struct learned l;

	new_network();
	int pidfd = start_udhcpd(server, 3600);
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);
	start_sources(client, &want, -1);
	wait_for_sources(client);
	read_learned(client, &l);
	const struct vs_wire_learned *source = find_learned(&l, VS_LEARNED_SOURCE);
	CHECK(source != NULL && source->ready);
	CHECK_STR(source->state, "BOUND");
	CHECK_STR(address_text(&source->addr), "10.7.0.1");
	const struct vs_wire_learned *addr = find_learned(&l, VS_LEARNED_ADDRESS);
	CHECK(addr != NULL);
	CHECK_EQ(addr->prefix_len, 24);
	CHECK(addr->valid_ms > 3590000 && addr->valid_ms <= 3600000);
	CHECK(has_address(client, address_text(&addr->addr)));
	const struct vs_wire_learned *route = find_learned(&l, VS_LEARNED_ROUTE);
	CHECK(route != NULL);
	CHECK_STR(address_text(&route->gw), "10.7.0.1");
	const struct vs_wire_learned *dns = find_learned(&l, VS_LEARNED_DNS);
	CHECK(dns != NULL);
	CHECK_STR(address_text(&dns->addr), "10.7.0.1");
	CHECK_STR(address_text(&dns[1].addr), "10.7.0.2");
	CHECK_STR(find_learned(&l, VS_LEARNED_SEARCH)->text, "example.org");
	check_ping(client, "10.7.0.1");
	close(pidfd);
}

CASE_TIMED(a_short_lease_is_renewed_by_unicast, CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS, 60)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_udhcpd(server, 10));
	int events = (int)MUST(vdestack_events(client));
	start_sources(client, &want, -1);
	struct vdestack_event gained = wait_for_event(events, VDESTACK_EVENT_SOURCE_GAINED);
	CHECK_STR(gained.ifname, "vde0");
	CHECK_EQ(gained.source, VDESTACK_SOURCE_DHCP4);
	CHECK_EQ(gained.valid_s, 10);
	for (int i = 0; i < 2; i++) {
		struct vdestack_event renewed = wait_for_event(events, VDESTACK_EVENT_SOURCE_RENEWED);
		CHECK_STR(renewed.addr, gained.addr);
	}
	CHECK(has_address(client, gained.addr));
	close(events);
}

/* What passes that is not for the sources: none of it wakes their thread. */
CASE_TIMED(between_its_timers_the_thread_of_the_sources_sleeps, CASE_F_ROOT | CASE_F_USER, 60)
{
	new_network();
	close(start_dnsmasq(server, four));
	const char *addr = get_lease("", -1);
	struct sockaddr_in sa = address(addr, 68);
	int fd = (int)MUST(vdestack_msocket(server, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	/* the announcements of the address are over */
	int channel = begin_wait(client);
	CHECK_EQ(raw_reply(channel, NULL), 0);
	struct pollfd quiet = { .fd = -1 };
	(void)poll(&quiet, 1, 4000);
	long before = wakeups_of_sources();
	CHECK(before > 0);
	for (int i = 0; i < 20; i++) {
		check_ping(server, addr); /* ARP for the address at least once */
		(void)sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&sa, sizeof(sa));
	}
	(void)poll(&quiet, 1, 1000);
	CHECK_EQ(wakeups_of_sources(), before);
	close(fd);
}

CASE_BOTH(deletion_of_a_stack_releases_its_lease)
{
	new_network();
	close(start_dnsmasq(server, four));
	(void)get_lease("", -1);
	MUST(vdestack_delete(client));
	wait_for_log("DHCPRELEASE(vde0)");
}

CASE_BOTH(removal_of_an_interface_releases_its_lease_first)
{
	struct learned l;

	new_network();
	close(start_dnsmasq(server, four));
	(void)get_lease("", -1);
	MUST(vdestack_iface_del(client, "vde0"));
	wait_for_log("DHCPRELEASE(vde0)");
	read_learned(client, &l);
	CHECK_EQ(l.head.n, 0);
}

CASE_BOTH(a_source_that_is_stopped_takes_back_what_it_has_set)
{
	struct learned l;
	struct vs_wire_sources stop = { .ifname = "vde0", .stop = VS_SOURCES_DHCP4 };
	char addr[INET6_ADDRSTRLEN];

	new_network();
	close(start_dnsmasq(server, four));
	(void)snprintf(addr, sizeof(addr), "%s", get_lease("", -1));
	int events = (int)MUST(vdestack_events(client));
	start_sources(client, &stop, -1);
	(void)wait_for_event(events, VDESTACK_EVENT_SOURCE_LOST);
	wait_for_log("DHCPRELEASE(vde0)");
	(void)wait_for_event(events, VDESTACK_EVENT_ADDR_LOST);
	CHECK(!has_address(client, addr));
	read_learned(client, &l);
	CHECK(find_learned(&l, VS_LEARNED_SOURCE) == NULL);
	close(events);
}

#define MANY 100

/* The log is long. */
static size_t count_in_log(const char *text)
{
	FILE *log = fopen(case_path("server.log"), "re");
	char line[512];
	size_t n = 0;

	CHECK(log != NULL);
	while (fgets(line, sizeof(line), log) != NULL)
		n += strstr(line, text) != NULL;
	(void)fclose(log);
	return n;
}

static bool all_are_released(void *arg)
{
	(void)arg;
	return count_in_log("DHCPRELEASE(vde0)") >= MANY;
}

/* Deletion answers at once, so all of them end at the same time. */
CASE_TIMED(many_stacks_that_end_together_release_all_their_leases, CASE_F_ROOT | CASE_F_USER, 120)
{
	static const char *const range[] = { "--dhcp-range=10.7.0.50,10.7.0.250,3600", NULL };
	struct vdestack *stacks[MANY];

	server = new_stack("vnl=inproc://lan ip=10.7.0.1/24");
	close(start_dnsmasq(server, range));
	for (int i = 0; i < MANY; i++)
		stacks[i] = new_stack("vnl=inproc://lan dhcp nodad");
	long long start = now_us();
	for (int i = 0; i < MANY; i++)
		MUST(vdestack_delete(stacks[i]));
	if (!wait_until(all_are_released, NULL, SOON_MS))
		FAIL("%zu of %d leases were released", count_in_log("DHCPRELEASE(vde0)"), MANY);
	printf("%d releases in %lld ms\n", MANY, (now_us() - start) / 1000);
	if (!wait_until(thread_is_gone, NULL, SOON_MS))
		FAIL("the thread of the sources goes on without a stack");
}

struct counts {
	int fds, tasks;
};

static bool counts_are(void *arg)
{
	const struct counts *before = arg;
	pid_t pid = case_is_inprocess() ? getpid() : the_keeper();

	return count_fds_of(pid) <= before->fds && count_tasks_of(pid) <= before->tasks;
}

CASE_TIMED(nothing_stays_of_stacks_with_leases, CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS, 120)
{
	new_network();
	close(start_dnsmasq(server, four));
	MUST(vdestack_delete(client));
	struct counts before = { 0 };
	for (int i = 0; i < 60; i++) {
		MUST(vdestack_delete(new_stack("vnl=inproc://lan dhcp nodad")));
		if (i == 9) {
			pid_t pid = case_is_inprocess() ? getpid() : the_keeper();
			CHECK(wait_until(thread_is_gone, NULL, SOON_MS));
			await_rest(pid);
			before = (struct counts){ count_fds_of(pid), count_tasks_of(pid) };
		}
	}
	CHECK(wait_until(thread_is_gone, NULL, SOON_MS));
	if (!wait_until(counts_are, &before, SOON_MS)) {
		pid_t pid = case_is_inprocess() ? getpid() : the_keeper();
		FAIL("descriptors %d, were %d; threads %d, were %d", count_fds_of(pid), before.fds,
		     count_tasks_of(pid), before.tasks);
	}
}

/* ------------------------------------------------------------------ IPv6 */

static const char *const six[] = { "--enable-ra", "--dhcp-range=fd00:7::50,fd00:7::60,64,3600",
				   "--dhcp-option=option6:dns-server,[fd00:7::1]",
				   "--dhcp-option=option6:domain-search,example.org", NULL };
static const char *const slaac_only[] = { "--enable-ra", "--dhcp-range=fd00:7::,ra-only,64,3600",
					  "--dhcp-option=option6:dns-server,[fd00:7::1]", NULL };

static void new_network6(const char *const *more)
{
	server = new_stack("vnl=inproc://lan ip=fd00:7::1/64");
	client = new_stack("vnl=inproc://lan eth mac=02:00:00:00:00:77");
	close(start_dnsmasq(server, more));
}

CASE_BOTH(dhcp6_waits_for_a_link_local_address_and_gets_a_lease)
{
	struct learned l;
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP6);

	new_network6(six);
	start_sources(client, &want, -1);
	wait_for_sources(client);
	read_learned(client, &l);
	CHECK_STR(find_source(&l, VDESTACK_SOURCE_DHCP6 - 1)->state, "BOUND");
	const struct vs_wire_learned *addr = find_learned(&l, VS_LEARNED_ADDRESS);
	CHECK(addr != NULL);
	CHECK_EQ(strncmp(address_text(&addr->addr), "fd00:7::", 8), 0);
	CHECK_STR(address_text(&find_learned(&l, VS_LEARNED_DNS)->addr), "fd00:7::1");
	CHECK_STR(find_learned(&l, VS_LEARNED_SEARCH)->text, "example.org");
	MUST(vdestack_delete(client));
	wait_for_log("DHCPRELEASE(vde0)");
}

static void kill_server(int pidfd)
{
	MUST((int)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0));
	CHECK(wait_readable(pidfd, SOON_MS));
	close(pidfd);
}

/* Stops DHCPv6 without waiting, then deletes the stack. Returns how long the end of the source took. */
static long long end_while_parting(void)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP6);
	struct raw_request r = { .req = { .op = VS_OP_SOURCES }, .text = &want, .text_len = sizeof(want),
				 .n_fds = 1 };
	struct learned l;
	int pair[2], pidfd, door;

	client = new_stack("vnl=inproc://lan eth mac=02:00:00:00:00:77");
	pidfd = start_dnsmasq(server, six);
	start_sources(client, &want, -1);
	wait_for_sources(client);
	kill_server(pidfd);
	want = (struct vs_wire_sources){ .ifname = "vde0", .stop = VS_SOURCES_DHCP6 };
	door = door_of(client);
	raw_pair(pair);
	r.fds[0] = pair[1];
	r.claim = seen.claim.pid != 0 ? &seen.claim : NULL;
	CHECK_EQ(raw_send(door, &r), 0);
	close(pair[1]);
	read_learned(client, &l); /* served after the request to stop */
	CHECK_EQ(l.head.n, 0);
	/* The answer comes when the source is gone. After its release it has nothing to do for a while. */
	CHECK(!wait_readable(pair[0], 100));
	long long start = now_us();
	MUST(vdestack_delete(client));
	(void)raw_reply(pair[0], NULL);
	close(pair[0]);
	if (!wait_until(thread_is_gone, NULL, SOON_MS))
		FAIL("the thread of the sources goes on without a stack");
	printf("the end took %lld ms\n", (now_us() - start) / 1000);
	return now_us() - start;
}

/* It would repeat its release after some 0.9 s. The machine may be slow once: the best of three counts. */
CASE_BOTH(a_stack_that_ends_does_not_wait_for_the_answer_to_a_release)
{
	long long best = LLONG_MAX;

	server = new_stack("vnl=inproc://lan ip=fd00:7::1/64");
	for (int i = 0; i < 3 && best > 500000; i++) {
		long long us = end_while_parting();
		best = us < best ? us : best;
	}
	if (best > 500000)
		FAIL("the end took %lld ms", best / 1000);
}

CASE_BOTH(slaac_gives_an_address_and_a_default_route)
{
	struct learned l;
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_SLAAC);

	new_network6(slaac_only);
	start_sources(client, &want, -1);
	wait_for_sources(client);
	read_learned(client, &l);
	CHECK_STR(address_text(&find_learned(&l, VS_LEARNED_ADDRESS)->addr), "fd00:7::ff:fe00:77");
	const struct vs_wire_learned *route = find_learned(&l, VS_LEARNED_ROUTE);
	CHECK(route != NULL);
	CHECK_EQ(strncmp(address_text(&route->gw), "fe80::", 6), 0);
	CHECK_STR(address_text(&find_learned(&l, VS_LEARNED_DNS)->addr), "fd00:7::1");
	int fd = (int)MUST(vdestack_msocket(client, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct sockaddr_in6 far = { .sin6_family = AF_INET6, .sin6_port = htons(9),
				    .sin6_addr = { { { 0xfd, 0, 0, 9, [15] = 1 } } } };
	MUST(connect(fd, (struct sockaddr *)&far, sizeof(far)));
	close(fd);
}

CASE_BOTH(a_router_with_the_m_flag_starts_dhcp6)
{
	struct learned l;
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_RA);

	new_network6(six);
	int events = (int)MUST(vdestack_events(client));
	start_sources(client, &want, -1);
	struct vdestack_event e;
	do {
		e = wait_for_event(events, VDESTACK_EVENT_SOURCE_GAINED);
	} while (e.source != VDESTACK_SOURCE_DHCP6);
	CHECK_EQ(strncmp(e.addr, "fd00:7::", 8), 0);
	/* it ends with what has started it */
	want = (struct vs_wire_sources){ .ifname = "vde0", .stop = VS_SOURCES_RA };
	start_sources(client, &want, -1);
	wait_for_log("DHCPRELEASE(vde0)");
	read_learned(client, &l);
	CHECK(find_learned(&l, VS_LEARNED_SOURCE) == NULL);
	close(events);
}

/* ------------------------------------------------------------------ changes of the network */

CASE_BOTH(an_interface_whose_device_is_deleted_has_no_sources)
{
	static const char *const del[] = { "ip", "link", "del", "vde0", NULL };
	struct learned l;

	new_network();
	close(start_dnsmasq(server, four));
	(void)get_lease("", -1);
	int events = (int)MUST(vdestack_events(client));
	CHECK_EQ(vdestack_run(client, (char *const *)del, NULL), 0);
	(void)wait_for_event(events, VDESTACK_EVENT_SOURCE_LOST);
	read_learned(client, &l);
	CHECK_EQ(l.head.n, 0);
	close(events);
}

CASE_BOTH(after_the_carrier_comes_back_the_address_is_confirmed)
{
	char addr[INET6_ADDRSTRLEN];

	new_network();
	close(start_dnsmasq(server, four));
	(void)snprintf(addr, sizeof(addr), "%s", get_lease("", -1));
	int events = (int)MUST(vdestack_events(client));
	MUST(vdestack_link_set_carrier(client, "vde0", 0));
	(void)wait_for_event(events, VDESTACK_EVENT_CARRIER_CUT);
	MUST(vdestack_link_set_carrier(client, "vde0", 1));
	struct vdestack_event e = wait_for_event(events, VDESTACK_EVENT_SOURCE_RENEWED);
	CHECK_STR(e.addr, addr);
	check_ping(client, "10.7.0.1");
	close(events);
}

/* Adds or deletes an address of vde0, through a socket of the stack, without the keeper. */
static void change_address(int netlink, int index, const char *addr, uint16_t type)
{
	struct {
		struct nlmsghdr h;
		struct ifaddrmsg a;
		struct rtattr attr;
		struct in_addr ip;
	} m = { .h = { .nlmsg_len = sizeof(m), .nlmsg_type = type,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE },
		.a = { .ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = (unsigned)index },
		.attr = { .rta_len = RTA_LENGTH(4), .rta_type = IFA_LOCAL } };
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char more[256];
	} answer;

	CHECK_EQ(inet_pton(AF_INET, addr, &m.ip), 1);
	CHECK_EQ(MUST(send(netlink, &m, sizeof(m), 0)), (long)sizeof(m));
	CHECK(MUST(recv(netlink, &answer, sizeof(answer), 0)) >= (long)sizeof(answer.h) + 4);
	CHECK_EQ(answer.h.nlmsg_type, NLMSG_ERROR);
	CHECK_EQ(answer.e.error, 0);
}

static bool has_no_address(void *arg)
{
	struct learned l;

	(void)arg;
	read_learned(client, &l);
	return find_learned(&l, VS_LEARNED_ADDRESS) == NULL;
}

/* The keeper is stopped until the kernel has no room for more notifications. */
CASE(lost_notifications_are_made_up_for)
{
	char addr[INET6_ADDRSTRLEN];

	new_network();
	close(start_dnsmasq(server, four));
	(void)snprintf(addr, sizeof(addr), "%s", get_lease("", -1));
	int netlink = (int)MUST(vdestack_msocket(client, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	int index = (int)MUST(vdestack_if_nametoindex(client, "vde0"));
	pid_t keeper = the_keeper();
	MUST(kill(keeper, SIGSTOP));
	for (int i = 0; i < 2000; i++)
		change_address(netlink, index, "10.9.9.9", i % 2 == 0 ? RTM_NEWADDR : RTM_DELADDR);
	change_address(netlink, index, addr, RTM_DELADDR);
	MUST(kill(keeper, SIGCONT));
	if (!wait_until(has_no_address, NULL, SOON_MS))
		FAIL("an address that is gone is still in what was learned");
	/* later notifications are read as before */
	change_address(netlink, index, addr, RTM_NEWADDR);
	struct learned l;
	long long end = now_us() + SOON_MS * 1000LL;
	do {
		read_learned(client, &l);
	} while (find_learned(&l, VS_LEARNED_ADDRESS) == NULL && now_us() < end);
	CHECK(find_learned(&l, VS_LEARNED_ADDRESS) != NULL);
	CHECK(find_learned(&l, VS_LEARNED_SOURCE)->ready);
	close(netlink);
}
