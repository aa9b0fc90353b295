/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What code that runs in the keeper cannot do. A plugin for tests (tests/support/provoke.c) makes the calls
 * that the keeper gave up. The keeper ends by SIGSYS. The program gets ENETDOWN and can use another keeper.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <endian.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "net.h"
#include "refuse.h"
#include "stacks.h"

#define PROCESS_VDE (CASE_F_ROOT | CASE_F_USER)

/* ------------------------------------------------------------------ helpers */

static struct vdestack *stack_with_plugin(void)
{
	MUST(setenv("VDEPLUGIN_PATH", PROVOKE_DIR, 1));
	return new_stack("%s", "");
}

/* -1 with errno, as vdestack_iface_add() */
static int provoke(struct vdestack *stack, const char *call)
{
	char config[128];

	(void)snprintf(config, sizeof(config), "iface=bad vnl=provoke://%s", call);
	return vdestack_iface_add(stack, config, case_opts());
}

static void lose_the_keeper(const char *call)
{
	struct vdestack *stack = stack_with_plugin();

	CHECK_ERRNO(provoke(stack, call), ENETDOWN);
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0), ENETDOWN);
	MUST(vdestack_delete(stack));
	stack = new_stack("%s", "");
	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0)));
	MUST(vdestack_delete(stack));
}

/*
 * The program is a child. Its two keepers are orphans, which become children of this process: the first one
 * has been killed by sig, the second one has ended by itself.
 */
static void ends_the_keeper(const char *call, int sig)
{
	int status, killed = 0, ended = 0;

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	pid_t program = (pid_t)MUST(fork());
	if (program == 0) {
		lose_the_keeper(call);
		exit(0);
	}
	MUST(waitpid(program, &status, 0));
	CHECK_EQ(status, 0);
	while (waitpid(-1, &status, 0) > 0) {
		killed += WIFSIGNALED(status) && WTERMSIG(status) == sig;
		ended += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	CHECK_EQ(errno, ECHILD);
	CHECK_EQ(killed, 1);
	CHECK_EQ(ended, 1);
}

static void check_living(const struct pair *p)
{
	check_udp(p->a, p->b, "10.9.0.2");
	check_tcp(p->b, p->a, "10.9.0.1", 80);
}

/* Each of a group, with a keeper of its own. */
static void each_ends_the_keeper(const char *const *calls)
{
	for (; *calls != NULL; calls++) {
		(void)fprintf(stderr, "%s\n", *calls);
		ends_the_keeper(*calls, SIGSYS);
	}
}

static void gives(const char *call, int err)
{
	struct vdestack *stack = stack_with_plugin();
	pid_t keeper = net_keeper();

	if (err == 0)
		MUST(provoke(stack, call));
	else
		CHECK_ERRNO(provoke(stack, call), err);
	CHECK_EQ(net_keeper(), keeper);
	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0)));
	MUST(vdestack_delete(stack));
}

#define KILLS(name, ...)                                                                                     \
	CASE_FLAGS(name, PROCESS_VDE)                                                                        \
	{                                                                                                    \
		each_ends_the_keeper((const char *const[]){ __VA_ARGS__, NULL });                            \
	}

/* ------------------------------------------------------------------ what ends the keeper */

KILLS(a_keeper_that_executes_a_program_ends, "execve", "execveat")
KILLS(a_keeper_that_traces_a_process_ends, "ptrace")
KILLS(a_keeper_that_accesses_other_processes_ends,
      "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd")
KILLS(a_keeper_that_mounts_ends, "mount", "umount2", "pivot_root")
KILLS(a_keeper_that_mounts_by_descriptors_ends,
      "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr")
KILLS(a_keeper_that_opens_a_file_by_its_handle_ends, "open_by_handle_at")
KILLS(a_keeper_that_loads_a_module_ends, "init_module", "finit_module", "delete_module")
KILLS(a_keeper_that_loads_another_kernel_ends, "kexec_load")
KILLS(a_keeper_that_loads_a_bpf_program_ends, "bpf")
KILLS(a_keeper_that_observes_performance_ends, "perf_event_open")
KILLS(a_keeper_that_uses_the_kernels_keys_ends, "keyctl", "add_key", "request_key")
KILLS(a_keeper_that_handles_page_faults_ends, "userfaultfd")
KILLS(a_keeper_that_uses_io_uring_ends, "io_uring_setup", "io_uring_enter", "io_uring_register")
KILLS(a_keeper_that_changes_its_personality_ends, "personality")
KILLS(a_keeper_that_changes_the_host_ends,
      "reboot", "swapon", "swapoff", "acct", "quotactl", "sethostname", "setdomainname", "vhangup")
