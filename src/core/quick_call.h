/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_QUICK_CALL_H
#define VS_CORE_QUICK_CALL_H

/* Sockets from a stack's networking thread. */

#include <stdint.h>

#include "handle.h"

/*
 * socket(2) by the stack's networking thread, on a channel that this process keeps. It uses no descriptor
 * number but that of the socket, and is async-signal-safe. The caller has blocked every signal. 0 and *fd
 * (the kernel chooses the number), or -errno with a static message.
 */
int vs_quick_call_socket(struct vs_slot *slot, int domain, int type, int protocol, int *fd);

/*
 * Drops the sockets that were sent ahead for a stack (its id), which would keep its namespace alive. The
 * caller has blocked every signal.
 */
void vs_quick_call_forget_stack(uint64_t stack);

#endif
