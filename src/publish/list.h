/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_LIST_H
#define VS_PUBLISH_LIST_H

/*
 * A list of things with deadlines. All things of one list have the same time limit, and each change puts a
 * thing at the end. So the first one has the earliest deadline.
 */

#include <stdbool.h>
#include <stddef.h>

struct vs_node {
	struct vs_node *prev, *next; /* NULL: in no list */
	long long deadline_ms;
};

struct vs_list {
	struct vs_node head;
	int limit_ms; /* 0: no deadline */
};

static inline void vs_list_init(struct vs_list *list, int limit_ms)
{
	list->head.prev = list->head.next = &list->head;
	list->limit_ms = limit_ms;
}

static inline void vs_list_remove(struct vs_node *node)
{
	if (node->next == NULL)
		return;
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->prev = node->next = NULL;
}

/* Puts a node at the end, and takes it out of the list where it was. */
static inline void vs_list_put(struct vs_list *list, struct vs_node *node, long long now_ms)
{
	vs_list_remove(node);
	node->deadline_ms = now_ms + list->limit_ms;
	node->prev = list->head.prev;
	node->next = &list->head;
	node->prev->next = node->next->prev = node;
}

/* NULL: the list is empty. */
static inline struct vs_node *vs_list_first(const struct vs_list *list)
{
	return list->head.next != &list->head ? list->head.next : NULL;
}

/* The first one, if its deadline has passed. */
static inline struct vs_node *vs_list_expired(const struct vs_list *list, long long now_ms)
{
	struct vs_node *node = vs_list_first(list);

	return node != NULL && list->limit_ms != 0 && node->deadline_ms <= now_ms ? node : NULL;
}

#define vs_container(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
