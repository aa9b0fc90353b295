/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_PARSE_H
#define VS_LAB_PARSE_H

/* From the text of a lab to its topology, with all addresses and routes. Pure. */

#include "mistake.h"
#include "topology.h"

/*
 * Parses text[0..len). partial: names that are not defined are no mistake, as the text goes on elsewhere;
 * the topology is of no use then. -EINVAL: *mistake says what is wrong, of the first pass that finds one:
 * networks, then hosts, then links and routes. -ENOMEM.
 */
int vs_lab_parse(const char *text, size_t len, bool partial, struct vs_lab_topology **topology,
		 struct vs_lab_mistake *mistake);

#endif
