/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the keeper may do, who may reach it, and that no process gains rights by it. */

#define _GNU_SOURCE
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "stacks.h"

#define BIT(cap) (1ULL << (cap))
#define NETWORKING (BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW) | BIT(CAP_NET_BIND_SERVICE))
#define MAKING (NETWORKING | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_CHROOT))
#define FILES (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_CHOWN) | BIT(CAP_FOWNER))

/* ------------------------------------------------------------------ capabilities */

static unsigned long long line_of(const char *status, const char *name, int base)
{
	const char *line = strstr(status, name);

	if (line == NULL)
		FAIL("no %s in \"%s\"", name, status);
	return strtoull(line + strlen(name), NULL, base);
}

static void check_task(const char *dir, const char *tid, int *nets, int *pumps)
{
	char path[512], name[32] = "";
	unsigned long long may, bounds = MAKING | (case_is_root() ? FILES : 0);

	(void)snprintf(path, sizeof(path), "%s/%s/status", dir, tid);
	const char *s = text_of(path);
	if (s[0] == '\0') /* it has just ended */
		return;
	CHECK_EQ(sscanf(s, "Name: %31s", name), 1);
	if (strcmp(name, "vdestack-net") == 0) {
		may = NETWORKING;
		++*nets;
	} else if (strcmp(name, "vdestack-pump") == 0) {
		may = 0;
		++*pumps;
	} else if (strcmp(name, "vdestack-keeper") == 0) {
		may = bounds;
	} else { /* threads of plugins: no capability to make or enter namespaces */
		may = bounds & ~(BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_CHROOT));
	}
	unsigned long long effective = line_of(s, "CapEff:", 16), permitted = line_of(s, "CapPrm:", 16);
	if ((effective & ~may) != 0 || (permitted & ~may) != 0 ||
	    (line_of(s, "CapBnd:", 16) & ~bounds) != 0 || line_of(s, "CapInh:", 16) != 0 ||
	    line_of(s, "CapAmb:", 16) != 0 || line_of(s, "NoNewPrivs:", 10) != 1)
		FAIL("task %s %s may do more than 0x%llx:\n%s", tid, name, may, s);
	if (strcmp(name, "vdestack-net") == 0)
		CHECK_EQ(effective, NETWORKING); /* otherwise making sockets would fail */
}

/* Threads that begin have all of the keeper's capabilities for a moment. */
static void check_tasks(pid_t keeper, int *nets, int *pumps)
{
	char dir[64];

	await_rest(keeper);
	*nets = *pumps = 0;
	(void)snprintf(dir, sizeof(dir), "/proc/%d/task", (int)keeper);
	DIR *d = opendir(dir);
	CHECK(d != NULL);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.')
			check_task(dir, e->d_name, nets, pumps);
	closedir(d);
}

static bool no_jobs(void *keeper)
{
	char path[300];
	bool none = true;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", *(pid_t *)keeper);
	DIR *d = opendir(path);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", *(pid_t *)keeper, e->d_name);
		none = none && strcmp(text_of(path), "vdestack-job\n") != 0;
	}
	if (d != NULL)
		closedir(d);
	return none;
}

CASE_FLAGS(keeper_has_only_the_capabilities_it_needs, CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	int nets, pumps;

	(void)new_stack("vnl=inproc://lan");
	(void)new_stack("vnl=hub://%s vnl=switch://%s vnl=ptp://%s vnl='=sleep 1000'", case_path("hub"),
			case_path("switch"), case_path("ptp"));
	pid_t keeper = the_keeper();
	CHECK(wait_until(no_jobs, &keeper, SOON_MS));
	check_tasks(keeper, &nets, &pumps);
	CHECK_EQ(nets, 2);
	CHECK_EQ(pumps, 7); /* ptp:// never waits: one for both ways */;
}

