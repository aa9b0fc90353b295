/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_TOP_H
#define VS_TOOLS_TOP_H

/* `vdestack top`. argv[0] is "top". Returns the exit status. */
int vs_top_main(int argc, char *argv[]);

#endif
