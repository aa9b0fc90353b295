/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "checks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/diagnose.h"
#include "wire/fdmsg.h"
#include <vdestack.h>

static void check_userns(struct vs_finding *f, const char *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWUSER) == 0)
		return vs_find(f, VS_SEVERITY_FINE, "user namespaces can be made");
	int err = errno;
	/* A privileged program does not need them, if its keeper can tell it from other processes. */
	bool needed = unshare(CLONE_NEWNET) < 0 || vs_can_claim_pid() <= 0;
	vs_find(f, needed ? VS_SEVERITY_FAILURE : VS_SEVERITY_WARNING, "cannot make a user namespace: %s",
	     vs_cause_text(vs_diagnose_userns(err, ""), err));
}

static void check_netns(struct vs_finding *f, const char *arg)
{
	(void)arg;
	/* check_userns() reports its failure; with privileges it is not needed. */
	(void)unshare(CLONE_NEWUSER);
	if (unshare(CLONE_NEWNET) == 0)
		return vs_find(f, VS_SEVERITY_FINE, "network namespaces can be made");
	int err = errno;
	vs_find(f, VS_SEVERITY_FAILURE, "cannot make a network namespace: %s",
		vs_cause_text(vs_diagnose_netns(err, ""), err));
}

static void check_tun(struct vs_finding *f, const char *arg)
{
	(void)arg;
	unsigned features = 0;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && ioctl(fd, TUNGETFEATURES, &features) == 0)
		return vs_find(f, VS_SEVERITY_FINE, "taps can be made%s",
			       features & IFF_VNET_HDR ? ", the kernel grants offloads"
						       : "; this kernel grants no offloads");
	int err = errno;
	vs_find(f, VS_SEVERITY_WARNING, "stacks must do without taps, by veth pairs and packet sockets: %s",
		vs_cause_text(vs_diagnose_tun(err, ""), err));
}

/* The number in a file of /proc; -1: there is none. */
static long long number_in(const char *path)
{
	long long n = -1;
	FILE *file = fopen(path, "re");

	if (file != NULL && fscanf(file, "%lld", &n) != 1)
		n = -1;
	if (file != NULL)
		(void)fclose(file);
	return n;
}

/* What limits stacks, how much is enough for some stacks, and the cause when it is not enough. */
static const struct {
	const char *what;
	int resource;         /* of getrlimit(2), or -1: */
	const char *path;     /* a sysctl */
	long long enough;
	enum vs_cause cause;
} limits[] = {
	{ "descriptors", RLIMIT_NOFILE, NULL, 256, VS_CAUSE_DESCRIPTORS },
	{ "processes", RLIMIT_NPROC, NULL, 64, VS_CAUSE_PROCESSES },
	{ "bytes of address space", RLIMIT_AS, NULL, 1 << 29, VS_CAUSE_MEMORY },
	{ "user namespaces", -1, "/proc/sys/user/max_user_namespaces", 8, VS_CAUSE_USERNS_LIMIT },
	{ "network namespaces", -1, "/proc/sys/user/max_net_namespaces", 8, VS_CAUSE_NETNS_LIMIT },
};

static void check_limits(struct vs_finding *f, const char *arg)
{
	char list[512] = "";

	(void)arg;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit limit = { .rlim_cur = RLIM_INFINITY };
		size_t n = strlen(list);
		if (limits[i].path == NULL)
			(void)getrlimit((enum __rlimit_resource)limits[i].resource, &limit);
		long long have = limits[i].path != NULL            ? number_in(limits[i].path)
				 : limit.rlim_cur == RLIM_INFINITY ? -1
								   : (long long)limit.rlim_cur;
		if (have >= 0 && have < limits[i].enough)
			return vs_find(f, VS_SEVERITY_WARNING, "only %lld %s: when %s", have, limits[i].what,
				    vs_cause_text(limits[i].cause, 0));
		if (have >= 0)
			(void)snprintf(list + n, sizeof(list) - n, "%s%lld %s", n > 0 ? ", " : "", have,
				       limits[i].what);
	}
	vs_find(f, VS_SEVERITY_FINE, "%s", list[0] != '\0' ? list : "none");
}

