/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An allocator of the program, for shim_probe.c: memory of any other allocator that is freed here ends the
 * program, as does memory of this one that libc frees.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ROOM ((size_t)1 << 32) /* address space; nothing is used twice */
#define MAGIC 0x7664656d616c6c6fu

struct head {
	uint64_t magic;
	size_t size;
};

static _Atomic(char *) arena;
static atomic_size_t used;

static char *get_arena(void)
{
	char *there = atomic_load(&arena);

	if (there != NULL)
		return there;
	char *fresh =
		mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (fresh == MAP_FAILED)
		abort();
	if (atomic_compare_exchange_strong(&arena, &there, fresh))
		return fresh;
	(void)munmap(fresh, ROOM);
	return there;
}

static void *take(size_t align, size_t size)
{
	if (align < 16)
		align = 16;
	if (size > ROOM / 4) {
		errno = ENOMEM;
		return NULL;
	}
	char *base = get_arena();
	size_t at = atomic_fetch_add(&used, size + align + sizeof(struct head) + 16);
	if (at > ROOM - size - align - 64)
		abort();
	uintptr_t place = ((uintptr_t)base + at + sizeof(struct head) + align - 1) & ~(uintptr_t)(align - 1);
	struct head *head = (struct head *)place - 1;
	head->magic = MAGIC;
	head->size = size;
	return (void *)place;
}

static struct head *head_of(void *memory)
{
	struct head *head = (struct head *)memory - 1;

	if (head->magic != MAGIC)
		abort();
	return head;
}

void *malloc(size_t size)
{
	return take(16, size);
}

void *calloc(size_t n, size_t size)
{
	if (size != 0 && n > ROOM / size) {
		errno = ENOMEM;
		return NULL;
	}
	return take(16, n * size); /* fresh memory is zero */
}

void free(void *memory)
{
	if (memory != NULL)
		head_of(memory)->magic = 0;
}

void *realloc(void *memory, size_t size)
{
	void *fresh = take(16, size);

	if (memory != NULL && fresh != NULL) {
		size_t old = head_of(memory)->size;
		memcpy(fresh, memory, old < size ? old : size);
		free(memory);
	}
	return fresh;
}

void *aligned_alloc(size_t align, size_t size)
{
	return take(align, size);
}

int posix_memalign(void **memory, size_t align, size_t size)
{
	*memory = take(align, size);
	return *memory != NULL ? 0 : ENOMEM;
}
