/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Address sources in the keeper, with real servers: leases are got, renewed, kept and given back. */

#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "sources.h"

static struct vdestack *client, *server;

static void new_network(void)
{
	server = new_stack("vnl=inproc://lan ip=10.7.0.1/24");
	client = new_stack("vnl=inproc://lan eth");
}

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

static const char *const four[] = { "--dhcp-range=10.7.0.50,10.7.0.60,3600", NULL };

/* Starts DHCPv4 with a server that grants leases of an hour. Returns the address. */
static const char *get_lease(const char *name, int dir)
{
	static char text[INET6_ADDRSTRLEN];
	static struct learned l;
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	(void)snprintf(want.name, sizeof(want.name), "%s", name);
	want.has_leases = dir >= 0;
	start_sources(client, &want, dir);
	wait_for_sources(client);
	read_learned(client, &l);
	const struct vs_wire_learned *addr = find_learned(&l, VS_LEARNED_ADDRESS);
	CHECK(addr != NULL);
	(void)snprintf(text, sizeof(text), "%s", address_text(&addr->addr));
	return text;
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

static bool thread_is_gone(void *arg)
{
	(void)arg;
	return wakeups_of_sources() < 0;
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

/* The record of a source. */
static const struct vs_wire_learned *find_source(const struct learned *l, uint32_t source)
{
	for (uint32_t i = 0; i < l->head.n; i++)
		if (l->records[i].kind == VS_LEARNED_SOURCE && l->records[i].source == source)
			return &l->records[i];
	FAIL("there is no source %u", source);
	return NULL;
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

/* ------------------------------------------------------------------ lease files */

static int new_directory(const char *name)
{
	const char *path = case_path(name);

	MUST(mkdir(path, 0700));
	return (int)MUST(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static const char *awaited; /* a file of the case */

static bool file_contains(void *text)
{
	struct stat st;

	return stat(case_path(awaited), &st) == 0 && S_ISREG(st.st_mode) &&
	       strstr(text_of(case_path(awaited)), text) != NULL;
}

/* A lease is stored after it is used. */
static void wait_for_file(const char *name, const char *text)
{
	awaited = name;
	if (!wait_until(file_contains, (void *)text, SOON_MS))
		FAIL("%s lacks \"%s\"", name, text);
}

CASE_BOTH(a_stack_of_the_same_name_gets_its_address_back)
{
	char addr[INET6_ADDRSTRLEN];

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	(void)snprintf(addr, sizeof(addr), "%s", get_lease("one", dir));
	wait_for_file("kept/one-vde0.dhcp4", addr);
	CHECK_EQ(strncmp(text_of(case_path("kept/duid")), "vdestack duid 1\nduid 0004", 25), 0);
	MUST(vdestack_delete(client));
	int log = (int)MUST(open(case_path("server.log"), O_RDONLY | O_CLOEXEC));
	off_t before = MUST(lseek(log, 0, SEEK_END));
	client = new_stack("vnl=inproc://lan eth mac=02:00:00:00:00:77");
	CHECK_STR(get_lease("one", dir), addr);
	char text[8192] = "";
	(void)MUST(pread(log, text, sizeof(text) - 1, before));
	CHECK_CONTAINS(text, "DHCPREQUEST(vde0)"); /* at once: INIT-REBOOT */
	CHECK(strstr(text, "DHCPDISCOVER") == NULL);
	CHECK(strstr(text, "DHCPRELEASE") == NULL);
	close(log);
	close(dir);
}

static struct vs_wire_learned first_source(struct vdestack *stack)
{
	static struct learned l;

	read_learned(stack, &l);
	return *find_source(&l, VDESTACK_SOURCE_DHCP4 - 1);
}

/*
 * What make() puts there is reported. There is a lease nevertheless. It is stored, or that cannot be done
 * with that error.
 */
static void check_not_used(void (*make)(const char *path), int error)
{
	struct learned l;
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	(void)snprintf(want.name, sizeof(want.name), "one");
	want.has_leases = 1;
	make(case_path("kept/one-vde0.dhcp4"));
	int events = (int)MUST(vdestack_events(client));
	start_sources(client, &want, dir);
	struct vdestack_event e = wait_for_event(events, VDESTACK_EVENT_SOURCE_STORAGE);
	CHECK_EQ(e.source, VDESTACK_SOURCE_DHCP4);
	CHECK_EQ(e.error, EBADMSG);
	wait_for_sources(client);
	read_learned(client, &l);
	CHECK(find_learned(&l, VS_LEARNED_ADDRESS) != NULL);
	CHECK(strcmp(address_text(&find_learned(&l, VS_LEARNED_ADDRESS)->addr), "10.7.0.99") != 0);
	if (error == 0) {
		wait_for_file("kept/one-vde0.dhcp4", "vdestack lease 1");
	} else {
		CHECK_EQ(wait_for_event(events, VDESTACK_EVENT_SOURCE_STORAGE).error, error);
		CHECK_CONTAINS(first_source(client).text, strerror(error));
	}
	close(events);
	close(dir);
}

static void write_to(const char *path, const char *text, size_t n)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));

	CHECK_EQ(MUST(write(fd, text, n)), (long)n);
	close(fd);
}

#define LEASE_TEXT 512

/* A lease that would be used. */
static size_t good_lease(char text[LEASE_TEXT])
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	int n = snprintf(text, LEASE_TEXT,
			 "vdestack lease 1\nsource dhcp4\nobtained %lld000\n"
			 "address 10.7.0.99/24 4294967295 4294967295\nserver 0a070001\n",
			 (long long)time(NULL));

	for (int i = 0; i < n; i++)
		sum = (sum ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	n += snprintf(text + n, LEASE_TEXT - (size_t)n, "sum %016llx\n", (unsigned long long)sum);
	return (size_t)n;
}

static void make_good(const char *path)
{
	char text[LEASE_TEXT];

	write_to(path, text, good_lease(text));
}

/* That the other cases would notice a file that is used. */
CASE_BOTH(a_lease_file_that_is_in_order_is_used)
{
	new_network();
	close(start_dnsmasq(server, (const char *const[]){ "--dhcp-range=10.7.0.50,10.7.0.100,3600", NULL }));
	int dir = new_directory("kept");
	make_good(case_path("kept/one-vde0.dhcp4"));
	CHECK_STR(get_lease("one", dir), "10.7.0.99");
	close(dir);
}

static void make_damaged(const char *path)
{
	char text[LEASE_TEXT];
	size_t n = good_lease(text);

	text[n - 3] ^= 1; /* in the checksum */
	write_to(path, text, n);
}

static void make_truncated(const char *path)
{
	char text[LEASE_TEXT];

	write_to(path, text, good_lease(text) / 2);
}

static void make_huge(const char *path)
{
	make_good(path);
	MUST(truncate(path, (off_t)1 << 40));
}

static void make_empty(const char *path)
{
	write_to(path, "", 0);
}

static void make_link(const char *path)
{
	make_good(case_path("elsewhere"));
	MUST(symlink(case_path("elsewhere"), path));
}

static void make_directory(const char *path)
{
	MUST(mkdir(path, 0700));
}

static void make_fifo(const char *path)
{
	MUST(mkfifo(path, 0600));
}

static void make_foreign(const char *path)
{
	make_good(path);
	MUST(chown(path, 12345, 12345));
}

CASE_BOTH(a_damaged_lease_file_is_reported_and_not_used)
{
	check_not_used(make_damaged, 0);
}

CASE_BOTH(a_truncated_lease_file_is_reported_and_not_used)
{
	check_not_used(make_truncated, 0);
}

CASE_BOTH(a_lease_file_that_is_too_long_is_reported_and_not_used)
{
	check_not_used(make_huge, 0);
}

CASE_BOTH(an_empty_lease_file_is_reported_and_not_used)
{
	check_not_used(make_empty, 0);
}

CASE_BOTH(a_lease_file_that_is_a_symbolic_link_is_not_followed)
{
	check_not_used(make_link, 0);
	CHECK_CONTAINS(text_of(case_path("elsewhere")), "10.7.0.99"); /* nor written to */
}

CASE_BOTH(a_directory_in_the_place_of_a_lease_file_is_reported)
{
	check_not_used(make_directory, EISDIR);
}

CASE_BOTH(a_pipe_in_the_place_of_a_lease_file_is_reported)
{
	check_not_used(make_fifo, 0);
}

CASE_FLAGS(a_lease_file_of_another_user_is_reported_and_not_used, CASE_F_ROOT | CASE_F_INPROCESS)
{
	check_not_used(make_foreign, 0);
}

/* The keeper's worker has no capability, so this holds for root as well. */
CASE(a_directory_that_cannot_be_written_is_reported_with_the_cause)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	MUST(fchmod(dir, 0500));
	(void)snprintf(want.name, sizeof(want.name), "one");
	want.has_leases = 1;
	int events = (int)MUST(vdestack_events(client));
	start_sources(client, &want, dir);
	CHECK_EQ(wait_for_event(events, VDESTACK_EVENT_SOURCE_STORAGE).error, EACCES);
	wait_for_sources(client);
	CHECK_STR(first_source(client).text, "the lease files cannot be written: Permission denied");
	close(events);
	close(dir);
}

/* The two stacks have one worker: the lease of the first one is written before the second one is ready. */
CASE_BOTH(a_lease_that_is_written_does_not_hide_a_damaged_duid)
{
	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	(void)new_file("kept/duid", "damaged\n");
	(void)get_lease("one", dir);
	struct vdestack *first = client;
	wait_for_file("kept/one-vde0.dhcp4", "vdestack lease 1");
	client = new_stack("vnl=inproc://lan eth");
	(void)get_lease("two", dir);
	CHECK_CONTAINS(first_source(first).text, "the file of the DUID is damaged");
	close(dir);
}

/* ------------------------------------------------------------------ slow directories */

/* Who opens a file of the directory waits until the descriptor that this returns is closed. */
static int stop_directory(const char *path)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);

	if (fd < 0 && (errno == EPERM || errno == ENOSYS))
		SKIP("fanotify: %s", strerrorname_np(errno));
	MUST(fd);
	MUST(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_EVENT_ON_CHILD | FAN_ONDIR, AT_FDCWD, path));
	return fd;
}

