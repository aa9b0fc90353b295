/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the keeper cannot be made to do by code that runs in it: a planted plugin (tests/support/provoke.c) makes the calls
 * that the keeper gave up. The keeper ends by SIGSYS, the program gets ENETDOWN and can go on with another one.
 */

#define _GNU_SOURCE
#include <sys/syscall.h>

#include "net.h"
#include "refuse.h"
#include "stacks.h"

#define PROCESS_VDE (CASE_F_ROOT | CASE_F_USER)

/* ------------------------------------------------------------------ helpers */

static struct vdestack *stack_with_plugin(void)
{
	MUST(setenv("VDEPLUGIN_PATH", PROVOKE_DIR, 1));
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)); /* so that the keeper is a child that can be waited for */
	return new_stack("%s", "");
}

/* -1 with errno, as vdestack_add() */
static int provoke(struct vdestack *stack, const char *call)
{
	char config[128];

	(void)snprintf(config, sizeof(config), "iface=bad vnl=provoke://%s", call);
	return vdestack_add(stack, config, case_opts());
}

/* The signal that ended it; the library may wait for it as well. */
static int end_of(pid_t keeper)
{
	siginfo_t info = { 0 };

	MUST(waitid(P_PID, (id_t)keeper, &info, WEXITED | WNOWAIT));
	CHECK(info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
	return info.si_status;
}

static void ends_the_keeper(const char *call, int sig)
{
	struct vdestack *stack = stack_with_plugin();
	pid_t keeper = net_keeper();

	CHECK_ERRNO(provoke(stack, call), ENETDOWN);
	CHECK_EQ(end_of(keeper), sig);
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0), ENETDOWN);
	MUST(vdestack_delete(stack));
	stack = new_stack("%s", "");
	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0)));
	MUST(vdestack_delete(stack));
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
KILLS(a_keeper_that_reaches_into_other_processes_ends, "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd")
KILLS(a_keeper_that_mounts_ends, "mount", "umount2", "pivot_root")
KILLS(a_keeper_that_mounts_by_descriptors_ends, "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr")
KILLS(a_keeper_that_opens_a_file_by_its_handle_ends, "open_by_handle_at")
KILLS(a_keeper_that_loads_a_module_ends, "init_module", "finit_module", "delete_module")
KILLS(a_keeper_that_loads_another_kernel_ends, "kexec_load")
KILLS(a_keeper_that_loads_a_bpf_program_ends, "bpf")
KILLS(a_keeper_that_observes_performance_ends, "perf_event_open")
KILLS(a_keeper_that_uses_the_kernels_keys_ends, "keyctl", "add_key", "request_key")
KILLS(a_keeper_that_handles_page_faults_ends, "userfaultfd")
KILLS(a_keeper_that_uses_io_uring_ends, "io_uring_setup", "io_uring_enter", "io_uring_register")
KILLS(a_keeper_that_changes_its_personality_ends, "personality")
KILLS(a_keeper_that_changes_the_host_ends, "reboot", "swapon", "swapoff", "acct", "quotactl", "sethostname", "setdomainname", "vhangup")
KILLS(a_keeper_that_sets_the_clock_ends, "settimeofday", "clock_settime")
KILLS(a_keeper_that_makes_a_user_namespace_ends, "unshare_user", "clone_user")
KILLS(a_keeper_that_makes_a_mount_namespace_ends, "unshare_mounts", "clone_mounts")
KILLS(a_keeper_that_makes_a_pid_namespace_ends, "unshare_pids")
KILLS(a_keeper_that_enters_a_foreign_namespace_ends, "setns_user", "setns_any")
#ifdef SYS_iopl
KILLS(a_keeper_that_reaches_for_ports_of_the_hardware_ends, "iopl", "ioperm")
#endif
#ifdef SYS_lookup_dcookie
KILLS(a_keeper_that_makes_a_call_of_old_kernels_ends, "lookup_dcookie")
#endif
#ifdef __x86_64__
/* A kernel built without these calls ends whoever tries by SIGSEGV, filter or not. */
static bool knows_i386(void)
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		__asm__ volatile("int $0x80" : : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
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

CASE_FLAGS(a_plugin_can_make_no_process, PROCESS_VDE)
{
	gives("fork", EPERM);
	gives("clone_process", EPERM);
	gives("system", EPERM);
}

CASE_FLAGS(clone3_is_unknown_in_the_keeper, PROCESS_VDE)
{
	gives("clone3", ENOSYS);
}

CASE_FLAGS(a_plugin_makes_threads, PROCESS_VDE)
{
	gives("thread", 0);
}

CASE_FLAGS(a_plugin_has_tables_of_its_own, PROCESS_VDE)
{
	gives("unshare_tables", 0);
}

CASE_FLAGS(a_plugin_asks_for_its_personality, PROCESS_VDE)
{
	gives("personality_ask", 0);
}

/* The filter lets it pass, the capabilities do not. */
CASE_FLAGS(a_plugin_still_enters_no_network_namespace, PROCESS_VDE)
{
	gives("setns_net", EPERM);
}
