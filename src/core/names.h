/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_NAMES_H
#define VS_CORE_NAMES_H

#include "handle.h"

/*
 * Reserves a name ("": none) for a stack that is being made; it can be found by it when its creation is over.
 * 0, or -EEXIST with a message: another stack of this process has it.
 */
int vs_name_take(struct vs_slot *slot, const char *name);

/* Frees it. Async-signal-safe. */
void vs_name_drop(struct vs_slot *slot);

#endif
