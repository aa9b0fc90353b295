/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_MAP_COMMAND_H
#define VS_TOOLS_MAP_COMMAND_H

/* `vdestack map`: programs, stacks, interfaces and networks as text, Graphviz or SVG. */

/* argv[0] is "map". Returns the exit status. */
int vs_map_main(int argc, char *argv[]);

#endif