CASE_FLAGS(a_directory_that_does_not_answer_delays_no_other_stack, CASE_F_ROOT | CASE_F_INPROCESS)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	int stop = stop_directory(case_path("kept"));
	struct vdestack *slow = client;
	(void)snprintf(want.name, sizeof(want.name), "one");
	want.has_leases = 1;
	start_sources(slow, &want, dir);
	client = new_stack("vnl=inproc://lan eth");
	(void)get_lease("", -1);
	struct vs_wire_learned source = first_source(slow);
	CHECK(!source.ready);
	CHECK_CONTAINS(source.text, "has not answered");
	MUST(vdestack_delete(client));
	wait_for_log("DHCPRELEASE(vde0)");
	close(stop);
	wait_for_sources(slow);
	wait_for_file("kept/one-vde0.dhcp4", "vdestack lease 1");
	close(dir);
}

CASE_FLAGS(the_end_does_not_wait_long_for_a_directory_that_does_not_answer, CASE_F_ROOT)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	(void)snprintf(want.name, sizeof(want.name), "one");
	want.has_leases = 1;
	start_sources(client, &want, dir);
	wait_for_sources(client);
	wait_for_file("kept/one-vde0.dhcp4", "vdestack lease 1");
	int stop = stop_directory(case_path("kept"));
	/* the file of the lease that is got after this is opened, and that waits */
	want.stop = VS_SOURCES_DHCP4;
	start_sources(client, &want, dir);
	MUST(vdestack_delete(client));
	if (!wait_until(thread_is_gone, NULL, SOON_MS))
		FAIL("the thread of the sources goes on without a stack");
	close(stop);
	close(dir);
}

