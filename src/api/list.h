/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_API_LIST_H
#define VS_API_LIST_H

/*
 * What a list call fills: records of the size that the caller was compiled with. The library may know fewer members
 * than the caller (the rest is zero-filled) or more (they are not written).
 */

#include <stddef.h>

struct vs_list {
	void *records; /* the caller's, n of them; NULL only with n 0 */
	size_t n;
	size_t record_size;
	int ifindex;  /* only those of this interface; 0: all */
	size_t count; /* out: how many there are, which may be more than n */
};

/* -EINVAL with the message recorded; what: "addresses". least: the size of the first version's record. */
int vs_list_check(const struct vs_list *list, size_t least, const char *what);

/* For struct vs_nl_reader: forgets what has been added. arg is the list. */
void vs_list_begin(void *arg);

/* Adds a record of the size that this library knows. */
void vs_list_add(struct vs_list *list, const void *record, size_t size);

#endif
