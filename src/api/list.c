/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lists for callers that may be older or newer than this library.
 *
 * The kernel's records have the index of an interface. The names are read when the list is complete, on the
 * same socket, once for each interface.
 */

#include "list.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/opts.h"
#include "core/stack.h"
#include "rtnl/rtnl.h"

#define CACHED 16 /* names; for a stack with more interfaces some are read more than once */

static void begin(void *arg)
{
	struct vs_list *list = arg;

	list->count = 0;
}

void vs_list_add(struct vs_list *list, int ifindex, const void *record, size_t size)
{
	if ((list->ifindex != 0 && list->ifindex != ifindex) || list->count++ >= list->n)
		return;
	char *at = (char *)list->records + (list->count - 1) * list->record_size;
	vs_opts_write(at, list->record_size, record, size);
}

/* An interface that is gone has no name. */
static int find_name(struct vs_nl *nl, int ifindex, struct vs_rtnl_link *link)
{
	if (link->ifindex == ifindex)
		return 0;
	int r = vs_rtnl_link_get(nl, ifindex, NULL, link);
	if (r == -ENODEV) {
		*link = (struct vs_rtnl_link){ .ifindex = ifindex };
		r = 0;
	}
	return r;
}

static int write_names(struct vs_nl *nl, const struct vs_list_kind *kind, struct vs_list *list)
{
	struct vs_rtnl_link cache[CACHED] = { { 0 } };
	size_t n = list->count < list->n ? list->count : list->n;

	for (size_t i = 0; i < n; i++) {
		char *record = (char *)list->records + i * list->record_size;
		int ifindex;
		memcpy(&ifindex, record + kind->ifindex_at, sizeof(ifindex));
		if (ifindex <= 0)
			continue;
		struct vs_rtnl_link *link = &cache[ifindex % CACHED];
		int r = find_name(nl, ifindex, link);
		if (r < 0)
			return r;
		memcpy(record + kind->ifname_at, link->name, sizeof(link->name));
	}
	return 0;
}

static int check(const struct vs_list *list, const struct vs_list_kind *kind)
{
	if (list->records == NULL && list->n > 0)
		return vs_fail(EINVAL, "cannot list %s: the list is NULL; then its size must be 0",
			       kind->what);
	if (list->record_size < kind->least)
		return vs_fail(EINVAL,
			       "cannot list %s: records of %zu bytes are too small; the last argument is the "
			       "sizeof of a record",
			       kind->what, list->record_size);
	return 0;
}

int vs_list_read(struct vdestack *stack, const struct vs_list_kind *kind, struct vs_list *list)
{
	const struct vs_nl_reader reader = { begin, kind->take, list };
	VS_AUTO_NL nl = { 0 };
	struct vs_rtnl_link link = { 0 };
	int r = check(list, kind);

	if (r == 0)
		r = vs_stack_nl_open(stack, &nl);
	if (r < 0)
		return r;
	bool one = list->ifname != NULL && list->ifname[0] != '\0';
	if (one) {
		r = vs_rtnl_link_get(&nl, 0, list->ifname, &link);
		if (r < 0)
			return vs_nl_fail(&nl, -r, "cannot list the %s of interface %s", kind->what,
					  list->ifname);
	}
	list->ifindex = link.ifindex;
	r = kind->read(&nl, &reader);
	if (r == 0)
		r = write_names(&nl, kind, list);
	return r < 0 ? vs_nl_fail(&nl, -r, "cannot list %s", kind->what) : (int)list->count;
}
