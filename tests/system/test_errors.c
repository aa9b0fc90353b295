/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Creation that fails. Each cause is real. Creation must fail in time, with an errno of its own and a message
 * with step, cause and remedy, and leave nothing behind.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "refuse.h"
#include "traffic.h"

#define BOTH_VDE (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
#define KEEPER "vdestack-keeper"

/* ------------------------------------------------------------------ what is there before and after */

struct before {
	int fds, tasks, keepers;
};

static int count_keepers(void)
{
	return find_children(getppid(), KEEPER, NULL, 0) + find_children(getpid(), KEEPER, NULL, 0);
}

static struct before look(void)
{
	return (struct before){ count_fds(), count_tasks_of(getpid()), count_keepers() };
}

static bool as_before(void *arg)
{
	struct before *b = arg;

	/* Fewer threads are possible: one was about to end when they were counted. */
	return count_fds() == b->fds && count_tasks_of(getpid()) <= b->tasks && count_keepers() == b->keepers;
}

/* Descriptors, threads and keepers are those of `before`; ends may take a moment. */
static void check_nothing_left(struct before before)
{
	if (!wait_until(as_before, &before, SOON_MS)) {
		struct before now = look();
		FAIL("descriptors %d, were %d; threads %d, were %d; keepers %d, were %d", now.fds, before.fds,
		     now.tasks, before.tasks, now.keepers, before.keepers);
	}
}

static void check_refusal(const char *config, int err, const char *const *parts)
{
	long long start = now_us();

	errno = 0;
	struct vdestack *s = vdestack_new(config, case_opts());
	int seen = errno;
	if (s != NULL)
		FAIL("\"%.100s\" made a stack", config);
	if (seen != err)
		FAIL("\"%.100s\" failed with %s, should be %s; \"%s\"", config, strerrorname_np(seen),
		     strerrorname_np(err), vdestack_last_error());
	for (; *parts != NULL; parts++)
		CHECK_CONTAINS(vdestack_last_error(), *parts);
	if (now_us() - start > SOON_MS * 1000LL)
		FAIL("it took %lld ms", (now_us() - start) / 1000);
}

/*
 * Creation fails in this way twice, the second time as the first. It does so without and with another stack
 * of the program. That stack still works, and nothing is left behind.
 */
#define REFUSED(config, err, ...) refused(config, err, WORDS(__VA_ARGS__))
static void refused(const char *config, int err, const char *const *parts)
{
	struct before before = look();

	check_refusal(config, err, parts);
	check_refusal(config, err, parts);
	check_nothing_left(before);
}

static void refused_beside_another(const char *config, int err, const char *const *parts)
{
	struct vdestack *other = stack_of(" ");
	struct before before = look();

	check_refusal(config, err, parts);
	check_nothing_left(before);
	tcp_one_way(other, "127.0.0.1", other);
	CHECK_ERRNO(vdestack_iface_add(other, config, case_opts()), err);
	CHECK_ERRNO(vdestack_if_nametoindex(other, "vde0"), ENODEV); /* nor is its interface there */
	check_nothing_left(before);
	tcp_one_way(other, "127.0.0.1", other);
	MUST(vdestack_delete(other));
}

