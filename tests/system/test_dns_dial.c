/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connections and listening sockets by name: which address wins, what failures say, and that nothing is left
 * behind. Names are those of a hosts file. The name server is a black hole.
 *
 * A black hole is an address whose hardware address is known and belongs to nobody: packets to it are lost.
 */

#define _GNU_SOURCE
#define VDESTACK_BUILDING /* NULL is passed where it must not be */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>
#include <vdestack/conf.h>
#include <vdestack/dial.h>
#include <vdestack/dns.h>

#define LIMIT_MS 20000 /* upper bound for what happens at once */

static const char hosts[] = "10.9.0.1 four.example\n"
			    "2001:db8::1 six.example\n"
			    "10.9.0.1 both.example\n"
			    "2001:db8::1 both.example\n"
			    "fc00::1 local.example\n" /* RFC 6724: after IPv4 */
			    "10.9.0.1 local.example\n"
			    "2001:db8::66 dead6.example\n" /* a black hole in IPv6, the server in IPv4 */
			    "10.9.0.1 dead6.example\n"
			    "2001:db8::66 dead.example\n"
			    "10.9.0.66 dead.example\n"
			    "10.9.0.66 away.example\n"
			    "10.9.0.77 away.example\n"
			    "192.0.2.1 nowhere.example\n";

static struct vdestack *server, *client;

static struct vdestack *stack_of(const char *config)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = case_opts_flags() | VDESTACK_NODAD };
	struct vdestack *stack = vdestack_new(config, &opts);

	if (stack == NULL)
		FAIL("no stack of \"%s\": %s", config, vdestack_last_error());
	return stack;
}

static void use_names(struct vdestack *stack, const char *servers)
{
	const char *path = case_path("hosts");
	struct vdestack_dns_opts opts = { .size = sizeof(opts), .hosts = path, .servers = servers,
					  .search = "" };
	FILE *file = fopen(path, "w");

	CHECK(file != NULL && fputs(hosts, file) >= 0 && fclose(file) == 0);
	MUST(vdestack_dns_set(stack, &opts));
}

static void make_stacks(void)
{
	static const unsigned char nobody[6] = { 2, 0, 0, 0, 0, 0x66 };

	server = stack_of("vnl=inproc://dial ip=10.9.0.1/24 ip=2001:db8::1/64 ip=fc00::1/64");
	client = stack_of("vnl=inproc://dial ip=10.9.0.2/24 ip=2001:db8::2/64 ip=fc00::2/64");
	MUST(vdestack_neigh_add(client, "vde0", "10.9.0.66", nobody));
	MUST(vdestack_neigh_add(client, "vde0", "10.9.0.77", nobody));
	MUST(vdestack_neigh_add(client, "vde0", "2001:db8::66", nobody));
	use_names(client, "10.9.0.66");
	use_names(server, "10.9.0.66");
}

/* ------------------------------------------------------------------ helpers */

static int dialled(const char *network, const char *address)
{
	int fd = vdestack_dial(client, network, address, LIMIT_MS);

	if (fd < 0)
		FAIL("%s %s: %s: %s", network, address, strerrorname_np(errno), vdestack_dns_last_error());
	return fd;
}

static int listening(const char *network, const char *address)
{
	int fd = vdestack_listen(server, network, address);

	if (fd < 0)
		FAIL("%s %s: %s: %s", network, address, strerrorname_np(errno), vdestack_dns_last_error());
	return fd;
}

static struct sockaddr_storage socket_name(int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	MUST(get(fd, (struct sockaddr *)&addr, &len));
	return addr;
}

static int peer_family(int fd)
{
	return socket_name(fd, getpeername).ss_family;
}

static int port_of(int fd)
{
	struct sockaddr_storage addr = socket_name(fd, getsockname);

	return ntohs(((struct sockaddr_in *)&addr)->sin_port);
}

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	MUST(getsockopt(fd, level, name, &value, &len));
	return value;
}

