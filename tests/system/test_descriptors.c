/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Descriptors: numbers, limits, close-on-exec, and programs that close descriptors of the library. */

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"
#include <vdestack.h>
#include <vdestack/conf.h>

#define KEEPER "vdestack-keeper"
#define SOON_MS 20000
#define SEGMENT "vnl=inproc://lan ip=10.0.0.1/24"

/* ------------------------------------------------------------------ helpers */

static struct vdestack *new_stack(const char *config)
{
	struct vdestack *stack = vdestack_new(config, case_opts());

	if (stack == NULL)
		FAIL("no stack \"%s\": %s: %s", config, strerrorname_np(errno), vdestack_last_error());
	return stack;
}

static int run_shell(struct vdestack *stack, const char *script)
{
	char *argv[] = { "sh", "-c", (char *)script, NULL };

	return vdestack_run(stack, argv, NULL);
}

static int host_socket(void)
{
	return (int)syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static pid_t reaper; /* the subreaper of this case */

static bool no_keeper(void *arg)
{
	(void)arg;
	if (case_is_inprocess())
		return count_tasks_of(getpid()) == 1;
	return find_children(reaper, KEEPER, NULL, 0) == 0;
}

static void set_limit(rlim_t soft)
{
	struct rlimit limit;

	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = soft;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
}

/* Opens descriptors until no number is free. Returns the last one. */
static int fill_table(void)
{
	int last = -1;

	for (int fd; (fd = dup(0)) >= 0;)
		last = fd;
	CHECK_EQ(errno, EMFILE);
	return last;
}

/* ------------------------------------------------------------------ close-on-exec */

static atomic_bool scan_on;
static atomic_int scans;

static int scan_once(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int bad = -1;

	CHECK(dir != NULL);
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		int fd = atoi(e->d_name);
		int flags = e->d_name[0] == '.' || fd <= 2 ? -1 : fcntl(fd, F_GETFD);
		if (flags >= 0 && !(flags & FD_CLOEXEC))
			bad = fd;
	}
	closedir(dir);
	return bad;
}

static void *scan(void *arg)
{
	(void)arg;
	while (atomic_load(&scan_on)) {
		int bad = scan_once();
		if (bad >= 0) {
			char path[64], target[256] = "";
			(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", bad);
			(void)!readlink(path, target, sizeof(target) - 1);
			FAIL("descriptor %d (%s) is not close-on-exec", bad, target);
		}
		atomic_fetch_add(&scans, 1);
	}
	return NULL;
}

CASE_FLAGS(every_descriptor_is_close_on_exec_from_birth,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	char hub[300], vde[300];
	pthread_t thread;

	/* The in-process keeper has a table of its own, which is not scanned and not inherited either. */
	(void)snprintf(hub, sizeof(hub), "vnl=hub://%s ip=10.1.0.9/24", case_path("hub"));
	(void)snprintf(vde, sizeof(vde), "vnl=vde://%s ip=10.1.0.1/24", case_path("hub"));
	struct vdestack *stays = new_stack(hub);
	atomic_store(&scan_on, true);
	CHECK_EQ(pthread_create(&thread, NULL, scan, NULL), 0);
	for (int i = 0; i < 10 || atomic_load(&scans) < 200; i++) {
		int status_fd, status;
		char *argv[] = { "true", NULL };
		struct vdestack *stack = new_stack(i % 2 ? SEGMENT : vde);
		int s = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
		int ns = (int)MUST(vdestack_netns(stack));
		int pidfd = (int)MUST(vdestack_spawn(stack, argv, NULL, &status_fd));
		MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS));
		MUST(vdestack_addr_list(stack, NULL, NULL, 0, sizeof(struct vdestack_addr)));
		close(s);
		close(ns);
		close(pidfd);
		close(status_fd);
		MUST(vdestack_delete(stack));
	}
	atomic_store(&scan_on, false);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	MUST(vdestack_delete(stays));
}

CASE_BOTH(msocket_sets_close_on_exec_and_nonblock_as_socket_does)
{
	struct vdestack *stack = new_stack("");
	static const int flags[] = { 0, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_CLOEXEC | SOCK_NONBLOCK };

	for (int round = 0; round < 40; round++) {
		int f = flags[(round / 5) % 4]; /* some of the same kind, some alternating */
		int fd = (int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM | f, 0));
		CHECK_EQ((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, (f & SOCK_CLOEXEC) != 0);
		CHECK_EQ((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0, (f & SOCK_NONBLOCK) != 0);
		close(fd);
	}
	MUST(vdestack_delete(stack));
}

CASE_BOTH(a_program_that_is_executed_inherits_no_descriptor_of_the_library)
{
	struct vdestack *stack = new_stack(SEGMENT);
	char *argv[] = { "sh", "-c",
			 "for fd in /proc/self/fd/*; do case ${fd##*/} in 0|1|2) ;; *) test -e $fd && exit "
			 "9;; esac; done; exit 0", NULL };
	int status;

	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0)));
	CHECK_EQ(run_shell(stack, "exit 0"), 0);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
	MUST(vdestack_delete(stack));
}