KILLS(a_keeper_that_sets_the_clock_ends, "settimeofday", "clock_settime")
KILLS(a_keeper_that_makes_a_user_namespace_ends, "unshare_user", "clone_user")
KILLS(a_keeper_that_makes_a_mount_namespace_ends, "unshare_mounts", "clone_mounts")
KILLS(a_keeper_that_makes_a_pid_namespace_ends, "unshare_pids")
KILLS(a_keeper_that_enters_a_foreign_namespace_ends, "setns_user", "setns_any")
#ifdef SYS_iopl
KILLS(a_keeper_that_accesses_io_ports_ends, "iopl", "ioperm")
#endif
#ifdef SYS_lookup_dcookie
KILLS(a_keeper_that_makes_a_call_of_old_kernels_ends, "lookup_dcookie")
#endif
#ifdef __x86_64__
/* A kernel built without these calls ends the caller by SIGSEGV, with or without filter. */
static bool knows_i386(void)
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		long number = 20; /* getpid */
		(void)signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would exit */
		__asm__ volatile("int $0x80" : "+a"(number) : : "memory", "r8", "r9", "r10", "r11");
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	return WIFEXITED(status);
}

CASE_FLAGS(a_keeper_that_calls_as_32_bit_programs_do_ends, PROCESS_VDE)
{
	ends_the_keeper("i386", knows_i386() ? SIGSYS : SIGSEGV);
}

KILLS(a_keeper_that_calls_as_x32_programs_do_ends, "x32")
#endif

/* ------------------------------------------------------------------ what it can do without */

CASE_FLAGS(a_plugin_cannot_make_a_process, PROCESS_VDE)
{
	gives("fork", EPERM);
	gives("clone_process", EPERM);
	gives("system", EPERM);
}

CASE_FLAGS(clone3_is_unknown_in_the_keeper, PROCESS_VDE)
{
	gives("clone3", ENOSYS);
}

CASE_FLAGS(a_plugin_can_make_threads, PROCESS_VDE)
{
	gives("thread", 0);
}

CASE_FLAGS(a_plugin_can_unshare_its_tables, PROCESS_VDE)
{
	gives("unshare_tables", 0);
}

CASE_FLAGS(a_plugin_can_read_its_personality, PROCESS_VDE)
{
	gives("personality_ask", 0);
}

CASE_FLAGS(the_securebits_of_a_keeper_are_locked, PROCESS_VDE)
{
	gives("securebits", 0);
}

/* The filter allows it. It fails for lack of capabilities. */
CASE_FLAGS(a_plugin_cannot_enter_a_network_namespace, PROCESS_VDE)
{
	gives("setns_net", EPERM);
}

/* ------------------------------------------------------------------ what still works */

static long status_line(pid_t pid, const char *name)
{
	char path[64], line[256];
	long value = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtol(line + strlen(name), NULL, 10);
	if (f != NULL)
		fclose(f);
	return value;
}

/* If anything were executed in the keeper, the keeper would end. */
CASE_FLAGS(a_keeper_does_all_its_work_behind_the_filter, PROCESS_VDE | CASE_F_NO_TUN)
{
	const char *hub = case_path("hub"), *wire = case_path("wire");
	struct pair p = new_pair();
	pid_t keeper = net_keeper();
	char value[16];
	int status_fd, status;

	CHECK_EQ(status_line(keeper, "Seccomp:"), 2);
	struct pair q = { new_stack("vnl=hub://%s ip=10.9.0.1/24", hub),
			  new_stack("vnl=vde://%s ip=10.9.0.2/24", hub) };
	struct vdestack *c = new_stack("vnl='=vde_plug ptp://%s'", wire);
	check_living(&p);
	check_living(&q);
	MUST(vdestack_iface_add(c, "iface=more vnl=inproc://more", case_opts()));
	MUST(vdestack_iface_del(c, "more"));
	MUST(vdestack_sysctl_get(c, "ipv4.ip_forward", value, sizeof(value)));
	int netns = (int)MUST(vdestack_netns(c));
	struct vdestack *adopted = vdestack_adopt_fd(netns, "", case_opts());
	CHECK(adopted != NULL);
	close(netns);
	CHECK_EQ(MUST(vdestack_run(p.a, (char *[]){ (char *)"true", NULL }, NULL)), 0);
	close((int)MUST(vdestack_spawn(p.a, (char *[]){ (char *)"true", NULL }, NULL, &status_fd)));
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
	close(status_fd);
	CHECK_EQ(kill(keeper, 0), 0);
	MUST(vdestack_delete(adopted));
	MUST(vdestack_delete(c));
	MUST(vdestack_delete(q.a));
	MUST(vdestack_delete(q.b));
	check_living(&p);
	MUST(vdestack_delete(p.a));
	MUST(vdestack_delete(p.b));
	CHECK(net_wait_keepers(0, SOON_MS));
}

/* ------------------------------------------------------------------ plugins that no other test opens */

/* The link comes up, accepts a frame (an announcement of the stack or an ARP request) and stays. */
static void opens(const char *scheme, const char *rest)
{
	struct vdestack *stack = new_stack("vnl=%s%s ip=10.9.0.1/24", scheme, rest);
	pid_t keeper = net_keeper();
	int s = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct sockaddr_in to = address("10.9.0.2", 9);

	MUST(sendto(s, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	close(s);
	CHECK_EQ(status_line(keeper, "Seccomp:"), 2);
	MUST(vdestack_iface_del(stack, "vde0"));
	CHECK_EQ(kill(keeper, 0), 0);
	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0)));
	MUST(vdestack_delete(stack));
	CHECK(net_wait_keepers(0, 10000)); /* for the next net_keeper() */
}