static void check_fresh(int fd, struct vdestack *stack)
{
	int other = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	CHECK_EQ(net_namespace_of(fd), net_namespace_of(other));
	close(other);
}

static void check_talk(int listener, int fd)
{
	char got[8] = "";

	CHECK(wait_readable(listener, LIMIT_MS));
	int peer = (int)MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	CHECK_EQ(MUST(send(peer, "hello", 5, MSG_NOSIGNAL)), 5);
	CHECK(wait_readable(fd, LIMIT_MS));
	CHECK_EQ(MUST(recv(fd, got, sizeof(got) - 1, 0)), 5);
	CHECK_STR(got, "hello");
	close(peer);
}

/* ------------------------------------------------------------------ connections */

CASE_BOTH(names_and_addresses_give_connected_sockets)
{
	static const struct {
		const char *network, *address;
		int family;
	} rows[] = {
		{ "tcp", "10.9.0.1:80", AF_INET },	{ "tcp", "[2001:db8::1]:80", AF_INET6 },
		{ "tcp4", "10.9.0.1:http", AF_INET },	{ "tcp", "four.example:80", AF_INET },
		{ "tcp", "six.example:80", AF_INET6 },	{ "tcp", "both.example:http", AF_INET6 },
		{ "tcp", "local.example:80", AF_INET },
		{ "tcp4", "both.example:80", AF_INET }, { "tcp6", "both.example:80", AF_INET6 },
	};

	make_stacks();
	int listener = listening("tcp", "[::]:80");
	check_fresh(listener, server);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = dialled(rows[i].network, rows[i].address);

		check_fresh(fd, client);
		CHECK_EQ(peer_family(fd), rows[i].family);
		check_talk(listener, fd);
		close(fd);
	}
}

CASE(a_link_local_address_has_a_scope)
{
	struct vdestack_addr list[8];
	char address[128] = "";

	make_stacks();
	int n = (int)MUST(vdestack_addr_list(server, "vde0", list, 8, sizeof(list[0])));
	for (int i = 0; i < n; i++)
		if (strncmp(list[i].addr, "fe80:", 5) == 0)
			(void)snprintf(address, sizeof(address), "[%s%%vde0]:80", list[i].addr);
	CHECK_CONTAINS(address, "fe80:");
	int listener = listening("tcp", ":80");
	check_talk(listener, dialled("tcp", address));
	close(listener);
	CHECK_ERRNO(vdestack_dial(client, "tcp", address, LIMIT_MS), ECONNREFUSED);
	CHECK_CONTAINS(vdestack_dns_last_error(), "%vde0 port 80: Connection refused");
}

CASE(without_a_host_the_stack_itself_is_meant)
{
	make_stacks();
	int listener = listening("tcp", ":80");
	int fd = vdestack_dial(server, "tcp", ":80", LIMIT_MS);

	MUST(fd);
	check_talk(listener, fd);
	MUST(vdestack_dial(server, "tcp", "localhost:80", LIMIT_MS));
	CHECK_ERRNO(vdestack_dial(client, "tcp", ":80", LIMIT_MS), ECONNREFUSED);
	/* A stack with nothing but lo. */
	struct vdestack *alone = stack_of("");
	MUST(vdestack_listen(alone, "tcp", ":80"));
	MUST(vdestack_dial(alone, "tcp", "localhost:80", LIMIT_MS));
	MUST(vdestack_dial(alone, "tcp6", "localhost:80", LIMIT_MS));
}

CASE(an_address_that_does_not_answer_delays_the_next_by_250_ms)
{
	make_stacks();
	int listener = listening("tcp", ":80");
	long long began = now_us();
	int fd = dialled("tcp", "dead6.example:80");

	CHECK_EQ(peer_family(fd), AF_INET);
	CHECK(now_us() - began >= 249000);
	check_talk(listener, fd);
}

CASE(a_family_without_a_listener_gives_way_to_the_other)
{
	make_stacks();
	int listener = listening("tcp4", ":80");
	int fd = dialled("tcp", "both.example:80");

	CHECK_EQ(peer_family(fd), AF_INET);
	check_talk(listener, fd);
}

