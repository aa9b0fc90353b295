/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a keeper or a runner is started, and where that is refused. */

#define _GNU_SOURCE
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "stacks.h"

/* A sanitizer starts a task at the end of a program. It must have the same user and PID namespace. */
#define ROOT_PLAIN CASE_F_ROOT | CASE_F_NO_SANITIZER
#define EACH_PLAIN ROOT_PLAIN | CASE_F_USER

/* ------------------------------------------------------------------ the intermediate is killed */

/*
 * From now on each exec of this thread and its children waits until the holder of the descriptor allows it.
 */
static int hold_execs(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return (int)MUST(
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

struct held {
	int listener; /* -1: not there yet */
	int said;     /* a pipe: a byte when the call has returned */
	struct vdestack *stack;
	char why[512];
};

static void *make_stack_held(void *arg)
{
	struct held *h = arg;

	__atomic_store_n(&h->listener, hold_execs(), __ATOMIC_RELEASE);
	h->stack = vdestack_new("", case_opts());
	if (h->stack == NULL)
		(void)snprintf(h->why, sizeof(h->why), "%s", vdestack_last_error());
	MUST(write(h->said, "x", 1));
	return NULL;
}

static bool listens(void *arg)
{
	return __atomic_load_n(&((struct held *)arg)->listener, __ATOMIC_ACQUIRE) >= 0;
}

static __u64 next_exec(int listener, pid_t *pid)
{
	struct seccomp_notif request = { 0 };

	CHECK(wait_readable(listener, SOON_MS));
	MUST(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request));
	*pid = (pid_t)request.pid;
	return request.id;
}

static void let_go(int listener, __u64 id)
{
	struct seccomp_notif_resp answer = { .id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	MUST(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer));
}

static pid_t parent_of(pid_t pid)
{
	char path[64];
	int parent = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	const char *end = strrchr(text_of(path), ')');
	CHECK(end != NULL);
	CHECK_EQ(sscanf(end + 1, " %*c %d", &parent), 1);
	return (pid_t)parent;
}

static bool is_gone(void *pid)
{
	return kill(*(pid_t *)pid, 0) < 0 && errno == ESRCH;
}

/* A process that waits in a system call: is there memory at its stack pointer? */
static bool has_stack(pid_t pid)
{
	char path[64], *line;
	unsigned long long sp = 0, from, to;

	(void)snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	CHECK_EQ(sscanf(text_of(path), "%*s %*s %*s %*s %*s %*s %*s %llx", &sp), 1);
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "re");
	bool found = false;
	size_t size = 0;
	CHECK(maps != NULL);
	for (line = NULL; getline(&line, &size, maps) > 0;)
		found = found || (sscanf(line, "%llx-%llx", &from, &to) == 2 && sp >= from && sp < to);
	free(line);
	(void)fclose(maps);
	return found;
}

CASE_FLAGS(a_launch_whose_intermediate_is_killed_keeps_its_memory_and_succeeds, EACH_PLAIN)
{
	struct held h = { .listener = -1 };
	pthread_t thread;
	int said[2];
	pid_t starting;

	MUST(pipe2(said, O_CLOEXEC));
	h.said = said[1];
	CHECK_EQ(pthread_create(&thread, NULL, make_stack_held, &h), 0);
	CHECK(wait_until(listens, &h, SOON_MS));
	__u64 id = next_exec(h.listener, &starting);
	pid_t middle = parent_of(starting);
	CHECK(middle != getpid());
	MUST(kill(middle, SIGKILL));
	CHECK(wait_until(is_gone, &middle, SOON_MS)); /* the launch has reaped it */
	CHECK(!wait_readable(said[0], 200));
	CHECK(has_stack(starting));
	let_go(h.listener, id);
	CHECK(wait_readable(said[0], SOON_MS));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	if (h.stack == NULL)
		FAIL("no stack: %s", h.why);
	close((int)MUST(vdestack_msocket(h.stack, AF_INET, SOCK_DGRAM, 0)));
}

/* ------------------------------------------------------------------ children of another PID namespace */

static void write_text(const char *path, const char *text)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CLOEXEC));

	MUST(write(fd, text, strlen(text)));
	close(fd);
}

/* Rights over namespaces. An ordinary user gets them in a user namespace of its own. */
static void leave_pid_namespace(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	MUST(unshare(case_is_root() ? CLONE_NEWPID : CLONE_NEWUSER | CLONE_NEWPID));
	if (case_is_root())
		return;
	write_text("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	write_text("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	write_text("/proc/self/gid_map", map);
}

static void check_fork(void)
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0)
		_exit(7);
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(WEXITSTATUS(status), 7);
}

