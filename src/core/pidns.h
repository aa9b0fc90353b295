/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_PIDNS_H
#define VS_CORE_PIDNS_H

#include <stdbool.h>

/*
 * True if a child of this thread would be in another PID namespace than the thread: the thread has called
 * unshare(2) or setns(2) with CLONE_NEWPID. Also false if that cannot be found out.
 */
bool vs_pidns_differs(void);

#endif
