/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The supervisor may have more rights than a program of its run: that of root, whose program has changed its
 * user. In the stack this does not matter, its sockets are for all of the run. A socket of the host's network
 * must be what the program itself could have made: with a port below 1024 only if it has the capability, and
 * of its user, by which the kernel decides who may share a port (SO_REUSEPORT).
 *
 * Capabilities count only in the user namespace that they belong to. A program in another one than the
 * supervisor's has none here.
 */

#define _GNU_SOURCE
#include "rights.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int get_caps(struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &head, caps) == 0 ? 0 : -errno;
}

static int set_caps(const struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capset, &head, caps) == 0 ? 0 : -errno;
}

static bool in_own_userns(pid_t thread)
{
	char path[64];
	struct stat its, own;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)thread);
	return stat(path, &its) == 0 && stat("/proc/self/ns/user", &own) == 0 && its.st_ino == own.st_ino &&
	       its.st_dev == own.st_dev;
}

/* Of a thread: the user of its files, and its effective capabilities. */
static int read_status(pid_t thread, uid_t *user, uint64_t *caps)
{
	char path[64], line[256];
	unsigned long long effective;
	int found = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return -errno;
	while (found < 2 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Uid: %*u %*u %*u %u", user) == 1 ||
		    sscanf(line, "CapEff: %llx", &effective) == 1)
			found++;
	(void)fclose(f);
	if (found < 2)
		return -ESRCH;
	*caps = in_own_userns(thread) ? effective : 0;
	return 0;
}

int vs_rights_take(pid_t thread, struct vs_rights *own)
{
	struct __user_cap_data_struct caps[2];
	uint64_t theirs;
	uid_t user;
	int r = get_caps(caps);

	if (r < 0)
		return r;
	own->user = geteuid();
	memcpy(own->caps, caps, sizeof(caps));
	if (caps[0].effective == 0 && caps[1].effective == 0)
		return 0; /* there is nothing to give up, and no other user in the run */
	r = read_status(thread, &user, &theirs);
	if (r < 0)
		return r;
	caps[0].effective &= (uint32_t)theirs;
	caps[1].effective &= (uint32_t)(theirs >> 32);
	(void)setfsuid(user);
	r = set_caps(caps);
	if (r < 0)
		vs_rights_return(own);
	return r;
}

/* A thread may always make effective what is permitted. */
void vs_rights_return(const struct vs_rights *own)
{
	int saved = errno;

	(void)set_caps(own->caps);
	(void)setfsuid(own->user);
	errno = saved;
}
