/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Subreapers and PID 1, to which orphans go, and programs below a PID 1 that reaps nothing. Keepers and
 * runners have holders there. The library reaps these, and no other child.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include "net.h"
#include <vdestack.h>

#define LIMIT_MS 20000 /* upper bound for what happens at once */

/* Two stacks, sockets and a command, all of it deleted. */
static void live_a_life(void)
{
	struct vdestack *pair[2];
	char *argv[] = { "true", NULL };

	net_pair(pair);
	net_talk(pair[0], "10.9.0.1", pair[1]);
	CHECK_EQ(MUST(vdestack_run(pair[0], argv, NULL)), 0);
	MUST(vdestack_delete(pair[0]));
	MUST(vdestack_delete(pair[1]));
}

static bool has_ended(void *arg)
{
	siginfo_t info = { 0 };

	MUST(waitid(P_PID, (id_t) * (pid_t *)arg, &info, WEXITED | WNOHANG | WNOWAIT));
	return info.si_pid != 0;
}

static bool is_gone(void *arg)
{
	return kill(*(pid_t *)arg, 0) < 0 && errno == ESRCH;
}

static pid_t ended_child(int code)
{
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0)
		_exit(code);
	CHECK(wait_until(has_ended, &pid, LIMIT_MS));
	return pid;
}

static void check_own_child(pid_t pid, int code)
{
	int status;

	CHECK_EQ(MUST(waitpid(-1, &status, WNOHANG)), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), code);
	pid_t other = waitpid(-1, &status, WNOHANG | __WALL);
	if (other >= 0)
		FAIL("there is another child: %d (0: running), status 0x%x", (int)other, (unsigned)status);
	CHECK_EQ(errno, ECHILD);
}

CASE_BOTH(a_subreaper_has_no_stray_child_after_deletion)
{
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t own = ended_child(7);
	for (int i = 0; i < 3; i++)
		live_a_life();
	check_own_child(own, 7);
}

CASE(a_subreaper_that_ignores_sigchld_has_no_stray_child_after_deletion)
{
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	live_a_life();
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

/* The keeper of this case, where it has a holder. */
static pid_t held_keeper(pid_t *holder)
{
	pid_t keeper;

	CHECK_EQ(find_children(getpid(), "vdestack-holder", holder, 1), 1);
	CHECK_EQ(find_children(*holder, "vdestack-keeper", &keeper, 1), 1);
	return keeper;
}

CASE(a_subreaper_does_not_see_the_keeper_and_its_end)
{
	struct vdestack *pair[2];
	pid_t holder;

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	net_pair(pair);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
	net_talk(pair[0], "10.9.0.1", pair[1]);
	pid_t keeper = held_keeper(&holder);
	MUST(kill(keeper, SIGKILL));
	CHECK(wait_until(is_gone, &keeper, LIMIT_MS));
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
	MUST(vdestack_delete(pair[0]));
	MUST(vdestack_delete(pair[1]));
	live_a_life();
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

CASE(a_subreaper_has_no_stray_child_when_its_keeper_was_killed)
{
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	struct vdestack *stack = net_stack("");
	pid_t own = ended_child(7), holder, keeper = held_keeper(&holder);

	MUST(kill(keeper, SIGKILL));
	CHECK(wait_until(is_gone, &keeper, LIMIT_MS));
	MUST(vdestack_delete(stack));
	check_own_child(own, 7);
}

/*
 * The keeper continues for the worker. That must not delay the deletion for long, and must not leave a zombie
 * for ever.
 */
CASE(a_subreaper_reaps_its_keeper_although_a_worker_used_it_longer)
{
	struct vdestack *stack, *next;
	int pipe_fds[2], status;
	pid_t holder;

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	MUST(pipe2(pipe_fds, O_CLOEXEC));
	stack = net_stack("");
	pid_t keeper = held_keeper(&holder);
	pid_t worker = (pid_t)MUST(fork());
	if (worker == 0) {
		close(pipe_fds[1]);
		CHECK(wait_readable(pipe_fds[0], LIMIT_MS));
		net_talk_lo(stack);
		_exit(0);
	}
	long long start = now_us();
	MUST(vdestack_delete(stack));
	CHECK(now_us() - start < 2000000);
	close(pipe_fds[1]);
	CHECK_EQ(MUST(waitpid(worker, &status, 0)), worker);
	CHECK_EQ(status, 0);
	CHECK(wait_until(is_gone, &keeper, LIMIT_MS));
	next = net_stack("");
	MUST(vdestack_delete(next));
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

/* ------------------------------------------------------------------ numbers of processes come round again */

/* A child with this pid, which must be free. */
static pid_t child_with_number(pid_t wanted)
{
	pid_t set[1] = { wanted };
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)set,
		.set_tid_size = 1,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(7);
	return (pid_t)MUST(pid);
}

/* In a PID namespace of its own no other process takes the pid. */
static void lose_keeper_and_reuse_number(void)
{
	struct vdestack *stack = net_stack("");
	pid_t holder;

	MUST(mount("proc", "/proc", "proc", 0, NULL));
	pid_t keeper = held_keeper(&holder);
	MUST(kill(keeper, SIGKILL));
	CHECK(wait_until(is_gone, &keeper, LIMIT_MS));
	CHECK_EQ(child_with_number(keeper), keeper);
	CHECK(wait_until(has_ended, &keeper, LIMIT_MS));
	MUST(vdestack_delete(stack));
	check_own_child(keeper, 7);
}

/* ------------------------------------------------------------------ PID 1 */

static void write_file(const char *path, const char *text)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CLOEXEC));

	MUST(write(fd, text, strlen(text)));
	close(fd);
}

