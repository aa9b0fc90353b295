/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pipes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MOST 64     /* pipes */
#define MOST_IDLE 4 /* pipes that are kept for the next ones */

void rp_pipes_init(struct rp_pipes *p)
{
	rp_list_init(&p->idle);
	p->n = p->n_idle = 0;
}

static void close_pipe(struct rp_pipes *p, struct rp_pipe *pipe)
{
	vs_close(pipe->read);
	vs_close(pipe->write);
	free(pipe);
	p->n--;
}

static struct rp_pipe *take_idle(struct rp_pipes *p)
{
	struct rp_pipe *pipe = RP_OF(p->idle.next, struct rp_pipe, link);

	rp_list_remove(&pipe->link);
	p->n_idle--;
	return pipe;
}

void rp_pipes_trim(struct rp_pipes *p)
{
	while (p->n_idle > 0)
		close_pipe(p, take_idle(p));
}

void rp_pipes_fini(struct rp_pipes *p)
{
	rp_pipes_trim(p);
}

/* A user without privileges has a limit for the pages of all his pipes. A smaller pipe works, too. */
static struct rp_pipe *new_pipe(struct rp_pipes *p)
{
	struct rp_pipe *pipe = malloc(sizeof(*pipe));
	int ends[2];

	if (pipe == NULL || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(pipe);
		return NULL;
	}
	(void)fcntl(ends[1], F_SETPIPE_SZ, RP_PIPE_BYTES);
	*pipe = (struct rp_pipe){ .read = ends[0], .write = ends[1] };
	rp_list_init(&pipe->link);
	p->n++;
	return pipe;
}

struct rp_pipe *rp_pipes_take(struct rp_pipes *p)
{
	if (p->n_idle > 0)
		return take_idle(p);
	return p->n < MOST ? new_pipe(p) : NULL;
}

void rp_pipes_give(struct rp_pipes *p, struct rp_pipe *pipe, bool empty)
{
	if (!empty || p->n_idle >= MOST_IDLE) {
		close_pipe(p, pipe);
		return;
	}
	rp_list_append(&p->idle, &pipe->link);
	p->n_idle++;
}
