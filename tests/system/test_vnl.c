/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The networks of interfaces: through each kind of network two stacks exchange TCP. Each
 * opens a connection to the other, and every byte is checked.
 */

#define _GNU_SOURCE
#include <net/if.h>
#include <netinet/in.h>

#include "traffic.h"

#define BOTH_VDE (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)

/* Two stacks whose interfaces have these locators exchange traffic and are deleted. */
static void talk_through(const char *vnl_a, const char *vnl_b)
{
	struct vdestack *a = stack_of("vnl='%s' ip=10.0.0.1/24 ip=fc00::1/64", vnl_a);
	struct vdestack *b = stack_of("vnl='%s' ip=10.0.0.2/24 ip=fc00::2/64", vnl_b);

	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
	tcp_one_way(a, "fc00::1", b);
	MUST(vdestack_delete(a));
	MUST(vdestack_delete(b));
}

static const char *locator(const char *scheme, const char *path)
{
	static char ring[4][512];
	static unsigned next;
	char *text = ring[next++ % 4];

	(void)snprintf(text, sizeof(ring[0]), "%s%s", scheme, path);
	return text;
}

/* ------------------------------------------------------------------ libvdeplug */

CASE_FLAGS(stacks_talk_through_a_stock_switch, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	talk_through(locator("vde://", path), locator("vde://", path));
}

CASE_FLAGS(a_bare_path_is_a_switch, BOTH_VDE)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	talk_through(path, locator("vde://", path));
}

CASE_FLAGS(a_relative_path_starts_at_the_directory_of_the_caller, BOTH_VDE)
{
	struct tool sw;

	MUST(chdir(case_tmp()));
	MUST(mkdir("here", 0755));
	switch_start(&sw, case_path("here/sw"), "32");
	MUST(chdir("here"));
	struct vdestack *a = stack_of("vnl=sw ip=10.0.0.1/24");
	MUST(chdir(".."));
	struct vdestack *b = stack_of("vnl=vde://here/sw ip=10.0.0.2/24");
	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
}

CASE_FLAGS(stacks_talk_through_a_hub_of_vde_plug, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("hub");
	struct tool hub;

	node_start(&hub, locator("hub://", path));
	talk_through(locator("vde://", path), path);
}

CASE_FLAGS(stacks_talk_through_a_switch_of_vde_plug, BOTH_VDE)
{
	const char *path = case_path("sw");
	struct tool node;

	node_start(&node, locator("switch://", path));
	talk_through(locator("vde://", path), locator("vde://", path));
}

CASE_FLAGS(an_interface_can_itself_be_a_hub, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("hub");

	talk_through(locator("hub://", path), locator("vde://", path));
}

CASE_FLAGS(an_interface_can_itself_be_a_switch, BOTH_VDE)
{
	const char *path = case_path("sw");

	talk_through(locator("switch://", path), locator("vde://", path));
}

CASE_FLAGS(stacks_talk_through_a_point_to_point_link, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *vnl = locator("ptp://", case_path("ptp"));

	talk_through(vnl, vnl);
}

/* A UDP port that is not in use. */
static int free_port(void)
{
	int port = 0;

	close(bound_in(NULL, "127.0.0.1", SOCK_DGRAM, &port));
	return port;
}

CASE_FLAGS(stacks_talk_through_udp, BOTH_VDE | CASE_F_NO_TUN)
{
	char a[128], b[128];
	int p = free_port(), q = free_port();

	(void)snprintf(a, sizeof(a), "udp://127.0.0.1:%d->127.0.0.1:%d", p, q);
	(void)snprintf(b, sizeof(b), "udp://127.0.0.1:%d->127.0.0.1:%d", q, p);
	talk_through(a, b);
}

static void multicast_on_loopback(void)
{
	own_namespaces(CLONE_NEWNET);
	tool_run(WORDS("ip", "link", "set", "lo", "up", "multicast", "on"));
	tool_run(WORDS("ip", "route", "add", "224.0.0.0/4", "dev", "lo"));
}

