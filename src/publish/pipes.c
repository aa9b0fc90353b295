/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int vs_pipes_take(struct vs_pipes *p, int pipe[2])
{
	if (p->n_used >= VS_PIPES_MAX)
		return -EMFILE;
	if (p->n_spare > 0) {
		p->n_spare--;
		pipe[0] = p->spare[p->n_spare][0];
		pipe[1] = p->spare[p->n_spare][1];
	} else {
		int made[2];
		if (pipe2(made, O_CLOEXEC | O_NONBLOCK) < 0)
			return -errno;
		pipe[0] = made[0];
		pipe[1] = made[1];
	}
	p->n_used++;
	return 0;
}

void vs_pipes_give(struct vs_pipes *p, int pipe[2], int dirty)
{
	if (pipe[0] < 0)
		return;
	if (!dirty && p->n_spare < VS_PIPES_SPARE) {
		p->spare[p->n_spare][0] = pipe[0];
		p->spare[p->n_spare][1] = pipe[1];
		p->n_spare++;
	} else {
		(void)close(pipe[0]);
		(void)close(pipe[1]);
	}
	pipe[0] = pipe[1] = -1;
	p->n_used--;
}

void vs_pipes_free(struct vs_pipes *p)
{
	while (p->n_spare > 0) {
		p->n_spare--;
		(void)close(p->spare[p->n_spare][0]);
		(void)close(p->spare[p->n_spare][1]);
	}
}
