/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "diagnose.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

/* A way out for programs that choose the kind of their stacks: the text stands behind the remedies. */
#define OR_PICOX "; the plugin picox of libioth needs no namespace"

static const char *const texts[] = {
	[VS_CAUSE_USERNS_OFF] =
		"user namespaces are switched off (user.max_user_namespaces is 0); set sysctl "
		"user.max_user_namespaces=10000 or run with CAP_SYS_ADMIN"
		OR_PICOX,
	[VS_CAUSE_USERNS_LIMIT] =
		"the limit of user namespaces is reached (the disk is not full); raise sysctl "
		"user.max_user_namespaces or end programs that hold some",
	[VS_CAUSE_USERNS_DEBIAN] =
		"unprivileged user namespaces are switched off; set sysctl "
		"kernel.unprivileged_userns_clone=1 or run with CAP_SYS_ADMIN"
		OR_PICOX,
	[VS_CAUSE_USERNS_APPARMOR] =
		"AppArmor restricts unprivileged user namespaces; give the program a profile with "
		"\"userns,\" or set sysctl kernel.apparmor_restrict_unprivileged_userns=0"
		OR_PICOX,
	[VS_CAUSE_USERNS_SECCOMP] =
		"a seccomp filter refuses user namespaces; allow unshare(2) and clone(2) with "
		"CLONE_NEWUSER in the filter (container run-time or service manager), or make stacks "
		"before it is set" OR_PICOX,
	[VS_CAUSE_USERNS_CHROOT] =
		"the kernel refuses user namespaces in a chroot; make the first stack before chroot(2), "
		"use pivot_root(2), or run with CAP_SYS_ADMIN",
	[VS_CAUSE_USERNS_NOT_BUILT] =
		"this kernel has no user namespaces; use one with CONFIG_USER_NS or run with CAP_SYS_ADMIN"
		OR_PICOX,
	[VS_CAUSE_NETNS_OFF] =
		"network namespaces are switched off (user.max_net_namespaces is 0); raise that sysctl"
		OR_PICOX,
	[VS_CAUSE_NETNS_LIMIT] =
		"the limit of network namespaces is reached (the disk is not full); raise sysctl "
		"user.max_net_namespaces or delete stacks",
	[VS_CAUSE_TUN_ABSENT] =
		"/dev/net/tun does not exist; create it (mkdir -p /dev/net; mknod /dev/net/tun c 10 200; "
		"chmod 666 /dev/net/tun) or pass it into the container",
	[VS_CAUSE_TUN_PERMISSION] =
		"/dev/net/tun may not be opened by this user; chmod 666 /dev/net/tun (it grants no rights "
		"outside one's own namespaces)",
	[VS_CAUSE_TUN_MODULE] =
		"the kernel has no tun driver; modprobe tun",
	[VS_CAUSE_TUN_OTHER] =
		"/dev/net/tun is not the tun driver's; create it again (rm /dev/net/tun; mknod "
		"/dev/net/tun c 10 200; chmod 666 /dev/net/tun)",
	[VS_CAUSE_TUN_CGROUP] =
		"a device cgroup denies /dev/net/tun; allow \"c 10:200 rwm\" for the container or service",
	[VS_CAUSE_DESCRIPTORS] =
		"the limit of open descriptors is reached; raise RLIMIT_NOFILE (ulimit -n) or close some",
	[VS_CAUSE_MEMORY] =
		"out of memory, or a limit on it is reached; raise RLIMIT_AS (ulimit -v) or the cgroup's "
		"limit; with very many threads, sysctl vm.max_map_count",
	[VS_CAUSE_PROCESSES] =
		"the limit of processes and threads is reached; raise RLIMIT_NPROC (ulimit -u), the "
		"cgroup's pids.max, or sysctls kernel.threads-max and kernel.pid_max",
	[VS_CAUSE_NETWORK_SCHEME] =
		"libvdeplug has no plugin for this scheme; install it (Debian: vdeplug, libvdeplug-*) or "
		"correct the scheme",
	[VS_CAUSE_NETWORK_ABSENT] =
		"there is no switch at this path; start one (vde_switch -s PATH) or correct the path",
	[VS_CAUSE_NETWORK_DEAD] =
		"the socket exists but nobody listens: its switch has ended; remove it and start the "
		"switch again",
	[VS_CAUSE_NETWORK_PERMISSION] =
		"this user may not use it; check the mode of the switch's directory (vde_switch -m) or the "
		"group (a keeper has no supplementary groups if its program may drop them)",
	[VS_CAUSE_NETWORK_LONG] =
		"the path is too long for a socket; use a shorter one",
	[VS_CAUSE_NETWORK_SILENT] =
		"it does not answer; a vde_switch with all ports taken never does; start it with more "
		"ports (-n) or free some",
	[VS_CAUSE_NETWORK_BUSY] =
		"its address is in use; plug in with vde://PATH where a hub or switch is already there",
	[VS_CAUSE_NETWORK_OTHER] =
		"check the locator with vde_plug(1)",
};

