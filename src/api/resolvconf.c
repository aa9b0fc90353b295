/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The name servers and the search list of a stack, as the text of a resolv.conf(5). */

#include <errno.h>
#include <string.h>

#include "auto/resolvconf.h"
#include "base/error.h"
#include "learned_list.h"
#include <vdestack/sources.h>

static struct vs_resolv_item item_of(const void *arg, size_t i)
{
	const struct vs_wire_learned *record = &((const struct vs_learned *)arg)->list[i];
	struct vs_resolv_item item = { .source = record->source, .ifname = record->ifname };

	if (record->kind == VS_LEARNED_DNS) {
		item.addr.family = record->addr.family;
		memcpy(item.addr.bytes, record->addr.bytes, sizeof(item.addr.bytes));
	} else if (record->kind == VS_LEARNED_SEARCH) {
		item.domain = record->text;
	}
	return item;
}

size_t vs_resolvconf_write(const struct vs_learned *learned, char *buf, size_t size)
{
	return vs_resolv_write(item_of, learned, learned->n, buf, size);
}

static int write_resolvconf(struct vdestack *stack, const char *ifname, char *buf, size_t size)
{
	VS_AUTO_LEARNED learned = { 0 };

	if (buf == NULL && size > 0)
		return vs_fail(EINVAL, "cannot write a resolv.conf: the buffer is NULL");
	int r = vs_learned_of(stack, ifname, "cannot write a resolv.conf", &learned);
	if (r < 0)
		return r;
	size_t length = vs_resolvconf_write(&learned, buf, size);
	if (length >= size)
		return vs_fail(ERANGE,
			       "cannot write a resolv.conf: it needs %zu bytes, and the buffer has %zu",
			       length + 1, size);
	return (int)length;
}

int vdestack_resolvconf(struct vdestack *stack, const char *ifname, char *buf, size_t size)
{
	return vs_edge(write_resolvconf(stack, ifname, buf, size));
}