CASE_BOTH(two_stacks_of_one_name_do_not_use_one_lease_file)
{
	struct learned l;
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	(void)get_lease("one", dir);
	struct vdestack *other = new_stack("vnl=inproc://lan eth");
	(void)snprintf(want.name, sizeof(want.name), "one");
	want.has_leases = 1;
	int events = (int)MUST(vdestack_events(other));
	start_sources(other, &want, dir);
	CHECK_EQ(wait_for_event(events, VDESTACK_EVENT_SOURCE_STORAGE).error, EBUSY);
	wait_for_sources(other);
	read_learned(other, &l);
	CHECK_STR(find_learned(&l, VS_LEARNED_SOURCE)->text, "the lease files are in use by another stack");
	close(events);
	close(dir);
}

/* The lock is released as soon as the file is opened. */
CASE_BOTH(a_lock_that_is_released_soon_is_waited_for)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);

	new_network();
	close(start_dnsmasq(server, four));
	int dir = new_directory("kept");
	int lock = (int)MUST(open(new_file("kept/one-vde0.lock", ""), O_RDWR | O_CLOEXEC));
	MUST(flock(lock, LOCK_EX | LOCK_NB));
	int opened = (int)MUST(inotify_init1(IN_CLOEXEC));
	MUST(inotify_add_watch(opened, case_path("kept/one-vde0.lock"), IN_OPEN));
	(void)snprintf(want.name, sizeof(want.name), "one");
	want.has_leases = 1;
	start_sources(client, &want, dir);
	CHECK(wait_readable(opened, SOON_MS));
	MUST(flock(lock, LOCK_UN));
	wait_for_sources(client);
	CHECK_STR(first_source(client).text, "");
	wait_for_file("kept/one-vde0.dhcp4", "vdestack lease 1");
	close(opened);
	close(lock);
	close(dir);
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

