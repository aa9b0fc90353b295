/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Address sources as programs use them: the words of configurations, and the calls of <vdestack/sources.h>.
 *
 *     stack "client": vde0 ── inproc://lan ── vde0: stack "server" with dnsmasq, 10.7.0.1
 */

#include "stacks.h"

#include <sys/stat.h>
#include <vdestack/events.h>
#include <vdestack/sources.h>

/* v6: what dnsmasq offers of IPv6. */
static struct vdestack *new_server_with(const char *v6)
{
	static char leases[256];
	const char *argv[] = { "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
			       "--port=0", "--interface=vde0", "--dhcp-range=10.7.0.10,10.7.0.20,1h",
			       "--dhcp-option=option:dns-server,10.7.0.53", "--domain=example.org",
			       "--no-ping", "--dhcp-authoritative", "--pid-file=", leases,
			       v6 != NULL ? "--enable-ra" : NULL, v6, NULL };
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

static struct vdestack *new_server(void)
{
	return new_server_with(NULL);
}

static struct vdestack_opts opts_with(unsigned flags, int step_timeout_ms)
{
	struct vdestack_opts opts = *case_opts();

	opts.flags |= flags;
	opts.step_timeout_ms = step_timeout_ms;
	return opts;
}

/* The address that DHCP has given to an interface; "": none. */
static const char *leased(struct vdestack *s, const char *ifname)
{
	static struct vdestack_learned_item list[32];
	int n = (int)MUST(vdestack_learned(s, ifname, list, 32));

	for (int i = 0; i < n && i < 32; i++)
		if (list[i].type == VDESTACK_LEARNED_ADDRESS && list[i].source == VDESTACK_SOURCE_DHCP4)
			return list[i].addr;
	return "";
}

static bool has_addr(struct vdestack *s, const char *addr)
{
	struct vdestack_addr list[32];
	int n = (int)MUST(vdestack_addr_list(s, "vde0", list, 32, sizeof(*list)));

	for (int i = 0; i < n && i < 32; i++)
		if (strcmp(list[i].addr, addr) == 0)
			return true;
	return false;
}

/* The gateway of the default route of IPv4; "": none. */
static const char *gateway(struct vdestack *s)
{
	static struct vdestack_route list[32];
	int n = (int)MUST(vdestack_route_list(s, "vde0", list, 32, sizeof(*list)));

	for (int i = 0; i < n && i < 32; i++)
		if (list[i].family == AF_INET && list[i].prefix_len == 0)
			return list[i].gw;
	return "";
}

static void check_resolvconf(struct vdestack *s, const char *expected)
{
	char text[1024];

	CHECK_EQ(MUST(vdestack_resolvconf(s, NULL, text, sizeof(text))), (long)strlen(expected));
	CHECK_STR(text, expected);
}

/* ------------------------------------------------------------------ creation */

CASE_BOTH(a_stack_with_dhcp_has_its_address_when_it_is_made)
{
	struct vdestack_source source;

	(void)new_server();
	struct vdestack *s = new_stack("vnl=inproc://lan dhcp dns=10.7.0.54 domain=static.example");
	CHECK(strncmp(leased(s, NULL), "10.7.0.", 7) == 0);
	CHECK(has_addr(s, leased(s, "vde0")));
	CHECK_STR(gateway(s), "10.7.0.1");
	CHECK_EQ(MUST(vdestack_sources(s, NULL, &source, 1)), 1);
	CHECK_EQ(source.source, VDESTACK_SOURCE_DHCP4);
	CHECK_EQ(source.ready, 1);
	CHECK_STR(source.ifname, "vde0");
	CHECK_STR(source.state, "BOUND");
	CHECK_STR(source.server, "10.7.0.1");
	CHECK_STR(source.problem, "");
	CHECK(source.t1_ms > 0 && source.t1_ms < source.t2_ms && source.t2_ms < source.expiry_ms);
	CHECK(source.expiry_ms <= 3600000);
	CHECK(source.sent >= 2 && source.received >= 2);
	check_resolvconf(s, "search static.example example.org\n"
			    "nameserver 10.7.0.54\nnameserver 10.7.0.53\n");
	MUST(vdestack_wait_ready(s, SOON_MS));
}

CASE_BOTH(addresses_of_dhcp6_and_slaac_can_be_used_when_a_stack_is_made)
{
	(void)new_server_with("--dhcp-range=fc00:7::10,fc00:7::20,slaac,64,1h");
	struct vdestack *s = new_stack("vnl=inproc://lan dhcp6 slaac fqdn=host.example.org");
	MUST(vdestack_wait_ready(s, 0)); /* no address is in duplicate address detection */
	CHECK(has_addr(s, "fc00:7::c817:abc:5a62:292f")); /* from the name */
	struct vdestack_learned_item list[32];
	int n = (int)MUST(vdestack_learned(s, NULL, list, 32)), found = 0;
	for (int i = 0; i < n && i < 32; i++)
		if (list[i].type == VDESTACK_LEARNED_ADDRESS && list[i].source == VDESTACK_SOURCE_DHCP6)
			found += has_addr(s, list[i].addr);
	CHECK_EQ(found, 1);
	MUST(vdestack_configure(s, "-dhcp6 -slaac", case_opts()));
	MUST(vdestack_configure(s, "dhcp6", case_opts()));
	MUST(vdestack_wait_ready(s, 0));
}

CASE_BOTH(a_creation_without_a_server_says_what_is_missing_and_leaves_nothing)
{
	struct vdestack_opts opts = opts_with(0, 300);
	struct vdestack *peer = new_stack("vnl=inproc://lan ip=10.7.0.1/24"), *list[4];

	CHECK_ERRNO(vdestack_new("name=x vnl=inproc://lan dhcp", &opts), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "within 300 ms: dhcp4 on vde0: ");
	CHECK_CONTAINS(vdestack_last_error(), "raise step_timeout_ms");
	CHECK_EQ(MUST(vdestack_list(list, 4)), 1);
	CHECK_ERRNO(vdestack_iface_add(peer, "iface=x vnl=inproc://lan auto4", &opts), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "dhcp4 on x: ");
	CHECK_ERRNO(vdestack_if_nametoindex(peer, "x"), ENODEV);
	opts = opts_with(0, -1);
	opts.timeout_ms = 200;
	CHECK_ERRNO(vdestack_new("vnl=inproc://lan dhcp", &opts), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "within 200 ms: dhcp4 on vde0: ");
	CHECK_CONTAINS(vdestack_last_error(), "raise timeout_ms");
}

static struct vdestack *finish(struct vdestack_creation *creation)
{
	struct vdestack *s = NULL;
	int r;

