/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "spare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"

int rp_spare_init(struct rp_spare *s, size_t most)
{
	*s = (struct rp_spare){ .fds = calloc(most, sizeof(int)), .most = most };
	if (s->fds == NULL)
		s->most = 0;
	return s->fds == NULL ? -ENOMEM : 0;
}

void rp_spare_fini(struct rp_spare *s)
{
	rp_spare_release(s);
	free(vs_steal_ptr(s->fds));
	s->most = 0;
}

void rp_spare_take(struct rp_spare *s)
{
	while (s->n < s->most) {
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
