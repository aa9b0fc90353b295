/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Locators that name what belongs to the program and not to the keeper: descriptors, commands, files,
 * directories, the home, the environment, terminals. What works has the same meaning as in the program. What
 * cannot work is refused by the library, and by the keeper if the request does not come from the library.
 */

#define _GNU_SOURCE
#include <glob.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>

#include "raw.h"
#include "traffic.h"

#define BOTH_VDE (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* The path of that plugin; NULL: it is not installed. */
static const char *plugin_path(const char *name)
{
	static char path[512];
	char pattern[128];
	glob_t found;

	(void)snprintf(pattern, sizeof(pattern), "/usr/lib/*/vdeplug/libvdeplug_%s.so", name);
	int r = glob(pattern, 0, NULL, &found);
	if (r == 0)
		(void)snprintf(path, sizeof(path), "%s", found.gl_pathv[0]);
	globfree(&found);
	return r == 0 ? path : NULL;
}

/* ------------------------------------------------------------------ what is refused */

static void check_refused(const char *vnl, int err, const char *words)
{
	char config[600];

	(void)snprintf(config, sizeof(config), "vnl=\"%s\" ip=10.0.0.1/24", vnl);
	CHECK_ERRNO(vdestack_new(config, case_opts()), err);
	CHECK_CONTAINS(vdestack_last_error(), words);
}

CASE_FLAGS(a_descriptor_of_the_program_is_refused_and_an_alternative_named, BOTH_VDE)
{
	struct vdestack *other = stack_of("%s", "");
	char vnl[64];

	for (int n = 0; n < 12; n++) {
		(void)snprintf(vnl, sizeof(vnl), "seqpacket://%d", n);
		check_refused(vnl, ENOTSUP, "ptp://");
		(void)snprintf(vnl, sizeof(vnl), "vlan://1{seqpacket://%d}", n);
		check_refused(vnl, ENOTSUP, "ptp://");
	}
	CHECK_ERRNO(vdestack_iface_add(other, "vnl=inproc://lan vnl=seqpacket://4", case_opts()), ENOTSUP);
	CHECK_ERRNO(vdestack_if_nametoindex(other, "vde0"), ENODEV);
	tcp_one_way(other, "127.0.0.1", other);
	MUST(vdestack_delete(stack_of("%s", "vnl=inproc://lan")));
}

CASE_FLAGS(a_command_within_a_locator_is_refused_and_an_alternative_named, BOTH_VDE)
{
	const char *mark = case_path("mark");
	char vnl[300];

	(void)snprintf(vnl, sizeof(vnl), "vlan://1{cmd://touch %s}", mark);
	check_refused(vnl, ENOTSUP, "=COMMAND");
	(void)snprintf(vnl, sizeof(vnl), "slirp:///cmdfwd=10.0.2.9:7:'touch %s'", mark);
	check_refused(vnl, ENOTSUP, "=COMMAND");
	(void)snprintf(vnl, sizeof(vnl), "slirp:///c=10.0.2.9:7:'touch %s'", mark);
	check_refused(vnl, ENOTSUP, "=COMMAND");
	check_refused("pcap://dbus-session", ENOTSUP, "=COMMAND");
	CHECK(access(mark, F_OK) < 0);
}

/* A directory libvdeplug_a here would be searched for it. */
CASE_FLAGS(a_plugin_of_the_working_directory_is_not_loaded, BOTH_VDE)
{
	const char *plugin = plugin_path("null");

	if (plugin == NULL)
		SKIP("libvdeplug's plugins are not in /usr/lib/*/vdeplug");
	MUST(chdir(case_tmp()));
	MUST(mkdir("libvdeplug_a", 0755));
	tool_run(WORDS("cp", plugin, "libvdeplug_a/null.so"));
	check_refused("a/null://", EPROTONOSUPPORT, "slash");
	check_refused("vlan://1{a/null://}", EPROTONOSUPPORT, "slash");
}

/* libvdeplug uses the first line of a file as the locator. */
CASE_FLAGS(a_locator_in_a_file_is_checked_too, BOTH_VDE)
{
	const char *path = case_path("file"), *second = case_path("second"), *odd = case_path("a}b");
	char vnl[300];

	write_file(path, "seqpacket://5\n");
	check_refused(path, ENOTSUP, "ptp://");
	(void)snprintf(vnl, sizeof(vnl), "vlan://1{%s}", path);
	check_refused(vnl, ENOTSUP, "ptp://");
	(void)snprintf(vnl, sizeof(vnl), "vlan://1{%s}\n", path);
	write_file(second, vnl);
	check_refused(second, ENOTSUP, "ptp://");
	write_file(odd, "cmd://true");
	(void)snprintf(vnl, sizeof(vnl), "vlan://1{%s}", odd);
	check_refused(vnl, ENOTSUP, "=COMMAND");
	MUST(chdir(case_tmp()));
	check_refused("file", ENOTSUP, "ptp://");
}

