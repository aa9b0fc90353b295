/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_OWNER_H
#define VS_TOOLS_OWNER_H

/* The process that keeps the stack of `vdestack enter`. */

#include <stdbool.h>
#include <stddef.h>

#include "preload/follow.h"

#define VS_OWNER_TEXT VS_FOLLOW_TEXT /* bytes of a resolv.conf or a message */

struct vs_stack_owner {
	int conversation;
	int netns;                /* of the stack */
	char text[VS_OWNER_TEXT]; /* of resolv.conf; or the message of the error */
};

/*
 * Starts it; it makes the stack, whose configuration is `config`. Returns when the stack is ready: 0, both
 * descriptors close-on-exec; or -errno and a message. The owner ends when the conversation ends before
 * vs_owner_hand_over().
 */
int vs_owner_start(const char *config, bool allow_absent, struct vs_stack_owner *owner);

/*
 * The calling process has entered the namespace. From now on the owner keeps the stack until the process and
 * all its descendants there have ended. `resolv` and `watch` are those of vs_mounts_make(), and -1 if there
 * is none. `follow`: the owner writes the stack's name servers to `resolv` when they change. 0 or -errno.
 */
int vs_owner_hand_over(const struct vs_stack_owner *owner, int resolv, int watch, bool follow);

#endif
