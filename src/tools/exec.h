/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_EXEC_H
#define VS_TOOLS_EXEC_H

/* `vdestack exec`. argv[0] is "exec". Returns the exit status. */

int vs_exec_main(int argc, char *argv[]);

#endif
