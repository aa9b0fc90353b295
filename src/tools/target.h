/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_TARGET_H
#define VS_TOOLS_TARGET_H

/* What a word PID:STACK:IFACE stands for. */

#include <stdbool.h>
#include <sys/types.h>

struct vdestack;

/*
 * Cuts the interface off PID:STACK:IFACE. PID::IFACE: the only stack. The interface, or NULL: none is named.
 * Names of interfaces have no colon, those of stacks may have one.
 */
const char *vs_target_interface(char *word);

/* What PID[:STACK] names; *stack is NULL without one. False: a message has been written. */
bool vs_target_read(const char *tool, const char *word, pid_t *pid, const char **stack);

/*
 * A handle of the stack that the word PID[:STACK] names. NULL: a message that begins with `tool` has been
 * written to standard error.
 */
struct vdestack *vs_target_attach(const char *tool, const char *word);

/* Writes a message to standard error, which may have texts of other programs in it. */
void vs_target_say(const char *tool, const char *text);

#endif
