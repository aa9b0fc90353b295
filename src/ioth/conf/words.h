/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHCONF_WORDS_H
#define VS_IOTHCONF_WORDS_H

/*
 * What a plan means as words of vdestack_config(7), for one interface. Pure. Each function returns a text
 * that the caller frees; NULL: out of memory, or *none is set, because there is nothing to do.
 */

#include "plan.h"

/* Sources that are to be started: those of `parts`, with their options. */
char *vs_words_start(const struct vs_plan *plan, const char *ifname, unsigned parts, bool *none);

/* Sources that are to be stopped. */
char *vs_words_stop(const struct vs_plan *plan, const char *ifname, bool *none);

/* Static items: those of `gone` are removed, then those of `add` are added. */
char *vs_words_static(const char *ifname, const struct vs_items *gone, const struct vs_items *add,
		      bool *none);

#endif
