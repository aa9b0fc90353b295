/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_ERRAND_H
#define VS_KEEPER_ERRAND_H

/* What a networking thread cannot do itself, as it has given up the privileges for it; see errand.c. */

struct vs_errand;
struct vs_keeper;

/*
 * Runs fn(arg) on a thread with all the keeper's privileges, in the network namespace ns, and waits for it.
 * 0 or -errno: fn was not called. The caller holds no lock.
 */
int vs_errand_run(struct vs_keeper *k, int ns, void (*fn)(void *arg), void *arg);

/* Main thread: starts the errands that wait. */
void vs_errands_start(struct vs_keeper *k);

#endif
