/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Directories for the sysctls of new namespaces.
 *
 * The kernel keeps the names of files that were looked up, in a hash table. The key is the directory and the
 * name. A file below /proc/sys/net is another one in each network namespace, but directory and names are the
 * same. So all namespaces have their `ipv4` in one chain of the table. To write a first sysctl in a
 * namespace, the kernel walks that chain twice, and compares with each. With ten thousand namespaces this
 * takes many times as long as to make the namespace (tests/kernel/sysctls.c).
 *
 * Another instance of procfs has other directories, and so another chain. Since Linux 5.8 each mount is an
 * instance. So the keeper makes one for each few hundred of its namespaces. It is attached to no
 * directory. Only a descriptor of its sys/net is kept, until the next one is made. So there is always one.
 *
 *     start, before the filter:  fsopen("proc"), 32 times
 *     networking thread:         one of these ──▶ fsconfig, fsmount, open sys/net ──▶ dir
 *
 * The filter ends a keeper that calls fsopen(). It allows to make a file system from what was opened before,
 * and that can be nothing but procfs. It must be opened by a process that has privileges over the PID
 * namespace. An unprivileged keeper has none, so its stacks use /proc/sys/net. They do as well
 *
 *  - on threads of the program, and if the program has a filter of system calls when the keeper starts: that
 *    filter may end a process which makes such a call;
 *  - if the limit of descriptors allows no more than some hundred, or /proc/sys is read-only;
 *  - for the first stacks of a keeper, because most programs have no more.
 *
 * When all are used, the last one stays in use. To open one takes 3 µs and a few hundred bytes, while the
 * kernel makes the namespace of the first stack. To make one takes half a millisecond.
 *
 * Rejected: to open them when they are needed. The filter cannot read the name of the file system. Rejected,
 * too: to keep them as messages in a socket, which takes fewer descriptors of the keeper. The kernel counts
 * the descriptors in flight of all processes of a user together, and those with a low limit could send none.
 */

#include "sysctl_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount_calls.h"

#define FIRST 256 /* namespaces that use /proc/sys/net */
#define EACH 320  /* namespaces that use one of the others */

static bool has_filter(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}

/* In some containers. Another instance would not be so. */
static bool is_read_only(void)
{
	struct statvfs sys;

	return statvfs("/proc/sys", &sys) < 0 || (sys.f_flag & ST_RDONLY) != 0;
}

/* Each stack takes a descriptor. Where there are few, none is spent on this. */
static bool can_have_many(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max >= 4 * FIRST;
}

void vs_sysctl_dirs_prepare(struct vs_sysctl_dirs *d)
{
	if (has_filter() || !can_have_many() || is_read_only())
		return;
	while (d->n_prepared < VS_SYSCTL_DIRS_MOST) {
		int fs = (int)syscall(__NR_fsopen, "proc", VS_FSOPEN_CLOEXEC);
		if (fs < 0)
			break;
		d->prepared[d->n_prepared++] = fs;
	}
	d->dir = d->n_prepared > 0 ? open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	d->room = FIRST;
}

/* Takes fs. Returns the directory net of a new file system; -1: it cannot be made. */
static int make_dir(int fs)
{
	VS_AUTO_CLOSE context = fs;

	if (syscall(__NR_fsconfig, context, VS_FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	VS_AUTO_CLOSE root = (int)syscall(__NR_fsmount, context, VS_FSMOUNT_CLOEXEC, VS_MOUNT_ATTRS);
	return root < 0 ? -1 : openat(root, "sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Counts a namespace. Returns what the caller makes the next directory from; -1: it makes none. */
static int count_locked(struct vs_sysctl_dirs *d)
{
	if (d->room > 0)
		d->room--;
	if (d->room > 0 || d->making || d->n_prepared == 0)
		return -1;
	d->making = true;
	return d->prepared[--d->n_prepared];
}

int vs_sysctl_dir(struct vs_sysctl_dirs *d)
{
	int old = -1;

	pthread_mutex_lock(&d->lock);
	int fs = d->dir >= 0 ? count_locked(d) : -1;
	pthread_mutex_unlock(&d->lock);
	int next = fs >= 0 ? make_dir(fs) : -1; /* other threads use the one before, meanwhile */
	pthread_mutex_lock(&d->lock);
	if (next >= 0) {
		old = d->dir;
		d->dir = next;
		d->room = EACH;
	}
	if (fs >= 0)
		d->making = false;
	int dir = d->dir >= 0 ? fcntl(d->dir, F_DUPFD_CLOEXEC, 3) : -1;
	pthread_mutex_unlock(&d->lock);
	vs_close(old);
	return dir;
}

void vs_sysctl_write(int dir, const char *name, const char *value)
{
	char path[128] = "/proc/sys/net/";
	VS_AUTO_CLOSE fd = dir < 0 ? -1 : openat(dir, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0) {
		(void)strncat(path, name, sizeof(path) - strlen(path) - 1);
		fd = open(path, O_WRONLY | O_CLOEXEC);
	}
	/* Failures are ignored: the stack works without these settings, too. */
	if (fd >= 0)
		(void)!write(fd, value, strlen(value));
}
