/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_STATS_H
#define VS_TOOLS_STATS_H

/* `vdestack stats`. argv[0] is "stats". Returns the exit status. */
int vs_stats_main(int argc, char *argv[]);

#endif
