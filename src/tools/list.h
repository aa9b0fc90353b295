/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_LIST_H
#define VS_TOOLS_LIST_H

/* `vdestack list`. argv[0] is "list". Returns the exit status. */

#include <stdbool.h>

struct vs_view_iface;

int vs_list_main(int argc, char *argv[]);

/* "up", "down" or "no carrier". */
const char *vs_list_link(const struct vs_view_iface *iface);

/* A pause on the command line: from 0.05 to 3600 seconds. */
bool vs_list_seconds(const char *text, double *seconds);

#endif
