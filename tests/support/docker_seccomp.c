/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * docker_seccomp [--cap-add-sys-admin | --unconfined] [--no-new-privs] PROGRAM ARG...
 *
 * Runs a program with the restrictions of a container that "docker run" makes without options:
 *
 *  - a seccomp filter. The calls of Docker's default profile that a program without further capabilities
 *    may not make fail with EPERM, clone3 with ENOSYS;
 *  - the 14 capabilities of Docker in the bounding set, and no others;
 *  - no /dev/net/tun, and /proc/sys read-only.
 *
 * Started by root, it is root in a container ("docker run"). Started by another user, it makes a user
 * namespace in which this user has the same number and no capabilities ("docker run --user", rootless).
 *
 * --cap-add-sys-admin is Docker's --cap-add SYS_ADMIN: the filter then permits what needs it.
 * --unconfined is --security-opt seccomp=unconfined: there is no filter.
 * --no-new-privs is --security-opt no-new-privileges.
 *
 * The network, the processes and the files are those of the caller: a container has its own, but they make
 * no call fail. The filter lists what is refused, while Docker's lists what is allowed. So a call that
 * libseccomp does not know is refused there and allowed here. personality(2), which Docker
 * restricts, is not restricted.
 *
 * Exit status: that of the program; 125 if the restrictions cannot be made, with the reason on stderr.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_NOT_STARTED 125

/* The calls that the profile permits with one of these capabilities, or with none at all (0). */
enum { SYS_ADMIN = 1 };
static const struct refused {
	const char *name;
	int permitted_with;
} refused[] = {
	{ "bpf", SYS_ADMIN },
	{ "fanotify_init", SYS_ADMIN },
	{ "fsconfig", SYS_ADMIN },
	{ "fsmount", SYS_ADMIN },
	{ "fsopen", SYS_ADMIN },
	{ "fspick", SYS_ADMIN },
	{ "lookup_dcookie", SYS_ADMIN },
	{ "mount", SYS_ADMIN },
	{ "mount_setattr", SYS_ADMIN },
	{ "move_mount", SYS_ADMIN },
	{ "open_tree", SYS_ADMIN },
	{ "perf_event_open", SYS_ADMIN },
	{ "quotactl", SYS_ADMIN },
	{ "quotactl_fd", SYS_ADMIN },
	{ "setdomainname", SYS_ADMIN },
	{ "sethostname", SYS_ADMIN },
	{ "setns", SYS_ADMIN },
	{ "syslog", SYS_ADMIN },
	{ "umount", SYS_ADMIN },
	{ "umount2", SYS_ADMIN },
	{ "unshare", SYS_ADMIN },
	{ "acct", 0 },
	{ "clock_settime", 0 },
	{ "delete_module", 0 },
	{ "finit_module", 0 },
	{ "init_module", 0 },
	{ "ioperm", 0 },
	{ "iopl", 0 },
	{ "kcmp", 0 },
	{ "mbind", 0 },
	{ "get_mempolicy", 0 },
	{ "open_by_handle_at", 0 },
	{ "pidfd_getfd", 0 },
	{ "process_madvise", 0 },
	{ "reboot", 0 },
	{ "set_mempolicy", 0 },
	{ "set_mempolicy_home_node", 0 },
	{ "settimeofday", 0 },
	{ "stime", 0 },
	{ "vhangup", 0 },
	{ "_sysctl", 0 },
	{ "add_key", 0 },
	{ "create_module", 0 },
	{ "get_kernel_syms", 0 },
	{ "io_uring_enter", 0 }, /* since Docker 25 */
	{ "io_uring_register", 0 },
	{ "io_uring_setup", 0 },
	{ "kexec_file_load", 0 },
	{ "kexec_load", 0 },
	{ "keyctl", 0 },
	{ "migrate_pages", 0 },
	{ "move_pages", 0 },
	{ "nfsservctl", 0 },
	{ "pivot_root", 0 },
	{ "query_module", 0 },
	{ "request_key", 0 },
	{ "swapoff", 0 },
	{ "swapon", 0 },
	{ "sysfs", 0 },
	{ "uselib", 0 },
	{ "userfaultfd", 0 },
	{ "ustat", 0 },
};

static const unsigned namespaces[] = {
	CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET,
};

