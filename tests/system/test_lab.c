/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Labs: networks, routers and servers from a text; what is left behind; what a failure leaves on purpose. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include <vdestack/lab.h>

#define PATIENCE_MS 10000

#define LAB_MUST(call)                                                                                       \
	do {                                                                                                 \
		if ((call) < 0)                                                                              \
			FAIL("%s: %s", #call, vdestack_lab_last_error());                                    \
	} while (0)

static struct vdestack_lab *make(const char *text, const char *artefacts)
{
	struct vdestack_lab_opts opts = { .size = sizeof(opts), .artefacts = artefacts };
	struct vdestack_lab *lab;

	(void)setenv("TMPDIR", case_tmp(), 1);
	lab = vdestack_lab_new(text, &opts);
	if (lab == NULL)
		FAIL("%s", vdestack_lab_last_error());
	return lab;
}

static struct vdestack_lab *start(const char *text)
{
	struct vdestack_lab *lab = make(text, NULL);

	LAB_MUST(vdestack_lab_start(lab));
	return lab;
}

/* ------------------------------------------------------------------ traffic */

static socklen_t address(struct vdestack_lab *lab, const char *where, int family, int port,
			 struct sockaddr_storage *addr)
{
	char text[INET6_ADDRSTRLEN];

	LAB_MUST(vdestack_lab_addr(lab, where, family, text, sizeof(text)));
	memset(addr, 0, sizeof(*addr));
	addr->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)addr;
		in->sin_port = htons((uint16_t)port);
		CHECK_EQ(inet_pton(family, text, &in->sin_addr), 1);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	in6->sin6_port = htons((uint16_t)port);
	CHECK_EQ(inet_pton(family, text, &in6->sin6_addr), 1);
	return sizeof(*in6);
}

static int listen_in(struct vdestack_lab *lab, const char *where, int family, int port)
{
	char host[64];
	struct sockaddr_storage addr;
	socklen_t len = address(lab, where, family, port, &addr);

	(void)snprintf(host, sizeof(host), "%s", where);
	host[strcspn(host, ":")] = '\0';
	int fd = MUST(vdestack_msocket(vdestack_lab_host(lab, host), family, SOCK_STREAM | SOCK_CLOEXEC, 0));

	MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)));
	MUST(bind(fd, (const struct sockaddr *)&addr, len));
	MUST(listen(fd, 4));
	return fd;
}

/* Why a connection has not come about, as far as the kernel knows. */
static void print_error_of(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len));
	printf("connect: %s\n", error != 0 ? strerrorname_np(error) : "no answer");
}

