/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_CHANGES_H
#define VS_WIRE_CHANGES_H

/*
 * The change page: memory that a keeper writes and its program reads.
 *
 * For each stack the page has three numbers. The program reads them without a system call:
 *
 *     changes   how often a process may have begun to change the stack's sysctls
 *     guests    who else may be changing them now, without telling the keeper
 *     sources   not 0: the stack may have address sources, or names of its own
 *
 * Without sources a call that waits until the stack is ready does not ask the keeper about them. The keeper
 * counts before it answers the request that starts the first one.
 *
 * The kernel copies sysctls into a socket when the socket is made. So a socket that was made before its
 * call is right only if nothing has changed since. Each call that makes a socket reads the first two numbers.
 *
 * The keeper counts a change before it sets a sysctl, and a guest and a change before it lets one into
 * the namespace. The program reads `changes`, then `guests`, then asks for sockets. A socket that was
 * made ahead is used only if `changes` is still the same. None is asked for ahead while there are
 * guests. Why that is enough:
 *
 *  - A sysctl set through the library: its call returns after the change was counted. A socket call
 *    that begins later sees the new number.
 *  - A guest that is there when sockets are asked for: `guests` is not 0, or the guest was let in after
 *    that was read, and then `changes` differs from what was read before.
 *  - A guest that has left: what it changed was changed before `guests` fell, and the sockets are made
 *    after that.
 *
 * Two stacks may share a place: then one drops sockets for changes of the other, or asks in vain, which is
 * only slower. A forked child shares the page. A program without it (no memory, RLIMIT_FSIZE below a page)
 * has no sockets made ahead, and always asks.
 */

#include <stdatomic.h>
#include <stdint.h>

struct vs_changes {
	atomic_uint changes;
	atomic_uint guests;
	atomic_uint sources;
};

#define VS_CHANGES_BYTES 4096
#define VS_CHANGES_PLACES (VS_CHANGES_BYTES / sizeof(struct vs_changes))

/* The place of a stack, by its id. NULL: there is no page. */
static inline struct vs_changes *vs_changes_of(struct vs_changes *page, uint64_t stack)
{
	return page != NULL ? &page[stack % VS_CHANGES_PLACES] : NULL;
}

#endif
