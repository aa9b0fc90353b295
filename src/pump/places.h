/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_PLACES_H
#define VS_PUMP_PLACES_H

/*
 * From the data of an event to the mover that it is for.
 *
 * An event names its mover by a place in a table and the place's generation, not by its address. A descriptor
 * may be replaced by another thread (vs_pump_drop_device()) while a copy of it is open elsewhere. Then an
 * epoll set still has it, and may report it after its mover has ended. Such an event is nobody's.
 */

#include <stdint.h>

struct vs_mover;
struct vs_place;

struct vs_places {
	struct vs_place *all;
	unsigned n, free; /* free: the first of a list */
};

void vs_places_init(struct vs_places *places);
void vs_places_free(struct vs_places *places);

/* Returns its place, or -ENOMEM. */
int vs_places_add(struct vs_places *places, struct vs_mover *mover);
void vs_places_remove(struct vs_places *places, unsigned place);

/* For an event; which: less than 4. Never UINT64_MAX. */
uint64_t vs_places_data(const struct vs_places *places, unsigned place, unsigned which);
/* NULL: the mover has been removed. */
struct vs_mover *vs_places_find(const struct vs_places *places, uint64_t data, unsigned *which);

#endif
