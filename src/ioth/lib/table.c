/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of descriptors. A descriptor is its index, so there is nothing to search and nothing to lock.
 * The parts of the table are made when they are needed, and are never freed.
 *
 * Always holds:
 *  - ioth_close() takes the entry out before the descriptor is closed. From the close on the number may
 *    come again, in any thread, and that thread's entry is not touched.
 *  - An entry may outlive its descriptor, when that was closed by close(2), dup2(2), or a plugin. So an
 *    entry has the identity of the open file, and what has another one now is not counted. An entry that is
 *    old is replaced when the number comes again, or forgotten with the stack.
 *  - A stack's entries are made by threads that are inside it. Once none is, and none can enter, its entries
 *    do not grow.
 *  - `plain` of an entry is 1 only while its stack is plain. It may be 0 then, too: a thread that forgets an
 *    entry clears it, although the number may just have come again.
 *
 * The identity of a socket is its cookie (SO_COOKIE), which the kernel gives once. For other descriptors it
 * is the inode, which is used again in time: what an eventfd has in common with all others is taken for the
 * same.
 */

#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

_Atomic(struct vs_table_part *) vs_table_parts[VS_TABLE_PARTS];
struct vs_table_part vs_table_first;

/* 0: there is no such descriptor. Leaves errno as it is. */
static uint64_t identity_of(int fd)
{
	int saved = errno;
	uint64_t cookie = 0, identity = 0;
	socklen_t len = sizeof(cookie);
	struct stat st;

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0)
		identity = cookie << 1 | 1;
	else if (fstat(fd, &st) == 0)
		identity = ((uint64_t)st.st_ino ^ (uint64_t)st.st_dev << 40) << 1 ^ UINT64_C(1) << 63;
	errno = saved;
	return identity;
}

static struct vs_table_part *get_part(unsigned n)
{
	struct vs_table_part *part = atomic_load_explicit(&vs_table_parts[n], memory_order_acquire);

	if (part != NULL)
		return part;
	struct vs_table_part *made = n == 0 ? &vs_table_first : calloc(1, sizeof(*made));
	if (made == NULL)
		return NULL;
	if (atomic_compare_exchange_strong(&vs_table_parts[n], &part, made))
		return made;
	if (made != &vs_table_first)
		free(made);
	return part;
}

int vs_table_add(int fd, struct ioth *stack, bool plain)
{
	unsigned n = (unsigned)fd / VS_TABLE_PART, i = (unsigned)fd % VS_TABLE_PART;

	if (n >= VS_TABLE_PARTS)
		return -EMFILE;
	struct vs_table_part *part = get_part(n);
	if (part == NULL)
		return -ENOMEM;
	atomic_store_explicit(&part->plain[i], 0, memory_order_relaxed);
	atomic_store_explicit(&part->stack[i], NULL, memory_order_relaxed);
	atomic_store_explicit(&part->identity[i], identity_of(fd), memory_order_release);
	atomic_store_explicit(&part->stack[i], stack, memory_order_release);
	atomic_store_explicit(&part->plain[i], plain, memory_order_release);
	return 0;
}

/* The entry exists. False: it is of another stack, or of none. */
static bool clear(unsigned fd, struct ioth *stack)
{
	struct vs_table_part *part =
		atomic_load_explicit(&vs_table_parts[fd / VS_TABLE_PART], memory_order_acquire);
	unsigned i = fd % VS_TABLE_PART;

	if (!atomic_compare_exchange_strong(&part->stack[i], &stack, NULL))
		return false;
	atomic_store_explicit(&part->plain[i], 0, memory_order_release);
	return true;
}

bool vs_table_is_open(int fd)
{
	const struct vs_table_part *part =
		atomic_load_explicit(&vs_table_parts[(unsigned)fd / VS_TABLE_PART], memory_order_acquire);
	uint64_t identity =
		atomic_load_explicit(&part->identity[(unsigned)fd % VS_TABLE_PART], memory_order_acquire);

	return identity != 0 && identity == identity_of(fd);
}

bool vs_table_remove(int fd, struct ioth *stack)
{
	return vs_table_place(fd) != NULL && clear((unsigned)fd, stack);
}

/* A walk over the entries of a stack, which begins at *fd. False: no more. */
static bool next_entry(const struct ioth *stack, unsigned *fd, uint64_t *identity)
{
	for (; *fd / VS_TABLE_PART < VS_TABLE_PARTS; (*fd)++) {
		struct vs_table_part *part =
			atomic_load_explicit(&vs_table_parts[*fd / VS_TABLE_PART], memory_order_acquire);
		if (part == NULL) {
			*fd |= VS_TABLE_PART - 1;
			continue;
		}
		unsigned i = *fd % VS_TABLE_PART;
		if (atomic_load_explicit(&part->stack[i], memory_order_acquire) != stack)
			continue;
		*identity = atomic_load_explicit(&part->identity[i], memory_order_acquire);
		return true;
	}
	return false;
}

int vs_table_find_open(const struct ioth *stack)
{
	uint64_t identity;

	for (unsigned fd = 0; next_entry(stack, &fd, &identity); fd++)
		if (identity != 0 && identity == identity_of((int)fd))
			return (int)fd;
	return -1;
}

void vs_table_forget(struct ioth *stack)
{
	uint64_t identity;

	for (unsigned fd = 0; next_entry(stack, &fd, &identity); fd++)
		(void)clear(fd, stack);
}
