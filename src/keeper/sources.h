/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_SOURCES_H
#define VS_KEEPER_SOURCES_H

/* Address sources of the keeper's stacks; see the essay in sources.c. */

#include <stdbool.h>

struct vs_job;
struct vs_keeper;
struct vs_net;
struct vs_sources_stack;

/*
 * Networking thread: serves VS_OP_SOURCES, VS_OP_SOURCES_WAIT or VS_OP_LEARNED (n->call). 0: the thread of
 * the sources has taken the call and answers it. -errno with a message: the caller answers.
 */
int vs_sources_request(struct vs_net *n);

/*
 * Networking thread: the interface is to be removed. Its sources are stopped first, then the job is
 * submitted. False: it has none, and the job is still the caller's.
 */
bool vs_sources_remove(struct vs_net *n, const char *ifname, struct vs_job *job);

/*
 * Networking thread: the stack ends. Stops its sources. Waits, for six seconds at most, until what
 * they say to their servers has been sent.
 */
void vs_sources_end(struct vs_net *n);

/* Main thread: starts the thread of the sources if there is a reason. */
void vs_sources_check(struct vs_keeper *k);

#endif
