/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool vs_items_have(const struct vs_items *items, const char *item)
{
	for (size_t i = 0; i < items->n; i++)
		if (strcmp(items->list[i], item) == 0)
			return true;
	return false;
}

/* Takes the string over, whatever the result. */
static bool append(struct vs_items *items, char *item)
{
	if (item != NULL && vs_items_have(items, item)) {
		free(item);
		return true;
	}
	char **list = item != NULL ? reallocarray(items->list, items->n + 1, sizeof(*list)) : NULL;
	if (list == NULL) {
		free(item);
		return false;
	}
	items->list = list;
	list[items->n++] = item;
	return true;
}

bool vs_items_add(struct vs_items *items, const char *key, const char *value)
{
	char *item;

	return asprintf(&item, "%s=%s", key, value) >= 0 && append(items, item);
}

bool vs_items_add_all(struct vs_items *items, const struct vs_items *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (!append(items, strdup(from->list[i])))
			return false;
	return true;
}

bool vs_item_is(const char *item, const char *wanted)
{
	size_t length = strlen(wanted);

	return strncmp(item, wanted, length) == 0 &&
	       (item[length] == '\0' || (item[length] == '/' && strncmp(item, "ip=", 3) == 0));
}

static bool is_one_of(const char *item, const struct vs_items *wanted)
{
	for (size_t i = 0; i < wanted->n; i++)
		if (vs_item_is(item, wanted->list[i]))
			return true;
	return false;
}

void vs_items_remove(struct vs_items *items, const struct vs_items *gone)
{
	size_t kept = 0;

	for (size_t i = 0; i < items->n; i++) {
		if (is_one_of(items->list[i], gone))
			free(items->list[i]);
		else
			items->list[kept++] = items->list[i];
	}
	items->n = kept;
}

void vs_items_free(struct vs_items *items)
{
	for (size_t i = 0; i < items->n; i++)
		free(items->list[i]);
	free(items->list);
	*items = (struct vs_items){ 0 };
}
