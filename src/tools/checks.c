/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "checks.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/if_tun.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>

#include "../base/diagnose.h"
#include "../pump/selftest.h"

#define NOFILE_ENOUGH 256 /* a keeper and some stacks with a few sockets */

__attribute__((format(printf, 3, 4))) static void find(struct vs_finding *f, enum vs_severity severity, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	f->severity = severity;
	(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

static void check_userns(struct vs_finding *f, const char *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWUSER) == 0)
		return find(f, VS_SEVERITY_FINE, "user namespaces can be made");
	int err = errno;
	bool needed = unshare(CLONE_NEWNET) < 0; /* a privileged program does without */
	find(f, needed ? VS_SEVERITY_FAILURE : VS_SEVERITY_WARNING, "cannot make a user namespace: %s",
	     vs_cause_text(vs_diagnose_userns(err, ""), err));
}

static void check_netns(struct vs_finding *f, const char *arg)
{
	(void)arg;
	(void)unshare(CLONE_NEWUSER); /* its failure is another check's; privilege may do */
	if (unshare(CLONE_NEWNET) == 0)
		return find(f, VS_SEVERITY_FINE, "network namespaces can be made");
	int err = errno;
	find(f, VS_SEVERITY_FAILURE, "cannot make a network namespace: %s", vs_cause_text(vs_diagnose_netns(err, ""), err));
}

static void check_tun(struct vs_finding *f, const char *arg)
{
	(void)arg;
	unsigned features = 0;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && ioctl(fd, TUNGETFEATURES, &features) == 0)
		return find(f, VS_SEVERITY_FINE, "taps can be made%s",
			    features & IFF_VNET_HDR ? ", the kernel grants offloads" : "; this kernel grants no offloads");
	int err = errno;
	find(f, VS_SEVERITY_FAILURE, "cannot make a tap: %s", vs_cause_text(vs_diagnose_tun(err, ""), err));
}

static void check_limits(struct vs_finding *f, const char *arg)
{
	struct rlimit files;

	(void)arg;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return find(f, VS_SEVERITY_WARNING, "limits cannot be read: %s", strerror(errno));
	if (files.rlim_cur < NOFILE_ENOUGH)
		return find(f, VS_SEVERITY_WARNING, "only %llu descriptors: when %s", (unsigned long long)files.rlim_cur,
			    vs_cause_text(VS_CAUSE_DESCRIPTORS, EMFILE));
	find(f, VS_SEVERITY_FINE, "%llu descriptors", (unsigned long long)files.rlim_cur);
}

/* The path of libvdeplug, which the library has loaded, into a buffer of PATH_MAX bytes. */
static int note_libvdeplug(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	if (strstr(info->dlpi_name, "/libvdeplug.so") == NULL)
		return 0;
	(void)snprintf(arg, PATH_MAX, "%s", info->dlpi_name);
	return 1;
}

/* Its plugins lie in the folder vdeplug beside it. */
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
		if (sscanf(e->d_name, "libvdeplug_%31[a-z0-9].so", scheme) == 1 && strcmp(strchr(e->d_name, '.'), ".so") == 0)
			(void)snprintf(list + n, sizeof(list) - n, " %s", scheme);
	}
	if (list[0] == '\0')
		return find(f, VS_SEVERITY_WARNING, "no plugins in %.200s: %s", folder,
			    vs_cause_text(VS_CAUSE_NETWORK_SCHEME, EPROTONOSUPPORT));
	find(f, VS_SEVERITY_FINE, "schemes:%s", list);
}

static void check_offload(struct vs_finding *f, const char *arg)
{
	unsigned sound = vs_selftest_run();

	(void)arg;
	if ((sound & VDESTACK_OFFLOAD_ALL) == VDESTACK_OFFLOAD_ALL)
		return find(f, VS_SEVERITY_FINE, "all offloads pass their self-test");
	find(f, VS_SEVERITY_WARNING, "only offloads 0x%x of 0x%x pass their self-test; stacks do without the others", sound,
	     VDESTACK_OFFLOAD_ALL);
}