/* ------------------------------------------------------------------ who may, and with what */

CASE_BOTH(only_who_has_the_key_changes_sources)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);
	struct raw_request r = { .req = { .op = VS_OP_SOURCES }, .text = &want, .text_len = sizeof(want),
				 .no_key = true };
	struct vdestack_source state[4];

	new_network();
	CHECK_EQ(raw_call(door_of(client), &r, NULL), -EPERM);
	CHECK_EQ(MUST(vdestack_sources(client, NULL, state, 4)), 0);
	start_sources(client, &want, -1);
	MUST(vdestack_seal());
	r.n_fds = 0;
	CHECK_EQ(raw_call(seen.door, &r, NULL), -EPERM);
	/* to read is no change */
	CHECK_EQ(MUST(vdestack_sources(client, NULL, state, 4)), 1);
}

static void check_refused(const struct vs_wire_sources *want, int dir, int expected)
{
	char answer[VS_TEXT_MAX + 1];
	int r = change_sources(client, want, dir, answer);

	if (r != expected)
		FAIL("%d instead of %d: %s", r, expected, answer);
	CHECK(answer[0] != '\0');
}

CASE_BOTH(malformed_requests_are_refused)
{
	const struct vs_wire_sources good = sources_of("vde0", VS_SOURCES_DHCP4);
	struct vs_wire_sources bad;
	struct raw_request r = { .req = { .op = VS_OP_SOURCES }, .text = &good, .claim = &seen.claim };
	struct learned l;

	new_network();
#define REFUSED(change)                                                                                      \
	do {                                                                                                 \
		bad = good;                                                                                  \
		change;                                                                                      \
		check_refused(&bad, -1, -EINVAL);                                                            \
	} while (0)
	REFUSED(memset(bad.ifname, 'x', sizeof(bad.ifname)));
	REFUSED(bad.ifname[0] = '\0');
	REFUSED(memset(bad.name, 'x', sizeof(bad.name)));
	REFUSED(strcpy(bad.name, "../x"));
	REFUSED(strcpy(bad.name, "a/b"));
	REFUSED(strcpy(bad.ifname, "../all")); /* the kernel has second names of interfaces with a '/' */
	REFUSED(strcpy(bad.ifname, "all"));
	REFUSED(bad.start = 0x10);
	REFUSED(bad.stop = ~0u);
	REFUSED(bad.required = 0x80000000);
	REFUSED(bad.one_of = 0x100);
	REFUSED(bad.flags = ~0u);
	REFUSED(bad.pd_len = 129);
	REFUSED(bad.n_dns = 9);
	REFUSED(bad.n_dns = ~0u);
	REFUSED(bad.n_dns = 1);     /* of no family */
	REFUSED(bad.n_del_dns = 9);
	REFUSED(memset(bad.domains, 'x', sizeof(bad.domains)));
	REFUSED(strcpy(bad.domains, "a\nnameserver 6.6.6.6"));
	REFUSED(memset(bad.del_domains, 'x', sizeof(bad.del_domains)));
	REFUSED(memset(bad.fqdn, 'x', sizeof(bad.fqdn)));
	REFUSED(strcpy(bad.fqdn, "a b"));
	bad = good;
	strcpy(bad.ifname, "vde7");
	check_refused(&bad, -1, -ENODEV);
	strcpy(bad.ifname, "lo");
	check_refused(&bad, -1, -EINVAL);
	bad = good;
	bad.has_leases = 1;
	check_refused(&bad, -1, -ENOTDIR);
	int file = (int)MUST(open("/dev/null", O_RDONLY | O_CLOEXEC));
	check_refused(&bad, file, -ENOTDIR);
	close(file);
	for (size_t n = 0; n < sizeof(good); n += 97) {
		r.text_len = n;
		r.n_fds = 0;
		CHECK_EQ(raw_call(door_of(client), &r, NULL), -EINVAL);
	}
	read_learned(client, &l);
	CHECK_EQ(l.head.n, 0);
}