CASE(the_losers_of_a_race_are_closed)
{
	make_stacks();
	int listener = listening("tcp", ":80");
	close(dialled("tcp", "four.example:80")); /* makes what stays open */
	int before = count_fds();
	int fd = dialled("tcp", "dead6.example:80");
	CHECK_EQ(count_fds(), before + 1);
	close(fd);
	close(listener);
}

CASE(udp_sockets_are_connected_without_a_packet)
{
	char got[8] = "";

	make_stacks();
	int at = listening("udp", "[::]:53");
	check_fresh(at, server);
	int fd = vdestack_dial(client, "udp", "10.9.0.1:domain", 0); /* needs no time */
	MUST(fd);
	check_fresh(fd, client);
	MUST(send(fd, "ask", 3, 0));
	CHECK(wait_readable(at, LIMIT_MS));
	CHECK_EQ(MUST(recv(at, got, sizeof(got), 0)), 3);
	MUST(vdestack_dial(client, "udp6", "both.example:53", LIMIT_MS));
}

/*
 * With one port to choose from, a TCP socket that connects to that port of its own stack gets connected to
 * itself.
 */
CASE(a_socket_is_not_connected_to_itself)
{
	make_stacks();
	MUST(vdestack_sysctl_set(client, "ipv4.ip_local_port_range", "40000 40000"));
	CHECK_ERRNO(vdestack_dial(client, "tcp", "127.0.0.1:40000", LIMIT_MS), ECONNREFUSED);
}

/* ------------------------------------------------------------------ failures */

CASE(a_failure_says_which_address_failed_why)
{
	make_stacks();
	CHECK_ERRNO(vdestack_dial(client, "tcp", "both.example:81", LIMIT_MS), ECONNREFUSED);
	CHECK_STR(vdestack_dns_last_error(), "cannot connect to both.example:81: "
					     "2001:db8::1 port 81: Connection refused; "
					     "10.9.0.1 port 81: Connection refused");
	CHECK_ERRNO(vdestack_dial(client, "tcp", "nowhere.example:80", LIMIT_MS), ENETUNREACH);
	CHECK_CONTAINS(vdestack_dns_last_error(), "192.0.2.1 port 80: Network is unreachable");
}

CASE(the_time_limit_ends_attempts)
{
	make_stacks();
	int before = count_fds();
	long long began = now_us();
	CHECK_ERRNO(vdestack_dial(client, "tcp", "dead.example:80", 400), ETIMEDOUT);
	CHECK(now_us() - began >= 399000); /* times are whole milliseconds */
	CHECK_CONTAINS(vdestack_dns_last_error(), "2001:db8::66 port 80: no answer in time");
	CHECK_CONTAINS(vdestack_dns_last_error(), "10.9.0.66 port 80: no answer in time");
	CHECK_ERRNO(vdestack_dial(client, "tcp", "dead.example:80", 0), ETIMEDOUT);
	CHECK(count_fds() <= before + 2); /* the resolver may keep some */
}

CASE(the_time_limit_ends_look_ups)
{
	make_stacks();
	CHECK_ERRNO(vdestack_dial(client, "tcp", "unknown.example:80", 200), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_dns_last_error(), "the lookup of IPv6 addresses has not ended in time");
	CHECK_CONTAINS(vdestack_dns_last_error(), "the lookup of IPv4 addresses has not ended in time");
}

/* The server has no name server: its kernel refuses. */
CASE(name_servers_that_give_no_answer_are_told)
{
	make_stacks();
	use_names(client, "10.9.0.1");
	CHECK_ERRNO(vdestack_dial(client, "tcp6", "four.example:80", LIMIT_MS), EAGAIN);
	CHECK_CONTAINS(vdestack_dns_last_error(), "cannot connect to four.example:80: ");
	CHECK_CONTAINS(vdestack_dns_last_error(), "10.9.0.1");
	/* What is known is tried. */
	close(listening("tcp4", ":80"));
	CHECK_ERRNO(vdestack_dial(client, "tcp", "four.example:80", LIMIT_MS), ECONNREFUSED);
	CHECK_CONTAINS(vdestack_dns_last_error(), "10.9.0.1 port 80: Connection refused");
}

