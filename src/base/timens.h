/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_TIMENS_H
#define VS_BASE_TIMENS_H

/* Time namespaces: the same moment has another CLOCK_MONOTONIC in each of them, see time_namespaces(7). */

#include <stdint.h>

/*
 * How far this process's CLOCK_MONOTONIC is ahead of that of the initial time namespace, in
 * nanoseconds. 0 where the kernel has no such namespaces or /proc does not tell.
 */
int64_t vs_timens_offset_ns(void);

#endif