CASE_FLAGS(links_to_nowhere_and_nodes_of_several_links_work_behind_the_filter, PROCESS_VDE)
{
	opens("null://", "");
	opens("multi://", case_path("multi"));
	opens("bonding://", case_path("bonding"));
}

CASE_FLAGS(two_stacks_talk_through_encryption_behind_the_filter, PROCESS_VDE)
{
	const char *key = case_path("key"), *wire = case_path("wire");
	int fd = (int)MUST(open(key, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));

	MUST(write(fd, "0123456789abcdef0123456789abcdef\n", 33));
	close(fd);
	struct pair p = { new_stack("vnl='agno://%s{hub://%s}' ip=10.9.0.1/24", key, wire),
			  new_stack("vnl='agno://%s{vde://%s}' ip=10.9.0.2/24", key, wire) };
	check_living(&p);
	MUST(vdestack_delete(p.a));
	MUST(vdestack_delete(p.b));
}

CASE_FLAGS(a_serial_line_is_a_link_behind_the_filter, PROCESS_VDE)
{
	int line = (int)MUST(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
	char name[64];

	MUST(grantpt(line));
	MUST(unlockpt(line));
	CHECK_EQ(ptsname_r(line, name, sizeof(name)), 0);
	opens("vdesl://", name);
	close(line);
}

/* As root of a network namespace of its own, with an interface to capture from. */
CASE_FLAGS(an_interface_of_the_host_is_captured_behind_the_filter, CASE_F_ROOT)
{
	MUST(unshare(CLONE_NEWNET));
	CHECK_EQ(system("ip link add left type veth peer name right && ip link set left up && ip link set "
			"right up"),
		 0);
	opens("pcap://", "left");
}

/* ------------------------------------------------------------------ where there can be no filter */

/* Like a program's own filter that refuses further filters. */
static void refuse_filters(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[0]) + 4 * (__BYTE_ORDER == __BIG_ENDIAN)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
}

/*
 * Whether every thread of the keeper is behind the keeper's filter, also the one that was started before it:
 * the networking thread of the first stack. *filters: of the keeper and its program together.
 */
static bool all_threads_have(void *filters)
{
	char dir[64];
	bool all = true;

	(void)snprintf(dir, sizeof(dir), "/proc/%d/task", (int)net_keeper());
	DIR *d = opendir(dir);
	CHECK(d != NULL);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		pid_t tid = (pid_t)atoi(e->d_name);
		all = all && (tid == 0 || (status_line(tid, "Seccomp:") == 2 &&
					   status_line(tid, "Seccomp_filters:") == *(const int *)filters &&
					   status_line(tid, "NoNewPrivs:") == 1));
	}
	closedir(d);
	return all;
}

/* A thread that was dismissed for lack of the filter may still be there for a moment. */
static void check_all_threads(int filters)
{
	CHECK(wait_until(all_threads_have, &filters, SOON_MS));
	CHECK(count_tasks_of(net_keeper()) >= 2);
}

CASE(all_threads_of_a_keeper_are_behind_the_filter)
{
	struct vdestack *stack = new_stack("%s", "");

	check_all_threads(1);
	MUST(vdestack_delete(stack));
}

/* Then the filter is set by prctl(2), which cannot do that for other threads. */
CASE_FLAGS(all_threads_of_a_keeper_are_behind_the_filter_where_the_call_for_all_is_refused,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	MUST(refuse_call(SYS_seccomp, 0, ENOSYS));
	struct vdestack *stack = new_stack("%s", "");
	check_all_threads(2);
	MUST(vdestack_delete(stack));
}

static int warnings;

static void hear(void *arg, int level, const char *message)
{
	(void)arg;
	if (level != 4)
		return;
	CHECK_CONTAINS(message, "seccomp");
	warnings++;
}

CASE_FLAGS(a_keeper_without_a_filter_works_and_is_logged_once,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	vdestack_set_log(hear, NULL);
	refuse_filters();
	struct pair p = new_pair();
	CHECK_EQ(status_line(net_keeper(), "Seccomp_filters:"), 1); /* the program's */
	CHECK_EQ(warnings, 1);
	check_living(&p);
	MUST(vdestack_delete(p.a));
	MUST(vdestack_delete(p.b));
}

CASE(a_keeper_with_a_filter_logs_no_warning)
{
	vdestack_set_log(hear, NULL);
	MUST(vdestack_delete(new_stack("%s", "")));
	CHECK_EQ(warnings, 0);
}

CASE_FLAGS(where_clone3_is_refused_and_no_filter_can_help_no_keeper_starts,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	MUST(refuse_call(SYS_clone3, 0, EPERM));
	refuse_filters();
	CHECK_ERRNO(vdestack_new("", case_opts()), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "clone3");
}
