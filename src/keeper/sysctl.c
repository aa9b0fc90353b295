/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to read and write the sysctls of a stack. The networking thread serves them. */

#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "call.h"
#include "guests.h"
#include "net.h"

static bool sysctl_path(const char *name, char *path, size_t size)
{
	int n = snprintf(path, size, "/proc/sys/net/%s", name);

	return n > 0 && (size_t)n < size && name[0] != '/' && strstr(name, "..") == NULL;
}

static bool is_public(int fd)
{
	struct stat file;

	return fstat(fd, &file) == 0 && (file.st_mode & S_IROTH) != 0;
}

/*
 * Opens the file of a sysctl. Some have secrets, such as keys. These may be read only by processes that may
 * change them.
 */
static int open_sysctl(const struct vs_call *call, bool set)
{
	char path[512];

	if (set && call->refusal != NULL)
		return -EPERM;
	if (!sysctl_path(call->text, path, sizeof(path)))
		return -EINVAL;
	VS_AUTO_CLOSE fd = open(path, (set ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return set || call->refusal == NULL || is_public(fd) ? vs_steal_fd(&fd) : -EPERM;
}

/*
 * A stack's default congestion control must be one of a list that only the host can change, also if the
 * keeper is privileged.
 */
static const char *explain_eperm(const char *name, const char *value, char *text, size_t size)
{
	char allowed[200] = "";

	if (strcmp(name, "ipv4/tcp_congestion_control") != 0)
		return "the kernel allows this only in the initial network namespace, or with privileges "
		       "over the whole machine; set it on the host";
	VS_AUTO_CLOSE fd = open("/proc/sys/net/ipv4/tcp_allowed_congestion_control", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, allowed, sizeof(allowed) - 1) > 0)
		allowed[strcspn(allowed, "\n")] = '\0';
	(void)snprintf(text, size,
		       "\"%.32s\" is not in tcp_allowed_congestion_control (%s); add it to "
		       "net.ipv4.tcp_allowed_congestion_control on the host, as root",
		       value, allowed);
	return text;
}

static ssize_t result_of(ssize_t n)
{
	return n < 0 ? -errno : n;
}

void vs_sysctl_do(struct vs_net *n)
{
	struct vs_call *call = n->call;
	bool set = call->req.op == VS_OP_SYSCTL_SET;
	const char *value = call->text + strlen(call->text) + 1, *text = NULL;
	char got[4096];
	ssize_t len = -EINVAL;

	VS_AUTO_CLOSE fd = open_sysctl(call, set);
	if (fd >= 0 && set)
		vs_guests_note_change(n);
	if (fd < 0)
		len = fd;
	else if (!set || value <= call->text + call->text_len)
		len = result_of(set ? write(fd, value, strlen(value)) : read(fd, got, sizeof(got) - 1));
	if (len >= 0 && !set) {
		got[len] = '\0';
		text = got;
	} else if (len < 0) {
		text = fd == -EPERM && call->refusal != NULL ? call->refusal : strerror((int)-len);
		if (len == -EPERM && fd >= 0)
			text = explain_eperm(call->text, value, got, sizeof(got));
	}
	vs_call_reply(n->keeper, call, len < 0 ? (int)len : 0, text, NULL, 0);
}