__attribute__((format(printf, 1, 2))) static const char *config_of(const char *fmt, ...)
{
	static char text[4096];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

/* ------------------------------------------------------------------ networks */

CASE_FLAGS(a_scheme_without_plugin_is_reported, BOTH_VDE)
{
	REFUSED("vnl=nosuchscheme://x", EPROTONOSUPPORT, "nosuchscheme://x", "plugin", "install");
	refused_beside_another("vnl=nosuchscheme://x", EPROTONOSUPPORT, WORDS("plugin"));
}

CASE_FLAGS(a_path_without_switch_is_reported, BOTH_VDE)
{
	const char *config = config_of("vnl=vde://%s", case_path("nothing"));

	REFUSED(config, ENOENT, case_path("nothing"), "no switch", "vde_switch -s");
	refused_beside_another(config, ENOENT, WORDS("no switch"));
}

CASE_FLAGS(a_stale_socket_is_reported, BOTH_VDE)
{
	const char *path = case_path("sw");
	char ctl[300];
	struct tool sw;

	switch_start(&sw, path, "32");
	tool_end(&sw, SIGKILL); /* leaves its socket behind */
	(void)snprintf(ctl, sizeof(ctl), "%s/ctl", path);
	CHECK(path_exists(ctl));
	REFUSED(config_of("vnl=%s", path), ECONNREFUSED, path, "nobody listens", "start the switch again");
	/* the remedy works */
	MUST(unlink(ctl));
	switch_start(&sw, path, "32");
	MUST(vdestack_delete(stack_of("vnl=%s", path)));
}

CASE_FLAGS(a_switch_of_another_user_is_reported, CASE_F_USER)
{
	const char *path = case_path("sw");
	char ctl[300];
	struct tool sw;

	switch_start(&sw, path, "32");
	(void)snprintf(ctl, sizeof(ctl), "%s/ctl", path);
	MUST(chmod(ctl, 0000));
	REFUSED(config_of("vnl=%s", path), EACCES, path, "may not use it", "mode");
}

/* ------------------------------------------------------------------ the switch that never answers */

/* A switch with one port, which a stack holds. */
static struct vdestack *fill_switch(struct tool *sw, const char *path)
{
	switch_start(sw, path, "2"); /* numbers 0 and 1; there is no port 0 */
	return stack_of("iface=holder vnl=%s ip=10.0.0.1/24", path);
}

CASE_TIMED(a_full_switch_fails_within_five_seconds, BOTH_VDE, 60)
{
	const char *path = case_path("sw");
	struct tool sw;
	struct vdestack *holder = fill_switch(&sw, path);
	struct before before = look();
	long long start = now_us();

	check_refusal(config_of("vnl=%s", path), ETIMEDOUT,
		      WORDS(path, "all ports taken", "-n", "step_timeout_ms"));
	long long took = now_us() - start;
	if (took < 4500000 || took > 6500000)
		FAIL("it took %lld ms", took / 1000);
	check_nothing_left(before);
	tcp_one_way(holder, "10.0.0.1", holder);
}

static struct vdestack_opts opts_of(int timeout_ms)
{
	return (struct vdestack_opts){ .size = sizeof(struct vdestack_opts), .flags = case_opts_flags(),
				       .step_timeout_ms = timeout_ms };
}

/* Threads of the keeper, or of the program for the in-process variant. */
static int count_serving_tasks(void)
{
	pid_t keeper = 0;

	if (case_is_inprocess())
		return count_tasks_of(getpid());
	CHECK_EQ(find_children(getppid(), KEEPER, &keeper, 1), 1);
	return count_tasks_of(keeper);
}

static int count_serving_fds(void)
{
	char path[64];
	pid_t keeper = 0;
	int n = 0;

	/* A keeper is not dumpable, so only root may read its descriptors. */
	if (case_is_inprocess() || !case_is_root())
		return 0;
	CHECK_EQ(find_children(getppid(), KEEPER, &keeper, 1), 1);
	for (int fd = 0; fd < 256; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)keeper, fd);
		char target[8];
		n += readlink(path, target, sizeof(target)) >= 0;
	}
	CHECK(n > 3);
	return n;
}

