/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_PIPES_H
#define VS_PUBLISH_PIPES_H

/*
 * Pipes for splice(2). A direction of a connection has one only while bytes are in it, so there are few.
 * Their number is limited: it is the memory that slow receivers can hold.
 */

#define VS_PIPES_MAX 256  /* in use; a pipe holds up to 64 KiB */
#define VS_PIPES_SPARE 32 /* kept for the next use */

struct vs_pipes {
	int spare[VS_PIPES_SPARE][2];
	int n_spare, n_used;
};

/* An empty pipe, non-blocking. 0, or -errno: there is none. */
int vs_pipes_take(struct vs_pipes *pipes, int pipe[2]);
/* Gives it back, and sets it to -1. `dirty`: something is in it. */
void vs_pipes_give(struct vs_pipes *pipes, int pipe[2], int dirty);
void vs_pipes_free(struct vs_pipes *pipes);

#endif