/* Maps user and group to themselves, as "unshare --map-current-user" does. */
static void write_maps(uid_t uid, gid_t gid)
{
	char line[32];

	write_file("/proc/self/setgroups", "deny");
	(void)snprintf(line, sizeof(line), "%u %u 1", uid, uid);
	write_file("/proc/self/uid_map", line);
	(void)snprintf(line, sizeof(line), "%u %u 1", gid, gid);
	write_file("/proc/self/gid_map", line);
}

static void be_parent_of_init(void (*body)(void))
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	int status;

	MUST(unshare((case_is_root() ? 0 : CLONE_NEWUSER) | CLONE_NEWPID | CLONE_NEWNS));
	if (case_is_root())
		MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	else
		write_maps(uid, gid);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		CHECK_EQ(getpid(), 1);
		body();
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	_exit(status == 0 ? 0 : 1);
}

/* A process that leaves its PID namespace can make no processes any more, so it is not the case itself. */
static void in_pid_namespace(void (*body)(void))
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0)
		be_parent_of_init(body);
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
}

CASE_ROOT(deletion_does_not_reap_a_child_that_got_the_pid_of_the_dead_keeper)
{
	in_pid_namespace(lose_keeper_and_reuse_number);
}

static void be_init(void)
{
	pid_t own = ended_child(7);

	for (int i = 0; i < 2; i++)
		live_a_life();
	check_own_child(own, 7);
}

static void be_init_with_proc(void)
{
	MUST(mount("proc", "/proc", "proc", 0, NULL));
	be_init();
}

CASE_BOTH_ROOT(pid_1_of_a_container_has_stacks_and_no_stray_child_after_deletion)
{
	in_pid_namespace(be_init_with_proc);
}

CASE_BOTH(pid_1_has_stacks_although_proc_is_that_of_another_container)
{
	in_pid_namespace(be_init);
}

/* ------------------------------------------------------------------ holders */

static void *make_a_stack(void *arg)
{
	(void)arg;
	return net_stack("");
}

