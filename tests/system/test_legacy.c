/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The five calls of libvdestack 0.1, as in its manual page. Where 0.1 hangs or returns a wrong result (a
 * stack without interface, a killed command that reports 0) the case expects the right result.
 */

#define _GNU_SOURCE
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "traffic.h"

#define VDE (CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)

/* These calls have no in-process variant: no options. */
static struct vdestack *legacy_stack(const char *vnl, const char *ifname)
{
	struct vdestack *s = vde_addstack(vnl, ifname);

	if (s == NULL)
		FAIL("vde_addstack(\"%s\", \"%s\"): %s; \"%s\"", vnl != NULL ? vnl : "(null)",
		     ifname != NULL ? ifname : "(null)", strerror(errno), vdestack_last_error());
	return s;
}

__attribute__((format(printf, 2, 3))) static int cmd(struct vdestack *s, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return vde_stackcmd(s, text);
}

static const char *file_text(const char *path)
{
	static char text[4096];
	int fd = (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
	ssize_t n = MUST(read(fd, text, sizeof(text) - 1));

	text[n] = '\0';
	close(fd);
	return text;
}

/* ------------------------------------------------------------------ stacks */

/* The first flags of an interface; -1: there is no interface of that name. */
static int flags_of(struct vdestack *s, const char *name)
{
	struct ifreq ifr = { 0 };
	int fd = (int)MUST(vde_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	int r = ioctl(fd, SIOCGIFFLAGS, &ifr);
	close(fd);
	return r < 0 ? -1 : (unsigned short)ifr.ifr_flags;
}

CASE(a_stack_without_network_has_lo_only)
{
	static const char *const none[] = { NULL, "" };

	for (int i = 0; i < 2; i++) {
		struct vdestack *s = legacy_stack(none[i], NULL);
		CHECK(flags_of(s, "lo") >= 0);
		CHECK_EQ(flags_of(s, "vde0"), -1);
		vde_delstack(s);
	}
}

CASE_FLAGS(the_interface_is_vde0_or_has_the_given_name_and_is_down, VDE)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	struct vdestack *a = legacy_stack(path, NULL), *b = legacy_stack(path, "eth7");
	CHECK(flags_of(a, "vde0") >= 0);
	CHECK_EQ(flags_of(a, "vde0") & IFF_UP, 0);
	CHECK_EQ(flags_of(b, "vde0"), -1);
	CHECK(flags_of(b, "eth7") >= 0);
	CHECK_EQ(flags_of(b, "eth7") & IFF_UP, 0);
	vde_delstack(a);
	vde_delstack(b);
}

/* The excerpt of the manual page. */
CASE_FLAGS(stacks_configured_by_commands_talk, VDE)
{
	const char *path = case_path("sw");
	struct tool sw;

	switch_start(&sw, path, "32");
	struct vdestack *a = legacy_stack(path, NULL), *b = legacy_stack(path, NULL);
	CHECK_EQ(cmd(a, "/bin/ip link set vde0 up;/bin/ip addr add 10.0.0.1/24 dev vde0;"
			"/bin/ip route add default via 10.0.0.254"), 0);
	CHECK_EQ(cmd(b, "/bin/ip link set vde0 up; /bin/ip addr add 10.0.0.2/24 dev vde0"), 0);
	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
	vde_delstack(a);
	vde_delstack(b);
}

CASE_FLAGS(a_network_that_cannot_be_opened_is_null_with_errno, VDE)
{
	static char absurd[10000];
	int fds = count_fds();

	errno = 0;
	CHECK(vde_addstack(case_path("nothing"), NULL) == NULL);
	CHECK_EQ(errno, ENOENT);
	CHECK(vde_addstack("nosuchscheme://x", NULL) == NULL);
	CHECK_EQ(errno, EPROTONOSUPPORT);
	memset(absurd, 'x', sizeof(absurd) - 1);
	CHECK(vde_addstack(absurd, NULL) == NULL);
	CHECK_EQ(errno, ENAMETOOLONG);
	memcpy(absurd, "inproc://", 9); /* cut off, it would name another segment */
	CHECK(vde_addstack(absurd, NULL) == NULL);
	CHECK_EQ(errno, ENAMETOOLONG);
	CHECK_EQ(count_fds(), fds);
}

CASE(a_name_that_no_interface_can_have_is_refused)
{
	static const char *const bad[] = { "", ".", "..", "lo", "a/b", "a b", "0123456789abcdef", "a:b" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		if (vde_addstack("inproc://lan", bad[i]) != NULL)
			FAIL("\"%s\" was accepted", bad[i]);
		CHECK_EQ(errno, EINVAL);
		CHECK(vdestack_last_error()[0] != '\0');
	}
	vde_delstack(legacy_stack("inproc://lan", "0123456789abcde"));
}

CASE(deletion_keeps_errno_and_accepts_null)
{
	struct vdestack *s = legacy_stack(NULL, NULL);

	errno = ENOSPC;
	vde_delstack(NULL);
	CHECK_EQ(errno, ENOSPC);
	vde_delstack(s);
	CHECK_EQ(errno, ENOSPC);
	vde_delstack(s); /* deleted already */
	CHECK_EQ(errno, ENOSPC);
}

CASE(sockets_outlive_their_stack)
{
	struct vdestack *s = legacy_stack(NULL, NULL);
	int fd = (int)MUST(vde_msocket(s, AF_INET, SOCK_DGRAM, 0));

	vde_delstack(s);
	CHECK(fcntl(fd, F_GETFD) >= 0);
	struct sockaddr_in any = { .sin_family = AF_INET };
	MUST(bind(fd, (struct sockaddr *)&any, sizeof(any)));
}

/* ------------------------------------------------------------------ sockets */

CASE(msocket_makes_sockets_in_the_stack)
{
	struct vdestack *s = legacy_stack(NULL, NULL);
	int fd = (int)MUST(vde_msocket(s, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

	CHECK(MUST(fcntl(fd, F_GETFD)) & FD_CLOEXEC);
	CHECK(MUST(fcntl(fd, F_GETFL)) & O_NONBLOCK);
	close(fd);
	fd = (int)MUST(vde_msocket(s, AF_INET, SOCK_STREAM, 0));
	CHECK_EQ(MUST(fcntl(fd, F_GETFD)) & FD_CLOEXEC, 0); /* as socket(2): not asked for */
	close(fd);
	CHECK_ERRNO(vde_msocket(s, AF_INET, 77, 0), EINVAL);
	CHECK_ERRNO(vde_msocket(s, 4711, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERRNO(vde_msocket(NULL, AF_INET, SOCK_STREAM, 0), EINVAL);
}

/* ------------------------------------------------------------------ commands */

CASE(the_status_of_a_command_is_returned)
{
	struct vdestack *s = legacy_stack(NULL, NULL); /* 0.1 hangs here: no interface */

	CHECK_EQ(cmd(s, "/bin/true"), 0);
	CHECK_EQ(cmd(s, "/bin/false"), 1);
	CHECK_EQ(cmd(s, "/bin/sh -c 'exit 77'"), 77);
	CHECK_EQ(cmd(s, "%s", ""), 0);
	CHECK_EQ(cmd(s, " ;; "), 0);
}

CASE(the_status_of_a_killed_command_is_128_plus_the_signal)
{
	struct vdestack *s = legacy_stack(NULL, NULL);

	CHECK_EQ(cmd(s, "/bin/sh -c 'kill -9 $$'"), 128 + 9);
	CHECK_EQ(cmd(s, "/bin/sh -c 'kill -15 $$'"), 128 + 15);
}

CASE(a_sequence_ends_with_the_first_command_that_fails)
{
	struct vdestack *s = legacy_stack(NULL, NULL);
	const char *a = case_path("a"), *b = case_path("b");

	CHECK_EQ(cmd(s, "/bin/touch %s; /bin/sh -c 'exit 5'; /bin/touch %s", a, b), 5);
	CHECK_EQ(access(a, F_OK), 0);
	CHECK_ERRNO(access(b, F_OK), ENOENT);
	CHECK_EQ(cmd(s, ";/bin/true ;; /bin/touch %s ; ", b), 0);
	CHECK_EQ(access(b, F_OK), 0);
}

CASE(quotes_keep_words_and_semicolons_together)
{
	struct vdestack *s = legacy_stack(NULL, NULL);
	const char *out = case_path("out");

	CHECK_EQ(cmd(s, "/bin/sh -c 'printf \"[%%s]\" \"$@\" > %s' x 'a b' \"c;d\" e\\ f '' \"g'h\"", out),
		 0);
	CHECK_STR(file_text(out), "[a b][c;d][e f][][g'h]");
	/* between "" a backslash is passed to the command */
	CHECK_EQ(cmd(s, "/bin/sh -c \"printf 'a\\nb' > %s\"", out), 0);
	CHECK_STR(file_text(out), "a\nb");
	CHECK_ERRNO(cmd(s, "/bin/true 'open"), EINVAL);
}

CASE(there_is_no_shell_and_no_search_in_path)
{
	struct vdestack *s = legacy_stack(NULL, NULL);
	const char *out = case_path("out");

	CHECK_EQ(cmd(s, "true"), 2); /* as in 0.1: could not be executed */
	CHECK_EQ(cmd(s, "/no/such/command"), 2);
	CHECK_EQ(cmd(s, "/bin/true > %s", out), 0);
	CHECK_ERRNO(access(out, F_OK), ENOENT);
	CHECK_EQ(cmd(s, "/bin/true; /no/such/command; /bin/touch %s", out), 2);
	CHECK_ERRNO(access(out, F_OK), ENOENT);
}

CASE(a_command_configures_the_stack_and_has_the_environment_of_the_caller)
{
	struct vdestack *s = legacy_stack(NULL, NULL);
	const char *out = case_path("out");
	char expected[600];

	MUST(setenv("PROBE", "a value", 1));
	MUST(chdir("/"));
	CHECK_EQ(cmd(s, "/bin/ip link add probe0 type bridge; /bin/ip link set probe0 up"), 0);
	CHECK(flags_of(s, "probe0") & IFF_UP);
	CHECK_EQ(cmd(s, "/bin/sh -c 'echo $PROBE,$(pwd),$(id -u) > %s'", out), 0);
	(void)snprintf(expected, sizeof(expected), "a value,/,%u\n", geteuid());
	CHECK_STR(file_text(out), expected);
}

CASE(a_missing_stack_or_command_is_refused)
{
	struct vdestack *s = legacy_stack(NULL, NULL);

	CHECK_ERRNO(vde_stackcmd(s, NULL), EINVAL);
	CHECK_ERRNO(cmd(NULL, "/bin/true"), EINVAL);
	vde_delstack(s);
	CHECK_ERRNO(cmd(s, "/bin/true"), EINVAL);
}

static void *slow_command(void *s)
{
	return (void *)(long)cmd(s, "/bin/sh -c 'exec sleep 1000'");
}

static bool sleeper_runs(void *arg)
{
	/* the runner is an orphan, its child the command */
	pid_t runners[8];
	int n = find_children(getppid(), "vdestack-runner", runners, 8);

	(void)arg;
	for (int i = 0; i < n && i < 8; i++)
		if (find_children(runners[i], "sleep", NULL, 0) > 0)
			return true;
	return false;
}

/*
 * In 0.1 every call for a socket of the stack waits for the end of the command, and nothing ends the command.
 */
CASE(a_slow_command_delays_no_other_call_and_ends_with_its_stack)
{
	struct vdestack *s = legacy_stack(NULL, NULL);
	pthread_t thread;
	void *status;

	CHECK_EQ(pthread_create(&thread, NULL, slow_command, s), 0);
	CHECK(wait_until(sleeper_runs, NULL, SOON_MS));
	long long start = now_us();
	for (int i = 0; i < 100; i++)
		close((int)MUST(vde_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
	CHECK_EQ(cmd(s, "/bin/true"), 0);
	CHECK(now_us() - start < 5000000);
	vde_delstack(s);
	CHECK_EQ(pthread_join(thread, &status), 0);
	CHECK((long)status != 0);
}

CASE(commands_and_stacks_leave_no_child)
{
	struct vdestack *s = legacy_stack(NULL, NULL);

	CHECK_EQ(cmd(s, "/bin/true;/bin/true"), 0);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
	vde_delstack(s);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

/* ------------------------------------------------------------------ streams */

CASE_FLAGS(a_command_can_be_the_link, VDE)
{
	const char *path = case_path("sw");
	char vnl[300];
	struct tool sw;

	switch_start(&sw, path, "32");
	(void)snprintf(vnl, sizeof(vnl), "=vde_plug '%s'", path);
	struct vdestack *a = legacy_stack(vnl, NULL), *b = legacy_stack(path, NULL);
	CHECK_EQ(cmd(a, "/bin/ip link set vde0 up;/bin/ip addr add 10.0.0.1/24 dev vde0"), 0);
	CHECK_EQ(cmd(b, "/bin/ip link set vde0 up;/bin/ip addr add 10.0.0.2/24 dev vde0"), 0);
	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
	vde_delstack(a);
	vde_delstack(b);
}

/* ------------------------------------------------------------------ the default stack */

/* Whether a socket reaches a device that only the stack has. */
static bool sees_probe(int fd)
{
	struct ifreq ifr = { .ifr_name = "probe0" };

	return ioctl(fd, SIOCGIFINDEX, &ifr) == 0;
}

static bool socket_sees_probe(int domain, int type, int protocol)
{
	int fd = (int)MUST(socket(domain, type | SOCK_CLOEXEC, protocol));
	bool seen = sees_probe(fd);

	close(fd);
	return seen;
}

static struct vdestack *stack_with_probe(void)
{
	struct vdestack *s = legacy_stack(NULL, NULL);

	CHECK_EQ(cmd(s, "/bin/ip link add probe0 type bridge"), 0);
	return s;
}

CASE(the_default_stack_gets_the_sockets_of_the_program)
{
	struct vdestack *s = stack_with_probe();

	CHECK(!socket_sees_probe(AF_INET, SOCK_DGRAM, 0));
	errno = ENOSPC;
	vde_default_stack(s);
	CHECK_EQ(errno, ENOSPC);
	CHECK(socket_sees_probe(AF_INET, SOCK_DGRAM, 0));
	CHECK(socket_sees_probe(AF_INET, SOCK_STREAM, 0));
	CHECK(socket_sees_probe(AF_INET6, SOCK_DGRAM, 0));
	vde_default_stack(NULL);
	CHECK(!socket_sees_probe(AF_INET, SOCK_DGRAM, 0));
	CHECK(!socket_sees_probe(AF_INET6, SOCK_DGRAM, 0));
}

/* A packet socket needs rights that an ordinary user has only in the stack. */
CASE(packet_sockets_go_to_the_default_stack)
{
	struct vdestack *s = stack_with_probe();

	vde_default_stack(s);
	int fd = (int)MUST(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	CHECK(sees_probe(fd));
	close(fd);
	vde_default_stack(NULL);
	if (!case_is_root())
		CHECK_ERRNO(socket(AF_PACKET, SOCK_DGRAM, 0), EPERM);
}

/* Asks rtnetlink for the link of that name: 0 or -errno. */
static int find_link(const char *name)
{
	struct {
		struct nlmsghdr head;
		struct {
			unsigned char family, pad;
			unsigned short type;
			int index;
			unsigned flags, change;
		} info;
		struct { unsigned short len, type; char name[16]; } attribute;
	} request = {
		.head = { .nlmsg_len = sizeof(request),
			  .nlmsg_type = 18 /* RTM_GETLINK */,
			  .nlmsg_flags = NLM_F_REQUEST },
		.attribute = { .len = 4 + 16, .type = 3 /* IFLA_IFNAME */ },
	};
	char reply[16384];
	struct nlmsghdr *head = (struct nlmsghdr *)reply;
	int fd = (int)MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));

	(void)snprintf(request.attribute.name, sizeof(request.attribute.name), "%s", name);
	MUST(send(fd, &request, sizeof(request), 0));
	CHECK(wait_readable(fd, SOON_MS));
	CHECK(MUST(recv(fd, reply, sizeof(reply), 0)) > (ssize_t)sizeof(*head));
	close(fd);
	return head->nlmsg_type == NLMSG_ERROR ? ((struct nlmsgerr *)NLMSG_DATA(head))->error : 0;
}

CASE(route_netlink_goes_to_the_default_stack_and_other_netlink_does_not)
{
	struct vdestack *s = stack_with_probe();

	CHECK_EQ(find_link("probe0"), -ENODEV);
	vde_default_stack(s);
	CHECK_EQ(find_link("probe0"), 0);
	int fd = (int)MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT));
	CHECK(!sees_probe(fd));
	close(fd);
	vde_default_stack(NULL);
	CHECK_EQ(find_link("probe0"), -ENODEV);
}

/* Abstract names belong to a network namespace: in the stack a program could not reach its session bus. */
CASE(unix_sockets_stay_in_the_host_network)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct vdestack *s = stack_with_probe();
	int server = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	socklen_t len = sizeof(sa_family_t) + 1 +
			(socklen_t)snprintf(sun.sun_path + 1, sizeof(sun.sun_path) - 1, "%s", case_path("x"));

	MUST(bind(server, (struct sockaddr *)&sun, len));
	MUST(listen(server, 1));
	vde_default_stack(s);
	int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(connect(fd, (struct sockaddr *)&sun, len));
	CHECK(!sees_probe(fd));
	close(fd);
	close(server);
}

CASE(deleting_the_default_stack_undoes_it)
{
	struct vdestack *s = stack_with_probe();

	vde_default_stack(s);
	CHECK(socket_sees_probe(AF_INET, SOCK_DGRAM, 0));
	vde_delstack(s);
	CHECK(!socket_sees_probe(AF_INET, SOCK_DGRAM, 0));
	CHECK(vdestack_get_default() == NULL);
}

CASE(an_invalid_handle_does_not_become_the_default)
{
	struct vdestack *s = stack_with_probe(), *gone = legacy_stack(NULL, NULL);

	vde_delstack(gone);
	vde_default_stack(s);
	vde_default_stack(gone);
	CHECK(vdestack_get_default() == s);
	CHECK(socket_sees_probe(AF_INET, SOCK_DGRAM, 0));
}

static void *look_for_probe(void *arg)
{
	*(bool *)arg = socket_sees_probe(AF_INET, SOCK_DGRAM, 0);
	return NULL;
}

CASE(the_default_stack_is_that_of_all_threads)
{
	struct vdestack *s = stack_with_probe();
	pthread_t thread;
	bool seen = false;

	vde_default_stack(s);
	CHECK_EQ(pthread_create(&thread, NULL, look_for_probe, &seen), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(seen);
}
