/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_IMPAIR_FRAME_H
#define VS_PUMP_IMPAIR_FRAME_H

/* A frame inside of the impairment, and lists of them. It is in one list, or in the line of the delays. */

#include <stddef.h>
#include <stdint.h>

#include "impair.h"

struct vs_waiting {
	struct vs_impair_frame frame; /* first: callers get its address */
	struct vs_waiting *next;
	int64_t came_ns;     /* into the queue of the rate */
	int64_t service_ns;  /* how long the rate takes for it */
	int64_t delay_ns;    /* after that */
	uint32_t hold_gap;   /* > 0: so many frames pass it after that */
	uint64_t hold_until; /* while held: when so many have passed in all */
	_Alignas(16) unsigned char headroom[VS_IMPAIR_HEADROOM];
	unsigned char bytes[];
};

struct vs_waiting_list {
	struct vs_waiting *first, *last;
	size_t n;
};

static inline void vs_waiting_append(struct vs_waiting_list *list, struct vs_waiting *w)
{
	w->next = NULL;
	if (list->first == NULL)
		list->first = w;
	else
		list->last->next = w;
	list->last = w;
	list->n++;
}

/* NULL: the list is empty. */
static inline struct vs_waiting *vs_waiting_shift(struct vs_waiting_list *list)
{
	struct vs_waiting *w = list->first;

	if (w == NULL)
		return NULL;
	list->first = w->next;
	list->n--;
	return w;
}

#endif
