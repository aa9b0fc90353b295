/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_QUICK_CALL_H
#define VS_CORE_QUICK_CALL_H

/* Sockets from a stack's networking thread. */

#include <stdint.h>

#include "handle.h"

/*
 * socket(2) by the stack's networking thread, on a channel that this process keeps: no
 * descriptor is used but the one received, and it is async-signal-safe. Every signal must be
 * blocked. 0 and *fd (the number the kernel chose), or -errno, static message recorded.
 */
int vs_quick_call_socket(struct vs_slot *slot, int domain, int type, int protocol, int *fd);

/*
 * Drops the sockets that were sent ahead for a stack: they would keep its namespace alive. Signals
 * blocked.
 */
void vs_quick_call_forget_stack(uint64_t door_cookie);

#endif
