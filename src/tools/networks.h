/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_NETWORKS_H
#define VS_TOOLS_NETWORKS_H

/* Which interfaces are on one network, as far as their locators tell. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Whether two interfaces, which are not the same one, are on one network. A segment belongs to a keeper, and
 * so does a path that begins in a working directory. A command, or a slirp, is a network of its own. Two
 * networks with different locators may be connected; no locator tells that.
 */
bool vs_networks_same(const char *a, pid_t keeper_a, const char *b, pid_t keeper_b);

/*
 * A locator without what is private: of a command only its name, no user or password, no parameters behind
 * '?'. Cut to size.
 */
void vs_networks_show(const char *locator, char *buf, size_t size);

#endif