	CHECK(creation != NULL);
	do {
		CHECK(wait_readable(vdestack_new_fd(creation), SOON_MS));
		r = vdestack_new_finish(creation, &s);
	} while (r == 0);
	return r < 0 ? NULL : s;
}

CASE_BOTH(an_asynchronous_creation_waits_for_its_sources)
{
	struct vdestack_opts opts = opts_with(0, 300);

	struct vdestack *empty = new_stack("vnl=inproc://empty");
	CHECK(empty != NULL);
	CHECK_ERRNO(finish(vdestack_new_start("vnl=inproc://empty dhcp", &opts)), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "dhcp4 on vde0: ");
	(void)new_server();
	struct vdestack *s = finish(vdestack_new_start("vnl=inproc://lan dhcp ip=fc00::1/64", case_opts()));
	if (s == NULL)
		FAIL("no stack: %s", vdestack_last_error());
	CHECK(has_addr(s, leased(s, NULL)));
	vdestack_new_cancel(vdestack_new_start("vnl=inproc://empty dhcp", case_opts()));
}

CASE_BOTH(added_interfaces_and_adopted_namespaces_have_sources)
{
	struct vdestack_opts opts = opts_with(0, 300);

	(void)new_server();
	struct vdestack *s = vdestack_new("", case_opts());
	CHECK(s != NULL);
	MUST(vdestack_iface_add(s, "iface=eth7 vnl=inproc://lan dhcp", case_opts()));
	CHECK(leased(s, "eth7")[0] != '\0');
	int ns = (int)MUST(vdestack_netns(s));
	CHECK_ERRNO(vdestack_adopt_fd(ns, "iface=eth8 vnl=inproc://empty dhcp", &opts), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "dhcp4 on eth8: ");
	CHECK_ERRNO(vdestack_if_nametoindex(s, "eth8"), ENODEV);
	if (case_is_root()) { /* otherwise another keeper has it, and other segments */
		struct vdestack *adopted =
			vdestack_adopt_fd(ns, "iface=eth8 vnl=inproc://lan dhcp", case_opts());
		CHECK(adopted != NULL);
		CHECK(leased(adopted, "eth8")[0] != '\0');
		CHECK_EQ(MUST(vdestack_delete(adopted)), 0);
	}
	close(ns);
}

CASE_BOTH(without_waiting_a_stack_becomes_ready_later)
{
	struct vdestack_opts opts = opts_with(VDESTACK_NO_WAIT, 0);
	struct vdestack *other = new_stack("vnl=inproc://lan");

	CHECK(other != NULL);
	struct vdestack *s = vdestack_new("vnl=inproc://lan dhcp", &opts);
	CHECK(s != NULL);
	CHECK_ERRNO(vdestack_wait_ready(s, 0), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "dhcp4 on vde0: ");
	CHECK_ERRNO(vdestack_wait_ready(s, 100), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "dhcp4 on vde0: ");
	CHECK_STR(leased(s, NULL), "");
	(void)new_server();
	MUST(vdestack_wait_ready(s, SOON_MS));
	CHECK(has_addr(s, leased(s, NULL)));
}

CASE_BOTH(a_name_gives_an_interface_its_hash_mac)
{
	unsigned char mac[6];
	static const unsigned char known[6] = { 0x6a, 0xd6, 0x2f, 0x5a, 0x5a, 0x2e };

	struct vdestack *s = new_stack("vnl=inproc://lan fqdn=test.v2.cs.unibo.it. "
				       "iface=own vnl=inproc://lan fqdn=test.v2.cs.unibo.it "
				       "mac=02:00:00:00:00:01");
	MUST(vdestack_link_get_mac(s, "vde0", mac));
	CHECK(memcmp(mac, known, 6) == 0);
	MUST(vdestack_link_get_mac(s, "own", mac));
	CHECK_EQ(mac[5], 1);
}

/* ------------------------------------------------------------------ changes */

CASE_BOTH(a_change_adds_and_removes_static_settings)
{
	struct vdestack *s = new_stack("vnl=inproc://lan vnl=inproc://lan");

	MUST(vdestack_configure(s, "ip=10.7.0.2/24 gw=10.7.0.1 dns=10.7.0.3 domain=a.example "
				   "route=10.8.0.0/16@10.7.0.1 nodad ip=fc00::2/64", NULL));
	CHECK(has_addr(s, "10.7.0.2") && has_addr(s, "fc00::2"));
	CHECK_STR(gateway(s), "10.7.0.1");
	/* What is there already is no error, and neither is what is not there. */
	MUST(vdestack_configure(s, "ip=10.7.0.2/24 gw=10.7.0.1 dns=10.7.0.3 -ip=10.7.0.77 -gw=10.7.0.9 "
				   "-dns=1.2.3.4 -dhcp -domain=x", NULL));
	check_resolvconf(s, "search a.example\nnameserver 10.7.0.3\n");
	MUST(vdestack_configure(s, "-ip=10.7.0.2 ip=10.7.0.4/16 -dns dns=10.7.0.5", NULL));
	CHECK(!has_addr(s, "10.7.0.2") && has_addr(s, "10.7.0.4"));
	check_resolvconf(s, "search a.example\nnameserver 10.7.0.5\n");
	MUST(vdestack_configure(s, "-domain", NULL));
	check_resolvconf(s, "nameserver 10.7.0.5\n");
	MUST(vdestack_configure(s, "-eth iface=vde1 eth", NULL));
	CHECK((MUST(vdestack_link_get_flags(s, "vde0")) & IFF_UP) == 0);
	CHECK((MUST(vdestack_link_get_flags(s, "vde1")) & IFF_UP) != 0);
	MUST(vdestack_configure(s, "eth -static", NULL));
	CHECK(!has_addr(s, "10.7.0.4") && !has_addr(s, "fc00::2"));
	CHECK_STR(gateway(s), "");
	check_resolvconf(s, "");
}

CASE_BOTH(a_change_that_fails_changes_nothing)
{
	struct vdestack_opts opts = opts_with(0, 300);
	struct vdestack *s = new_stack("vnl=inproc://empty nodad ip=10.7.0.2/24 ip=10.7.0.3/24 ip=fc00::2/64 "
				       "gw=10.7.0.1 dns=10.7.0.53 domain=a.example");
	static const char *const lists[] = {
		"-ip=10.7.0.2 ip=10.9.0.1/24 gw=99.0.0.1",                  /* no route there */
		"-ip -gw ip=10.9.0.1/24 -eth iface=vde1 dhcp",              /* no such interface */
		"-static ip=10.9.0.1/24 gw=10.9.0.2 route=10.1.0.0/16@1.1.1.1",
		"-ip=10.7.0.3 ip=10.9.0.1/24 dns=10.7.0.53 dns=10.7.0.54 domain=b dhcp", /* no server */
		"ip=10.9.0.1/24 foo",
	};
	static const int errors[] = { ENETUNREACH, ENODEV, ENETUNREACH, ETIMEDOUT, EINVAL };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		CHECK_ERRNO(vdestack_configure(s, lists[i], &opts), errors[i]);
		CHECK(has_addr(s, "10.7.0.2") && has_addr(s, "10.7.0.3") && has_addr(s, "fc00::2"));
		CHECK(!has_addr(s, "10.9.0.1"));
		CHECK_STR(gateway(s), "10.7.0.1");
		CHECK((MUST(vdestack_link_get_flags(s, "vde0")) & IFF_UP) != 0);
		CHECK_EQ(MUST(vdestack_sources(s, NULL, NULL, 0)), 0);
		check_resolvconf(s, "search a.example\nnameserver 10.7.0.53\n");
	}
}

