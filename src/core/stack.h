/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_STACK_H
#define VS_CORE_STACK_H

/* What the rest of the program's side may ask of a stack. */

#include <stdbool.h>
#include <stddef.h>

#include <vdestack.h>

struct vs_long_call;
struct vs_nl;

/* Makes a long call to the stack's networking thread, and fills in where it goes. As vs_long_call_run(). */
int vs_stack_ask(struct vdestack *stack, struct vs_long_call *call);
/* The same within call->timeout_ms: for calls that wait for a network. */
int vs_stack_ask_within(struct vdestack *stack, struct vs_long_call *call);

/*
 * Opens an rtnetlink conversation in the stack (rtnl/nl.h). 0, -EINVAL (handle), -EMFILE...; message
 * recorded.
 */
int vs_stack_nl_open(struct vdestack *stack, struct vs_nl *nl);

/*
 * Descriptors a command runner needs, owned by the caller afterwards:
 *  netns: the stack's namespace; -1 for a command in the host network
 *  life:  SOCK_SEQPACKET; end of file when the keeper or the stack has ended
 *  leash: SOCK_SEQPACKET; end of file when this program (all its processes) has ended or
 *         this process has deleted the stack
 */
struct vs_stack_entry {
	int netns;
	int life;
	int leash;
};
int vs_stack_entry(struct vdestack *stack, bool host, struct vs_stack_entry *out);

/*
 * sysctl by the networking thread. name is the path below /proc/sys/net, checked by the caller. Returns 0
 * (set) or the length (get), or -errno, for which the caller records the message. Of -EPERM the keeper has
 * given the cause: it is recorded, and the caller puts the step in front of it.
 */
int vs_stack_sysctl_set(struct vdestack *stack, const char *name, const char *value);
int vs_stack_sysctl_get(struct vdestack *stack, const char *name, char *buf, size_t size);

#endif
