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
 *     start, before the filter:  fsopen("proc") × PREPARED ──▶ messages in a socket
 *     networking thread:         one message ──▶ fsconfig, fsmount, open sys/net ──▶ dir
 *
 * The filter ends a keeper that calls fsopen(). It allows to make a file system from what was opened before,
 * and that can be nothing but procfs. It must be opened by a process that has privileges over the PID
 * namespace. An unprivileged keeper has none, so its stacks use /proc/sys/net. They do as well
 *
 *  - on threads of the program, and if the program has a filter of system calls when the keeper starts: that
 *    filter may end a process which makes such a call;
 *  - if the limit of descriptors allows no more than some hundred;
 *  - for the first stacks of a keeper, because most programs have no more.
 *
 * When all are used, the last one stays in use. To open one takes 3 µs and a few hundred bytes, while the
 * kernel makes the namespace of the first stack. To make one takes half a millisecond.
 *
 * Rejected: to open them when they are needed. The filter cannot read the name of the file system.
 */

#include "sysctl_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount_calls.h"
#include "wire/fdmsg.h"

#define FIRST 256    /* namespaces that use /proc/sys/net */
#define EACH 320     /* namespaces that use one of the others */
#define PREPARED 32  /* with the first ones: enough for more than 10 000 */

static bool has_filter(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}

/* Each stack takes a descriptor. Where there are few, none is spent on this. */
static bool can_have_many(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max >= 4 * FIRST;
}

/* One file system that can be made later becomes a message. False: it cannot be opened or sent. */
static bool prepare_one(int queue)
{
	char byte = 0;
	VS_AUTO_CLOSE fs = (int)syscall(__NR_fsopen, "proc", VS_FSOPEN_CLOEXEC);
	struct vs_fdmsg msg = { .iov = { { &byte, 1 } }, .n_iov = 1, .fds = { fs }, .n_fds = 1 };

	return fs >= 0 && vs_fdmsg_send(queue, &msg, MSG_DONTWAIT) == 0;
}

void vs_sysctl_dirs_prepare(struct vs_sysctl_dirs *d)
{
	int pair[2], n = 0;

	if (has_filter() || !can_have_many() || vs_socketpair(pair) < 0)
		return;
	while (n < PREPARED && prepare_one(pair[1]))
		n++;
	vs_close(pair[1]); /* what was sent stays */
	d->dir = n == 0 ? -1 : open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
	d->room = FIRST;
	if (d->dir >= 0)
		d->prepared = pair[0];
	else
		vs_close(pair[0]);
}

/* The directory net of a new file system. -1: there is none any more, or it cannot be made. */
static int make_dir(const struct vs_sysctl_dirs *d)
{
	char byte;
	struct vs_fdmsg msg = { .iov = { { &byte, 1 } }, .n_iov = 1 };

	if (vs_fdmsg_recv(d->prepared, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0 || msg.n_fds != 1) {
		vs_fdmsg_drop(&msg);
		return -1;
	}
	VS_AUTO_CLOSE fs = msg.fds[0];
	if (syscall(__NR_fsconfig, fs, VS_FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	VS_AUTO_CLOSE root = (int)syscall(__NR_fsmount, fs, VS_FSMOUNT_CLOEXEC, VS_MOUNT_ATTRS);
	return root < 0 ? -1 : openat(root, "sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Counts a namespace. True: the caller makes the next directory. */
static bool is_turn_to_make_locked(struct vs_sysctl_dirs *d)
{
	if (d->room > 0) {
		d->room--;
		return false;
	}
	bool turn = !d->making;
	d->making = true;
	return turn;
}

int vs_sysctl_dir(struct vs_sysctl_dirs *d)
{
	int next = -1, old = -1;

	if (d->prepared < 0)
		return -1;
	pthread_mutex_lock(&d->lock);
	bool makes = is_turn_to_make_locked(d);
	pthread_mutex_unlock(&d->lock);
	if (makes)
		next = make_dir(d); /* other threads use the one before, meanwhile */
	pthread_mutex_lock(&d->lock);
	if (next >= 0) { /* else `making` stays: no thread tries again */
		old = d->dir;
		d->dir = next;
		d->room = EACH - 1;
		d->making = false;
	}
	int dir = fcntl(d->dir, F_DUPFD_CLOEXEC, 3);
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