CASE_BOTH(sources_of_a_living_stack_are_started_and_stopped)
{
	(void)new_server();
	struct vdestack *s = new_stack("vnl=inproc://lan");
	char old[INET6_ADDRSTRLEN], words[128];

	MUST(vdestack_configure(s, "dhcp", case_opts()));
	(void)snprintf(old, sizeof(old), "%s", leased(s, NULL));
	CHECK(has_addr(s, old));
	MUST(vdestack_configure(s, "dhcp", case_opts())); /* it runs: nothing happens */
	CHECK_STR(leased(s, NULL), old);
	MUST(vdestack_configure(s, "-static", case_opts())); /* not a static address */
	CHECK(has_addr(s, old));
	MUST(vdestack_configure(s, "-auto", case_opts()));
	CHECK_EQ(MUST(vdestack_sources(s, NULL, NULL, 0)), 0);
	CHECK(!has_addr(s, old));
	MUST(vdestack_configure(s, "dhcp", case_opts()));
	/* The address becomes static, and does not go with the source. */
	(void)snprintf(words, sizeof(words), "-dhcp ip=%s/24 gw=10.7.0.1", leased(s, NULL));
	(void)snprintf(old, sizeof(old), "%s", leased(s, NULL));
	MUST(vdestack_configure(s, words, case_opts()));
	CHECK_STR(leased(s, NULL), "");
	sleep_ms(300);
	CHECK(has_addr(s, old));
	CHECK_STR(gateway(s), "10.7.0.1");
	MUST(vdestack_configure(s, "-all", case_opts()));
	CHECK(!has_addr(s, old));
}