/* ------------------------------------------------------------------ 0, 1 and 2 */

static bool standard_are_closed(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return false;
	return true;
}

static void without_standard_descriptors(const char *config)
{
	int words = (int)MUST(fcntl(2, F_DUPFD_CLOEXEC, 100)), numbers[6], status_fd = -1, status = -1;
	char *argv[] = { "true", NULL };
	bool closed[4];
	char message[300] = "";

	for (int fd = 0; fd < 3; fd++)
		close(fd);
	/*
	 * Nothing can be printed without the standard descriptors: collect results first, check them
	 * afterwards.
	 */
	struct vdestack *stack = vdestack_new(config, case_opts());
	(void)snprintf(message, sizeof(message), "%s", vdestack_last_error());
	closed[0] = standard_are_closed();
	numbers[0] = stack != NULL ? vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
	numbers[1] = stack != NULL ? vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
	close(0);
	close(1);
	closed[1] = standard_are_closed();
	numbers[2] = vdestack_netns(stack);
	numbers[3] = vdestack_spawn(stack, argv, NULL, &status_fd);
	numbers[4] = status_fd;
	numbers[5] = vdestack_cmd_wait(status_fd, &status, SOON_MS);
	closed[2] = standard_are_closed();
	int addresses = vdestack_addr_list(stack, NULL, NULL, 0, sizeof(struct vdestack_addr));
	int deleted = vdestack_delete(stack);
	closed[3] = standard_are_closed();
	dup2(words, 0);
	dup2(words, 1);
	dup2(words, 2);

	if (stack == NULL)
		FAIL("no stack: %s", message);
	CHECK(closed[0]);
	CHECK_EQ(numbers[0], 0); /* as socket(2) would */
	CHECK_EQ(numbers[1], 1);
	CHECK(closed[1]);
	CHECK(numbers[2] > 2);
	CHECK(numbers[3] > 2);
	CHECK(numbers[4] > 2);
	CHECK_EQ(numbers[5], 0);
	CHECK_EQ(status, 0);
	CHECK(closed[2]);
	CHECK(addresses >= 2);
	CHECK_EQ(deleted, 0);
	CHECK(closed[3]);
}

CASE_BOTH(with_0_to_2_closed_everything_works_and_the_library_takes_none_of_them)
{
	without_standard_descriptors(SEGMENT);
}

CASE_FLAGS(with_0_to_2_closed_a_vde_network_can_be_joined,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	char config[300];

	(void)snprintf(config, sizeof(config), "vnl=hub://%s ip=10.1.0.1/24", case_path("hub"));
	without_standard_descriptors(config);
}

/* ------------------------------------------------------------------ numbers */

CASE_BOTH(msocket_returns_the_lowest_free_number)
{
	struct vdestack *stack = new_stack(SEGMENT);
	int fds[60];

	for (int i = 0; i < 60; i++)
		fds[i] = (int)MUST(dup(0));
	srand(2);
	for (int round = 0; round < 200; round++) {
		int victim = fds[rand() % 60];
		(void)close(victim);
		int lowest = (int)MUST(host_socket());
		close(lowest);
		int fd = vdestack_msocket(stack, round % 3 ? AF_INET : AF_NETLINK,
					  round % 3 ? SOCK_STREAM : SOCK_RAW, 0);
		MUST(fd);
		CHECK_EQ(fd, lowest);
		CHECK_EQ(close(fd), 0);
		if (fcntl(victim, F_GETFD) < 0)
			CHECK_EQ(dup2(0, victim), victim);
	}
	MUST(vdestack_delete(stack));
}

CASE_BOTH(the_library_takes_no_low_numbers)
{
	struct vdestack *stacks[10];

	for (int i = 0; i < 10; i++)
		stacks[i] = new_stack("");
	for (int fd = 3; fd < 20; fd++)
		CHECK_ERRNO(fcntl(fd, F_GETFD), EBADF);
	for (int i = 0; i < 10; i++)
		MUST(vdestack_delete(stacks[i]));
}

