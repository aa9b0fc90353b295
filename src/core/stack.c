/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What can be asked of a living stack. */

#include "stack.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "config/config.h"
#include "handle.h"
#include "long_call.h"
#include "regain.h"
#include "rtnl/nl.h"
#include <vdestack/conf.h>

#define ANSWER_MS 7000

int vs_stack_ask_within(struct vdestack *stack, struct vs_long_call *call)
{
	struct vs_slot *slot = vs_slot_acquire(stack);

	if (slot == NULL)
		return vs_fail(EINVAL, "not a stack, or one that has been deleted");
	call->door = vs_regain_door(slot);
	call->kept = vs_slot_kept(slot);
	call->keeper = slot->keeper;
	int r = vs_long_call_run(call);
	vs_slot_release(slot);
	return r;
}

int vs_stack_ask(struct vdestack *stack, struct vs_long_call *call)
{
	call->timeout_ms = ANSWER_MS;
	return vs_stack_ask_within(stack, call);
}

int vs_stack_nl_open(struct vdestack *stack, struct vs_nl *nl)
{
	int fd = vdestack_msocket(stack, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno; /* with the socket's own message */
	int r = vs_nl_open(nl, fd);
	return r < 0 ? vs_nl_fail(nl, -r, "cannot prepare a netlink socket of the stack") : 0;
}

/* ------------------------------------------------------------------ sysctl */

int vs_stack_sysctl_set(struct vdestack *stack, const char *name, const char *value)
{
	struct vs_long_call call = { .req = { .op = VS_OP_SYSCTL_SET } };
	size_t name_len = strlen(name) + 1, len = name_len + strlen(value);

	if (len > VS_TEXT_MAX)
		return -E2BIG;
	VS_AUTO_FREE char *text = malloc(len + 1);
	if (text == NULL)
		return -ENOMEM;
	memcpy(text, name, name_len);
	memcpy(text + name_len, value, strlen(value) + 1);
	call.text = text;
	call.text_len = len;
	int r = vs_stack_ask(stack, &call);
	return r < 0 ? r : 0;
}

int vs_stack_sysctl_get(struct vdestack *stack, const char *name, char *buf, size_t size)
{
	struct vs_long_call call = { .req = { .op = VS_OP_SYSCTL_GET }, .text = name,
				     .text_len = strlen(name) };
	int r = vs_stack_ask(stack, &call);

	if (r < 0)
		return r;
	size_t len = strlen(call.answer);
	if (len > 0 && call.answer[len - 1] == '\n')
		call.answer[--len] = '\0';
	if (len >= size)
		return -ERANGE;
	memcpy(buf, call.answer, len + 1);
	return (int)len;
}
