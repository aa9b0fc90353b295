/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_RIGHTS_H
#define VS_PRELOAD_RIGHTS_H

/* The rights of a caller, for the sockets of the host's network that the supervisor makes for it. */

#include <linux/capability.h>
#include <sys/types.h>

struct vs_rights {
	uid_t user; /* of new files and sockets */
	struct __user_cap_data_struct caps[2];
};

/*
 * From now on this thread has no more capabilities than that thread of a program, and its sockets belong to
 * that thread's user. *own is for vs_rights_return(). 0 or -errno: nothing has changed.
 */
int vs_rights_take(pid_t thread, struct vs_rights *own);
void vs_rights_return(const struct vs_rights *own);

#endif