CASE(a_service_that_is_not_known_is_told)
{
	make_stacks();
	CHECK_ERRNO(vdestack_dial(client, "tcp", "four.example:no-such-service", LIMIT_MS), ENOENT);
	CHECK_CONTAINS(vdestack_dns_last_error(), "no-such-service");
	CHECK_ERRNO(vdestack_listen(server, "tcp", ":no-such-service"), ENOENT);
	CHECK_CONTAINS(vdestack_dns_last_error(), "no-such-service");
}

CASE(what_is_malformed_is_told)
{
	int fd;

	make_stacks();
	CHECK_ERRNO(vdestack_dial(client, "tcp", "10.9.0.1", 0), EINVAL);
	CHECK_STR(vdestack_dns_last_error(), "cannot connect to 10.9.0.1: the port is missing");
	CHECK_ERRNO(vdestack_dial(client, "tcp", "10.9.0.1:", 0), EINVAL);
	CHECK_ERRNO(vdestack_dial(client, "tcp", "10.9.0.1:0", 0), EINVAL);
	CHECK_ERRNO(vdestack_dial(client, "tcp", "10.9.0.1:80", -2), EINVAL);
	CHECK_ERRNO(vdestack_dial(client, "sctp", "10.9.0.1:80", 0), EINVAL);
	CHECK_ERRNO(vdestack_dial(client, NULL, "10.9.0.1:80", 0), EINVAL);
	CHECK_ERRNO(vdestack_dial(client, "tcp", NULL, 0), EINVAL);
	CHECK_ERRNO(vdestack_dial(NULL, "tcp", "10.9.0.1:80", 0), EINVAL);
	CHECK_ERRNO(vdestack_listen(NULL, "tcp", "10.9.0.1:80"), EINVAL);
	CHECK_ERRNO(vdestack_listen(client, "tcp", NULL), EINVAL);
	CHECK_ERRNO(vdestack_listen(client, "tcp", "2001:db8::1:80"), EINVAL);
	CHECK_CONTAINS(vdestack_dns_last_error(), "an IPv6 address stands in brackets");
	CHECK_ERRNO(vdestack_dial_finish(NULL, &fd), EINVAL);
	CHECK_ERRNO(vdestack_dial_fd(NULL), EINVAL);
	vdestack_dial_cancel(NULL);
	MUST(vdestack_delete(client));
	CHECK_ERRNO(vdestack_dial(client, "tcp", "10.9.0.1:80", 0), EINVAL);
}

/* ------------------------------------------------------------------ without waiting */

CASE(a_dial_is_driven_by_the_programs_own_loop)
{
	make_stacks();
	int listener = listening("tcp", ":80"), fd = -1, r;
	struct vdestack_dial *dial = vdestack_dial_start(client, "tcp", "dead6.example:80", LIMIT_MS);

	CHECK(dial != NULL);
	struct pollfd wanted = { .fd = (int)MUST(vdestack_dial_fd(dial)), .events = POLLIN };
	int calls = 0;
	while ((r = vdestack_dial_finish(dial, &fd)) == 0) {
		CHECK_EQ(MUST(poll(&wanted, 1, LIMIT_MS)), 1);
		calls++;
	}
	CHECK_EQ(r, 1);
	CHECK(calls < 20); /* it is not readable all the time */
	CHECK_EQ(peer_family(fd), AF_INET);
	check_talk(listener, fd);
}

