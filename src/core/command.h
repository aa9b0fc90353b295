/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_COMMAND_H
#define VS_CORE_COMMAND_H

#include <vdestack.h>

/*
 * Starts a command of the host network whose standard input and output are one stream; the
 * command line is split as by vs_argv_split(), its first word is looked up in PATH. It ends with
 * the stack. *stream is the other end, the caller's. 0 or -errno, sentence recorded.
 */
int vs_command_stream(struct vdestack *stack, const char *line, int *stream);

#endif
