/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_MAP_FORMS_H
#define VS_TOOLS_MAP_FORMS_H

/* The forms of the map, each a file of its own. */

#include <stdio.h>

struct vs_map;

void vs_map_text(const struct vs_map *map, FILE *out);
void vs_map_dot(const struct vs_map *map, FILE *out);
int vs_map_svg(const struct vs_map *map, FILE *out); /* 0 or -ENOMEM */

#endif
