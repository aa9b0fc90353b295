/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_REGAIN_H
#define VS_KEEPER_REGAIN_H

/* The doors of a stack whose processes close them and come back; see regain.c. */

#include <stdint.h>

struct vs_keeper;
struct vs_net;
struct vs_wanted_door;

/*
 * Main thread: gives the stack another door. Takes fd on success. -ENETDOWN: there is no such stack, or the
 * secret is wrong. -EBUSY: it has as many doors as it may have at the moment.
 */
int vs_regain_join(struct vs_keeper *k, const struct vs_wanted_door *wanted, int fd);
/*
 * Main thread: gives the stack a door for another program, which does not keep it. Otherwise as
 * vs_regain_join().
 */
int vs_regain_attach(struct vs_keeper *k, uint64_t stack, int fd);
/*
 * Main thread: wakes the networking threads that have not taken their new doors yet. Returns the ms until it
 * must be called again; -1: not before another event.
 */
int vs_regain_check(struct vs_keeper *k);

/* Networking thread: from now on the stack can get doors. Its first door is open. */
void vs_regain_begin(struct vs_net *n);
/*
 * Networking thread: makes a door for another process, which is served from now on. 0 and *others_end, which
 * is the caller's, or -errno. -EBUSY: the stack has as many doors as it may have.
 */
int vs_regain_pass(struct vs_net *n, int *others_end);
/* Networking thread: answers VS_OP_SECRET. */
void vs_regain_tell_secret(struct vs_net *n);
/*
 * Networking thread: waits for a request at any of the doors, and receives it into n->call. 1: there is one;
 * 0: the stack ends; -EPROTO: it was no request.
 */
int vs_regain_recv(struct vs_net *n);
/* Networking thread: the end of the stack. Closes all doors. */
void vs_regain_end(struct vs_net *n);

#endif
