/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTH_TABLE_H
#define VS_IOTH_TABLE_H

/*
 * Which descriptor is in which stack. See table.c.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ioth;

#define VS_TABLE_PART 4096u   /* entries of a part; parts are made when they are needed */
#define VS_TABLE_PARTS 16384u /* 64 Mi descriptors; the kernel's default limit is 1 Mi */

struct vs_table_part {
	_Atomic unsigned char plain[VS_TABLE_PART];  /* 1: the stack is plain (calls.c), 0: perhaps */
	_Atomic(struct ioth *) stack[VS_TABLE_PART]; /* NULL: in none */
	_Atomic uint64_t identity[VS_TABLE_PART];    /* of the open file; written before stack */
};

extern _Atomic(struct vs_table_part *) vs_table_parts[VS_TABLE_PARTS];
extern struct vs_table_part vs_table_first; /* part 0 */

/*
 * Whether the stack of a descriptor is plain. The kernel may empty the processor's cache of addresses in each
 * system call, so a page more to read costs as much as a hundred instructions: for low numbers this reads one
 * page. False is always right: it leads to the longer way.
 */
static inline bool vs_table_is_plain(int fd)
{
	struct vs_table_part *part = &vs_table_first;

	if (__builtin_expect((unsigned)fd >= VS_TABLE_PART, 0)) {
		unsigned n = (unsigned)fd / VS_TABLE_PART;
		if (n >= VS_TABLE_PARTS)
			return false;
		part = atomic_load_explicit(&vs_table_parts[n], memory_order_acquire);
		if (part == NULL)
			return false;
	}
	return atomic_load_explicit(&part->plain[(unsigned)fd % VS_TABLE_PART], memory_order_acquire) != 0;
}

/* Where the stack of a descriptor stands; NULL: in no stack. */
static inline _Atomic(struct ioth *) *vs_table_place(int fd)
{
	unsigned n = (unsigned)fd / VS_TABLE_PART; /* that of a negative number is too large */
	struct vs_table_part *part =
		n < VS_TABLE_PARTS ? atomic_load_explicit(&vs_table_parts[n], memory_order_acquire) : NULL;

	return part != NULL ? &part->stack[(unsigned)fd % VS_TABLE_PART] : NULL;
}

/*
 * Enters a new descriptor, in place of one of that number that was closed by close(2). 0 or -errno. The
 * caller is inside the stack.
 */
int vs_table_add(int fd, struct ioth *stack, bool plain);

/* Whether the descriptor, which is in a stack, is still the file that was entered. */
bool vs_table_is_open(int fd);

/* Removes the descriptor. Only one thread gets true; the number is that thread's to close. */
bool vs_table_remove(int fd, struct ioth *stack);

/* The lowest descriptor of the stack that is open; -1: none. */
int vs_table_find_open(const struct ioth *stack);

/* Forgets the descriptors of a stack. No thread is inside it. */
void vs_table_forget(struct ioth *stack);

#endif
