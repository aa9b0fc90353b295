/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "keep.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>

/* Whether its keeper lives. */
static int lives(struct vdestack *stack)
{
	int fd = stack != NULL ? vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

void vs_lab_keep(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct vdestack *kept; /* under the lock */
	struct vdestack_opts opts = { .size = sizeof(opts),
				      .flags = VDESTACK_NODAD | VDESTACK_UNREGISTERED,
				      .timeout_ms = 5000 };

	/* A forked child may have a copy that is locked for ever: it goes without. */
	if (pthread_mutex_trylock(&lock) != 0)
		return;
	if (!lives(kept)) {
		if (kept != NULL)
			(void)vdestack_delete(kept);
		kept = vdestack_new("", &opts);
	}
	(void)pthread_mutex_unlock(&lock);
}