CASE_BOTH(events_tell_that_a_source_has_an_address_and_lost_it)
{
	struct vdestack_event event;

	(void)new_server();
	struct vdestack *s = new_stack("vnl=inproc://lan");
	int fd = (int)MUST(vdestack_events(s));
	MUST(vdestack_configure(s, "dhcp", case_opts()));
	do
		CHECK_EQ(MUST(vdestack_event_read(fd, &event, SOON_MS)), 1);
	while (event.type != VDESTACK_EVENT_SOURCE_GAINED);
	CHECK_STR(event.ifname, "vde0");
	CHECK_EQ(event.source, VDESTACK_SOURCE_DHCP4);
	CHECK_STR(event.addr, leased(s, NULL));
	CHECK_EQ(event.valid_s, 3600);
	MUST(vdestack_configure(s, "-dhcp", case_opts()));
	do
		CHECK_EQ(MUST(vdestack_event_read(fd, &event, SOON_MS)), 1);
	while (event.type != VDESTACK_EVENT_SOURCE_LOST);
	CHECK_EQ(event.source, VDESTACK_SOURCE_DHCP4);
	close(fd);
}

CASE_BOTH(an_event_tells_that_name_servers_of_the_configuration_have_changed)
{
	struct vdestack_event event;
	static const char *const words[] = { "dns=10.7.0.53", "domain=a.example", "-dns", "-domain" };
	struct vdestack *s = new_stack("vnl=inproc://lan");
	int fd = (int)MUST(vdestack_events(s));

	for (int i = 0; i < 4; i++) {
		MUST(vdestack_configure(s, words[i], NULL));
		do /* it is there when the call returns */
			CHECK_EQ(MUST(vdestack_event_read(fd, &event, 0)), 1);
		while (event.type != VDESTACK_EVENT_SOURCE_CHANGED);
		CHECK_EQ(event.source, VDESTACK_SOURCE_STATIC);
		CHECK_STR(event.ifname, "vde0");
	}
	close(fd);
}

/* ------------------------------------------------------------------ leases, privileges, arguments */

