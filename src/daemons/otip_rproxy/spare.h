/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_SPARE_H
#define RP_SPARE_H

/*
 * Descriptors that are kept for new addresses: clients take all that they can get, and an address needs one
 * for each port when its time comes.
 */

#include <stddef.h>

struct rp_spare {
	int *fds;
	size_t n, most;
};

/* Room for so many. 0 or -ENOMEM. Zeros are an empty one, too. */
int rp_spare_init(struct rp_spare *s, size_t most);
void rp_spare_fini(struct rp_spare *s);

/* As many of them as there are to be had. */
void rp_spare_take(struct rp_spare *s);
void rp_spare_release(struct rp_spare *s);

#endif
