/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_API_LIST_H
#define VS_API_LIST_H

/*
 * The list calls. A caller's records have the size that it was compiled with: the library may know
 * fewer members than the caller (the rest is zero-filled) or more (they are not written).
 */

#include <stddef.h>

#include "rtnl/nl.h"
#include <vdestack.h>

/* A kind of list. */
struct vs_list_kind {
	const char *what;  /* "addresses", for messages */
	size_t least;      /* the size of the first version's record, which has both: */
	size_t ifname_at;  /* the offset of char ifname[IF_NAMESIZE] */
	size_t ifindex_at; /* the offset of int ifindex */
	int (*read)(struct vs_nl *nl, const struct vs_nl_reader *reader);
	void (*take)(void *arg, const void *record); /* arg is the struct vs_list; calls vs_list_add() */
};

struct vs_list {
	const char *ifname; /* only those of this interface; NULL or "": all */
	void *records;      /* the caller's, n of them; NULL only with n 0 */
	size_t n;
	size_t record_size;
	int ifindex;  /* of ifname; 0: all */
	size_t count; /* how many there are, which may be more than n */
};

/* Fills the list. Returns how many records there are, or -errno with a message. */
int vs_list_read(struct vdestack *stack, const struct vs_list_kind *kind, struct vs_list *list);

/* For take: adds a record, as this version of the library knows it, if it is of a wanted interface. */
void vs_list_add(struct vs_list *list, int ifindex, const void *record, size_t size);

#endif
