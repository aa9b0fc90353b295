/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CLOSER_H
#define VS_KEEPER_CLOSER_H

/*
 * Closes a descriptor that somebody has sent, whatever it is, without waiting. fd >= 0. From any
 * thread, also under locks.
 */
void vs_close_foreign(int fd);

/* The same for our end of a pair whose other end somebody has: that one hangs up at once. */
void vs_close_pair_end(int fd);

#endif
