/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_SPARE_H
#define RP_SPARE_H

/*
 * Descriptors that are kept for new addresses: clients take all that they can get, and an address needs a few
 * when its time comes.
 */

#define RP_SPARE_MOST 64

struct rp_spare {
	int fds[RP_SPARE_MOST];
	int n;
};

/* As many of them as there are to be had, up to n. */
void rp_spare_take(struct rp_spare *s, int n);
void rp_spare_release(struct rp_spare *s);

#endif
