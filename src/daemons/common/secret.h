/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DM_SECRET_H
#define DM_SECRET_H

/*
 * Reads a password: the first line of a file, without its end of line; "-": of standard input; "fd:N": of a
 * descriptor that this process has. Programs that it starts do not get this one any more, if N is over 2.
 *
 * 0 and *secret, which the caller frees, or -errno: ENODATA (the first line is empty), E2BIG (over 4096
 * bytes), EINVAL (a byte 0), or those of open(2) and read(2).
 */
int dm_secret_read(const char *path, char **secret);

#endif
