/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_CLAIMS_H
#define VS_WIRE_CLAIMS_H

/*
 * The claim page: memory that a program writes and its keeper reads.
 *
 * The keeper gets end of file when the last copy of a door is closed. But some programs close all descriptors
 * that they do not know, and go on (closefrom(3); many daemons do that at their start). To the keeper this
 * looks like the end of the program, or like exec. If the stack is a default stack, the program will call
 * socket(2) next, and must get a socket of the stack. So the keeper keeps such a stack while the memory of
 * the program exists:
 *
 *     served ──end of file on the last door──▶ is it on the page? ──no──▶ ended
 *       ▲                                             │ yes
 *       │                                             ▼
 *       └──a process gets a new door──────────── without a door ──memory gone, or off the page──▶ ended
 *
 *  - The program writes a stack's id to the page when the stack becomes a default, and removes it when the
 *    stack is deleted. It does not remove it when another default is set, as threads end and processes
 *    fork without a message.
 *  - The page is a memfd. All processes of the program map it for writing: the one that started the keeper,
 *    and its forked children. Nobody else does, not even the keeper, which reads it by pread(2). The kernel
 *    refuses to seal a memfd against writing while there is such a mapping (F_SEAL_WRITE, EBUSY). A mapping
 *    ends with the memory of its process: by its end, or by exec. So the keeper tries to seal the page. If
 *    that succeeds, no process of the program is left that could come back. The kernel takes the memory away
 *    before it closes the descriptors, so an ordinary end is recognised at once. tests/kernel/claims.c proves
 *    this.
 *  - A sealed page cannot be mapped any more. A process that has doors, but has not had the page, gets a new
 *    one when it has its first default.
 *  - While a stack is without a door, its networking thread tries that again, at last once per second. In all
 *    other states nobody does.
 *
 * The keeper trusts nothing on the page. A process that can write it can have doors as well. All it can do is
 * keep a stack while the process lives, which a copy of a door does too, or give it up.
 *
 * Rejected: a pidfd for each process of the program, because the keeper does not know the forked children;
 * the end of a process that is known as a sign for all, because daemon(3) ends it.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_CLAIMS_BYTES 4096
#define VS_CLAIMS_PLACES (VS_CLAIMS_BYTES / sizeof(uint64_t))

/* What is known of a stack whose doors are closed. */
enum vs_claim {
	VS_CLAIM_NONE, /* it is not on the page: it was no default, or has been deleted */
	VS_CLAIM_OVER, /* no process has the page */
	VS_CLAIM_KEPT, /* a process that has it may come back */
};

struct vs_claims {
	_Atomic(uint64_t) stack[VS_CLAIMS_PLACES]; /* ids; 0: free */
};

/* False: the page is full. Async-signal-safe, as is all here. */
static inline bool vs_claims_add(struct vs_claims *page, uint64_t stack)
{
	for (size_t i = 0; i < VS_CLAIMS_PLACES; i++)
		if (atomic_load(&page->stack[i]) == stack)
			return true;
	for (size_t i = 0; i < VS_CLAIMS_PLACES; i++) {
		uint64_t none = 0;
		if (atomic_compare_exchange_strong(&page->stack[i], &none, stack))
			return true;
	}
	return false;
}

static inline void vs_claims_remove(struct vs_claims *page, uint64_t stack)
{
	for (size_t i = 0; i < VS_CLAIMS_PLACES; i++) {
		uint64_t expected = stack;
		(void)atomic_compare_exchange_strong(&page->stack[i], &expected, 0);
	}
}

static inline bool vs_claims_any(struct vs_claims *page)
{
	for (size_t i = 0; i < VS_CLAIMS_PLACES; i++)
		if (atomic_load(&page->stack[i]) != 0)
			return true;
	return false;
}

#endif
