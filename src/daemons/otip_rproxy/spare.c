/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "spare.h"

#include <fcntl.h>

#include "base/cleanup.h"

void rp_spare_take(struct rp_spare *s, int n)
{
	while (s->n < n && s->n < RP_SPARE_MOST) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return;
		s->fds[s->n++] = fd;
	}
}

void rp_spare_release(struct rp_spare *s)
{
	while (s->n > 0)
		vs_close(s->fds[--s->n]);
}
