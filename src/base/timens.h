/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_TIMENS_H
#define VS_BASE_TIMENS_H

/* Time namespaces: at the same moment each has another CLOCK_MONOTONIC, see time_namespaces(7). */

#include <stdint.h>

/*
 * How far this process's CLOCK_MONOTONIC is ahead of that of the initial time namespace, in
 * nanoseconds. 0 if the kernel has no such namespaces or /proc does not show it.
 */
int64_t vs_timens_offset_ns(void);

#endif