/* A switch that is there and never answers: connections wait in its queue. */
static void make_silent_switch(const char *dir)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	MUST(mkdir(dir, 0700));
	CHECK(snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/ctl", dir) < (int)sizeof(addr.sun_path));
	MUST(bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	MUST(listen(fd, 64));
}

/* A job that waits in a plugin, for ever, has given up the capabilities that plugins do not need. */
static bool a_job_waits_without_privileges(void *keeper)
{
	char dir[64], path[400];
	bool found = false;

	(void)snprintf(dir, sizeof(dir), "/proc/%d/task", *(pid_t *)keeper);
	DIR *d = opendir(dir);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		(void)snprintf(path, sizeof(path), "%s/%s/status", dir, e->d_name);
		const char *s = text_of(path);
		found = found || (strncmp(s, "Name:\tvdestack-job\n", 19) == 0 &&
				  (line_of(s, "CapPrm:", 16) & BIT(CAP_SYS_ADMIN)) == 0);
	}
	if (d != NULL)
		closedir(d);
	return found;
}

CASE_FLAGS(a_thread_that_opens_a_network_has_only_the_capabilities_it_needs,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
{
	const struct vdestack_opts opts = { .size = sizeof(opts), .step_timeout_ms = -1 };
	struct vdestack *stack = new_stack("%s", "");
	pid_t keeper = the_keeper();
	char config[300];
	int nets, pumps;

	make_silent_switch(case_path("silent"));
	(void)snprintf(config, sizeof(config), "vnl=vde://%s", case_path("silent"));
	pid_t child = (pid_t)MUST(fork());
	if (child == 0)
		_exit(vdestack_iface_add(stack, config, &opts) == 0);
	CHECK(wait_until(a_job_waits_without_privileges, &keeper, SOON_MS));
	check_tasks(keeper, &nets, &pumps);
	MUST(kill(child, SIGKILL));
	MUST(waitpid(child, NULL, 0));
}

CASE(keeper_that_adopts_has_only_the_capabilities_it_needs)
{
	struct vdestack *owner = new_stack("%s", "");
	int ns = (int)MUST(vdestack_netns(owner)), nets, pumps;
	pid_t keepers[4];

	CHECK(vdestack_adopt_fd(ns, "", NULL) != NULL);
	int n = find_keepers(keepers, 4);
	CHECK_EQ(n, case_is_root() ? 1 : 2);
	for (int i = 0; i < n; i++)
		check_tasks(keepers[i], &nets, &pumps);
}

/* ------------------------------------------------------------------ ways in */

static void check_closed(pid_t pid, const char *name, int flags)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	CHECK_ERRNO(open(path, flags | O_CLOEXEC), EACCES);
}

static void intrude(void *arg)
{
	pid_t keeper = *(pid_t *)arg;
	char buf[8], path[64];
	struct iovec mine = { buf, sizeof(buf) }, its = { (void *)check_closed, sizeof(buf) };

	CHECK_ERRNO(ptrace(PTRACE_ATTACH, keeper, NULL, NULL), EPERM);
	CHECK_ERRNO(ptrace(PTRACE_SEIZE, keeper, NULL, NULL), EPERM);
	CHECK_ERRNO(process_vm_readv(keeper, &mine, 1, &its, 1, 0), EPERM);
	check_closed(keeper, "mem", O_RDWR);
	check_closed(keeper, "environ", O_RDONLY);
	check_closed(keeper, "maps", O_RDONLY);
	check_closed(keeper, "fd", O_RDONLY | O_DIRECTORY);
	check_closed(keeper, "root/", O_PATH);
	check_closed(keeper, "cwd/", O_PATH);
	check_closed(keeper, "ns/net", O_RDONLY);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/3", (int)keeper);
	CHECK_ERRNO(readlink(path, buf, sizeof(buf)), EACCES);
	int pidfd = (int)MUST(syscall(SYS_pidfd_open, keeper, 0));
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, pidfd, 3, 0), EPERM);
}

CASE_USER(keeper_cannot_be_reached_by_another_process_of_the_user)
{
	(void)new_stack("vnl=inproc://lan");
	pid_t keeper = the_keeper();
	intrude(&keeper);
	in_child(intrude, &keeper);
}

static void intrude_as_user(void *arg)
{
	drop_uid();
	intrude(arg);
}

