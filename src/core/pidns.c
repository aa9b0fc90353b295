/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The PID namespace that the children of this thread will be in.
 *
 * After unshare(CLONE_NEWPID) the thread stays in its PID namespace, and its next child is the init of a
 * new one. When that init ends, the namespace is dead: the kernel kills all processes in it, and each
 * further fork of the thread fails. The intermediate of a launch ends at once, so it must never be that
 * init. If the namespace has an init already, the number of a new process there would mean another process
 * here. So nothing is started there either.
 *
 * There are two ways to find out, and neither has an effect on the program. /proc names both namespaces.
 * The link of the children's namespace cannot be followed as long as that namespace has no init. Without
 * /proc, Linux 6.11 returns both as descriptors.
 */

#include "pidns.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* As in linux/pidfd.h, which may be newer than the installed headers. */
#define OF_THREAD O_EXCL /* PIDFD_THREAD */
#define GET_PID_NAMESPACE _IO(0xFF, 5)
#define GET_PID_FOR_CHILDREN_NAMESPACE _IO(0xFF, 6)

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* 1 or 0 as vs_pidns_differs(), -1: this way does not work. */
static int ask_proc(void)
{
	static const char children_link[] = "/proc/thread-self/ns/pid_for_children";
	struct stat own, children, link;

	if (stat("/proc/thread-self/ns/pid", &own) < 0)
		return -1;
	if (stat(children_link, &children) < 0) /* a link that cannot be followed, or none */
		return errno == ENOENT && lstat(children_link, &link) == 0 ? 1 : -1;
	return same(&own, &children) ? 0 : 1;
}

static int ask_pidfd(void)
{
	struct stat own, children;
	VS_AUTO_CLOSE self = (int)syscall(SYS_pidfd_open, gettid(), OF_THREAD);
	VS_AUTO_CLOSE own_fd = self < 0 ? -1 : ioctl(self, GET_PID_NAMESPACE, 0);
	VS_AUTO_CLOSE children_fd = self < 0 ? -1 : ioctl(self, GET_PID_FOR_CHILDREN_NAMESPACE, 0);

	if (own_fd < 0 || children_fd < 0 || fstat(own_fd, &own) < 0 || fstat(children_fd, &children) < 0)
		return -1;
	return same(&own, &children) ? 0 : 1;
}

bool vs_pidns_differs(void)
{
	int differs = ask_proc();

	if (differs < 0)
		differs = ask_pidfd();
	return differs == 1;
}
