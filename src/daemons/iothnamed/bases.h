/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_BASES_H
#define NM_BASES_H

/* Names in rules whose addresses are found when the program starts, and when it reads its file anew. */

#include <ioth.h>
#include <stdatomic.h>

#include "config.h"

/*
 * Finds the base addresses, and the reverse zones of hosts: in the static records, else by the servers of the
 * lines dns, which are asked from a stack. It waits for them. file is for messages. 0, or -1 after messages.
 * When another thread sets *stop, no other name is looked for, and the result is -1; NULL: there is none.
 */
int nm_bases_find(struct nm_config *config, struct ioth *forward, const char *file, const atomic_bool *stop);

#endif
