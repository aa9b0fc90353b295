/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A hash table whose entries are also a list, ordered by last use. Names of attackers could be made to fall
 * into one chain, so the hash has a random key of the cache.
 */

#include "cache.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "answer.h"

struct entry {
	struct entry *chain;        /* the next one with this hash */
	struct entry *newer, *older;
	struct vs_answer *answer;
	int64_t since_s, until_s;
	uint64_t hash;
	int type;
	char name[];
};

struct vs_cache {
	size_t max, n, n_buckets;
	uint64_t key;
	struct entry *newest, *oldest;
	struct entry *buckets[];
};

/* Without a final dot: "a.example." and "a.example" are one name. */
static size_t length(const char *name)
{
	size_t n = strlen(name);

	return n > 1 && name[n - 1] == '.' ? n - 1 : n;
}

static uint64_t hash_of(const struct vs_cache *c, const char *name, size_t n, int type)
{
	uint64_t h = c->key ^ (uint64_t)(unsigned)type;

	for (size_t i = 0; i < n; i++) {
		unsigned char b = (unsigned char)name[i];
		if (b >= 'A' && b <= 'Z')
			b = (unsigned char)(b + 32);
		h = (h ^ b) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

struct vs_cache *vs_cache_new(size_t entries)
{
	struct vs_cache *c = calloc(1, sizeof(*c) + entries * sizeof(struct entry *));

	if (c == NULL)
		return NULL;
	c->max = c->n_buckets = entries;
	if (getrandom(&c->key, sizeof(c->key), GRND_NONBLOCK) < 0)
		c->key = (uintptr_t)c; /* before the system's entropy is ready */
	return c;
}

static void unlink_use(struct vs_cache *c, struct entry *e)
{
	*(e->newer != NULL ? &e->newer->older : &c->newest) = e->older;
	*(e->older != NULL ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(struct vs_cache *c, struct entry *e)
{
	e->newer = NULL;
	e->older = c->newest;
	*(c->newest != NULL ? &c->newest->newer : &c->oldest) = e;
	c->newest = e;
}

static void drop(struct vs_cache *c, struct entry *e)
{
	struct entry **at = &c->buckets[e->hash % c->n_buckets];

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	unlink_use(c, e);
	c->n--;
	vs_answer_unref(e->answer);
	free(e);
}

void vs_cache_clear(struct vs_cache *cache)
{
	while (cache->newest != NULL)
		drop(cache, cache->newest);
}

void vs_cache_delete(struct vs_cache *cache)
{
	if (cache == NULL)
		return;
	vs_cache_clear(cache);
	free(cache);
}

static struct entry *find(struct vs_cache *c, const char *name, int type, uint64_t hash)
{
	size_t n = length(name);

	for (struct entry *e = c->buckets[hash % c->n_buckets]; e != NULL; e = e->chain)
		if (e->hash == hash && e->type == type && strncasecmp(e->name, name, n) == 0 &&
		    e->name[n] == '\0')
			return e;
	return NULL;
}

struct vs_answer *vs_cache_get(struct vs_cache *cache, const char *name, int type, int64_t now_s,
			       uint32_t *age_s)
{
	struct entry *e = find(cache, name, type, hash_of(cache, name, length(name), type));

	if (e == NULL)
		return NULL;
	if (now_s >= e->until_s) {
		drop(cache, e);
		return NULL;
	}
	unlink_use(cache, e);
	link_newest(cache, e);
	if (age_s != NULL)
		*age_s = (uint32_t)(now_s - e->since_s);
	return vs_answer_ref(e->answer);
}

void vs_cache_put(struct vs_cache *cache, const char *name, int type, struct vs_answer *answer, int64_t now_s)
{
	size_t n = length(name);
	uint64_t hash = hash_of(cache, name, n, type);
	struct entry *e = find(cache, name, type, hash);

	if (e != NULL)
		drop(cache, e);
	if (answer->face.ttl_s == 0 || answer->face.message_size > VS_CACHE_ANSWER_MAX || cache->max == 0)
		return;
	if (cache->n == cache->max)
		drop(cache, cache->oldest);
	e = malloc(sizeof(*e) + n + 1);
	if (e == NULL)
		return;
	*e = (struct entry){ .answer = vs_answer_ref(answer), .since_s = now_s, .type = type, .hash = hash,
			     .until_s = now_s + answer->face.ttl_s };
	memcpy(e->name, name, n);
	e->name[n] = '\0';
	e->chain = cache->buckets[hash % cache->n_buckets];
	cache->buckets[hash % cache->n_buckets] = e;
	link_newest(cache, e);
	cache->n++;
}

size_t vs_cache_count(const struct vs_cache *cache)
{
	return cache->n;
}