static void check_names(struct vs_finding *f, const char *arg)
{
	char line[256], server[128], list[512] = "";
	FILE *file = fopen("/etc/resolv.conf", "re");

	(void)arg;
	if (file == NULL)
		return find(f, VS_SEVERITY_WARNING, "/etc/resolv.conf: %s", strerror(errno));
	while (fgets(line, sizeof(line), file) != NULL) {
		size_t n = strlen(list);
		if (sscanf(line, "nameserver %127s", server) == 1)
			(void)snprintf(list + n, sizeof(list) - n, " %s", server);
	}
	if (list[0] == '\0')
		return find(f, VS_SEVERITY_WARNING, "/etc/resolv.conf names no server; add a line \"nameserver ADDRESS\"");
	find(f, VS_SEVERITY_FINE, "name servers:%s (not asked)", list);
}

/* Whether an echo request is answered within two seconds. */
static bool ping(struct vdestack *from, const char *addr)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct icmphdr echo = { .type = ICMP_ECHO }, reply = { 0 };
	int s = vdestack_msocket(from, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);

	(void)inet_pton(AF_INET, addr, &to.sin_addr);
	for (int i = 0; s >= 0 && i < 20; i++) {
		struct pollfd p = { .fd = s, .events = POLLIN };
		if (sendto(s, &echo, sizeof(echo), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			continue;
		if (poll(&p, 1, 100) > 0 && recv(s, &reply, sizeof(reply), MSG_DONTWAIT) == sizeof(reply))
			return reply.type == ICMP_ECHOREPLY;
	}
	return false;
}

static void check_stack(struct vs_finding *f, const char *arg)
{
	struct vdestack *b = NULL, *a = vdestack_new("vnl=inproc://doctor ip=10.0.0.1/24", NULL);

	(void)arg;
	if (a != NULL)
		b = vdestack_new("vnl=inproc://doctor ip=10.0.0.2/24", NULL);
	if (b == NULL)
		find(f, VS_SEVERITY_FAILURE, "%s", vdestack_last_error());
	else if (!ping(a, "10.0.0.2"))
		find(f, VS_SEVERITY_FAILURE, "two stacks on a segment do not hear each other; please report this");
	else
		find(f, VS_SEVERITY_FINE, "two stacks hear each other");
	(void)vdestack_delete(b);
	(void)vdestack_delete(a);
}

/* A network of libvdeplug that goes nowhere: a tap and its pump. */
static void check_tap(struct vs_finding *f, const char *arg)
{
	struct vdestack *s = vdestack_new("vnl=null:// ip=10.0.0.1/24", NULL);

	(void)arg;
	if (s == NULL)
		return find(f, VS_SEVERITY_FAILURE, "%s", vdestack_last_error());
	find(f, VS_SEVERITY_FINE, "a stack with a tap can be made");
	(void)vdestack_delete(s);
}

static void check_switch(struct vs_finding *f, const char *vnl)
{
	char config[PATH_MAX + 64];

	if (vnl[strcspn(vnl, " \t\n\"'\\")] != '\0')
		return find(f, VS_SEVERITY_FAILURE, "\"%.200s\" has a blank, a quote or a backslash, which doctor does not pass on", vnl);
	if (snprintf(config, sizeof(config), "vnl=%s", vnl) >= (int)sizeof(config))
		return find(f, VS_SEVERITY_FAILURE, "\"%.200s...\": %s", vnl, vs_cause_text(VS_CAUSE_NETWORK_LONG, ENAMETOOLONG));
	struct vdestack *s = vdestack_new(config, &(struct vdestack_opts){ .size = sizeof(struct vdestack_opts), .timeout_ms = 5000 });
	if (s == NULL)
		return find(f, VS_SEVERITY_FAILURE, "%s", vdestack_last_error());
	find(f, VS_SEVERITY_FINE, "%.800s can be joined", vnl);
	(void)vdestack_delete(s);
}

const struct vs_check vs_checks[] = {
	{ "userns", 2000, check_userns },   { "netns", 5000, check_netns },     { "tun", 2000, check_tun },
	{ "limits", 2000, check_limits },   { "plugins", 2000, check_plugins }, { "offload", 2000, check_offload },
	{ "names", 2000, check_names },     { "stack", 20000, check_stack },
	{ "tap", 12000, check_tap },        { NULL, 0, NULL },
};
const struct vs_check vs_check_switch = { "switch", 12000, check_switch };
