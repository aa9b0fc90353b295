/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_COMMAND_H
#define VS_CORE_COMMAND_H

#include <vdestack.h>

/*
 * Starts a command of the host network whose standard input and output are one stream. The command line is
 * split as by vs_argv_split(), and its first word is looked up in PATH. The command ends with the stack.
 * *stream is the other end, and belongs to the caller. 0 or -errno, message recorded.
 */
int vs_command_stream(struct vdestack *stack, const char *line, int *stream);

#endif
