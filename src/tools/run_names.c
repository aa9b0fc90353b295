/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Static programs, Go and other C libraries read /etc/resolv.conf, /etc/hosts and /etc/nsswitch.conf of the
 * host. Their questions go into the stack, to name servers that may not exist there. So these files are
 * mounted over, for the program alone.
 *
 * Root needs a mount namespace for this, and nothing else. An ordinary user needs a user namespace around
 * it. That of the stack is taken, not a new one: there the program keeps the rights to the stack that its
 * user has from outside, such as port 80. They become ambient capabilities. A process of a sibling namespace
 * would not have them.
 *
 * A process that has some capabilities but not CAP_SYS_ADMIN would lose those that it has: it stays outside.
 * In a container without CAP_SYS_ADMIN servers of root must be able to change their user.
 */

#define _GNU_SOURCE
#include "run_names.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "inside.h"
#include "preload/mounts.h"

static bool has_capabilities(void)
{
	cap_t caps = cap_get_proc(), none = cap_init();
	bool has = geteuid() == 0 || caps == NULL || none == NULL || cap_compare(caps, none) != 0;

	if (caps != NULL)
		(void)cap_free(caps);
	if (none != NULL)
		(void)cap_free(none);
	return has;
}

/* The stack's user namespace gives such a user another number. */
static bool is_overflow_user(void)
{
	FILE *f = fopen("/proc/sys/kernel/overflowuid", "re");
	unsigned id = 65534;

	if (f != NULL) {
		(void)!fscanf(f, "%u", &id);
		(void)fclose(f);
	}
	return geteuid() == id;
}

/* Moves into the user namespace, if nothing is lost by it. */
static int enter(int userns, char *message, size_t size)
{
	if (has_capabilities()) {
		(void)snprintf(message, size, "this process has capabilities, but not CAP_SYS_ADMIN");
		return -EPERM;
	}
	if (is_overflow_user()) {
		(void)snprintf(message, size, "this user stands for all users of other user namespaces");
		return -EPERM;
	}
	int r = userns < 0 ? -EBADF : setns(userns, CLONE_NEWUSER) < 0 ? -errno : 0;
	if (r < 0)
		(void)snprintf(message, size, "cannot enter the user namespace of the stack: %s",
			       strerror(-r));
	return r;
}

int vs_run_names_make(int userns, const char *resolv, int *file, bool *entered, char *message, size_t size)
{
	const struct vs_mounts_opts opts = { .resolv = resolv };
	struct vs_mounts mounts;
	int r = vs_mounts_make(&opts, &mounts, message, size);

	*entered = false;
	if (r == -EPERM) {
		r = enter(userns, message, size);
		*entered = r == 0;
		if (r == 0)
			r = vs_mounts_make(&opts, &mounts, message, size);
	}
	if (*entered)
		vs_inside_grant(false);
	if (r < 0)
		return r;
	*file = mounts.resolv;
	if (mounts.watch >= 0)
		(void)close(mounts.watch);
	return 0;
}
