/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_IMPAIR_DELAY_H
#define VS_PUMP_IMPAIR_DELAY_H

/* The line of the delays: frames that wait, each for its time. All zero: empty. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "impair_frame.h"

struct vs_delay_entry {
	int64_t due_ns;
	uint64_t order; /* among frames that are due at the same time: as they came */
	struct vs_waiting *waiting;
};

struct vs_delay {
	struct vs_delay_entry *heap;
	size_t n, room;
	uint64_t order;
	struct vs_waiting_list run; /* frames that came in the order of their times */
};

void vs_delay_free(struct vs_delay *delay);
/* By frame.due_ns. False: out of memory, and the frame is not in the line. */
bool vs_delay_add(struct vs_delay *delay, struct vs_waiting *w);
/* When the first frame is due; INT64_MAX: there is none. */
int64_t vs_delay_due_ns(const struct vs_delay *delay);
/* Takes that frame; NULL: there is none. */
struct vs_waiting *vs_delay_take(struct vs_delay *delay);

static inline size_t vs_delay_count(const struct vs_delay *delay)
{
	return delay->n + delay->run.n;
}

#endif