/* The value of a line "key: value" in the status file. False: there is no such line. */
static bool status_of(const char *key, char *value, size_t size)
{
	char line[256];
	bool found = false;
	FILE *file = fopen("/proc/self/status", "re");

	while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
		found = strncmp(line, key, strlen(key)) == 0;
		if (found)
			(void)snprintf(value, size, "%.*s", (int)strcspn(line + strlen(key) + 1, "\n"),
				       line + strlen(key) + 1);
	}
	if (file != NULL)
		(void)fclose(file);
	return found;
}

/* What may prevent stacks. The checks of namespaces report whether it does. */
static void check_security(struct vs_finding *f, const char *arg)
{
	char seccomp[32] = "", profile[128] = "";
	FILE *file = fopen("/proc/self/attr/apparmor/current", "re");

	(void)arg;
	if (file != NULL && fgets(profile, sizeof(profile), file) != NULL)
		profile[strcspn(profile, "\n")] = '\0';
	if (file != NULL)
		(void)fclose(file);
	if (!status_of("Seccomp:", seccomp, sizeof(seccomp)))
		return vs_find(f, VS_SEVERITY_WARNING,
			       "/proc/self/status cannot be read; stacks work without /proc, their sysctls "
			       "do not");
	vs_find(f, VS_SEVERITY_FINE, "%s; AppArmor: %s%s",
		atoi(seccomp) != 0 ? "under a seccomp filter" : "no seccomp filter",
		profile[0] != '\0' ? profile : "none",
		number_in("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") > 0
			? ", restricts user namespaces"
			: "");
}

/* Copies the path of libvdeplug, which the library has loaded, to a buffer of PATH_MAX bytes. */
static int note_libvdeplug(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	if (strstr(info->dlpi_name, "/libvdeplug.so") == NULL)
		return 0;
	(void)snprintf(arg, PATH_MAX, "%s", info->dlpi_name);
	return 1;
}

/* The plugins are in the folder vdeplug beside libvdeplug. */
static void check_plugins(struct vs_finding *f, const char *arg)
{
	char path[PATH_MAX] = "", folder[PATH_MAX + 16], list[512] = "";
	struct dirent *e;

	(void)arg;
	(void)dl_iterate_phdr(note_libvdeplug, path);
	char *slash = strrchr(path, '/');
	if (slash != NULL)
		*slash = '\0';
	(void)snprintf(folder, sizeof(folder), "%s/vdeplug", path);
	DIR *dir = opendir(folder);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		char scheme[32];
		size_t n = strlen(list);
		if (sscanf(e->d_name, "libvdeplug_%31[a-z0-9].so", scheme) == 1 &&
		    strcmp(strchr(e->d_name, '.'), ".so") == 0)
			(void)snprintf(list + n, sizeof(list) - n, " %s", scheme);
	}
	if (list[0] == '\0')
		return vs_find(f, VS_SEVERITY_WARNING, "no plugins in %.200s: %s", folder,
			    vs_cause_text(VS_CAUSE_NETWORK_SCHEME, EPROTONOSUPPORT));
	vs_find(f, VS_SEVERITY_FINE, "schemes:%s", list);
}

const struct vs_check vs_checks[] = {
	{ "userns", 2000, check_userns },   { "netns", 5000, check_netns },     { "tun", 2000, check_tun },
	{ "limits", 2000, check_limits },   { "security", 2000, check_security },
	{ "plugins", 2000, check_plugins }, { "names", 6000, vs_check_names },
	{ "stack", 20000, vs_check_stack }, { "local", 20000, vs_check_local },
	{ "network", 12000, vs_check_null },  { NULL, 0, NULL },
};
const struct vs_check vs_check_switch = { "switch", 20000, vs_check_network };