static const int capabilities[] = {
	CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FSETID,           CAP_FOWNER,
	CAP_MKNOD,   CAP_NET_RAW,      CAP_SETGID,           CAP_SETUID,
	CAP_SETFCAP, CAP_SETPCAP,      CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT,
	CAP_KILL,    CAP_AUDIT_WRITE,
};

struct options {
	bool sys_admin, unconfined, no_new_privs;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

__attribute__((noreturn)) static void die(const char *what, int err)
{
	(void)fprintf(stderr, "docker_seccomp: %s: %s\n", what, strerror(err));
	exit(EXIT_NOT_STARTED);
}

/* ------------------------------------------------------------------ namespaces and mounts */

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path, errno);
	close(fd);
}

/* A mount namespace of its own. Who may not make one, makes it in a user namespace. */
static void enter_namespaces(void)
{
	char map[64];
	unsigned uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWNS) == 0)
		return;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		die("user and mount namespace", errno);
	write_file("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	write_file("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	write_file("/proc/self/gid_map", map);
}

static void mount_like_docker(void)
{
	static const char sys[] = "/proc/sys";
	struct statvfs was;

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("/", errno);
	if (access("/dev/net", F_OK) == 0 && mount("tmpfs", "/dev/net", "tmpfs", MS_NOSUID, "mode=0755") < 0)
		die("/dev/net", errno);
	if (mount(sys, sys, NULL, MS_BIND, NULL) < 0 || statvfs(sys, &was) < 0 ||
	    mount(NULL, sys, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL) < 0)
		die(sys, errno);
}

/* ------------------------------------------------------------------ filter and capabilities */

static void refuse(scmp_filter_ctx filter, const char *name, int err)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number < 0) /* not on this machine, or unknown to libseccomp */
		return;
	int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned)err), number, 0);
	if (result < 0)
		die(name, -result);
}

static void refuse_if(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp arg)
{
	int result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), seccomp_syscall_resolve_name(name),
					    1, &arg);

	if (result < 0)
		die(name, -result);
}

static void set_filter(const struct options *opts)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (filter == NULL || seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, opts->no_new_privs) < 0)
		die("seccomp filter", ENOMEM);
	for (size_t i = 0; i < COUNT(refused); i++)
		if (!opts->sys_admin || refused[i].permitted_with != SYS_ADMIN)
			refuse(filter, refused[i].name, EPERM);
	refuse_if(filter, "socket", (struct scmp_arg_cmp){ .op = SCMP_CMP_EQ, .datum_a = AF_VSOCK });
	if (!opts->sys_admin) {
		refuse(filter, "clone3", ENOSYS);
		for (size_t i = 0; i < COUNT(namespaces); i++)
			refuse_if(filter, "clone", (struct scmp_arg_cmp){ .op = SCMP_CMP_MASKED_EQ,
									  .datum_a = namespaces[i],
									  .datum_b = namespaces[i] });
	}
	int result = seccomp_load(filter);
	if (result < 0)
		die("seccomp filter", -result);
	seccomp_release(filter);
}

static void limit_capabilities(const struct options *opts)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	uint64_t kept = opts->sys_admin ? 1ULL << CAP_SYS_ADMIN : 0;

	for (size_t i = 0; i < COUNT(capabilities); i++)
		kept |= 1ULL << capabilities[i];
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if ((kept >> cap & 1) == 0 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			die("bounding set", errno);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		die("ambient capabilities", errno);
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = (uint32_t)(kept >> (32 * i));
	if (syscall(SYS_capset, &header, data) < 0)
		die("capabilities", errno);
}

int main(int argc, char **argv)
{
	struct options opts = { 0 };
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--cap-add-sys-admin") == 0)
			opts.sys_admin = true;
		else if (strcmp(argv[i], "--unconfined") == 0)
			opts.unconfined = true;
		else if (strcmp(argv[i], "--no-new-privs") == 0)
			opts.no_new_privs = true;
		else
			die(argv[i], EINVAL);
	}
	if (i >= argc)
		die("program", EINVAL);
	enter_namespaces();
	mount_like_docker();
	if (opts.no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("no_new_privs", errno);
	if (!opts.unconfined)
		set_filter(&opts);
	limit_capabilities(&opts);
	(void)execvp(argv[i], argv + i);
	die(argv[i], errno);
}