CASE(holders_are_reaped_although_the_thread_that_made_them_has_ended)
{
	pthread_t thread;
	void *stack;

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	CHECK_EQ(pthread_create(&thread, NULL, make_a_stack, NULL), 0);
	CHECK_EQ(pthread_join(thread, &stack), 0);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
	net_talk_lo(stack);
	MUST(vdestack_delete(stack));
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

static bool is_small(void *arg)
{
	return rss_kib_of(*(pid_t *)arg) < 8192;
}

#define MEMORY_BYTES (64u << 20)

/* So what the program writes is not copied, and what it gives back is free. */
CASE_FLAGS(a_holder_keeps_neither_memory_nor_descriptors_of_the_program,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	int pipe_fds[2];
	pid_t holder;
	char byte;

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	MUST(pipe2(pipe_fds, O_CLOEXEC));
	char *private = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(private != MAP_FAILED && shared != MAP_FAILED);
	memset(private, 1, MEMORY_BYTES);
	memset(shared, 1, MEMORY_BYTES);
	struct vdestack *stack = net_stack("");
	close(pipe_fds[1]);
	CHECK(wait_readable(pipe_fds[0], LIMIT_MS));
	CHECK_EQ(read(pipe_fds[0], &byte, 1), 0);
	(void)held_keeper(&holder);
	CHECK(wait_until(is_small, &holder, LIMIT_MS));
	MUST(vdestack_delete(stack));
}

/* No capability, no descriptor, and no other process of the user can read its memory. */
static bool has_nothing(void *arg)
{
	char path[64], status[4096];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)*(pid_t *)arg);
	int fd = (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
	ssize_t n = MUST(read(fd, status, sizeof(status) - 1));
	close(fd);
	status[n] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)*(pid_t *)arg);
	DIR *fds = opendir(path);
	int n_fds = 0;
	if (fds != NULL) {
		for (struct dirent *e; (e = readdir(fds)) != NULL;)
			n_fds += e->d_name[0] != '.';
		closedir(fds);
	}
	return strstr(status, "\nCapPrm:\t0000000000000000\n") != NULL &&
	       strstr(status, "\nCapEff:\t0000000000000000\n") != NULL &&
	       (geteuid() == 0 ? fds != NULL && n_fds == 0 : fds == NULL);
}

CASE(a_holder_has_no_privileges_and_cannot_be_traced)
{
	pid_t holder;

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	struct vdestack *stack = net_stack("");
	(void)held_keeper(&holder);
	CHECK(wait_until(has_nothing, &holder, LIMIT_MS));
	MUST(vdestack_delete(stack));
}