static int count_files(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	CHECK(dir != NULL);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

struct serving {
	int tasks, fds;
};

static bool serving_as_before(void *arg)
{
	struct serving *s = arg;

	return count_serving_tasks() <= s->tasks && count_serving_fds() <= s->fds;
}

CASE_FLAGS(the_time_limit_of_the_caller_is_used, BOTH_VDE)
{
	const char *path = case_path("sw");
	struct vdestack_opts opts = opts_of(300);
	struct tool sw;
	struct vdestack *holder = fill_switch(&sw, path);
	/* What is made only once is made now. The last interface that failed is freed at the next call. */
	CHECK_ERRNO(vdestack_iface_add(holder, config_of("vnl=%s", path), &opts), ETIMEDOUT);
	close(socket_in(holder, AF_INET, SOCK_DGRAM));
	struct before before = look();
	struct serving serving = { count_serving_tasks(), count_serving_fds() };

	for (int i = 0; i < 3; i++) {
		long long start = now_us();
		CHECK_ERRNO(vdestack_new(config_of("vnl=%s", path), &opts), ETIMEDOUT);
		long long took = now_us() - start;
		if (took < 250000 || took > 1500000)
			FAIL("it took %lld ms", took / 1000);
		CHECK_ERRNO(vdestack_iface_add(holder, config_of("vnl=%s", path), &opts), ETIMEDOUT);
	}
	/* no thread stays blocked in the plugin, no descriptor stays open */
	if (!wait_until(serving_as_before, &serving, SOON_MS))
		FAIL("threads %d, were %d; descriptors %d, were %d", count_serving_tasks(), serving.tasks,
		     count_serving_fds(), serving.fds);
	check_nothing_left(before);
	CHECK_ERRNO(vdestack_if_nametoindex(holder, "vde0"), ENODEV);
	tcp_one_way(holder, "10.0.0.1", holder);
}

struct files {
	const char *path;
	int n;
};

static bool has_files(void *arg)
{
	struct files *f = arg;

	return count_files(f->path) == f->n;
}

CASE_FLAGS(no_socket_file_is_left_at_a_switch_that_never_answered, BOTH_VDE)
{
	const char *path = case_path("sw");
	struct vdestack_opts opts = opts_of(200);
	struct tool sw;
	struct vdestack *holder = fill_switch(&sw, path);
	struct files files = { path, count_files(path) };

	for (int i = 0; i < 3; i++)
		CHECK_ERRNO(vdestack_iface_add(holder, config_of("vnl=%s", path), &opts), ETIMEDOUT);
	if (!wait_until(has_files, &files, 3000))
		FAIL("%d files, were %d", count_files(path), files.n);
}

CASE_FLAGS(other_stacks_go_on_while_a_switch_does_not_answer, BOTH_VDE)
{
	const char *path = case_path("sw");
	struct vdestack_opts opts = opts_of(1500);
	struct tool sw;
	struct vdestack *holder = fill_switch(&sw, path);
	int go[2], status;
	long long longest = 0;

	MUST(pipe2(go, O_CLOEXEC));
	pid_t child = (pid_t)MUST(fork());
	if (child == 0) { /* through the same keeper */
		if (case_is_inprocess())
			/* with the in-process variant the threads are here; the call below is enough */
			_exit(0);
		CHECK_ERRNO(vdestack_iface_add(holder, config_of("vnl=%s", path), &opts), ETIMEDOUT);
		_exit(0);
	}
	for (long long end = now_us() + 1000000; now_us() < end;) {
		long long start = now_us();
		int fd = (int)MUST(vdestack_msocket(holder, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
		longest = now_us() - start > longest ? now_us() - start : longest;
		close(fd);
		MUST(vdestack_delete(stack_of("vnl=inproc://lan ip=10.1.0.1/24")));
	}
	if (longest > 900000)
		FAIL("a socket took %lld ms", longest / 1000);
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
}

CASE_FLAGS(a_switch_port_that_becomes_free_can_be_used, BOTH_VDE)
{
	const char *path = case_path("sw");
	struct vdestack_opts opts = opts_of(300);
	struct tool sw;
	struct vdestack *holder = fill_switch(&sw, path), *s = NULL;

	CHECK_ERRNO(vdestack_new(config_of("vnl=%s", path), &opts), ETIMEDOUT);
	MUST(vdestack_delete(holder));
	opts.step_timeout_ms = 1000; /* the switch notices the free port a moment later */
	for (int i = 0; i < 10 && s == NULL; i++)
		s = vdestack_new(config_of("vnl=%s ip=10.0.0.1/24", path), &opts);
	if (s == NULL)
		FAIL("still no stack: \"%s\"", vdestack_last_error());
	tcp_one_way(s, "10.0.0.1", s);
}

/* ------------------------------------------------------------------ /dev/net/tun */

/*
 * An ordinary user gets a mount namespace in a user namespace, where it can change /dev/net. A case of root
 * has a mount namespace already.
 */
static void own_dev_net(void)
{
	if (case_is_root())
		return;
	own_namespaces(CLONE_NEWNS);
	MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("tmpfs", "/dev/net", "tmpfs", 0, "mode=0755"));
}

static const char *tun_config(void)
{
	return config_of("vnl=ptp://%s", case_path("ptp"));
}

static void remove_tun(void)
{
	if (unlink("/dev/net/tun") != 0)
		CHECK_EQ(errno, ENOENT);
}

static void make_file(const char *path, mode_t mode)
{
	close((int)MUST(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
	MUST(chmod(path, mode));
}

static void spoil_by_absence(void)
{
	own_dev_net();
	remove_tun();
}

static void spoil_by_mode(void)
{
	bool node_is_ours = case_is_root();

	own_dev_net();
	if (!node_is_ours)
		make_file("/dev/net/tun", 0000);
	else
		MUST(chmod("/dev/net/tun", 0000));
}

static void spoil_by_driver(void)
{
	remove_tun();
	/* an unused minor number of misc devices */
	MUST(mknod("/dev/net/tun", S_IFCHR | 0666, makedev(10, 254)));
	MUST(chmod("/dev/net/tun", 0666));
}

static void spoil_by_a_file(void)
{
	own_dev_net();
	remove_tun();
	make_file("/dev/net/tun", 0666);
}

/* A program that requires taps gets the reason why there is none. */
static void insist(void)
{
	MUST(setenv("VDESTACK_PORT", "tap", 1));
}

CASE_FLAGS(an_absent_tun_device_is_reported, BOTH_VDE)
{
	insist();
	spoil_by_absence();
	REFUSED(tun_config(), ENOENT, "/dev/net/tun does not exist", "mknod");
	refused_beside_another(tun_config(), ENOENT, WORDS("mknod"));
	/* what needs no tap works */
	struct vdestack *s = stack_of("vnl=inproc://lan ip=10.0.0.1/24");
	tcp_one_way(s, "10.0.0.1", s);
}

CASE_FLAGS(a_tun_device_that_may_not_be_opened_is_reported, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	insist();
	spoil_by_mode();
	REFUSED(tun_config(), EACCES, "/dev/net/tun may not be opened", "chmod 666 /dev/net/tun");
}

CASE_FLAGS(a_tun_device_without_driver_is_reported, CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_VDE)
{
	insist();
	spoil_by_driver();
	REFUSED(tun_config(), ENODEV, "has no tun driver", "modprobe tun");
}

CASE_FLAGS(a_tun_device_that_is_something_else_is_reported, BOTH_VDE)
{
	insist();
	spoil_by_a_file();
	REFUSED(tun_config(), ENOTTY, "not the tun driver's", "mknod");
	MUST(mount("/dev/null", "/dev/net/tun", NULL, MS_BIND, NULL));
	REFUSED(tun_config(), ENOTTY, "not the tun driver's", "mknod");
}

/* A packet device takes the place of the tap, whatever the fault of the tun device is. */
static void check_ports(void)
{
	struct vdestack *a = stack_of("vnl=ptp://%s ip=10.0.0.1/24", case_path("ptp"));
	struct vdestack *b = stack_of("vnl=ptp://%s ip=10.0.0.2/24", case_path("ptp"));

	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
	MUST(vdestack_iface_add(a, config_of("iface=late vnl=null://"), case_opts()));
	MUST(vdestack_iface_del(a, "late"));
	MUST(vdestack_delete(a));
	MUST(vdestack_delete(b));
}

CASE_FLAGS(an_absent_tun_device_is_replaced, BOTH_VDE)
{
	spoil_by_absence();
	check_ports();
}

CASE_FLAGS(a_tun_device_that_may_not_be_opened_is_replaced, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	spoil_by_mode();
	check_ports();
}

CASE_FLAGS(a_tun_device_without_driver_is_replaced, CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_VDE)
{
	spoil_by_driver();
	check_ports();
}

CASE_FLAGS(a_tun_device_that_is_something_else_is_replaced, BOTH_VDE)
{
	spoil_by_a_file();
	check_ports();
}

/* ------------------------------------------------------------------ namespaces */

static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); /* uid 0 would get them back by exec */
	MUST(prctl(PR_SET_SECUREBITS, 1 /* SECBIT_NOROOT */, 0, 0, 0));
	MUST(syscall(SYS_capset, &head, none));
}

/* In a user namespace of the case's own, so that the machine's limits stay. */
static void limit(const char *name, const char *value)
{
	char path[64];

	own_user_namespace(0, case_is_root() ? 0 : 1000);
	(void)snprintf(path, sizeof(path), "/proc/sys/user/%s", name);
	write_text(path, value);
}

CASE_FLAGS(user_namespaces_switched_off_are_reported, CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS)
{
	limit("max_user_namespaces", "0");
	drop_capabilities();
	REFUSED("", ENOSPC, "cannot make a user namespace", "switched off", "user.max_user_namespaces");
}

CASE_FLAGS(the_limit_of_user_namespaces_is_reported, CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS)
{
	int go[2], ready[2];
	char byte = 'x';

	limit("max_user_namespaces", "1");
	MUST(pipe2(go, O_CLOEXEC));
	MUST(pipe2(ready, O_CLOEXEC));
	pid_t holder = (pid_t)MUST(fork());
	if (holder == 0) { /* has the only one */
		close(go[1]);
		MUST(unshare(CLONE_NEWUSER));
		MUST(write(ready[1], &byte, 1));
		_exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	drop_capabilities();
	REFUSED("", ENOSPC, "limit of user namespaces", "the disk is not full", "user.max_user_namespaces");
	close(go[1]);
	MUST(waitpid(holder, NULL, 0));
	/* with one free it works at the limit */
	struct vdestack *s = NULL;
	for (int i = 0; i < 500 && s == NULL; i++)
		if ((s = vdestack_new("", NULL)) == NULL)
			sleep_ms(10); /* the kernel frees the old one a moment later */
	if (s == NULL)
		FAIL("still no stack: \"%s\"", vdestack_last_error());
}

CASE_FLAGS(uid_0_without_capabilities_makes_stacks, CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS)
{
	if (!case_is_root())
		own_user_namespace(0, 0);
	drop_capabilities();
	struct vdestack *a = stack_of("vnl=inproc://lan ip=10.0.0.1/24");
	struct vdestack *b = stack_of("vnl=inproc://lan ip=10.0.0.2/24");
	tcp_both_ways(a, "10.0.0.1", b, "10.0.0.2");
}

CASE_FLAGS(network_namespaces_switched_off_are_reported, CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS)
{
	limit("max_net_namespaces", "0");
	/*
	 * the message says "switched off" if the setting can be read; a keeper in a nested user namespace
	 * reads that of its own
	 */
	REFUSED("", ENOSPC, "cannot make a network namespace", "user.max_net_namespaces");
}

CASE_FLAGS(the_limit_of_network_namespaces_is_reported, CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS)
{
	limit("max_net_namespaces", "2");
	struct vdestack *a = stack_of(" "), *b = stack_of(" ");
	struct before before = look();
	check_refusal("", ENOSPC,
		      WORDS("limit of network namespaces", "the disk is not full", "delete stacks"));
	check_nothing_left(before);
	tcp_one_way(a, "127.0.0.1", a);
	MUST(vdestack_delete(a));
	MUST(vdestack_delete(b));
}

CASE_FLAGS(a_segment_needs_a_network_namespace_too, CASE_F_ROOT | CASE_F_USER | CASE_F_USERNS)
{
	struct before before = look();

	/* One for both. They are made at the same time: the message is about the one that comes second. */
	limit("max_net_namespaces", "1");
	check_refusal("vnl=inproc://lan", ENOSPC,
		      WORDS("the limit of network namespaces is reached", "the disk is not full"));
	check_nothing_left(before);
}

CASE_FLAGS(a_packet_device_that_cannot_be_made_is_reported_with_the_tun_error,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_VDE | CASE_F_USERNS)
{
	struct before before = look();

	spoil_by_absence();
	limit("max_net_namespaces", "1"); /* the stack's */
	check_refusal(tun_config(), ENOSPC,
		      WORDS("neither without a tun device", "the disk is not full",
			    "/dev/net/tun does not exist"));
	check_nothing_left(before);
}

CASE_USER(user_namespaces_refused_by_seccomp_are_reported)
{
	MUST(refuse_call(SYS_unshare, CLONE_NEWUSER, EPERM));
	REFUSED("", EPERM, "cannot make a user namespace", "seccomp filter", "unshare(2)");
}

CASE_BOTH_ROOT(network_namespaces_refused_by_seccomp_are_reported)
{
	MUST(refuse_call(SYS_unshare, CLONE_NEWNET, EPERM));
	REFUSED("", EPERM, "cannot make a network namespace", "seccomp filter");
}

CASE_FLAGS(a_chroot_without_privileges_is_reported, CASE_F_USER)
{
	own_namespaces(CLONE_NEWNS);
	MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	/* the same tree at another place: for the kernel this is a chroot */
	MUST(mkdir(case_path("root"), 0755));
	MUST(mount("/", case_path("root"), NULL, MS_BIND | MS_REC, NULL));
	MUST(chroot(case_path("root")));
	MUST(chdir("/"));
	drop_capabilities();
	REFUSED("", EPERM, "cannot make a user namespace", "chroot");
}

/* ------------------------------------------------------------------ limits of the process */

CASE_FLAGS(every_small_limit_of_descriptors_gives_a_working_stack_or_an_error,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_ALONE)
{
	struct rlimit old, tight;
	int stacks = 0, refusals = 0;

	MUST(getrlimit(RLIMIT_NOFILE, &old));
	for (rlim_t n = 4; n < 28; n++) {
		struct before before = look();
		tight = (struct rlimit){ n, old.rlim_max };
		MUST(setrlimit(RLIMIT_NOFILE, &tight));
		struct vdestack *s = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24", case_opts());
		int err = errno;
		MUST(setrlimit(RLIMIT_NOFILE, &old));
		if (s == NULL) {
			if (err != EMFILE)
				FAIL("with %d descriptors: %s, \"%s\"", (int)n, strerrorname_np(err),
				     vdestack_last_error());
			CHECK_CONTAINS(vdestack_last_error(), "RLIMIT_NOFILE");
			refusals++;
		} else {
			tcp_one_way(s, "10.0.0.1", s);
			MUST(vdestack_delete(s));
			stacks++;
		}
		check_nothing_left(before);
	}
	CHECK(stacks > 0);
	CHECK(refusals > 0);
}

CASE_FLAGS(the_limit_of_processes_is_reported, CASE_F_USER | CASE_F_NO_SANITIZER)
{
	struct rlimit none = { 0, 0 };

	MUST(setrlimit(RLIMIT_NPROC, &none));
	REFUSED("", EAGAIN, "limit of processes", "RLIMIT_NPROC");
}

CASE_FLAGS(a_limit_of_memory_gives_a_working_stack_or_an_error,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	struct rlimit old, tight;
	int stacks = 0, refusals = 0;

	MUST(getrlimit(RLIMIT_AS, &old));
	for (rlim_t mib = 2; mib <= 64; mib *= 2) {
		struct before before = look();
		tight = (struct rlimit){ mib << 20, old.rlim_max };
		MUST(setrlimit(RLIMIT_AS, &tight));
		struct vdestack *s = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24", case_opts());
		int err = errno;
		MUST(setrlimit(RLIMIT_AS, &old));
		if (s == NULL) {
			if (err != ENOMEM && err != EAGAIN)
				FAIL("with %d MiB: %s, \"%s\"", (int)mib, strerrorname_np(err),
				     vdestack_last_error());
			CHECK(vdestack_last_error()[0] != '\0');
			refusals++;
		} else {
			tcp_one_way(s, "10.0.0.1", s);
			MUST(vdestack_delete(s));
			stacks++;
		}
		check_nothing_left(before);
	}
	CHECK(stacks > 0);
	CHECK(refusals > 0);
}

/* ------------------------------------------------------------------ locators and names */

CASE_BOTH(a_locator_that_is_too_long_is_reported)
{
	static char config[60000];

	(void)snprintf(config, sizeof(config), "vnl=vde://");
	memset(config + strlen(config), 'x', 50000);
	REFUSED(config, ENAMETOOLONG, "vnl=");
	config[4 + 4001] = '\0'; /* one byte too long */
	REFUSED(config, ENAMETOOLONG, "vnl=", "4000");
}

CASE_FLAGS(a_path_too_long_for_a_socket_is_reported, BOTH_VDE)
{
	char config[400] = "vnl=vde:///tmp/";

	memset(config + strlen(config), 'x', 200);
	REFUSED(config, ENAMETOOLONG, "too long", "shorter");
}

CASE_BOTH(a_name_used_twice_is_reported)
{
	REFUSED("iface=eth0 vnl=inproc://a iface=eth0 vnl=inproc://b", EINVAL, "iface=eth0", "position 27");
	struct vdestack *s = stack_of("iface=eth0 vnl=inproc://a ip=10.0.0.1/24");
	struct before before = look();
	CHECK_ERRNO(vdestack_iface_add(s, "iface=eth0 vnl=inproc://b", case_opts()), EEXIST);
	CHECK_CONTAINS(vdestack_last_error(), "eth0");
	check_nothing_left(before);
	tcp_one_way(s, "10.0.0.1", s);
}

CASE_FLAGS(interfaces_made_before_one_that_fails_are_removed, BOTH_VDE)
{
	struct before before = look();
	struct vdestack *s = stack_of("iface=eth0 vnl=inproc://lan ip=10.0.0.1/24");
	struct before with_stack = look();

	CHECK_ERRNO(
		vdestack_iface_add(s,
				   config_of("iface=a vnl=inproc://lan ip=10.0.0.2/24 iface=b vnl=ptp://%s "
					     "iface=c vnl=nosuchscheme://x",
					     case_path("ptp")),
				   case_opts()),
		EPROTONOSUPPORT);
	CHECK_CONTAINS(vdestack_last_error(), "nosuchscheme");
	CHECK_ERRNO(vdestack_if_nametoindex(s, "a"), ENODEV);
	CHECK_ERRNO(vdestack_if_nametoindex(s, "b"), ENODEV);
	CHECK_ERRNO(vdestack_if_nametoindex(s, "c"), ENODEV);
	check_nothing_left(with_stack);
	tcp_one_way(s, "10.0.0.1", s);
	/* the names of the failed creation can be used */
	MUST(vdestack_iface_add(s,
				config_of("iface=a vnl=inproc://lan ip=10.0.0.2/24 iface=b vnl=ptp://%s",
					  case_path("ptp")),
				case_opts()));
	MUST(vdestack_delete(s));
	check_nothing_left(before);
}

CASE_FLAGS(an_interface_whose_address_cannot_be_set_is_removed, BOTH_VDE)
{
	struct before before = look();

	/* a gateway that is not on the link */
	REFUSED("vnl=inproc://lan ip=10.0.0.1/24 gw=192.0.2.1", ENETUNREACH, "192.0.2.1");
	check_nothing_left(before);
}

CASE_BOTH(an_absent_command_is_reported)
{
	/* With a directory in PATH that may not be searched, a command that is not found is EACCES. */
	MUST(setenv("PATH", "/usr/bin:/bin", 1));
	REFUSED("vnl='=no-such-command-here x'", ENOENT, "no-such-command-here");
}

CASE_BOTH(invalid_options_are_reported)
{
	struct vdestack_opts opts = { .size = 0 };

	CHECK_ERRNO(vdestack_new("", &opts), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "size");
	opts = (struct vdestack_opts){ .size = sizeof(opts), .flags = 0x80000000u };
	CHECK_ERRNO(vdestack_new("", &opts), EINVAL);
	CHECK_CONTAINS(vdestack_last_error(), "flags");
	/* of a later version of the library: accepted if the new fields are zero */
	struct {
		struct vdestack_opts opts;
		unsigned char newer[64];
	} later = { .opts = { .size = sizeof(later), .flags = case_opts_flags() } };
	struct vdestack *s = vdestack_new("", &later.opts);
	CHECK(s != NULL);
	MUST(vdestack_delete(s));
	later.newer[63] = 1;
	CHECK_ERRNO(vdestack_new("", &later.opts), E2BIG);
	CHECK_CONTAINS(vdestack_last_error(), "newer");
}

CASE_USER(the_inprocess_variant_without_privileges_is_reported)
{
	struct before before = look();
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = VDESTACK_INPROCESS };

	CHECK_ERRNO(vdestack_new("", &opts), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "CAP_SYS_ADMIN");
	CHECK_CONTAINS(vdestack_last_error(), "VDESTACK_INPROCESS");
	check_nothing_left(before);
}

/* ------------------------------------------------------------------ who gets the message */

struct heard {
	pthread_t thread;
	int count, strangers;
	char last[600];
};

static void hear(void *arg, int level, const char *message)
{
	struct heard *h = arg;

	(void)level;
	if (!pthread_equal(h->thread, pthread_self()))
		__atomic_add_fetch(&h->strangers, 1, __ATOMIC_SEQ_CST);
	else
		(void)snprintf(h->last, sizeof(h->last), "%s", message);
	__atomic_add_fetch(&h->count, 1, __ATOMIC_SEQ_CST);
}

CASE_FLAGS(failures_are_reported_to_the_thread_that_called, BOTH_VDE)
{
	struct heard heard = { .thread = pthread_self() };
	const char *path = case_path("sw");
	struct vdestack_opts opts = opts_of(200);
	struct tool sw;
	struct vdestack *holder = fill_switch(&sw, path);

	vdestack_set_log(hear, &heard);
	CHECK_ERRNO(vdestack_new("vnl=nosuchscheme://x", case_opts()), EPROTONOSUPPORT);
	CHECK_CONTAINS(heard.last, "nosuchscheme");
	CHECK_ERRNO(vdestack_iface_add(holder, config_of("vnl=%s", path), &opts), ETIMEDOUT);
	CHECK_CONTAINS(heard.last, "ports taken");
	CHECK_STR(heard.last, vdestack_last_error());
	vdestack_set_log(NULL, NULL);
	int count = heard.count;
	CHECK_ERRNO(vdestack_new("vnl=nosuchscheme://x", case_opts()), EPROTONOSUPPORT);
	CHECK_EQ(heard.count, count);
	CHECK_EQ(heard.strangers, 0);
}
