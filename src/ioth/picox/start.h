/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_START_H
#define PX_START_H

#include <sys/types.h>

/*
 * Starts the process of a stack. *control is its control socket, which belongs to the caller: the process
 * ends when the last copy of it is closed. The program sees it as a child only if it adopts orphans. 0, or
 * -errno.
 */
int px_start(int *control, pid_t *pid);
/* The control socket is closed: if the process is a child of this program, waits for its end and reaps it. */
void px_reap(pid_t pid, int timeout_ms);

#endif
