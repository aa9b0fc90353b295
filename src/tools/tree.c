/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

static bool lives_in(pid_t pid, const struct stat *netns)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return stat(path, &st) == 0 && st.st_ino == netns->st_ino && st.st_dev == netns->st_dev;
}

/* The next process of the namespace, and its pidfd; 0: there is no more. */
static pid_t next(DIR *proc, const struct stat *netns, int *pidfd)
{
	const struct dirent *entry;

	while ((entry = readdir(proc)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid <= 0 || !lives_in(pid, netns))
			continue;
		*pidfd = pidfd_open(pid, 0);
		/* The number may be another process's by now. */
		if (*pidfd >= 0 && lives_in(pid, netns))
			return pid;
		if (*pidfd >= 0)
			(void)close(*pidfd);
	}
	return 0;
}

static DIR *look(int netns, struct stat *st)
{
	/* Without /proc, or with another file system there, nothing is known. */
	if (fstat(netns, st) < 0 || access("/proc/self/ns/net", F_OK) < 0)
		return NULL;
	return opendir("/proc");
}

int vs_tree_find(int netns)
{
	struct stat st;
	DIR *proc = look(netns, &st);
	int pidfd = -1;

	if (proc == NULL)
		return -ENOSYS;
	if (next(proc, &st, &pidfd) == 0)
		pidfd = -1;
	(void)closedir(proc);
	return pidfd;
}

int vs_tree_signal(int netns, int signal)
{
	struct stat st;
	DIR *proc = look(netns, &st);
	int pidfd, n = 0;

	if (proc == NULL)
		return 0;
	while (next(proc, &st, &pidfd) != 0) {
		n += pidfd_send_signal(pidfd, signal, NULL, 0) == 0;
		(void)close(pidfd);
	}
	(void)closedir(proc);
	return n;
}