CASE_FLAGS(stacks_talk_through_vxvde, BOTH_VDE)
{
	multicast_on_loopback();
	talk_through("vxvde://239.1.2.3", "vxvde://239.1.2.3");
}

CASE_FLAGS(networks_of_vxvde_with_different_numbers_are_separate, BOTH_VDE)
{
	multicast_on_loopback();
	struct vdestack *a = stack_of("vnl=vxvde://239.1.2.3/vni=5 ip=10.0.0.1/24");
	struct vdestack *b = stack_of("vnl=vxvde://239.1.2.3/vni=6 ip=10.0.0.2/24");
	struct vdestack *c = stack_of("vnl=vxvde://239.1.2.3/vni=5 ip=10.0.0.3/24");

	CHECK(datagram_arrives(a, c, "10.0.0.3", 10, false, SOON_MS));
	CHECK(!datagram_arrives(a, b, "10.0.0.2", 10, false, 200));
}

/*
 * The vxlan plugin of libvdeplug 4.0 loses all unicast frames once it has learnt where the
 * station is: it sends them to an address of length 0. So this case sends only broadcasts.
 */
static void broadcast(int fd, const char *text)
{
	struct sockaddr_storage ss;
	socklen_t len = address_of("10.0.0.255", 7000, &ss);

	MUST(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&ss, len));
}

/* Broadcasts `mine` until it has received `other`, and once more in case that was lost. */
static void hear_and_say(struct vdestack *s, const char *mine, const char *other)
{
	int port = 7000, on = 1;
	int fd = bound_in(s, "0.0.0.0", SOCK_DGRAM, &port);
	char buf[64];
	long long end = now_us() + SOON_MS * 1000LL;

	MUST(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)));
	for (;;) {
		broadcast(fd, mine);
		if (wait_readable(fd, 50)) {
			ssize_t n = MUST(recv(fd, buf, sizeof(buf) - 1, 0));
			buf[n] = '\0';
			if (strcmp(buf, other) == 0)
				break;
		}
		if (now_us() > end)
			FAIL("\"%s\" was never heard", other);
	}
	broadcast(fd, mine);
	close(fd);
}

/* The second program of the next case: in a host network of its own, the other end of a cable. */
static void vxlan_peer(int ready, int go)
{
	char byte = 'x';

	MUST(unshare(CLONE_NEWNET));
	MUST(write(ready, &byte, 1));
	CHECK_EQ(read(go, &byte, 1), 1);
	tool_run(WORDS("ip", "link", "set", "cable1", "up"));
	tool_run(WORDS("ip", "addr", "add", "192.0.2.2/24", "dev", "cable1"));
	struct vdestack *s = stack_of("vnl=vxlan://239.1.2.3/if=cable1 ip=10.0.0.2/24 mtu=1400");
	hear_and_say(s, "here is two", "here is one");
	CHECK_EQ(read(go, &byte, 1), 0); /* the other one has heard us too */
}

CASE_FLAGS(stacks_of_two_programs_hear_each_other_through_vxlan, BOTH_VDE)
{
	int ready[2], go[2], status;
	char byte = 'x', pid_text[16];

	own_namespaces(CLONE_NEWNET);
	MUST(pipe2(ready, O_CLOEXEC));
	MUST(pipe2(go, O_CLOEXEC));
	pid_t peer = (pid_t)MUST(fork());
	if (peer == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		vxlan_peer(ready[1], go[0]);
		_exit(0);
	}
	close(ready[1]);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	(void)snprintf(pid_text, sizeof(pid_text), "%d", (int)peer);
	tool_run(WORDS("ip", "link", "add", "cable0", "type", "veth", "peer", "name", "cable1", "netns",
		       pid_text));
	tool_run(WORDS("ip", "link", "set", "cable0", "up"));
	tool_run(WORDS("ip", "addr", "add", "192.0.2.1/24", "dev", "cable0"));
	MUST(write(go[1], &byte, 1));
	struct vdestack *s = stack_of("vnl=vxlan://239.1.2.3/if=cable0 ip=10.0.0.1/24 mtu=1400");
	hear_and_say(s, "here is one", "here is two");
	close(go[1]);
	MUST(waitpid(peer, &status, 0));
	CHECK_EQ(status, 0);
}

