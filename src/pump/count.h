/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef VS_PUMP_COUNT_H
#define VS_PUMP_COUNT_H

#include <stdatomic.h>
#include <stddef.h>

/* One writer each; whoever reads wants a number, not an order. */
static inline void count(atomic_ullong *counter, size_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

#endif