/* With k free numbers msocket and socket(2) return the same numbers and the same errors. */
static void compare_with_socket(struct vdestack *stack, int k)
{
	int theirs[3], ours[3], their_errno = 0, our_errno = 0, n = 0, m = 0;

	while (n <= k && (theirs[n] = host_socket()) >= 0)
		n++;
	their_errno = errno;
	for (int i = 0; i < n; i++)
		close(theirs[i]);
	while (m <= k && (ours[m] = vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0)
		m++;
	our_errno = errno;
	for (int i = 0; i < m; i++)
		close(ours[i]);
	CHECK_EQ(n, k);
	CHECK_EQ(their_errno, EMFILE);
	if (m != n || our_errno != their_errno)
		FAIL("with %d free numbers socket(2) returned %d, msocket %d, then %s: %s", k, n, m,
		     strerrorname_np(our_errno), vdestack_last_error());
	for (int i = 0; i < n; i++)
		CHECK_EQ(ours[i], theirs[i]);
	/* socket(2) checks its arguments first */
	CHECK_ERRNO(vdestack_msocket(stack, 12345, SOCK_STREAM, 0), EAFNOSUPPORT);
}

static void with_a_full_table(struct vdestack *stack)
{
	int last = fill_table();

	compare_with_socket(stack, 0);
	for (int k = 1; k <= 2; k++) {
		CHECK_EQ(close(last--), 0);
		compare_with_socket(stack, k);
	}
	CHECK(fill_table() >= 0);
	compare_with_socket(stack, 0);
}

CASE_BOTH(in_a_full_table_msocket_fails_with_EMFILE_exactly_when_socket_does)
{
	set_limit(200);
	struct vdestack *stack = new_stack("");
	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0)));
	with_a_full_table(stack);
	MUST(vdestack_delete(stack));
}

CASE_BOTH(in_a_full_table_the_first_msocket_fails_with_EMFILE_exactly_when_socket_does)
{
	set_limit(200);
	struct vdestack *stack = new_stack("");
	with_a_full_table(stack);
	MUST(vdestack_delete(stack));
}

CASE_BOTH(msocket_obeys_a_limit_lowered_below_the_numbers_of_the_library)
{
	struct vdestack *stack = new_stack("");

	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0)));
	set_limit(16);
	with_a_full_table(stack);
	set_limit(24);
	with_a_full_table(stack);
	MUST(vdestack_delete(stack));
	set_limit(1000); /* checkers open files at the end */
}

CASE_BOTH(msocket_obeys_a_raised_limit)
{
	set_limit(40);
	struct vdestack *stack = new_stack("");
	with_a_full_table(stack);
	set_limit(42);
	compare_with_socket(stack, 2);
	MUST(vdestack_delete(stack));
}

static void *ask_or_EMFILE(void *stack)
{
	for (int i = 0; i < 200; i++) {
		int fd = vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 && errno != EMFILE)
			FAIL("%s: %s", strerrorname_np(errno), vdestack_last_error());
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/* Six at once for two numbers: each gets one or EMFILE, and no thread hangs. */
CASE_BOTH(threads_that_share_an_almost_full_table_get_the_numbers_that_are_left)
{
	pthread_t threads[6];

	set_limit(100);
	struct vdestack *stack = new_stack("");
	int last = fill_table();
	close(last--);
	close(last);
	for (int i = 0; i < 6; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, ask_or_EMFILE, stack), 0);
	for (int i = 0; i < 6; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	compare_with_socket(stack, 2);
	MUST(vdestack_delete(stack));
}

/* ------------------------------------------------------------------ programs that close everything */

#define STRANGERS 1200

struct stranger {
	int fd, peer; /* peer -1: a file */
	ino_t inode;
};

static struct stranger strangers[STRANGERS];
static int n_strangers;

static void add_stranger(int fd, int peer)
{
	struct stat st;

	MUST(fstat(fd, &st));
	strangers[n_strangers++] = (struct stranger){ fd, peer, st.st_ino };
}

/*
 * Takes every number below 800, so those of the library are among them; each has one message waiting on
 * either side.
 */
static void let_strangers_in(void)
{
	for (int i = 0, top = 0; top < 800; i++) {
		int pair[2], type = i % 3 == 0 ? SOCK_SEQPACKET : i % 3 == 1 ? SOCK_DGRAM : SOCK_STREAM;
		MUST(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair));
		for (int j = 0; j < 2; j++) {
			CHECK_EQ(send(pair[j], "x", 1, 0), 1);
			add_stranger(pair[j], pair[!j]);
			top = pair[j] > top ? pair[j] : top;
		}
		if (i % 16 == 0) {
			char path[64];
			(void)snprintf(path, sizeof(path), "%s/file%d", case_tmp(), i);
			add_stranger((int)MUST(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)), -1);
		}
	}
}

/* No message was received or added, and no descriptor closed or replaced. */
static void check_strangers(void)
{
	for (int i = 0; i < n_strangers; i++) {
		const struct stranger *s = &strangers[i];
		struct stat st;
		char buf[4096];
		if (fstat(s->fd, &st) < 0)
			FAIL("descriptor %d has been closed", s->fd);
		if (st.st_ino != s->inode)
			FAIL("descriptor %d has been replaced", s->fd);
		if (s->peer < 0) {
			CHECK_EQ(st.st_size, 0);
			continue;
		}
		ssize_t n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n != 1 || buf[0] != 'x')
			FAIL("descriptor %d had %zd bytes to read, not the one it was sent", s->fd, n);
		CHECK_ERRNO(recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	}
}

