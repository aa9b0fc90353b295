/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_PIPES_H
#define RP_PIPES_H

/*
 * Pipes for splice(2). One is taken for each move of bytes and given back when it is empty, so most of the
 * time one is enough for all connections. Only a receiver that is slow keeps one for longer.
 */

#include <stdbool.h>

#include "list.h"

#define RP_PIPE_BYTES 262144

struct rp_pipe {
	int read, write;
	struct rp_link link;
};

struct rp_pipes {
	/* Private. */
	struct rp_link idle;
	unsigned n, n_idle;
};

void rp_pipes_init(struct rp_pipes *p);

/* All have been given back. */
void rp_pipes_fini(struct rp_pipes *p);

/* An empty one, or NULL: there are no descriptors, no memory, or too many pipes. */
struct rp_pipe *rp_pipes_take(struct rp_pipes *p);

/* One that is not empty is closed. */
void rp_pipes_give(struct rp_pipes *p, struct rp_pipe *pipe, bool empty);

/* Closes those that nobody has taken: others need the descriptors. */
void rp_pipes_trim(struct rp_pipes *p);

#endif