CASE(a_cancelled_dial_leaves_nothing_behind)
{
	make_stacks();
	CHECK_ERRNO(vdestack_dial(client, "tcp", "dead.example:80", 0), ETIMEDOUT);
	int before = count_fds();
	for (int i = 0; i < 50; i++) {
		struct vdestack_dial *dial = vdestack_dial_start(client, "tcp", "dead.example:80", LIMIT_MS);
		int fd;

		CHECK(dial != NULL);
		CHECK_EQ(vdestack_dial_finish(dial, &fd), 0);
		vdestack_dial_cancel(dial);
	}
	CHECK_EQ(count_fds(), before);
}

CASE(in_a_forked_child_a_dial_is_the_parents)
{
	make_stacks();
	int listener = listening("tcp", ":80"), fd = -1, status, r;
	struct vdestack_dial *dial = vdestack_dial_start(client, "tcp", "dead6.example:80", LIMIT_MS);

	CHECK(dial != NULL);
	CHECK_EQ(vdestack_dial_finish(dial, &fd), 0);
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		CHECK_ERRNO(vdestack_dial_finish(dial, &fd), ECANCELED);
		close((int)MUST(vdestack_dial(client, "tcp", "four.example:80", LIMIT_MS)));
		_exit(0);
	}
	CHECK_EQ(MUST(waitpid(child, &status, 0)), child);
	CHECK_EQ(status, 0);
	close((int)MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC)));
	struct pollfd wanted = { .fd = (int)MUST(vdestack_dial_fd(dial)), .events = POLLIN };
	while ((r = vdestack_dial_finish(dial, &fd)) == 0)
		CHECK_EQ(MUST(poll(&wanted, 1, LIMIT_MS)), 1);
	CHECK_EQ(r, 1);
	check_talk(listener, fd);
}

/* The first process of a PID namespace, and a child of it that is the first of another one. */
static void dial_as_process_1(void)
{
	int fd = -1, status;

	CHECK_EQ(getpid(), 1);
	make_stacks();
	struct vdestack_dial *dial = vdestack_dial_start(client, "tcp", "dead.example:80", LIMIT_MS);
	CHECK(dial != NULL);
	MUST(unshare(CLONE_NEWPID));
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		CHECK_EQ(getpid(), 1);
		CHECK_ERRNO(vdestack_dial_finish(dial, &fd), ECANCELED);
		_exit(0);
	}
	CHECK_EQ(MUST(waitpid(child, &status, 0)), child);
	CHECK_EQ(status, 0);
	vdestack_dial_cancel(dial);
}

/* The leak sanitizer fails in a process that is PID 1 of a namespace. */
CASE_FLAGS(a_child_with_the_number_of_its_parent_is_another_process, CASE_F_ROOT | CASE_F_NO_SANITIZER)
{
	int status;

	MUST(unshare(CLONE_NEWPID));
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		dial_as_process_1();
		_exit(0);
	}
	CHECK_EQ(MUST(waitpid(child, &status, 0)), child);
	CHECK_EQ(status, 0);
}

static void *dial_black_hole(void *arg)
{
	(void)arg;
	CHECK_ERRNO(vdestack_dial(client, "tcp", "away.example:80", -1), ECANCELED); /* does not return */
	return NULL;
}

static bool is_dialling(void *before)
{
	return count_fds() >= *(int *)before + 4; /* epoll, timer and two sockets */
}

CASE(a_cancelled_thread_leaves_nothing_behind)
{
	pthread_t thread;
	void *result;

	make_stacks();
	CHECK_ERRNO(vdestack_dial(client, "tcp", "dead.example:80", 0), ETIMEDOUT);
	int before = count_fds();
	CHECK_EQ(pthread_create(&thread, NULL, dial_black_hole, NULL), 0);
	CHECK(wait_until(is_dialling, &before, LIMIT_MS));
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(count_fds(), before);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int sig)
{
	(void)sig;
	alarms++;
}

