/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvdestack-preload.so in programs that do not know the library: what they get, in which network, and
 * what the supervisor is asked for it.
 */

#include <arpa/nameser.h>
#include <dlfcn.h>
#include <limits.h>
#include <linux/capability.h>

#include "ground.h"
#include "name_server.h"
#include "preload/lookups.h"
#include <vdestack/dns.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* ------------------------------------------------------------------ helpers */

static const char *cookie_text(int fd)
{
	static char texts[4][24];
	static unsigned at;
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	MUST(fd);
	MUST(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len));
	close(fd);
	char *text = texts[at++ % 4];
	(void)snprintf(text, sizeof(texts[0]), "%llu", (unsigned long long)cookie);
	return text;
}

static const char *cookie_of_stack(struct vdestack *s)
{
	return cookie_text(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static const char *cookie_of_host(void)
{
	return cookie_text((int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

/* Runs a case of a probe with the cookies of stack 0, the host and stack 1. */
static void probe_by(struct ground *g, const char *file, const char *name)
{
	char *argv[6] = { (char *)(uintptr_t)file, (char *)name, (char *)cookie_of_stack(g->stacks[0]),
			  (char *)cookie_of_host() };

	if (g->stacks[1] != NULL)
		argv[4] = (char *)cookie_of_stack(g->stacks[1]);
	CHECK_EQ(ground_run(g, argv), 0);
	CHECK_EQ(g->stray, 0);
}

static void probe(struct ground *g, const char *name)
{
	probe_by(g, PROBE_FILE, name);
}

static struct ground one_stack(void)
{
	return (struct ground){ .stacks = { new_stack("iface=planet0 vnl=inproc://lan ip=10.9.0.1/24") } };
}

/* ------------------------------------------------------------------ sockets */

CASE(sockets_of_the_internet_families_are_in_the_stack)
{
	struct ground g = one_stack();

	probe(&g, "families");
	CHECK_EQ(g.runs, 1);
}

CASE(a_program_that_makes_many_sockets_gets_a_door)
{
	struct ground g = one_stack();

	probe(&g, "threads");
	CHECK(g.doors >= 1);
	CHECK(g.sockets < 100); /* of 400: the first two, and those of threads that came before the door */
}

CASE(a_program_that_makes_two_sockets_gets_no_door)
{
	struct ground g = one_stack();
	char *argv[] = { PROBE_FILE, "plain", NULL };

	(void)ground_run(&g, argv);
	CHECK(g.sockets <= 2);
}

CASE(without_a_door_the_supervisor_makes_the_sockets)
{
	struct ground g = one_stack();

	g.no_doors = true;
	probe(&g, "families");
	CHECK(g.doors >= 1);
	CHECK(g.sockets >= 7);
}

CASE(flags_are_those_of_the_call)
{
	struct ground g = one_stack();

	probe(&g, "flags");
}

CASE(success_keeps_errno_and_a_failure_has_that_of_the_kernel)
{
	struct ground g = one_stack();

	probe(&g, "errno");
}

CASE(a_program_that_closes_all_descriptors_gets_sockets)
{
	struct ground g = one_stack();

	probe(&g, "closes_all");
	CHECK_EQ(g.doors, 5); /* at the start, and after each of the four times */
}

CASE(forked_children_get_sockets)
{
	struct ground g = one_stack();

	probe(&g, "forks");
}

CASE(a_forked_child_gets_its_first_two_sockets_from_the_supervisor)
{
	struct ground g = one_stack();

	probe(&g, "short_children");
	CHECK_EQ(g.doors, 1);
	CHECK_EQ(g.sockets, 2 + 5 * 2); /* the parent's first two, and those of the children */
}

CASE(a_child_of_vfork_gets_sockets_and_makes_no_handle)
{
	struct ground g = one_stack();

	probe(&g, "vfork");
	CHECK_EQ(g.doors, 1); /* the parent's, afterwards */
}

CASE(an_executed_program_gets_sockets)
{
	struct ground g = one_stack();

	probe(&g, "execs");
	CHECK_EQ(g.runs, 2);
}

CASE(a_signal_handler_that_interrupts_malloc_gets_sockets)
{
	struct ground g = one_stack();

	probe(&g, "signals");
	CHECK(g.sockets >= 500); /* the handler's: to get a door takes memory */
}

CASE_FLAGS(threads_get_sockets_at_the_same_time, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	struct ground g = one_stack();

	probe(&g, "threads");
}

/* ------------------------------------------------------------------ without a run */

static int run_plain(const char *name)
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		int fd = (int)MUST(open(case_path("errors"), O_WRONLY | O_CREAT | O_TRUNC, 0600));
		MUST(dup2(fd, 2));
		MUST(setenv("LD_PRELOAD", SHIM_FILE, 1));
		(void)execl(PROBE_FILE, "probe", name, (char *)NULL);
		_exit(127);
	}
	MUST(waitpid(pid, &status, 0));
	return status;
}

static const char *errors(void)
{
	static char text[1000];
	int fd = (int)MUST(open(case_path("errors"), O_RDONLY | O_CLOEXEC));
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

CASE(outside_of_a_run_everything_is_libcs_and_nothing_is_said)
{
	CHECK_EQ(run_plain("plain"), 0);
	CHECK_STR(errors(), "");
}

CASE(a_program_that_should_be_in_a_run_says_so)
{
	MUST(setenv("VDESTACK_RUN", "1", 1));
	CHECK_EQ(run_plain("plain"), 0);
	CHECK_CONTAINS(errors(), "uses the host's network");
}

CASE(a_program_that_must_be_in_a_run_gets_no_sockets)
{
	MUST(setenv("VDESTACK_RUN", "require", 1));
	CHECK_EQ(run_plain("none"), 0);
	CHECK_CONTAINS(errors(), "gets no sockets");
}

/* ------------------------------------------------------------------ interfaces and names */

CASE(interfaces_are_those_of_the_stack)
{
	struct ground g = one_stack();

	probe(&g, "interfaces");
}

static struct name_server server;

static bool answer_few(const struct question *q, struct dns_message *m)
{
	static const uint8_t v6[16] = { 0xfd, 0, 0, 9, [15] = 8 };
	bool one = strcmp(q->name, "one.example") == 0, two = strcmp(q->name, "two.example") == 0;
	bool alias = strcmp(q->name, "alias.example") == 0, reverse = q->type == ns_t_ptr;
	static const uint8_t name[] = "\3one\7example";

	reverse = reverse && strcmp(q->name, "7.0.9.10.in-addr.arpa") == 0;
	dns_begin(m, q->id, one || two || alias || reverse ? 0x8180 : 0x8183, q->name, q->type);
	if (alias)
		dns_cname(m, q->name, 300, "two.example");
	if (reverse)
		dns_record(m, 1, q->name, ns_t_ptr, 300, name, sizeof(name));
	else if (q->type == ns_t_a && (one || two || alias))
		dns_a(m, one ? q->name : "two.example", 300, one ? 0x0a090007 : 0x0a090008);
	else if (q->type == ns_t_aaaa && (two || alias))
		dns_record(m, 1, "two.example", ns_t_aaaa, 300, v6, 16);
	else
		dns_soa(m, "example", 300, 300);
	return true;
}

static struct ground with_names(void)
{
	struct ground g = { .stacks = {
				    new_stack("iface=planet0 vnl=inproc://lan ip=10.9.0.1/24 dns=10.9.0.2 "
					      "ip=fd00:9::1/64 nodad") } };
	struct vdestack *far = new_stack("vnl=inproc://lan ip=10.9.0.2/24");

	name_server_start(&server, far, answer_few);
	return g;
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(case_path(name), "we");

	CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* The same program with glibc alone, in the same network. */
static void run_glibc(struct vdestack *home)
{
	char *argv[] = { "unshare",
			 case_is_root() ? "-m" : "-Urm",
			 "sh",
			 "-c",
			 "for f in resolv.conf nsswitch.conf hosts gai.conf; do"
			 " mount --bind $f /etc/$f || exit 1; done; exec " PROBE_FILE " names >glibc",
			 NULL };
	uint64_t caps = VDESTACK_CAPS_NETWORK | (case_is_root() ? VDESTACK_CAP(CAP_SYS_ADMIN) : 0);
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .cwd = case_tmp(), .caps = caps };

	write_file("resolv.conf", "nameserver 10.9.0.2\n");
	write_file("nsswitch.conf", "hosts: files dns\nservices: files\n");
	write_file("hosts", "127.0.0.1 localhost\n::1 localhost\n");
	/* The order of RFC 6724, as the resolver has it. */
	write_file("gai.conf", "precedence ::1/128 50\nprecedence ::/0 40\nprecedence ::ffff:0:0/96 35\n"
			       "precedence fc00::/7 3\nlabel ::1/128 0\nlabel ::/0 1\nlabel ::ffff:0:0/96 4\n"
			       "label fc00::/7 13\n");
	CHECK_EQ(MUST(vdestack_run(home, argv, &opts)), 0);
}

CASE(names_are_what_glibc_answers_in_the_same_network)
{
	struct ground g = with_names();
	char *argv[] = { "diff", "-u", (char *)case_path("glibc"), (char *)case_path("shim"), NULL };
	int status;

	run_glibc(g.stacks[0]);
	g.out = case_path("shim");
	probe(&g, "names");
	name_server_stop(&server);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

CASE(hostents_of_the_last_calls_stay)
{
	struct ground g = with_names();

	probe(&g, "static_names");
	name_server_stop(&server);
}

/* Programs of others. They have no sanitizer, and cannot load a library that has one. */
#define OTHERS CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER

static void run_program(struct ground *g, char *const argv[])
{
	g->out = case_path("out");
	CHECK_EQ(ground_run(g, argv), 0);
	name_server_stop(&server);
}

static const char *output(void)
{
	static char text[4000];
	int fd = (int)MUST(open(case_path("out"), O_RDONLY | O_CLOEXEC));
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void probe_names(const char *file, const char *name)
{
	struct ground g = with_names();

	probe_by(&g, file, name);
	name_server_stop(&server);
}

CASE(old_functions_for_names_give_each_thread_its_results)
{
	probe_names(PROBE_FILE, "old_names_in_threads");
}

/* (A sanitizer's own locks may stay locked in a child.) */
CASE_FLAGS(children_find_names_while_threads_of_their_parent_look_names_up,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	probe_names(PROBE_FILE, "names_in_children");
}

CASE_ROOT(a_program_that_gave_up_its_user_finds_names_and_gets_sockets)
{
	probe_names(PROBE_FILE, "names_without_rights");
}

/* The leak checker needs /proc. */
CASE_FLAGS(a_program_with_another_root_finds_names_and_gets_sockets, CASE_F_ROOT | CASE_F_NO_SANITIZER)
{
	MUST(chdir(case_tmp()));
	probe_names(PROBE_FILE, "names_in_another_root");
}

/* With a sanitizer all is in the program from its start. */
CASE_FLAGS(a_program_that_looks_nothing_up_has_one_library_more,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	struct ground g = one_stack();

	probe(&g, "late");
}

CASE(the_first_lookups_of_threads_at_the_same_time_have_answers)
{
	struct ground g = one_stack();

	probe(&g, "first_lookups");
}

CASE(a_child_of_vfork_loads_nothing_into_its_parent)
{
	struct ground g = one_stack();

	probe(&g, "vfork_lookup");
}

static void copy_file(const char *from, const char *to)
{
	char command[4 * PATH_MAX];

	(void)snprintf(command, sizeof(command), "mkdir -p \"$(dirname '%s')\" && cp '%s' '%s'", to, from,
		       to);
	CHECK_EQ(system(command), 0);
}

CASE(without_the_library_of_lookups_they_fail_and_the_host_is_not_asked)
{
	struct ground g = one_stack();

	g.shim = case_path("alone/shim.so");
	copy_file(SHIM_FILE, g.shim);
	probe(&g, "no_lookups");
}

CASE(a_library_of_lookups_that_is_another_file_or_of_another_version_answers_nothing)
{
	struct ground g = one_stack();

	g.shim = case_path("other/shim.so");
	copy_file(SHIM_FILE, g.shim);
	copy_file(PLUGIN_FILE, case_path("other/" VS_LOOKUPS_FILE));
	probe(&g, "no_lookups");
	void *library = dlopen(LOOKUPS_FILE, RTLD_NOW | RTLD_LOCAL);
	CHECK(library != NULL);
	vs_lookups_start_fn *start = (vs_lookups_start_fn *)(uintptr_t)dlsym(library, VS_LOOKUPS_START);
	CHECK(start != NULL);
	CHECK(start(VS_LOOKUPS_VERSION "x", NULL) == NULL);
	CHECK(start("", NULL) == NULL);
	CHECK(start(VS_LOOKUPS_VERSION, NULL) != NULL);
}

CASE_FLAGS(nothing_is_loaded_from_another_root, CASE_F_ROOT | CASE_F_NO_SANITIZER)
{
	struct ground g = one_stack();
	char planted[PATH_MAX];

	(void)snprintf(planted, sizeof(planted), "%s/root%s", case_tmp(), LOOKUPS_FILE);
	copy_file(PLANTED_FILE, planted);
	MUST(setenv("SHIM_PROBE_ROOT", case_path("root"), 1)); /* the program has it as well */
	probe(&g, "planted");
}

/* The address sanitizer refuses such objects. */
CASE_FLAGS(an_object_with_libcs_own_functions_gets_sockets_and_frees_results,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	probe_names(PROBE_FILE, "deepbind");
}

CASE_FLAGS(a_program_with_its_own_allocator_gets_sockets_names_and_interfaces, OTHERS)
{
	static const char *const names[] = { "names_in_children", "static_names", "names",  "deepbind",
					     "threads",           "interfaces",   "signals" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		probe_names(MALLOC_FILE, names[i]);
}

CASE(a_program_that_links_the_library_and_c_ares_gets_sockets_and_has_stacks_of_its_own)
{
	struct ground g = with_names();
	char *argv[] = { LINKED_FILE, (char *)(uintptr_t)cookie_of_stack(g.stacks[0]), NULL };

	CHECK_EQ(ground_run(&g, argv), 0);
	name_server_stop(&server);
}

CASE_FLAGS(getent_finds_names_of_the_stacks_network, OTHERS)
{
	struct ground g = with_names();
	char *argv[] = { "getent", "ahosts", "two.example", NULL };

	run_program(&g, argv);
	CHECK_CONTAINS(output(), "10.9.0.8");
	CHECK_CONTAINS(output(), "fd00:9::8");
}

CASE_FLAGS(python_finds_names_and_interfaces_of_the_stack, OTHERS)
{
	struct ground g = with_names();
	char *argv[] = { "python3", "-c",
			 "import socket\n"
			 "print(socket.gethostbyname_ex('alias.example'), socket.if_nameindex())\n"
			 "print(socket.getnameinfo(('10.9.0.7', 80), 0))\n"
			 "s = [socket.socket() for i in range(9)]\n",
			 NULL };

	run_program(&g, argv);
	CHECK_CONTAINS(output(), "('two.example', ['alias.example'], ['10.9.0.8'])");
	CHECK_CONTAINS(output(), "planet0");
	CHECK_CONTAINS(output(), "('one.example', 'http')");
}

CASE_FLAGS(ip_shows_the_stack, OTHERS)
{
	struct ground g = with_names();
	char *argv[] = { "ip", "-br", "address", NULL };

	run_program(&g, argv);
	CHECK_CONTAINS(output(), "planet0");
	CHECK_CONTAINS(output(), "10.9.0.1/24");
}

/* ------------------------------------------------------------------ rules */

static struct ground two_stacks(const char *rules)
{
	return (struct ground){
		.stacks = { new_stack("vnl=inproc://lan ip=10.9.0.1/24 dns=10.9.0.2"),
			    new_stack("vnl=inproc://other ip=10.8.0.1/24 ip=10.9.0.3/24 dns=10.9.0.2") },
		.rules = rules,
		.addresses = true,
	};
}

CASE(rules_about_addresses_move_sockets)
{
	struct ground g = two_stacks("stack a\nstack b\nremote=10.8.0.0/16 use b\nlocal=:8080 use b\n"
				     "remote=10.7.0.0/16 use deny\nremote=10.6.0.0/16 use host\ndefault a\n");

	probe(&g, "rules");
}

CASE(an_address_that_cannot_be_read_is_efault)
{
	struct ground g =
		two_stacks("stack a\nstack b\nremote=10.8.0.0/16 use b\nlocal=:8080 use b\ndefault a\n");

	probe(&g, "bad_addresses");
}

CASE_FLAGS(decisions_are_logged_to_the_standard_error_of_the_start, OTHERS)
{
	struct ground g = two_stacks("stack a\nstack b\nremote=10.8.0.0/16 use b\nlocal=:8080 use b\n"
				     "remote=10.7.0.0/16 use deny\nremote=10.6.0.0/16 use host\ndefault a\n");
	char *argv[] = { "sh",
			 "-c",
			 "exec \"$0\" \"$@\" 2>log",
			 PROBE_FILE,
			 "rules",
			 (char *)(uintptr_t)cookie_of_stack(g.stacks[0]),
			 (char *)(uintptr_t)cookie_of_host(),
			 (char *)(uintptr_t)cookie_of_stack(g.stacks[1]),
			 NULL };

	MUST(chdir(case_tmp()));
	g.flags = VS_ASK_DEBUG;
	CHECK_EQ(ground_run(&g, argv), 0);
	const char *log = text_of("log");
	CHECK_CONTAINS(log, " socket: a, by default, until a later call\n");
	CHECK_CONTAINS(log, " connect 10.8.0.9:7: b, by line 3; moved\n");
	CHECK_CONTAINS(log, " connect 10.7.0.1:7: deny, by line 5\n");
	CHECK_CONTAINS(log, " bind 0.0.0.0:8080: b, by line 4; moved\n");
	g.runs = 0;
	probe(&g, "log_stays");
}

CASE(a_rule_with_name_holds_for_addresses_that_the_name_gave)
{
	struct ground g = two_stacks("stack a\nstack b\nname=two.example use b\ndefault a\n");
	struct vdestack *far = new_stack("vnl=inproc://other ip=10.9.0.2/24");

	name_server_start(&server, far, answer_few);
	probe(&g, "rule_of_name");
	name_server_stop(&server);
}