CASE_FLAGS(a_locator_in_the_home_is_checked_too, BOTH_VDE)
{
	MUST(setenv("HOME", case_tmp(), 1));
	MUST(mkdir(case_path(".vdeplug"), 0755));
	write_file(case_path(".vdeplug/default"), "cmd://true\n");
	check_refused("vlan://1{}", ENOTSUP, "=COMMAND");
	check_refused("vlan://1", ENOTSUP, "=COMMAND");
	write_file(case_path(".vdeplug/default"), "seqpacket://4\n");
	check_refused("vlan://1{}", ENOTSUP, "ptp://");
}

/* ------------------------------------------------------------------ past the library */

static int directories(int dirs[2])
{
	dirs[0] = (int)MUST(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	dirs[1] = (int)MUST(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
	return 2;
}

/* A stack made by the library, and its door and key. */
static struct vdestack *seen_stack(void)
{
	struct vdestack *s = stack_of("%s", "");
	char value[16];

	MUST(vdestack_sysctl_get(s, "ipv4/ip_forward", value, sizeof(value)));
	CHECK(seen.front >= 0 && seen.door >= 0);
	return s;
}

/* With key and credentials of the owner, so only the locator is wrong. */
static struct raw_request owners_request(uint32_t op, const char *vnl)
{
	struct raw_request r = { .req = { .op = op, .seq = 1, .timeout_ms = 3000 }, .text = vnl,
				 .text_len = strlen(vnl), .claim = &seen.claim };

	(void)snprintf(r.req.iface.name, sizeof(r.req.iface.name), "evil0");
	return r;
}

static void raw_refused(uint32_t op, const char *vnl, int err, const char *words)
{
	static char answer[VS_TEXT_MAX + 1];
	struct raw_request request = owners_request(op, vnl);

	request.n_fds = (size_t)directories(request.fds);
	int dirs[] = { request.fds[0], request.fds[1] };
	int r = raw_call(op == VS_OP_CREATE ? seen.front : seen.door, &request, answer);
	if (r != -err)
		FAIL("\"%s\": %d, \"%s\"", vnl, r, answer);
	CHECK_CONTAINS(answer, words);
	close(dirs[0]);
	close(dirs[1]);
}

CASE_FLAGS(a_keeper_that_gets_a_raw_request_executes_nothing, BOTH_VDE)
{
	static const char *const around[][2] = {
		{ "cmd://", "" }, { "=", "" }, { "vlan://1{cmd://", "}" },
		{ "vlan://1{vlan://2{cmd://", "}}" }, { "slirp:///cmdfwd=10.0.2.9:7:'", "'" },
		{ "slirp:///%63md=10.0.2.9:7:'", "'" },
	};
	const char *mark = case_path("mark"), *file = case_path("file");
	struct vdestack *s = seen_stack();
	char vnl[300];

	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		(void)snprintf(vnl, sizeof(vnl), "%stouch %s%s", around[i][0], mark, around[i][1]);
		raw_refused(VS_OP_ADD, vnl, ENOTSUP, "=COMMAND");
		raw_refused(VS_OP_CREATE, vnl, ENOTSUP, "=COMMAND");
	}
	(void)snprintf(vnl, sizeof(vnl), "cmd://touch %s\n", mark);
	write_file(file, vnl);
	raw_refused(VS_OP_ADD, file, ENOTSUP, "=COMMAND");
	if (!case_is_inprocess())
		CHECK_EQ(find_children(the_keeper(), NULL, NULL, 0), 0);
	CHECK(access(mark, F_OK) < 0);
	tcp_one_way(s, "127.0.0.1", s);
}

CASE_FLAGS(a_keeper_that_gets_a_raw_request_keeps_its_descriptors, BOTH_VDE)
{
	struct vdestack *s = seen_stack();
	char vnl[64];

	for (int n = 0; n < 16; n++) {
		(void)snprintf(vnl, sizeof(vnl), "seqpacket://%d", n);
		raw_refused(VS_OP_ADD, vnl, ENOTSUP, "ptp://");
	}
	raw_refused(VS_OP_CREATE, "vlan://1{seqpacket://5}", ENOTSUP, "ptp://");
	raw_refused(VS_OP_ADD, "a/b://", EPROTONOSUPPORT, "slash");
	raw_refused(VS_OP_ADD, "{{{{{{{{{{{{{{{{{{", EINVAL, "braces");
	tcp_one_way(s, "127.0.0.1", s);
	MUST(vdestack_delete(stack_of("%s", "vnl=inproc://lan")));
}

static int raw_stream(int stream, const char **message)
{
	static char answer[VS_TEXT_MAX + 1];
	struct raw_request request = owners_request(VS_OP_ADD, "=x");

	request.n_fds = (size_t)directories(request.fds);
	int dirs[] = { request.fds[0], request.fds[1] };
	request.fds[request.n_fds++] = stream;
	int r = raw_call(seen.door, &request, answer);
	close(dirs[0]);
	close(dirs[1]);
	*message = answer;
	return r;
}

CASE_FLAGS(a_descriptor_that_is_no_stream_is_refused_by_the_keeper, BOTH_VDE)
{
	struct vdestack *s = seen_stack();
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const char *message = "";
	int fds[7], pair[2];

	MUST(pipe2(fds, O_CLOEXEC));
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	fds[2] = pair[0];
	fds[3] = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	fds[4] = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	fds[5] = (int)MUST(open("/dev/null", O_RDWR | O_CLOEXEC));
	fds[6] = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(bind(fds[6], (struct sockaddr *)&name, sizeof(name.sun_family)));
	MUST(listen(fds[6], 1));
	for (int i = 0; i < 7; i++) {
		int r = raw_stream(fds[i], &message);
		if (r != -EINVAL)
			FAIL("descriptor %d: %d, \"%s\"", i, r, message);
		CHECK_CONTAINS(message, "stream");
	}
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	CHECK_EQ(raw_stream(pair[0], &message), 0);
	MUST(vdestack_if_nametoindex(s, "evil0"));
}

/* ------------------------------------------------------------------ what works */

CASE_FLAGS(a_file_that_names_a_network_is_that_network, BOTH_VDE)
{
	const char *path = case_path("hub"), *file = case_path("file");
	char text[300];
	struct tool hub;

	(void)snprintf(text, sizeof(text), "hub://%s", path);
	node_start(&hub, text);
	(void)snprintf(text, sizeof(text), "vde://%s\n", path);
	write_file(file, text);
	struct vdestack *a = stack_of("vnl=%s ip=10.0.0.1/24", file),
			*b = stack_of("vnl=%s ip=10.0.0.2/24", path);
	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
}

/* The keeper's environment is that of the program at its first stack. */
CASE_FLAGS(the_home_at_the_first_stack_is_used, BOTH_VDE)
{
	const char *path = case_path("hub");
	char text[300];
	struct tool hub;

	(void)snprintf(text, sizeof(text), "hub://%s", path);
	node_start(&hub, text);
	MUST(setenv("HOME", case_tmp(), 1));
	MUST(mkdir(case_path(".vdeplug"), 0755));
	MUST(symlink(path, case_path(".vdeplug/default")));
	struct vdestack *a = stack_of("%s", "vnl=vlan://3{} ip=10.0.0.1/24 mtu=1496");
	if (!case_is_inprocess())
		MUST(setenv("HOME", "/nowhere", 1));
	struct vdestack *b = stack_of("%s", "vnl=vlan://3{} ip=10.0.0.2/24 mtu=1496");
	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
}

CASE_FLAGS(relative_paths_of_other_plugins_start_at_the_directory_of_the_caller, BOTH_VDE)
{
	struct vdestack *a, *b;

	MUST(chdir(case_tmp()));
	a = stack_of("%s", "vnl=hub://hub ip=10.0.0.1/24");
	CHECK(access(case_path("hub/ctl"), F_OK) == 0);
	b = stack_of("%s", "vnl=vlan://3{vde://hub} ip=10.1.0.2/24 mtu=1496");
	MUST(vdestack_delete(b));
	b = stack_of("%s", "vnl=hub ip=10.0.0.2/24");
	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
	a = stack_of("%s", "vnl=ptp://ptp ip=10.2.0.1/24");
	b = stack_of("vnl=ptp://%s ip=10.2.0.2/24", case_path("ptp"));
	tcp_both_ways(a, "10.2.0.1", b, "10.2.0.2");
	MUST(vdestack_delete(stack_of("%s", "vnl=multi://multi vnl=bonding://bonding vnl=switch://switch")));
}

/* Without the plugin it is refused as unknown; both results are right. */
static bool have_plugin(const char *name, const char *vnl)
{
	char config[600];

	if (plugin_path(name) != NULL)
		return true;
	(void)snprintf(config, sizeof(config), "vnl='%s'", vnl);
	CHECK_ERRNO(vdestack_new(config, case_opts()), EPROTONOSUPPORT);
	return false;
}

CASE_FLAGS(a_key_file_is_read_from_where_its_path_says, BOTH_VDE)
{
	const char *path = case_path("hub"), *key = case_path("key");
	char text[300], vnl[300];
	struct tool hub;

	(void)snprintf(vnl, sizeof(vnl), "agno://%s{vde://%s}", key, path);
	if (!have_plugin("agno", vnl))
		return;
	(void)snprintf(text, sizeof(text), "hub://%s", path);
	node_start(&hub, text);
	/* The plugin needs an absolute path or ~. */
	CHECK_ERRNO(vdestack_new("vnl=agno://key{null://}", case_opts()), EINVAL);
	write_file(key, "0123456789abcdef0123456789abcdef\n");
	struct vdestack *a = stack_of("vnl='%s' ip=10.0.0.1/24 mtu=1400", vnl);
	struct vdestack *b = stack_of("vnl='%s' ip=10.0.0.2/24 mtu=1400", vnl);
	CHECK(datagram_arrives(a, b, "10.0.0.2", 100, false, SOON_MS));
}

/* The home of the keeper's user, which is the program's, in the list of users; not $HOME. */
CASE_FLAGS(the_key_in_the_home_is_that_of_the_programs_user, BOTH_VDE)
{
	const struct passwd *entry = getpwuid(geteuid());
	char path[300], config[64];

	if (!have_plugin("agno", "agno://{null://}") || entry == NULL)
		return;
	(void)snprintf(path, sizeof(path), "%s/.key-%d", entry->pw_dir, (int)getpid());
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	bool there = fd >= 0 && write(fd, "0123456789abcdef", 16) == 16;
	close(fd);
	MUST(setenv("HOME", case_tmp(), 1));
	(void)snprintf(config, sizeof(config), "vnl=agno://~/.key-%d{null://}", (int)getpid());
	struct vdestack *s = vdestack_new(config, case_opts());
	int err = errno;
	(void)unlink(path);
	if (there && s == NULL)
		FAIL("%s", vdestack_last_error());
	if (!there)
		CHECK(s == NULL && err == ENOENT);
}

/* Some locators contain no path, home, descriptor or command: they are opened unchanged. */
CASE_FLAGS(a_capture_of_an_interface_needs_the_privilege_of_the_program,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	if (!have_plugin("pcap", "pcap://lo"))
		return;
	struct vdestack *s = vdestack_new("vnl=pcap://lo", case_opts());
	CHECK((s != NULL) == case_is_root());
	CHECK(s != NULL || errno == EPERM);
}

CASE_FLAGS(a_terminal_that_hangs_up_ends_only_its_link, BOTH_VDE)
{
	struct vdestack *other = stack_of("%s", "");
	struct vdestack_opts once = { .size = sizeof(once),
				      .flags = case_opts_flags() | VDESTACK_NO_RECONNECT };
	char vnl[300];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0)
		SKIP("no pseudo-terminals here");
	MUST(grantpt(master));
	MUST(unlockpt(master));
	(void)snprintf(vnl, sizeof(vnl), "vdesl://%s", ptsname(master));
	if (!have_plugin("vdesl", vnl))
		return;
	char config[400];
	(void)snprintf(config, sizeof(config), "vnl=%s ip=10.0.0.1/24", vnl);
	struct vdestack *s = vdestack_new(config, &once);
	/* the program itself would hang up */
	if (s == NULL && case_is_inprocess() && getsid(0) == getpid()) {
		CHECK_EQ(errno, ENOTSUP);
		CHECK_CONTAINS(vdestack_last_error(), "terminal");
		return;
	}
	if (s == NULL)
		FAIL("%s", vdestack_last_error());
	close(master);
	for (int i = 0; i < 20; i++) {
		sleep_ms(10);
		tcp_one_way(other, "127.0.0.1", other);
	}
	tcp_one_way(s, "127.0.0.1", s);
	MUST(vdestack_delete(s));
	MUST(vdestack_delete(stack_of("%s", "vnl=inproc://lan")));
}