CASE(signals_do_not_interrupt_a_dial)
{
	struct sigaction action = { .sa_handler = count_alarm }; /* no SA_RESTART */
	struct itimerval often = { .it_interval = { .tv_usec = 10000 }, .it_value = { .tv_usec = 10000 } };

	make_stacks();
	int listener = listening("tcp", ":80");
	MUST(sigaction(SIGALRM, &action, NULL));
	MUST(setitimer(ITIMER_REAL, &often, NULL));
	int fd = dialled("tcp", "dead6.example:80");
	often.it_value.tv_usec = 0;
	MUST(setitimer(ITIMER_REAL, &often, NULL));
	CHECK(alarms > 0);
	check_talk(listener, fd);
}

/* ------------------------------------------------------------------ listening */

CASE(all_addresses_means_both_families)
{
	static const char *const forms[] = { "[::]:0", ":0", ":" };

	make_stacks();
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char four[64], six[64];
		int listener = listening("tcp", forms[i]);

		CHECK_EQ(option_of(listener, IPPROTO_IPV6, IPV6_V6ONLY), 0);
		CHECK_EQ(option_of(listener, SOL_SOCKET, SO_REUSEADDR), 1);
		(void)snprintf(four, sizeof(four), "10.9.0.1:%d", port_of(listener));
		(void)snprintf(six, sizeof(six), "[2001:db8::1]:%d", port_of(listener));
		check_talk(listener, dialled("tcp", four));
		check_talk(listener, dialled("tcp", six));
	}
}

CASE(a_network_of_one_family_leaves_the_port_to_the_other)
{
	make_stacks();
	int six = listening("tcp6", "[::]:80"), four = listening("tcp4", ":80");

	CHECK_EQ(option_of(six, IPPROTO_IPV6, IPV6_V6ONLY), 1);
	check_talk(six, dialled("tcp", "six.example:80"));
	check_talk(four, dialled("tcp", "four.example:80"));
	CHECK_EQ(socket_name(listening("tcp", "0.0.0.0:81"), getsockname).ss_family, AF_INET);
	listening("tcp6", ":81");
}

CASE(a_port_in_use_is_told)
{
	make_stacks();
	int listener = listening("tcp", ":80");

	CHECK_ERRNO(vdestack_listen(server, "tcp", ":80"), EADDRINUSE);
	CHECK_STR(vdestack_dns_last_error(), "cannot listen at :80: Address already in use");
	CHECK_ERRNO(vdestack_listen(server, "tcp", "10.9.0.2:80"), EADDRNOTAVAIL);
	close(listener);
	/* A listener of IPv4 alone would hide that the port is in use in IPv6. */
	listening("tcp6", ":80");
	CHECK_ERRNO(vdestack_listen(server, "tcp", ":80"), EADDRINUSE);
}

CASE(two_udp_sockets_cannot_share_a_port)
{
	make_stacks();
	int at = listening("udp", ":53");

	CHECK_EQ(option_of(at, SOL_SOCKET, SO_REUSEADDR), 0);
	CHECK_ERRNO(vdestack_listen(server, "udp", ":53"), EADDRINUSE);
}

CASE(the_queue_of_connections_is_as_long_as_the_kernel_allows)
{
	char allowed[16];
	struct tcp_info info;
	socklen_t len = sizeof(info);

	make_stacks();
	int listener = listening("tcp", ":80");
	MUST(getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &len));
	MUST(vdestack_sysctl_get(server, "core/somaxconn", allowed, sizeof(allowed)));
	char sacked[16];
	(void)snprintf(sacked, sizeof(sacked), "%u", info.tcpi_sacked); /* of a listener: its backlog */
	CHECK_STR(sacked, allowed);
}

CASE(a_name_can_be_listened_at)
{
	make_stacks();
	int listener = listening("tcp", "four.example:http");
	struct sockaddr_storage at = socket_name(listener, getsockname);

	CHECK_EQ(at.ss_family, AF_INET);
	CHECK_EQ(port_of(listener), 80);
	check_talk(listener, dialled("tcp", "four.example:80"));
	use_names(server, "10.9.0.1");
	CHECK_ERRNO(vdestack_listen(server, "tcp6", "four.example:80"), EAGAIN);
	CHECK_CONTAINS(vdestack_dns_last_error(), "cannot listen at four.example:80: ");
}
