/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_ADOPTER_H
#define VS_CORE_ADOPTER_H

/* Whether the processes that this library starts, as orphans, are reaped. */

#include <stdbool.h>
#include <sys/types.h>

/* True if an orphan of this process would stay a zombie, or become a child of this program. */
bool vs_adopter_fails(void);

/* A process that this library has started, as an orphan, has ended or is about to end. */
void vs_adopter_watch(pid_t orphan);

#endif
