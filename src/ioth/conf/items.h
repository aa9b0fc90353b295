/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHCONF_ITEMS_H
#define VS_IOTHCONF_ITEMS_H

/*
 * Static items of an interface: a list of words in one spelling, "ip=10.0.0.1/24", "gw=", "dns=", "domain=".
 * Equal items are equal strings. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

struct vs_items {
	char **list;
	size_t n;
};

/* Appends a copy of key=value, unless it is there. False: out of memory. */
bool vs_items_add(struct vs_items *items, const char *key, const char *value);

/* Appends copies of all of `from`. False: out of memory. */
bool vs_items_add_all(struct vs_items *items, const struct vs_items *from);

bool vs_items_have(const struct vs_items *items, const char *item);

/* Whether `wanted` means this item. It may be an address without the length of its prefix. */
bool vs_item_is(const char *item, const char *wanted);

/* Removes the items that `gone` means. */
void vs_items_remove(struct vs_items *items, const struct vs_items *gone);

/* Leaves the list empty. */
void vs_items_free(struct vs_items *items);

#endif