CASE_ROOT(keeper_of_root_cannot_be_reached_by_a_child_that_gave_up_its_uid)
{
	(void)new_stack("vnl=inproc://lan");
	pid_t keeper = the_keeper();
	in_child(intrude_as_user, &keeper);
}

/* The registry's socket has a name, in a directory of the user alone. test_registry_attacks.c is about it. */
static bool is_registered(pid_t keeper, const char *name)
{
	const char *base = strrchr(name, '/');
	int program, pid, end = 0;

	base = base != NULL ? base + 1 : name;
	return sscanf(base, "stacks-%d-%d-%*8x%n", &program, &pid, &end) == 2 && end > 0 &&
	       base[end] == '\0' && program == getpid() && pid == keeper;
}

/* Checks that a socket of the keeper is in no list of sockets with a name or of listening ones. */
static void check_socket(pid_t keeper, unsigned long inode)
{
	static const char *const lists[] = { "tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet" };
	char path[64], needle[32];
	unsigned long flags, found;
	char name[128];

	(void)snprintf(path, sizeof(path), "/proc/%d/net/unix", (int)keeper);
	for (const char *line = text_of(path); (line = strchr(line, '\n')) != NULL && line[1] != '\0';) {
		line++;
		name[0] = '\0';
		if (sscanf(line, "%*s %*s %*s %lx %*s %*s %lu%*1[ ]%127[^\n]", &flags, &found, name) < 2 ||
		    found != inode)
			continue;
		if ((name[0] != '\0' && !is_registered(keeper, name)) || (flags & 0x10000) != 0)
			FAIL("socket %lu of the keeper is open to others: flags 0x%lx, name \"%s\"", inode,
			     flags, name);
	}
	(void)snprintf(needle, sizeof(needle), " %lu ", inode);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)keeper, lists[i]);
		if (strstr(text_of(path), needle) != NULL)
			FAIL("socket %lu of the keeper is in %s", inode, path);
	}
}

CASE_ROOT(keeper_has_no_socket_that_others_could_find)
{
	char path[300], target[64];
	unsigned long inode;
	int sockets = 0;

	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	close((int)MUST(vdestack_msocket(s, AF_INET, SOCK_STREAM, 0)));
	close((int)MUST(vdestack_netns(s)));
	pid_t keeper = the_keeper();
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)keeper);
	DIR *d = opendir(path);
	CHECK(d != NULL);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)keeper, e->d_name);
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (sscanf(target, "socket:[%lu]", &inode) != 1)
			continue;
		sockets++;
		check_socket(keeper, inode);
	}
	closedir(d);
	CHECK(sockets >= 3); /* front door, door and channel were checked */
}

/* Nothing listens in the new stack; only the program makes sockets there. */
CASE_BOTH(nothing_listens_in_a_new_stack)
{
	static const char *const lists[] = { "tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet" };
	struct vdestack *s = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	char script[512], *at = script;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		at += sprintf(at, "test $(wc -l < /proc/net/%s) -le 1 || exit 1; ", lists[i]);
	(void)sprintf(at, "! grep -q @ /proc/net/unix || exit 2");
	CHECK_EQ(vdestack_run(s, (char *[]){ (char *)"sh", (char *)"-c", script, NULL }, NULL), 0);
}

/* ------------------------------------------------------------------ no way back */

struct place {
	struct vdestack *stack;
	char *root_only; /* in a directory of mode 0700, of root */
};

static void run_true(struct vdestack *stack)
{
	CHECK_ERRNO(vdestack_run(stack, (char *[]){ (char *)"true", NULL }, NULL), EPERM);
}

#define REFUSED(call)                                                                                        \
	do {                                                                                                 \
		CHECK_ERRNO(call, EPERM);                                                                    \
		CHECK_CONTAINS(vdestack_last_error(), "privileges");                                         \
	} while (0)

