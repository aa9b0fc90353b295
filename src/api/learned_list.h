/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_API_LEARNED_LIST_H
#define VS_API_LEARNED_LIST_H

#include "core/sources.h"
#include <vdestack.h>

/*
 * Reads what was learned on an interface (NULL or "": on all). 0 or -errno with a message that begins with
 * `step`; -ENODEV: there is no such interface. In sources.c.
 */
int vs_learned_of(struct vdestack *stack, const char *ifname, const char *step, struct vs_learned *out);

/*
 * Writes the records as the text of a resolv.conf, of which size bytes are stored, a NUL included. Returns
 * the length of the whole text without the NUL, like snprintf(3). In resolvconf.c.
 */
size_t vs_resolvconf_write(const struct vs_learned *learned, char *buf, size_t size);

#endif
