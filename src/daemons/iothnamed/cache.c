/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A table of chains, and a list of all entries, the one that was used last first. When the cache is full the
 * last of the list goes. So it is bounded, and what is asked for often stays. An expired entry goes when it
 * is asked for, or as the last of the list: there is no timer.
 *
 * Clients choose the names. The hash has a random key (SipHash), so they cannot fill one chain.
 *
 * An answer is kept as a whole, and serves only the question that it was given to. Nothing of it can be used
 * for another name.
 */

#include "cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "siphash.h"

#define ENTRY_BYTES 512  /* of an entry without records */
#define RECORD_BYTES 256 /* of a record, besides its data */

struct entry {
	struct entry *chain, *before, *behind; /* in the chain; in the list */
	struct nm_name name;                   /* in small letters */
	uint16_t type;
	int64_t since_ms, until_ms;
	bool aged; /* nm_cache_ages() has said so */
	size_t bytes;
	struct nm_answer answer;
};

struct nm_cache {
	struct entry **chains;
	size_t mask, n, bytes, most, most_bytes;
	struct entry *first, *last;
	uint8_t key[NM_SIPHASH_KEY];
};

/* ------------------------------------------------------------------ the table */

static uint64_t hash(const struct nm_cache *cache, const struct nm_name *name, uint16_t type)
{
	uint8_t bytes[NM_NAME_MAX + 2], result[8];
	uint64_t sum;

	memcpy(bytes, name->wire, name->n);
	bytes[name->n] = (uint8_t)(type >> 8);
	bytes[name->n + 1] = (uint8_t)type;
	nm_siphash(cache->key, bytes, name->n + 2U, result);
	memcpy(&sum, result, sizeof(sum));
	return sum;
}

struct nm_cache *nm_cache_new(size_t most, size_t most_bytes)
{
	VS_AUTO_FREE struct nm_cache *cache = calloc(1, sizeof(*cache));
	size_t chains = 64;

	if (cache == NULL)
		return NULL;
	while (chains < most && chains < 1 << 20)
		chains *= 2;
	if (getrandom(cache->key, sizeof(cache->key), 0) != (ssize_t)sizeof(cache->key))
		return NULL;
	cache->chains = calloc(chains, sizeof(struct entry *));
	if (cache->chains == NULL)
		return NULL;
	cache->mask = chains - 1;
	cache->most = most;
	cache->most_bytes = most_bytes;
	return vs_steal_ptr(cache);
}

/* Where the pointer to the entry is, or to the end of its chain. */
static struct entry **place(struct nm_cache *cache, const struct nm_name *name, uint16_t type)
{
	struct entry **at = &cache->chains[hash(cache, name, type) & cache->mask];

	while (*at != NULL && ((*at)->type != type || !nm_name_equal(&(*at)->name, name)))
		at = &(*at)->chain;
	return at;
}

/* ------------------------------------------------------------------ the list */

static void unlink_entry(struct nm_cache *cache, struct entry *e)
{
	*(e->before != NULL ? &e->before->behind : &cache->first) = e->behind;
	*(e->behind != NULL ? &e->behind->before : &cache->last) = e->before;
}

static void link_first(struct nm_cache *cache, struct entry *e)
{
	e->before = NULL;
	e->behind = cache->first;
	*(cache->first != NULL ? &cache->first->before : &cache->last) = e;
	cache->first = e;
}

static void remove_at(struct nm_cache *cache, struct entry **at)
{
	struct entry *e = *at;

	*at = e->chain;
	unlink_entry(cache, e);
	cache->n--;
	cache->bytes -= e->bytes;
	nm_answer_clear(&e->answer);
	free(e);
}

/* For n more entries with these bytes. */
static void make_room(struct nm_cache *cache, size_t n, size_t bytes)
{
	while (cache->last != NULL &&
	       (cache->n + n > cache->most || cache->bytes + bytes > cache->most_bytes))
		remove_at(cache, place(cache, &cache->last->name, cache->last->type));
}

/* ------------------------------------------------------------------ calls */

void nm_cache_set(struct nm_cache *cache, size_t most, size_t most_bytes)
{
	cache->most = most;
	cache->most_bytes = most_bytes;
	make_room(cache, 0, 0);
}

