/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What programs have sent leaves their stacks before these end. */

#ifndef VS_PRELOAD_LINGER_H
#define VS_PRELOAD_LINGER_H

#include <stdbool.h>
#include <stddef.h>

struct vdestack;

/*
 * Returns when the closed TCP connections of the stacks have sent all their data and their FIN, and the peers
 * have acknowledged them; or when no peer has acknowledged anything for a second; or after a minute. For the
 * end of stacks in which no process has a socket any more.
 */
void vs_linger(struct vdestack *const *stacks, size_t n);

/* Whether something of this stack is not acknowledged. */
bool vs_linger_is_needed(struct vdestack *stack);

#endif
