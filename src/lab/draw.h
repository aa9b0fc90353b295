/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_DRAW_H
#define VS_LAB_DRAW_H

/* A topology as text or picture. Pure. */

#include <stdio.h>

#include "topology.h"

/* *drawn is for free(3). format: enum vdestack_lab_format. -EINVAL (an error is recorded), -ENOMEM. */
int vs_lab_draw(const struct vs_lab_topology *t, unsigned format, char **drawn);

void vs_lab_draw_text(FILE *out, const struct vs_lab_topology *t);
void vs_lab_draw_dot(FILE *out, const struct vs_lab_topology *t);
void vs_lab_draw_svg(FILE *out, const struct vs_lab_topology *t);

#endif