const char *vs_cause_text(enum vs_cause cause, int err)
{
	const char *text = (size_t)cause < VS_COUNT(texts) ? texts[cause] : NULL;

	return text != NULL ? text : strerror(err);
}

/* The number in a file below root; -1: there is none. */
static long read_number(const char *root, const char *path)
{
	char name[PATH_MAX], text[32] = "";

	(void)snprintf(name, sizeof(name), "%s%s", root, path);
	VS_AUTO_CLOSE fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	return strtol(text, NULL, 10);
}

/* The value behind key in a status file below root; -1: there is none. */
static long read_status(const char *root, const char *path, const char *key)
{
	char name[PATH_MAX], text[8192];

	(void)snprintf(name, sizeof(name), "%s%s", root, path);
	VS_AUTO_CLOSE fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	const char *at = strstr(text, key);
	return at == NULL ? -1 : strtol(at + strlen(key), NULL, 10);
}

enum vs_cause vs_diagnose_limit(int err)
{
	switch (err) {
	case EMFILE:
	case ENFILE:
		return VS_CAUSE_DESCRIPTORS;
	case ENOMEM:
		return VS_CAUSE_MEMORY;
	case EAGAIN:
		return VS_CAUSE_PROCESSES;
	default:
		return VS_CAUSE_UNKNOWN;
	}
}

enum vs_cause vs_diagnose_userns(int err, const char *root)
{
	if (err == ENOSPC || err == EUSERS)
		return read_number(root, "/proc/sys/user/max_user_namespaces") == 0 ? VS_CAUSE_USERNS_OFF
										    : VS_CAUSE_USERNS_LIMIT;
	if (err == EINVAL || err == ENOSYS)
		return VS_CAUSE_USERNS_NOT_BUILT;
	if (err != EPERM && err != EACCES)
		return vs_diagnose_limit(err);
	if (read_number(root, "/proc/sys/kernel/unprivileged_userns_clone") == 0)
		return VS_CAUSE_USERNS_DEBIAN;
	if (read_number(root, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
		return VS_CAUSE_USERNS_APPARMOR;
	if (read_status(root, "/proc/self/status", "\nSeccomp:") == 2)
		return VS_CAUSE_USERNS_SECCOMP;
	return VS_CAUSE_USERNS_CHROOT;
}

enum vs_cause vs_diagnose_netns(int err, const char *root)
{
	if (err == ENOSPC)
		return read_number(root, "/proc/sys/user/max_net_namespaces") == 0 ? VS_CAUSE_NETNS_OFF
										   : VS_CAUSE_NETNS_LIMIT;
	if (err == EPERM || err == EACCES)
		return vs_diagnose_userns(err, root);
	return vs_diagnose_limit(err);
}

enum vs_cause vs_diagnose_tun(int err, const char *root)
{
	char name[PATH_MAX];
	struct stat st;

	if (err == ENODEV || err == ENXIO)
		return VS_CAUSE_TUN_MODULE;
	if (err == ENOENT || err == ENOTDIR)
		return VS_CAUSE_TUN_ABSENT;
	if (err == ENOTTY || err == EISDIR)
		return VS_CAUSE_TUN_OTHER;
	if (err != EPERM && err != EACCES)
		return vs_diagnose_limit(err);
	(void)snprintf(name, sizeof(name), "%s/dev/net/tun", root);
	if (err == EPERM && stat(name, &st) == 0 && (st.st_mode & 06) == 06)
		return VS_CAUSE_TUN_CGROUP; /* the mode allows it, so a cgroup does not */
	return VS_CAUSE_TUN_PERMISSION;
}

enum vs_cause vs_diagnose_network(int err)
{
	enum vs_cause limit = vs_diagnose_limit(err);

	if (limit != VS_CAUSE_UNKNOWN)
		return limit;
	switch (err) {
	case EPROTONOSUPPORT:
	case ENOSYS:
		return VS_CAUSE_NETWORK_SCHEME;
	case ENOENT:
	case ENOTDIR:
		return VS_CAUSE_NETWORK_ABSENT;
	case ECONNREFUSED:
		return VS_CAUSE_NETWORK_DEAD;
	case EACCES:
	case EPERM:
		return VS_CAUSE_NETWORK_PERMISSION;
	case ENAMETOOLONG:
		return VS_CAUSE_NETWORK_LONG;
	case ETIMEDOUT:
	case EINTR:
		return VS_CAUSE_NETWORK_SILENT;
	case EADDRINUSE:
	case EEXIST:
		return VS_CAUSE_NETWORK_BUSY;
	default:
		return VS_CAUSE_NETWORK_OTHER;
	}
}