static void check_no_keeper(void)
{
	CHECK_ERRNO(vdestack_new("", case_opts()), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "children of this thread go to another PID namespace");
}

CASE_FLAGS(no_keeper_becomes_the_init_of_a_pid_namespace_of_the_program, EACH_PLAIN)
{
	leave_pid_namespace();
	check_no_keeper();
	check_no_keeper();
	check_fork();
}

CASE_FLAGS(no_runner_becomes_the_init_of_a_pid_namespace_of_the_program, ROOT_PLAIN)
{
	char *argv[] = { "true", NULL };
	struct vdestack *s = new_stack("%s", "");

	CHECK_EQ(vdestack_run(s, argv, NULL), 0);
	leave_pid_namespace();
	CHECK_ERRNO(vdestack_run(s, argv, NULL), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "children of this thread go to another PID namespace");
	close((int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM, 0)));
	check_fork();
}

/* A launch would not end the existing init. But the keeper's pid would be that of another process here. */
CASE_FLAGS(no_keeper_is_started_in_a_pid_namespace_below_that_of_the_program, EACH_PLAIN)
{
	int status;

	leave_pid_namespace();
	pid_t init = (pid_t)MUST(fork());
	if (init == 0)
		for (;;)
			(void)pause();
	check_no_keeper();
	MUST(kill(init, SIGKILL));
	MUST(waitpid(init, &status, 0));
}

CASE_FLAGS(without_procfs_a_launch_detects_that_children_go_to_another_pid_namespace, ROOT_PLAIN)
{
	MUST(mount("none", "/proc", "tmpfs", 0, NULL));
	int self = (int)syscall(SYS_pidfd_open, getpid(), O_EXCL);
	if (self < 0)
		SKIP("this kernel has no pidfds of threads");
	close(self);
	leave_pid_namespace();
	check_no_keeper();
	check_fork();
}

static void use_stack_and_run(void *arg)
{
	char *argv[] = { "true", NULL };
	struct vdestack *s = new_stack("%s", "");

	(void)arg;
	close((int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM, 0)));
	CHECK_EQ(vdestack_run(s, argv, NULL), 0);
	MUST(vdestack_delete(s));
}

static void as_init_and_as_its_child(void *arg)
{
	CHECK_EQ(getpid(), 1);
	use_stack_and_run(arg);
	in_child(use_stack_and_run, arg);
}

CASE_FLAGS(in_a_new_pid_namespace_its_init_and_other_children_have_stacks_and_commands, EACH_PLAIN)
{
	leave_pid_namespace();
	in_child(as_init_and_as_its_child, NULL);
}

static void *make_a_stack(void *ready)
{
	(void)pthread_barrier_wait(ready);
	(void)pthread_barrier_wait(ready);
	return vdestack_new("", case_opts());
}

CASE_FLAGS(another_thread_makes_stacks_whose_children_stay, ROOT_PLAIN)
{
	pthread_barrier_t ready;
	pthread_t thread;
	void *made;

	CHECK_EQ(pthread_barrier_init(&ready, NULL, 2), 0);
	CHECK_EQ(pthread_create(&thread, NULL, make_a_stack, &ready), 0);
	(void)pthread_barrier_wait(&ready);
	leave_pid_namespace();
	check_no_keeper();
	(void)pthread_barrier_wait(&ready);
	CHECK_EQ(pthread_join(thread, &made), 0);
	CHECK(made != NULL);
	CHECK(vdestack_new("", case_opts()) != NULL); /* the keeper is there, nothing has to be started */
	CHECK_ERRNO(vdestack_run(made, (char *[]){ "true", NULL }, NULL), EINVAL);
	check_fork();
}

/* ------------------------------------------------------------------ the keeper's users and groups */

static void use_stack(void *arg)
{
	struct vdestack *s = new_stack("%s", "vnl=inproc://lan ip=10.9.0.1/24");

	(void)arg;
	close((int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM, 0)));
}

/* The four ids of a line of /proc/PID/status: real, effective, saved, file system. */
static void check_line(const char *status, const char *name, unsigned id)
{
	unsigned got[4];
	const char *line = strstr(status, name);

	CHECK(line != NULL);
	CHECK_EQ(sscanf(line + strlen(name), "%u %u %u %u", &got[0], &got[1], &got[2], &got[3]), 4);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(got[i], id);
}