static void use_what_is_lost(struct vdestack *stack)
{
	char *argv[] = { "true", NULL };
	char value[16];

	for (int i = 0; i < 50; i++)
		CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0), ENETDOWN);
	CHECK_CONTAINS(vdestack_last_error(), "closed");
	CHECK_ERRNO(vdestack_msocket(stack, AF_NETLINK, SOCK_RAW, 0), ENETDOWN);
	CHECK_ERRNO(vdestack_netns(stack), ENETDOWN);
	CHECK_ERRNO(vdestack_run(stack, argv, NULL), ENETDOWN);
	CHECK_ERRNO(vdestack_iface_add(stack, "iface=eth9 vnl=inproc://lan", NULL), ENETDOWN);
	CHECK_ERRNO(vdestack_iface_del(stack, "vde0"), ENETDOWN);
	CHECK_ERRNO(vdestack_addr_list(stack, NULL, NULL, 0, sizeof(struct vdestack_addr)), ENETDOWN);
	CHECK_ERRNO(vdestack_sysctl_get(stack, "ipv4.ip_forward", value, sizeof(value)), ENETDOWN);
}

static void close_by_range(void)
{
	MUST(syscall(SYS_close_range, 3u, ~0u, 0));
}

static void close_by_loop(void)
{
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
}

static void close_everything(void (*how)(void), const char *config)
{
	reaper = getppid();
	set_limit(1024); /* the library's numbers are below half of it */
	struct vdestack *used = new_stack(config);
	struct vdestack *fresh = new_stack("");
	for (int i = 0; i < 20; i++)
		close((int)MUST(vdestack_msocket(used, AF_INET, SOCK_STREAM, 0)));
	CHECK_EQ(run_shell(used, "exit 0"), 0);

	how();
	if (!wait_until(no_keeper, NULL, SOON_MS))
		FAIL("the keeper lives on");
	let_strangers_in();
	use_what_is_lost(used);
	use_what_is_lost(fresh);
	struct vdestack *next = new_stack(SEGMENT);
	close((int)MUST(vdestack_msocket(next, AF_INET, SOCK_STREAM, 0)));
	MUST(vdestack_delete(used));
	MUST(vdestack_delete(fresh));
	close((int)MUST(vdestack_msocket(next, AF_INET, SOCK_STREAM, 0)));
	MUST(vdestack_delete(next));
	CHECK_ERRNO(vdestack_msocket(used, AF_INET, SOCK_STREAM, 0), EINVAL);
	check_strangers();
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

CASE_BOTH(a_program_that_closes_all_descriptors_by_close_range_gets_ENETDOWN_and_keeps_its_data)
{
	close_everything(close_by_range, SEGMENT);
}

CASE_BOTH(a_program_that_closes_all_descriptors_in_a_loop_gets_ENETDOWN_and_keeps_its_data)
{
	close_everything(close_by_loop, SEGMENT);
}

CASE_FLAGS(a_program_that_closes_all_descriptors_loses_its_vde_links_too,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	char config[300];

	(void)snprintf(config, sizeof(config), "vnl=hub://%s ip=10.1.0.1/24", case_path("hub"));
	close_everything(close_by_range, config);
}

/* A child that still holds the stack keeps the keeper alive. The keeper is idle and uses no CPU. */
CASE_FLAGS(a_keeper_whose_program_has_closed_everything_does_not_spin,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	char config[300];
	int go[2], status;
	pid_t keeper;

	reaper = getppid();
	(void)snprintf(config, sizeof(config), "vnl=hub://%s ip=10.1.0.1/24", case_path("hub"));
	struct vdestack *stack = new_stack(config);
	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0)));
	if (case_is_inprocess())
		keeper = getpid();
	else
		CHECK_EQ(find_children(reaper, KEEPER, &keeper, 1), 1);
	MUST(pipe2(go, O_CLOEXEC));
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) {
		char byte;
		close(go[1]);
		CHECK_EQ(read(go[0], &byte, 1), 0);
		close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0)));
		_exit(0);
	}
	CHECK_EQ(fcntl(go[1], F_DUPFD_CLOEXEC, 1000), 1000);
	for (int fd = 3; fd < 1000; fd++)
		close(fd);
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0), ENETDOWN);
	sleep_ms(100); /* what the descriptors kept alive has ended */
	long before = cpu_ticks(keeper);
	sleep_ms(600);
	long used = cpu_ticks(keeper) - before;
	if (used > 3)
		FAIL("%ld ticks of CPU time in 600 ms", used);
	close(1000);
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	MUST(vdestack_delete(stack));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}
