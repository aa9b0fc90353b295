/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_CACHE_H
#define NM_CACHE_H

/* Answers by name and type, for as long as they are valid. Names are compared without case. */

#include "message.h"

struct nm_cache;

/* At most so many answers and, about, bytes. NULL: no memory, or no random numbers (errno). */
struct nm_cache *nm_cache_new(size_t most, size_t most_bytes);
void nm_cache_free(struct nm_cache *cache);

/* Other limits; what is over them goes. */
void nm_cache_set(struct nm_cache *cache, size_t most, size_t most_bytes);

/*
 * Keeps a copy of an answer for ttl_s seconds, instead of the one that it has. Without memory, or with ttl_s
 * 0, it keeps none. now_ms: any clock that goes forwards, the same for all calls.
 */
void nm_cache_put(struct nm_cache *cache, int64_t now_ms, const struct nm_name *name, uint16_t type,
		  const struct nm_answer *a, uint32_t ttl_s);

/* A copy of an answer, with the TTLs that are left. False: there is none. */
bool nm_cache_get(struct nm_cache *cache, int64_t now_ms, const struct nm_name *name, uint16_t type,
		  struct nm_answer *a);

/*
 * Whether less than a tenth of the time of an answer is left. True once for each answer, so that it can be
 * asked for again before it expires.
 */
bool nm_cache_ages(struct nm_cache *cache, int64_t now_ms, const struct nm_name *name, uint16_t type);

/* How many there are; expired ones too. */
size_t nm_cache_count(const struct nm_cache *cache);
size_t nm_cache_bytes(const struct nm_cache *cache);

#endif
