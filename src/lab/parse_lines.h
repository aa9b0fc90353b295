/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_PARSE_LINES_H
#define VS_LAB_PARSE_LINES_H

#include "reader.h"

/* The lines of hosts and routers; of links and routes. The reader stands behind the keyword. */
int vs_lab_parse_host(struct vs_lab_reader *r, enum vs_lab_kind kind);
int vs_lab_parse_link(struct vs_lab_reader *r);
int vs_lab_parse_route(struct vs_lab_reader *r);

#endif
