/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Records are sorted by their owner with the labels in reverse order, each behind its length: the key of a
 * name is the beginning of the keys of all names below it. So one search finds the records of a name, and
 * whether there are names below it. A name without records and with names below it exists, RFC 8020.
 */

#include "zone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CNAMES_MAX 8

struct key {
	uint8_t n, bytes[NM_NAME_MAX];
};

struct nm_record {
	struct key key;
	size_t order; /* of the file, which stays among records of a name */
	ldns_rr *rr;
};

static void make_key(struct key *key, const struct nm_name *name)
{
	struct nm_name low = *name;
	unsigned at = name->n - 1u; /* without the empty label */

	nm_name_lower(&low);
	key->n = (uint8_t)at;
	for (const uint8_t *label = low.wire; *label != 0; label += 1 + *label) {
		at -= 1u + *label;
		memcpy(key->bytes + at, label, 1u + *label);
	}
}

static int compare_keys(const struct key *a, const struct key *b)
{
	int r = memcmp(a->bytes, b->bytes, a->n < b->n ? a->n : b->n);

	return r != 0 ? r : (int)a->n - (int)b->n;
}

static int compare(const void *one, const void *other)
{
	const struct nm_record *a = one, *b = other;
	int r = compare_keys(&a->key, &b->key);

	return r != 0 ? r : a->order < b->order ? -1 : a->order > b->order;
}

int nm_zone_add(struct nm_zone *zone, ldns_rr *rr)
{
	struct nm_record *grown = reallocarray(zone->records, zone->n + 1, sizeof(*grown));
	struct nm_name owner;

	if (grown == NULL) {
		ldns_rr_free(rr);
		return -ENOMEM;
	}
	zone->records = grown;
	nm_name_take(&owner, ldns_rr_owner(rr));
	make_key(&grown[zone->n].key, &owner);
	grown[zone->n].order = zone->n;
	grown[zone->n++].rr = rr;
	return 0;
}

void nm_zone_sort(struct nm_zone *zone)
{
	if (zone->n > 1)
		qsort(zone->records, zone->n, sizeof(*zone->records), compare);
}

/* The first record whose key is not before this one. */
static size_t find(const struct nm_zone *zone, const struct key *key)
{
	size_t from = 0, to = zone->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (compare_keys(&zone->records[middle].key, key) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool has_key(const struct nm_zone *zone, size_t i, const struct key *key)
{
	return i < zone->n && compare_keys(&zone->records[i].key, key) == 0;
}

static bool is_below(const struct nm_zone *zone, size_t i, const struct key *key)
{
	return i < zone->n && zone->records[i].key.n >= key->n &&
	       memcmp(zone->records[i].key.bytes, key->bytes, key->n) == 0;
}

/* Adds the records of a type. Returns how many, or -ENOMEM. *cname: the name that one leads to. */
static int add_records(const struct nm_zone *zone, size_t i, const struct key *key, uint16_t type,
		       struct nm_answer *a, const ldns_rr **cname)
{
	int n = 0;

	for (; has_key(zone, i, key); i++) {
		const ldns_rr *rr = zone->records[i].rr;
		bool is_cname = ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME;
		if (is_cname)
			*cname = rr;
		if (!is_cname && type != LDNS_RR_TYPE_ANY && ldns_rr_get_type(rr) != (ldns_rr_type)type)
			continue;
		if (nm_answer_add(a, ldns_rr_clone(rr)) < 0)
			return -ENOMEM;
		n++;
	}
	return n;
}

int nm_zone_answer(const struct nm_zone *zone, const struct nm_name *name, uint16_t type, struct nm_answer *a,
		   struct nm_name *end)
{
	struct key key;

	*end = *name;
	for (int steps = 0;; steps++) {
		const ldns_rr *cname = NULL;
		make_key(&key, end);
		size_t i = find(zone, &key);
		int n = add_records(zone, i, &key, type, a, &cname);
		if (n < 0)
			return n;
		if (steps == 0)
			a->rcode = is_below(zone, i, &key) ? LDNS_RCODE_NOERROR : LDNS_RCODE_NXDOMAIN;
		if (cname == NULL || type == LDNS_RR_TYPE_CNAME || type == LDNS_RR_TYPE_ANY ||
		    steps == CNAMES_MAX)
			return 0;
		nm_name_take(end, ldns_rr_rdf(cname, 0));
	}
}

const ldns_rr *nm_zone_soa(const struct nm_zone *zone, const struct nm_name *name)
{
	struct nm_name rest = *name;

	for (;;) {
		struct key key;
		make_key(&key, &rest);
		for (size_t i = find(zone, &key); has_key(zone, i, &key); i++)
			if (ldns_rr_get_type(zone->records[i].rr) == LDNS_RR_TYPE_SOA)
				return zone->records[i].rr;
		if (rest.n == 1)
			return NULL;
		unsigned label = 1u + rest.wire[0];
		rest.n = (uint8_t)(rest.n - label);
		memmove(rest.wire, rest.wire + label, rest.n);
	}
}

int nm_zone_transfer(const struct nm_zone *zone, const struct nm_name *name, struct nm_answer *a)
{
	const ldns_rr *soa = nm_zone_soa(zone, name);
	struct nm_name owner;
	struct key key;

	if (soa == NULL)
		return -ENOENT;
	nm_name_take(&owner, ldns_rr_owner(soa));
	if (!nm_name_equal(&owner, name))
		return -ENOENT;
	if (nm_answer_add(a, ldns_rr_clone(soa)) < 0)
		return -ENOMEM;
	make_key(&key, name);
	for (size_t i = find(zone, &key); is_below(zone, i, &key); i++)
		if (zone->records[i].rr != soa && nm_answer_add(a, ldns_rr_clone(zone->records[i].rr)) < 0)
			return -ENOMEM;
	return nm_answer_add(a, ldns_rr_clone(soa));
}

static size_t addresses(const struct nm_zone *zone, const struct key *key, ldns_rr_type type,
			struct in6_addr *to, size_t n)
{
	size_t found = 0;

	for (size_t i = find(zone, key); has_key(zone, i, key); i++) {
		const ldns_rr *rr = zone->records[i].rr;
		if (ldns_rr_get_type(rr) != type)
			continue;
		if (found < n) {
			size_t size = type == LDNS_RR_TYPE_A ? 4 : 16;
			to[found] = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
			memcpy(&to[found].s6_addr[16 - size], ldns_rdf_data(ldns_rr_rdf(rr, 0)), size);
		}
		found++;
	}
	return found;
}

size_t nm_zone_addresses(const struct nm_zone *zone, const struct nm_name *name, struct in6_addr *to,
			 size_t n, bool *v4)
{
	struct key key;

	make_key(&key, name);
	size_t found = addresses(zone, &key, LDNS_RR_TYPE_AAAA, to, n);
	*v4 = found == 0;
	return found > 0 ? found : addresses(zone, &key, LDNS_RR_TYPE_A, to, n);
}

void nm_zone_free(struct nm_zone *zone)
{
	for (size_t i = 0; i < zone->n; i++)
		ldns_rr_free(zone->records[i].rr);
	free(zone->records);
	*zone = (struct nm_zone){ NULL, 0 };
}