static void check_ids(uid_t uid, gid_t gid)
{
	char path[64], none[8];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)the_keeper());
	const char *status = text_of(path);
	check_line(status, "\nUid:", uid);
	check_line(status, "\nGid:", gid);
	const char *groups = strstr(status, "\nGroups:");
	CHECK(groups != NULL);
	CHECK(sscanf(groups, "\nGroups:%7[0-9 \t]", none) < 1 || strspn(none, " \t") == strlen(none));
}

CASE_FLAGS(a_keeper_has_no_supplementary_groups, ROOT_PLAIN)
{
	gid_t groups[] = { 42, 1234 };

	MUST(setgroups(2, groups));
	use_stack(NULL);
	CHECK_EQ(getgroups(0, NULL), 2);
	check_ids(0, 0);
}

/* The program may make CAP_SETGID effective and use it at any time. */
CASE_FLAGS(a_keeper_has_no_supplementary_groups_where_the_capability_is_only_permitted, ROOT_PLAIN)
{
	gid_t groups[] = { 42, 1234 };
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	MUST(setgroups(2, groups));
	MUST(syscall(SYS_capget, &head, data));
	data[0].effective &= ~(1u << CAP_SETGID);
	MUST(syscall(SYS_capset, &head, data));
	use_stack(NULL);
	check_ids(0, 0);
}

/* A set-group-ID program of an ordinary user. */
CASE_FLAGS(a_program_of_two_groups_makes_stacks_and_its_keeper_has_the_effective_one,
	   ROOT_PLAIN | CASE_F_USERNS)
{
	MUST(setgroups(0, NULL));
	MUST(setresgid(1234, 42, 42));
	MUST(setresuid(1234, 1234, 1234));
	use_stack(NULL);
	CHECK_EQ(getgid(), 1234);
	check_ids(1234, 42);
}

CASE_FLAGS(a_program_that_has_a_saved_group_makes_stacks_and_its_keeper_does_not_have_it,
	   ROOT_PLAIN | CASE_F_USERNS)
{
	MUST(setgroups(0, NULL));
	MUST(setresgid(42, 42, 1234));
	MUST(setresuid(1234, 1234, 1234));
	use_stack(NULL);
	check_ids(1234, 42);
}

CASE_FLAGS(a_program_of_two_users_makes_stacks_and_its_keeper_has_the_effective_one,
	   ROOT_PLAIN | CASE_F_USERNS)
{
	MUST(setgroups(0, NULL));
	MUST(setresgid(1234, 1234, 1234));
	MUST(setresuid(1235, 1234, 1234));
	use_stack(NULL);
	CHECK_EQ(getuid(), 1235);
	check_ids(1234, 1234);
}

/* root with another effective uid for a while: its capabilities are not effective then. */
CASE_FLAGS(root_with_another_effective_uid_has_an_unprivileged_keeper, ROOT_PLAIN | CASE_F_USERNS)
{
	MUST(setgroups(0, NULL));
	MUST(setegid(1234));
	MUST(seteuid(1234));
	use_stack(NULL);
	check_ids(1234, 1234);
	MUST(seteuid(0));
	CHECK_EQ(geteuid(), 0);
}

static bool has_sys_admin(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	const char *line = strstr(text_of(path), "CapEff:");
	CHECK(line != NULL);
	return (strtoull(line + 7, NULL, 16) >> CAP_SYS_ADMIN & 1) != 0;
}

static ino_t user_namespace_of(pid_t pid)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	MUST(stat(path, &st));
	return st.st_ino;
}

CASE_FLAGS(a_keeper_gets_the_effective_capabilities_of_a_program_that_has_root_saved, ROOT_PLAIN)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2], all[2];

	MUST(setgroups(0, NULL));
	MUST(syscall(SYS_capget, &head, all));
	MUST(setresuid(1234, 1234, 0));
	MUST(syscall(SYS_capget, &head, data));
	memcpy(data, all, sizeof(data)); /* permitted still */
	MUST(syscall(SYS_capset, &head, data));
	use_stack(NULL);
	MUST(setresuid(0, 0, 0));
	check_ids(1234, 0);
	CHECK(has_sys_admin(the_keeper()));
	CHECK_EQ(user_namespace_of(the_keeper()), user_namespace_of(getpid()));
}