CASE_USER(the_root_of_a_user_namespace_makes_stacks)
{
	own_namespaces(0);
	talk_through("inproc://lan", "inproc://lan");
}

CASE_USER(a_capable_user_who_is_not_root_makes_stacks)
{
	own_user_namespace(0, 1000);
	talk_through("inproc://lan", "inproc://lan");
}

CASE_FLAGS(a_tap_of_the_host_network_reaches_the_stack, BOTH_VDE)
{
	case_need_tun();
	/*
	 * The keeper stays in the program's user namespace where the program owns its PID namespace as well.
	 */
	own_container(CLONE_NEWNET);
	struct vdestack *s = stack_of("vnl=tap://cable ip=10.0.0.2/24");

	tool_run(WORDS("ip", "link", "set", "cable", "up"));
	tool_run(WORDS("ip", "addr", "add", "10.0.0.1/24", "dev", "cable"));
	tcp_both_ways(NULL, "10.0.0.1", s, "10.0.0.2");
}

CASE_FLAGS(slirp_reaches_a_server_on_the_hosts_loopback, BOTH_VDE | CASE_F_NO_TUN)
{
	int port = 0;
	int listener = bound_in(NULL, "127.0.0.1", SOCK_STREAM, &port);
	struct vdestack *s = stack_of("vnl=slirp:// ip=10.0.2.15/24 gw=10.0.2.2");
	int a = connected_in(s, "10.0.2.2", SOCK_STREAM, port);
	int b = (int)MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));

	exchange(a, b);
}

CASE_FLAGS(stacks_of_one_vlan_talk_and_others_do_not_hear_them, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("sw");
	struct tool node;

	node_start(&node, locator("hub://", path)); /* passes every tag on */
	struct vdestack *a = stack_of("vnl=vlan://3{vde://%s} ip=10.0.0.1/24 mtu=1496", path);
	struct vdestack *b = stack_of("vnl=vlan://3{vde://%s} ip=10.0.0.2/24 mtu=1496", path);
	struct vdestack *c = stack_of("vnl=vlan://4{vde://%s} ip=10.0.0.3/24 mtu=1496", path);

	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
	CHECK(!datagram_arrives(a, c, "10.0.0.3", 10, false, 200));
}

/* ------------------------------------------------------------------ streams */

CASE_FLAGS(a_command_can_be_the_link, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("sw");
	char a[512], b[512];
	struct tool sw;

	switch_start(&sw, path, "32");
	(void)snprintf(a, sizeof(a), "=vde_plug %s", path);
	(void)snprintf(b, sizeof(b), "vde://%s", path);
	talk_through(a, b);
}

CASE_FLAGS(cmd_is_the_same_as_a_command, BOTH_VDE)
{
	const char *path = case_path("sw");
	char a[512], b[512];
	struct tool sw;

	switch_start(&sw, path, "32");
	(void)snprintf(a, sizeof(a), "cmd://vde_plug %s", path);
	(void)snprintf(b, sizeof(b), "=vde_plug vde://%s", path);
	talk_through(a, b);
}

static bool no_such_process(void *arg)
{
	return kill(*(pid_t *)arg, 0) < 0 && errno == ESRCH;
}

static bool file_has_text(void *arg)
{
	struct stat st;

	return stat(arg, &st) == 0 && st.st_size > 0;
}

