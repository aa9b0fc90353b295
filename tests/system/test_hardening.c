/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs that give up rights later: their existing stacks still work. */

#define _GNU_SOURCE
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "refuse.h"
#include "stacks.h"

/* Leak checkers need /proc, and the privileges that are given up here. */
#define ROOT_PLAIN (CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)

/* ------------------------------------------------------------------ helpers */

static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		MUST(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0));
	MUST(syscall(SYS_capset, &head, none));
}

static void check_living(const struct pair *p)
{
	check_udp(p->a, p->b, "10.9.0.2");
	check_tcp(p->b, p->a, "10.9.0.1", 80);
	check_ping(p->a, "10.9.0.2");
}

/* What must still work: traffic, deletion of one stack while the other is used, deletion of all. */
static void live_and_end(const struct pair *p)
{
	check_living(p);
	MUST(vdestack_delete(p->b));
	CHECK_ERRNO(vdestack_msocket(p->b, AF_INET, SOCK_DGRAM, 0), EINVAL);
	check_tcp(p->a, p->a, "10.9.0.1", 80);
	MUST(vdestack_delete(p->a));
	CHECK_ERRNO(vdestack_msocket(p->a, AF_INET, SOCK_DGRAM, 0), EINVAL);
}

/* ------------------------------------------------------------------ who one is */

CASE_BOTH_ROOT(stacks_live_on_when_the_program_gives_up_its_uid)
{
	struct pair p = new_pair();

	check_living(&p);
	drop_uid();
	live_and_end(&p);
}

CASE_FLAGS(vde_links_live_on_when_the_program_gives_up_its_uid, CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_VDE)
{
	const char *net = case_path("net");
	struct pair p = { new_stack("vnl=hub://%s ip=10.9.0.1/24", net),
			  new_stack("vnl=vde://%s ip=10.9.0.2/24", net) };

	check_living(&p);
	drop_uid();
	live_and_end(&p);
}

static atomic_bool enough;
static atomic_uint made;

static void *make_sockets(void *stack)
{
	while (!atomic_load(&enough)) {
		int s = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		close(s);
		atomic_fetch_add(&made, 1);
	}
	return NULL;
}

static bool made_more(void *before)
{
	return atomic_load(&made) > *(unsigned *)before + 100;
}

static void wait_for_more(void)
{
	unsigned before = atomic_load(&made);

	CHECK(wait_until(made_more, &before, SOON_MS));
}

CASE_BOTH_ROOT(threads_go_on_making_sockets_while_one_gives_up_the_uid)
{
	struct pair p = new_pair();
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, make_sockets, i % 2 ? p.a : p.b), 0);
	wait_for_more();
	drop_uid();
	CHECK_EQ(geteuid(), ORDINARY);
	wait_for_more();
	atomic_store(&enough, true);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	live_and_end(&p);
}

CASE_BOTH_ROOT(stacks_live_on_when_only_the_effective_uid_changes_and_changes_back)
{
	struct pair p = new_pair();

	MUST(seteuid(ORDINARY));
	check_living(&p);
	MUST(seteuid(0));
	check_living(&p);
	MUST(vdestack_iface_add(p.a, "iface=more vnl=inproc://more", case_opts()));
	live_and_end(&p);
}

CASE_FLAGS(stacks_live_on_without_any_capability, ROOT_PLAIN)
{
	struct pair p = new_pair();

	drop_capabilities();
	live_and_end(&p);
}

CASE_BOTH(stacks_live_on_under_no_new_privs)
{
	struct pair p = new_pair();

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	check_living(&p);
	/* no_new_privs alone removes no right: changes and new stacks work. */
	MUST(vdestack_iface_add(p.a, "iface=more vnl=inproc://more", case_opts()));
	MUST(vdestack_delete(new_stack("%s", "")));
	live_and_end(&p);
}

CASE(the_first_stack_can_be_made_under_no_new_privs)
{
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	struct pair p = new_pair();
	live_and_end(&p);
}

/* ------------------------------------------------------------------ where one is */

CASE_FLAGS(stacks_live_on_in_an_empty_chroot, ROOT_PLAIN)
{
	const char *root = case_path("empty");
	struct pair p = new_pair();

	MUST(mkdir(root, 0700));
	MUST(chroot(root));
	MUST(chdir("/"));
	live_and_end(&p);
}

CASE_FLAGS(another_stack_can_be_made_in_a_chroot_while_one_lives, ROOT_PLAIN)
{
	const char *root = case_path("empty");
	struct vdestack *a = new_stack("vnl=inproc://lan ip=10.9.0.1/24");

	MUST(mkdir(root, 0700));
	MUST(chroot(root));
	MUST(chdir("/"));
	struct pair p = { a, new_stack("vnl=inproc://lan ip=10.9.0.2/24") };
	live_and_end(&p);
}

