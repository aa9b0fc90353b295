/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define LEAST_BYTES 4096
#define MOST_BYTES ((size_t)1 << 30)

/* Before each record; it keeps the record aligned. */
struct head {
	uint32_t len;
	uint32_t skip; /* != 0: no record, the rest of the memory is not used */
};

int vs_ring_init(struct vs_ring *ring, size_t bytes)
{
	size_t size = LEAST_BYTES;

	while (size < bytes && size < MOST_BYTES)
		size *= 2;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	ring->bytes = map;
	ring->size = size;
	return 0;
}

void vs_ring_free(struct vs_ring *ring)
{
	if (ring->bytes != NULL)
		(void)munmap(ring->bytes, ring->size);
	ring->bytes = NULL;
}

static size_t whole(size_t len)
{
	return sizeof(struct head) + ((len + 7) & ~(size_t)7);
}

void *vs_ring_reserve(struct vs_ring *ring, size_t len)
{
	size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	size_t at = head & (ring->size - 1), need = len > ring->size ? ring->size + 1 : whole(len);
	size_t skipped = ring->size - at < need ? ring->size - at : 0;
	struct head *h = (void *)(ring->bytes + at);

	if (skipped + need > ring->size - (head - tail))
		return NULL;
	if (skipped > 0) {
		*h = (struct head){ .skip = 1 };
		h = (void *)ring->bytes;
	}
	*h = (struct head){ .len = (uint32_t)len };
	ring->reserved = head + skipped + need;
	return h + 1;
}

void vs_ring_commit(struct vs_ring *ring)
{
	atomic_store_explicit(&ring->head, ring->reserved, memory_order_release);
}

const void *vs_ring_peek(struct vs_ring *ring, size_t *len)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	size_t at = tail & (ring->size - 1);
	const struct head *h = (const void *)(ring->bytes + at);

	if (atomic_load_explicit(&ring->head, memory_order_acquire) == tail)
		return NULL;
	if (h->skip != 0) {
		atomic_store_explicit(&ring->tail, tail + ring->size - at, memory_order_release);
		h = (const void *)ring->bytes; /* a record follows in the same commit */
	}
	*len = h->len;
	return h + 1;
}

void vs_ring_drop(struct vs_ring *ring)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	const struct head *h = (const void *)(ring->bytes + (tail & (ring->size - 1)));

	atomic_store_explicit(&ring->tail, tail + whole(h->len), memory_order_release);
}

size_t vs_ring_used(const struct vs_ring *ring)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	return atomic_load_explicit(&ring->head, memory_order_relaxed) - tail;
}
