/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_CACHE_H
#define VS_DNS_CACHE_H

/*
 * Answers by name and type, for as long as their TTL says. When it is full, the answer goes that was not
 * asked for the longest time. Without a lock: its owner has one. Times are seconds of any clock that never
 * goes back.
 */

#include <stddef.h>
#include <stdint.h>

struct vs_answer;
struct vs_cache;

#define VS_CACHE_ANSWER_MAX 4096 /* bytes of a message; longer ones are not kept */

/* NULL: out of memory. */
struct vs_cache *vs_cache_new(size_t entries);
void vs_cache_delete(struct vs_cache *cache);

/* A reference to the answer, or NULL. *age_s: seconds since it came; may be NULL. */
struct vs_answer *vs_cache_get(struct vs_cache *cache, const char *name, int type, int64_t now_s,
			       uint32_t *age_s);
/* Keeps the answer, if it has a TTL; takes a reference of its own. Out of memory: it is not kept. */
void vs_cache_put(struct vs_cache *cache, const char *name, int type, struct vs_answer *answer,
		  int64_t now_s);
void vs_cache_clear(struct vs_cache *cache);
size_t vs_cache_count(const struct vs_cache *cache);

#endif
