/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_EXEC_H
#define VS_TOOLS_EXEC_H

/* `vdestack exec`. argv[0] is "exec". Returns the exit status. */

#include <sys/types.h>

struct vdestack;

int vs_exec_main(int argc, char *argv[]);

/*
 * A handle of the stack that the word PID[:STACK] names. NULL: a message that begins with `tool` has been
 * written to standard error.
 */
struct vdestack *vs_exec_attach(const char *tool, const char *word);

#endif
