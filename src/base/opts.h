/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_OPTS_H
#define VS_BASE_OPTS_H

/*
 * Structs of the public interface that carry their size as first member (size_t size), so that a program
 * and a library of different versions understand each other. Such a struct only ever grows at its end, and
 * zero means the default in each member.
 */

#include <stddef.h>

/*
 * Reads a caller's struct of any version into *known, which has known_bytes. Members that the caller's
 * version does not have are zero. least_bytes: what every version has, at least sizeof(size_t).
 * Returns 0; -EINVAL: its size is less than least_bytes; -E2BIG: it has members that this library does not
 * know, and one is not zero. given may be NULL: all zero, 0. On failure *known is untouched.
 */
int vs_opts_read(const void *given, size_t least_bytes, void *known, size_t known_bytes);

/*
 * Writes *known, of known_bytes, into a caller's struct or record of given_bytes: the members that both have.
 * What the caller has beyond is zeroed.
 */
void vs_opts_write(void *given, size_t given_bytes, const void *known, size_t known_bytes);

/* The message for a result < 0 of vs_opts_read(): "cannot STEP: …" about struct TYPE. Returns that result. */
int vs_opts_fail(int result, const char *step, const char *type);

#endif
