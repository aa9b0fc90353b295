/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_SYSCTL_DIR_H
#define VS_KEEPER_SYSCTL_DIR_H

/* Where the sysctls of new namespaces are written, so that it takes no longer when there are many. */

#include <pthread.h>
#include <stdbool.h>

#define VS_SYSCTL_DIRS_MOST 32

struct vs_sysctl_dirs {
	pthread_mutex_t lock;              /* guards what follows */
	int prepared[VS_SYSCTL_DIRS_MOST]; /* file systems that are not made yet */
	unsigned n_prepared;
	int dir;           /* the directory sys/net that is used now; -1: none is ever used */
	unsigned room;     /* namespaces that still use it, before the next one is made */
	bool making;       /* a thread makes the next one */
};

#define VS_SYSCTL_DIRS_NONE                                                                                  \
	{                                                                                                    \
		.lock = PTHREAD_MUTEX_INITIALIZER, .dir = -1                                                 \
	}

/* Before the keeper has its filter. Failures are not reported: all sysctls are written in /proc/sys/net. */
void vs_sysctl_dirs_prepare(struct vs_sysctl_dirs *d);

/*
 * A networking thread, in its new namespace, with CAP_SYS_ADMIN: the directory for this namespace, which the
 * caller closes. -1: /proc/sys/net. Later writes may go there too: both show the same values.
 */
int vs_sysctl_dir(struct vs_sysctl_dirs *d);

/* Writes a sysctl of this thread's namespace, dir: from vs_sysctl_dir(). name: below /proc/sys/net. */
void vs_sysctl_write(int dir, const char *name, const char *value);

#endif
