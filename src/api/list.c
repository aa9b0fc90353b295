/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records for a caller that may be older or newer than this library. */

#include "list.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

int vs_list_check(const struct vs_list *list, size_t least, const char *what)
{
	if (list->records == NULL && list->n > 0)
		return vs_fail(EINVAL, "cannot list %s: the list is NULL; then its size must be 0", what);
	if (list->record_size < least)
		return vs_fail(EINVAL, "cannot list %s: records of %zu bytes are too small; give the sizeof of one", what,
			       list->record_size);
	return 0;
}

void vs_list_begin(void *arg)
{
	struct vs_list *list = arg;

	list->count = 0;
}

void vs_list_add(struct vs_list *list, const void *record, size_t size)
{
	size_t known = size < list->record_size ? size : list->record_size;

	if (list->count++ >= list->n)
		return;
	char *at = (char *)list->records + (list->count - 1) * list->record_size;
	memcpy(at, record, known);
	memset(at + known, 0, list->record_size - known);
}