CASE(a_stack_goes_on_when_its_holder_is_killed)
{
	pid_t holder, keeper;

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	struct vdestack *stack = net_stack("");
	keeper = held_keeper(&holder);
	MUST(kill(holder, SIGKILL));
	CHECK_EQ(MUST(waitpid(holder, NULL, __WCLONE)), holder);
	net_talk_lo(stack);
	MUST(vdestack_delete(stack));
	CHECK_EQ(MUST(waitpid(keeper, NULL, 0)), keeper); /* an orphan now */
	live_a_life();
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

#ifdef __x86_64__ /* the order of the arguments of clone(2) */
/* As where the memory for a copy of the program is not there. */
static void refuse_copies(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_VM, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

CASE(without_memory_for_a_holder_stacks_are_made_without_one)
{
	pid_t holder, keeper;

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	refuse_copies();
	struct vdestack *stack = net_stack("");
	CHECK_EQ(find_children(getpid(), "vdestack-holder", &holder, 1), 0);
	CHECK_EQ(find_children(getpid(), "vdestack-keeper", &keeper, 1), 1);
	net_talk_lo(stack);
	MUST(vdestack_delete(stack));
	CHECK_EQ(MUST(waitpid(keeper, NULL, 0)), keeper);
}
#endif

/* ------------------------------------------------------------------ below another PID 1 */

static int zombies(void)
{
	pid_t pids[100];
	int n = find_children(1, NULL, pids, 100), found = 0;

	for (int i = 0; i < n && i < 100; i++) {
		char path[32], stat[128] = "";
		(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pids[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		(void)!read(fd, stat, sizeof(stat) - 1);
		close(fd);
		const char *end = strrchr(stat, ')');
		found += end != NULL && end[2] == 'Z';
	}
	return found;
}

static bool no_other_processes(void *arg)
{
	(void)arg;
	return find_children(1, NULL, NULL, 0) == zombies();
}

/* Runs the program, and waits until what it has started has ended. Returns the number of zombies. */
static int run_below(void (*program)(void))
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		MUST(unsetenv("VDESTACK_ORPHANS"));
		program();
		_exit(0);
	}
	CHECK_EQ(MUST(waitpid(pid, &status, 0)), pid);
	CHECK_EQ(status, 0);
	CHECK(wait_until(no_other_processes, NULL, LIMIT_MS));
	return zombies();
}

static int run_true(struct vdestack *stack)
{
	return (int)MUST(vdestack_run(stack, (char *[]){ "true", NULL }, NULL));
}

static void run_and_cycle(void)
{
	struct vdestack *stack = net_stack("");

	for (int i = 0; i < 20; i++)
		CHECK_EQ(run_true(stack), 0);
	MUST(vdestack_delete(stack));
	for (int i = 0; i < 20; i++) {
		stack = net_stack("");
		MUST(vdestack_delete(stack));
	}
}

static void exit_with_stacks(void)
{
	struct vdestack *stack = net_stack(""), *other = net_stack("");
	char *argv[] = { "sleep", "1000", NULL };

	CHECK_EQ(run_true(stack), 0);
	close((int)MUST(vdestack_spawn(stack, argv, NULL, NULL)));
	close((int)MUST(vdestack_spawn(other, argv, NULL, NULL)));
	exit(0);
}

static void exit_with_a_default(void)
{
	struct vdestack *stack = net_stack("");

	MUST(vdestack_set_default(stack));
	CHECK_EQ(run_true(stack), 0);
	exit(0);
}

static void run_until_it_leaves_nothing(void)
{
	struct vdestack *stack = net_stack("");
	int quiet = 0;

	for (long long start = now_us(); quiet < 10; sleep_ms(50)) {
		int before = zombies();
		CHECK_EQ(run_true(stack), 0);
		sleep_ms(20);
		quiet = zombies() == before ? quiet + 1 : 0;
		CHECK(now_us() - start < LIMIT_MS * 1000LL);
	}
	MUST(vdestack_delete(stack));
}

static void make_an_orphan(void)
{
	pid_t keeper;
	struct vdestack *stack = net_stack("");

	CHECK_EQ(find_children(1, "vdestack-keeper", &keeper, 1), 1);
	MUST(vdestack_delete(stack));
}

static void do_nothing(int sig)
{
	(void)sig;
}

static void set_sigchld(void (*handler)(int))
{
	const struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	MUST(sigaction(SIGCHLD, &action, NULL));
}

static void idle_init(void)
{
	MUST(mount("proc", "/proc", "proc", 0, NULL));
	CHECK_EQ(run_below(run_and_cycle), 0);
	CHECK_EQ(run_below(exit_with_stacks), 0);
	CHECK_EQ(run_below(exit_with_a_default), 0);
}

CASE(a_pid_1_that_reaps_nothing_gets_no_zombie)
{
	in_pid_namespace(idle_init);
}

static void busy_init(void)
{
	MUST(mount("proc", "/proc", "proc", 0, NULL));
	set_sigchld(do_nothing);
	CHECK_EQ(run_below(make_an_orphan), 1); /* it seemed to be reaped */
	int few = run_below(run_until_it_leaves_nothing);
	CHECK(few < 20);
}

CASE(a_pid_1_that_catches_sigchld_and_reaps_nothing_is_noticed)
{
	in_pid_namespace(busy_init);
}

static void deaf_init(void)
{
	int said[2];
	char byte;

	MUST(mount("proc", "/proc", "proc", 0, NULL));
	MUST(pipe2(said, O_CLOEXEC));
	set_sigchld(SIG_IGN);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		MUST(unsetenv("VDESTACK_ORPHANS"));
		make_an_orphan();
		MUST(write(said[1], "x", 1));
		_exit(0);
	}
	close(said[1]);
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD); /* the kernel reaps all */
	CHECK_EQ(read(said[0], &byte, 1), 1);
}

CASE(no_holder_is_used_where_pid_1_has_the_kernel_reap)
{
	in_pid_namespace(deaf_init);
}
