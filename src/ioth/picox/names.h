/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_NAMES_H
#define PX_NAMES_H

/* Name servers and search domains: of the words dns= and domain=, and those that sources have learned. */

#include <stddef.h>

#include "iface.h"

struct vs_conf_sources;

/* Removes, then adds what the words say. What is there already is no error. -ENOSPC: there is no room. */
int px_names_change(const struct px_iface *iface, const struct vs_conf_sources *words, const char **why);

/* The interface goes. */
void px_names_drop(const struct px_iface *iface);

/*
 * Writes the text of a resolv.conf(5); ifname "": of all interfaces. Returns the length of the whole text, of
 * which size bytes are stored, a NUL included; or -ENOMEM.
 */
long px_names_resolvconf(const char *ifname, char *buf, size_t size);

#endif
