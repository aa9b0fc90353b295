/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_RELOAD_H
#define NM_RELOAD_H

/* Reads the configuration anew while the server goes on. */

#include <ioth.h>
#include <pthread.h>
#include <stdatomic.h>

#include "config.h"

struct nm_reload {
	const char *path;
	struct ioth *forward;
	int ready; /* an eventfd: readable when it is over */
	bool running, again;
	atomic_bool stop; /* the thread begins no other lookup */
	pthread_t thread;
	struct nm_config *fresh; /* the thread's, until it is over */
};

/* path and stack stay the caller's. 0 or -errno. */
int nm_reload_open(struct nm_reload *r, const char *path, struct ioth *forward);

/* Waits for what is running: for one lookup at most. */
void nm_reload_close(struct nm_reload *r);

/* Begins to read. If it reads already, it begins once more when that is over. */
void nm_reload_begin(struct nm_reload *r);

/*
 * When r->ready is readable: a configuration whose bases are known, the caller's. NULL: it has been reported.
 */
struct nm_config *nm_reload_take(struct nm_reload *r);

#endif
