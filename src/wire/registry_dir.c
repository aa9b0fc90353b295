/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "registry_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NAME "vdestack"
#define OPEN_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* 0: nobody but this user may do anything there. */
static int check(int dir, mode_t forbidden)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & forbidden) == 0 ? 0 : -EPERM;
}

static int open_in(int parent, const char *name, bool make)
{
	if (make && mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	VS_AUTO_CLOSE dir = openat(parent, name, OPEN_FLAGS);
	if (dir < 0)
		return -errno;
	int r = check(dir, S_IRWXG | S_IRWXO);
	return r < 0 ? r : vs_steal_fd(&dir);
}

/* In a directory of this user alone, in which others may at most read. */
static int open_in_runtime(const char *path, bool make)
{
	VS_AUTO_CLOSE parent = open(path, OPEN_FLAGS);

	if (parent < 0)
		return -errno;
	int r = check(parent, S_IWGRP | S_IWOTH);
	return r < 0 ? r : open_in(parent, NAME, make);
}

/* In a directory in which others may make files, too. */
static int open_in_shared(const char *path, const char *name, bool make)
{
	VS_AUTO_CLOSE parent = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return parent < 0 ? -errno : open_in(parent, name, make);
}

int vs_registry_dir_open(int i, bool make)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[PATH_MAX];

	switch (i) {
	case 0:
		return runtime != NULL && runtime[0] == '/' ? open_in_runtime(runtime, make) : -ENOENT;
	case 1:
		(void)snprintf(path, sizeof(path), "/run/user/%u", geteuid());
		return open_in_runtime(path, make);
	default:
		if (geteuid() == 0)
			return open_in_shared("/run", NAME, make);
		(void)snprintf(path, sizeof(path), NAME "-%u", geteuid());
		return open_in_shared("/tmp", path, make);
	}
}

struct vs_registry_name vs_registry_name(pid_t pid, pid_t keeper, unsigned random)
{
	struct vs_registry_name name;

	(void)snprintf(name.text, sizeof(name.text), "stacks-%d-%d-%08x", (int)pid, (int)keeper, random);
	return name;
}

bool vs_registry_name_parse(const char *text, pid_t *pid, pid_t *keeper)
{
	unsigned random;
	int n = -1;

	return sscanf(text, "stacks-%d-%d-%8x%n", pid, keeper, &random, &n) == 3 && text[n] == '\0';
}
