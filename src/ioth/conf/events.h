/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHCONF_EVENTS_H
#define VS_IOTHCONF_EVENTS_H

/*
 * Waiting for changes of a stack. A kind of stack may tell of them by a descriptor, of which there are few.
 * Without one, each wait is a short one, and the caller looks again and again. With one, a wait lasts one
 * second at most.
 *
 * The descriptor is made before the caller looks for the first time: no change is missed.
 */

#include <stdint.h>

#include "target.h"

struct vs_events {
	int fd; /* -1: none */
	int64_t pause_ms;
};

/* Never fails. The message and errno may be those of a stack without events. */
void vs_events_open(struct vs_events *events, const struct vs_target *t);

/* Returns after an event, or when the time is over. A signal ends it early, which does no harm. */
void vs_events_wait(struct vs_events *events, int64_t most_ms);

/* Keeps errno. */
void vs_events_close(struct vs_events *events);

/* CLOCK_MONOTONIC. */
int64_t vs_events_now_ms(void);

#endif
