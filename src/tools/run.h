/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_RUN_H
#define VS_TOOLS_RUN_H

/* vdestack run: starts a program whose sockets are in a stack. Returns only if the program is not started. */
int vs_run_main(int argc, char *argv[]);

#endif
