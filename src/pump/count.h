/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef VS_PUMP_COUNT_H
#define VS_PUMP_COUNT_H

#include <stdatomic.h>
#include <stddef.h>

/* A counter has one writer; its readers need no ordering. */
static inline void count(atomic_ullong *counter, size_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

#endif
