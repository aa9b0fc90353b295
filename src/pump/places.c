/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "places.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define FIRST 4
#define WHICH 4 /* events of a place */
#define NONE UINT32_MAX
#define MOST ((NONE - 1) / WHICH)

struct vs_place {
	struct vs_mover *mover; /* NULL: free */
	uint32_t generation;
	unsigned next_free;
};

void vs_places_init(struct vs_places *places)
{
	*places = (struct vs_places){ .free = NONE };
}

void vs_places_free(struct vs_places *places)
{
	free(places->all);
}

static int grow(struct vs_places *places)
{
	unsigned n = places->n > 0 ? 2 * places->n : FIRST;
	struct vs_place *all = n < MOST ? reallocarray(places->all, n, sizeof(*all)) : NULL;

	if (all == NULL)
		return -ENOMEM;
	for (unsigned i = places->n; i < n; i++)
		all[i] = (struct vs_place){ .next_free = i + 1 < n ? i + 1 : NONE };
	places->free = places->n;
	places->all = all;
	places->n = n;
	return 0;
}

int vs_places_add(struct vs_places *places, struct vs_mover *mover)
{
	int r = places->free == NONE ? grow(places) : 0;

	if (r < 0)
		return r;
	unsigned place = places->free;
	places->free = places->all[place].next_free;
	places->all[place].mover = mover;
	return (int)place;
}

void vs_places_remove(struct vs_places *places, unsigned place)
{
	struct vs_place *p = &places->all[place];

	p->mover = NULL;
	p->generation++;
	p->next_free = places->free;
	places->free = place;
}

uint64_t vs_places_data(const struct vs_places *places, unsigned place, unsigned which)
{
	return (uint64_t)places->all[place].generation << 32 | (place * WHICH + which);
}

struct vs_mover *vs_places_find(const struct vs_places *places, uint64_t data, unsigned *which)
{
	unsigned place = (uint32_t)data / WHICH;

	*which = (uint32_t)data % WHICH;
	if (place >= places->n || places->all[place].generation != (uint32_t)(data >> 32))
		return NULL;
	return places->all[place].mover;
}