CASE_FLAGS(the_command_of_a_link_ends_with_its_stack, BOTH_VDE)
{
	const char *script = case_path("cable.sh"), *pid_file = case_path("pid");
	char text[512];
	int pid = 0;

	int fd = (int)MUST(open(script, O_CREAT | O_WRONLY | O_CLOEXEC, 0700));
	(void)snprintf(text, sizeof(text), "echo $$ > %s; exec sleep 1000", pid_file);
	MUST(write(fd, text, strlen(text)));
	close(fd);
	struct vdestack *s = stack_of("vnl='=sh %s'", script);
	CHECK(wait_until(file_has_text, (void *)pid_file, SOON_MS));
	FILE *f = fopen(pid_file, "re");
	CHECK(f != NULL && fscanf(f, "%d", &pid) == 1);
	fclose(f);
	CHECK_EQ(kill(pid, 0), 0);
	MUST(vdestack_delete(s));
	CHECK(wait_until(no_such_process, &pid, SOON_MS));
}

static bool has_no_carrier(void *arg)
{
	int flags = vdestack_link_get_flags(arg, "vde0");

	return flags >= 0 && (flags & IFF_RUNNING) == 0;
}

CASE_FLAGS(an_interface_whose_command_ends_loses_its_carrier, BOTH_VDE | CASE_F_NO_TUN)
{
	struct vdestack *s = stack_of("vnl='=cat'"); /* returns what it receives */
	MUST(vdestack_delete(s));
	s = stack_of("vnl='=sh -c \"read line < %s\"'", "/dev/null");
	CHECK(wait_until(has_no_carrier, s, SOON_MS));
	/* the stack itself lives on */
	char *argv[] = { (char *)"true", NULL };
	CHECK_EQ(vdestack_run(s, argv, NULL), 0);
	close(socket_in(s, AF_INET, SOCK_DGRAM));
}

CASE_FLAGS(an_interface_whose_switch_ends_loses_its_carrier, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	struct vdestack *s = stack_of("vnl=%s ip=10.0.0.1/24", path);
	tool_end(&sw, SIGTERM);
	CHECK(wait_until(has_no_carrier, s, SOON_MS));
	tcp_one_way(s, "10.0.0.1", s);
	MUST(vdestack_iface_del(s, "vde0"));
}

/* ------------------------------------------------------------------ none */

static int count_links(struct vdestack *s)
{
	struct ifaddrs *list;
	int n = 0;

	MUST(vdestack_getifaddrs(s, &list));
	for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
		n += i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_PACKET;
	vdestack_freeifaddrs(list);
	return n;
}

CASE_BOTH(a_configuration_without_network_makes_no_interface)
{
	static const char *const configs[] = { NULL, "", "vnl=none", "vnl=", "vnl=''", "# nothing" };

	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		struct vdestack *s = vdestack_new(configs[i], case_opts());
		if (s == NULL)
			FAIL("no stack from \"%s\": \"%s\"", configs[i] != NULL ? configs[i] : "(null)",
			     vdestack_last_error());
		CHECK_EQ(count_links(s), 1);
		CHECK(vdestack_link_get_flags(s, "lo") & IFF_UP);
		tcp_one_way(s, "127.0.0.1", s);
		tcp_one_way(s, "::1", s);
		MUST(vdestack_delete(s));
	}
}

/* ------------------------------------------------------------------ MTU */

CASE_FLAGS(the_default_mtu_fits_a_stock_switch, BOTH_VDE)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	struct vdestack *a = stack_of("vnl=%s ip=10.0.0.1/24", path);
	struct vdestack *b = stack_of("vnl=%s ip=10.0.0.2/24", path);
	CHECK_EQ(vdestack_link_get_mtu(a, "vde0"), 1500);
	CHECK(datagram_arrives(a, b, "10.0.0.2", 1472, true, SOON_MS)); /* fills the frame */
	CHECK(datagram_arrives(a, b, "10.0.0.2", 20000, false, SOON_MS)); /* in fragments */
}

CASE_FLAGS(an_mtu_beyond_a_stock_switch_is_refused, BOTH_VDE)
{
	const char *path = case_path("sw");
	char config[300];
	struct tool sw;

	switch_start(&sw, path, "32");
	(void)snprintf(config, sizeof(config), "vnl=%s mtu=1501", path);
	CHECK_ERRNO(vdestack_new(config, case_opts()), EMSGSIZE);
	CHECK_CONTAINS(vdestack_last_error(), "1500");
	CHECK_CONTAINS(vdestack_last_error(), "VDESTACK_FORCE_MTU");
	MUST(vdestack_delete(stack_of("vnl=%s mtu=1500", path)));
}