CASE_FLAGS(a_daemon_with_every_kind_of_hardening_serves_port_80, ROOT_PLAIN)
{
	const char *root = case_path("empty");
	struct pair p = new_pair();
	struct rlimit no_files = { 64, 64 }, no_processes = { 0, 0 };

	MUST(mkdir(root, 0700));
	MUST(chroot(root));
	MUST(chdir("/"));
	MUST(setrlimit(RLIMIT_NOFILE, &no_files));
	MUST(setrlimit(RLIMIT_NPROC, &no_processes));
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		MUST(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0));
	drop_uid();
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
	live_and_end(&p);
}

/* Long calls send credentials. From another user namespace these are ids that the old one does not know. */
CASE_FLAGS(stacks_live_on_when_the_program_moves_into_a_user_namespace,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS)
{
	struct pair p = new_pair();
	char value[16];

	MUST(unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS));
	check_living(&p);
	CHECK_EQ(vdestack_sysctl_get(p.a, "ipv4/ip_unprivileged_port_start", value, sizeof(value)), 1);
	CHECK_STR(value, "0");
	close((int)MUST(vdestack_netns(p.a)));
	live_and_end(&p);
}

/* Reading needs no privileges. */
CASE_BOTH_ROOT(a_stack_can_still_be_read_after_the_uid_is_given_up)
{
	struct pair p = new_pair();
	struct vdestack_addr addrs[4];
	struct ifaddrs *list;
	char value[16];

	drop_uid();
	MUST(vdestack_wait_ready(p.a, SOON_MS));
	CHECK(vdestack_addr_list(p.a, "vde0", addrs, 4, sizeof(struct vdestack_addr)) >= 1);
	CHECK_STR(addrs[0].addr, "10.9.0.1");
	MUST(vdestack_getifaddrs(p.a, &list));
	vdestack_freeifaddrs(list);
	MUST(vdestack_sysctl_get(p.a, "ipv4.ip_forward", value, sizeof(value)));
	CHECK_STR(value, "0");
	close((int)MUST(vdestack_netns(p.a)));
	live_and_end(&p);
}

/* ------------------------------------------------------------------ seccomp */

/* On i386 the C library makes all socket calls by one. */
#ifdef __i386__
#define SOCKET_CALL(name) SYS_socketcall
#else
#define SOCKET_CALL(name) SYS_##name
#endif

/* What vdestack_msocket() takes, in a process that has made a socket before and in one that has not. */
static const int warm_calls[] = { SYS_rt_sigprocmask, SOCKET_CALL(getsockopt), SOCKET_CALL(sendmsg),
				  SOCKET_CALL(recvmsg), SOCKET_CALL(recvfrom), SYS_ppoll,
#ifdef SYS_poll
				  SYS_poll,
#endif
#ifdef SYS_ppoll_time64
				  SYS_ppoll_time64,
#endif
				  -1 };
static const int cold_calls[] = { SYS_getrandom, SYS_socketpair, SYS_fcntl, SYS_setsockopt, SYS_close,
#ifdef SYS_fcntl64
				  SYS_fcntl64,
#endif
				  -1 };
/* What vdestack_delete() takes. */
static const int delete_calls[] = { SYS_shutdown, SYS_dup3, SYS_waitid, -1 };
/* What this program takes: traffic, output, the end. */
static const int own_calls[] = { SYS_read, SYS_write, SYS_close, SYS_exit_group, SYS_futex, SYS_bind,
				 SYS_listen, SYS_connect, SYS_accept4, SYS_sendto, SYS_recvfrom,
				 SYS_getsockname, SYS_clock_nanosleep, SYS_ppoll, SYS_munmap, SYS_brk,
				 SYS_setsockopt, SYS_madvise, SYS_clock_gettime, SYS_getrandom, SYS_gettid,
				 SYS_getpid, SYS_tgkill, SYS_rt_sigreturn,
#ifdef SYS_accept
				 SYS_accept,
#endif
#ifdef SYS_poll
				 SYS_poll,
#endif
#ifdef SYS_mmap2
				 SYS_mmap2,
#else
				 SYS_mmap,
#endif
#ifdef SYS_newfstatat
				 SYS_newfstatat,
#else
				 SYS_fstatat64, SYS_statx,
#endif
#ifdef SYS_clock_gettime64
				 SYS_clock_gettime64, SYS_clock_nanosleep_time64, SYS_futex_time64,
#endif
				 -1 };

static void allow(struct sock_filter *code, unsigned short *n, const int *calls)
{
	for (; *calls >= 0; calls++) {
		code[(*n)++] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)*calls, 0, 1);
		code[(*n)++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
}

/*
 * The lists; every other call kills the process. With sanitizers, which make more calls, it is refused
 * instead.
 */
static void install_filter(const int *const *lists)
{
	struct sock_filter code[128] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						  offsetof(struct seccomp_data, nr)) };
	struct sock_fprog program = { .len = 1, .filter = code };

	for (; *lists != NULL; lists++)
		allow(code, &program.len, *lists);
	code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
}

