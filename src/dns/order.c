/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The rules compare two destinations, and are not transitive in every case. So the sort is a merge sort of
 * our own: its result is the same with every libc, and no comparison can lead it out of its bounds.
 *
 * Left out: rule 4 (home addresses) and rule 7 (native transport), about which nothing is known here.
 */

#include "order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The policy table, RFC 6724 section 2.1. */
static const struct policy {
	uint8_t prefix[16];
	uint8_t len, precedence, label;
} policies[] = {
	{ { [15] = 1 }, 128, 50, 0 },
	{ { 0 }, 0, 40, 1 },
	{ { [10] = 0xff, [11] = 0xff }, 96, 35, 4 },
	{ { 0x20, 0x02 }, 16, 30, 2 },
	{ { 0x20, 0x01 }, 32, 5, 5 },
	{ { 0xfc }, 7, 3, 13 },
	{ { 0 }, 96, 1, 3 },
	{ { 0xfe, 0xc0 }, 10, 1, 11 },
	{ { 0x3f, 0xfe }, 16, 1, 12 },
};

static unsigned common_bits(const uint8_t a[16], const uint8_t b[16])
{
	for (unsigned i = 0; i < 16; i++)
		if (a[i] != b[i])
			return i * 8 + (unsigned)__builtin_clz((unsigned)(a[i] ^ b[i])) - 24;
	return 128;
}

static const struct policy *policy_of(const uint8_t addr[16])
{
	const struct policy *best = &policies[1];

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		if (policies[i].len > best->len && common_bits(policies[i].prefix, addr) >= policies[i].len)
			best = &policies[i];
	return best;
}

static bool is_v4(const uint8_t a[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a, mapped, 12) == 0;
}

/* RFC 6724 section 3.1; 3.2 for IPv4. */
static int scope_of(const uint8_t a[16])
{
	static const uint8_t one[16] = { [15] = 1 };

	if (is_v4(a))
		return a[12] == 127 || (a[12] == 169 && a[13] == 254) ? 2 : 14;
	if (a[0] == 0xff)
		return a[1] & 15;
	if (memcmp(a, one, 16) == 0 || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80))
		return 2;
	return a[0] == 0xfe && (a[1] & 0xc0) == 0xc0 ? 5 : 14;
}

/*
 * Rule 9: the longest prefix in common with the source. For IPv4 as glibc: only within the source's prefix.
 */
static int closeness(const struct vs_dest *d)
{
	unsigned bits = common_bits(d->addr, d->source);

	if (!is_v4(d->addr))
		return (int)(bits < d->source_prefix ? bits : d->source_prefix);
	return bits >= 96u + d->source_prefix ? (int)bits : 0;
}

/* Below 0: a comes first. */
static int compare(const struct vs_dest *a, const struct vs_dest *b)
{
	int scope_a = scope_of(a->addr), scope_b = scope_of(b->addr);
	const struct policy *pa = policy_of(a->addr), *pb = policy_of(b->addr);
	int diff;

	if (a->usable != b->usable) /* rule 1 */
		return a->usable ? -1 : 1;
	if (a->usable) {
		diff = (scope_of(b->source) == scope_b) - (scope_of(a->source) == scope_a); /* 2 */
		if (diff == 0)
			diff = (int)a->deprecated - (int)b->deprecated; /* 3 */
		if (diff == 0)
			diff = (policy_of(b->source)->label == pb->label) -
			       (policy_of(a->source)->label == pa->label); /* 5 */
		if (diff != 0)
			return diff;
	}
	diff = pb->precedence - pa->precedence; /* 6 */
	if (diff == 0)
		diff = scope_a - scope_b; /* 8 */
	if (diff == 0 && a->usable && is_v4(a->addr) == is_v4(b->addr))
		diff = closeness(b) - closeness(a); /* 9 */
	return diff;
}

static void merge(struct vs_dest *to, const struct vs_dest *a, size_t n_a, const struct vs_dest *b,
		  size_t n_b)
{
	while (n_a > 0 && n_b > 0) {
		if (compare(b, a) < 0) {
			*to++ = *b++;
			n_b--;
		} else {
			*to++ = *a++;
			n_a--;
		}
	}
	if (n_a > 0)
		memcpy(to, a, n_a * sizeof(*a));
	if (n_b > 0)
		memcpy(to, b, n_b * sizeof(*b));
}

int vs_order_sort(struct vs_dest *dests, size_t n)
{
	struct vs_dest *other = malloc((n > 0 ? n : 1) * sizeof(*other));

	if (other == NULL)
		return -ENOMEM;
	for (size_t run = 1; run < n; run *= 2) {
		for (size_t at = 0; at < n; at += 2 * run) {
			size_t n_a = n - at < run ? n - at : run;
			size_t n_b = n - at - n_a < run ? n - at - n_a : run;
			merge(other + at, dests + at, n_a, dests + at + n_a, n_b);
		}
		memcpy(dests, other, n * sizeof(*dests));
	}
	free(other);
	return 0;
}
