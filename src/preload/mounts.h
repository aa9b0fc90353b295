/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_MOUNTS_H
#define VS_PRELOAD_MOUNTS_H

/* A mount namespace in which names are looked up in a stack, for programs that do not know the library. */

#include <stdbool.h>
#include <stddef.h>

struct vs_mounts_opts {
	const char *resolv;      /* text of resolv.conf(5), "": no name server */
	const char *resolv_file; /* not NULL: this file is mounted instead; the text is not used */
	const char *hostname;    /* not NULL: a name for hosts(5), with a loopback address */
	bool sysfs; /* the caller is in the stack's network namespace: mount its /sys, if possible */
};

struct vs_mounts {
	int resolv; /* for vs_mounts_update(); -1: with resolv_file, or without an /etc/resolv.conf */
	/*
	 * An inotify descriptor. It is readable when the last mount of a file of ours is gone: no task is
	 * left in the mount namespace or in a copy of it, or they have unmounted it. -1: there is none.
	 */
	int watch;
};

/*
 * Puts the calling process, which has one thread, into a mount namespace of its own with private
 * /etc/resolv.conf, /etc/hosts and /etc/nsswitch.conf, and without nscd. A file that the host does not have
 * is not mounted. The process needs CAP_SYS_ADMIN in its user namespace, and keeps its working directory. 0,
 * both descriptors close-on-exec; or -errno, a message, and the process may be in the new namespace.
 */
int vs_mounts_make(const struct vs_mounts_opts *opts, struct vs_mounts *out, char *message, size_t size);

/* Another text for /etc/resolv.conf; readers may see a part of it. For any process with the descriptor. */
int vs_mounts_update(int resolv, const char *text);

/* Pure: the texts for the namespace, from those of the host (""). To be freed; NULL: no memory. */
char *vs_mounts_hosts(const char *host, const char *hostname);
char *vs_mounts_nsswitch(const char *host);

#endif