static struct vdestack *forced_stack(const char *path, const char *ip)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = case_opts_flags() | VDESTACK_FORCE_MTU };
	char config[300];

	(void)snprintf(config, sizeof(config), "vnl=%s ip=%s/24 mtu=9000", path, ip);
	struct vdestack *s = vdestack_new(config, &opts);
	if (s == NULL)
		FAIL("no stack: \"%s\"", vdestack_last_error());
	return s;
}

CASE_FLAGS(frames_too_long_for_a_stock_switch_are_lost_without_harm, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	struct vdestack *a = forced_stack(path, "10.0.0.1"), *b = forced_stack(path, "10.0.0.2");
	for (int i = 0; i < 20; i++)
		(void)datagram_arrives(a, b, "10.0.0.2", 8972, true, 1);
	CHECK(!datagram_arrives(a, b, "10.0.0.2", 8972, true, 100));
	CHECK(datagram_arrives(a, b, "10.0.0.2", 1400, true, SOON_MS));
	CHECK(datagram_arrives(b, a, "10.0.0.1", 1400, true, SOON_MS));
}

CASE_FLAGS(jumbo_frames_pass_a_hub, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("hub");
	struct tool hub;

	node_start(&hub, locator("hub://", path));
	struct vdestack *a = stack_of("vnl=%s ip=10.0.0.1/24 mtu=9216", path);
	struct vdestack *b = stack_of("vnl=%s ip=10.0.0.2/24 mtu=9216", path);
	CHECK(datagram_arrives(a, b, "10.0.0.2", 9188, true, SOON_MS));
	CHECK(!datagram_arrives(a, b, "10.0.0.2", 9189, true, 0));
	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
}

/* ------------------------------------------------------------------ several */

CASE_FLAGS(one_stack_is_on_several_networks, BOTH_VDE | CASE_F_NO_TUN)
{
	const char *path = case_path("sw"), *ptp = locator("ptp://", case_path("ptp"));
	struct tool sw;

	switch_start(&sw, path, "32");
	struct vdestack *s =
		stack_of("iface=sw0 vnl=%s ip=10.0.0.1/24 iface=in0 vnl=inproc://lan ip=10.1.0.1/24 "
			 "iface=ptp0 vnl=%s ip=10.2.0.1/24",
			 path, ptp);
	struct vdestack *a = stack_of("vnl=%s ip=10.0.0.2/24", path);
	struct vdestack *b = stack_of("vnl=inproc://lan ip=10.1.0.2/24");
	struct vdestack *c = stack_of("vnl=%s ip=10.2.0.2/24", ptp);
	tcp_both_ways(s, "10.0.0.1", a, "10.0.0.2");
	tcp_both_ways(s, "10.1.0.1", b, "10.1.0.2");
	tcp_both_ways(s, "10.2.0.1", c, "10.2.0.2");
}

/* ------------------------------------------------------------------ inproc */

CASE_FLAGS(stacks_talk_on_a_segment, CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	talk_through("inproc://lan", "inproc://lan");
}

CASE_BOTH(segments_with_different_names_are_separate)
{
	struct vdestack *a = stack_of("vnl=inproc://one ip=10.0.0.1/24");
	struct vdestack *b = stack_of("vnl=inproc://two ip=10.0.0.2/24");
	struct vdestack *c = stack_of("vnl=inproc://one ip=10.0.0.3/24");

	CHECK(datagram_arrives(a, c, "10.0.0.3", 10, false, SOON_MS));
	CHECK(!datagram_arrives(a, b, "10.0.0.2", 10, false, 200));
	tcp_both_ways(a, "10.0.0.1", c, "10.0.0.3");
}

