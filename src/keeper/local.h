/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_LOCAL_H
#define VS_KEEPER_LOCAL_H

/*
 * Segments that several programs of one user share, local://NAME: how their keepers find each other. The
 * essay is in local.c.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct vs_iface;
struct vs_keeper;
struct vs_wire_iface;

#define VS_LOCAL_NAME_MAX 256 /* of a file in the directory */

struct vs_local {
	pthread_mutex_t opening; /* held while the directory is opened */
	/* Written before the first thread is made: */
	bool off;        /* the program does not want to be found */
	bool shares;     /* lives in the user namespace that unprivileged programs of this user share */
	/* Written once, under the lock file, and then only read: */
	int dir;         /* -1: not open yet */
	int user;        /* the user namespace of this keeper and of all that it meets */
	char prefix[40]; /* of the files of programs that can meet it */
	unsigned tag;    /* random; names this keeper and its ports */
	char name[VS_LOCAL_NAME_MAX]; /* of its socket */
	/* Under the keeper's lock until it is in the epoll set: */
	int socket;      /* -1 */
};

/* Before anything else: reads the environment. */
void vs_local_prepare(struct vs_keeper *k);
/*
 * Main thread, before there is another one: enters the user namespace that the programs of this user share,
 * or makes it, and offers it. In place of vs_isolate_user(). 0 or -errno with a message.
 */
int vs_local_begin(struct vs_keeper *k);
/* Main thread, with an epoll set: requests of others are served from now on. 0 or -errno. */
int vs_local_watch(struct vs_keeper *k);
/* One message at the socket. */
void vs_local_serve(struct vs_keeper *k);
/* Removes what this keeper has in the directory. */
void vs_local_end(struct vs_keeper *k);

/*
 * A job's thread, which ends afterwards: as vs_segment_join(), for the segment of that name that all programs
 * of this user share. It takes a few seconds at most. 0 or -errno with a message.
 */
int vs_local_join(struct vs_iface *iface, const char *name, const struct vs_wire_iface *want, int netlink,
		  int ifindex);

/* Under the lock of the segments: notes for others that this keeper has, or has no longer, that segment. */
int vs_local_mark(struct vs_keeper *k, const char *name, bool there);

#endif
