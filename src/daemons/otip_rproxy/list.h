/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_LIST_H
#define RP_LIST_H

/* A ring of links in structures. A head alone, linked to itself, is an empty list. */

#include <stdbool.h>
#include <stddef.h>

struct rp_link {
	struct rp_link *next, *prev;
};

/* The structure of which `pointer` is the member. */
#define RP_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void rp_list_init(struct rp_link *head)
{
	head->next = head->prev = head;
}

static inline bool rp_list_empty(const struct rp_link *head)
{
	return head->next == head;
}

static inline void rp_list_append(struct rp_link *head, struct rp_link *l)
{
	l->next = head;
	l->prev = head->prev;
	head->prev->next = l;
	head->prev = l;
}

static inline void rp_list_remove(struct rp_link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	l->next = l->prev = l;
}

#endif