CASE_BOTH(three_stacks_share_a_segment)
{
	struct vdestack *a = stack_of("vnl=inproc://lan ip=10.0.0.1/24");
	struct vdestack *b = stack_of("vnl=inproc://lan ip=10.0.0.2/24");
	struct vdestack *c = stack_of("vnl=inproc://lan ip=10.0.0.3/24");

	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
	tcp_both_ways(b, "10.0.0.2", c, "10.0.0.3");
	tcp_both_ways(c, "10.0.0.3", a, "10.0.0.1");
}

CASE_BOTH(a_broadcast_reaches_every_stack_on_the_segment)
{
	struct vdestack *s[3] = { stack_of("vnl=inproc://lan ip=10.0.0.1/24"),
				  stack_of("vnl=inproc://lan ip=10.0.0.2/24"),
				  stack_of("vnl=inproc://lan ip=10.0.0.3/24") };
	struct sockaddr_storage ss;
	int port = 0, on = 1, got[2];
	char buf[8];

	got[0] = bound_in(s[1], "0.0.0.0", SOCK_DGRAM, &port);
	got[1] = bound_in(s[2], "0.0.0.0", SOCK_DGRAM, &port);
	int fd = socket_in(s[0], AF_INET, SOCK_DGRAM);
	MUST(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)));
	socklen_t len = address_of("10.0.0.255", port, &ss);
	CHECK_EQ(sendto(fd, "all", 3, 0, (struct sockaddr *)&ss, len), 3);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(recv(got[i], buf, sizeof(buf), 0), 3);
}

CASE_BOTH(neighbours_learn_each_others_mac)
{
	struct vdestack *a = stack_of("vnl=inproc://lan ip=10.0.0.1/24 mac=02:00:00:00:00:0a");
	struct vdestack *b = stack_of("vnl=inproc://lan ip=10.0.0.2/24 mac=02:00:00:00:00:0b");
	struct vdestack_neigh list[8];
	bool seen = false;

	CHECK(datagram_arrives(a, b, "10.0.0.2", 10, false, SOON_MS));
	int n = (int)MUST(vdestack_neigh_list(a, NULL, list, 8, sizeof(struct vdestack_neigh)));
	for (int i = 0; i < n && i < 8; i++)
		if (strcmp(list[i].addr, "10.0.0.2") == 0)
			seen = memcmp(list[i].mac, "\2\0\0\0\0\x0b", 6) == 0;
	CHECK(seen);
}

CASE_BOTH(a_segment_carries_the_largest_mtu)
{
	struct vdestack *a = stack_of("vnl=inproc://lan ip=10.0.0.1/24 mtu=65535");
	struct vdestack *b = stack_of("vnl=inproc://lan ip=10.0.0.2/24 mtu=65535");

	CHECK(datagram_arrives(a, b, "10.0.0.2", 65507, true, SOON_MS));
	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
}

CASE_BOTH(stacks_with_different_mtu_talk_tcp_on_a_segment)
{
	struct vdestack *a = stack_of("vnl=inproc://lan ip=10.0.0.1/24 mtu=9000");
	struct vdestack *b = stack_of("vnl=inproc://lan ip=10.0.0.2/24 mtu=1280");

	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2"); /* they announce their segment sizes */
}

CASE_BOTH(an_ipv6_address_in_use_is_refused)
{
	struct vdestack *a = stack_of("vnl=inproc://lan ip=fc00::1/64");

	CHECK(vdestack_new("vnl=inproc://lan ip=fc00::1/64", case_opts()) == NULL);
	CHECK_EQ(errno, EADDRNOTAVAIL);
	CHECK_CONTAINS(vdestack_last_error(), "fc00::1");
	/* and the owner of the address still works */
	struct vdestack *b = stack_of("vnl=inproc://lan ip=fc00::2/64");
	tcp_both_ways(a, "fc00::1", b, "fc00::2");
}

