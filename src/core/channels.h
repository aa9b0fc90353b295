/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_CHANNELS_H
#define VS_CORE_CHANNELS_H

/*
 * Reply channels of this process. The callers have blocked all signals, except for functions that are
 * async-signal-safe.
 */

#include <stdint.h>

#include "handle.h"
#include "process.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

/*
 * Returns a channel for a call to the stack, locked: preferably a free one that is registered with the
 * stack's keeper, else another free one, registered now, else one that is in use, after a wait. *r: 0, or
 * the -errno for which it cannot be used.
 */
struct vs_channel *vs_channel_ready(struct vs_process *p, struct vs_slot *slot, int *r);

/*
 * Registers a channel, locked and closed, with the stack's keeper. 0 or -errno: -EMFILE when fewer than
 * `spare` descriptor numbers would be left to the program.
 */
int vs_channel_open(struct vs_process *p, struct vs_channel *ch, struct vs_slot *slot, unsigned spare);
void vs_channel_close(struct vs_channel *ch);

/*
 * For a creation, whose reply channel the keeper registers: reserves a closed channel and draws its number,
 * which does not change until vs_channel_keep() or vs_channel_give_up(). NULL: nothing is reserved. *there:
 * because a channel is registered with the keeper already. These three block signals themselves.
 */
struct vs_channel *vs_channel_reserve(uint64_t keeper, bool *there);
/*
 * The keeper has registered it. Takes sock, our end, if it returns true. False: the channel is given up, as
 * the program's last descriptor numbers are for its sockets.
 */
bool vs_channel_keep(struct vs_channel *ch, uint64_t keeper, const struct vs_sock *sock);
void vs_channel_give_up(struct vs_channel *ch);

/*
 * Builds a request about a channel. The kernel copies the channel's number from the record that a forked
 * child finds zeroed. The number is never in a register of this library: that would leave copies on stacks,
 * which the child inherits.
 */
struct vs_fdmsg vs_channel_message(struct vs_request *req, struct vs_channel *ch);

/* Sends to a stack's networking thread, and waits for room. 0, -ENETDOWN, -ETIMEDOUT, or another -errno. */
int vs_door_send(struct vs_slot *slot, const struct vs_fdmsg *msg);

/* Closes the registered channels of a keeper. */
void vs_channels_close(uint64_t keeper_id);

/*
 * In a forked child: closes its copies of its parent's channels, of all or of one, which is locked.
 * Async-signal-safe.
 */
void vs_channels_close_inherited(void);
void vs_channel_close_inherited(struct vs_process *p, size_t i);

#endif