CASE_BOTH(the_directory_of_leases_is_made_and_must_be_private)
{
	struct stat dir;
	char first[INET6_ADDRSTRLEN];

	(void)new_server();
	struct vdestack *s =
		new_stack("name=web leases=%s vnl=inproc://lan dhcp norelease", case_path("leases"));
	CHECK_EQ(stat(case_path("leases"), &dir), 0);
	CHECK_EQ(dir.st_mode & 07777, 0700);
	(void)snprintf(first, sizeof(first), "%s", leased(s, NULL));
	MUST(vdestack_delete(s));
	s = new_stack("name=web leases=%s vnl=inproc://lan dhcp norelease", case_path("leases"));
	CHECK_STR(leased(s, NULL), first);
	MUST(chmod(case_path("leases"), 0777));
	CHECK_ERRNO(vdestack_new("vnl=inproc://lan dhcp leases=leases/none/x", case_opts()), ENOENT);
	CHECK_CONTAINS(vdestack_last_error(), "leases=leases/none/x");
	char words[512];
	(void)snprintf(words, sizeof(words), "vnl=inproc://lan dhcp leases=%s", case_path("leases"));
	CHECK_ERRNO(vdestack_new(words, case_opts()), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "other users may write");
	CHECK_ERRNO(vdestack_configure(s, strstr(words, "dhcp"), case_opts()), EPERM);
	(void)snprintf(words, sizeof(words), "vnl=inproc://lan dhcp leases=%s", case_path("dnsmasq.log"));
	CHECK_ERRNO(vdestack_new(words, case_opts()), ENOTDIR);
}

CASE_BOTH(a_sealed_process_reads_and_changes_nothing)
{
	(void)new_server();
	struct vdestack *s = new_stack("vnl=inproc://lan dhcp");
	MUST(vdestack_seal());
	CHECK_ERRNO(vdestack_configure(s, "-dhcp", NULL), EPERM);
	CHECK_ERRNO(vdestack_configure(s, "dns=10.0.0.1", NULL), EPERM);
	CHECK(has_addr(s, leased(s, NULL)));
	check_resolvconf(s, "search example.org\nnameserver 10.7.0.53\n");
	MUST(vdestack_wait_ready(s, SOON_MS));
}

CASE_BOTH(wrong_arguments_are_refused)
{
	struct vdestack *s = new_stack("vnl=inproc://lan dns=10.0.0.1");
	struct vdestack_learned_item learned;
	struct vdestack_opts opts = { .size = 1 };
	char text[8];

	CHECK_EQ(MUST(vdestack_learned(s, NULL, NULL, 0)), 1);
	CHECK_EQ(MUST(vdestack_learned(s, "", &learned, 1)), 1);
	CHECK_EQ(learned.type, VDESTACK_LEARNED_DNS);
	CHECK_EQ(learned.source, VDESTACK_SOURCE_STATIC);
	CHECK_EQ(learned.valid_ms, -1);
	CHECK_EQ(MUST(vdestack_sources(s, "vde0", NULL, 0)), 0);
	CHECK_ERRNO(vdestack_learned(s, "vde9", &learned, 1), ENODEV);
	CHECK_ERRNO(vdestack_learned(s, "a/b", &learned, 1), EINVAL);
	CHECK_ERRNO(vdestack_learned(s, NULL, NULL, 1), EINVAL);
	CHECK_ERRNO(vdestack_sources(s, "vde9", NULL, 0), ENODEV);
	CHECK_ERRNO(vdestack_sources(s, NULL, NULL, 1), EINVAL);
	CHECK_ERRNO(vdestack_resolvconf(s, NULL, text, sizeof(text)), ERANGE);
	CHECK_CONTAINS(vdestack_last_error(), "needs 21 bytes, and the buffer has 8");
	CHECK_ERRNO(vdestack_resolvconf(s, "vde9", text, sizeof(text)), ENODEV);
	CHECK_ERRNO(vdestack_configure(s, "-dhcp", &opts), EINVAL);
	CHECK_ERRNO(vdestack_configure(s, "iface=vde9 -dhcp", NULL), ENODEV);
	CHECK_ERRNO(vdestack_configure(s, "vnl=inproc://x", NULL), EINVAL);
	MUST(vdestack_delete(s));
	CHECK_ERRNO(vdestack_configure(s, "", NULL), EINVAL);
	CHECK_ERRNO(vdestack_learned(s, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(vdestack_sources(s, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(vdestack_resolvconf(s, NULL, text, sizeof(text)), EINVAL);
	CHECK_ERRNO(vdestack_wait_ready(s, 0), EINVAL);
}