CASE_BOTH(ipv6_addresses_are_usable_when_creation_returns)
{
	struct vdestack *a = stack_of("vnl=inproc://lan ip=fc00::1/64");
	struct vdestack *b = stack_of("vnl=inproc://lan ip=fc00::2/64");
	struct vdestack_addr list[8];
	int n = (int)MUST(vdestack_addr_list(b, NULL, list, 8, sizeof(struct vdestack_addr)));

	bool seen = false;
	for (int i = 0; i < n && i < 8; i++) {
		if (strcmp(list[i].addr, "fc00::2") == 0) {
			CHECK_EQ(list[i].flags & 0x48, 0); /* IFA_F_TENTATIVE, IFA_F_DADFAILED */
			seen = true;
		}
	}
	CHECK(seen);
	tcp_both_ways(a, "fc00::1", b, "fc00::2");
}

/* Ends with the same index wait a second for their carrier, see src/keeper/veth.c. */
CASE_BOTH(the_two_ends_of_a_veth_have_different_indices)
{
	const char *path = case_path("links");
	char line[300], command[300];
	int n = 0, own, peer;
	struct vdestack *s = stack_of(
		"vnl=inproc://a iface=b vnl=inproc://b iface=c vnl=inproc://c iface=d vnl=inproc://d%s", "");

	(void)snprintf(command, sizeof(command), "ip -o link >%s", path);
	char *argv[] = { (char *)"sh", (char *)"-c", command, NULL };
	CHECK_EQ(MUST(vdestack_run(s, argv, NULL)), 0);
	FILE *file = fopen(path, "re");
	CHECK(file != NULL);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%d: %*[^@ ]@if%d:", &own, &peer) != 2)
			continue;
		CHECK(own != peer);
		n++;
	}
	CHECK_EQ(fclose(file), 0);
	CHECK_EQ(n, 4);
	MUST(vdestack_delete(s));
}

CASE_BOTH(a_segment_name_is_free_again_when_its_last_interface_is_removed)
{
	for (int round = 0; round < 3; round++) {
		struct vdestack *a = stack_of("vnl=inproc://lan ip=10.0.0.1/24");
		struct vdestack *b = stack_of("vnl=inproc://lan ip=10.0.0.2/24");
		tcp_one_way(a, "10.0.0.1", b);
		MUST(vdestack_delete(a));
		MUST(vdestack_delete(b));
	}
}

CASE_BOTH(a_removed_interface_is_off_the_segment_at_once)
{
	struct vdestack *a = stack_of("vnl=inproc://lan ip=10.0.0.1/24");
	struct vdestack *b =
		stack_of("iface=in0 vnl=inproc://lan ip=10.0.0.2/24 iface=in1 vnl=inproc://other");

	CHECK(datagram_arrives(a, b, "10.0.0.2", 10, false, SOON_MS));
	MUST(vdestack_iface_del(b, "in0"));
	CHECK_ERRNO(vdestack_if_nametoindex(b, "in0"), ENODEV);
	CHECK(vdestack_if_nametoindex(b, "in1") > 0);
	/* the name and the address are free: another stack uses them */
	struct vdestack *c = stack_of("iface=in0 vnl=inproc://lan ip=10.0.0.2/24 ip=fc00::2/64");
	tcp_both_ways(a, "10.0.0.1", c, "10.0.0.2");
	MUST(vdestack_iface_add(b, "iface=in0 vnl=inproc://lan ip=10.0.0.3/24", NULL));
	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.3");
}

CASE_BOTH(segments_of_two_programs_are_separate)
{
	struct vdestack *a = stack_of("vnl=inproc://lan ip=10.0.0.1/24");
	int status;

	/* exec makes it another program: its keeper is not ours */
	if (getenv("VDESTACK_TEST_SECOND") != NULL)
		_exit(datagram_arrives(a, a, "10.0.0.1", 10, false, SOON_MS) ? 0 : 1);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		MUST(setenv("VDESTACK_TEST_SECOND", "1", 1));
		(void)execl("/proc/self/exe", "second", "segments_of_two_programs_are_separate",
			    (char *)NULL);
		_exit(127);
	}
	/* The other program has the same address on a segment of the same name. Both work. */
	CHECK(datagram_arrives(a, a, "10.0.0.1", 10, false, SOON_MS));
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}
