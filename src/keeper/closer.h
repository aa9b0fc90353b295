/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CLOSER_H
#define VS_KEEPER_CLOSER_H

#include <stdbool.h>

/*
 * Closes a descriptor that another process has sent, whatever it is, without waiting. fd >= 0. Any thread,
 * also with locks held.
 */
void vs_close_foreign(int fd);

/* The same for our end of a pair, whose other end another process has: that end hangs up at once. */
void vs_close_pair_end(int fd);

/* Receives a byte that was sent on such a pair. False: the first message is no byte, or has descriptors. */
bool vs_take_byte(int fd);

#endif
