/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CLOSER_H
#define VS_KEEPER_CLOSER_H

/* Closes a descriptor that somebody has sent, whatever it is, without waiting. fd >= 0. From any thread. */
void vs_close_foreign(int fd);

#endif