CASE_BOTH(a_few_calls_may_wait_and_no_more)
{
	struct vs_wire_sources want = sources_of("vde0", VS_SOURCES_DHCP4);
	int channels[17];

	new_network();
	start_sources(client, &want, -1); /* there is no server */
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 16; i++)
			channels[i] = begin_wait(client);
		channels[16] = begin_wait(client);
		CHECK_EQ(raw_reply(channels[16], NULL), -EBUSY);
		/* Who has gone does not wait. The keeper has seen it when it serves the next request. */
		for (int i = 0; i < 17; i++)
			close(channels[i]);
		struct learned l;
		read_learned(client, &l);
		read_learned(client, &l);
	}
	int channel = begin_wait(client);
	MUST(vdestack_delete(client));
	int r = raw_reply(channel, NULL);
	CHECK(r == -ENETDOWN || r == -EPIPE);
	close(channel);
}

/* ------------------------------------------------------------------ hostile servers */

static void fill(uint8_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)random();
}

/* A reply to the client's MAC with random content, without a checksum. Most have the magic number. */
static size_t random_bootp(uint8_t *p)
{
	size_t n = 20 + 8 + 240 + (size_t)random() % 300;
	static const uint8_t head[] = { 0x45, 0,  0,   0,   0,   0,   0, 0,  64, 17, 0, 0, 10, 7, 0, 1,
					255,  255, 255, 255, 0, 67, 0, 68, 0,  0,  0, 0, 2,  1, 6, 0 };
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 0x77 }, magic[] = { 99, 130, 83, 99, 53, 1 };

	fill(p, n);
	memcpy(p, head, sizeof(head));
	memcpy(p + 56, mac, sizeof(mac));
	if (random() % 4 != 0)
		memcpy(p + 264, magic, sizeof(magic));
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
	p[24] = (uint8_t)((n - 20) >> 8);
	p[25] = (uint8_t)(n - 20);
	uint32_t sum = 0;
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	p[10] = (uint8_t)(~sum >> 8);
	p[11] = (uint8_t)~sum;
	return n;
}

static void send_hostile(int rounds)
{
	uint8_t p[1400];
	int link = (int)MUST(vdestack_msocket(server, AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	int raw = (int)MUST(vdestack_msocket(server, AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
	int udp = (int)MUST(vdestack_msocket(server, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	int index = (int)MUST(vdestack_if_nametoindex(server, "vde0")), hops = 255;
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
				   .sll_ifindex = index, .sll_halen = 6,
				   .sll_addr = { 255, 255, 255, 255, 255, 255 } };
	struct sockaddr_in6 nodes = { .sin6_family = AF_INET6, .sin6_scope_id = (uint32_t)index,
				      .sin6_addr = { { { 0xff, 2, [15] = 1 } } } };

	MUST(setsockopt(raw, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)));
	for (int i = 0; i < rounds; i++) {
		size_t n = random_bootp(p);
		(void)sendto(link, p, n, 0, (struct sockaddr *)&all, sizeof(all));
		fill(p, sizeof(p));
		p[0] = 134; /* a router advertisement */
		p[1] = 0;
		nodes.sin6_port = 0;
		n = 16 + (size_t)random() % 1000;
		(void)sendto(raw, p, n, 0, (struct sockaddr *)&nodes, sizeof(nodes));
		p[0] = (uint8_t)(random() % 16);
		nodes.sin6_port = htons(546);
		(void)sendto(udp, p, (size_t)random() % 1000, 0, (struct sockaddr *)&nodes, sizeof(nodes));
	}
	close(link);
	close(raw);
	close(udp);
}

CASE_BOTH(hostile_replies_are_ignored_and_counted)
{
	struct vs_wire_sources want =
		sources_of("vde0", VS_SOURCES_DHCP4 | VS_SOURCES_DHCP6 | VS_SOURCES_SLAAC);
	struct vdestack_source state[4];
	unsigned seed = (unsigned)getpid();

	(void)printf("seed %u\n", seed);
	srandom(seed);
	server = new_stack("vnl=inproc://lan ip=10.7.0.1/24 ip=fd00:7::1/64");
	client = new_stack("vnl=inproc://lan eth mac=02:00:00:00:00:77");
	start_sources(client, &want, -1);
	send_hostile(1000);
	int n = (int)MUST(vdestack_sources(client, "vde0", state, 4));
	CHECK_EQ(n, 3);
	unsigned ignored = 0;
	for (int i = 0; i < n; i++)
		for (int j = 0; state[i].source == VDESTACK_SOURCE_DHCP4 && j < 8; j++)
			ignored += state[i].ignored[j];
	CHECK(ignored > 0);
	close(start_dnsmasq(server, four));
	want = sources_of("vde0", VS_SOURCES_DHCP4);
	want.stop = VS_SOURCES_DHCP4 | VS_SOURCES_RA | VS_SOURCES_DHCP6;
	start_sources(client, &want, -1);
	send_hostile(100);
	wait_for_sources(client);
}
