/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_REGAIN_H
#define VS_CORE_REGAIN_H

/* New doors for this process when the program has closed the descriptors of the library; see regain.c. */

#include <stdbool.h>

#include "handle.h"
#include "wire/fdmsg.h"

struct vs_keeper_link;
struct vs_side_door;

/*
 * A call with the door `used` has failed. True: the program has closed that door, and the slot has a new one.
 * The caller holds a use. Waits up to five seconds for the keeper. Async-signal-safe.
 */
bool vs_regain(struct vs_slot *slot, const struct vs_sock *used);

/* The stack's door, regained if it was lost. */
struct vs_sock vs_regain_door(struct vs_slot *slot);

/*
 * Requests the claim page at the front door. The descriptor, and *side; or -errno. The caller holds the
 * regain lock. Async-signal-safe.
 */
int vs_regain_request_page(struct vs_keeper_link *keeper, struct vs_side_door *side);

/*
 * Requests the slot's secret at the stack's door, and stores it. 0 or -errno. The caller holds a use and the
 * regain lock. Async-signal-safe.
 */
int vs_regain_request_secret(struct vs_slot *slot);

/* True if the keeper has a new front door. The caller holds the process lock. */
bool vs_regain_front(struct vs_keeper_link *keeper);

/*
 * The message for a call that failed with ENETDOWN: the keeper has ended, or the program has closed its door.
 * kept: of the stack.
 */
const char *vs_regain_why(const struct vs_sock *door, enum vs_slot_kept kept);

#endif
