/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_CLAIM_H
#define VS_CORE_CLAIM_H

/* The program's side of the claim page, see wire/claims.h. All of it is async-signal-safe. */

#include <vdestack.h>

struct vs_keeper_link;
struct vs_slot;

/*
 * The stack is a default from now on, of the process or of a thread, and its keeper must know it. NULL and
 * handles that lead nowhere are allowed. Only the first call for a stack takes time. If it could not do its
 * work, for example for lack of descriptors, the next one tries again.
 */
void vs_claim(struct vdestack *stack);
/* Before the stack's door is closed. The caller holds a use, or empties the slot. */
void vs_claim_drop(struct vs_slot *slot);
/*
 * From now on the keeper keeps no stack for this process. Forked children have the page as before, and other
 * threads may still write to its addresses.
 */
void vs_claim_end(struct vs_keeper_link *keeper);

#endif