CASE_FLAGS(stacks_live_on_under_a_strict_seccomp_filter,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)
{
	struct pair p = new_pair();

	check_living(&p);
	install_filter((const int *const[]){ own_calls, warm_calls, cold_calls, delete_calls, NULL });
	live_and_end(&p);
}

CASE_FLAGS(a_further_socket_takes_few_system_calls,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)
{
	static const int end[] = { SYS_exit_group, SYS_exit, -1 };
	struct pair p = new_pair();
	int status;

	close((int)MUST(vdestack_msocket(p.a, AF_INET, SOCK_DGRAM, 0)));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		close((int)MUST(vdestack_msocket(p.a, AF_INET, SOCK_DGRAM, 0))); /* the child's first */
		install_filter((const int *const[]){ warm_calls, end, NULL });
		_exit(vdestack_msocket(p.a, AF_INET, SOCK_DGRAM, 0) >= 0 ? 42 : 43);
	}
	MUST(waitpid(pid, &status, 0));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
		FAIL("the child ended with wait status 0x%x", (unsigned)status);
	MUST(vdestack_delete(p.a));
	MUST(vdestack_delete(p.b));
}

/* A filter that refuses instead of killing: the call fails soon, and nothing leaks. */
static void refuse(int number, int err)
{
	MUST(refuse_call(number, 0, err));
}

static void refused_sendmsg(void *stack)
{
	refuse(SOCKET_CALL(sendmsg), EACCES);
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0), EACCES);
	CHECK(strlen(vdestack_last_error()) > 0);
	CHECK_ERRNO(vdestack_netns(stack), EACCES);
	MUST(vdestack_delete(stack));
}

static void refused_socketpair(void *stack)
{
	refuse(SOCKET_CALL(socketpair), EACCES);
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0), EACCES);
	CHECK_ERRNO(vdestack_new("", case_opts()), EACCES);
	MUST(vdestack_delete(stack));
}

static void refused_execve(void *stack)
{
	refuse(SYS_execve, EACCES);
	CHECK_ERRNO(vdestack_run(stack, (char *[]){ (char *)"true", NULL }, NULL), EACCES);
	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0)));
	MUST(vdestack_delete(stack));
}

CASE_FLAGS(a_system_call_refused_by_a_filter_fails_with_the_errno_of_the_filter,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)
{
	struct pair p = new_pair();

	in_child(refused_sendmsg, p.a);
	in_child(refused_socketpair, p.a);
	in_child(refused_execve, p.a);
	live_and_end(&p);
}

/*
 * The C library makes threads by clone3. If that fails with ENOSYS it uses clone, but not if it fails with
 * EPERM.
 */
static void live_without_clone3(int err)
{
	refuse(SYS_clone3, err);
	struct pair p = new_pair();
	struct vdestack *c = new_stack("vnl=ptp://%s ip=10.8.0.1/24", case_path("wire"));
	struct vdestack *d = new_stack("vnl=ptp://%s ip=10.8.0.2/24", case_path("wire"));

	check_tcp(c, d, "10.8.0.2", 80);
	MUST(vdestack_delete(c));
	MUST(vdestack_delete(d));
	CHECK_EQ(MUST(vdestack_run(p.a, (char *[]){ (char *)"true", NULL }, NULL)), 0);
	live_and_end(&p);
}

CASE_FLAGS(stacks_are_made_where_clone3_is_unknown, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	live_without_clone3(ENOSYS);
}

CASE_FLAGS(stacks_are_made_where_clone3_is_refused, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	live_without_clone3(EPERM);
}

/* The keeper must hold no descriptor of the program, in whatever way it closes them. */
static void live_without_close_range(int err)
{
	int ends[2];
	char byte;

	MUST(pipe2(ends, 0));
	CHECK_EQ(MUST(fcntl(ends[1], F_DUPFD, 900)), 900); /* a high number, and not close-on-exec */
	refuse(SYS_close_range, err);
	struct pair p = new_pair();
	close(ends[1]);
	close(900);
	CHECK(wait_readable(ends[0], SOON_MS));
	CHECK_EQ(read(ends[0], &byte, 1), 0);
	close(ends[0]);
	live_and_end(&p);
}

CASE_FLAGS(stacks_are_made_where_close_range_is_unknown, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	live_without_close_range(ENOSYS);
}

CASE_FLAGS(stacks_are_made_where_close_range_is_refused, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	live_without_close_range(EPERM);
}

/* In the program itself the C library cannot make threads. */
CASE_FLAGS(the_inprocess_variant_is_refused_in_a_program_that_cannot_make_threads,
	   CASE_F_INPROCESS | CASE_F_ONLY_INPROCESS | CASE_F_NO_SANITIZER)
{
	refuse(SYS_clone3, EPERM);
	CHECK_ERRNO(vdestack_new("", case_opts()), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "threads");
	CHECK_EQ(count_tasks_of(getpid()), 1);
}