static void check_powerless(const struct place *p)
{
	char config[300];

	(void)snprintf(config, sizeof(config), "vnl=ptp://%s", p->root_only);
	REFUSED(vdestack_new("", case_opts()));
	REFUSED(vdestack_new(config, case_opts()));
	REFUSED(vdestack_iface_add(p->stack, config, case_opts()));
	CHECK_ERRNO(access(p->root_only, F_OK), EACCES);
	REFUSED(vdestack_iface_add(p->stack, "vnl=inproc://lan", case_opts()));
	CHECK_ERRNO(vdestack_sysctl_set(p->stack, "ipv4/ip_forward", "1"), EPERM);
	CHECK(strlen(vdestack_last_error()) > 0);
	CHECK_ERRNO(vdestack_link_set_mtu(p->stack, "lo", 1400), EPERM);
	CHECK_ERRNO(vdestack_addr_add(p->stack, "lo", "10.0.0.1", 8), EPERM);
	CHECK_ERRNO(vdestack_spawn(p->stack, (char *[]){ (char *)"true", NULL }, NULL, NULL), EPERM);
	run_true(p->stack);
	CHECK(strlen(vdestack_last_error()) > 0);
	close((int)MUST(vdestack_msocket(p->stack, AF_INET, SOCK_DGRAM, 0)));
}

static void powerless_user(void *place)
{
	drop_uid();
	check_powerless(place);
}

static void drop_sys_admin(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	MUST(syscall(SYS_capget, &head, data));
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1U << CAP_SYS_ADMIN);
	MUST(syscall(SYS_capset, &head, data));
}

/* uid 0, and every capability but the one that it takes to make namespaces. */
static void no_sys_admin(void *arg)
{
	const struct place *p = arg;

	drop_sys_admin();
	REFUSED(vdestack_new("", case_opts()));
	REFUSED(vdestack_iface_add(p->stack, "vnl=inproc://lan", case_opts()));
	CHECK_ERRNO(vdestack_sysctl_set(p->stack, "ipv4/ip_forward", "1"), EPERM);
	run_true(p->stack);
	close((int)MUST(vdestack_msocket(p->stack, AF_INET, SOCK_DGRAM, 0)));
}

