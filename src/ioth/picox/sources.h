/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_SOURCES_H
#define PX_SOURCES_H

/*
 * Address sources (DHCP, router advertisements, DHCPv6) of the interfaces. Their machines are those of
 * src/auto; frames are tapped before lwIP sees them.
 */

#include <stdbool.h>
#include <stddef.h>

#include "auto/auto.h"
#include "iface.h"

struct vs_conf_iface;
struct vdestack_source; /* <vdestack/sources.h> */

/* A frame has come. False: lwIP must not see it. */
bool px_sources_frame(struct px_iface *iface, const void *frame, size_t n);

/* The interface has gone up or down, or its carrier has. */
void px_sources_link(const struct px_iface *iface);

/*
 * Starts and stops what the words of a section say (struct vs_conf_sources), and begins anew what runs. 0 or
 * -errno with *why.
 */
int px_sources_change(struct px_iface *iface, const struct vs_conf_iface *words, const char **why);

/*
 * All that was started with a word that requires it is ready. False: `why`, which has size bytes, says what
 * is missing.
 */
bool px_sources_ready(const struct px_iface *iface, char *why, size_t size);

/*
 * Writes the states of the sources from number `first` on, n at most. ifname "": of all interfaces. Returns
 * how many sources there are.
 */
size_t px_sources_list(const char *ifname, size_t first, struct vdestack_source *list, size_t n);

/* What a source has said besides addresses and routes. NULL: there is no such source. */
const struct vs_auto_facts *px_sources_facts(const struct px_iface *iface, enum vs_auto_source source);

/* The interface goes: its sources end without a word to their servers. */
void px_sources_drop(const struct px_iface *iface);

#endif