static size_t list_bytes(const ldns_rr_list *list)
{
	size_t bytes = 0;

	for (size_t i = 0; list != NULL && i < ldns_rr_list_rr_count(list); i++)
		bytes += RECORD_BYTES + 2 * ldns_rr_uncompressed_size(ldns_rr_list_rr(list, i));
	return bytes;
}

/* Copies records whose TTLs are reduced. */
static int copy_list(ldns_rr_list **to, const ldns_rr_list *from, uint32_t less)
{
	struct nm_answer copy = { .answer = NULL };

	for (size_t i = 0; from != NULL && i < ldns_rr_list_rr_count(from); i++) {
		ldns_rr *rr = ldns_rr_clone(ldns_rr_list_rr(from, i));
		if (rr != NULL)
			ldns_rr_set_ttl(rr, ldns_rr_ttl(rr) > less ? ldns_rr_ttl(rr) - less : 0);
		if (nm_answer_add(&copy, rr) < 0) {
			nm_answer_clear(&copy);
			return -ENOMEM;
		}
	}
	*to = copy.answer;
	return 0;
}

static int copy_answer(struct nm_answer *to, const struct nm_answer *from, uint32_t less)
{
	struct nm_answer copy = { from->rcode, from->aa, from->ra, NULL, NULL };

	if (copy_list(&copy.answer, from->answer, less) < 0 ||
	    copy_list(&copy.authority, from->authority, less) < 0) {
		nm_answer_clear(&copy);
		return -ENOMEM;
	}
	*to = copy;
	return 0;
}

void nm_cache_put(struct nm_cache *cache, int64_t now_ms, const struct nm_name *name, uint16_t type,
		  const struct nm_answer *a, uint32_t ttl_s)
{
	struct nm_name low = *name;
	size_t bytes = ENTRY_BYTES + list_bytes(a->answer) + list_bytes(a->authority);

	nm_name_lower(&low);
	struct entry **at = place(cache, &low, type);
	if (*at != NULL)
		remove_at(cache, at);
	if (ttl_s == 0 || bytes > cache->most_bytes || cache->most == 0)
		return;
	make_room(cache, 1, bytes);
	struct entry *e = calloc(1, sizeof(*e));
	if (e == NULL || copy_answer(&e->answer, a, 0) < 0) {
		free(e);
		return;
	}
	e->name = low;
	e->type = type;
	e->since_ms = now_ms;
	e->until_ms = now_ms + (int64_t)ttl_s * 1000;
	e->bytes = bytes;
	at = place(cache, &low, type);
	*at = e;
	link_first(cache, e);
	cache->n++;
	cache->bytes += bytes;
}

bool nm_cache_get(struct nm_cache *cache, int64_t now_ms, const struct nm_name *name, uint16_t type,
		  struct nm_answer *a)
{
	struct nm_name low = *name;

	nm_name_lower(&low);
	struct entry **at = place(cache, &low, type), *e = *at;
	if (e == NULL)
		return false;
	if (now_ms >= e->until_ms) {
		remove_at(cache, at);
		return false;
	}
	unlink_entry(cache, e);
	link_first(cache, e);
	return copy_answer(a, &e->answer, (uint32_t)((now_ms - e->since_ms) / 1000)) == 0;
}

bool nm_cache_ages(struct nm_cache *cache, int64_t now_ms, const struct nm_name *name, uint16_t type)
{
	struct nm_name low = *name;

	nm_name_lower(&low);
	struct entry *e = *place(cache, &low, type);
	if (e == NULL || e->aged || (e->until_ms - now_ms) * 10 >= e->until_ms - e->since_ms)
		return false;
	e->aged = true;
	return true;
}

size_t nm_cache_count(const struct nm_cache *cache)
{
	return cache->n;
}

size_t nm_cache_bytes(const struct nm_cache *cache)
{
	return cache->bytes;
}

void nm_cache_free(struct nm_cache *cache)
{
	if (cache == NULL)
		return;
	while (cache->first != NULL)
		remove_at(cache, place(cache, &cache->first->name, cache->first->type));
	free(cache->chains);
	free(cache);
}