/* Root of an own user namespace has no rights outside. */
static void own_user_namespace(void *arg)
{
	drop_uid();
	MUST(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	MUST(unshare(CLONE_NEWUSER));
	const struct place *p = arg;
	REFUSED(vdestack_iface_add(p->stack, "vnl=inproc://lan", case_opts()));
	CHECK_ERRNO(vdestack_sysctl_set(p->stack, "ipv4/ip_forward", "1"), EPERM);
	run_true(p->stack);
}

static struct place new_place(void)
{
	char path[200];

	(void)snprintf(path, sizeof(path), "%s", case_path("private"));
	MUST(mkdir(path, 0700));
	return (struct place){ new_stack("%s", ""), strdup(case_path("private/net")) };
}

static void check_mighty(const struct place *p)
{
	MUST(vdestack_sysctl_set(p->stack, "ipv4/ip_forward", "1"));
	MUST(vdestack_iface_add(p->stack, "iface=late vnl=inproc://lan", case_opts()));
	MUST(vdestack_delete(new_stack("vnl=ptp://%s", p->root_only)));
	CHECK_EQ(vdestack_run(p->stack, (char *[]){ (char *)"true", NULL }, NULL), 0);
	free(p->root_only);
}

CASE_ROOT(a_child_that_gave_up_its_uid_gains_nothing_by_the_keeper)
{
	struct place p = new_place();

	in_child(powerless_user, &p);
	check_mighty(&p); /* and the parent can still do everything */
}

CASE_ROOT(a_program_that_gave_up_its_uid_gains_nothing_by_the_keeper)
{
	struct place p = new_place();

	powerless_user(&p);
	MUST(vdestack_delete(p.stack));
	free(p.root_only);
}

CASE_ROOT(a_child_without_cap_sys_admin_gains_nothing_by_the_keeper)
{
	struct place p = new_place();

	in_child(no_sys_admin, &p);
	check_mighty(&p);
}

CASE_FLAGS(a_child_in_a_user_namespace_of_its_own_gains_nothing_by_the_keeper, CASE_F_ROOT | CASE_F_USERNS)
{
	struct place p = new_place();

	in_child(own_user_namespace, &p);
	check_mighty(&p);
}

CASE_FLAGS(a_program_that_gave_up_its_uid_makes_stacks_as_its_new_user, CASE_F_ROOT | CASE_F_USERNS)
{
	struct vdestack *s = new_stack("%s", "");

	drop_uid();
	REFUSED(vdestack_new("", case_opts()));
	MUST(vdestack_delete(s)); /* the last one: root's keeper ends with it */
	struct pair p = new_pair();
	check_udp(p.a, p.b, "10.9.0.2");
	const char *status = text_of("/proc/self/status");
	CHECK_EQ(line_of(status, "CapEff:", 16), 0);
}

/* For threads of the program the kernel refuses: their credentials have changed with the program's. */
CASE_FLAGS(a_program_that_gave_up_its_uid_gains_nothing_by_its_keeper_threads,
	   CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_ONLY_INPROCESS)
{
	struct vdestack *s = new_stack("%s", "");
	char value[8];

	drop_uid();
	CHECK_ERRNO(vdestack_new("", case_opts()), EPERM);
	CHECK(strlen(vdestack_last_error()) > 0);
	CHECK_ERRNO(vdestack_iface_add(s, "vnl=inproc://lan", case_opts()), EPERM);
	CHECK(strlen(vdestack_last_error()) > 0);
	CHECK(vdestack_sysctl_set(s, "ipv4/ip_forward", "1") < 0);
	CHECK(errno == EPERM || errno == EACCES);
	MUST(vdestack_sysctl_get(s, "ipv4/ip_forward", value, sizeof(value)));
	CHECK_STR(value, "0");
	CHECK_ERRNO(vdestack_run(s, (char *[]){ (char *)"true", NULL }, NULL), EPERM);
}

/* ------------------------------------------------------------------ where a locator points */

/* A file of that name has come; where is "" or a directory that was opened before. */
static bool is_there(void *path)
{
	return access(path, F_OK) == 0;
}

CASE_FLAGS(a_locator_is_resolved_in_the_chroot_of_the_program, CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_VDE)
{
	char root[200], outside[256];
	struct vdestack *s = new_stack("%s", "");
	int cwd = (int)MUST(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));

	(void)snprintf(root, sizeof(root), "%s", case_path("root"));
	(void)snprintf(outside, sizeof(outside), "%s/inside", root);
	MUST(mkdir(root, 0755));
	MUST(chroot(root));
	MUST(chdir("/"));
	MUST(vdestack_iface_add(s, "vnl=ptp:///inside", case_opts()));
	MUST(access("/inside", F_OK));
	MUST(fchdir(cwd)); /* chroot does not take descriptors away from root */
	MUST(chroot("."));
	CHECK(is_there(outside));
	CHECK_ERRNO(access("/inside", F_OK), ENOENT);
	/* and out of it again */
	(void)snprintf(outside, sizeof(outside), "vnl=ptp://%s/second", root);
	MUST(vdestack_iface_add(s, outside, case_opts()));
}

CASE_FLAGS(a_relative_locator_is_resolved_where_the_program_is_now,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct vdestack *s = new_stack("%s", "");

	MUST(mkdir("first", 0755));
	MUST(mkdir("second", 0755));
	MUST(chdir("first"));
	MUST(vdestack_iface_add(s, "vnl=ptp://here", case_opts()));
	MUST(access("here", F_OK));
	MUST(chdir("../second"));
	CHECK_ERRNO(access("here", F_OK), ENOENT);
	MUST(vdestack_iface_add(s, "vnl=ptp://here", case_opts()));
	MUST(access("here", F_OK));
	MUST(vdestack_delete(s));
}

CASE_FLAGS(a_stack_can_be_made_in_a_directory_that_is_gone,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	struct vdestack *s;

	MUST(mkdir("gone", 0755));
	MUST(chdir("gone"));
	MUST(rmdir("../gone") == 0 ? 0 : rmdir(case_path("gone")));
	s = new_stack("vnl=ptp://%s vnl=inproc://lan", case_path("net"));
	MUST(access(case_path("net"), F_OK));
	MUST(vdestack_delete(s));
}