/* Whether a connection from one host to an address comes about; *peer is where it comes from. */
static bool connects(struct vdestack_lab *lab, const char *from, int listener, struct sockaddr_storage *to,
		     socklen_t len, int wait_ms, struct sockaddr_storage *peer)
{
	int fd = MUST(vdestack_msocket(vdestack_lab_host(lab, from), to->ss_family,
				       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	socklen_t size = sizeof(*peer);

	(void)connect(fd, (const struct sockaddr *)to, len);
	bool came = wait_readable(listener, wait_ms);
	if (!came)
		print_error_of(fd);
	if (came)
		(void)close(MUST(accept4(listener, (struct sockaddr *)peer, &size, SOCK_CLOEXEC)));
	(void)close(fd);
	return came;
}

static void check_reach(struct vdestack_lab *lab, const char *from, const char *to, int family)
{
	struct sockaddr_storage addr, peer, expected;
	socklen_t len = address(lab, to, family, 4000, &addr);
	int listener = listen_in(lab, to, family, 4000);

	if (!connects(lab, from, listener, &addr, len, PATIENCE_MS, &peer))
		FAIL("%s does not reach %s, family %d", from, to, family);
	(void)address(lab, from, family, 0, &expected);
	if (family == AF_INET)
		CHECK_EQ(((struct sockaddr_in *)&peer)->sin_addr.s_addr,
			 ((struct sockaddr_in *)&expected)->sin_addr.s_addr);
	(void)close(listener);
}

static void check_both(struct vdestack_lab *lab, const char *a, const char *b)
{
	for (int f = 0; f < 2; f++) {
		check_reach(lab, a, b, f == 0 ? AF_INET : AF_INET6);
		check_reach(lab, b, a, f == 0 ? AF_INET : AF_INET6);
	}
}

static int run(struct vdestack_lab *lab, const char *host, const char *script)
{
	char *argv[] = { "sh", "-c", (char *)script, NULL };
	int status = vdestack_lab_run(lab, host, argv, NULL);

	LAB_MUST(status);
	return status;
}

#define LAN "network lan 10.0.0.0/24 fd00::/64\n"

CASE(two_hosts_reach_each_other_at_once)
{
	struct vdestack_lab *lab = start(LAN "host a on lan\nhost b on lan\n");

	check_both(lab, "a", "b");
	vdestack_lab_delete(lab);
}

CASE(a_router_passes_both_families)
{
	struct vdestack_lab *lab = start(LAN "network wan 10.1.0.0/24 fd01::/64\nrouter r on lan on wan\n"
					     "host a on lan\nhost b on wan\n");

	check_both(lab, "a", "b");
	check_reach(lab, "b", "r:wan", AF_INET);
	vdestack_lab_delete(lab);
}

/* Without a link-local address that is past the detection a router asks for none of its IPv6 neighbours. */
CASE(a_router_has_link_local_addresses_that_can_be_used_at_once)
{
	struct vdestack_lab *lab = start(LAN "network wan 10.1.0.0/24 fd01::/64\nrouter r on lan on wan\n");

	CHECK_EQ(run(lab, "r", "ip -6 addr show dev lan scope link -tentative | grep -q 'fe80:.* nodad'"), 0);
	CHECK_EQ(run(lab, "r", "ip -6 addr show dev wan scope link -tentative | grep -q 'fe80:.* nodad'"), 0);
	vdestack_lab_delete(lab);
}

CASE_FLAGS(a_chain_of_three_routers_passes_both_families, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	struct vdestack_lab *lab =
		start("network n1 10.0.1.0/24 fd00:1::/64\nnetwork n2 10.0.2.0/30 fd00:2::/126\n"
		      "network n3 10.0.3.0/30 fd00:3::/126\nnetwork n4 10.0.4.0/24 fd00:4::/64\n"
		      "host a on n1\nrouter r1 on n1 on n2\nrouter r2 on n2 on n3\n"
		      "router r3 on n3 on n4\nhost b on n4\n");

	check_both(lab, "a", "b");
	vdestack_lab_delete(lab);
}

CASE(nat_hides_the_hosts_behind_it)
{
	struct vdestack_lab *lab = start("network lan 10.0.0.0/24\nnetwork wan 192.0.2.0/24\n"
					 "router r on lan on wan nat wan\nhost a on lan\nhost out on wan\n");
	struct sockaddr_storage addr, peer, router;
	socklen_t len = address(lab, "out", AF_INET, 4000, &addr);
	int listener = listen_in(lab, "out", AF_INET, 4000);
	char text[8];

	CHECK(connects(lab, "a", listener, &addr, len, PATIENCE_MS, &peer));
	(void)address(lab, "r:wan", AF_INET, 0, &router);
	CHECK_EQ(((struct sockaddr_in *)&peer)->sin_addr.s_addr,
		 ((struct sockaddr_in *)&router)->sin_addr.s_addr);
	CHECK_ERRNO(vdestack_lab_addr(lab, "out", AF_INET6, text, sizeof(text)), EADDRNOTAVAIL);
	CHECK_ERRNO(vdestack_lab_addr(lab, "out", AF_INET, text, sizeof(text)), ERANGE);
	CHECK_ERRNO(vdestack_lab_addr(lab, "out:lan", AF_INET, text, sizeof(text)), ENOENT);
	vdestack_lab_delete(lab);
}

CASE(commands_know_the_names_of_all_hosts)
{
	struct vdestack_lab *lab = start(LAN "host a on lan\nhost b-1 on lan 10.0.0.77\n");

	CHECK_EQ(run(lab, "a",
		     "[ \"$VDESTACK_LAB_ADDR_B_1\" = 10.0.0.77 ] && [ \"$VDESTACK_LAB_HOST\" = a ] &&"
		     "grep -q '^10.0.0.77.b-1$' \"$VDESTACK_LAB_HOSTS\""),
		 0);
	CHECK_EQ(run(lab, "a", "getent ahostsv4 b-1 | grep -q '^10.0.0.77 '"), 0);
	/* the capability that the mount needs is gone, for good */
	CHECK_EQ(run(lab, "a",
		     "grep -q '^CapBnd:.0000000000003c00$' /proc/self/status &&"
		     "grep -q '^CapPrm:.0000000000003c00$' /proc/self/status"),
		 0);
	CHECK_EQ(WEXITSTATUS(run(lab, "a", "exit 7")), 7);
	char *missing[] = { "no-such-program", NULL };
	CHECK_ERRNO(vdestack_lab_run(lab, "a", missing, NULL), ENOENT);
	CHECK_CONTAINS(vdestack_lab_last_error(), "no-such-program");
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .timeout_ms = 50 };
	char *nap[] = { "sleep", "60", NULL };
	CHECK_ERRNO(vdestack_lab_run(lab, "a", nap, &opts), ETIMEDOUT);
	vdestack_lab_delete(lab);
}

CASE(a_mistake_in_the_text_is_named_and_nothing_is_made)
{
	int before = count_fds();

	CHECK_ERRNO(vdestack_lab_new(LAN "host a on lna\n", NULL), EINVAL);
	CHECK_CONTAINS(vdestack_lab_last_error(), "2:11: ");
	CHECK_EQ(count_fds(), before);
	struct vdestack_lab_opts opts = { .size = sizeof(opts), .timeout_ms = -2 };
	CHECK_ERRNO(vdestack_lab_new("", &opts), EINVAL);
	opts = (struct vdestack_lab_opts){ .size = sizeof(opts), .flags = 0x80 };
	CHECK_ERRNO(vdestack_lab_new("", &opts), EINVAL);
	opts.size = 0;
	CHECK_ERRNO(vdestack_lab_new("", &opts), EINVAL);
}

CASE(a_lab_is_built_by_calls_in_any_order)
{
	struct vdestack_lab *lab = make(NULL, NULL);

	LAB_MUST(vdestack_lab_add_router(lab, "r", "on lan on wan"));
	LAB_MUST(vdestack_lab_add_host(lab, "a", "on lan"));
	LAB_MUST(vdestack_lab_add_network(lab, "lan", "10.0.0.0/24 fd00::/64"));
	CHECK_ERRNO(vdestack_lab_add_host(lab, "b", "on l/n"), EINVAL);
	CHECK_ERRNO(vdestack_lab_add_host(lab, "b\nhost c", NULL), EINVAL);
	CHECK_ERRNO(vdestack_lab_add(lab, "host"), EINVAL);
	LAB_MUST(vdestack_lab_add(lab, "network wan 10.1.0.0/24 fd01::/64\nhost b on wan"));
	CHECK_ERRNO(vdestack_lab_host(lab, "a"), ENOTCONN);
	LAB_MUST(vdestack_lab_start(lab));
	CHECK_ERRNO(vdestack_lab_add_host(lab, "c", "on lan"), EBUSY);
	CHECK_ERRNO(vdestack_lab_start(lab), EBUSY);
	CHECK_ERRNO(vdestack_lab_host(lab, "c"), ENOENT);
	check_both(lab, "a", "b");
	vdestack_lab_delete(lab);
	lab = make(NULL, NULL);
	LAB_MUST(vdestack_lab_add_host(lab, "a", "on nowhere"));
	CHECK_ERRNO(vdestack_lab_start(lab), EINVAL);
	CHECK_CONTAINS(vdestack_lab_last_error(), "1:11: there is no network");
	vdestack_lab_delete(lab);
}

/* ------------------------------------------------------------------ servers */

CASE(servers_are_ready_in_the_order_of_the_text)
{
	char text[1024];

	(void)snprintf(
		text, sizeof(text),
		LAN "server w on lan run \"sh -c 'echo begin; sleep 0.1; echo it is ready; exec sleep 60'\" "
		    "ready output 'is ready'\n"
		    "server f on lan run \"sh -c 'sleep 0.1; : >%s; exec sleep 60'\" ready file %s\n"
		    "server t on lan run \"nc -l -k 7000\" ready tcp 7000\n",
		case_path("flag"), case_path("flag"));
	struct vdestack_lab *lab = start(text);

	CHECK_EQ(access(case_path("flag"), F_OK), 0);
	struct sockaddr_storage addr;
	socklen_t len = address(lab, "t", AF_INET, 7000, &addr);
	int fd = MUST(vdestack_msocket(vdestack_lab_host(lab, "w"), AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(connect(fd, (const struct sockaddr *)&addr, len));
	(void)close(fd);
	vdestack_lab_delete(lab);
}

CASE(a_server_that_was_killed_starts_again)
{
	struct vdestack_lab *lab =
		start(LAN "host a on lan\nserver t on lan run \"nc -l -k 7000\" ready tcp 7000\n");
	struct pollfd p = { .fd = vdestack_lab_server(lab, "t"), .events = POLLIN };

	CHECK(p.fd >= 0);
	CHECK_ERRNO(vdestack_lab_server(lab, "a"), ENOENT);
	MUST(pidfd_send_signal(p.fd, SIGKILL, NULL, 0));
	CHECK_EQ(poll(&p, 1, PATIENCE_MS), 1);
	LAB_MUST(vdestack_lab_server_start(lab, "t"));
	LAB_MUST(vdestack_lab_server_start(lab, "t")); /* one that runs is replaced */
	CHECK_EQ(run(lab, "a", "nc -z -w 5 t 7000 || nc -z -w 5 $VDESTACK_LAB_ADDR_T 7000"), 0);
	vdestack_lab_delete(lab);
}

/* ------------------------------------------------------------------ failures */

/* How many entries a directory has; *one is the path of one that begins so. */
static int count_entries(const char *path, const char *begin, char *one, size_t size)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int n = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, begin, strlen(begin)) == 0) {
			n++;
			if (one != NULL)
				(void)snprintf(one, size, "%s/%s", path, entry->d_name);
		}
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

static void check_file(const char *directory, const char *name, const char *part)
{
	char path[4096], text[16384];
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	in = fopen(path, "re");
	if (in == NULL)
		FAIL("there is no %s", path);
	size_t n = fread(text, 1, sizeof(text) - 1, in);
	text[n] = '\0';
	(void)fclose(in);
	CHECK_CONTAINS(text, part);
}

static void check_artefacts(const struct vdestack_lab *lab, const char *why)
{
	const char *directory = vdestack_lab_artefacts(lab);

	CHECK(directory[0] != '\0');
	check_file(directory, "why.txt", why);
	check_file(directory, "why.txt", "VDESTACK_LAB_SEED=");
	check_file(directory, "lab.txt", "server t on lan run");
	check_file(directory, "lab.svg", "</svg>");
	check_file(directory, "lab.dot", "graph lab {");
	check_file(directory, "lab.addresses.txt", "10.0.0.1");
	check_file(directory, "a.txt", "10.0.0.1/24");
	check_file(directory, "a.txt", "routes");
	check_file(directory, "a.events", "now ");
	check_file(directory, "t.out", "cannot open the database");
}

CASE(a_server_that_fails_leaves_artefacts_and_nothing_else)
{
	char artefacts[4096];

	(void)snprintf(artefacts, sizeof(artefacts), "%s/a/b", case_tmp());
	struct vdestack_lab *warm = start(""); /* the keeper that stays */
	vdestack_lab_delete(warm);
	int before = count_fds();
	struct vdestack_lab *lab =
		make(LAN "host a on lan\nserver t on lan run \"sh -c 'echo cannot open the database; "
			 "exit 3'\" ready tcp 1\nserver never on lan run \"sleep 60\"\n",
		     artefacts);

	CHECK_ERRNO(vdestack_lab_start(lab), ECHILD);
	CHECK_CONTAINS(vdestack_lab_last_error(), "server t has ended with status 3");
	CHECK_CONTAINS(vdestack_lab_last_error(), "cannot open the database");
	check_artefacts(lab, "server t has ended with status 3");
	CHECK_EQ(count_fds(), before);
	CHECK_ERRNO(vdestack_lab_host(lab, "a"), ENOTCONN);
	vdestack_lab_delete(lab);
	CHECK_EQ(count_entries(case_tmp(), "vdestack-lab-", NULL, 0), 0);
	CHECK_EQ(count_entries(artefacts, "lab-", NULL, 0), 1);
}

CASE(each_failure_of_a_lab_has_a_directory_of_its_own)
{
	struct vdestack_lab *lab =
		make(LAN "host a on lan\nserver t on lan run \"sh -c 'echo cannot open the database; "
			 "exec sleep 60'\" ready output base\n",
		     case_path("art"));
	char first[4096];

	LAB_MUST(vdestack_lab_start(lab));
	CHECK_STR(vdestack_lab_artefacts(lab), "");
	LAB_MUST(vdestack_lab_cut(lab, "a:lan"));
	CHECK_EQ(vdestack_lab_fail(lab, "the first"), 1);
	check_artefacts(lab, "the first");
	check_file(vdestack_lab_artefacts(lab), "a.events", "carrier cut lan");
	check_file(vdestack_lab_artefacts(lab), "a.txt", "no carrier");
	(void)snprintf(first, sizeof(first), "%s", vdestack_lab_artefacts(lab));
	CHECK_EQ(vdestack_lab_fail(lab, NULL), 1);
	CHECK(strcmp(first, vdestack_lab_artefacts(lab)) != 0);
	vdestack_lab_delete(lab);
	lab = make(LAN, NULL);
	CHECK_EQ(vdestack_lab_fail(lab, "nowhere"), 0);
	vdestack_lab_delete(lab);
	lab = make(LAN, "/dev/null/x");
	CHECK_ERRNO(vdestack_lab_fail(lab, "no directory"), ENOTDIR);
	vdestack_lab_delete(lab);
}

CASE(a_server_that_is_never_ready_ends_the_start_in_time)
{
	struct vdestack_lab *lab =
		make(LAN "server t on lan run \"sleep 60\" ready tcp 7000 within 100ms\n", NULL);
	long long began = now_us();

	CHECK_ERRNO(vdestack_lab_start(lab), ETIMEDOUT);
	CHECK(now_us() - began >= 100000);
	CHECK_CONTAINS(vdestack_lab_last_error(), "server t is not ready in time: no TCP port accepts");
	vdestack_lab_delete(lab);
}

CASE(the_limit_of_the_whole_holds_for_a_network_that_never_answers)
{
	/* Enough for host a on a busy machine. */
	struct vdestack_lab_opts opts = { .size = sizeof(opts), .timeout_ms = 3000 };
	struct vdestack_lab *lab = vdestack_lab_new(LAN "network far 'vde:///nowhere/at all'\nhost a on lan\n"
							"host b on far 10.9.0.1/16\n",
						    &opts);

	CHECK(lab != NULL);
	CHECK(vdestack_lab_start(lab) < 0);
	CHECK_CONTAINS(vdestack_lab_last_error(), "host b: ");
	vdestack_lab_delete(lab);
}

CASE(a_cable_that_is_cut_stops_frames_until_it_is_restored)
{
	struct vdestack_lab *lab = start(LAN "host a on lan\nhost b on lan\n");
	struct sockaddr_storage addr, peer;
	socklen_t len = address(lab, "b", AF_INET, 4000, &addr);
	int listener = listen_in(lab, "b", AF_INET, 4000);

	LAB_MUST(vdestack_lab_cut(lab, "a:lan"));
	CHECK(!connects(lab, "a", listener, &addr, len, 200, &peer));
	LAB_MUST(vdestack_lab_restore(lab, "a:lan"));
	CHECK(connects(lab, "a", listener, &addr, len, PATIENCE_MS, &peer));
	CHECK_ERRNO(vdestack_lab_cut(lab, "a:wan"), ENOENT);
	CHECK_ERRNO(vdestack_lab_cut(lab, "a"), EINVAL);
	CHECK_ERRNO(vdestack_lab_cut(lab, "c:lan"), ENOENT);
	(void)close(listener);
	vdestack_lab_delete(lab);
}

/* ------------------------------------------------------------------ networks that misbehave */

CASE(a_partition_separates_groups_until_it_is_healed)
{
	struct vdestack_lab *lab = start(LAN "host a on lan\nhost b on lan\nhost c on lan\n");
	struct sockaddr_storage addr, peer;
	socklen_t len = address(lab, "c", AF_INET, 4000, &addr);
	int listener = listen_in(lab, "c", AF_INET, 4000);

	LAB_MUST(vdestack_lab_partition(lab, "lan", "a,b|c"));
	check_reach(lab, "a", "b", AF_INET);
	CHECK(!connects(lab, "a", listener, &addr, len, 200, &peer));
	CHECK_ERRNO(vdestack_lab_partition(lab, "lan", "a,b|a"), EINVAL);
	CHECK_ERRNO(vdestack_lab_partition(lab, "lan", "a,|b"), EINVAL);
	CHECK_ERRNO(vdestack_lab_partition(lab, "lan", "a|d"), ENOENT);
	CHECK_ERRNO(vdestack_lab_partition(lab, "wan", "a|b"), ENOENT);
	LAB_MUST(vdestack_lab_heal(lab, "lan"));
	CHECK(connects(lab, "a", listener, &addr, len, PATIENCE_MS, &peer));
	(void)close(listener);
	vdestack_lab_delete(lab);
}

CASE(links_of_the_text_are_impaired_from_the_start)
{
	struct vdestack_lab *lab = start(LAN "host a on lan\nhost b on lan\nlink a:lan tx.delay=60ms\n");
	struct sockaddr_storage addr, peer;
	socklen_t len = address(lab, "b", AF_INET, 4000, &addr);
	int listener = listen_in(lab, "b", AF_INET, 4000);
	long long began = now_us();

	CHECK(connects(lab, "a", listener, &addr, len, PATIENCE_MS, &peer));
	CHECK(now_us() - began >= 60000);
	LAB_MUST(vdestack_lab_impair(lab, "a:lan", "tx.cut"));
	CHECK(!connects(lab, "a", listener, &addr, len, 200, &peer));
	CHECK_ERRNO(vdestack_lab_impair(lab, "a:lan", "tx.dealy=1ms"), EINVAL);
	CHECK_CONTAINS(vdestack_lab_last_error(), "link a:lan: ");
	LAB_MUST(vdestack_lab_impair(lab, "a:lan", "unimpaired"));
	CHECK(connects(lab, "a", listener, &addr, len, PATIENCE_MS, &peer));
	(void)close(listener);
	vdestack_lab_delete(lab);
}

CASE(a_failure_has_the_captures_of_all_ports)
{
	struct vdestack_lab_opts opts = { .size = sizeof(opts),
					  .artefacts = case_path("art"),
					  .flags = VDESTACK_LAB_CAPTURE };
	struct vdestack_lab *lab = vdestack_lab_new(LAN "host a on lan\nhost b on lan\n", &opts);
	char path[4096];
	struct stat st;

	CHECK(lab != NULL);
	LAB_MUST(vdestack_lab_start(lab));
	LAB_MUST(vdestack_lab_capture(lab, "a:lan", case_path("own.pcapng")));
	check_reach(lab, "a", "b", AF_INET);
	CHECK_EQ(vdestack_lab_fail(lab, "wanted"), 1);
	(void)snprintf(path, sizeof(path), "%s/b-lan.pcapng", vdestack_lab_artefacts(lab));
	MUST(stat(path, &st));
	CHECK(st.st_size > 400); /* more than the head: frames of a connection */
	(void)snprintf(path, sizeof(path), "%s/a-lan.pcapng", vdestack_lab_artefacts(lab));
	MUST(stat(path, &st));
	CHECK(st.st_size > 400);
	vdestack_lab_delete(lab);
	MUST(stat(case_path("own.pcapng"), &st));
}

static off_t size_of_artefact(const struct vdestack_lab *lab, const char *name)
{
	char path[4096];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", vdestack_lab_artefacts(lab), name);
	MUST(stat(path, &st));
	return st.st_size;
}

CASE(each_port_has_a_capture_of_its_own_whatever_the_names)
{
	struct vdestack_lab_opts opts = { .size = sizeof(opts),
					  .artefacts = case_path("art"),
					  .flags = VDESTACK_LAB_CAPTURE };
	struct vdestack_lab *lab = vdestack_lab_new("network c 10.0.0.0/24\nnetwork b-c 10.1.0.0/24\n"
						    "host a-b on c\nhost a on b-c\n", &opts);

	CHECK(lab != NULL);
	LAB_MUST(vdestack_lab_start(lab));
	CHECK_EQ(vdestack_lab_fail(lab, "wanted"), 1);
	CHECK(size_of_artefact(lab, "a-b-c.pcapng") > 0);
	CHECK(size_of_artefact(lab, "a+b-c.pcapng") > 0);
	vdestack_lab_delete(lab);
}

/* As a program in Python does whose forked child ends: all that it has is deleted there. */
CASE(a_forked_child_that_deletes_its_copy_takes_nothing_from_the_parent)
{
	struct vdestack_lab_opts opts = { .size = sizeof(opts),
					  .artefacts = case_path("art"),
					  .flags = VDESTACK_LAB_CAPTURE };
	int status;

	(void)setenv("TMPDIR", case_tmp(), 1);
	struct vdestack_lab *lab =
		vdestack_lab_new(LAN "host a on lan\nserver b on lan run \"sh -c 'echo here; "
				     "exec sleep 60'\" ready output here\n", &opts);
	CHECK(lab != NULL);
	LAB_MUST(vdestack_lab_start(lab));
	(void)fflush(stdout);
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		vdestack_lab_delete(lab);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	struct pollfd end = { .fd = vdestack_lab_server(lab, "b"), .events = POLLIN };
	CHECK_EQ(poll(&end, 1, 0), 0); /* it lives */
	int s = vdestack_msocket(vdestack_lab_host(lab, "a"), AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	CHECK_EQ(inet_pton(AF_INET, "10.0.0.99", &to.sin_addr), 1);
	/* is in the capture as an ARP request */
	MUST(sendto(s, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	close(s);
	CHECK_EQ(vdestack_lab_fail(lab, "wanted"), 1);
	check_file(vdestack_lab_artefacts(lab), "b.out", "here");
	CHECK(size_of_artefact(lab, "a-lan.pcapng") > 350);
	vdestack_lab_delete(lab);
	CHECK_EQ(count_entries(case_tmp(), "vdestack-lab-", NULL, 0), 0);
}

/* ------------------------------------------------------------------ many */

CASE(fifty_labs_leave_nothing_behind)
{
	int fds = 0;

	for (int i = 0; i < 50; i++) {
		struct vdestack_lab *lab = start(LAN "host a on lan\nserver b on lan run \"sleep 60\"\n");
		vdestack_lab_delete(lab);
		if (i == 0)
			fds = count_fds();
	}
	CHECK_EQ(count_fds(), fds);
	CHECK_EQ(count_entries(case_tmp(), "vdestack-lab-", NULL, 0), 0);
	struct vdestack *list[2];
	CHECK_EQ(vdestack_list(list, 2), 1); /* the one that keeps the keeper */
}

/*
 * The keeper keeps the segments of labs that have ended for the next ones. "b" of the first kind of lab
 * must not be on the network of the second.
 */
CASE(a_lab_has_nothing_of_the_ones_before)
{
	struct sockaddr_storage addr, peer;

	for (int i = 0; i < 10; i++) {
		struct vdestack_lab *old = start(LAN "host a on lan\nhost b on lan\n");
		int left = listen_in(old, "b", AF_INET, 4001); /* keeps the namespace of b */
		socklen_t len = address(old, "b", AF_INET, 4001, &addr);
		check_reach(old, "a", "b", AF_INET);
		LAB_MUST(vdestack_lab_partition(old, "lan", "a|b"));
		vdestack_lab_delete(old);
		struct vdestack_lab *lab = start(LAN "host a on lan\nhost c on lan\n");
		CHECK(!connects(lab, "a", left, &addr, len, i == 9 ? 200 : 20, &peer));
		check_both(lab, "a", "c");
		(void)close(left);
		vdestack_lab_delete(lab);
	}
}

CASE_FLAGS(labs_at_the_same_time_have_networks_of_their_own, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	struct vdestack_lab *one = start(LAN "host a on lan\nhost b on lan\n");
	struct vdestack_lab *two = start(LAN "host a on lan\nhost b on lan\n");

	check_both(one, "a", "b");
	check_both(two, "a", "b");
	vdestack_lab_delete(one);
	check_both(two, "a", "b");
	vdestack_lab_delete(two);
}

static void *build_and_delete(void *number)
{
	char text[200];

	(void)snprintf(text, sizeof(text), LAN "host a%d on lan\nhost b%d on lan\n", *(int *)number,
		       *(int *)number);
	for (int i = 0; i < 3; i++) {
		struct vdestack_lab *lab = vdestack_lab_new(text, NULL);
		if (lab == NULL || vdestack_lab_start(lab) < 0)
			FAIL("%s", vdestack_lab_last_error());
		vdestack_lab_delete(lab);
	}
	return NULL;
}

CASE_FLAGS(threads_start_labs_at_the_same_time, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	pthread_t threads[4];
	int numbers[4] = { 0, 1, 2, 3 };

	(void)setenv("TMPDIR", case_tmp(), 1);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, build_and_delete, &numbers[i]), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

CASE(every_picture_of_a_lab_has_all_names)
{
	struct vdestack_lab *lab = make(LAN "host alpha on lan\nrouter beta on lan\n"
					    "server gamma on lan run \"echo <&>\"\n",
					NULL);

	for (int format = VDESTACK_LAB_TEXT; format <= VDESTACK_LAB_SVG; format++) {
		char *drawn = vdestack_lab_draw(lab, (enum vdestack_lab_format)format);
		CHECK(drawn != NULL);
		CHECK_CONTAINS(drawn, "alpha");
		CHECK_CONTAINS(drawn, "beta");
		CHECK_CONTAINS(drawn, "gamma");
		CHECK_CONTAINS(drawn, "lan");
		free(drawn);
	}
	CHECK_ERRNO(vdestack_lab_draw(lab, (enum vdestack_lab_format)9), EINVAL);
	vdestack_lab_delete(lab);
	vdestack_lab_delete(NULL);
}
