/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHCONF_NAMES_H
#define VS_IOTHCONF_NAMES_H

/* The name servers and domains of a stack. */

#include "target.h"

/*
 * The text of a resolv.conf, for the interface of the target or for all (ifname ""): what the stack knows,
 * and before that what is remembered of interfaces for which it takes no words. The caller frees it. NULL
 * with errno and the message.
 */
char *vs_names_text(const struct vs_target *t);

#endif
