/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHCONF_SOURCES_H
#define VS_IOTHCONF_SOURCES_H

/* Address sources of an interface, which run in the stack. */

#include <stdint.h>

#include "target.h"

/* Starts the sources that the plan wants, and does not wait. 0 or -1 with errno and the message. */
int vs_sources_begin(const struct vs_target *t, const struct vs_plan *plan);

/*
 * Waits until each has what it was started for, or until the deadline (CLOCK_MONOTONIC, in ms). Returns the
 * parts that are ready, bits of VS_PLAN_SOURCES; their addresses of IPv6 can be used. If one is missing, the
 * message says why, for the first.
 */
unsigned vs_sources_finish(const struct vs_target *t, const struct vs_plan *plan, int64_t deadline_ms);

/* Stops those that the plan undoes. 0 or -1 with errno and the message. */
int vs_sources_stop(const struct vs_target *t, const struct vs_plan *plan);

#endif
